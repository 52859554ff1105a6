"""The closed list of what monitoring may say; the runbook of each rule is `docs/runbooks/<name>.md`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Text
from ironleaf.foundation.monitoring.signals import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition that a person may hear of."""

    name: str
    """In kebab-case; never renamed, since runbooks, silences and kept incidents speak of it."""
    urgency: Urgency
    """Unless the signal itself says otherwise."""
    sentence: Text
    settles_s: float
    """So long after a start the rule has seen again whatever still holds: until then its silence means nothing."""
    settles_soon_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """The same of those of its causes that end so: they need no trend."""
    trails_s: float = 0.0
    """So long after all is well the rule may still hold, since its windows look back."""
    waits_s: float = 0.0
    """So long it stands by itself before people are told: it is the first sign of what another rule names better."""
    seen_well_s: float | None = None
    """A silence of so many seconds ends it at a part that is seen to work all the while: a canary page comes every
    minute, the health report oftener. None: neither proves anything about it."""


ERROR_ONSET: Final = Rule(
    name="error-onset",
    urgency=Urgency.PAGE,
    sentence=Text(
        "A part began to fail far more often than it should.",
        "某个组件的失败率突然远高于正常水平。",
    ),
    settles_s=0.5 * _HOUR_S,
    trails_s=0.6 * _HOUR_S,
    seen_well_s=300.0,  # six calls a minute, one in five failing: five clean minutes are one in a thousand
)
BUDGET_BURN: Final = Rule(
    name="budget-burn",
    urgency=Urgency.PAGE,
    sentence=Text(
        "So many requests fail that the month's error budget will be gone within days.",
        "失败的请求过多，照此下去本月的错误预算几天内就会用完。",
    ),
    settles_s=0.5 * _HOUR_S,
    trails_s=0.75 * _HOUR_S,
)
BUDGET_LEAK: Final = Rule(
    name="budget-leak",
    urgency=Urgency.TICKET,
    sentence=Text(
        "For days, slightly more requests have failed than the service level objective allows.",
        "连续数日，失败的请求略多于服务等级目标所允许的数量。",
    ),
    settles_s=6 * _HOUR_S,
)
NEEDS_A_PERSON: Final = Rule(
    name="needs-a-person",
    urgency=Urgency.PAGE,
    sentence=Text(
        "Something failed that does not heal by itself.",
        "出现了无法自行恢复的故障，需要人工处理。",
    ),
    settles_s=0.5 * _HOUR_S,
    seen_well_s=70.0,
)
CALLER_SURGE: Final = Rule(
    name="caller-surge",
    urgency=Urgency.TICKET,
    sentence=Text(
        "Callers run into the same limit or refusal far more often than usual.",
        "调用方触发同一限制或被拒绝的次数远多于平时。",
    ),
    settles_s=0.5 * _HOUR_S,
    trails_s=0.5 * _HOUR_S,
)
SLOW_DOWN: Final = Rule(
    name="slow-down",
    urgency=Urgency.TICKET,
    sentence=Text(
        "A stage or an engine takes far longer for the same work than it used to.",
        "某个处理阶段或引擎完成同样的工作所花的时间远超以往。",
    ),
    settles_s=24 * _HOUR_S,
    trails_s=0.5 * _HOUR_S,
)
QUEUE_GROWTH: Final = Rule(
    name="queue-growth",
    urgency=Urgency.TICKET,
    sentence=Text(
        "A waiting queue stays near its limit or will soon reach it; callers are about to be turned away.",
        "等待队列持续接近或即将达到上限，调用方很快会被拒绝。",
    ),
    settles_s=0.25 * _HOUR_S,
)
DISK_FILLING: Final = Rule(
    name="disk-filling",
    urgency=Urgency.PAGE,
    sentence=Text(
        "A disk is nearly full, or will be within hours.",
        "磁盘空间即将用尽，或预计在数小时内用尽。",
    ),
    settles_s=2 * _HOUR_S,
    # Half a minute of looks shows a full disk: whoever made room and started again hears that it is over.
    settles_soon_s={"-full": 120.0},
)
MEMORY_PRESSURE: Final = Rule(
    name="memory-pressure",
    urgency=Urgency.PAGE,
    sentence=Text(
        "Memory is nearly used up; the kernel may end processes at any moment.",
        "内存即将耗尽，内核随时可能终止进程。",
    ),
    settles_s=0.25 * _HOUR_S,
)
NO_TRAFFIC: Final = Rule(
    name="no-traffic",
    urgency=Urgency.TICKET,
    sentence=Text(
        "No request arrives although the same hour of other days had many.",
        "没有收到任何请求，而往日同一时段请求很多。",
    ),
    settles_s=3 * _HOUR_S,
)
COMPONENT_UNHEALTHY: Final = Rule(
    name="component-unhealthy",
    urgency=Urgency.PAGE,
    sentence=Text(
        "A component of the health report does not work.",
        "健康检查中有组件无法工作。",
    ),
    settles_s=120.0,
)
COMPONENT_DEGRADED: Final = Rule(
    name="component-degraded",
    urgency=Urgency.TICKET,
    sentence=Text(
        "A component of the health report works with less than it should have.",
        "健康检查中有组件处于降级状态。",
    ),
    settles_s=300.0,
)
BACKEND_DOWN: Final = Rule(
    name="backend-down",
    urgency=Urgency.PAGE,
    sentence=Text(
        "A model server does not read: its breaker is open, or it fails the canary page.",
        "模型服务无法识别页面：熔断器已打开，或未能通过探测页检查。",
    ),
    settles_s=300.0,
    seen_well_s=30.0,
)
NEW_ERROR: Final = Rule(
    name="new-error",
    urgency=Urgency.TICKET,
    sentence=Text(
        "A failure was seen in a place of the code where nobody has seen one before.",
        "代码中出现了从未见过的故障。",
    ),
    settles_s=2 * _HOUR_S,
    waits_s=600.0,  # nine of ten onsets, of the slowest there are, have spoken by then; a ticket can wait
    seen_well_s=70.0,
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            ERROR_ONSET,
            BUDGET_BURN,
            BUDGET_LEAK,
            NEEDS_A_PERSON,
            CALLER_SURGE,
            SLOW_DOWN,
            QUEUE_GROWTH,
            DISK_FILLING,
            MEMORY_PRESSURE,
            NO_TRAFFIC,
            COMPONENT_UNHEALTHY,
            COMPONENT_DEGRADED,
            BACKEND_DOWN,
            NEW_ERROR,
        )
    }
)
"""By name."""
