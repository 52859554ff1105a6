"""Promise: the failure that started this house, on the real Xinference: its model dies under load.

Callers keep getting their text, from the embedded engine and labelled so; nothing of the server's own words reaches
them; and the model is used again when it is back, whether Xinference brings it back or we ask it to.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.oncall import Operator
from tests.fixtures.webhook import open_inbox
from tests.realserver.door import Door
from tests.realserver.scene import ALIAS, Answer, Callers, ask, read_ledger, read_standing, serve
from tests.realserver.servers import (
    MODEL,
    TICKET_TEXT,
    ModelServer,
    draw_ticket,
    kill,
    launch,
    make_launch_request,
    run_xinference,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RELOAD_S = 300.0
"""Xinference reloads a replica in 21 to 24 s where nobody else works; imports take minutes where somebody does."""
RELAUNCH_S = 600.0
"""A minute without the model, the launch, its negative cache of 10 s, the canary page."""
TOLD_S = 60.0
"""A definite trouble is believed after 10 s and told within another 10; the rest is for a busy machine."""
OVER_S = 240.0
"""Two minutes without a failure, a grace, and what a busy machine takes."""
SERVER_WORDS = re.compile(r"address=|pid[=:]|-rep\d|xoscar|remote server|traceback", re.IGNORECASE)
"""What Xinference says of its inside: not even the operator's alert repeats it."""
HITS_MAX = 12
"""The calls under way when the model died, and those until the breaker opened; callers go on by the hundred."""


@pytest.fixture(scope="module")
def xinference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Xinference as it comes, without a model."""
    with run_xinference(tmp_path_factory.mktemp("xinference")) as server:
        yield server


def test_a_model_that_was_never_there_costs_a_few_calls(xinference: ModelServer, tmp_path: Path) -> None:
    """Asked for it, the server says its own address, its process and its models: to us alone."""
    with Door(xinference.port) as door, serve(tmp_path, door.base_url, f"{MODEL}-0") as service:
        answers = [ask(service) for _ in range(4)]
        alone = ask(service, engine="vl")
        assert door.chats <= HITS_MAX
    assert not [fault for answer in answers for fault in answer.find_faults()]
    assert {answer.page["engine"] for answer in answers} == {"embedded"}
    assert answers[-1].page["degraded_reason"] == "circuit-open"
    assert alone.body["error"]["reason"] == "circuit-open"
    assert [*alone.find_faults()] == [f"status {alone.status}"]


def test_a_killed_replica_is_bridged_and_found_again(
    xinference: ModelServer, tmp_path: Path, learned_model: Path
) -> None:
    replica = launch(xinference, learned_model)
    with Door(xinference.port) as door, serve(tmp_path, door.base_url, MODEL) as service:
        ticket = ask(service, draw_ticket(tmp_path), engine="vl", output_format="text")
        callers = Callers(service)
        with callers.at_work(3):
            callers.wait_for(by_model, count=6, timeout_s=120)
            before = door.chats
            kill(replica)
            first = callers.wait_for(by_embedded, timeout_s=60)
            opened = callers.wait_for(by_open_breaker, timeout_s=60)
            standing, hits = read_standing(service), door.chats - before
            back = callers.wait_for(by_model_after(opened), timeout_s=RELOAD_S)
            callers.wait_for(by_model_after(back), count=3, timeout_s=60)
        ready = read_standing(service)
        report(callers, first=first, back=back, hits=hits, hits_in_all=door.chats - before)
    assert (ticket.page["text"], ticket.page["engine"], ticket.page["model"]) == (TICKET_TEXT, "vl", ALIAS)
    assert not [fault for answer in callers.answers for fault in answer.find_faults()]
    assert (standing, ready) == ("down", "ready")
    assert hits <= HITS_MAX


def test_a_model_that_stays_away_is_loaded_again_by_us_and_one_person_told_once(
    tmp_path: Path, learned_model: Path
) -> None:
    """As after Xinference has used up its own attempts: an empty list of models, and 404 for ever."""
    wish = make_launch_request(learned_model)
    with run_xinference(tmp_path / "xinference", reloads_max=0) as server, open_inbox() as inbox:
        replica = launch(server, learned_model)
        with (
            Door(server.port) as door,
            serve(tmp_path, door.base_url, MODEL, relaunch=wish, inbox=inbox) as service,
            Operator(service) as operator,
        ):
            assert not ask(service, engine="vl").find_faults()
            callers = Callers(service)
            with callers.at_work(1):
                before = door.chats
                kill(replica)
                first = callers.wait_for(by_open_breaker, timeout_s=60)
                left = wait_until_unlisted(server)
                told = inbox.wait_for("opened", within_s=TOLD_S)["incident"]
                story = operator.read(f"/incidents/{told['id']}")
                back = callers.wait_for(by_model_after(first), timeout_s=RELAUNCH_S)
                end = inbox.wait_for("resolved", within_s=OVER_S)
            report(callers, first=first, back=back, hits=0, hits_in_all=door.chats - before)
            print(json.dumps([inbox.received, story], ensure_ascii=False))  # noqa: T201
    assert not [fault for answer in callers.answers for fault in answer.find_faults()]
    assert left == ()
    ledger = read_ledger(tmp_path)
    print([(entry["at"], entry["action"], entry["outcome"], entry["cause"]) for entry in ledger])  # noqa: T201
    (entry,) = [each for each in ledger if (each["action"], each["outcome"]) == ("model_relaunched", "done")]
    assert (entry["backend"], entry["outcome"]) == (ALIAS, "done")
    assert (told["component"], told["cause"]) == (f"backend:{ALIAS}", "model-unavailable")
    assert {"engine": ALIAS, "status": "down"} in story["card"]["ladder"]
    assert story["card"]["blast"]["requests"] >= 1
    assert (end["incident"]["id"], end["card"]["blast"]["routes"]) == (told["id"], ["/v1/convert"])
    assert "model_relaunched" in {each["action"] for each in end["card"]["healing"] if each["done"]}, "and says so"
    assert "Mended by: the model was launched again" in end["text"]
    assert [each["kind"] for each in inbox.received] == ["opened", "resolved"]
    assert not SERVER_WORDS.search(json.dumps([inbox.received, story]))


def wait_until_unlisted(server: ModelServer) -> tuple[str, ...]:
    """Return what the server lists once it has noticed the loss: for some seconds it goes on listing the dead."""
    for _ in range(60):
        if not (listed := server.serves()):
            return ()
        threading.Event().wait(0.5)
    return listed


def by_model(answer: Answer) -> bool:
    return answer.by_model


def by_model_after(moment: Answer) -> Callable[[Answer], bool]:
    return lambda answer: answer.at_s > moment.at_s and answer.by_model


def by_embedded(answer: Answer) -> bool:
    return not answer.by_model


def by_open_breaker(answer: Answer) -> bool:
    return answer.page.get("degraded_reason") == "circuit-open"


def report(callers: Callers, *, first: Answer, back: Answer, hits: int, hits_in_all: int) -> None:
    """Say the figures of a run (``-s`` shows them)."""
    bridged = [answer for answer in callers.answers if not answer.by_model]
    figures = {
        "answers": len(callers.answers),
        "by the embedded engine": len(bridged),
        "reasons": sorted({str(answer.page.get("degraded_reason")) for answer in bridged}),
        "longest answer, s": round(max(answer.took_s for answer in callers.answers), 1),
        "until the model was used again, s": round(back.at_s - first.at_s, 1),
        "chat calls until the breaker was open": hits,
        "chat calls after the kill, probes and pages at the end included": hits_in_all,
    }
    print(figures)  # noqa: T201
