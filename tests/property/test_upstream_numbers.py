"""A vendor's bare number never overrules what HTTP says, nor means anything outside that vendor's envelope."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures import FailureKind, UpstreamAnswer, classify
from ironleaf.services.engines.upstream_failures.rules import RULES
from ironleaf.services.engines.upstream_failures.rules.numbers import NUMBER_RULES

ENVELOPES = (
    '{{"error":{{"code":"{}","message":""}}}}',
    '{{"error":{{"code":{}}}}}',
    '{{"base_resp":{{"status_code":{},"status_msg":""}}}}',
    '{{"code":{},"message":"","data":null}}',
    '{{"error_code":{},"error_msg":""}}',
    '{{"header":{{"code":{},"message":"","sid":"a"}}}}',
    '{{"object":"error","message":"","code":"{}"}}',
    '{{"errors":[{{"code":{},"message":""}}]}}',
)
NUMBERS = st.one_of(
    st.integers(1, 399), st.integers(600, 2_999), st.integers(10_000, 60_000), st.integers(336_000, 336_600)
)
"""All but those that are statuses of HTTP."""
STATUSES = st.one_of(st.sampled_from([200, 400, 401, 402, 403, 404, 407, 422, 429, 500, 502, 503]), st.none())
CODES = sorted({code for rule in RULES for code in rule.codes})


def test_no_rule_goes_by_a_bare_number() -> None:
    assert [code for code in CODES if re.fullmatch(r"[\d.]+", code)] == []


def test_no_number_is_worth_a_second_try_where_http_refuses() -> None:
    retried = [rule for rule in NUMBER_RULES if rule.outcome.retry]
    assert retried
    assert all({401, 402, 403, 404, 407} <= rule.unless_statuses for rule in retried)


@given(envelope=st.sampled_from(ENVELOPES), number=NUMBERS, status=STATUSES)
@settings(max_examples=400, deadline=None)
def test_the_status_keeps_its_word(envelope: str, number: int, status: int | None) -> None:
    verdict = classify(UpstreamAnswer(http_status=status, body=envelope.format(number)))
    if status in {401, 407}:
        assert verdict.kind is FailureKind.AUTH
    if status == 402:
        assert verdict.kind is FailureKind.QUOTA_EXHAUSTED
    if status in {401, 402, 403, 407}:
        assert not verdict.retry_same_backend
        assert verdict.level is Level.L4
    if verdict.kind in {FailureKind.AUTH, FailureKind.PERMISSION, FailureKind.QUOTA_EXHAUSTED}:
        assert not verdict.retry_same_backend


@given(
    number=NUMBERS,
    status=STATUSES,
    message=st.sampled_from(["", "An error occurred", "Not supported", "Invalid API key"]),
)
@settings(max_examples=200, deadline=None)
def test_outside_its_vendors_envelope_a_number_means_nothing(number: int, status: int | None, message: str) -> None:
    def judge(**fields: object) -> FailureKind:
        return classify(UpstreamAnswer(http_status=status, body=json.dumps({**fields, "msg": message}))).kind

    assert judge(errcode=number) is judge(errcode="x")


@pytest.mark.parametrize("status", [401, 402, 407])
@pytest.mark.parametrize("code", CODES)
def test_no_code_makes_a_refusal_worth_a_second_try(code: str, status: int) -> None:
    verdict = classify(UpstreamAnswer(http_status=status, body=json.dumps({"error": {"code": code}})))
    assert not verdict.retry_same_backend
