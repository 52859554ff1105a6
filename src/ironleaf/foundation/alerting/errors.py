"""Entries of alerting: what an operator may be told at its doors."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Entry, Family, Kind, Level, Text

INCIDENT_NOT_FOUND: Final = Entry(
    code=40482,
    reason="incident-not-found",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.NOT_FOUND,
    message=Text("There is no incident or silence of this number.", "没有该编号的事件或静默。"),
    user_advice=Text(
        "List what there is under /v1/ops/incidents and /v1/ops/silences; closed incidents are kept for 90 days.",
        "请通过 /v1/ops/incidents 和 /v1/ops/silences 查看现有的编号；已关闭的事件保留 90 天。",
    ),
    operator_advice=Text(
        "While the database is away, only the incidents of the last hour are known.",
        "数据库不可用期间，只能查到最近一小时内的事件。",
    ),
)
INCIDENT_CLOSED: Final = Entry(
    code=40983,
    reason="incident-closed",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.CONFLICT,
    message=Text("The incident is closed already.", "该事件已经关闭。"),
    user_advice=Text(
        "Nothing to do: it is over. If the trouble is back, there is a new incident.",
        "无需处理：事件已经结束。如果故障再次出现，会生成新的事件。",
    ),
    operator_advice=Text("Nothing to do.", "无需处理。"),
)
TOO_MANY_SILENCES: Final = Entry(
    code=40984,
    reason="too-many-silences",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.CONFLICT,
    message=Text("As many silences are in force as there may be.", "生效中的静默数量已达上限。"),
    user_advice=Text(
        "End one that is no longer needed, or write one with a wider pattern.",
        "请结束不再需要的静默，或使用范围更广的匹配规则。",
    ),
    operator_advice=Text(
        "A hundred silences hide more than they help: mend what is silenced, or change its rule.",
        "静默过多会掩盖真正的问题：请修复被静默的故障，或调整相应规则。",
    ),
)
ENTRIES: Final[tuple[Entry, ...]] = (INCIDENT_NOT_FOUND, INCIDENT_CLOSED, TOO_MANY_SILENCES)
