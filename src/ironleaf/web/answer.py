"""Turns a failure into the bytes of an answer, and lets routes answer an error of their own accord."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ironleaf.foundation.errors import Detail, Entry, Language, make_problem
from ironleaf.foundation.errors.entry import CLIENT_CLOSED_STATUS
from ironleaf.foundation.errors.protocol import BAD_REQUEST
from ironleaf.web.envelope import make_error_envelope, make_problem_document, to_json
from ironleaf.web.negotiation import JSON, PROBLEM_JSON, choose_language, wants_problem_json
from ironleaf.web.translation import Failure

RETRY_AFTER_S_DEFAULT: Final = 2.0
"""Said with 429 and 503 when nobody knows better: callers must never hammer."""
STATUSES_WITH_RETRY_AFTER: Final = frozenset({429, 503})

EXCHANGE_KEY: Final = "ironleaf.exchange"
"""Where the sink keeps its record of the exchange in the ASGI scope."""

FALLBACK_BODY: Final = (
    b'{"code":50030,"message":"Something went wrong on our side.","data":null,"request_id":"%s","error":'
    b'{"reason":"internal-error","kind":"internal","level":"L3","retryable":false,"retry_after_s":null,'
    b'"doc_url":"/errors/internal-error","details":[]}}'
)
"""For the case that even writing the answer fails, as when memory is short: needs next to none itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer: status, headers, body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def messages(self) -> tuple[Message, Message]:
        """Return the two ASGI messages."""
        return (
            {"type": "http.response.start", "status": self.status, "headers": self.headers},
            {"type": "http.response.body", "body": self.body},
        )


def find_header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that name; names in ASGI scopes are lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


def find_headers(scope: Scope, name: bytes) -> list[bytes]:
    """Return every value of a header, in the order in which they came."""
    return [value for key, value in scope["headers"] if key == name]


def make_answer(
    failure: Failure,
    *,
    request_id: str,
    accept: str | None,
    accept_language: str | None,
    default_language: Language = "en",
    prefix: str = "",
) -> Answer:
    """Return the answer to ``failure`` in the language and format that the caller likes best."""
    # Nobody is there to read a 499; should someone be, this is the truth that HTTP has a number for.
    entry = BAD_REQUEST if failure.entry.http_status == CLIENT_CLOSED_STATUS else failure.entry
    language = choose_language(accept_language, default=default_language)
    wait_s = failure.retry_after_s
    if wait_s is None and entry.http_status in STATUSES_WITH_RETRY_AFTER:
        wait_s = RETRY_AFTER_S_DEFAULT
    problem = make_problem(entry, language=language, details=failure.details, retry_after_s=wait_s)
    if wants_problem_json(accept):
        title = entry.message.in_language(language)
        body = to_json(make_problem_document(problem, title=title, request_id=request_id, prefix=prefix))
    else:
        body = to_json(make_error_envelope(problem, request_id=request_id, prefix=prefix))
    headers = [
        (b"content-type", (PROBLEM_JSON if wants_problem_json(accept) else JSON).encode()),
        (b"content-length", str(len(body)).encode()),
        (b"content-language", language.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Accept-Language"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        *((name, value) for name, value in failure.headers if name != b"retry-after"),
    ]
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(problem.retry_after_s).encode()))
    return Answer(status=entry.http_status, headers=headers, body=body)


def make_answer_to(failure: Failure, scope: Scope, *, request_id: str, default_language: Language = "en") -> Answer:
    """Return the answer to ``failure`` for the request in ``scope``."""
    return make_answer(
        failure,
        request_id=request_id,
        accept=_text(find_header(scope, b"accept")),
        accept_language=_text(find_header(scope, b"accept-language")),
        default_language=default_language,
        prefix=str(scope.get("app_root_path", scope.get("root_path", ""))).rstrip("/"),
    )


def make_fallback(request_id: str) -> Answer:
    """Return the answer of last resort, made from constants."""
    body = FALLBACK_BODY % request_id.encode()
    return Answer(
        status=500,
        headers=[
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", request_id.encode()),
        ],
        body=body,
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


class OwnResponse(Response):
    """A response with an error status that the sink lets pass: its body comes from a closed list."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Any = scope.get(EXCHANGE_KEY)
        if exchange is not None:
            exchange.ours = True
        await super().__call__(scope, receive, send)


def answer_error(
    request: Request, entry: Entry, *, details: tuple[Detail, ...] = (), retry_after_s: float | None = None
) -> Response:
    """Return the catalogue's answer without raising: for states that are no event, such as not being ready."""
    exchange: Any = request.scope[EXCHANGE_KEY]
    answer = make_answer_to(
        Failure(entry=entry, details=details, retry_after_s=retry_after_s),
        request.scope,
        request_id=exchange.request_id,
        default_language=exchange.default_language,
    )
    response = OwnResponse(content=answer.body, status_code=answer.status)
    response.raw_headers = answer.headers
    return response
