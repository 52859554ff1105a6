"""``python -m ironleaf.faults.model_server --fault NAME --port N``: a faulty server by hand."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from ironleaf.faults.model_server import FaultyModelServer
from ironleaf.faults.scenarios import FAULTS

EXIT_UNAVAILABLE: Final = 69
"""The system's own number for a service that cannot be offered; `ironleaf serve` ends with it too."""
PORT_MAX: Final = 65_535


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= PORT_MAX:
        raise ValueError
    return port


def _parse(arguments: list[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {fault.name:28}{fault.description}" for fault in FAULTS.values())
    parser = argparse.ArgumentParser(
        prog="python -m ironleaf.faults.model_server",
        description="An OpenAI-compatible model server that fails on command.",
        epilog=f"faults:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME", help="one a call, in turn")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="0, the default, takes a free one")
    parser.add_argument("--latency-s", type=float, default=0.0)
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace) -> None:
    faults: list[str] = options.fault or ["ok"]
    async with FaultyModelServer(*faults, port=options.port, latency_s=options.latency_s) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main(arguments: list[str]) -> int:
    """Serve until interrupted; return the exit code."""
    try:
        asyncio.run(_run(_parse(arguments)))
    except OSError:
        sys.stderr.write("The port is taken or not ours to listen on; --port chooses another, 0 a free one.\n")
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
