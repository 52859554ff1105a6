"""Faults write to the product's own log pipeline here, as they do in the product."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest
from tests.faults.leaks.private_logs import write_logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOTHING: Final = logging.CRITICAL + 1


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Path]:
    """The directory of the log files; the switch of ``make leaks``, read by now, is no setting of the product's.

    pytest keeps every record of a test, with the frames of its exception and all that they hold: of tens of
    thousands of faults that is gigabytes. Here the files are what is looked at, and it keeps none.
    """
    monkeypatch.delenv("IRONLEAF_LEAKS", raising=False)
    keepers = [caplog.handler, _find_reporter(caplog)]
    for keeper in keepers:
        keeper.setLevel(_NOTHING)
    with write_logs(tmp_path / "logs") as directory:
        yield directory
    for keeper in keepers:
        keeper.setLevel(logging.NOTSET)


def _find_reporter(caplog: pytest.LogCaptureFixture) -> logging.Handler:
    """Return the handler that keeps what a failed test shows."""
    plugin = caplog._item.config.pluginmanager.get_plugin("logging-plugin")
    reporter = plugin.report_handler
    assert isinstance(reporter, logging.Handler)
    return reporter
