"""Twice as much as the model server can read, through the whole service: what is still read, what the rest is told.

    python -m benchmarks.overload_service [--slots 4] [--service-s 0.5] [--seconds 40] [--deadline-s 60]
        [--scan-mb 10] [--watchers 3]

Open-loop Poisson arrivals of one small page with ``engine=vl`` (so that the
embedded engine does not take over the excess), against the service as a process
and a model server that reads so many pages at once and lets the others wait
inside. Goodput: documents within the caller's deadline, a second. Peak: the best
goodput at any of the loads. Who is refused in the last second of a load comes
back when his Retry-After says so. Beside each load `/livez` is asked: what it takes
is what the machine and the client add to every figure.

``--scan-mb`` sends a picture of so many MB in place of the small one: choose ``--slots`` and
``--service-s`` so that the model server, and not the drawing of pages, is what is short.
``--watchers`` holds so many operators' pages open meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from benchmarks.peers.systems import PICTURE, WORDS, find_port, make_environ, make_key, run_service
from PIL import Image

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import SystemClock

LOADS = (0.5, 1.0, 2.0)
SETTLING_SHARE = 0.3
"""The first part of each load, in which the queue fills, is not counted."""
RETURNING_S = 1.0
"""Whoever is refused in this last part of a load comes back when he was told to."""
LIVEZ_EVERY_S = 0.25
GOODPUT_TARGET = 0.95
REFUSAL_TARGET_S = 0.05
LATE_SHOWN = 12
KEYS_READ_S = 10
NO_LIMIT = aiohttp.ClientTimeout(total=None)
SCAN_WIDTH_PX = 1654
"""A4 at 200 dpi. Noise does not compress: the height follows from the size."""
BUSY = frozenset({429, 503})


class SlotClock(SystemClock):
    """Gives the faulty model server its size: its pause for an answer needs one of so many slots."""

    def __init__(self, slots: int, rng: random.Random) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._rng = rng
        self.busy = self.waiting = self.waiting_max = 0

    async def sleep(self, duration_s: float) -> None:
        if duration_s <= 0:
            await super().sleep(duration_s)
            return
        self.waiting += 1
        self.waiting_max = max(self.waiting_max, self.waiting - self.busy)
        try:
            async with self._slots:
                self.busy += 1
                try:
                    # Pages differ: half to one and a half times the usual time.
                    await super().sleep(duration_s * self._rng.uniform(0.5, 1.5))
                finally:
                    self.busy -= 1
        finally:
            self.waiting -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    sent_s: float
    took_s: float
    status: int
    reason: str
    retry_after_s: int | None


@dataclass(slots=True, kw_only=True)
class Outcome:
    answers: list[Answer] = field(default_factory=list[Answer])
    livez_s: list[float] = field(default_factory=list[float])
    returned: Counter[str] = field(default_factory=Counter[str])
    """What became of those who came back."""
    counted_from_s: float = 0.0
    counted_to_s: float = 0.0

    def counted(self, *, refused: bool) -> list[Answer]:
        """Return the answers to what was sent after the queue had filled."""
        return [
            each
            for each in self.answers
            if each.sent_s >= self.counted_from_s and (each.status in BUSY if refused else each.status == 200)
        ]

    def goodput(self, deadline_s: float) -> float:
        """Return documents a second that came within their deadline while the load went on."""
        good = [
            each
            for each in self.answers
            if each.status == 200
            and each.took_s <= deadline_s + 0.5
            and self.counted_from_s <= each.sent_s + each.took_s < self.counted_to_s
        ]
        return len(good) / (self.counted_to_s - self.counted_from_s)


class Caller:
    def __init__(self, client: aiohttp.ClientSession, address: str, deadline_s: int, picture: bytes = PICTURE) -> None:
        self._client = client
        self._address = address
        self._deadline_s = deadline_s
        self._picture = picture

    async def convert(self) -> Answer:
        form = aiohttp.FormData({"engine": "vl", "timeout_s": str(self._deadline_s)})
        form.add_field("file", self._picture, filename="page.png", content_type="image/png")
        sent_s = time.monotonic()
        async with self._client.post(f"{self._address}/v1/convert", data=form) as reply:
            body = await reply.read()
        took_s = time.monotonic() - sent_s
        reason = "" if reply.status == 200 else json.loads(body)["error"]["reason"]
        after = reply.headers.get("retry-after")
        return Answer(
            sent_s=sent_s,
            took_s=took_s,
            status=reply.status,
            reason=reason,
            retry_after_s=int(after) if after else None,
        )

    async def watch_operations(self, key: str, seen: list[int]) -> None:
        """Hold the feed of the operators' page open, and count the pieces that come."""
        headers = {"authorization": f"Bearer {key}"}
        address = f"{self._address}/console/ops/feed"
        async with self._client.get(address, headers=headers, timeout=NO_LIMIT) as feed:
            feed.raise_for_status()
            while await feed.content.readany():
                seen.append(1)

    async def wait_for_keys(self, key: str) -> None:
        """Return once the service, just started, has read its keys."""
        headers = {"authorization": f"Bearer {key}"}
        for _ in range(KEYS_READ_S):
            async with self._client.get(f"{self._address}/v1/ops/engines", headers=headers) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(1.0)
        sys.exit("the key is not known")

    async def watch_livez(self, found_s: list[float]) -> None:
        while True:
            began_s = time.monotonic()
            async with self._client.get(f"{self._address}/livez") as reply:
                await reply.read()
            found_s.append(time.monotonic() - began_s)
            await asyncio.sleep(LIVEZ_EVERY_S)


