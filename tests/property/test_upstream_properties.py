"""The classifier never raises, says only what is in its lists, and stays quick on long bodies."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.services.engines.upstream_failures import ENTRIES, FailureKind, UpstreamAnswer, classify, classify_record

REASONS = {entry.reason for entry in ENTRIES}
FRAGMENTS = st.sampled_from(
    [
        '{"error":',
        "{'message': '",
        "</h1>",
        "\\u00",
        "\\n",
        "data: ",
        "[DONE]",
        "429",
        "limit",
        "context",
        "image",
        "不支持",
        '"',
        "}",
        "&#",
    ]
)
BODIES = st.one_of(st.text(max_size=400), st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=40).map("".join))
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=10,
)


@given(
    status=st.one_of(st.none(), st.integers(100, 599)),
    body=BODIES,
    exception=st.one_of(st.none(), st.text(max_size=30)),
    headers=st.dictionaries(st.sampled_from(["Retry-After", "Date", "retry-after-ms"]), st.text(max_size=30)),
)
@settings(max_examples=150, deadline=None)
def test_any_answer_gets_a_verdict_from_the_lists(
    status: int | None, body: str, exception: str | None, headers: dict[str, str]
) -> None:
    verdict = classify(UpstreamAnswer(http_status=status, body=body, exception=exception, headers=headers))
    assert verdict.reason in REASONS
    assert verdict.retry_after_s is None or verdict.retry_after_s >= 0


@given(
    record=st.one_of(
        JUNK, st.fixed_dictionaries({}, optional=dict.fromkeys(("http_status", "headers", "body", "exception"), JUNK))
    )
)
@settings(max_examples=150, deadline=None)
def test_any_record_is_answered(record: object) -> None:
    assert FailureKind(str(classify_record(record)["kind"]))


@pytest.mark.parametrize(
    "piece", ["a", "\\", "<", "image ", "does not support ", '{"a":', "data: {}\n", "模型不存在", "code: "]
)
def test_a_megabyte_takes_well_under_two_seconds(piece: str) -> None:
    started = time.process_time()
    classify(UpstreamAnswer(http_status=200, body=piece * (1_000_000 // len(piece))))
    assert time.process_time() - started < 2.0
