"""A small closed-loop load and what it saw: who answered, how late, and what leaked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from ironleaf.faults import CANARIES

PATIENCE_S = 10.0
"""What the caller waits for one answer; then the request has failed, whoever is to blame."""
LOST = "lost"
"""The source of an answer that never came."""
BAD = "bad"
"""The source of an answer that is no text of the page: an error, or a success without its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The same request again and again; ``judge`` says who gave an answer, or that it is `BAD`."""

    url: str
    make: Callable[[], dict[str, object]]
    """The arguments of the client's ``post``: made anew, since forms can be sent once."""
    judge: Callable[[int, bytes], str]
    addresses: tuple[str, ...]
    """Of the model servers: no answer should name one."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one batch saw."""

    latencies_s: list[float] = field(default_factory=list[float])
    right_s: list[float] = field(default_factory=list[float])
    """The latencies of the answers that had the page's text: a wrong answer is not a quick one."""
    sources: dict[str, int] = field(default_factory=dict[str, int])
    """How many answers each source gave."""
    leaks: int = 0
    """Answers in which a canary stands."""
    addresses: int = 0
    """Answers, their headers included, in which a model server's address stands."""
    hits: int = 0
    """Calls that reached A meanwhile, probes included."""
    lasted_s: float = 0.0

    @property
    def sent(self) -> int:
        return sum(self.sources.values())

    @property
    def failed(self) -> int:
        return sum(count for source, count in self.sources.items() if is_failure(source))


def is_failure(source: str) -> bool:
    return source in {LOST, BAD} or source[0].isdigit()


async def send_all(request: Request, *, count: int, concurrency: int, seconds_max: float) -> Seen:
    """Send ``count`` requests, ``concurrency`` at a time; begin none after ``seconds_max``."""
    seen, left = Seen(), iter(range(count))
    began_s = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=concurrency)) as client:

        async def caller() -> None:
            for _ in left:
                if time.monotonic() - began_s > seconds_max:
                    return
                await _send_one(client, request, seen)

        async with asyncio.TaskGroup() as callers:
            for _ in range(concurrency):
                callers.create_task(caller())
    seen.lasted_s = time.monotonic() - began_s
    return seen


async def _send_one(client: aiohttp.ClientSession, request: Request, seen: Seen) -> None:
    began_s = time.monotonic()
    try:
        async with client.post(request.url, **request.make()) as answer:
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        source = LOST
    else:
        everything = body + repr(answer.raw_headers).encode()
        seen.leaks += any(canary.encode() in everything for canary in CANARIES)
        seen.addresses += any(address.encode() in everything for address in request.addresses)
        source = request.judge(answer.status, body)
    seen.sources[source] = seen.sources.get(source, 0) + 1
    took_s = time.monotonic() - began_s
    seen.latencies_s.append(took_s)
    if not is_failure(source):
        seen.right_s.append(took_s)
