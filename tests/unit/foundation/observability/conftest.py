"""Logging as it was, after every test."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "PIL", "httpcore", "httpx", "multipart")
LIBRARIES += ("python_multipart", "urllib3")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    structured = structlog.get_config()
    structlog.reset_defaults()
    libraries = [logging.getLogger(name) for name in LIBRARIES]
    before = [(library, library.level, library.propagate, list(library.handlers)) for library in libraries]
    for library in libraries:
        library.propagate = True  # the channels of alerts silence one for good, in whichever test makes the first
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for library, its_level, propagate, its_handlers in before:
        library.setLevel(its_level)
        library.propagate = propagate
        library.handlers[:] = its_handlers
    structlog.configure(**structured)  # the bare defaults would print to the standard output of later tests
    structlog.contextvars.clear_contextvars()
