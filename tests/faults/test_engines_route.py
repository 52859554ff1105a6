"""`GET /v1/engines`: who can read, and nothing about where or what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.faults import CANARIES, FaultyModelServer
from ironleaf.services.engines.canary import CANARY_WORDS
from ironleaf.services.engines.ledger import HealingAction

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.application.bootstrap import House

pytestmark = pytest.mark.anyio

REPLICA = "reader-vl-rep1"


@pytest.mark.slow
async def test_the_ladder_is_public_and_tells_no_address(tmp_path: Path) -> None:
    async with (
        FaultyModelServer("400-model-gone") as upstream,
        serve(tmp_path, upstream, **{"engines.vl.canary": False}) as (port, house),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        before = (await client.get("/v1/engines")).json()
        house.desk.open("reader")
        after = (await client.get("/v1/engines")).json()
        health = (await client.get("/health")).json()
        schema = (await client.get("/openapi.json")).json()
        ops = [path for path in schema["paths"] if path.startswith("/v1/ops")]
        refused = {(await client.get(path)).status_code for path in ops}
        assert (await client.get("/readyz")).status_code == 200, "degraded is still ready"
    assert before["code"] == 0
    assert before["data"] == {
        "engines": [
            {"name": "text_layer", "alias": "text_layer", "status": "ready"},
            {"name": "vl", "alias": "reader", "status": "ready"},
            {"name": "embedded", "alias": "embedded", "status": "ready"},
        ]
    }
    assert [line["status"] for line in after["data"]["engines"]] == ["ready", "down", "ready"]
    assert health["components"]["model"] == "degraded"
    assert "127.0.0.1" not in repr(after)
    assert "EngineLadder" in schema["components"]["schemas"]
    assert "/v1/ops/engines" in ops
    assert refused == {401}, "no ops route without a key"


async def convert(client: httpx.AsyncClient) -> httpx.Response:
    picture = (EXAMPLES / "chinese.png").read_bytes()
    return await client.post("/v1/convert", files={"file": ("a.png", picture)}, timeout=60)


async def wait_for(status: str, client: httpx.AsyncClient, house: House) -> None:
    for _ in range(100):
        lines = (await client.get("/v1/engines")).json()["data"]["engines"]
        if lines[1]["status"] == status:
            return
        await house.clock.sleep(0.1)
    pytest.fail(f"never {status}")


@pytest.mark.slow
async def test_the_founding_failure_heals_while_the_service_runs(tmp_path: Path) -> None:
    """The watch finds it gone, callers get labelled pages, a replica appears, and pages are read by it."""
    text = f"{' '.join(CANARY_WORDS)} as a model reads it"
    async with (
        FaultyModelServer("400-model-gone", text=text, models=()) as upstream,
        serve(tmp_path, upstream, **{"engines.vl.healing.look_every_s": 1}) as (port, house),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        await wait_for("down", client, house)
        degraded = await convert(client)
        upstream.models = ("reader", "another-vl", REPLICA)
        await upstream.use("ok")
        await wait_for("ready", client, house)
        healed = await convert(client)
        (entry,) = house.desk.history(5)
    page = degraded.json()["data"]["pages"][0]
    assert (degraded.status_code, page["engine"], page["degraded_reason"]) == (200, "embedded", "circuit-open")
    page = healed.json()["data"]["pages"][0]
    assert (healed.status_code, page["engine"], page["model"], page["degraded"]) == (200, "vl", "reader", False)
    assert (entry.action, entry.facts["to"]) == (HealingAction.MODEL_SWITCHED, REPLICA)
    public = degraded.text + healed.text + repr(degraded.headers) + repr(healed.headers)
    assert not [canary for canary in (*CANARIES, "reader-vl") if canary in public]
