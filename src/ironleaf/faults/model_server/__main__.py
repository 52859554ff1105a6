"""``python -m ironleaf.faults.model_server --fault NAME --port N``: a faulty server by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from ironleaf.faults.model_server import FaultyModelServer
from ironleaf.faults.scenarios import FAULTS


def _parse(arguments: list[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {fault.name:28}{fault.description}" for fault in FAULTS.values())
    parser = argparse.ArgumentParser(
        prog="python -m ironleaf.faults.model_server",
        description="An OpenAI-compatible model server that fails on command.",
        epilog=f"faults:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME", help="one a call, in turn")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-s", type=float, default=0.0)
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace) -> None:
    faults: list[str] = options.fault or ["ok"]
    async with FaultyModelServer(*faults, port=options.port, latency_s=options.latency_s) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_parse(sys.argv[1:])))
