"""Broken, odd and dangerous files against a running house: is each answered as it should be, in time and memory?

Run: python benchmarks/hostile.py FOLDER     (with a manifest.jsonl of {"file", "expect": "ok"|"reject"|"either"})
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil
from service import URL, serve, watched

TIMEOUT_S = 20
SLACK_S = 1.0
WORDS_OF_LIBRARIES = ("pillow", "pdfium", "traceback", "error code", "0x", "site-packages", "cannot identify", "onnx")


def judge(expect: str, answer: httpx.Response) -> bool:
    if answer.is_success:
        return expect in {"ok", "either"}
    refused = answer.is_client_error
    return refused and expect in {"reject", "either"}


def main() -> None:
    folder = Path(sys.argv[1])
    cases = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    slowest = 0.0
    words = 0
    with serve() as process, watched(process) as watch:
        for case in cases:
            path = folder / case["file"]
            began = time.perf_counter()
            with path.open("rb") as file:
                answer = httpx.post(
                    f"{URL}/v1/convert",
                    files={"file": (path.name, file)},
                    data={"timeout_s": str(TIMEOUT_S)},
                    timeout=TIMEOUT_S * 3,
                )
            took = time.perf_counter() - began
            slowest = max(slowest, took)
            right = judge(case["expect"], answer) and took <= TIMEOUT_S + SLACK_S
            counts[f"{case['expect']}: {'right' if right else 'WRONG'}"] += 1
            error = None if answer.is_success else answer.json()["error"]["reason"]
            if error is not None:
                said = answer.text.replace(answer.json()["request_id"], "").lower()  # any two letters may stand in it
                spoken = [word for word in WORDS_OF_LIBRARIES if word in said]
                words += bool(spoken)
                wrong += [f"{path.name}: says {', '.join(spoken)}"] if spoken else []
            if not right:
                wrong.append(
                    f"{path.name}: expected {case['expect']}, got {answer.status_code} {error} in {took:.1f} s"
                )
        alive = psutil.pid_exists(process.pid)
    print(f"{len(cases)} files: {dict(sorted(counts.items()))}; right {1 - len(wrong) / len(cases):.1%}")
    print(f"slowest {slowest:.1f} s; tree peak {watch.tree_peak / 1e6:.0f} MB; refusals with a library's words {words}")
    print(f"the service {'lives' if alive else 'DIED'}")
    print("\n".join(wrong))


if __name__ == "__main__":
    main()
