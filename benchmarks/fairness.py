"""One caller floods the service with large junk; how long does another one's small file take meanwhile?

The two share an address, as callers behind a proxy do: their files' sizes tell them apart.

Run: python benchmarks/fairness.py
"""

from __future__ import annotations

import io
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from PIL import Image
from service import EXAMPLES, URL, serve

FLOODERS = 60
JUNK_BYTES = 40_000_000
SIDE_PX = 9_000
FLOOD_S = 60.0
WAIT_S_MAX = 10.0


def make_junk() -> bytes:
    """Return a picture that says to be large, and is noise behind its head: the decoder looks at all of it."""
    target = io.BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX), "white").save(target, "JPEG")
    head = target.getvalue()[:700]
    noise = Image.effect_noise((2_000, 2_000), 90).tobytes().replace(b"\xff", b"\xfe")
    return head + (noise * (JUNK_BYTES // len(noise) + 1))[: JUNK_BYTES - len(head)]


def flood(junk: bytes, over: threading.Event, answers: Counter[str]) -> None:
    with httpx.Client(timeout=300) as client:
        number = 0
        while not over.is_set():
            number += 1
            body = junk + f"{threading.get_ident()}-{number}".encode()  # never the same file twice
            try:
                answer = client.post(f"{URL}/v1/convert", files={"file": ("a.jpg", body)})
            except httpx.TransportError:
                return  # the service was stopped while the last junk was on its way
            answers["read" if answer.is_success else answer.json()["error"]["reason"]] += 1
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                time.sleep(0.5)


def main() -> None:
    junk, over = make_junk(), threading.Event()
    flooding: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    times: list[float] = []
    small = (EXAMPLES / "born_digital.pdf").read_bytes()
    # The service ends first: nobody waits for the junk that is still on its way.
    with ThreadPoolExecutor(FLOODERS) as callers, serve() as _, httpx.Client(timeout=120) as client:
        for _ in range(FLOODERS):
            callers.submit(flood, junk, over, flooding)
        time.sleep(5)
        ends = time.perf_counter() + FLOOD_S
        while time.perf_counter() < ends:
            began = time.perf_counter()
            answer = client.post(f"{URL}/v1/convert", files={"file": ("a.pdf", small)}, data={"timeout_s": "30"})
            times.append(time.perf_counter() - began)
            answers[f"{answer.status_code}"] += 1
            time.sleep(0.2)
        over.set()
    print(
        f"while {FLOODERS} connections sent {JUNK_BYTES // 10**6} MB of junk each ({dict(sorted(flooding.items()))}): "
        f"{len(times)} small files {dict(sorted(answers.items()))}, median {statistics.median(times):.2f} s, "
        f"slowest {max(times):.2f} s"
    )
    sys.exit(0 if set(answers) == {"200"} and max(times) <= WAIT_S_MAX else 1)


if __name__ == "__main__":
    main()
