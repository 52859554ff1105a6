"""Promise: what operators see and do is behind a key or a session, and every act is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from tests.fixtures.keys import Gatehouse
from tests.unit.application.test_engine_desk import make_desk

from ironleaf.application.access import sessions as session_table
from ironleaf.application.access.desk import Access
from ironleaf.application.access.errors import ENTRIES
from ironleaf.application.access.keys import Scope
from ironleaf.application.api import gate, ops_engines, ops_quarantine, sessions
from ironleaf.application.api.gate import AccessGate
from ironleaf.application.api.health_details import make_health_details
from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import Catalogue
from ironleaf.foundation.health import HealthStatus, ProbeResult
from ironleaf.foundation.observability import Redactor
from ironleaf.foundation.processes import LossReason
from ironleaf.services.files.quarantine import InMemoryQuarantine
from ironleaf.web import FrontRules, HostRules, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ironleaf.application.engine_desk import EngineDesk
    from ironleaf.services.files.quarantine import Quarantine

pytestmark = pytest.mark.anyio

PASSWORD = "correct-horse-7"
SHA = "5e" * 32
OTHER = "c0" * 32


class Probe:
    name = "database"

    async def check(self) -> ProbeResult:
        return ProbeResult(
            status=HealthStatus.DEGRADED,
            detail=f"postgresql://app:{PASSWORD}@10.0.0.7/app refused",
            detail_zh="数据库无法连接",
        )


@pytest.fixture
def gatehouse() -> Gatehouse:
    return Gatehouse()


@pytest.fixture
def desk(tmp_path: Path) -> EngineDesk:
    return make_desk(tmp_path)


@pytest.fixture
def quarantine() -> Quarantine:
    held = InMemoryQuarantine(ManualClock())
    for sha256 in (SHA, SHA, OTHER, OTHER):
        held.record(sha256, LossReason.CRASH)
    return held


def make_app(
    gatehouse: Gatehouse, desk: EngineDesk, *, secure: bool = False, quarantine: Quarantine | None = None
) -> FastAPI:
    access = Access(
        guard=gatehouse.guard,
        ring=gatehouse.ring,
        sessions=gatehouse.sessions,
        front=FrontRules(hosts=HostRules()),
        secure_cookies=secure,
    )
    app = FastAPI()
    app.include_router(ops_engines.make_router(desk, guard=access.guard))
    app.include_router(ops_quarantine.make_router(quarantine or InMemoryQuarantine(ManualClock()), guard=access.guard))
    app.include_router(sessions.make_router(access))

    @app.get("/v1/ops/forgotten")
    async def forgotten() -> dict[str, str]:
        return {"seen": "by nobody"}

    app.add_middleware(AccessGate, guard=access.guard)
    install(
        app,
        catalogue=Catalogue(ENTRIES),
        front=access.front,
        probes=(Probe(),),
        health_details=make_health_details(access.guard, Redactor()),
    )
    return app


@pytest.fixture
async def client(gatehouse: Gatehouse, desk: EngineDesk, quarantine: Quarantine) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(gatehouse, desk, quarantine=quarantine)
    transport = httpx.ASGITransport(app=app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as opened:
        yield opened


class AuditBook:
    """Stands in for the audit's logger."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self._lines = lines

    def info(self, _event: str, **facts: Any) -> None:
        self._lines.append(facts)


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for module in (gate, sessions):
        monkeypatch.setattr(module, "_audit", AuditBook(lines))
    return lines


async def key(gatehouse: Gatehouse, *scopes: Scope) -> dict[str, str]:
    text, _ = await gatehouse.add(*scopes)
    return {"authorization": f"Bearer {text}"}


DOORS = (
    ("GET", "/v1/ops/engines"),
    ("POST", "/v1/ops/engines/a/breaker"),
    ("GET", "/v1/ops/healing"),
    ("GET", "/v1/ops/quarantine"),
    ("POST", f"/v1/ops/quarantine/{SHA}/release"),
    ("GET", "/v1/ops/session"),
    ("GET", "/v1/ops/forgotten"),
    ("GET", "/v1/ops/no-such-door"),
    ("DELETE", "/v1/ops/engines"),
    ("GET", "/v1/ops"),
)


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_nothing_below_ops_is_reached_without_its_scope(
    method: str, path: str, client: httpx.AsyncClient, gatehouse: Gatehouse
) -> None:
    assert (await client.request(method, path, content=b"not json")).status_code == 401
    wrong = await key(gatehouse, Scope.CONVERT)
    assert (await client.request(method, path, content=b"not json", headers=wrong)).status_code == 403
    right = await key(gatehouse, Scope.OPS)
    assert (await client.request(method, path, headers=right)).status_code in {200, 404, 405, 422}


