"""Entries of the application tier: what is wrong with a request as a whole."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import (
    AlertRule,
    Entry,
    Family,
    IronleafError,
    Kind,
    Level,
    NoticeEntry,
    ProcessingFailure,
    Text,
)
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR

UNKNOWN_OPTION: Final = Entry(
    code=42270,
    reason="unknown-option",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text(
        en="The request carries an option that this service does not have.",
        zh="请求中包含本服务没有的选项。",
    ),
    user_advice=Text(
        en="Remove it, or correct its name: `details` lists the options that exist.",
        zh="请删除该选项或更正其名称；`details` 中列出了可用的选项。",
    ),
    operator_advice=Text(
        en="Nothing to do: the caller sent a form field that is not an option.",
        zh="无需处理：调用方发送的表单字段不是本服务的选项。",
    ),
)

ENGINE_NOT_CONFIGURED: Final = Entry(
    code=42271,
    reason="engine-not-configured",
    family=Family.VALIDATION,
    level=Level.L2,
    kind=Kind.UNSUPPORTED,
    message=Text(
        en="The engine that was asked for is not set up on this service.",
        zh="本服务没有配置所请求的引擎。",
    ),
    user_advice=Text(
        en="Choose the engine “auto”, or one of those listed in `details`.",
        zh="请将 engine 设为“auto”，或从 `details` 列出的引擎中选择。",
    ),
    operator_advice=Text(
        en="Configure a VL backend if callers are to use it; see the how-to on backends.",
        zh="如需提供视觉语言模型引擎，请配置后端；参见后端配置指南。",
    ),
    alert=AlertRule.SURGE,
)

PAGE_WITHOUT_IMAGE: Final = Entry(
    code=42272,
    reason="page-without-image",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.UNSUPPORTED,
    message=Text(
        en="The engine that was asked for reads images, and this page has none: its file holds text only.",
        zh="所请求的引擎只能读取图像，而该页面没有图像：文件中只有文本。",
    ),
    user_advice=Text(
        en="Choose the engine “auto”: it takes the text from the file itself.",
        zh="请将 engine 设为“auto”，服务会直接从文件中读取文本。",
    ),
    operator_advice=Text(
        en="Nothing to do: the caller asked for an engine that does not fit the file.",
        zh="无需处理：调用方选择的引擎不适用于该文件。",
    ),
)

CONVERSION_FAILED: Final = Entry(
    code=50270,
    reason="conversion-failed",
    family=Family.PROCESSING,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="None of the pages could be read.",
        zh="所有页面都未能读取。",
    ),
    user_advice=Text(
        en="`details` says for each page why. Try again, or send the pages one by one.",
        zh="`details` 中说明了每一页失败的原因。请重试，或逐页提交。",
    ),
    operator_advice=Text(
        en="Pages of one file failed for different reasons: look each up in the log by the request id.",
        zh="同一文件的各页因不同原因失败：请按请求编号在日志中逐一查看。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

ENTRIES: Final[tuple[Entry, ...]] = (UNKNOWN_OPTION, ENGINE_NOT_CONFIGURED, PAGE_WITHOUT_IMAGE, CONVERSION_FAILED)

NO_TEXT_FOUND: Final = NoticeEntry(
    reason="no-text-found",
    message=Text(en="The page shows something, but no text was found on it.", zh="页面上有内容，但没有发现文字。"),
)
PAGE_IMAGE_LEFT_OUT: Final = NoticeEntry(
    reason="page-image-left-out",
    message=Text(
        en="The page's picture was asked for, but could not be made within its limit.",
        zh="请求了页面图像，但无法在限制之内生成。",
    ),
)

NOTICES: Final[tuple[NoticeEntry, ...]] = (NO_TEXT_FOUND, PAGE_IMAGE_LEFT_OUT)


def as_known(error: BaseException) -> IronleafError:
    """Return ``error`` if the catalogue knows it, else an internal error with it as the private cause."""
    if isinstance(error, IronleafError):
        return error
    failure = ProcessingFailure(INTERNAL_ERROR)
    failure.__cause__ = error
    return failure
