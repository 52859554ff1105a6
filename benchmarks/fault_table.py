"""One sick backend and the embedded engine below it, over HTTP: what a caller gets, what it costs, who was asked.

    python -m benchmarks.fault_table [FAULT ...] [--pages 12] [--timeout-s 10] [--outage 500] [--per-s 4]

A row for each fault. The breaker is reset before it through the operators' API.
Pages are sent one after another with ``engine=auto``, each beside the same page
with ``engine=embedded``: "added" is the difference to the median of those. Calls are
counted by the model server; "looks" are those with the service's canary page.
``--outage N`` sends N pages at ``--per-s`` a second instead and gives calls per page.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from benchmarks.peers.systems import MODEL, WORDS, find_port, make_environ, make_key, run_service
from PIL import Image, ImageOps

from ironleaf.faults import FAULTS, FaultyModelServer
from ironleaf.faults.scenarios import Reach
from ironleaf.services.engines.canary import CANARY_PATH, is_read

ALIAS = "reader"
ELSEWHERE = frozenset({Reach.DNS, Reach.TLS})
"""Faults of the address itself: the service would have to be started anew for them."""
OUTAGE_FAULTS = ("503", "500-stack")
CANARY_SHA256 = hashlib.sha256(CANARY_PATH.read_bytes()).hexdigest()
MARGIN_PX = 14
"""Around the canary's words: another picture than the service's own looks have."""
SLACK_S = 0.5
"""What a request may take beyond its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    took_s: float
    read: bool
    label: str
    calls: int


def draw_page() -> bytes:
    """Return a picture with the words that `is_read` looks for."""
    held = io.BytesIO()
    with Image.open(CANARY_PATH) as canary:
        ImageOps.expand(canary.convert("L"), MARGIN_PX, "white").save(held, "PNG")
    return held.getvalue()


class Caller:
    def __init__(self, client: aiohttp.ClientSession, server: FaultyModelServer, key: str, timeout_s: int) -> None:
        self._client = client
        self._server = server
        self._operator = {"Authorization": f"Bearer {key}"}
        self._timeout_s = timeout_s
        self._page = draw_page()

    @property
    def calls(self) -> int:
        """How many calls with a caller's page the model server has counted."""
        return self._server.hits - self.looks

    @property
    def looks(self) -> int:
        """How many with the canary page."""
        return sum(call.image_sha256 == CANARY_SHA256 for call in self._server.calls)

    async def convert(self, engine: str) -> Answer:
        form = aiohttp.FormData({"engine": engine, "timeout_s": str(self._timeout_s)})
        form.add_field("file", self._page, filename="page.png", content_type="image/png")
        calls, began_s = self.calls, time.monotonic()
        async with self._client.post("/v1/convert", data=form) as reply:
            body = await reply.read()
        took_s, told = time.monotonic() - began_s, json.loads(body)
        if reply.status != 200:
            return Answer(took_s=took_s, read=False, label=told["error"]["reason"], calls=self.calls - calls)
        page = told["data"]["pages"][0]
        return Answer(
            took_s=took_s,
            read=is_read(page["text"]),
            label=_describe(page["attempts"]),
            calls=self.calls - calls,
        )

    async def fall_ill(self, fault: str) -> None:
        await self._server.use(fault)
        path = f"/v1/ops/engines/{ALIAS}/breaker"
        async with self._client.post(path, json={"action": "reset"}, headers=self._operator) as reply:
            if reply.status != 200:
                sys.exit(f"the operators' API: {await reply.text()}")

    async def wait_for_keys(self) -> None:
        """Return once the service has its database open, in which the keys are."""
        for _ in range(100):
            async with self._client.get("/v1/ops/engines", headers=self._operator) as reply:
                if reply.status == 200:
                    return
            await asyncio.sleep(0.2)
        sys.exit("the operators' API: no answer")

    async def find_breaker(self) -> str:
        async with self._client.get("/v1/ops/engines", headers=self._operator) as reply:
            return str((await reply.json())["data"]["backends"][0]["breaker"]["state"])


def _describe(attempts: list[dict[str, str]]) -> str:
    failed = [attempt for attempt in attempts if attempt["outcome"] != "succeeded"]
    return ", ".join(f"{attempt['outcome']}: {attempt['reason']}" for attempt in failed) or "read by the model"


