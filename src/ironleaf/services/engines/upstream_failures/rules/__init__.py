"""The ordered table: the first rule that applies decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.services.engines.upstream_failures.rules.access import ACCESS_RULES, MODEL_RULES, REQUEST_RULES
from ironleaf.services.engines.upstream_failures.rules.content import CONTEXT_RULES, FILTER_RULES, IMAGE_RULES
from ironleaf.services.engines.upstream_failures.rules.engine import ENGINE_RULES
from ironleaf.services.engines.upstream_failures.rules.limits import LOAD_RULES, QUOTA_RULES, TIER_RULES
from ironleaf.services.engines.upstream_failures.rules.numbers import NUMBER_RULES
from ironleaf.services.engines.upstream_failures.rules.transport import STATUS_RULES, TRANSPORT_RULES

if TYPE_CHECKING:
    from ironleaf.services.engines.upstream_failures.rules.base import Rule

RULES: Final[tuple[Rule, ...]] = (
    *TIER_RULES,
    *QUOTA_RULES,
    *FILTER_RULES,
    *IMAGE_RULES,
    *CONTEXT_RULES,
    *ENGINE_RULES,
    *ACCESS_RULES,
    *MODEL_RULES,
    *LOAD_RULES,
    *TRANSPORT_RULES,
    *REQUEST_RULES,
    *NUMBER_RULES,
    *STATUS_RULES,
)
