"""Records as lines of JSON: what `ironleaf errors classify --jsonl` reads and prints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from ironleaf.services.engines.upstream_failures.base import UpstreamAnswer
from ironleaf.services.engines.upstream_failures.classify import classify

BODY_CHARACTERS_MAX = 8_000_000
"""Longer than any error; the rest of a body says nothing new."""


def classify_record(record: object) -> dict[str, object]:
    """Return the verdict on one record ``{"http_status", "headers", "body", "exception"}``.

    Never raises: what is missing or of the wrong type counts as not known.
    """
    fields: Mapping[object, object] = cast("Mapping[object, object]", record) if isinstance(record, Mapping) else {}
    verdict = classify(
        UpstreamAnswer(
            http_status=_status(fields.get("http_status")),
            headers=_headers(fields.get("headers")),
            body=_text(fields.get("body"))[:BODY_CHARACTERS_MAX],
            exception=_text(fields.get("exception")) or None,
        )
    )
    return {
        "kind": verdict.kind.value,
        "caused_by": verdict.caused_by.value,
        "retry_same_backend": verdict.retry_same_backend,
        "fallback_other_backend": verdict.fallback_other_backend,
        "level": verdict.level.value,
        "reason": verdict.reason,
    }


def _status(value: object) -> int | None:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():  # noqa: PLR2004
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:  # noqa: PLR2004
        return value
    return None


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {_text(key): _text(one) for key, one in cast("Mapping[object, object]", value).items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    try:
        return json.dumps(value, default=repr, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""