@asynccontextmanager
async def serve(timeout_s: int) -> AsyncIterator[Caller]:
    """Start a model server and the service with it as the only backend."""
    port = find_port()
    async with FaultyModelServer("ok", text=f"{WORDS}\n\nread", models=(MODEL,)) as server:
        with tempfile.TemporaryDirectory() as home:
            backend = {"alias": ALIAS, "base_url": server.base_url, "model": MODEL}
            environ = make_environ(home, [backend], IRONLEAF_LOGS__DIRECTORY=home)
            key = await asyncio.to_thread(make_key, environ, "--requests-per-minute", "60000")
            address = f"http://127.0.0.1:{port}"
            async with run_service(environ, port):
                connector = aiohttp.TCPConnector(limit=0)
                async with aiohttp.ClientSession(address, connector=connector) as client:
                    caller = Caller(client, server, key, timeout_s)
                    await caller.wait_for_keys()
                    yield caller


async def measure_table(caller: Caller, faults: list[str], pages: int, timeout_s: int) -> bool:
    print(
        "| fault | read | first label | last label | calls: first page, second, per page; looks | breaker then "
        "| added p50 / p99 / first page | longest | embedded alone |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    well = True
    for fault in faults:
        await caller.fall_ill("ok")
        await caller.convert("embedded")
        await caller.fall_ill(fault)
        answers, alone_s, looks = list[Answer](), list[float](), caller.looks
        for _ in range(pages):
            alone_s.append((await caller.convert("embedded")).took_s)
            answers.append(await caller.convert("auto"))
        usual_s = statistics.median(alone_s)
        added_ms = [1000 * (answer.took_s - usual_s) for answer in answers]
        longest_s = max(answer.took_s for answer in answers)
        read = sum(answer.read for answer in answers)
        well = well and read == pages and longest_s <= timeout_s + SLACK_S
        calls = [answer.calls for answer in answers]
        then = await caller.find_breaker()
        print(
            f"| {fault} | {read}/{pages} | {answers[0].label} | {answers[-1].label} "
            f"| {calls[0]}, {calls[1]}, {sum(calls) / pages:.2f}; {caller.looks - looks} | {then} "
            f"| {statistics.median(added_ms):.0f} / {max(added_ms):.0f} / {added_ms[0]:.0f} ms "
            f"| {longest_s:.2f} s | {1000 * usual_s:.0f} ms |",
            flush=True,
        )
    return well


async def measure_outage(caller: Caller, faults: list[str], pages: int, per_s: float) -> bool:
    print("| fault | pages | read | calls and looks per page | longest | labels |")
    print("|---|---|---|---|---|---|")
    well = True
    for fault in faults:
        await caller.fall_ill(fault)
        calls, began_s = caller.calls + caller.looks, time.monotonic()
        sent = list[asyncio.Task[Answer]]()
        for number in range(pages):
            await asyncio.sleep(max(0.0, began_s + number / per_s - time.monotonic()))
            sent.append(asyncio.create_task(caller.convert("auto")))
        answers = await asyncio.gather(*sent)
        read = sum(answer.read for answer in answers)
        labels = Counter(answer.label for answer in answers).most_common(3)
        share = (caller.calls + caller.looks - calls) / pages
        well = well and read == pages and share <= 1.2
        print(
            f"| {fault} | {pages} at {per_s:g}/s | {read} | {share:.3f} | {max(each.took_s for each in answers):.2f} s "
            f"| {', '.join(f'{label}: {count}' for label, count in labels)} |",
            flush=True,
        )
    return well


async def measure(chosen: argparse.Namespace) -> int:
    async with serve(chosen.timeout_s) as caller:
        print(f"load average of the machine {os.getloadavg()[0]:.1f}; every page may take {chosen.timeout_s} s\n")
        if chosen.outage:
            faults = chosen.faults or list(OUTAGE_FAULTS)
            return 0 if await measure_outage(caller, faults, chosen.outage, chosen.per_s) else 1
        faults = chosen.faults or [name for name, fault in FAULTS.items() if fault.reach not in ELSEWHERE]
        return 0 if await measure_table(caller, faults, chosen.pages, chosen.timeout_s) else 1


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.fault_table")
    options.add_argument("faults", nargs="*", choices=[[], *FAULTS], metavar="FAULT")
    options.add_argument("--pages", type=int, default=12, help="for each fault, at least 2")
    options.add_argument("--timeout-s", type=int, default=10, help="of each page, 1 to 300")
    options.add_argument("--outage", type=int, default=0, metavar="N", help="N pages in a row, at --per-s")
    options.add_argument("--per-s", type=float, default=4.0)
    return asyncio.run(measure(options.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
