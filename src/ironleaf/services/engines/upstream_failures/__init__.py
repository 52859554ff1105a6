"""Failures of model servers, judged by meaning and not by status.

`classify` turns what a failed call gave back into one of 22 kinds, with the blame,
the level, whether to try again here or elsewhere, and the catalogue's reason, which
is all that a caller learns.
"""

from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind, UpstreamAnswer, UpstreamVerdict
from ironleaf.services.engines.upstream_failures.classify import classify
from ironleaf.services.engines.upstream_failures.errors import ENTRIES, entry_for
from ironleaf.services.engines.upstream_failures.records import classify_record

__all__ = [
    "ENTRIES",
    "CausedBy",
    "FailureKind",
    "UpstreamAnswer",
    "UpstreamVerdict",
    "classify",
    "classify_record",
    "entry_for",
]
