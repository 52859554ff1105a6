"""The shape of every answer: the envelope, its RFC 9457 twin, and both as OpenAPI documents them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from ironleaf.foundation.errors import Detail, Entry, Kind, Level, Problem, Unit, make_problem
from ironleaf.web.negotiation import JSON, PROBLEM_JSON

T = TypeVar("T")


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Envelope(_Shape, Generic[T]):
    """A success: ``code`` is 0 and the answer stands in ``data``."""

    code: Literal[0] = 0
    message: Literal["ok"] = "ok"
    data: T
    request_id: str


class DetailBody(_Shape):
    """One fact about an error. Only what applies is there."""

    reason: str = Field(description="What is wrong, from a closed list.")
    field: str | None = Field(default=None, description="The name of the option or parameter.")
    page: int | None = Field(default=None, description="The number of the page, from 1.")
    file: int | None = Field(default=None, description="The number of the file in the request, from 1.")
    limit: float | int | None = None
    actual: float | int | None = None
    unit: Unit | None = None
    allowed: list[str] | None = None


class ErrorBody(_Shape):
    """The error as programs read it."""

    reason: str = Field(description="The code in words; never changes its meaning.")
    kind: Kind
    level: Level
    retryable: bool
    retry_after_s: int | None
    doc_url: str = Field(description="The page that explains this error, served by the product itself.")
    details: list[DetailBody]


class ErrorEnvelope(_Shape):
    """An error: ``code // 100`` is the HTTP status."""

    code: int
    message: str = Field(description="For people, in English or Chinese by Accept-Language.")
    data: None = None
    request_id: str
    error: ErrorBody


class ProblemDocument(_Shape):
    """The same as RFC 9457, for callers who accept ``application/problem+json``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: int
    reason: str
    kind: Kind
    level: Level
    retryable: bool
    retry_after_s: int | None
    request_id: str
    details: list[DetailBody]


def describe(detail: Detail) -> dict[str, Any]:
    """Return a detail as JSON data, without the slots that are empty."""
    slots = {
        "field": detail.field,
        "page": detail.page,
        "file": detail.file,
        "reason": detail.reason,
        "limit": detail.limit,
        "actual": detail.actual,
        "unit": detail.unit,
        "allowed": list(detail.allowed) if detail.allowed is not None else None,
    }
    return {name: value for name, value in slots.items() if value is not None}


def make_error_envelope(problem: Problem, *, request_id: str, prefix: str = "") -> dict[str, Any]:
    """Return the error envelope as JSON data. ``prefix`` is the path that the service is mounted under."""
    return {
        "code": problem.code,
        "message": problem.message,
        "data": None,
        "request_id": request_id,
        "error": {
            "reason": problem.reason,
            "kind": problem.kind,
            "level": problem.level,
            "retryable": problem.retryable,
            "retry_after_s": problem.retry_after_s,
            "doc_url": prefix + problem.doc_url,
            "details": [describe(detail) for detail in problem.details],
        },
    }


def make_problem_document(problem: Problem, *, title: str, request_id: str, prefix: str = "") -> dict[str, Any]:
    """Return the same facts as an RFC 9457 document."""
    return {
        "type": prefix + problem.doc_url,
        "title": title,
        "status": problem.code // 100,
        "detail": problem.message,
        "instance": f"urn:ulid:{request_id}",
        "code": problem.code,
        "reason": problem.reason,
        "kind": problem.kind,
        "level": problem.level,
        "retryable": problem.retryable,
        "retry_after_s": problem.retry_after_s,
        "request_id": request_id,
        "details": [describe(detail) for detail in problem.details],
    }


def to_json(data: dict[str, Any]) -> bytes:
    """Return JSON data as UTF-8 bytes; Chinese stays readable."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


SCHEMA_REF = "#/components/schemas/{model}"
EXAMPLE_REQUEST_ID = "01JD9Z6M3V0000000000000000"


def refer_to(model: type[BaseModel]) -> dict[str, str]:
    """Return the OpenAPI reference to ``model``; `install` puts the error models into the schema."""
    return {"$ref": SCHEMA_REF.format(model=model.__name__)}


def document_errors(*entries: Entry) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's ``responses=`` for a route that may answer ``entries``.

    Grouped by status; each reason is an example, in the envelope and as problem+json.
    """
    by_status: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_status[entry.http_status].append(entry)
    return {status: _document_status(group) for status, group in sorted(by_status.items())}


def _document_status(entries: list[Entry]) -> dict[str, Any]:
    envelopes: dict[str, Any] = {}
    documents: dict[str, Any] = {}
    for entry in entries:
        problem = make_problem(entry)
        envelopes[entry.reason] = {"value": make_error_envelope(problem, request_id=EXAMPLE_REQUEST_ID)}
        documents[entry.reason] = {
            "value": make_problem_document(problem, title=entry.message.en, request_id=EXAMPLE_REQUEST_ID)
        }
    return {
        "description": " · ".join(f"`{entry.reason}` {entry.message.en}" for entry in entries),
        "content": {
            JSON: {"schema": refer_to(ErrorEnvelope), "examples": envelopes},
            PROBLEM_JSON: {"schema": refer_to(ProblemDocument), "examples": documents},
        },
    }
