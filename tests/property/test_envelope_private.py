"""No private string ever reaches an envelope."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi.exceptions import RequestValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from ironleaf.foundation.errors import BusinessError, Catalogue, IronleafError, SystemFault
from ironleaf.foundation.errors.protocol import ENTRIES
from ironleaf.web.answer import make_answer_to
from ironleaf.web.translation import translate

CATALOGUE = Catalogue(ENTRIES)
MARK = "Q9canary"
secrets = st.text(min_size=0, max_size=40).map(lambda text: f"{MARK}{text}")
KINDS = (RuntimeError, ValueError, KeyError, OSError, MemoryError, RecursionError, asyncio.CancelledError)


def simple(secret: str) -> st.SearchStrategy[BaseException]:
    return st.one_of(
        st.sampled_from(KINDS).map(lambda kind: kind(secret)),
        st.integers(400, 599).map(lambda status: HTTPException(status, secret, {"X-Why": MARK})),
        st.sampled_from(ENTRIES).map(lambda entry: SystemFault(entry, context={"why": secret})),
        st.sampled_from(ENTRIES).map(lambda entry: BusinessError(entry, retry_after_s=3)),
        validation_errors(secret),
    )


def validation_errors(secret: str) -> st.SearchStrategy[BaseException]:
    error = st.fixed_dictionaries(
        {
            "type": st.sampled_from(["missing", "extra_forbidden", "int_parsing", "value_error", "string_too_long"]),
            "loc": st.lists(st.one_of(st.just(secret), st.just("body"), st.integers(0, 9)), max_size=4).map(tuple),
            "msg": st.just(secret),
            "input": st.just({secret: secret}),
            "ctx": st.just({"error": secret, "max_length": 3}),
        }
    )
    return st.lists(error, min_size=1, max_size=3).map(lambda errors: RequestValidationError(errors, body=secret))


def chained(secret: str) -> st.SearchStrategy[BaseException]:
    def group(errors: list[BaseException]) -> BaseException:
        return BaseExceptionGroup(secret, errors)

    return st.recursive(simple(secret), lambda inner: st.lists(inner, min_size=1, max_size=3).map(group), max_leaves=5)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), secret=secrets, chinese=st.booleans(), document=st.booleans())
def test_no_private_string_reaches_an_answer(data: Any, secret: str, chinese: bool, document: bool) -> None:
    error = data.draw(chained(secret))
    scope = {
        "headers": [
            (b"accept-language", b"zh" if chinese else b"en"),
            (b"accept", b"application/problem+json" if document else b"*/*"),
        ]
    }
    answer = make_answer_to(translate(error, scope, CATALOGUE), scope, request_id="01JD9Z6M3V0000000000000000")
    everything = answer.body.decode() + repr(answer.headers)
    assert MARK not in everything
    body = json.loads(answer.body)
    entry = CATALOGUE.find(body["reason"] if document else body["error"]["reason"])
    assert entry is not None
    assert entry.http_status == answer.status
    words = body["title"] if document else body["message"]
    assert words.startswith(entry.message.in_language("zh" if chinese else "en"))


def test_the_mark_would_be_seen() -> None:
    assert MARK in str(IronleafError(ENTRIES[0], context={"why": MARK}).context)
