"""Decompression bombs of every kind against a running house: the reason, the numbers it names, and how long it took.

Run: python benchmarks/bombs.py
"""

from __future__ import annotations

import sys
import time

import httpx
from service import ROOT, URL, serve, watched

sys.path.insert(0, str(ROOT))

from tests.fixtures.bombs import BOMBS

BAR_S = 1.0


def main() -> None:
    wrong = 0
    with serve() as process, watched(process) as watch:
        for bomb in BOMBS:
            data = bomb.make()
            began = time.perf_counter()
            answer = httpx.post(f"{URL}/v1/convert", files={"file": (bomb.name, data)}, timeout=60)
            took = time.perf_counter() - began
            error = answer.json().get("error") or {"reason": "none", "details": []}
            detail = next(iter(error.get("details") or []), {})
            right = error["reason"] == bomb.reason and took <= BAR_S
            right = right and (
                not bomb.counted or (detail.get("limit") is not None and detail.get("actual") is not None)
            )
            wrong += not right
            numbers = f"{detail.get('actual')} over {detail.get('limit')} {detail.get('unit')}"
            print(
                f"{'right' if right else 'WRONG'} {took:5.2f} s {len(data) / 1e6:6.2f} MB {bomb.name:24} "
                f"{answer.status_code} {error['reason']} ({numbers})"
            )
        alive = process.is_running()
    print(f"{len(BOMBS) - wrong} of {len(BOMBS)} right; tree peak {watch.tree_peak / 1e6:.0f} MB; alive: {alive}")
    sys.exit(1 if wrong or not alive else 0)


if __name__ == "__main__":
    main()
