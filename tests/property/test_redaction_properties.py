"""Redaction on arbitrary input: it never raises, never grows a value much, and never lets a known secret through."""

from __future__ import annotations

import orjson
from hypothesis import assume, given
from hypothesis import strategies as st

from ironleaf.foundation.observability import Redactor
from ironleaf.foundation.observability.shapes import _NO_VALUES

SECRET = "zq9!Kp_secret#value"
REDACTOR = Redactor(secrets=(SECRET,))

any_text = st.text(st.characters(exclude_categories=()), max_size=60)  # halves of surrogate pairs too
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(any_text, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(any_text, plain, max_size=6))
def test_any_event_becomes_plain_data(event: dict[str, object]) -> None:
    orjson.dumps(REDACTOR.redact_event(event))


@given(st.text(max_size=2500), st.text(max_size=2500))
def test_a_known_secret_never_survives_wherever_it_stands(before: str, after: str) -> None:
    assert SECRET not in REDACTOR.redact_text(before + SECRET + after)
    assert SECRET not in repr(REDACTOR.redact_event({"event": before + SECRET + after, "x": [before, SECRET]}))


@given(st.text(max_size=3000))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = REDACTOR.redact_text(text)
    assert len(once) <= 1000 + 300
    assert REDACTOR.redact_text(once[:900]) is not None


@given(st.text(alphabet=st.characters(categories=("L", "Nd")), min_size=4, max_size=40), st.sampled_from("= :"))
def test_whatever_is_assigned_to_a_password_is_masked(value: str, sign: str) -> None:
    assume(not _NO_VALUES.fullmatch(value.lower()))
    separator = sign if sign != " " else ": "
    masked = REDACTOR.redact_text(f"user=x password{separator}{value}")
    assert masked == f"user=x password{separator.strip()}<secret>"
