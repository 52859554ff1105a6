"""The same faults against Ironleaf and the LiteLLM proxy, in one run.

    python -m benchmarks.peers [--litellm PATH] [--faults a,b] [--systems a,b] [--requests 100] [--out FILE]

For each fault the systems take their turns in an order drawn anew: a short batch
with both model servers well, then the fault on A. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers.load import Request, Seen, send_all
from benchmarks.peers.systems import (
    MISLABELLED,
    Pair,
    make_default_config,
    make_ironleaf_request,
    make_tuned_config,
    serve_ironleaf,
    serve_litellm,
    serve_pair,
)
from benchmarks.peers.verdict import MIDDLE, TAIL, Runs, add_up, compare, describe, find_calm, part

from ironleaf.faults import FAULTS as REGISTRY

ELSEWHERE = frozenset({"dns", "tls"})
"""They need another address of A's, and behave like `refused`."""
FAULTS = tuple(name for name in REGISTRY if name != "ok" and name not in ELSEWHERE)
OURS = "ironleaf"
SYSTEMS = (OURS, "ironleaf-alone", "litellm", "litellm-tuned")
WARM_UP = 6
ALONE_SHARE = 0.2
"""With one backend, the embedded engine reads nearly every page: half a second of a core each."""
COOLDOWN_S = 11.0
"""A little more than the longest cooldown configured: A is asked again."""


@dataclass(slots=True, kw_only=True)
class Row:
    fault: str
    system: str
    good: Seen
    seen: Seen


class System:
    """One system, started anew for each fault where its guards remember longer than a cooldown."""

    def __init__(self, name: str, pair: Pair, running: Request | None) -> None:
        self.name = name
        self.pair = pair
        self.is_alone = name == "ironleaf-alone"
        self._running = running
        self._ended_s = 0.0

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[tuple[Request, Request]]:
        """Yield the request of the all-good run and the one to be sent under the fault."""
        if self._running is not None:
            await asyncio.sleep(max(0.0, self._ended_s + COOLDOWN_S - time.monotonic()))
            yield self._running, self._running
            self._ended_s = time.monotonic()
            return
        async with serve_ironleaf(self.pair, backends="A" if self.is_alone else "AB") as port:
            request = make_ironleaf_request(port, self.pair.addresses)
            own = make_ironleaf_request(port, self.pair.addresses, engine="embedded")
            yield own if self.is_alone else request, request


async def measure(system: System, fault: str, chosen: argparse.Namespace) -> Row:
    share = ALONE_SHARE if system.is_alone else 1
    bounds = {"concurrency": chosen.concurrency, "seconds_max": chosen.seconds}
    async with system.ready() as (usual, request):
        await send_all(request, count=WARM_UP, **bounds)
        good = await send_all(usual, count=round(share * chosen.requests), **bounds)
        before = system.pair.a.hits
        await system.pair.a.use(fault)
        try:
            seen = await send_all(request, count=round(share * chosen.requests), **bounds)
            seen.hits = system.pair.a.hits - before
        finally:
            await system.pair.a.use("ok")
    return Row(fault=fault, system=system.name, good=good, seen=seen)


async def run(chosen: argparse.Namespace) -> list[Row]:
    rng, rows = random.Random(chosen.seed), list[Row]()  # noqa: S311
    async with AsyncExitStack() as stack:
        systems: list[System] = []
        for name in chosen.systems:
            pair = await stack.enter_async_context(serve_pair())
            running = None
            if name.startswith("litellm"):
                config = make_tuned_config if name == "litellm-tuned" else make_default_config
                running = await stack.enter_async_context(serve_litellm(chosen.litellm, pair, config))
            systems.append(System(name, pair, running))
        began_s = time.monotonic()
        for fault in chosen.faults:
            if time.monotonic() - began_s > chosen.seconds_total:
                break
            for system in rng.sample(systems, len(systems)):
                row = await measure(system, fault, chosen)
                rows.append(row)
                report(row, chosen.out)
    return rows


def report(row: Row, out: Path | None) -> None:
    seen = row.seen
    sources = ", ".join(f"{source}: {count}" for source, count in sorted(seen.sources.items()))
    print(
        f"{row.fault:24} {row.system:15} {seen.sent:4} sent in {seen.lasted_s:5.1f} s; {sources}; hits {seen.hits}; "
        f"leaks {seen.leaks}; addresses {seen.addresses}; p50 {part(seen.latencies_s, 0.5):.3f} s "
        f"(good {part(row.good.latencies_s, 0.5):.3f} s)",
        file=sys.stderr,
        flush=True,
    )
    if out:
        with out.open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def read_rows(file: Path) -> list[Row]:
    """Return the rows that earlier runs appended to ``file``."""
    read = (json.loads(line) for line in file.read_text().splitlines())
    return [Row(**{**row, "good": Seen(**row["good"]), "seen": Seen(**row["seen"])}) for row in read]