async def press(caller: Caller, *, per_s: float, seconds: float, rng: random.Random) -> Outcome:
    """Send at ``per_s``, whatever comes back."""
    outcome = Outcome()
    due_s = began_s = time.monotonic()
    outcome.counted_from_s, outcome.counted_to_s = began_s + SETTLING_SHARE * seconds, began_s + seconds

    async def send() -> None:
        answer = await caller.convert()
        outcome.answers.append(answer)
        if answer.status in BUSY and answer.sent_s >= outcome.counted_to_s - RETURNING_S:
            await asyncio.sleep(answer.retry_after_s or 0)
            again = await caller.convert()
            outcome.returned[f"{again.status} {again.reason}".strip()] += 1

    watching = asyncio.create_task(caller.watch_livez(outcome.livez_s))
    async with asyncio.TaskGroup() as callers:
        while (due_s := due_s + rng.expovariate(per_s)) < began_s + seconds:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            callers.create_task(send())
    watching.cancel()
    return outcome


def make_scan(size_mb: float, rng: random.Random) -> bytes:
    """Return a PNG of about so many MB."""
    height_px = round(size_mb * 1_000_000 / SCAN_WIDTH_PX / 3)
    noise = rng.randbytes(SCAN_WIDTH_PX * height_px * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", (SCAN_WIDTH_PX, height_px), noise).save(file, "PNG", compress_level=1)
    return file.getvalue()


def part(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def print_row(load: float, outcome: Outcome, deadline_s: float, waiting_max: int) -> None:
    read = [each.took_s for each in outcome.counted(refused=False)]
    refused = outcome.counted(refused=True)
    took_ms = [1000 * each.took_s for each in refused]
    after_s = [float(each.retry_after_s or 0) for each in refused]
    reasons = Counter(f"{each.status} {each.reason}" for each in outcome.answers if each.status != 200)
    told = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())) or "-"
    livez_ms = [1000 * each for each in outcome.livez_s]
    print(
        f"| {load:.1f}x | {outcome.goodput(deadline_s):.2f} "
        f"| {part(read, 0.5):.2f} / {part(read, 0.99):.2f} s | {told} "
        f"| {part(took_ms, 0.5):.0f} / {part(took_ms, 0.99):.0f} / {max(took_ms, default=0):.0f} ms "
        f"| {min(after_s, default=0):.0f} / {part(after_s, 0.5):.0f} / {max(after_s, default=0):.0f} s "
        f"| {part(livez_ms, 0.5):.0f} / {part(livez_ms, 0.99):.0f} ms | {waiting_max} |",
        flush=True,
    )


