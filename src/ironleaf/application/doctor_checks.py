"""What a check of the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works, with less than there could be."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be tried because something before it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row. Everything in it comes from closed lists, aliases and numbers: no address, no key, no foreign text."""

    subject: str
    """What was tried; of a backend: its alias."""
    step: str
    """What about it, and the key of its advice in `doctor_words`."""
    verdict: Verdict
    finding: str = ""
    """What was seen: a word from a closed list, or a number with its unit."""
