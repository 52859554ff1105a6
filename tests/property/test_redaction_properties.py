"""Redaction on arbitrary input: it never raises, never grows a value much, and never lets a known secret through."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ironleaf.foundation.observability import Redactor

SECRET = "zq9!Kp_secret#value"
REDACTOR = Redactor(secrets=(SECRET,))

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), plain, max_size=6))
def test_any_event_becomes_plain_data(event: dict[str, object]) -> None:
    json.dumps(REDACTOR.redact_event(event))


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
    separator = sign if sign != " " else ": "
    masked = REDACTOR.redact_text(f"user=x password{separator}{value}")
    assert masked == f"user=x password{separator.strip()}<secret>"
