"""A storm before two replicas, as processes that are killed: people hear of it once, and once of its end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ironleaf.foundation.database import DatabaseSettings

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
ALERT_S_MAX = 10.0
"""From the decision to the alert."""
PATIENCE_S = 60.0


class Replicas:
    """Starts replicas, gives them orders, kills them."""

    def __init__(self, url: str, told: Path) -> None:
        self._url = url
        self._told = told
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, place: str, *flags: str) -> None:
        command = [sys.executable, "-m", "tests.fixtures.alert_replica", self._url, place, str(self._told), *flags]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._running[place] = process
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def order(self, place: str, order: str) -> None:
        stdin = self._running[place].stdin
        assert stdin is not None
        stdin.write(f"{order}\n")
        stdin.flush()

    def kill(self, place: str) -> None:
        process = self._running.pop(place)
        process.kill()
        self._reap(process)

    def wait_for_death(self, place: str) -> None:
        process = self._running.pop(place)
        assert process.wait(PATIENCE_S) == 9
        self._reap(process)

    def kill_all(self) -> None:
        for place in list(self._running):
            self.kill(place)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._told.read_text().splitlines()] if self._told.exists() else []

    def wait(self, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until what was told is as it should be; return it."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            if holds(said := self.read()):
                return said
            pause(0.1)
        pytest.fail(f"told so far: {self.read()}")

    def _reap(self, process: subprocess.Popen[str]) -> None:
        process.wait(PATIENCE_S)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def pause(seconds: float) -> None:
    subprocess.run(["sleep", str(seconds)], check=True)


@pytest.fixture
def replicas(database_settings: DatabaseSettings, tmp_path: Path) -> Iterator[Replicas]:
    started = Replicas(database_settings.url, tmp_path / "told.jsonl")
    yield started
    started.kill_all()


def count(said: list[dict[str, Any]]) -> Counter[str]:
    return Counter(each["kind"] for each in said)


def test_a_storm_is_told_once_over_three_restarts_and_two_replicas(replicas: Replicas) -> None:
    replicas.start("a")
    replicas.start("b")
    for place in ("a", "b"):
        replicas.order(place, "fire")
    (alert,) = replicas.wait(bool)
    delay_s = (datetime.fromisoformat(alert["at"]) - datetime.fromisoformat(alert["opened_at"])).total_seconds()
    assert delay_s <= ALERT_S_MAX
    print(f"alert after {delay_s:.1f} s")  # noqa: T201
    for restarted in ("a", "b", "a"):
        replicas.kill(restarted)
        replicas.start(restarted)
        replicas.order(restarted, "fire")
        pause(3)
    for place in ("a", "b"):
        replicas.order(place, "clear")
    replicas.wait(lambda said: count(said)["resolved"] == 1)
    pause(5)
    assert count(said := replicas.read()) == {"opened": 1, "resolved": 1}
    assert {(each["component"], each["cause"]) for each in said} == {("backend:reader", "model-unavailable")}
    assert said[1]["duration_s"] > 0


def test_a_kill_between_sending_and_recording_repeats_once_at_most(replicas: Replicas) -> None:
    replicas.start("a", "die")
    replicas.order("a", "fire")
    replicas.wait_for_death("a")
    replicas.start("a")
    replicas.start("b")
    for place in ("a", "b"):
        replicas.order(place, "fire")
    replicas.wait(lambda said: count(said)["opened"] == 2)
    pause(5)
    for place in ("a", "b"):
        replicas.order(place, "clear")
    replicas.wait(lambda said: count(said)["resolved"] == 1)
    pause(3)
    assert count(said := replicas.read()) == {"opened": 2, "resolved": 1}
    assert len({each["id"] for each in said if each["kind"] == "opened"}) == 1
