"""Request ids: ours are ULIDs, a caller's own never travel further than the logs."""

from __future__ import annotations

import random
import re

import pytest

from ironleaf.faults.clock import ManualClock
from ironleaf.web.request_id import RequestIds, clean_client_id, clean_traceparent


def test_an_id_is_a_ulid_and_sorts_by_time() -> None:
    clock = ManualClock()
    ids = RequestIds(clock, random.Random(1))
    first = ids.make()
    clock.advance(0.002)
    second = ids.make()
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", first)
    assert first < second
    assert first[10:] != second[10:]
    # 2026-01-01T00:00:00Z is 1,767,225,600,000 ms.
    assert sum("0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(c) * 32**p for p, c in enumerate(reversed(first[:10]))) == (
        1_767_225_600_000
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"order-77.a:b_c", "order-77.a:b_c"),
        (b"a" * 64, "a" * 64),
        (b"a" * 65, None),
        (b"two words", None),
        (b"line\nbreak", None),
        (b"", None),
        (None, None),
        ("编号".encode(), None),
    ],
)
def test_a_callers_id_is_kept_if_it_is_short_and_plain(given: bytes | None, kept: str | None) -> None:
    assert clean_client_id(given) == kept


GOOD = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_traceparent_is_passed_on_if_well_formed() -> None:
    assert clean_traceparent([GOOD]) == GOOD.decode()


@pytest.mark.parametrize(
    "values",
    [
        [],
        [GOOD, GOOD],
        [GOOD + b"x"],
        [GOOD + b"\n"],
        [GOOD.upper()],
        [b"ff" + GOOD[2:]],
        [b"00-" + b"0" * 32 + GOOD[35:]],
        [GOOD[:36] + b"0" * 16 + b"-01"],
        [GOOD[:-2] + b"0g"],
    ],
    ids=["none", "two", "longer", "line", "upper", "version", "no-trace", "no-span", "flags"],
)
def test_what_is_no_traceparent_is_not(values: list[bytes]) -> None:
    assert clean_traceparent(values) is None
