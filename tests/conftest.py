"""What every test shares."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile

import pytest
import structlog

# Log lines of code under test would be drawn for a terminal, stacks in colour and all: half of the time of the suite.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
# Before anything of the product is imported: no test touches the state that this user's own service keeps.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="ironleaf-tests-")

pytest_plugins = ("tests.fixtures.databases",)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_ZIP_TIMES = re.compile(rb"(PK\x03\x04.{6}|PK\x01\x02.{8}).{4}", re.DOTALL)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name archives without the time that is written in them: two workers must collect the same names."""
    if isinstance(val, bytes) and b"PK\x03\x04" in val:
        timeless = _ZIP_TIMES.sub(rb"\1", val)
        return f"zip-{hashlib.sha256(timeless).hexdigest()[:12]}"
    return None