def print_table(rows: list[Row]) -> None:
    """Print one line a fault, one cell a system."""
    systems = [name for name in SYSTEMS if any(row.system == name for row in rows)]
    base = {name: [s for row in rows if row.system == name for s in row.good.latencies_s] for name in systems}
    print("\nfailed of sent · calls that reached A · p50 / p99 added to the all-good run, s · answers with a canary\n")
    print("| fault on A |" + "".join(f" {name} |" for name in systems))
    print("|---|" + "---|" * len(systems))
    cells = {(row.fault, row.system): make_cell(row.seen, base[row.system]) for row in rows}
    for fault in dict.fromkeys(row.fault for row in rows):
        print(f"| {fault} |" + "".join(f" {cells.get((fault, name), '-')} |" for name in systems))
    print("\nall-good run: " + "; ".join(f"{name} {describe_base(base[name])}" for name in systems))
    for name in systems:
        mine = [row.seen for row in rows if row.system == name]
        good = [row.good for row in rows if row.system == name]
        totals = [sum(getattr(seen, what) for seen in mine) for what in ("sent", "failed", "hits", "leaks")]
        named = sum(seen.addresses for seen in (*mine, *good))
        wrong = sum(seen.sources.get(MISLABELLED, 0) for seen in mine)
        print(
            f"{name}: sent, failed, hits on A, leaks: {totals}; answers (good ones included) with a model server's "
            f"address in head or body: {named}; mislabelled: {wrong}"
        )


def make_cell(seen: Seen, base: list[float]) -> str:
    added = [part(seen.latencies_s, share) - part(base, share) for share in (0.5, 0.99)]
    return f"{seen.failed} of {seen.sent} · {seen.hits} · {added[0]:+.2f} / {added[1]:+.2f} · {seen.leaks}"


def describe_base(base: list[float]) -> str:
    return f"p50 {statistics.median(base):.3f} s, p99 {part(base, 0.99):.3f} s ({len(base)})" if base else "-"


def print_verdicts(rows: list[Row]) -> None:
    """Print who was better under each fault: Ironleaf with two backends beside each peer."""
    seen: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    good: dict[str, list[Seen]] = defaultdict(list)
    for row in rows:
        seen[row.fault, row.system].append(row.seen)
        good[row.system].append(row.good)
    peers = [name for name in SYSTEMS if name.startswith("litellm") and name in good]
    faults = [fault for fault in dict.fromkeys(row.fault for row in rows) if (fault, OURS) in seen]
    found = {
        (fault, peer): compare(
            Runs(seen=seen[fault, OURS], good=good[OURS]), Runs(seen=seen[fault, peer], good=good[peer])
        )
        for fault in faults
        for peer in peers
        if (fault, peer) in seen
    }
    if not found:
        return
    print(f"\n{OURS} beside each peer; in each pair {OURS} stands first\n")
    print("| fault on A |" + "".join(f" {peer} |" for peer in peers))
    print("|---|" + "---|" * len(peers))
    for fault in faults:
        cells = [describe(found[fault, peer]) if (fault, peer) in found else "-" for peer in peers]
        print(f"| {fault} |" + "".join(f" {cell} |" for cell in cells))
    print()
    for peer in peers:
        print(f"{OURS} beside {peer}: {add_up([verdict for (_, name), verdict in found.items() if name == peer])}")
    for name in (OURS, *peers):
        calm = [find_calm(good[name], share) for share in (TAIL, MIDDLE)]
        told = "; ".join(f"{each.usual_s:.3f} s, noise {each.noise_s:.3f} s" for each in calm)
        print(f"all-good hundreds of {name}, p99 and p50: {told}")


def split(names: str) -> list[str]:
    return names.split(",")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    options.add_argument("--litellm", type=Path, help="the litellm executable of its own environment")
    options.add_argument("--systems", type=split, default=list(SYSTEMS))
    options.add_argument("--faults", type=split, default=list(FAULTS))
    options.add_argument("--requests", type=int, default=100, help="for each fault and system")
    options.add_argument("--concurrency", type=int, default=4)
    options.add_argument("--seconds", type=float, default=40.0, help="no request of a batch begins after these")
    options.add_argument("--seconds-total", type=float, default=3600.0, help="no fault begins after these")
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--out", type=Path, help="append each row to this file, as JSON")
    options.add_argument("--table", type=Path, help="run nothing: print the table of such a file")
    chosen = options.parse_args()
    if chosen.table:
        rows = read_rows(chosen.table)
        print_table(rows)
        print_verdicts(rows)
        return 0
    if not chosen.litellm:
        chosen.systems = [name for name in chosen.systems if not name.startswith("litellm")]
    print_table(rows := asyncio.run(run(chosen)))
    print_verdicts(rows)
    ours = [row.seen for row in rows if row.system.startswith("ironleaf")]
    return 1 if any(seen.failed or seen.leaks or seen.sources.get(MISLABELLED, 0) for seen in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
