"""CPU per request with a 500 KB image: the VL client against the naive design, in one run.

    python benchmarks/vl_client.py [--rounds 5] [--requests 100]

The naive design is what a service does that reads the image, encodes it with the
standard library and hands a dict to an HTTP client (``httpx``, ``json=``). Both
talk to the same server in another process; rounds alternate, medians are shown.
Only this process's CPU time is counted: it hardly depends on what else the
machine does, unlike requests per second, which are not shown for that reason.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import uvloop

from ironleaf.document import ImageEncoding, PageImage
from ironleaf.services.engines.vision_language.body import ChatFrame, make_image_body
from ironleaf.services.engines.vision_language.client import ChatClient
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.services.engines.vision_language.transport import HttpTransport

IMAGE_BYTES = 500_000
PROMPT = "Read the text."
RATIO_GOAL = 0.35
Send = Callable[[], Awaitable[str]]


@contextlib.asynccontextmanager
async def open_naive(address: str, image: Path) -> AsyncIterator[Send]:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(limits=limits, timeout=120, trust_env=False) as client:

        async def send() -> str:
            data = base64.b64encode(image.read_bytes()).decode()  # noqa: ASYNC240
            url = {"url": f"data:image/jpeg;base64,{data}"}
            content = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": url}]
            body = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": content}]}
            reply = await client.post(f"{address}/chat/completions", json=body)
            return reply.json()["choices"][0]["message"]["content"]

        yield send


def open_ours(*, stream: bool) -> Callable[[str, Path], contextlib.AbstractAsyncContextManager[Send]]:
    @contextlib.asynccontextmanager
    async def opened(address: str, image: Path) -> AsyncIterator[Send]:
        settings = BackendSettings(alias="bench", base_url=address, model="m", connections_max=200)
        transport = HttpTransport(settings)
        client = ChatClient(settings, transport=transport)
        frame = ChatFrame(model="m", prompt=PROMPT, max_tokens=64, stream=stream)
        drawn = PageImage(
            path=image, encoding=ImageEncoding.JPEG, width_px=1, height_px=1, bytes=IMAGE_BYTES, ink_share=1
        )

        async def send() -> str:
            completion = await client.complete(make_image_body(frame, drawn), stream=stream, total_s=60)
            return completion.text

        yield send
        await transport.aclose()

    return opened


WAYS = {"naive": open_naive, "ours": open_ours(stream=False), "ours, streamed answer": open_ours(stream=True)}


async def time_requests(send: Send, *, requests: int, concurrency: int) -> float:
    """Return CPU milliseconds a request."""
    waiting = iter(range(requests))

    async def work() -> None:
        for _ in waiting:
            await send()

    gc.collect()
    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return (time.process_time() - began) / requests * 1_000


async def measure_memory(send: Send) -> float:
    """Return the peak of Python's allocations in one request, in multiples of the image."""
    tracemalloc.start()
    await send()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / IMAGE_BYTES


async def compare(address: str, image: Path, *, rounds: int, requests: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        sends = {name: await stack.enter_async_context(way(address, image)) for name, way in WAYS.items()}
        for send in sends.values():
            await time_requests(send, requests=20, concurrency=4)
        print(f"{'':24}{'c=1 ms':>10}{'ratio':>8}{'c=16 ms':>10}{'ratio':>8}{'peak, images':>15}")
        rows = {name: [await measure_memory(send)] for name, send in sends.items()}
        for concurrency in (16, 1):
            times: dict[str, list[float]] = {name: [] for name in sends}
            for _ in range(rounds):
                for name, send in sends.items():
                    times[name].append(await time_requests(send, requests=requests, concurrency=concurrency))
            for name, values in times.items():
                rows[name].insert(0, statistics.median(values))
        for name, (one, many, memory) in rows.items():
            ratios = one / rows["naive"][0], many / rows["naive"][1]
            print(f"{name:24}{one:10.2f}{ratios[0]:8.2f}{many:10.2f}{ratios[1]:8.2f}{memory:15.2f}")
    print(f"goal: ratio at most {RATIO_GOAL}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100)
    options = parser.parse_args()
    command = [sys.executable, "-m", "ironleaf.faults.model_server"]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        image = Path(folder) / "page.jpg"
        image.write_bytes(os.urandom(IMAGE_BYTES))
        address = server.stdout.readline().decode().strip()
        uvloop.run(compare(address, image, rounds=options.rounds, requests=options.requests))
        server.terminate()


if __name__ == "__main__":
    main()
