"""Promise: operators see incidents and give orders about them; nobody else does, and no secret is shown."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from tests.fixtures.alerts import RememberingChannel, make_office, make_signal
from tests.fixtures.keys import Gatehouse

from ironleaf.application.access.keys import Scope
from ironleaf.application.api import ops_incidents, runbooks
from ironleaf.application.catalogue import build_catalogue
from ironleaf.foundation.alerting.board import IncidentPolicy
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.alerting.desk import IncidentDesk
from ironleaf.foundation.alerting.keeper import Keeper
from ironleaf.foundation.alerting.silences import SILENCE_S_MAX
from ironleaf.foundation.observability import Redactor
from ironleaf.web import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
SECRET = "a-token-that-nobody-may-see"


@pytest.fixture
def gatehouse() -> Gatehouse:
    return Gatehouse()


@pytest.fixture
def desk(gatehouse: Gatehouse) -> IncidentDesk:
    clock = gatehouse.clock
    keeper = Keeper(None, policy=IncidentPolicy(), clock=clock, replica="a#1")
    office = make_office((RememberingChannel(findings=[Finding.REFUSED] * 99),))
    return IncidentDesk(keeper, office, replica="a#1", clock=clock, random=Random(1))


@pytest.fixture
async def client(gatehouse: Gatehouse, desk: IncidentDesk) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    router = ops_incidents.make_router(
        desk, guard=gatehouse.guard, redactor=Redactor(secrets=[SECRET]), clock=gatehouse.clock
    )
    app.include_router(router)
    app.include_router(runbooks.make_router())
    install(app, catalogue=build_catalogue())
    key, _ = await gatehouse.add(Scope.OPS, requests_per_minute=6_000)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as opened:
        yield opened


async def work(gatehouse: Gatehouse, desk: IncidentDesk, seconds: int) -> None:
    for _ in range(seconds):
        gatehouse.clock.advance(1)
        await desk.tick()
        await asyncio.gather(*desk._courier._under_way.values())


async def open_incident(gatehouse: Gatehouse, desk: IncidentDesk, component: str = "backend:reader") -> str:
    desk.hear(make_signal(component, at_s=gatehouse.clock.monotonic()))
    await work(gatehouse, desk, 8)
    return (await desk.list_incidents(states=("open",), before="", limit=1))[0].id


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(f"/v1/ops{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def post(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Any:
    answer = await client.post(f"/v1/ops{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status == 200 else answer.json()["error"]["reason"]


PATHS = (
    ("GET", "/v1/ops/incidents"),
    ("GET", f"/v1/ops/incidents/{'0' * 26}"),
    ("POST", f"/v1/ops/incidents/{'0' * 26}/acknowledge"),
    ("POST", f"/v1/ops/incidents/{'0' * 26}/resolve"),
    ("POST", f"/v1/ops/incidents/{'0' * 26}/silence"),
    ("GET", "/v1/ops/silences"),
    ("POST", "/v1/ops/silences"),
    ("POST", f"/v1/ops/silences/{'0' * 26}/expire"),
    ("GET", "/v1/ops/deliveries"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_nobody_gets_in_without_the_scope(
    method: str, path: str, client: httpx.AsyncClient, gatehouse: Gatehouse
) -> None:
    answer = await client.request(method, path, json={}, headers={"authorization": ""})
    assert answer.json()["error"]["reason"] == "unauthenticated"
    key, _ = await gatehouse.add(Scope.CONVERT)
    answer = await client.request(method, path, json={}, headers={"authorization": f"Bearer {key}"})
    assert answer.json()["error"]["reason"] == "forbidden"


async def test_an_incident_is_seen_with_its_card_its_history_and_who_was_told(
    client: httpx.AsyncClient, gatehouse: Gatehouse, desk: IncidentDesk
) -> None:
    incident_id = await open_incident(gatehouse, desk)
    page = await get(client, "/incidents", state=["open"])
    assert page["database"] == "away"
    assert [each["id"] for each in page["incidents"]] == [incident_id]
    story = await get(client, f"/incidents/{incident_id}")
    assert story["card"]["runbook"] == "/runbooks/error-onset"
    assert [each["act"] for each in story["history"]] == ["opened", "announced"]
    assert story["deliveries"][0]["finding"] == "refused"
    assert (await get(client, "/deliveries", state="pending"))["deliveries"]
    assert (await get(client, "/deliveries"))["deliveries"] == []
    assert (await get(client, "/incidents", state=["resolved"]))["incidents"] == []


async def test_pages_follow_one_another(client: httpx.AsyncClient, gatehouse: Gatehouse, desk: IncidentDesk) -> None:
    for number in range(5):
        await open_incident(gatehouse, desk, f"backend:{number}")
    first = await get(client, "/incidents", limit=3)
    rest = await get(client, "/incidents", limit=99, before=first["next_before"])
    seen = [each["component"] for each in (*first["incidents"], *rest["incidents"])]
    assert len(seen) == len(set(seen)) == 6  # the channel that fails is the sixth
    assert rest["next_before"] is None


async def test_a_person_takes_it_and_says_that_it_is_over(
    client: httpx.AsyncClient, gatehouse: Gatehouse, desk: IncidentDesk
) -> None:
    incident_id = await open_incident(gatehouse, desk)
    taken = await post(client, f"/incidents/{incident_id}/acknowledge", by="Wei")
    assert taken["state"] == "acknowledged"
    assert taken["acknowledged_by"].startswith("Wei (")
    ended = await post(client, f"/incidents/{incident_id}/resolve", why=f"the token was {SECRET}")
    assert ended["state"] == "resolved"
    history = (await get(client, f"/incidents/{incident_id}"))["history"]
    assert history[-1]["why"] == "the token was <secret>"
    await work(gatehouse, desk, 70)
    assert await post(client, f"/incidents/{incident_id}/acknowledge", 409) == "incident-closed"
    assert await post(client, f"/incidents/{'0' * 26}/resolve", 404) == "incident-not-found"


async def test_silences_are_put_listed_and_ended(
    client: httpx.AsyncClient, gatehouse: Gatehouse, desk: IncidentDesk
) -> None:
    incident_id = await open_incident(gatehouse, desk)
    silence = await post(client, f"/incidents/{incident_id}/silence", duration_s=3_600, why="known")
    assert (silence["rule"], silence["component"], silence["cause"]) == ("*", "backend:reader", "model-unavailable")
    wide = await post(client, "/silences", component="backend:*", duration_s=60)
    assert [each["id"] for each in (await get(client, "/silences"))["silences"]] == [wide["id"], silence["id"]]
    await post(client, f"/silences/{wide['id']}/expire")
    assert await post(client, f"/silences/{wide['id']}/expire", 404) == "incident-not-found"
    assert [each["id"] for each in (await get(client, "/silences"))["silences"]] == [silence["id"]]
    assert await post(client, f"/incidents/{'0' * 26}/silence", 404, duration_s=60) == "incident-not-found"


async def test_silences_are_bounded_in_number(client: httpx.AsyncClient) -> None:
    for _ in range(100):
        await post(client, "/silences", duration_s=600)
    assert await post(client, "/silences", 409, duration_s=600) == "too-many-silences"


@pytest.mark.parametrize(
    "body",
    [
        {"duration_s": SILENCE_S_MAX + 1},
        {"duration_s": 1},
        {},
        {"duration_s": 60, "rule": "a b"},
        {"duration_s": 60, "why": "x" * 201},
        {"duration_s": 60, "why": "a\x00b"},
        {"duration_s": 60, "more": 1},
    ],
)
async def test_a_wrong_order_is_refused_and_not_repeated(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert await post(client, "/silences", 422, **body) == "bad-option"


async def test_a_wrong_number_is_refused(client: httpx.AsyncClient) -> None:
    for path in ("/v1/ops/incidents/x", "/v1/ops/incidents?before=x", "/v1/ops/incidents?state=gone"):
        assert (await client.get(path)).status_code == 422


async def test_a_runbook_is_served_in_both_languages(client: httpx.AsyncClient) -> None:
    english = await client.get("/runbooks/backend-down", headers={"accept-language": "en"})
    chinese = await client.get("/runbooks/backend-down?lang=zh")
    assert "<h2>Mend</h2>" in english.text
    assert "<b>修复</b>" in chinese.text
    assert "script-src" not in english.headers["content-security-policy"]
    assert (await client.get("/runbooks/nothing")).json()["error"]["reason"] == "not-found"
