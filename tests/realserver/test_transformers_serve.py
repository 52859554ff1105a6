"""Promise: what one real server answers, another real server's client understands: ``transformers serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.realserver.scene import ALIAS, ask, ask_until_by_model, read_standing, serve
from tests.realserver.servers import TICKET_TEXT, draw_ticket, run_transformers

if TYPE_CHECKING:
    from pathlib import Path

BACK_S = 120.0
"""The breaker's open time has doubled a few times while the server was loading its libraries."""


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
def test_it_reads_and_its_going_and_coming_is_noticed(tmp_path: Path, learned_model: Path, stream: bool) -> None:
    model = str(learned_model)
    with run_transformers(tmp_path / "first", learned_model) as server:
        port = server.port
        with serve(tmp_path / "service", server.base_url, model, stream=stream) as service:
            ticket = ask(service, draw_ticket(tmp_path), engine="vl", output_format="text")
            assert (ticket.page["text"], ticket.page["engine"], ticket.page["model"]) == (TICKET_TEXT, "vl", ALIAS)
            server.process.terminate()
            server.process.wait(timeout=30)
            bridged = [ask(service) for _ in range(4)]
            down = read_standing(service)
            with run_transformers(tmp_path / "second", learned_model, port=port):
                back = ask_until_by_model(service, timeout_s=BACK_S)
    assert not [fault for answer in (*bridged, back) for fault in answer.find_faults()]
    assert [answer.page["engine"] for answer in bridged] == ["embedded"] * 4
    assert (bridged[-1].page["degraded_reason"], down) == ("circuit-open", "down")


def test_noise_is_labelled_for_what_it_is(tmp_path: Path, random_model: Path) -> None:
    """A model of random weights answers anything: either it is passed on as the model's word, or stepped down from."""
    with (
        run_transformers(tmp_path / "server", random_model) as server,
        serve(tmp_path / "service", server.base_url, str(random_model), canary=False, max_tokens=64) as service,
    ):
        answers = [ask(service) for _ in range(3)]
    for answer in answers:
        faults = set(answer.find_faults()) - ({"not what stands on the page"} if answer.by_model else set())
        assert not faults
