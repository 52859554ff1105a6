"""Reads log files back: everything that was written about one request."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ironleaf.foundation.observability.logs import LOG_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS_MAX: Final = 1_000
"""Records of one request that are shown: the last ones, for the verdict comes last. A 500-page document may write
several a page."""
REQUEST_ID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""A ULID, as every answer carries it."""


def find_records(directory: Path, request_id: str) -> list[dict[str, Any]]:
    """Return the last `RECORDS_MAX` log records of a request, oldest first; empty if there are none.

    Only what was written about this very request: another one may carry its id, for
    a caller is free to send any id as its own. Several processes may write beside
    one another, so the files need not be in order.

    Raises:
        OSError: a log file cannot be read.
        ValueError: this is no request id.
    """
    if not REQUEST_ID.fullmatch(request_id):
        raise ValueError("not a request id")
    found: deque[dict[str, Any]] = deque(maxlen=RECORDS_MAX)
    for path in _files(directory):
        found.extend(record for record in _scan(path, request_id) if record.get("request_id") == request_id)
    return sorted(found, key=lambda record: str(record.get("time", "")))


def _files(directory: Path) -> list[Path]:
    numbered = [path for path in directory.glob(f"{LOG_FILE}*") if re.fullmatch(r"\.\d+|", path.name[len(LOG_FILE) :])]
    return sorted(numbered, key=lambda path: -int(path.suffix[1:]) if path.name != LOG_FILE else 0)


def _scan(path: Path, request_id: str) -> Iterator[dict[str, Any]]:
    needle = request_id.encode()
    with path.open("rb") as lines:
        for line in lines:
            if needle not in line:  # most lines: not worth parsing
                continue
            try:
                record: object = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # the last line after a crash
            if isinstance(record, dict):
                yield cast("dict[str, Any]", record)
