"""Callers who leave: how soon the call at the model server is cut, and whether permits come back and nobody is blamed.

    python -m benchmarks.disconnect [--rounds 3]

The service as a process, a model server that never answers (or drips), and callers on
plain sockets who go away in every way there is. For each way: the time from leaving
to the model server's seeing its last call cut, and what `/metrics` says a moment later:
no call under way or waiting, no conversion under way or waiting, the breaker closed, no error of the
backend. In the end the same service reads a page.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from benchmarks.peers.systems import PICTURE, find_port, make_environ, run_service

from ironleaf.faults import FaultyModelServer

CUT_WITHIN_S = 1.0
NATIVE_WITHIN_S = 2.0
"""What the embedded engine does is cut by ending its process."""
ARRIVES_WITHIN_S = 30.0
SETTLES_WITHIN_S = 5.0
BATCH = 8
QUEUED = 6
PERMITS = 4
"""What the bulkhead lets through at the start."""
SILENT = "silent-before-headers"
REFUSES = "413-rate-tier"
"""It speaks of the page: the breaker stays closed, so that every round finds the same."""
BOUNDARY = "line"
EXAMPLES = Path(__file__).parents[1] / "examples"
SHEET = (EXAMPLES / "scanned.pdf").read_bytes()
DENSE = (EXAMPLES / "two_columns.png").read_bytes()
RUNNING = ("ironleaf_backend_calls_running", "ironleaf_backend_calls_queued")
CONVERTING = ("ironleaf_conversions_running", "ironleaf_conversions_queued")
ERRORS = "ironleaf_errors_total"
RECOGNISING = 'ironleaf_workers_busy{pool="recognise"}'


def make_request(file: bytes, *, engine: str) -> bytes:
    body = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="engine"\r\n\r\n{engine}\r\n'.encode()
    body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
    body += file + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        "POST /v1/convert HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def call(cls, port: int, file: bytes = PICTURE, *, engine: str = "vl", before: bytes = b"") -> Caller:
        """Connect and ask; ``before`` is another request on the same connection, whose answer is awaited first."""
        caller = cls(*await asyncio.open_connection("127.0.0.1", port))
        if before:
            caller._writer.write(before)
            await caller.read_answer()
        caller._writer.write(make_request(file, engine=engine))
        await caller._writer.drain()
        return caller

    async def read_answer(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()

    def half_close(self) -> None:
        self._writer.write_eof()

    def reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Service:
    """The service under test, seen from outside."""

    def __init__(self, port: int, server: FaultyModelServer, client: aiohttp.ClientSession) -> None:
        self.port = port
        self.server = server
        self._client = client

    async def read_metrics(self) -> dict[str, float]:
        async with self._client.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}

    async def count(self, *names: str) -> float:
        """Return the sum of the metrics whose names begin so."""
        return sum(value for name, value in (await self.read_metrics()).items() if name.startswith(names))

    async def wait_until(self, holds: Callable[[], Awaitable[bool]], within_s: float, what: str) -> float:
        """Return how long it took, in seconds."""
        began_s = time.monotonic()
        while not await holds():
            if time.monotonic() - began_s > within_s:
                sys.exit(f"not within {within_s:.0f} s: {what}")
            await asyncio.sleep(0.005)
        return time.monotonic() - began_s

    async def wait_for_calls(self, count: int) -> None:
        async def came() -> bool:
            return self.server.hits >= count

        await self.wait_until(came, ARRIVES_WITHIN_S, f"{count} calls at the model server")

    async def time_cuts(self, count: int) -> float:
        async def cut() -> bool:
            return self.server.cut_count >= count

        return await self.wait_until(cut, ARRIVES_WITHIN_S, f"{count} calls cut")

    async def find_wrongs(self) -> list[str]:
        """Return what is not as it was before the callers came, once all has had time to settle."""
        wrongs: list[str] = []

        async def rests() -> bool:
            return await self.count(*RUNNING, *CONVERTING) == 0

        with contextlib.suppress(SystemExit):
            await self.wait_until(rests, SETTLES_WITHIN_S, "rest")
        metrics = await self.read_metrics()
        wrongs += [f"{name} {value:g}" for name, value in metrics.items() if name.startswith(RUNNING) and value]
        wrongs += [f"{name} {value:g}" for name, value in metrics.items() if name.startswith(CONVERTING) and value]
        if metrics['ironleaf_breaker_state{backend="reader",state="closed"}'] != 1:
            wrongs.append("the breaker is not closed")
        return wrongs

    async def find_blame(self) -> list[str]:
        """Return the errors of the backend that were counted since the start."""
        return [name for name in await self.read_metrics() if name.startswith(ERRORS) and "backend:reader" in name]


@contextlib.asynccontextmanager
async def serve(fault: str) -> AsyncGenerator[Service]:
    """Start the service before a model server with this fault; its watch asks nothing of its own."""
    async with FaultyModelServer(fault) as server, aiohttp.ClientSession() as client:
        port = find_port()
        with tempfile.TemporaryDirectory() as home:
            backend = {"alias": "reader", "base_url": server.base_url, "model": "m"}
            settings = {"IRONLEAF_ENGINES__VL__CANARY": "false", "IRONLEAF_WORKERS__RECOGNISERS": "2"}
            async with run_service(make_environ(home, [backend], **settings), port):
                yield Service(port, server, client)


async def leave_alone(service: Service, leave: Callable[[Caller], None], *, engine: str, before: bytes = b"") -> float:
    """One caller with one call under way."""
    hits, cuts = service.server.hits, service.server.cut_count
    caller = await Caller.call(service.port, engine=engine, before=before)
    await service.wait_for_calls(hits + 1)
    leave(caller)
    return await service.time_cuts(cuts + 1)


async def leave_with_pages(service: Service) -> float:
    """One caller with a document of several pages, as many of them under way as the service reads at once."""
    hits, cuts = service.server.hits, service.server.cut_count
    caller = await Caller.call(service.port, SHEET)
    await service.wait_for_calls(hits + 2)
    at_work = service.server.hits - hits
    caller.close()
    return await service.time_cuts(cuts + at_work)


async def leave_together(service: Service) -> float:
    """A batch: several files on as many connections, more than are let through, and all of them closed at once."""
    hits, cuts = service.server.hits, service.server.cut_count
    callers = [await Caller.call(service.port) for _ in range(BATCH)]
    await service.wait_for_calls(hits + PERMITS)
    for caller in callers:
        caller.close()
    return await service.time_cuts(cuts + PERMITS)


async def leave_the_queue(service: Service) -> float:
    """Callers who wait for a permit leave; those who have one stay: their calls go on, and nobody takes the places."""
    hits, cuts = service.server.hits, service.server.cut_count
    at_work = [await Caller.call(service.port) for _ in range(PERMITS)]
    await service.wait_for_calls(hits + PERMITS)
    waiting = [await Caller.call(service.port) for _ in range(QUEUED)]

    async def queued() -> bool:
        return await service.count("ironleaf_backend_calls_queued") == QUEUED

    async def left() -> bool:
        return await service.count("ironleaf_backend_calls_queued") == 0

    await service.wait_until(queued, ARRIVES_WITHIN_S, "a queue")
    for caller in waiting:
        caller.close()
    took_s = await service.wait_until(left, ARRIVES_WITHIN_S, "an empty queue")
    if service.server.hits != hits + PERMITS or service.server.cut_count != cuts:
        sys.exit("those at work paid for those who left")
    for caller in at_work:
        caller.close()
    await service.time_cuts(cuts + PERMITS)
    if service.server.hits != hits + PERMITS:
        sys.exit("somebody was asked for who had left")
    return took_s


async def leave_the_embedded_engine(service: Service) -> float:
    """The model server has refused the page, the embedded engine reads it: its process is free again."""
    hits = service.server.hits
    caller = await Caller.call(service.port, DENSE, engine="auto")
    await service.wait_for_calls(hits + 1)

    async def reads() -> bool:
        return await service.count(RECOGNISING) > 0

    async def free() -> bool:
        return await service.count(RECOGNISING) == 0

    await service.wait_until(reads, ARRIVES_WITHIN_S, "the embedded engine's turn")
    caller.close()
    took_s = await service.wait_until(free, ARRIVES_WITHIN_S, "a free worker")
    if service.server.hits != hits + 1:
        sys.exit("the model server was asked again")
    return took_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    name: str
    act: Callable[[Service], Awaitable[float]]
    bar_s: float = CUT_WITHIN_S
    is_innocent: bool = True
    """Whether the backend has given no cause for complaint but silence."""


def alone(
    leave: Callable[[Caller], None], *, engine: str = "vl", before: bytes = b""
) -> Callable[..., Awaitable[float]]:
    return lambda service: leave_alone(service, leave, engine=engine, before=before)


EARLIER = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
WAYS = (
    Way(name="closes", act=alone(Caller.close)),
    Way(name="closes, engine=auto", act=alone(Caller.close, engine="auto")),
    Way(name="resets", act=alone(Caller.reset)),
    Way(name="closes his half only", act=alone(Caller.half_close)),
    Way(name="closes a connection that was used before", act=alone(Caller.close, before=EARLIER)),
    Way(name="closes his half only, used before", act=alone(Caller.half_close, before=EARLIER)),
)
SEVERAL = (
    Way(name="several pages under way", act=leave_with_pages),
    Way(name=f"{BATCH} files at once, {PERMITS} under way", act=leave_together),
    Way(name=f"{QUEUED} in the bulkhead's queue", act=leave_the_queue),
)
NATIVE = Way(
    name="in the embedded engine's turn", act=leave_the_embedded_engine, bar_s=NATIVE_WITHIN_S, is_innocent=False
)
PLAN = (
    (SILENT, (*WAYS, *SEVERAL)),
    ("silent-after-headers", WAYS),
    ("slow-drip", WAYS),
    (REFUSES, (NATIVE,)),
)


async def measure(fault: str, ways: tuple[Way, ...], rounds: int) -> bool:
    held = True
    async with serve(fault) as service:
        for way in ways:
            took_s = sorted([await way.act(service) for _ in range(rounds)])
            wrongs = [*await service.find_wrongs(), *(await service.find_blame() if way.is_innocent else ())]
            held &= took_s[-1] <= way.bar_s and not wrongs
            middle_ms, most_ms = (1000 * each for each in (took_s[len(took_s) // 2], took_s[-1]))
            print(
                f"| {fault} | {way.name} | {middle_ms:.0f} / {most_ms:.0f} ms | {'; '.join(wrongs) or '-'} |",
                flush=True,
            )
        return held & await reads_again(service)


async def reads_again(service: Service) -> bool:
    """A real failure is counted, so that the counting above could have told; then the backend reads as before."""
    await service.server.use(REFUSES)
    await (await Caller.call(service.port, engine="auto")).read_answer()
    if not await service.find_blame():
        sys.exit("a failure of the backend was not counted")
    await service.server.use("ok")
    page = json.loads(await (await Caller.call(service.port, engine="auto")).read_answer())["data"]["pages"][0]
    return page["engine"] == "vl" and not page["degraded"]


async def run(rounds: int) -> int:
    print(f"load average {os.getloadavg()[0]:.1f}; cut after: median / longest of {rounds}\n")
    print("| model server | the caller | cut after | left behind, or blamed on the backend |\n|---|---|---|---|")
    held = [await measure(fault, ways, rounds) for fault, ways in PLAN]
    return 0 if all(held) else 1


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.disconnect")
    options.add_argument("--rounds", type=int, default=3, help="for each way of leaving")
    return asyncio.run(run(options.parse_args().rounds))


if __name__ == "__main__":
    sys.exit(main())
