"""The command line's sink: errors become sentences on standard error and exit codes by kind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Final

from ironleaf.foundation.errors import IronleafError, Kind, Language, Problem, make_problem

EXIT_READ: Final = 0
EXIT_MIXED: Final = 1
EXIT_CODES: Final[dict[Kind, int]] = {
    Kind.INVALID_INPUT: 2,
    Kind.UNSUPPORTED: 3,
    Kind.TOO_LARGE: 4,
    Kind.UNAUTHENTICATED: 5,
    Kind.FORBIDDEN: 6,
    Kind.NOT_FOUND: 7,
    Kind.GONE: 8,
    Kind.CONFLICT: 9,
    Kind.RATE_LIMITED: 10,
    Kind.BUSY: 11,
    Kind.UNAVAILABLE: 12,
    Kind.TIMEOUT: 13,
    Kind.CANCELLED: 14,
    Kind.INTERNAL: 15,
}


def choose_exit(kinds: Iterable[Kind]) -> int:
    """Return 0 for no failure, the kind's code if all failures share one, else 1."""
    found = set(kinds)
    if not found:
        return EXIT_READ
    return EXIT_CODES[found.pop()] if len(found) == 1 else EXIT_MIXED


def find_language() -> Language:
    """Return the language of this terminal, by the usual variables."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def face(error: IronleafError, language: Language) -> Problem:
    """Return the public face of an error."""
    return make_problem(error.entry, language=language, details=error.details, retry_after_s=error.retry_after_s)


def say(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")


def show(name: object) -> str:
    """Return a path or name as a terminal may show it: no character in it acts on the terminal or on the line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(name))


def say_problem(problem: Problem, *, about: str, request_id: str | None = None) -> None:
    """Write an error about a file or command: what is wrong, its name in the catalogue, the number to look it up."""
    number = f" · {request_id}" if request_id else ""
    say(f"{show(about)}: {problem.message} [{problem.reason}{number}]")
