"""What the verdicts promise beyond the kind: blame, retries, waits, and that nothing of the answer leaves."""

# ruff: noqa: E501, ISC004 (a table reads best with one case a line)

from __future__ import annotations

import pytest

from ironleaf.foundation.errors import Catalogue, Level
from ironleaf.services.engines.upstream_failures import (
    ENTRIES,
    CausedBy,
    FailureKind,
    UpstreamAnswer,
    classify,
    classify_record,
    entry_for,
)

K = FailureKind


def judge(status: int | None, body: str, exception: str | None = None, **headers: str) -> object:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return classify(UpstreamAnswer(http_status=status, body=body, exception=exception, headers=named))


@pytest.mark.parametrize(
    ("used", "asked", "by", "level"),
    [
        (700, 500, CausedBy.OPERATOR, Level.L3),
        (750, 300, CausedBy.CLIENT_INPUT, Level.L1),
        (1400, 100, CausedBy.CLIENT_INPUT, Level.L1),
    ],
)
def test_our_own_max_tokens_is_told_from_a_long_input(used: int, asked: int, by: CausedBy, level: Level) -> None:
    body = (
        f"This model's maximum context length is 1,000 tokens. However, you requested {used + asked} tokens "
        f"({used} in the messages, {asked} in the completion)."
    )
    verdict = classify(UpstreamAnswer(http_status=400, body=body))
    assert (verdict.kind, verdict.caused_by, verdict.level) == (K.CONTEXT_TOO_LONG, by, level)
    assert verdict.fallback_other_backend
    assert not verdict.retry_same_backend


@pytest.mark.parametrize(
    "body",
    [
        "'max_tokens' is too large: 900. This model's maximum context length is 1000 tokens and your request has 300 "
        "input tokens (900 > 1000 - 300).",
        "input length and `max_tokens` exceed context limit: 300 + 900 > 1000, decrease input length or `max_tokens`",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1000. Given: 300 `inputs` tokens and 900",
        "This endpoint's maximum context length is 1000 tokens. However, you requested about 1200 tokens "
        "(300 of text input, 900 in the output).",
    ],
)
def test_servers_name_the_input_in_many_ways(body: str) -> None:
    verdict = classify(UpstreamAnswer(http_status=400, body=body))
    assert (verdict.kind, verdict.caused_by) == (K.CONTEXT_TOO_LONG, CausedBy.OPERATOR)


@pytest.mark.parametrize(
    ("uid", "by"),
    [
        ("my-vl-0", CausedBy.UPSTREAM),
        ("my-vl-rep2", CausedBy.UPSTREAM),
        ("no-such-model", CausedBy.OPERATOR),
        ("3dc22fb0-740c-11ee-be13-452b73d8be98", CausedBy.OPERATOR),
    ],
)
def test_a_vanished_replica_is_told_from_a_wrong_name(uid: str, by: CausedBy) -> None:
    verdict = classify(UpstreamAnswer(http_status=400, body=f"[address=h:1, pid=2] Model not found, uid: {uid}"))
    assert (verdict.kind, verdict.caused_by, verdict.retry_same_backend) == (K.MODEL_NOT_FOUND, by, False)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"retry-after-ms": "1500"}, "", 1.5),
        ({"Retry-After": "Tue, 24 Nov 2026 10:00:30 GMT", "Date": "Tue, 24 Nov 2026 10:00:00 GMT"}, "", 30.0),
        ({"Retry-After": "soon"}, "", None),
        ({}, "Rate limit reached. Please try again in 4.77s.", 4.77),
        ({}, "Rate limit reached. Please try again in 7m12s.", 432.0),
        ({}, "Rate limit exceeded, try again in 250ms", 0.25),
        ({}, "Rate limit exceeded. Please retry after 6 seconds.", 6.0),
        ({}, '{"error":{"message":"rate limit exceeded","retryDelay":"26s"}}', 26.0),
        ({}, "rate limit exceeded", None),
        ({}, "rate limit exceeded after 3 attempts", None),
        ({}, '{"message":"rate limit exceeded","retry_after": 12}', 12.0),
    ],
)
def test_the_wait_that_the_server_names_is_read(headers: dict[str, str], body: str, seconds: float | None) -> None:
    verdict = classify(UpstreamAnswer(http_status=429, headers=headers, body=body))
    assert verdict.retry_after_s == seconds
    assert verdict.kind is K.RATE_LIMITED
    assert verdict.retry_same_backend


@pytest.mark.parametrize(
    ("headers", "body"), [({"Retry-After": "7200"}, ""), ({}, "rate limit: retry after 86400 seconds")]
)
def test_a_wait_of_hours_is_no_retry(headers: dict[str, str], body: str) -> None:
    verdict = classify(UpstreamAnswer(http_status=429, headers=headers, body=body))
    assert (verdict.kind, verdict.retry_same_backend, verdict.level) == (K.RATE_LIMITED, False, Level.L3)


