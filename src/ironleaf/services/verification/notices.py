"""The closed list of verdicts, in words."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import NoticeEntry, Text

NOTICES: Final[tuple[NoticeEntry, ...]] = (
    NoticeEntry("answer-empty", Text("The engine gave no text for this page.", "引擎没有为该页返回任何文字。")),
    NoticeEntry(
        "answer-truncated", Text("The engine's text breaks off before its end.", "引擎返回的文字在结尾前被截断。")
    ),
    NoticeEntry("answer-unfinished", Text("The engine ended in an unusual way.", "引擎以异常方式结束了输出。")),
    NoticeEntry("answer-filtered", Text("A safety filter withheld the engine's text.", "安全过滤器拦截了引擎的输出。")),
    NoticeEntry("image-ignored", Text("The engine did not look at the image.", "引擎没有读取图片。")),
    NoticeEntry(
        "answer-is-error-text",
        Text("The engine gave an error message instead of text.", "引擎返回的是错误信息而非页面文字。"),
    ),
    NoticeEntry("repetition-loop", Text("The engine repeated itself without end.", "引擎陷入了重复输出。")),
    NoticeEntry("answer-refused", Text("The engine refused to read the page.", "引擎拒绝读取该页面。")),
    NoticeEntry("no-text-claimed", Text("The engine says that there is no text.", "引擎称页面上没有文字。")),
    NoticeEntry("prompt-echoed", Text("The engine repeated its instructions.", "引擎复述了提示词。")),
    NoticeEntry(
        "answer-wrapped", Text("The engine's text came with words around it.", "引擎的文字带有多余的包裹内容。")
    ),
    NoticeEntry(
        "text-on-inkless-page",
        Text("The engine gave text for a page that has next to no ink.", "页面几乎空白，引擎却返回了文字。"),
    ),
)
