"""The engines' entries of the error catalogue, and their warnings.

Codes end in 50-54 here; the entries of the VL engine live beside it and end in 55-69.
"""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, ModelFailure, NoticeEntry, Text


class NotAsked(ModelFailure):
    """The page was turned away before any attempt: whoever would have read it never saw it."""


TEXT_LAYER_MISSING: Final = Entry(
    code=42250,
    reason="text-layer-missing",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text(
        en="The page carries no text of its own, and only such text was asked for.",
        zh="该页面本身不含文本，而请求只要求读取自带文本。",
    ),
    user_advice=Text(
        en="Choose the engine “auto”, so that the page is recognised from its picture.",
        zh="请将 engine 设为“auto”，以便从图像中识别该页面。",
    ),
    operator_advice=Text(
        en="Nothing to do: the caller asked for the text layer of a page without one.",
        zh="无需处理：调用方要求读取一个没有文本层的页面的文本层。",
    ),
    alert=AlertRule.SURGE,
)

TEXT_LAYER_UNTRUSTED: Final = Entry(
    code=42251,
    reason="text-layer-untrusted",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text(
        en="The text that the page carries does not look readable, and nothing else was asked for.",
        zh="该页面自带的文本看起来不可读，而请求只要求读取自带文本。",
    ),
    user_advice=Text(
        en="Choose the engine “auto”, so that the page is recognised from its picture.",
        zh="请将 engine 设为“auto”，以便从图像中识别该页面。",
    ),
    operator_advice=Text(
        en="Nothing to do: the file's own text is garbled, hidden or incomplete.",
        zh="无需处理：文件自带的文本是乱码、被隐藏或不完整。",
    ),
    alert=AlertRule.SURGE,
)

ENGINE_BUSY: Final = Entry(
    code=42950,
    reason="engine-busy",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.BUSY,
    message=Text(
        en="Too many pages are waiting to be read just now.",
        zh="当前等待识别的页面过多。",
    ),
    user_advice=Text(
        en="Please try again after the time given in Retry-After.",
        zh="请在 Retry-After 指示的时间之后重试。",
    ),
    operator_advice=Text(
        en="If this lasts, add processes or replicas, or send fewer pages at once.",
        zh="如果持续出现，请增加工作进程或副本，或减少同时提交的页数。",
    ),
    retryable=True,
    alert=AlertRule.SURGE,
)

ENGINE_FAILED: Final = Entry(
    code=50250,
    reason="engine-failed",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="The page could not be read because the recognition engine failed.",
        zh="识别引擎出现故障，未能读取该页面。",
    ),
    user_advice=Text(
        en="Please try again; if the same page fails every time, send it as a smaller picture.",
        zh="请重试；如果同一页面每次都失败，请改用尺寸较小的图片。",
    ),
    operator_advice=Text(
        en="See the log entry with this request id: it says whether the worker crashed, ran out of memory or raised.",
        zh="请按请求编号查看日志：其中说明工作进程是崩溃、内存不足还是抛出异常。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

ENGINE_UNAVAILABLE: Final = Entry(
    code=50350,
    reason="engine-unavailable",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="The recognition engine is not available just now.",
        zh="识别引擎暂时不可用。",
    ),
    user_advice=Text(
        en="Please try again in a little while.",
        zh="请稍后重试。",
    ),
    operator_advice=Text(
        en="The engine's workers do not start or are shutting down: run `ironleaf doctor` and read the start-up log.",
        zh="引擎的工作进程无法启动或正在关闭：请运行 `ironleaf doctor` 并查看启动日志。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

CIRCUIT_OPEN: Final = Entry(
    code=50352,
    reason="circuit-open",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="The recognition engine has failed repeatedly and is given a rest.",
        zh="识别引擎连续出现故障，正在暂停使用。",
    ),
    user_advice=Text(
        en="Try again after the time given in Retry-After, or let the service choose the engine (engine=auto).",
        zh="请在 Retry-After 指示的时间之后重试，或者让服务自行选择引擎（engine=auto）。",
    ),
    operator_advice=Text(
        en="This backend's breaker is open: the log says what opened it. It closes once the canary page is read well.",
        zh="该后端的熔断器已打开：日志中说明了原因。一旦能正确读取探测页，它会自行关闭。",
    ),
    retryable=True,
    alert=AlertRule.NEVER,
)

MODEL_FILES_DAMAGED: Final = Entry(
    code=50351,
    reason="model-files-damaged",
    family=Family.MODEL,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="The recognition engine is not ready: its model files need attention.",
        zh="识别引擎尚未就绪：其模型文件需要处理。",
    ),
    user_advice=Text(
        en="Please try again later; the operator has been told.",
        zh="请稍后重试；已通知运维人员。",
    ),
    operator_advice=Text(
        en="A model file is missing or not the one this release expects: install the locked requirements again.",
        zh="模型文件缺失，或与本版本测试所用的文件不一致：请重新安装锁定的依赖。",
    ),
    alert=AlertRule.AT_ONCE,
)

