"""One pipeline for every log line, ours and the libraries': one schema, redacted, to console and file.

Schema: ``time, level, event`` always; ``logger, request_id, client_request_id,
job_id, page, engine, code, reason, error_level, fingerprint, stack`` where known;
anything else is the event's own.

Whatever is logged, the caller goes on: what cannot be formatted is written as
far as it can be, and what cannot be written is reported as lost.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter

from ironleaf.foundation.observability.shared_files import SharedRotatingFileHandler
from ironleaf.foundation.observability.stacks import describe_stack

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from structlog.typing import EventDict, Processor

    from ironleaf.foundation.observability.redaction import Redactor
    from ironleaf.foundation.observability.settings import LogSettings

LOG_FILE = "ironleaf.jsonl"
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}
"""A line for people is one line: what was logged neither begins another nor moves the cursor."""
_KIT_FACTS: Final = (
    *("request_id", "client_request_id", "code", "reason", "error_level", "method", "route", "status", "duration_ms"),
    *("details", "context", "stack"),
)
"""Taken over from records of the standard library: what the web kit says of an error."""
_QUIET_LIBRARIES = ("PIL", "alembic", "asyncio", "httpcore", "httpx", "multipart", "python_multipart", "urllib3")


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
        wrapper_class=_make_logger_class(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def lend_logs(redactor: Redactor) -> None:
    """Let our records go, redacted, to the standard library's log of a host that has set up none of its own.

    Without it structlog would print them to standard output, stacks with their local
    variables included. Does nothing where structlog is configured.
    """
    if not structlog.is_configured():
        structlog.configure(
            processors=[*_shared(), _redacting(redactor), _render_message],
            wrapper_class=_make_logger_class(logging.INFO),
            logger_factory=structlog.stdlib.LoggerFactory(),
            cache_logger_on_first_use=False,
        )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _turn_exception_into_data,
    ]


def _make_logger_class(level: int) -> type[Any]:
    """Return structlog's logger of this level, which raises nothing when arguments do not fit their sentence."""
    plain = structlog.make_filtering_bound_logger(level)
    names = ("debug", "info", "warning", "error", "critical", "exception")
    return type("TolerantLogger", (plain,), {name: _make_tolerant(getattr(plain, name)) for name in names})


def _make_tolerant(write: Callable[..., Any]) -> Callable[..., Any]:
    def log(self: object, event: object, *arguments: object, **facts: object) -> object:
        if arguments:
            try:
                event = str(event) % arguments
            except Exception as error:  # noqa: BLE001 - the work goes on; what was meant is in the arguments
                facts = {**facts, "arguments": arguments, "log_failure": type(error).__name__}
        return write(self, event, **facts)

    return log


def _turn_exception_into_data(_logger: object, _method: str, event: EventDict) -> EventDict:
    found: object = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    members = cast("tuple[object, ...]", found) if isinstance(found, tuple) else (found,)
    error = next((member for member in members if isinstance(member, BaseException)), None)
    if error is not None:
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
    return orjson.dumps(event).decode()


def _render_line(_logger: object, _method: str, event: EventDict) -> str:
    time, level = (str(event.pop(name, "")) for name in ("time", "level"))
    return f"{time[11:23]} {level:<7} {_render_message(_logger, _method, event)}"


def _render_message(_logger: object, _method: str, event: EventDict) -> str:
    what = str(event.pop("event", ""))
    for name in ("time", "level", "logger"):
        event.pop(name, None)
    stack = event.pop("stack", None)
    facts = " ".join(f"{name}={_shorten(value)}" for name, value in event.items() if value is not None)
    lines = [f"{what}  {facts}".rstrip()]
    for link in cast("list[dict[str, Any]]", stack) if isinstance(stack, list) else []:
        lines.append(f"    {link.get('type')}: {link.get('message')}")
        lines += [f"      {frame}" for frame in cast("list[str]", link.get("frames", []))]
    return "\n".join(line.translate(_CONTROL) for line in lines)


def _shorten(value: object) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)


class _Formatter(ProcessorFormatter):
    """Formats every record it is given, or says that it could not."""

    def __init__(self, redactor: Redactor, render: Processor) -> None:
        self._redactor = redactor
        facts = structlog.stdlib.ExtraAdder(allow=_KIT_FACTS)
        super().__init__(foreign_pre_chain=[*_shared(), facts], processors=[_redacting(redactor), render])

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 - the standard library would print the record unredacted
            sentence: object = record.msg
            event = {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
                "level": record.levelname.lower(),
                "event": self._redactor.redact(sentence if isinstance(sentence, str) else type(sentence).__name__),
                "logger": record.name,
                "log_failure": type(error).__name__,
                "line": record.lineno,
            }
            return _render_json(None, "", event)


def _report_loss(record: logging.LogRecord) -> None:
    """Say that a record was lost. The standard library would print it, unredacted."""
    kind = sys.exc_info()[0]
    with contextlib.suppress(Exception):
        sys.stderr.write(f"a log record of {record.name} was lost: {kind.__name__ if kind else 'unknown'}\n")


def _console(settings: LogSettings, redactor: Redactor, stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter(redactor, _render_json if settings.console_json else _render_line))
    handler.handleError = _report_loss
    return handler


def _file(settings: LogSettings, redactor: Redactor) -> logging.Handler:
    settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = SharedRotatingFileHandler(
        settings.directory / LOG_FILE,
        maxBytes=settings.file_bytes_max,
        backupCount=settings.files_max,
        encoding="utf-8",
    )
    handler.setFormatter(_Formatter(redactor, _render_json))
    handler.handleError = _report_loss
    return handler
