"""Promise: a model dies, every page is read all the same, one person is told once, and once that it is over."""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from anyio.from_thread import start_blocking_portal
from tests.fixtures.databases import make_empty
from tests.fixtures.oncall import Operator
from tests.fixtures.service import EXAMPLES, find_port, run_service
from tests.fixtures.webhook import Inbox, open_inbox, wait_until

from ironleaf.faults import CANARIES, FaultyModelServer
from ironleaf.faults.model_server import MODEL
from ironleaf.services.engines.canary import CANARY_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

READS = f"{' '.join(CANARY_WORDS)} as a model reads it"
PATIENT = {"IRONLEAF_ENGINES__VL__BREAKER__OPEN_FIRST_S": "60"}
"""The breaker's own probe comes late, so that it is the search for the model that finds it."""
TOLD_S = 30.0
"""A definite trouble is believed after 10 s and told within another 10; the rest is for a slow machine."""
OVER_S = 240.0
"""Two minutes without a failure that was never seen before, a grace, and what a slow machine takes."""
STORM_OVER_S = 480.0
"""Where the storm lasted long enough to be an onset, a part must be seen well for five minutes."""


@contextmanager
def run_model(fault: str) -> Iterator[tuple[FaultyModelServer, Callable[[str], None]]]:
    """Yield a model server on a thread of its own, and how to change what it does."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(FaultyModelServer(fault, text=READS)) as server,
    ):
        yield server, lambda name: portal.call(server.use, name)


def configure(model: FaultyModelServer, inbox: Inbox, **more: str) -> dict[str, str]:
    backend = {"alias": "reader", "base_url": model.base_url, "model": MODEL}
    return {
        "IRONLEAF_ENGINES__VL__BACKENDS": json.dumps([backend]),
        "IRONLEAF_ALERTS__CHANNELS": json.dumps([inbox.channel()]),
        "IRONLEAF_ALERTS__GRACE_S": "5",
        **more,
    }


def test_from_a_dead_model_to_a_resolved_incident(tmp_path: Path) -> None:
    with (
        open_inbox() as inbox,
        run_model("ok") as (model, change),
        contextmanager(run_service)(tmp_path, **configure(model, inbox, **PATIENT)) as service,
        Operator(service) as operator,
    ):
        assert service.document(EXAMPLES / "receipt.jpg")["pages"][0]["engine"] == "vl"
        served, model.models = model.models, ()
        change("400-model-gone")
        document = service.document(EXAMPLES / "receipt.jpg")
        (page,) = document["pages"]
        assert (page["engine"], page["degraded_reason"], document["degraded"]) == (
            "embedded",
            "model-unavailable",
            True,
        )
        incident = inbox.wait_for("opened", within_s=TOLD_S)["incident"]
        assert (incident["component"], incident["cause"]) == ("backend:reader", "model-unavailable")
        wait_until(
            lambda: "backend-down" in operator.read(f"/incidents/{incident['id']}")["incident"]["rules"],
            within_s=TOLD_S,
        )
        story = operator.read(f"/incidents/{incident['id']}")
        assert {"engine": "reader", "status": "down"} in story["card"]["ladder"]
        assert story["card"]["blast"]["requests"] >= 1
        breaker = next(each for each in operator.read("/engines")["backends"] if each["alias"] == "reader")
        assert breaker["breaker"]["state"] == "open"

        model.models = ("another", *served)
        change("ok")
        over = inbox.wait_for("resolved", within_s=OVER_S)
        assert over["incident"]["id"] == incident["id"]
        assert service.document(EXAMPLES / "receipt.jpg")["pages"][0]["engine"] == "vl"
        actions = [each["action"] for each in operator.read("/healing")["entries"]]
        assert "model_returned" in actions, "and what was done about it is written down"
        assert [each["kind"] for each in inbox.received] == ["opened", "resolved"]
        assert operator.read("/errors?window=5m&by=engine&view=all")["count"] >= 2, "the statistics were written"
        told = json.dumps([inbox.received, story])
        assert not [canary for canary in CANARIES if canary in told]


class Replica:
    """A service among several that share a database; it can be killed and started again."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        directory.mkdir()
        self._directory = directory
        self._settings = settings
        self._port = find_port()
        self.start()

    def start(self) -> None:
        self._running = run_service(self._directory, port=self._port, **self._settings)
        self.service = next(self._running)

    def kill(self) -> None:
        self.service.process.kill()
        self._running.close()

    def stop(self) -> None:
        self._running.close()

    def fail(self, count: int) -> Counter[int]:
        """Ask for what only the dead model could read; return how often each status came."""
        with ThreadPoolExecutor(4) as pool:
            return Counter(pool.map(lambda _: self._ask(), range(count)))

    def _ask(self) -> int:
        return self.service.convert(EXAMPLES / "receipt.jpg", engine="vl").status_code


@pytest.mark.timeout(900)
@pytest.mark.skipif("STORM" not in os.environ, reason="a storm of minutes, for a quiet machine: `make storm`")
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_five_hundred_failing_requests_are_one_alert(
    request: pytest.FixtureRequest, tmp_path: Path, dialect: str
) -> None:
    """Two replicas on one database, three of their starts after a kill, one dead model and what shows of it besides."""
    database_settings = make_empty(dialect, request)
    with open_inbox() as inbox, run_model("ok") as (model, change):
        settings = configure(
            model,
            inbox,
            IRONLEAF_DATABASE__URL=database_settings.url,
            IRONLEAF_WORKERS__RECOGNISERS="1",
            IRONLEAF_WORKERS__DECODERS="1",
            IRONLEAF_ALERTS__GRACE_S="20",
            IRONLEAF_ENGINES__VL__BREAKER__OPEN_MAX_S="20",
        )
        replicas = [Replica(tmp_path / name, settings) for name in ("left", "right")]
        for replica in replicas:
            assert replica.fail(1) == {200: 1}
        change("400-model-gone")
        failed: Counter[int] = Counter()
        for place in (0, 1, 0):
            for replica in replicas:
                failed += replica.fail(75)
            inbox.wait_for("opened", within_s=TOLD_S)
            replicas[place].kill()
            replicas[place].start()
        for replica in replicas:
            failed += replica.fail(25)
        assert failed == {503: 500}
        change("ok")
        over = inbox.wait_for("resolved", within_s=STORM_OVER_S)
        with Operator(replicas[0].service, IRONLEAF_DATABASE__URL=database_settings.url) as operator:
            lines = operator.read("/incidents")["incidents"]
        for replica in replicas:
            replica.stop()
    symptoms = {(each["component"], each["cause"]) for each in lines if each["muted_by"]}
    print(dialect, sorted(symptoms), [each["incident"]["duration_s"] for each in inbox.received])  # noqa: T201
    assert {each["id"] for each in lines if each["announced_at"]} == {over["incident"]["id"]}
    assert ("service", "failed-requests") in symptoms, "the storm shows at the doors too, and nobody is told of that"
    assert over["card"]["blast"]["routes"] == ["/v1/convert"]
    assert [each["kind"] for each in inbox.received] == ["opened", "resolved"], inbox.received
    (alert, _) = inbox.received
    assert (alert["incident"]["component"], alert["incident"]["cause"]) == ("backend:reader", "model-unavailable")
    assert alert["incident"]["id"] == over["incident"]["id"]
