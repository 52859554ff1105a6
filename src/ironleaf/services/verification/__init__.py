"""Is the model's answer the page's text? One small file per verdict, all pure.

Detection only: what to do about a verdict is the ladder's business, and wrapping
that can simply be taken off is the cleaner's.
"""

from ironleaf.services.verification.base import Answer, Severity, Verdict
from ironleaf.services.verification.inkless import says_blank
from ironleaf.services.verification.judge import judge
from ironleaf.services.verification.notices import NOTICES
from ironleaf.services.verification.repetition import RepetitionWatch, find_loop

__all__ = ["NOTICES", "Answer", "RepetitionWatch", "Severity", "Verdict", "find_loop", "judge", "says_blank"]
