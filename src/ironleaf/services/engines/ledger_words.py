"""What the ledger of self-healing says, in both languages. It is written down in English, and read in either."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.errors import Language
    from ironleaf.services.engines.ledger import HealingEntry

MODEL_GONE: Final = Text("the model was gone", "模型已消失")
NOBODY_ELSE: Final = Text("the model was gone and nobody could stand in", "模型已消失，且没有可替代的模型")
MODEL_READS_AGAIN: Final = Text("the configured model reads again", "配置的模型已恢复识别")
BY_HAND: Final = Text("by hand", "人工操作")

CANARY_RAIL: Final = Text("reads the canary page, sees images, same family", "能读出测试页、能识别图像、属于同一系列")
RELAUNCH_RAIL: Final = Text(
    "one at a time, 10 minutes apart, 3 a day, after 60 s without the model",
    "每次一个，间隔 10 分钟，每天最多 3 次，且模型已消失 60 秒",
)
A_PERSON_DECIDED: Final = Text("a person decided", "由人工决定")

UNDO_SWITCH: Final = Text(
    "comes back by itself once the configured model reads again; or restart",
    "配置的模型恢复识别后会自动切回；也可重启服务",
)
UNDO_RESTORE: Final = Text("nothing to undo: this is what the settings say", "无需撤销：与配置一致")
UNDO_RETURN: Final = Text("open the breaker by hand", "人工打开熔断器")
UNDO_RELAUNCH: Final = Text(
    "DELETE /v1/models/{uid} at the server; empty the backend's relaunch setting",
    "在模型服务器上执行 DELETE /v1/models/{uid}；并清空该后端的 relaunch 配置",
)
UNDO_OPENING: Final = Text("close or reset it by hand", "人工关闭或重置")
UNDO_CLOSING: Final = Text("open it by hand", "人工打开")
UNDO_RESET: Final = Text("open it by hand; its past is forgotten", "人工打开；历史记录已清除")

LEDGER_WORDS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        text.en: text
        for text in (
            *(MODEL_GONE, NOBODY_ELSE, MODEL_READS_AGAIN, BY_HAND),
            *(CANARY_RAIL, RELAUNCH_RAIL, A_PERSON_DECIDED),
            *(UNDO_SWITCH, UNDO_RESTORE, UNDO_RETURN, UNDO_RELAUNCH, UNDO_OPENING, UNDO_CLOSING, UNDO_RESET),
        )
    }
)
"""Every sentence that is written down, by its English words."""


def tell_in(entry: HealingEntry, language: Language) -> HealingEntry:
    """Return the entry as it is told in a language; what an older version wrote in other words stays as it is."""

    def say(words: str) -> str:
        text = LEDGER_WORDS.get(words)
        return words if text is None else text.in_language(language)

    return replace(entry, cause=say(entry.cause), guard_rail=say(entry.guard_rail), undo=say(entry.undo))
