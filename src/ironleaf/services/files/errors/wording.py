"""Advice that many entries share."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Text

NOTHING_TO_DO: Final = Text(
    "Nothing to do: this is about the caller's file or request. A surge of it may mean a client that went wrong.",
    "无需处理：问题出在调用方的文件或请求。如果数量突增，可能是某个客户端出了问题。",
)
LIMIT_IS_A_SETTING: Final = Text(
    "The limit is a setting of the section files.limits. Raise it only with memory and time to match.",
    "该上限是 files.limits 配置段中的一项。调高之前请确认内存和处理时间足够。",
)
SAVE_AGAIN: Final = Text(
    "Open the file in the program that made it, save it again, and send the new copy.",
    "请用原来的程序打开该文件，重新保存后再上传新的副本。",
)
SEND_AGAIN: Final = Text(
    "Send the request again. If it happens every time, check the client or a proxy in between.",
    "请重新发送请求。如果每次都发生，请检查客户端或中间的代理。",
)
