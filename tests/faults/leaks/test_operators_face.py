"""The face that operators see: addresses and stacks perhaps, but no key, password or page content, wherever it goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.leaks.canaries import ADDRESS, ALL, KEY, NEVER_WRITTEN, PAGE_TEXT, squeeze
from tests.faults.leaks.doors import FACES, FLOW_DOORS, knock
from tests.faults.leaks.faults import THROWN, Thrown
from tests.faults.leaks.seams import build
from tests.faults.leaks.wall import find_private, settle

from ironleaf.foundation.alerting.courier import send_bounded
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.alerting.incidents import NoticeKind
from ironleaf.foundation.alerting.templates import Message, render

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.foundation.errors import Language

pytestmark = pytest.mark.anyio


async def test_the_secrets_were_there_and_what_operators_need_still_is(tmp_path: Path) -> None:
    with build(tmp_path) as wall:
        board = wall.house.alerting.desk._keeper.board
        kept = board.incidents[wall.incident]
        assert KEY in kept.acknowledged_by
        told = 0
        for door in FLOW_DOORS:
            if not door.for_operators or "{incident}" not in door.make().path or door.make().method != "GET":
                continue
            answer = await knock(wall.app, settle(wall, door), FACES[0])
            assert answer.status == 200
            assert find_private(answer.wire()) == []
            assert ADDRESS.encode() in answer.wire()
            told += 1
    assert told == 2  # by key, and by session


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_no_notice_carries_a_key(language: Language, kind: NoticeKind, tmp_path: Path) -> None:
    with build(tmp_path) as wall:
        desk = wall.house.alerting.desk
        incident = desk._keeper.board.incidents[wall.incident]
        said = f"{KEY} {ALL}"
        card = {name: said if isinstance(value, str) else value for name, value in dict(incident.card).items()}
        assert PAGE_TEXT not in json.dumps(dict(incident.card), default=str)
        full = replace(incident, card={**card, "evidence": {"said": said}}, resolved_by=said, acknowledged_by=said)
        message = desk._office.redact(render(full, kind, delivery_id="x", language=language))
    wire = squeeze(json.dumps([message.title, message.body, message.data], ensure_ascii=False, default=str))
    assert [secret for secret in NEVER_WRITTEN if squeeze(secret) in wire] == []


def read(directory: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in directory.glob("*.jsonl"))


class BrokenChannel:
    """Breaks its word: it raises."""

    name = "wall"
    language: Language = "en"

    def __init__(self, fault: Thrown) -> None:
        self._fault = fault

    async def send(self, message: Message) -> Finding:
        raise self._fault()

    async def aclose(self) -> None:
        return


async def test_what_a_channel_says_when_it_breaks_stays_with_it(tmp_path: Path, logs: Path) -> None:
    with build(tmp_path) as wall:
        desk = wall.house.alerting.desk
        incident = desk._keeper.board.incidents[wall.incident]
        message = render(incident, NoticeKind.OPENED, delivery_id="x", language="en")
        raised = [fault for fault in THROWN if isinstance(fault.make(), Exception)]
        for fault in raised:
            found: Any = await send_bounded(BrokenChannel(fault), message)
            assert found in {Finding.BROKEN, Finding.TIMEOUT}
    written = read(logs)
    assert written.count("alert channel wall failed") > len(raised) * 0.9
    assert [secret for secret in (*NEVER_WRITTEN, ADDRESS) if squeeze(secret) in squeeze(written)] == []
