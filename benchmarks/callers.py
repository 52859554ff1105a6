"""Callers who dawdle and callers who leave: 50 slow uploads of 40 MB at once, and how soon a native worker is free.

Run: python benchmarks/callers.py
     python benchmarks/callers.py --drip     (a quarter of an hour: one byte a second until the default limit)
"""

from __future__ import annotations

import select
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
from service import EXAMPLES, PORT, URL, serve, serve_in, watched

UPLOADS = 50
UPLOAD_BYTES = 40_000_000
PIECE_BYTES = 256 * 1024
PAUSE_S = 0.5
"""Between two pieces: 0.5 MB/s for each caller, 80 s for all."""
GROWN_BYTES_MAX = 100_000_000
LEAVES = 5
FREE_WITHIN_S = 2.0
BOUNDARY = "line"
DEFAULTS_S = (30.0, 900.0)
"""Without a byte, and for a whole upload: the limits of a service that is told nothing else."""
STALLS_S = (2.0, DEFAULTS_S[0])
DRIPS_S = (10.0,)
STALL_SLACK_S = 3.0
DRIP_PAUSE_S = 1.0


def begin(part_bytes: int) -> HTTPConnection:
    """Send the head of a form with one file, and of the file nothing yet."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    tail = len(f"\r\n--{BOUNDARY}--\r\n")
    connection = HTTPConnection("127.0.0.1", PORT, timeout=120)
    connection.putrequest("POST", "/v1/convert")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + part_bytes + tail))
    connection.endheaders(head)
    return connection


def upload_slowly(_number: int) -> int:
    connection = begin(UPLOAD_BYTES)
    sent, piece = 0, b"\x01\x02\x03" * (PIECE_BYTES // 3 + 1)  # of no known type: decoders are not what is measured
    while sent < UPLOAD_BYTES:
        cut = piece[: min(PIECE_BYTES, UPLOAD_BYTES - sent)]
        connection.send(cut)
        sent += len(cut)
        time.sleep(PAUSE_S)
    connection.send(f"\r\n--{BOUNDARY}--\r\n".encode())
    status = connection.getresponse().status
    connection.close()
    return status


def measure_uploads(process: psutil.Process) -> bool:
    before = process.memory_info().rss
    served: list[float] = []
    with watched(process) as watch, ThreadPoolExecutor(UPLOADS) as callers:
        asked = [callers.submit(upload_slowly, number) for number in range(UPLOADS)]
        with httpx.Client(timeout=300) as client:
            while not all(each.done() for each in asked):
                began = time.perf_counter()
                client.post(f"{URL}/v1/convert", files={"file": ("a.txt", b"hello there")}).raise_for_status()
                served.append(time.perf_counter() - began)
                time.sleep(0.5)
        statuses = sorted({each.result() for each in asked})
    grown = watch.parent_peak - before
    print(
        f"{UPLOADS} uploads of {UPLOAD_BYTES // 10**6} MB by slow callers: answers {statuses}; the service grew by "
        f"{grown / 1e6:.0f} MB, bar {GROWN_BYTES_MAX / 1e6:.0f}; {len(served)} others served meanwhile, median "
        f"{statistics.median(served) * 1000:.0f} ms, slowest {max(served) * 1000:.0f} ms"
    )
    return grown <= GROWN_BYTES_MAX


def measure_stall(limit_s: float) -> bool:
    """Send four bytes of a file and nothing more."""
    return measure_given_up("stalls", stall_once, limit_s, "UPLOAD_STALL_S_MAX")


def measure_drip(limit_s: float) -> bool:
    """Send one byte a second: no pause is ever too long, and only the limit of the whole upload ends it."""
    return measure_given_up("drips", drip, limit_s, "UPLOAD_S_MAX")


def measure_given_up(name: str, act: Callable[[], tuple[int, float]], limit_s: float, limit: str) -> bool:
    """Tell how soon such an upload ends in 408, and what stays behind. A default limit is not set: it is the one."""
    settings = {} if limit_s in DEFAULTS_S else {f"IRONLEAF_FILES__LIMITS__{limit}": f"{limit_s:g}"}
    with tempfile.TemporaryDirectory() as directory, serve_in(Path(directory), **settings):
        status, took = act()
        spools = (Path(directory) / "spool").rglob("*")
        left = [path for path in spools if path.is_file() and path.suffix != ".lock"]
    print(f"an upload that {name}, limit {limit_s:g} s: {status} after {took:.1f} s; files left {len(left)}")
    in_time = limit_s - 0.5 <= took <= limit_s + STALL_SLACK_S
    return status == httpx.codes.REQUEST_TIMEOUT and in_time and not left


def stall_once() -> tuple[int, float]:
    """Send four bytes of the file and nothing more; return the answer's status and when it came."""
    connection = begin(UPLOAD_BYTES)
    connection.send(b"some")
    began = time.perf_counter()
    return connection.getresponse().status, time.perf_counter() - began


def drip() -> tuple[int, float]:
    """Send one byte a second until there is an answer; return its status and when it came."""
    connection = begin(UPLOAD_BYTES)
    began = time.perf_counter()
    while not select.select([connection.sock], [], [], DRIP_PAUSE_S)[0]:
        connection.send(b"\x01")
    return connection.getresponse().status, time.perf_counter() - began


def measure_leaving(process: psutil.Process) -> bool:
    """Leave while pages are recognised; see when the worker that did it is gone."""
    times = [leave_once(process) for _ in range(LEAVES)]
    print(
        f"a caller leaves: its native worker is free after {max(times):.2f} s at most, median "
        f"{statistics.median(times):.2f} s, bar {FREE_WITHIN_S:.0f} s"
    )
    return max(times) <= FREE_WITHIN_S


def leave_once(process: psutil.Process) -> float:
    wait_for(lambda: not busy(process), 60)
    data = (EXAMPLES / "scanned.pdf").read_bytes()
    connection = begin(len(data))
    connection.send(data + f"\r\n--{BOUNDARY}--\r\n".encode())
    wait_for(lambda: bool(busy(process)), 60)
    at_work = busy(process)
    connection.close()
    began = time.perf_counter()
    wait_for(lambda: not at_work & busy(process), 30)
    return time.perf_counter() - began


def busy(process: psutil.Process) -> set[int]:
    """Return the processes below the service that use a core now."""
    before = cpu_times(process)
    time.sleep(0.1)
    return {pid for pid, used in cpu_times(process).items() if pid in before and used - before[pid] >= 0.02}


def cpu_times(process: psutil.Process) -> dict[int, float]:
    times: dict[int, float] = {}
    for child in process.children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.Error:
            continue
        times[child.pid] = used.user + used.system
    return times


def wait_for(holds: object, seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while not holds():  # type: ignore[operator]
        if time.perf_counter() > ends:
            sys.exit("nothing happened")
        threading.Event().wait(0.01)


def main() -> None:
    if "--drip" in sys.argv:
        sys.exit(0 if measure_drip(DEFAULTS_S[1]) else 1)
    with serve() as process:
        held = [measure_leaving(process), measure_uploads(process)]
    held += [measure_stall(limit_s) for limit_s in STALLS_S]
    held += [measure_drip(limit_s) for limit_s in DRIPS_S]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
