"""One pipeline for every log line, ours and the libraries': one schema, redacted, to console and file.

Schema: ``time, level, event`` always; ``logger, request_id, client_request_id,
job_id, page, engine, code, reason, error_level, fingerprint, stack`` where known;
anything else is the event's own.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter

from ironleaf.foundation.observability.stacks import describe_stack

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import EventDict, Processor

    from ironleaf.foundation.observability.redaction import Redactor
    from ironleaf.foundation.observability.settings import LogSettings

LOG_FILE = "ironleaf.jsonl"
_QUIET_LIBRARIES = ("asyncio", "PIL", "httpcore", "httpx", "multipart", "python_multipart", "urllib3")


def configure_logs(settings: LogSettings, redactor: Redactor, *, console: TextIO | None = None) -> None:
    """Send every log record of this process through one redacted pipeline; calling it again replaces the old one.

    Raises:
        OSError: the log directory cannot be made or written.
    """
    handlers: list[logging.Handler] = [logging.NullHandler()]
    if settings.console:
        handlers.append(_console(settings, redactor, console or sys.stderr))
    if settings.file:
        handlers.append(_file(settings, redactor))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_shared(), ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _turn_exception_into_data,
    ]


def _turn_exception_into_data(_logger: object, _method: str, event: EventDict) -> EventDict:
    found: object = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = cast("tuple[object, object, object]", found)[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["stack"] = describe_stack(error)
    event.pop("stack_info", None)
    return event


def _redacting(redactor: Redactor) -> Processor:
    def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> EventDict:
        event.pop("_record", None)
        event.pop("_from_structlog", None)
        return redactor.redact_event(event)

    return redact


def _render_json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _render_line(_logger: object, _method: str, event: EventDict) -> str:
    time, level, what = (str(event.pop(name, "")) for name in ("time", "level", "event"))
    event.pop("logger", None)
    stack = event.pop("stack", None)
    facts = " ".join(f"{name}={_shorten(value)}" for name, value in event.items() if value is not None)
    lines = [f"{time[11:23]} {level:<7} {what}  {facts}".rstrip()]
    for link in cast("list[dict[str, Any]]", stack) if isinstance(stack, list) else []:
        lines.append(f"    {link.get('type')}: {link.get('message')}")
        lines += [f"      {frame}" for frame in cast("list[str]", link.get("frames", []))]
    return "\n".join(lines)


def _shorten(value: object) -> str:
    return orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)


def _formatter(redactor: Redactor, render: Processor) -> ProcessorFormatter:
    return ProcessorFormatter(foreign_pre_chain=_shared(), processors=[_redacting(redactor), render])


def _console(settings: LogSettings, redactor: Redactor, stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(redactor, _render_json if settings.console_json else _render_line))
    return handler


def _file(settings: LogSettings, redactor: Redactor) -> logging.Handler:
    settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        settings.directory / LOG_FILE,
        maxBytes=settings.file_bytes_max,
        backupCount=settings.files_max,
        encoding="utf-8",
    )
    handler.setFormatter(_formatter(redactor, _render_json))
    return handler
