"""Mutates the patterns of redaction, which mutmut does not see, and says which mutants no case notices.

A mutant lacks an alternative or a look-around, or counts one more or one less.
It is killed if any case of the tables in the unit tests comes out otherwise.

Run: python tests/property/mutate_redaction_patterns.py
"""

# ruff: noqa: T201 - a report

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ironleaf.foundation.observability import Redactor, redaction, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT = Path(__file__).parents[1] / "unit" / "foundation" / "observability"
TABLES = {
    "secrets": (shapes.SECRET_SHAPES, shapes.SECRET_HINTS),
    "blobs": (shapes.BLOB_SHAPES, shapes.BLOB_HINTS),
    "numbers": (shapes.NUMBER_SHAPES, shapes.NUMBER_HINTS),
}


def load(name: str) -> Any:
    """Return a module of the unit tests."""
    spec = importlib.util.spec_from_file_location(name, UNIT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def list_tokens(pattern: str) -> list[str]:
    """Split a pattern into brackets, bars, classes, escapes, counts and single characters."""
    return re.findall(
        r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P?<?[=!]|\(\?P<\w+>|\(\?[:>i]+|\{\d+,?\d*\}|.", pattern, re.DOTALL
    )


def find_groups(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where each group begins and ends."""
    opened: list[int] = []
    for at, token in enumerate(tokens):
        if token.startswith("("):
            opened.append(at)
        elif token == ")":
            yield opened.pop(), at


def find_bars(tokens: list[str], begin: int, end: int) -> list[int]:
    """Return the places of the bars that lie directly within a group."""
    depth, bars = 0, []
    for at in range(begin, end):
        depth += tokens[at].startswith("(") - (tokens[at] == ")")
        if depth == 0 and tokens[at] == "|":
            bars.append(at)
    return bars


def mutate(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield mutants with what was done to them."""
    tokens = list_tokens(pattern)
    for begin, end in [(-1, len(tokens)), *find_groups(tokens)]:
        bars = [begin, *find_bars(tokens, begin + 1, end), end]
        for left, right in pairwise(bars):
            if len(bars) > 2:
                cut = (left, right) if left != begin else (left + 1, right + 1)
                lost = "".join(tokens[left + 1 : right])
                yield f"without |{lost}|", "".join(tokens[: cut[0]] + tokens[cut[1] :])
        if begin >= 0 and re.match(r"\(\?<?[=!]", tokens[begin]):
            lost = "".join(tokens[begin : end + 1])
            yield f"without {lost}", "".join(tokens[:begin] + tokens[end + 1 :])
    for at, token in enumerate(tokens):
        for old in set(re.findall(r"\d+", token)) if re.fullmatch(r"\{\d+,?\d*\}", token) else ():
            for new in (int(old) - 1, int(old) + 1):
                changed = token.replace(old, str(new), 1)
                yield f"{token} -> {changed} at {at}", "".join([*tokens[:at], changed, *tokens[at + 1 :]])


def main() -> None:
    """Print the score of each table and the mutants that survived."""
    warnings.simplefilter("ignore")
    table, older = load("test_redaction_shapes"), load("test_redaction")
    cases = [text for text, _ in table.MASKED.values()] + list(table.FACTS) + [text for text, _ in table.PATTERN_CASES]
    cases += [text for text, _ in older.SHAPES.values()]
    wanted = [Redactor().redact_text(text) for text in cases]
    untouched = redaction._SCREENS
    for number, (name, (rows, hints)) in enumerate(TABLES.items()):
        tally: Counter[str] = Counter()
        for at, row in enumerate(rows):
            for change, pattern in mutate(row.pattern):
                mutant = (*rows[:at], replace(row, pattern=pattern), *rows[at + 1 :])
                try:
                    screens = [*untouched]
                    screens[number] = shapes.Screen(mutant, hints)
                except (re.error, OverflowError):
                    tally["invalid"] += 1
                    continue
                redaction._SCREENS = tuple(screens)
                redactor = Redactor()
                killed = any(redactor.redact_text(text) != want for text, want in zip(cases, wanted, strict=True))
                tally["killed" if killed else "survived"] += 1
                if not killed and "-v" in sys.argv:
                    print(f"{name} {at} {row.label}: {change[:160]}")
        made = tally["killed"] + tally["survived"]
        print(f"{name}: {made} mutants, {tally['killed']} killed, {tally['killed'] / made:.1%}")
    redaction._SCREENS = untouched


if __name__ == "__main__":
    main()
