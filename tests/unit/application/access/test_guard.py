"""Promise: only a good key or session opens a guarded door, whatever else is sent."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from tests.fixtures.keys import Gatehouse

from ironleaf.application.access import ring, throttle
from ironleaf.application.access.errors import ENTRIES
from ironleaf.application.access.guard import caller_of
from ironleaf.application.access.keys import Scope
from ironleaf.application.access.peers import PeerRules
from ironleaf.foundation.errors import Catalogue
from ironleaf.web import Refusal, install

if TYPE_CHECKING:
    from ironleaf.application.access.guard import Guard

pytestmark = pytest.mark.anyio


@pytest.fixture
def gatehouse() -> Gatehouse:
    return Gatehouse()


def make_app(guard: Guard) -> FastAPI:
    app = FastAPI()
    ops = APIRouter(dependencies=[Depends(guard.require(Scope.OPS))])

    @ops.get("/ops")
    async def look(request: Request) -> dict[str, str]:
        caller = caller_of(request.scope)
        assert caller is not None
        return {"caller": caller.name}

    @app.post("/convert", dependencies=[Depends(guard.require_where_demanded(Scope.CONVERT))])
    async def convert(request: Request) -> dict[str, str | None]:
        caller = caller_of(request.scope)
        return {"caller": caller.name if caller else None}

    @app.get("/metrics", dependencies=[Depends(guard.require_off_loopback(Scope.OPS))])
    async def metrics() -> dict[str, str]:
        return {"metrics": "yes"}

    app.include_router(ops)
    install(app, catalogue=Catalogue(ENTRIES))
    return app


async def ask(
    gatehouse: Gatehouse, path: str, *headers: tuple[str, str], method: str = "GET", peer: str = "198.51.100.7"
) -> httpx.Response:
    transport = httpx.ASGITransport(app=make_app(gatehouse.guard), client=(peer, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, headers=list(headers))


def bearer(text: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {text}")


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"]["reason"], answer.headers.get("www-authenticate", "")


ASKED = 'Bearer realm="ironleaf"'
INVALID = 'Bearer realm="ironleaf", error="invalid_token"'


async def test_a_good_key_opens_by_either_header(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS)
    for headers in ([bearer(text)], [("x-api-key", text)], [bearer(text), ("x-api-key", text)]):
        answer = await ask(gatehouse, "/ops", *headers)
        assert (answer.status_code, answer.json()) == (200, {"caller": key.id})
    assert (await ask(gatehouse, "/ops", ("authorization", f"bearer   {text} "))).status_code == 200


async def test_without_a_key_the_door_says_what_it_wants(gatehouse: Gatehouse) -> None:
    assert refusal(await ask(gatehouse, "/ops")) == (401, "unauthenticated", ASKED)
    basic = ("authorization", "Basic YTpi")
    assert refusal(await ask(gatehouse, "/ops", basic)) == (401, "unauthenticated", ASKED)


async def test_what_is_no_good_key_is_refused(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS)
    other, _ = await gatehouse.add(Scope.OPS)
    mixed = f"ilk_{key.id}_{other.rpartition('_')[2]}"
    for wrong in ("", "x", text[:-1], text + "x", text.upper(), mixed, "ilk_0123456789_" + "0" * 32):
        assert refusal(await ask(gatehouse, "/ops", bearer(wrong), peer=f"10.0.0.{len(wrong)}")) == (
            401,
            "unauthenticated",
            INVALID,
        ), wrong


async def test_several_keys_are_none(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.OPS)
    other, _ = await gatehouse.add(Scope.OPS)
    for headers in (
        [bearer(text), bearer(other)],
        [bearer(text), bearer(text)],
        [bearer(text), ("x-api-key", other)],
        [("x-api-key", text), ("x-api-key", other)],
        [bearer(text), ("authorization", "Basic YTpi")],
    ):
        assert refusal(await ask(gatehouse, "/ops", *headers)) == (401, "unauthenticated", INVALID)


async def test_expired_and_revoked_keys_are_told_so(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS, days=1)
    gatehouse.clock.advance(timedelta(days=1).total_seconds())
    await gatehouse.ring.refresh()
    assert refusal(await ask(gatehouse, "/ops", bearer(text))) == (401, "key-expired", INVALID)
    gatehouse.store.keys[key.id] = replace(key, revoked_at=gatehouse.clock.now())
    await gatehouse.ring.refresh()
    assert refusal(await ask(gatehouse, "/ops", bearer(text))) == (401, "key-revoked", INVALID)
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert refusal(await ask(gatehouse, "/ops", bearer(wrong)))[1] == "unauthenticated", "only its holder is told"


async def test_a_key_opens_its_own_doors_only(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.CONVERT)
    told = 'Bearer realm="ironleaf", error="insufficient_scope", scope="ops"'
    assert refusal(await ask(gatehouse, "/ops", bearer(text))) == (403, "forbidden", told)
    assert (await ask(gatehouse, "/convert", bearer(text), method="POST")).status_code == 200
    operator, _ = await gatehouse.add(Scope.OPS)
    assert refusal(await ask(gatehouse, "/convert", bearer(operator), method="POST"))[0] == 403


async def test_where_no_key_is_demanded_everybody_converts() -> None:
    gatehouse = Gatehouse(demands_keys=False)
    text, key = await gatehouse.add(Scope.CONVERT, requests_per_minute=1)
    for headers in ([], [bearer("wrong")], [("authorization", "Basic YTpi")]):
        answer = await ask(gatehouse, "/convert", *headers, method="POST")
        assert (answer.status_code, answer.json()) == (200, {"caller": None})
    assert (await ask(gatehouse, "/convert", bearer(text), method="POST")).json() == {"caller": key.id}
    assert refusal(await ask(gatehouse, "/convert", bearer(text), method="POST"))[:2] == (429, "rate-limited")
    assert await ask(gatehouse, "/ops")
    assert refusal(await ask(gatehouse, "/ops"))[0] == 401


async def test_a_key_has_a_limit_of_its_own(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.OPS, requests_per_minute=2)
    other, _ = await gatehouse.add(Scope.OPS, requests_per_minute=2)
    assert [(await ask(gatehouse, "/ops", bearer(text))).status_code for _ in range(3)] == [200, 200, 429]
    refused = await ask(gatehouse, "/ops", bearer(text))
    assert refused.headers["ratelimit-limit"] == "2"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
    assert 1 <= int(refused.headers["retry-after"]) <= throttle.WINDOW_S
    assert (await ask(gatehouse, "/ops", bearer(other))).status_code == 200


async def test_guessing_is_slowed_down_and_good_keys_are_not(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.OPS)
    statuses = [(await ask(gatehouse, "/ops", bearer(f"guess{n}"))).status_code for n in range(12)]
    assert statuses == [401] * throttle.GUESSES_PER_MINUTE + [429] * 2
    assert "retry-after" in (await ask(gatehouse, "/ops", bearer("guess"))).headers
    assert (await ask(gatehouse, "/ops", bearer(text))).status_code == 200
    assert (await ask(gatehouse, "/ops", bearer("guess"), peer="198.51.100.8")).status_code == 401
    assert (await ask(gatehouse, "/ops")).status_code == 401, "asking without a key is no guess"


async def test_known_keys_outlive_the_store_for_a_while(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.OPS)
    gatehouse.store.away = True
    gatehouse.clock.advance(ring.KNOWN_S_MAX)
    await gatehouse.ring.refresh()
    assert (await ask(gatehouse, "/ops", bearer(text))).status_code == 200
    gatehouse.clock.advance(1)
    await gatehouse.ring.refresh()
    answer = await ask(gatehouse, "/ops", bearer(text))
    assert refusal(answer)[:2] == (503, "keys-unavailable")
    assert "retry-after" in answer.headers
    gatehouse.store.away = False
    await gatehouse.ring.refresh()
    assert (await ask(gatehouse, "/ops", bearer(text))).status_code == 200


async def test_before_the_first_look_nobody_is_known(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS)
    fresh = Gatehouse()
    fresh.store.keys[key.id] = key
    assert refusal(await ask(fresh, "/ops", bearer(text)))[:2] == (503, "keys-unavailable")
    assert refusal(await ask(fresh, "/ops", bearer("not even a key")))[0] == 401


async def test_a_key_that_is_used_says_when(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS)
    await ask(gatehouse, "/ops", bearer(text))
    used_at = gatehouse.clock.now()
    gatehouse.clock.advance(ring.USES_EVERY_S)
    gatehouse.store.away = True
    await gatehouse.ring.refresh()
    gatehouse.store.away = False
    await gatehouse.ring.refresh()
    assert gatehouse.store.keys[key.id].last_used_at == used_at


async def test_a_session_opens_everything_until_it_ends(gatehouse: Gatehouse) -> None:
    secret = gatehouse.sessions.redeem(gatehouse.sessions.issue_link())
    assert secret is not None
    cookie = ("cookie", f"other=1; ironleaf_session={secret}")
    answer = await ask(gatehouse, "/ops", cookie)
    assert answer.status_code == 200
    assert answer.json()["caller"].startswith("session-")
    assert (await ask(gatehouse, "/convert", cookie, method="POST")).status_code == 200
    twice = ("cookie", f"ironleaf_session={secret}; ironleaf_session=ils_other")
    assert refusal(await ask(gatehouse, "/ops", twice))[0] == 401
    assert refusal(await ask(gatehouse, "/ops", cookie, bearer("wrong")))[0] == 401, "a wrong key is not covered up"
    gatehouse.sessions.end(secret)
    assert refusal(await ask(gatehouse, "/ops", cookie)) == (401, "unauthenticated", ASKED)


async def test_metrics_are_for_this_machine_or_operators(gatehouse: Gatehouse) -> None:
    text, _ = await gatehouse.add(Scope.OPS)
    assert (await ask(gatehouse, "/metrics", peer="127.0.0.1")).status_code == 200
    assert refusal(await ask(gatehouse, "/metrics"))[0] == 401
    assert (await ask(gatehouse, "/metrics", bearer(text))).status_code == 200
    forged = ("x-forwarded-for", "127.0.0.1")
    assert refusal(await ask(gatehouse, "/metrics", forged))[0] == 401
    assert refusal(await ask(gatehouse, "/metrics", forged, peer="127.0.0.1"))[0] == 401
    proxied = Gatehouse(peers=PeerRules(behind_proxy=True))
    assert refusal(await ask(proxied, "/metrics", peer="127.0.0.1"))[0] == 401


async def test_a_store_that_breaks_does_not_end_the_looking(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text, _ = await gatehouse.add(Scope.OPS)

    async def load() -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(gatehouse.store, "load", load)
    with caplog.at_level(logging.ERROR):
        await gatehouse.ring.refresh()
        await gatehouse.ring.refresh()
    assert caplog.text.count("keys could not be read") == 1, "said once, not every two seconds"
    assert (await ask(gatehouse, "/ops", bearer(text))).status_code == 200


async def test_the_ways_to_prove_oneself_are_documented(gatehouse: Gatehouse) -> None:
    schema = make_app(gatehouse.guard).openapi()
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "key", "session"}
    assert {name for way in schema["paths"]["/ops"]["get"]["security"] for name in way} == {"bearer", "key", "session"}


async def test_a_session_by_key_has_its_rights_and_ends_with_it(gatehouse: Gatehouse) -> None:
    _, key = await gatehouse.add(Scope.OPS)
    secret = gatehouse.sessions.open(key_id=key.id, scopes=key.scopes)
    cookie = ("cookie", f"ironleaf_session={secret}")
    request: dict[str, Any] = {"headers": [(cookie[0].encode(), cookie[1].encode())]}
    assert (await ask(gatehouse, "/ops", cookie)).status_code == 200
    assert (await ask(gatehouse, "/convert", cookie, method="POST")).status_code == 403
    assert gatehouse.guard.stands(request)
    gatehouse.store.keys[key.id] = replace(key, revoked_at=gatehouse.clock.now())
    await gatehouse.ring.refresh()
    assert not gatehouse.guard.stands(request)
    assert (await ask(gatehouse, "/ops", cookie)).status_code == 401


async def test_what_let_a_long_answer_in_is_asked_again(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.OPS)
    request: dict[str, Any] = {"headers": [(b"authorization", f"Bearer {text}".encode())]}
    assert not gatehouse.guard.stands(request)
    gatehouse.guard.demand(request, Scope.OPS)
    assert gatehouse.guard.stands(request)
    gatehouse.store.keys[key.id] = replace(key, revoked_at=gatehouse.clock.now())
    await gatehouse.ring.refresh()
    assert not gatehouse.guard.stands(request)


async def test_a_key_from_a_form_is_judged_as_one_from_a_header(gatehouse: Gatehouse) -> None:
    text, key = await gatehouse.add(Scope.CONVERT)
    assert gatehouse.guard.demand_key({"headers": []}, text, Scope.CONVERT).name == key.id
    for given, reason in ((text, "forbidden"), (text + "x", "unauthenticated"), ("", "unauthenticated")):
        with pytest.raises(Refusal) as refused:
            gatehouse.guard.demand_key({"headers": []}, given, Scope.OPS)
        assert refused.value.entry.reason == reason