async def measure(chosen: argparse.Namespace) -> int:
    rng = random.Random(chosen.seed)  # noqa: S311
    clock, port = SlotClock(chosen.slots, rng), find_port()
    address = f"http://127.0.0.1:{port}"
    async with FaultyModelServer("ok", text=f"{WORDS}\n\nread", latency_s=chosen.service_s, clock=clock) as server:
        with tempfile.TemporaryDirectory() as home:
            backend = {"alias": "slow", "base_url": server.base_url, "model": "m"}
            environ = make_environ(home, [backend], IRONLEAF_WORKERS__RECOGNISERS="1")
            picture = make_scan(chosen.scan_mb, rng) if chosen.scan_mb else PICTURE
            key = await asyncio.to_thread(make_key, environ) if chosen.watchers else ""
            async with run_service(environ, port):
                connector = aiohttp.TCPConnector(limit=0)
                async with aiohttp.ClientSession(connector=connector) as client:
                    caller = Caller(client, address, chosen.deadline_s, picture)
                    async with watched(caller, key, chosen.watchers):
                        return await press_all(caller, chosen, clock, rng)


@asynccontextmanager
async def watched(caller: Caller, key: str, watchers: int) -> AsyncGenerator[None]:
    """Hold operators' pages open meanwhile; every one of them must have been told something in the end."""
    seen = [list[int]() for _ in range(watchers)]
    if watchers:
        await caller.wait_for_keys(key)
    watching = [asyncio.create_task(caller.watch_operations(key, each)) for each in seen]
    yield
    if any(task.done() for task in watching):
        sys.exit("an operator's page was closed")
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    if watchers:
        print(f"operators' pages open: {watchers}; pieces that each was told: {[len(each) for each in seen]}")


async def press_all(caller: Caller, chosen: argparse.Namespace, clock: SlotClock, rng: random.Random) -> int:
    capacity_per_s = chosen.slots / chosen.service_s
    load_average = os.getloadavg()[0]
    uploads = f"{chosen.scan_mb:g} MB" if chosen.scan_mb else f"{len(PICTURE) / 1000:.0f} kB"
    print(
        f"the model server reads {capacity_per_s:.1f} pages a second; uploads of {uploads}; "
        f"load average of the machine {load_average:.1f}\n"
    )
    print(
        "| load | goodput/s | read p50 / p99 | otherwise answered | refused p50 / p99 / longest "
        "| Retry-After least / p50 / most | /livez p50 / p99 | waited inside the server |"
    )
    print("|---|---|---|---|---|---|---|---|")
    goodputs: dict[float, float] = {}
    outcome = Outcome()
    for load in LOADS:
        clock.waiting_max = 0
        outcome = await press(caller, per_s=load * capacity_per_s, seconds=chosen.seconds, rng=rng)
        goodputs[load] = outcome.goodput(chosen.deadline_s)
        print_row(load, outcome, chosen.deadline_s, clock.waiting_max)
    refused = outcome.counted(refused=True)
    late_s = part([each.took_s for each in refused], 0.99)
    silent = sum(each.retry_after_s is None for each in refused)
    kept = goodputs[2.0] / max(goodputs.values())
    within = sum(each.took_s <= REFUSAL_TARGET_S for each in refused)
    print(f"\nat twice the load: {100 * kept:.1f} % of the peak; {within} of {len(refused)} refusals within 50 ms")
    returned = ", ".join(f"{answer}: {count}" for answer, count in sorted(outcome.returned.items())) or "-"
    late = sorted((each for each in refused if each.took_s > REFUSAL_TARGET_S), key=lambda each: -each.took_s)[
        :LATE_SHOWN
    ]
    for each in late:
        print(f"late: {each.status} {each.reason} after {each.took_s:.2f} s, Retry-After {each.retry_after_s} s")
    print(f"refused in the last second and come back after Retry-After: {returned}; without Retry-After: {silent}")
    return 0 if kept >= GOODPUT_TARGET and late_s <= REFUSAL_TARGET_S and not silent else 1


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.overload_service")
    options.add_argument("--slots", type=int, default=4, help="pages that the model server reads at once")
    options.add_argument("--service-s", type=float, default=0.5, help="usual time of a page")
    options.add_argument("--seconds", type=float, default=40.0, help="for each load")
    options.add_argument("--deadline-s", type=int, default=60, help="of each caller")
    options.add_argument("--scan-mb", type=float, default=0.0, help="size of each upload; the small page if 0")
    options.add_argument("--watchers", type=int, default=0, help="operators' pages that are open")
    options.add_argument("--seed", type=int, default=2026)
    return asyncio.run(measure(options.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
