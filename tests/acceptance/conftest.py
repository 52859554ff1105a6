"""The service as its users meet it: a process on loopback, started once for all promises about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fixtures.service import run_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.service import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(tmp_path_factory.mktemp("service"))
