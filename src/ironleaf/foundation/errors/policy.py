"""The levels, and what each means in practice: the one place that decides logging, counting and alerting."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Level(StrEnum):
    """Who must hear of an error, and how loudly."""

    L1 = "L1"
    """The caller's input: counted."""
    L2 = "L2"
    """A business limit that the caller must know: counted, the operator is told of surges."""
    L3 = "L3"
    """Inside or upstream, heals or is worked around: logged with its stack, alerted by rate."""
    L4 = "L4"
    """Needs a person now: paged at once."""


class AlertRule(StrEnum):
    """When a person hears of it."""

    NEVER = "never"
    """It means nothing by itself: the caller's own business, or the echo of what is told under its own name."""
    SURGE = "surge"
    """When the caller-caused rate jumps."""
    RATE = "rate"
    """When the failure rate leaves its usual band."""
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPolicy:
    """How an error of one level is treated."""

    log_level: int
    """As the standard library's ``logging`` counts."""
    with_stack: bool
    """Whether the private log record carries the stack."""
    counted: bool
    alert: AlertRule
    """The rule for entries that name none of their own."""


POLICY: Final[Mapping[Level, LevelPolicy]] = MappingProxyType(
    {
        Level.L1: LevelPolicy(log_level=logging.INFO, with_stack=False, counted=True, alert=AlertRule.NEVER),
        Level.L2: LevelPolicy(log_level=logging.WARNING, with_stack=False, counted=True, alert=AlertRule.SURGE),
        Level.L3: LevelPolicy(log_level=logging.ERROR, with_stack=True, counted=True, alert=AlertRule.RATE),
        Level.L4: LevelPolicy(log_level=logging.CRITICAL, with_stack=True, counted=True, alert=AlertRule.AT_ONCE),
    }
)
