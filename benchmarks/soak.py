"""Two thousand small conversions through the service: descriptors, memory and spools at the end as at the beginning.

Run: python benchmarks/soak.py [CONVERSIONS]
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
from PIL import Image, ImageDraw
from service import EXAMPLES, URL, serve_in, tree_bytes

CONVERSIONS = 2_000
WARM_SHARE = 0.2
"""Of the conversions, before the first measure: caches fill, allocators find their size."""
CALLERS = 4
GROWTH_MAX = 0.05
KILL_AFTER_S = 0.4


def make_files() -> list[tuple[str, bytes]]:
    """Return cheap files of many kinds, refusals among them."""
    picture = io.BytesIO()
    sheet = Image.new("L", (320, 120), 255)
    ImageDraw.Draw(sheet).text((10, 40), "Invoice 2041", fill=0)
    sheet.save(picture, "PNG")
    return [
        ("a.pdf", (EXAMPLES / "born_digital.pdf").read_bytes()),
        ("a.txt", b"Plain text, some of it. " * 200),
        ("a.csv", b"name,amount\nrose,12\nlily,7\n" * 50),
        ("a.html", b"<html><body><h1>Head</h1><p>Body text</p></body></html>"),
        ("a.eml", b"From: a@example.org\r\nSubject: Hello\r\n\r\nThe body.\r\n"),
        ("a.png", picture.getvalue()),
        ("broken.pdf", b"%PDF-1.7\nnothing of it"),
        ("broken.png", picture.getvalue()[:60]),
        ("a.zip", b"PK\x05\x06" + b"\0" * 18),
    ]


def convert(client: httpx.Client, number: int, files: list[tuple[str, bytes]]) -> str:
    name, data = files[number % len(files)]
    answer = client.post(f"{URL}/v1/convert", files={"file": (name, data)}, timeout=60)
    return f"{name}: {answer.json()['data']['status'] if answer.is_success else answer.json()['error']['reason']}"


def run(first: int, last: int, files: list[tuple[str, bytes]]) -> Counter[str]:
    with httpx.Client() as client, ThreadPoolExecutor(CALLERS) as callers:
        return Counter(callers.map(lambda number: convert(client, number, files), range(first, last)))


def measure(process: psutil.Process, home: Path) -> dict[str, int]:
    """Return what the service and its whole tree hold while nothing is under way."""
    time.sleep(1.0)
    tree = [process, *process.children(recursive=True)]
    return {
        "service resident bytes": process.memory_info().rss,
        "tree bytes (proportional)": tree_bytes(process),
        "service descriptors": process.num_fds(),
        "tree descriptors": sum(each.num_fds() for each in tree),
        "service threads": process.num_threads(),
        "processes": len(tree),
        "spools": count_spools(home),
    }


def count_spools(home: Path) -> int:
    return sum(1 for house in (home / "spool").glob("house-*") if house.is_dir() for _ in house.iterdir())


def soak(conversions: int) -> bool:
    files = make_files()
    with tempfile.TemporaryDirectory() as directory, serve_in(Path(directory)) as process:
        home = Path(directory)
        warm = int(conversions * WARM_SHARE)
        outcomes = run(0, warm, files)
        before = measure(process, home)
        began = time.perf_counter()
        outcomes += run(warm, conversions, files)
        took = time.perf_counter() - began
        after = measure(process, home)
    print(f"{conversions} conversions, {(conversions - warm) / took:.0f} a second; outcomes {dict(outcomes)}")
    for name, value in before.items():
        print(f"{name:28} after {warm}: {value:>12,}   after {conversions}: {after[name]:>12,}")
    grown = after["service resident bytes"] / before["service resident bytes"] - 1
    print(f"resident growth of the service {grown:+.1%}, bar {GROWTH_MAX:.0%}")
    same = after["service descriptors"] <= before["service descriptors"] + 2
    return grown <= GROWTH_MAX and same and after["spools"] == 0


def kill_and_return() -> bool:
    """Kill the service while it reads, start another one in the same place: nothing of the dead one may stay."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        with serve_in(home) as process, ThreadPoolExecutor(1) as caller:
            asked = caller.submit(_read_quietly)
            time.sleep(KILL_AFTER_S)
            process.kill()
            asked.result()
        left = count_spools(home)
        with serve_in(home):
            swept = count_spools(home)
    print(f"spools after kill -9: {left}; after the next start: {swept}")
    return left > 0 and swept == 0


def _read_quietly() -> None:
    try:
        with (EXAMPLES / "scanned.pdf").open("rb") as file:
            httpx.post(f"{URL}/v1/convert", files={"file": ("a.pdf", file)}, timeout=60)
    except httpx.TransportError:
        return


def main() -> None:
    held = soak(int(sys.argv[1]) if len(sys.argv) > 1 else CONVERSIONS)
    swept = kill_and_return()
    sys.exit(0 if held and swept else 1)


if __name__ == "__main__":
    main()