ENGINE_TIMEOUT: Final = Entry(
    code=50450,
    reason="engine-timeout",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.TIMEOUT,
    message=Text(
        en="Reading the page took longer than one page may take.",
        zh="读取该页面所用的时间超过了单页允许的时间。",
    ),
    user_advice=Text(
        en="Please try again, or send the page as a smaller picture.",
        zh="请重试，或改用尺寸较小的图片。",
    ),
    operator_advice=Text(
        en="If this lasts, the machine is overloaded or the limit per page is too low for its speed.",
        zh="如果持续出现，说明机器过载，或单页时限相对其速度过低。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

DEADLINE_EXCEEDED: Final = Entry(
    code=50451,
    reason="deadline-exceeded",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.TIMEOUT,
    message=Text(
        en="The time given for this request ended before the page was read.",
        zh="在读取该页面之前，本次请求的时限已到。",
    ),
    user_advice=Text(
        en="Ask for fewer pages with page_range, or allow more time with timeout_s.",
        zh="请用 page_range 减少页数，或用 timeout_s 延长时限。",
    ),
    operator_advice=Text(
        en="If this lasts, requests are larger than the machine can read in their time: add processes or replicas.",
        zh="如果持续出现，说明请求的页数超出机器在时限内的处理能力：请增加工作进程或副本。",
    ),
    retryable=True,
    alert=AlertRule.SURGE,
)

ENTRIES: Final[tuple[Entry, ...]] = (
    TEXT_LAYER_MISSING,
    TEXT_LAYER_UNTRUSTED,
    ENGINE_BUSY,
    ENGINE_FAILED,
    ENGINE_UNAVAILABLE,
    CIRCUIT_OPEN,
    MODEL_FILES_DAMAGED,
    ENGINE_TIMEOUT,
    DEADLINE_EXCEEDED,
)

SCRIPT_NOT_SUPPORTED: Final = NoticeEntry(
    reason="script-not-supported",
    message=Text(
        en="The page seems to use a script that this engine does not know; its text is kept but is probably wrong.",
        zh="该页面的文字似乎属于本引擎不支持的书写系统；文本予以保留，但很可能有误。",
    ),
)
LOW_CONFIDENCE: Final = NoticeEntry(
    reason="low-confidence",
    message=Text(
        en="Much of this page was hard to read; please check its text.",
        zh="该页面有较多内容难以辨认，请核对其文本。",
    ),
)
ROTATION_CORRECTED: Final = NoticeEntry(
    reason="rotation-corrected",
    message=Text(
        en="The page was not upright and was turned before it was read.",
        zh="该页面方向不正，已旋转后再识别。",
    ),
)
LINES_LEFT_OUT: Final = NoticeEntry(
    reason="lines-left-out",
    message=Text(
        en="Some lines of the page were not read: there are more than the engine reads on one page, or the time ended.",
        zh="该页面有部分行未读取：行数超过引擎单页可读取的上限，或时限已到。",
    ),
)

NOTICES: Final[tuple[NoticeEntry, ...]] = (
    SCRIPT_NOT_SUPPORTED,
    LOW_CONFIDENCE,
    ROTATION_CORRECTED,
    LINES_LEFT_OUT,
)
