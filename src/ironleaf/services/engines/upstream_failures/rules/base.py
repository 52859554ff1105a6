"""One rule: which facts it needs, and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.services.engines.upstream_failures.evidence import Evidence
    from ironleaf.services.engines.upstream_failures.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A family of failures.

    It applies when the status is among ``statuses`` (if any are given), none of
    ``unless_statuses`` and no ``unless`` word is there, and at least one of the given signals (``words``,
    ``codes``, ``exceptions``) is. A rule without signals goes by status alone.
    """

    name: str
    outcome: Outcome
    words: re.Pattern[str] | None = None
    codes: frozenset[str] = frozenset()
    exceptions: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()
    unless: re.Pattern[str] | None = None
    unless_statuses: frozenset[int] = frozenset()

    def applies(self, evidence: Evidence) -> bool:
        """Tell whether the rule speaks about this answer."""
        if self.statuses and self.statuses.isdisjoint(evidence.statuses):
            return False
        if not self.unless_statuses.isdisjoint(evidence.statuses):
            return False
        if not self._signalled(evidence):
            return False
        return self.unless is None or self.unless.search(evidence.text) is None

    def _signalled(self, evidence: Evidence) -> bool:
        if self.words is None and not self.codes and self.exceptions is None:
            return True
        if not self.codes.isdisjoint(evidence.codes):
            return True
        if self.exceptions is not None and self.exceptions.search(evidence.exception):
            return True
        return self.words is not None and self.words.search(evidence.text) is not None


def words(*alternatives: str) -> re.Pattern[str]:
    """Return one pattern for several wordings; gaps in them are bounded, so that search time stays linear."""
    return re.compile("|".join(alternatives))
