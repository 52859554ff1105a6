"""Files that broke the decoder that read them: only that file pays."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, Text
from ironleaf.services.files.errors.wording import SAVE_AGAIN


def _failure(code: int, reason: str, kind: Kind, message: Text, operator_advice: Text) -> Entry:
    return Entry(
        code=code,
        reason=reason,
        family=Family.PROCESSING,
        level=Level.L3,
        kind=kind,
        message=message,
        user_advice=SAVE_AGAIN,
        operator_advice=operator_advice,
        alert=AlertRule.RATE,
    )


DECODER_FAILED: Final = _failure(
    50001,
    "decoder-failed",
    Kind.INTERNAL,
    Text("This file broke the decoder that read it.", "读取该文件的解码器因它而崩溃。"),
    Text(
        "The worker was replaced. If many files do it, look for a decoder that was updated lately.",
        "工作进程已被替换。如果很多文件都如此，请检查最近更新过的解码库。",
    ),
)
DECODER_TIMEOUT: Final = _failure(
    50002,
    "decoder-timeout",
    Kind.TIMEOUT,
    Text("This file broke its decoder: reading it took too long.", "该文件使解码器失效：读取耗时过长。"),
    Text(
        "The worker was stopped and replaced. The limit is files.limits.decode_s_max.",
        "工作进程已被终止并替换。时间上限为 files.limits.decode_s_max。",
    ),
)
DECODER_MEMORY: Final = _failure(
    50003,
    "decoder-memory",
    Kind.INTERNAL,
    Text("This file broke its decoder: reading it took too much memory.", "该文件使解码器失效：读取占用内存过多。"),
    Text(
        "The worker was stopped and replaced. The limit is files.limits.decode_bytes_max.",
        "工作进程已被终止并替换。内存上限为 files.limits.decode_bytes_max。",
    ),
)
DECODERS_UNAVAILABLE: Final = Entry(
    code=50303,
    reason="decoders-unavailable",
    family=Family.PROCESSING,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("Files cannot be opened right now.", "目前无法打开文件。"),
    user_advice=Text("Try again later.", "请稍后重试。"),
    operator_advice=Text(
        "No decoder process could be started. Run the doctor command; check memory and process limits.",
        "无法启动解码进程。请运行 doctor 命令，并检查内存和进程数限制。",
    ),
    retryable=True,
    alert=AlertRule.AT_ONCE,
)
FILE_QUARANTINED: Final = Entry(
    code=42226,
    reason="file-quarantined",
    family=Family.PROCESSING,
    level=Level.L2,
    kind=Kind.INVALID_INPUT,
    message=Text("This file has broken decoders before and is refused.", "该文件曾多次使解码器崩溃，已被拒绝。"),
    user_advice=SAVE_AGAIN,
    operator_advice=Text(
        "The file is known by its hash. `ironleaf quarantine list` shows it; release it once the decoder is mended.",
        "该文件按哈希值识别，可用 `ironleaf quarantine list` 查看。解码器修复之后可以解除隔离。",
    ),
    alert=AlertRule.SURGE,
)

ENTRIES: Final = (DECODER_FAILED, DECODER_TIMEOUT, DECODER_MEMORY, DECODERS_UNAVAILABLE, FILE_QUARANTINED)
