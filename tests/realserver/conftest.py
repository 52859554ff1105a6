"""Opt-in: these tests need gigabytes of other people's servers. ``make realserver`` installs and runs them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.realserver.servers import make_model

HERE = Path(__file__).parent
ASKED_FOR = os.environ.get("IRONLEAF_REALSERVER") == "1"
TIMEOUT_S = 1800
"""Most of it is other people's imports, on a machine that may be busy."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark everything here; unless asked for, leave one test standing for all, which says how to ask."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.realserver)
        item.add_marker(pytest.mark.timeout(TIMEOUT_S))
    if ours and not ASKED_FOR:
        ours[0].add_marker(pytest.mark.skip(reason=f"{len(ours)} tests with real model servers: `make realserver`"))
        config.hook.pytest_deselected(items=ours[1:])
        items[:] = [item for item in items if item not in ours[1:]]


@pytest.fixture(scope="session")
def learned_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the canary page and the receipt by heart."""
    return make_model(tmp_path_factory.mktemp("learned") / "tiny-qwen2vl", by_heart=True)


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says anything."""
    return make_model(tmp_path_factory.mktemp("random") / "tiny-qwen2vl", by_heart=False)
