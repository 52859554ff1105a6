"""What every test shares."""

from __future__ import annotations

import logging
import os
import tempfile

import pytest
import structlog

# Log lines of code under test would be drawn for a terminal, stacks in colour and all: half of the time of the suite.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
# Before anything of the product is imported: no test touches the state that this user's own service keeps.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="ironleaf-tests-")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by what they are: archives made at import hold the time, and workers must collect the same names."""
    return "bytes" if isinstance(val, bytes) else None