@pytest.mark.parametrize(
    ("body", "kind", "rule"),
    [
        ("", K.PROTOCOL, "success-empty"),
        ("<html><body>Please sign in here</body></html>", K.PROTOCOL, "success-html"),
        ('{"choices": [], "usage": {}}', K.PROTOCOL, "success-without-choices"),
        ('{"choices": null}', K.PROTOCOL, "success-without-choices"),
        ('{"id": 3}', K.PROTOCOL, "success-without-choices"),
        ('{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}', K.PROTOCOL, "success-without-content"),
        ('{"choices":[{"message":{"content":"Error: upstream is away"}}]}', K.PROTOCOL, "success-error-text"),
        ('{"choices":[{"message":{"content":"a half', K.PROTOCOL, "success-cut-json"),
        ('{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}', K.CONTENT_FILTERED, "success-filtered"),
        ('{"choices":[{"message":{"content":"A page of text."},"finish_reason":"stop"}]}', K.UNKNOWN, "success-usable"),
        ('data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\ndata: [DONE]', K.PROTOCOL, "stream-without-finish"),
        ('data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]', K.UNKNOWN, "success-usable"),
        ('data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}', K.CONTENT_FILTERED, "success-filtered"),
        ('data: {"error": "CUDA out of memory"}', K.OUT_OF_MEMORY, "out-of-memory"),
        ('{"error":{"message":"Rate limit exceeded","code":429}}', K.RATE_LIMITED, "rate-words"),
        ('{"base_resp":{"status_code":1004,"status_msg":"login fail"}}', K.AUTH, "credentials-refused"),
    ],
)  # fmt: skip
def test_a_success_that_is_none_is_found_out(body: str, kind: FailureKind, rule: str) -> None:
    verdict = classify(UpstreamAnswer(http_status=200, body=body))
    assert (verdict.kind, verdict.rule) == (kind, rule)


@pytest.mark.parametrize(
    "body",
    [
        '{"error":{"message":"{\\n \\"error\\": {\\"code\\": 503, \\"message\\": \\"The model is overloaded.\\"}}","code":503}}',
        "Error code: 503 - {'error': {'message': 'The model is overloaded.', 'type': 'server_error'}}",
        'litellm.ServiceUnavailableError: XException - {"error": {"message": "The model is \\u006fverloaded."}}',
        "<html><body><h1>The model is&nbsp;overloaded.</h1></body></html>",
        'data: {"error": {"message": "The model is overloaded."}}\n\n',
    ],
)
def test_wrapping_does_not_hide_the_meaning(body: str) -> None:
    assert classify(UpstreamAnswer(http_status=500, body=body)).kind is K.OVERLOADED


@pytest.mark.parametrize("status", [None, 200, 400])
def test_a_data_uri_in_a_message_is_no_stream(status: int | None) -> None:
    body = "Failed to download image: data:image/png;base64,AAAA"
    assert classify(UpstreamAnswer(http_status=status, body=body)).kind is K.BAD_PARAMETER


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 415, 418, 422, 424])
def test_an_unknown_refusal_is_never_blamed_on_the_user(status: int) -> None:
    verdict = classify(UpstreamAnswer(http_status=status, body="zxcv qwer"))
    assert verdict.caused_by is not CausedBy.CLIENT_INPUT
    assert verdict.level is Level.L3


def test_a_frameworks_page_that_guesses_at_overload_tells_of_an_error() -> None:
    page = "<title>500 Internal Server Error</title><p>Either the server is overloaded or there is an error in it.</p>"
    assert classify(UpstreamAnswer(http_status=500, body=page)).kind is K.INTERNAL_ERROR


def test_a_rate_that_is_refilled_every_hour_is_no_used_up_plan() -> None:
    body = '{"error":"Usage limit exceeded (resets hourly). Subscribe to a plan for more."}'
    verdict = classify(UpstreamAnswer(http_status=429, body=body))
    assert (verdict.kind, verdict.retry_same_backend) == (K.RATE_LIMITED, True)


def test_image_bytes_in_an_echoed_request_do_not_hide_or_fake_anything() -> None:
    body = '{"detail":[{"msg":"Field required","input":"data:image/png;base64,' + "QUFB" * 200_000 + '"}]}'
    assert classify(UpstreamAnswer(http_status=422, body=body)).kind is K.BAD_PARAMETER


def test_the_record_form_is_the_commands_form() -> None:
    record = {"http_status": 500, "headers": {}, "body": "CUDA out of memory", "exception": None}
    assert classify_record(record) == {
        "kind": "out_of_memory",
        "caused_by": "upstream",
        "retry_same_backend": False,
        "fallback_other_backend": True,
        "level": "L3",
        "reason": "model-out-of-memory",
    }


@pytest.mark.parametrize(
    "record", [None, 3, [], {}, {"body": {"error": "x"}, "http_status": "abc", "headers": [1]}, {"body": b"\xff"}]
)
def test_a_record_of_any_shape_is_answered(record: object) -> None:
    assert classify_record(record)["kind"] in {kind.value for kind in FailureKind}


def test_the_entries_fit_together() -> None:
    assert len(Catalogue(ENTRIES)) == len(ENTRIES)
    assert all(56 <= entry.code % 100 <= 69 for entry in ENTRIES)


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("level", [Level.L3, Level.L4])
def test_whatever_is_ours_is_told_as_ours(kind: FailureKind, level: Level) -> None:
    assert entry_for(kind, level) in ENTRIES
    assert entry_for(kind, level).level is level or entry_for(kind, level).http_status >= 500


def test_credentials_and_dead_engines_page_at_once() -> None:
    for case in (UpstreamAnswer(http_status=401), UpstreamAnswer(http_status=500, body="Engine is dead")):
        verdict = classify(case)
        entry = next(entry for entry in ENTRIES if entry.reason == verdict.reason)
        assert (verdict.level, entry.level, verdict.retry_same_backend) == (Level.L4, Level.L4, False)
