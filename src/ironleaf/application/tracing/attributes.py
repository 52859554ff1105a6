"""What a span says. Names of closed lists and numbers only: no page's text, no file's name, no exception's words.

The conventions for generative AI are still moving: their names stand here and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ironleaf.application.measurements import find_entry
from ironleaf.application.stages import EngineAsked, PageEnded, StageEnded
from ironleaf.document import EngineName
from ironleaf.foundation.errors import Entry
from ironleaf.foundation.resilience import AttemptEnded
from ironleaf.web import RequestSeen

Attributes = Mapping[str, str | int | float | bool]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
"""Anything else is a caller's own word, and is named ``_OTHER`` as the conventions say."""
OTHER_METHOD: Final = "_OTHER"
NO_ROUTE: Final = "-"
CANCELLED: Final = "cancelled"


def describe_request(seen: RequestSeen) -> Attributes:
    """Return what the conventions for HTTP servers ask for, and our own number of the request."""
    route = {} if seen.route == NO_ROUTE else {"http.route": seen.route}
    return {
        "http.request.method": find_method(seen),
        "http.response.status_code": seen.status,
        "ironleaf.request_id": seen.request_id,
        **route,
    }


def name_request(seen: RequestSeen) -> str:
    """Return the name of a request's span: method and route."""
    method = find_method(seen)
    words = ("HTTP" if method == OTHER_METHOD else method, "" if seen.route == NO_ROUTE else seen.route)
    return " ".join(filter(None, words))


def find_method(seen: RequestSeen) -> str:
    """Return the method if it is one, else the conventions' word for all others."""
    return seen.method if seen.method in METHODS else OTHER_METHOD


def describe_stage(ended: StageEnded) -> Attributes:
    """Return what is known of a stage: its own seconds, less what others within it took."""
    media_type = {"ironleaf.media_type": ended.media_type} if ended.media_type else {}
    return {
        "ironleaf.stage": ended.stage.value,
        "ironleaf.duration_s": ended.duration_s,
        "ironleaf.wait_s": ended.wait_s,
        "ironleaf.pages": ended.pages,
        "ironleaf.ok": ended.ok,
        **media_type,
    }


def describe_page(ended: PageEnded) -> Attributes:
    """Return what became of a page."""
    page = ended.page
    return {
        "ironleaf.page": page.number,
        "ironleaf.page.status": page.status.value,
        "ironleaf.engine": str(page.engine),
        "ironleaf.degraded": page.degraded,
    }


def describe_asked(asked: EngineAsked) -> Attributes:
    """Return what is known of an engine's work on a page."""
    return {
        "ironleaf.engine": asked.engine,
        "ironleaf.alias": asked.alias,
        "ironleaf.wait_s": asked.wait_s,
        "ironleaf.megapixels": asked.megapixels,
    }


def describe_attempt(attempt: AttemptEnded, number: int) -> Attributes:
    """Return a call of a model as the conventions for generative AI have it; the model is the operator's alias."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.request.model": attempt.name,
        "gen_ai.output.type": "text",
        "ironleaf.attempt": number,
    }


def describe_entry(entry: Entry) -> Attributes:
    """Return an error as the catalogue names it."""
    return {"error.type": entry.reason, "ironleaf.error.code": entry.code, "ironleaf.error.level": entry.level.value}


def describe_failure(failure: BaseException | None) -> Attributes:
    """Return a failure of an engine as the catalogue names it; a cancelled call is no fault."""
    if failure is None:
        return {}
    if isinstance(failure, Exception):
        return describe_entry(find_entry(failure))
    return {"error.type": CANCELLED}


def is_backend(asked: EngineAsked) -> bool:
    """Tell whether a model server was asked."""
    return asked.engine == EngineName.VL
