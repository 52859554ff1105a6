"""What the kit's sink adds to one request of a bare FastAPI application.

    python benchmarks/sink.py [--rounds 4000]

Paired: each round asks both applications once, in alternating order, in one process,
through the ASGI interface (no sockets, so that nothing hides the difference). The
median of the paired differences is the cost; promise: at most 60 µs.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import Any

from fastapi import FastAPI

from ironleaf.web import install

PROMISE_US = 60.0
HEADERS = [
    (b"host", b"service"),
    (b"user-agent", b"curl/8.5.0"),
    (b"accept", b"*/*"),
    (b"accept-language", b"zh-CN,zh;q=0.9"),
]


def make_app() -> FastAPI:
    app = FastAPI(telemetry={"auto_configure": False})

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


async def ask(app: FastAPI) -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/hello",
        "raw_path": b"/hello",
        "query_string": b"",
        "root_path": "",
        "headers": HEADERS,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    await app(scope, receive, send)


async def measure(app: FastAPI) -> float:
    start = time.perf_counter_ns()
    await ask(app)
    return (time.perf_counter_ns() - start) / 1000.0


async def run(rounds: int) -> None:
    bare, kit = make_app(), make_app()
    install(kit)
    for _ in range(200):
        await ask(bare)
        await ask(kit)
    bare_us: list[float] = []
    kit_us: list[float] = []
    for number in range(rounds):
        if number % 2:
            bare_us.append(await measure(bare))
            kit_us.append(await measure(kit))
        else:
            kit_us.append(await measure(kit))
            bare_us.append(await measure(bare))
    differences = sorted(b - a for a, b in zip(bare_us, kit_us, strict=True))
    median = statistics.median(differences)
    print(f"bare   median {statistics.median(bare_us):7.1f} µs")
    print(f"kit    median {statistics.median(kit_us):7.1f} µs")
    low, high = differences[rounds // 4], differences[3 * rounds // 4]
    print(f"added  median {median:7.1f} µs   quartiles {low:.1f} to {high:.1f}")
    print("promise kept" if median <= PROMISE_US else f"promise broken: more than {PROMISE_US:.0f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4000)
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