async def test_a_prefix_does_not_open_a_door(gatehouse: Gatehouse, desk: EngineDesk) -> None:
    transport = httpx.ASGITransport(make_app(gatehouse, desk), root_path="/ocr/", client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        for path in ("/ocr/v1/ops/engines", "/v1/ops/engines", "/ocr/v1/ops/forgotten", "/v1/ops/forgotten"):
            assert (await client.get(path)).status_code == 401, path


async def test_no_body_is_read_before_the_key(client: httpx.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("nobody may read this")
        yield b""

    answer = await client.post("/v1/ops/engines/a/breaker", content=body())
    assert answer.status_code == 401


async def test_an_operator_sees_addresses_and_no_key(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    answer = await client.get("/v1/ops/engines", headers=await key(gatehouse, Scope.OPS))
    first = answer.json()["data"]["backends"][0]
    assert first["alias"] == "a"
    assert first["address"] == "http://model-host.invalid:9997/v1"
    assert first["model"] == "secret-model"
    assert first["breaker"]["state"] == "closed"
    assert first["calls"]["limit"] >= 1
    assert first["breaker_since"].endswith("Z")
    assert "sk-canary" not in answer.text
    assert answer.headers["ratelimit-limit"] == "600"
    assert answer.headers["ratelimit-remaining"] == "599"


async def test_a_breaker_is_moved_by_hand_and_the_audit_says_by_whom(
    client: httpx.AsyncClient, gatehouse: Gatehouse, audits: list[dict[str, Any]]
) -> None:
    text, record = await gatehouse.add(Scope.OPS)
    headers = {"authorization": f"Bearer {text}"}
    states: list[str] = []
    for action in ("open", "close", "open", "reset"):
        answer = await client.post("/v1/ops/engines/a/breaker", json={"action": action}, headers=headers)
        states.append(answer.json()["data"]["breaker"]["state"])
    assert states == ["forced_open", "closed", "forced_open", "closed"]
    assert [line["facts"] for line in audits] == [
        {"breaker": action, "backend": "a"} for action in ("open", "close", "open", "reset")
    ]
    assert {(line["by"], line["method"], line["route"], line["status"]) for line in audits} == {
        (record.id, "POST", "/v1/ops/engines/{name}/breaker", 200)
    }
    assert text.rpartition("_")[2] not in str(audits)
    history = (await client.get("/v1/ops/healing?limit=3", headers=headers)).json()["data"]
    assert [entry["action"] for entry in history["entries"]] == ["breaker_reset", "breaker_opened", "breaker_closed"]
    assert history["next_offset"] == 3
    rest = (await client.get("/v1/ops/healing?limit=3&offset=3", headers=headers)).json()["data"]
    assert [entry["action"] for entry in rest["entries"]] == ["breaker_opened"]
    assert rest["next_offset"] is None


async def test_a_file_in_quarantine_is_seen_and_released_and_the_audit_says_so(
    client: httpx.AsyncClient, gatehouse: Gatehouse, audits: list[dict[str, Any]]
) -> None:
    headers = await key(gatehouse, Scope.OPS)
    told = (await client.get("/v1/ops/quarantine?limit=1", headers=headers)).json()["data"]
    assert (told["count"], len(told["files"])) == (2, 1)
    assert set(told["files"][0]) == {"sha256", "reason", "losses", "since", "until"}
    released = await client.post(f"/v1/ops/quarantine/{SHA}/release", headers=headers)
    assert released.json()["data"] == {"sha256": SHA}
    assert audits[-1]["facts"] == {"released": SHA}
    left = (await client.get("/v1/ops/quarantine", headers=headers)).json()["data"]
    assert [file["sha256"] for file in left["files"]] == [OTHER]
    assert (await client.post(f"/v1/ops/quarantine/{SHA}/release", headers=headers)).status_code == 404
    assert (await client.post("/v1/ops/quarantine/5e5e/release", headers=headers)).status_code == 422


async def test_refused_orders_are_written_down_too(
    client: httpx.AsyncClient, gatehouse: Gatehouse, audits: list[dict[str, Any]]
) -> None:
    await client.post("/v1/ops/engines/none/breaker", json={"action": "open"}, headers=await key(gatehouse, Scope.OPS))
    await client.get("/v1/ops/engines", headers=await key(gatehouse, Scope.OPS))
    await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    assert [(line["route"], line.get("status")) for line in audits] == [
        ("/v1/ops/engines/{name}/breaker", None),
        ("/login", None),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/v1/ops/engines/none/breaker", {"action": "open"}, 404, "not-found"),
        ("/v1/ops/engines/a/breaker", {"action": "explode"}, 422, "bad-option"),
        ("/v1/ops/engines/a/breaker", {"action": "open", "more": 1}, 422, "bad-option"),
        ("/v1/ops/engines/a/breaker", {}, 422, "bad-option"),
        (f"/v1/ops/engines/{'a' * 65}/breaker", {"action": "open"}, 422, "bad-option"),
    ],
)
async def test_a_senseless_order_changes_nothing(
    path: str, body: Any, status: int, reason: str, client: httpx.AsyncClient, gatehouse: Gatehouse, desk: EngineDesk
) -> None:
    answer = await client.post(path, json=body, headers=await key(gatehouse, Scope.OPS))
    assert (answer.status_code, answer.json()["error"]["reason"]) == (status, reason)
    assert desk.history(5) == ()


async def test_health_tells_operators_more_and_nobody_passwords(
    client: httpx.AsyncClient, gatehouse: Gatehouse
) -> None:
    plain = await client.get("/health")
    assert plain.json() == {"status": "degraded", "components": {"database": "degraded"}}
    for headers in (await key(gatehouse, Scope.CONVERT), {"authorization": "Bearer wrong"}):
        assert (await client.get("/health", headers=headers)).json() == plain.json()
    told = (await client.get("/health", headers=await key(gatehouse, Scope.OPS))).json()
    assert "10.0.0.7" in told["details"]["database"]
    assert PASSWORD not in str(told)
    in_chinese = {**await key(gatehouse, Scope.OPS), "accept-language": "zh-CN"}
    told = (await client.get("/health", headers=in_chinese)).json()
    assert told["details"]["database"] == "数据库无法连接"


async def test_the_ledger_is_read_in_the_callers_language(
    client: httpx.AsyncClient, gatehouse: Gatehouse, desk: EngineDesk
) -> None:
    desk.open("a")
    operator = await key(gatehouse, Scope.OPS)
    causes = []
    for language in ("en", "zh-CN"):
        answer = await client.get("/v1/ops/healing", headers={**operator, "accept-language": language})
        causes += [entry["cause"] for entry in answer.json()["data"]["entries"]]
    assert causes == ["by hand", "人工操作"]


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_a_link_opens_a_session_once(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    token = gatehouse.sessions.issue_link()
    answer = await client.get("/login", params={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "samesite=strict",
        "path=/",
        f"max-age={session_table.SESSION_S:.0f}",
    }
    assert token not in str(answer.headers)
    seen = (await client.get("/v1/ops/session")).json()["data"]
    assert seen["name"].startswith("session-")
    assert seen["scopes"] == ["convert", "ops"]
    again = await client.get("/login", params={"token": token})
    assert (again.status_code, again.json()["error"]["reason"]) == (410, "login-link-spent")
    assert "set-cookie" not in again.headers


async def test_logging_out_ends_it(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    held = client.cookies["ironleaf_session"]
    answer = await client.post("/logout")
    assert answer.status_code == 204
    assert "ironleaf_session" not in client.cookies
    assert (await client.get("/v1/ops/session", headers={"cookie": f"ironleaf_session={held}"})).status_code == 401
    assert (await client.post("/logout")).status_code == 204, "nobody is logged in: nothing to do"


async def test_a_session_cannot_be_chosen_by_somebody_else(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    planted = "ils_" + "0" * 48
    client.cookies.set("ironleaf_session", planted, domain="localhost.local")
    answer = await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    assert planted not in answer.headers["set-cookie"]
    assert gatehouse.sessions.find(planted) is None


async def test_a_new_login_ends_the_old_session(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    old = client.cookies["ironleaf_session"]
    await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    assert client.cookies["ironleaf_session"] != old
    assert gatehouse.sessions.find(old) is None


async def test_links_cannot_be_guessed_for_long(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    token = gatehouse.sessions.issue_link()
    twice = f"/login?token={token}&token={token}"
    assert (await client.get(twice)).status_code == 410
    assert (await client.get("/login")).status_code == 410
    assert (await client.head("/login", params={"token": token})).status_code == 405
    statuses = [(await client.get(f"/login?token=ill_{n}")).status_code for n in range(10)]
    assert statuses[-1] == 429
    assert (await client.get("/login", params={"token": token})).status_code == 303


async def test_a_foreign_page_cannot_use_a_session(client: httpx.AsyncClient, gatehouse: Gatehouse) -> None:
    await client.get("/login", params={"token": gatehouse.sessions.issue_link()})
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = await client.post("/v1/ops/engines/a/breaker", json={"action": "open"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "cross-site-request")
    own = {"origin": "http://localhost:8000"}
    answer = await client.post("/v1/ops/engines/a/breaker", json={"action": "open"}, headers=own)
    assert answer.status_code == 200


async def test_on_https_the_cookie_keeps_to_it(gatehouse: Gatehouse, desk: EngineDesk) -> None:
    transport = httpx.ASGITransport(make_app(gatehouse, desk, secure=True), root_path="/ocr")
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        answer = await client.get("/ocr/login", params={"token": gatehouse.sessions.issue_link()})
    assert answer.headers["location"] == "/ocr/ops"
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_every_ops_door_documents_its_refusals(gatehouse: Gatehouse, desk: EngineDesk) -> None:
    schema = make_app(gatehouse, desk).openapi()
    doors = [path for path in schema["paths"] if path.startswith("/v1/ops/") and "forgotten" not in path]
    assert len(doors) == 6
    for path in doors:
        for operation in schema["paths"][path].values():
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), path
            assert operation["security"], path
