"""The wall: pairs doors with faults, judges every answer, and keeps count."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.faults.leaks.canaries import NEVER_WRITTEN, squeeze
from tests.faults.leaks.closed_lists import Expected, judge
from tests.faults.leaks.doors import CARRYING_DOORS, FACES, FLOW_DOORS, INCIDENT, POOL_SEAMS, Door, Face, Request, knock
from tests.faults.leaks.faults import THROWN, THROWN_BY_POOLS, Thrown
from tests.faults.leaks.scan import Answer, find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.leaks.seams import WallHouse

FINDINGS_SHOWN_MAX = 40
PATIENCE_S = 10.0
"""An answer in this process takes milliseconds; later than this it never comes."""


UNREADY = "readyz"
"""Not being ready is a state, asked for every second: no event of the log."""


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One request at one door, with one fault on its way."""

    door: Door
    face: Face
    seam: str | None = None
    fault: Thrown | None = None

    def __str__(self) -> str:
        what = f", {self.fault.name} at {self.seam}" if self.fault else ""
        form = "problem" if self.face.problem else "envelope"
        return f"{self.door.name} ({form}, {self.face.language}{what})"


@dataclass
class Tally:
    """What was seen."""

    responses: int = 0
    faulted: int = 0
    hits: int = 0
    findings: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    """What was asked, by the request id of each refusal."""

    def take(
        self, about: str, answer: Answer, expected: Expected, *, faulted: bool, for_operators: bool = False
    ) -> None:
        """Judge one answer."""
        self.responses += 1
        self.faulted += faulted
        self.statuses[answer.status] += 1
        if answer.status >= 400 and not about.startswith(UNREADY):
            self.refused[answer.header(b"x-request-id") or ""] = about
        hits = find_private(answer.wire()) if for_operators else find_secrets(answer.wire())
        self.hits += len(hits)
        faults = [*(f"leak of {hit}" for hit in hits), *judge(answer, expected)]
        self.findings += [f"{about}: {fault}" for fault in faults]

    def read_logs(self, directory: Path) -> None:
        """Judge the private side: every refusal can be looked up, and no key, password or page content is there."""
        known: set[str | None] = set()
        told: set[str] = set()
        for path in sorted(directory.glob("*.jsonl*")):
            with path.open(encoding="utf-8") as lines:
                for line in lines:  # hundreds of megabytes in all: one at a time
                    known.add(json.loads(line).get("request_id"))
                    packed = squeeze(line)
                    told.update(secret for secret in NEVER_WRITTEN if squeeze(secret) in packed)
        self.findings += [f"{about}: not in the log" for number, about in self.refused.items() if number not in known]
        self.findings += [f"the log has {secret!r}" for secret in sorted(told)]

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.responses} responses, {self.faulted} faulted, {self.hits} hits ({statuses})"

    def report(self) -> str:
        """Return the findings, as many as one can read."""
        shown = "\n".join(self.findings[:FINDINGS_SHOWN_MAX])
        return f"{self}\n{len(self.findings)} findings\n{shown}"


def find_private(wire: bytes) -> list[str]:
    """Return what not even an operator may see."""
    packed = squeeze(wire.decode("utf-8", "replace"))
    return [secret for secret in NEVER_WRITTEN if squeeze(secret) in packed]


def plan(*, doors: tuple[Door, ...] = (*FLOW_DOORS, *CARRYING_DOORS)) -> Iterator[Knock]:
    """Yield every door with every fault at each of its seams, in every format and language."""
    for door in doors:
        for seam in door.seams:
            for fault in _throwable(seam):
                for face in FACES:
                    yield Knock(door=door, face=face, seam=seam, fault=fault)
        for face in FACES:
            yield Knock(door=door, face=face)


def _throwable(seam: str) -> tuple[Thrown, ...]:
    if seam == "observe":  # a plain function of ours: nothing in it waits, so nothing is cancelled there
        return tuple(fault for fault in THROWN if isinstance(fault.make(), Exception))
    return THROWN_BY_POOLS if seam in POOL_SEAMS else THROWN


def take_slice(knocks: list[Knock], *, size: int) -> list[Knock]:
    """Return about ``size`` of the knocks, evenly spread, always the same."""
    step = max(1, len(knocks) // size) | 1  # odd: the four faces take turns
    return knocks[::step]


def settle(wall: WallHouse, door: Door) -> Request:
    """Return what is asked at ``door``, with what only the house knows: the number of its incident, a session."""
    request = door.make()
    request = replace(request, path=request.path.replace(INCIDENT, wall.incident))
    if not door.by_session:
        return request
    access = wall.house.access
    secret = access.sessions.open()
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    return replace(request, headers={**headers, "cookie": f"{access.guard.rules.cookie_name}={secret}"})


async def attack(wall: WallHouse, knocks: Iterator[Knock] | list[Knock], tally: Tally) -> None:
    """Send every knock and judge what comes back."""
    for each in knocks:
        wall.seams.arm(each.seam, each.fault, spare=each.door.spare, stepped_down=each.door.stepped_down)
        request = settle(wall, each.door)
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await knock(wall.app, request, each.face, wall.seams)
        except TimeoutError:
            tally.findings.append(f"{each}: no answer in {PATIENCE_S:g} s")
            continue
        expected = Expected(
            language=each.face.language,
            problem=each.face.problem,
            texts=wall.texts,
            filename=request.filename,
            aliases=wall.aliases,
        )
        struck = bool(wall.seams.struck)
        tally.take(str(each), answer, expected, faulted=struck, for_operators=each.door.for_operators)
        wall.seams.disarm()
