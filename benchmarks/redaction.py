"""What redaction costs per log event. The bar: at most 20 microseconds for a typical one.

Run: python benchmarks/redaction.py
"""

from __future__ import annotations

import statistics
import timeit

from ironleaf.foundation.observability import Redactor

EVENTS = 5_000
ROUNDS = 7


def make_events() -> list[dict[str, object]]:
    """Return events as a served request writes them: mostly fixed words and numbers, a fresh id each."""
    return [
        {
            "time": "2026-11-24T04:31:21.123456Z",
            "level": "info",
            "event": "request answered",
            "request_id": f"01JDA2B3C4D5E6F7G8H9J0{number:04d}",
            "client_request_id": f"client-{number}",
            "method": "POST",
            "route": "/v1/convert",
            "status": 200,
            "duration_ms": number * 7 % 9_999,
            "engine": "embedded",
            "pages": 3,
        }
        for number in range(EVENTS)
    ]


def main() -> None:
    redactor = Redactor(secrets=("a-configured-key-of-usual-length",))
    events = make_events()
    rounds = [
        timeit.timeit(lambda: [redactor.redact_event(event) for event in events], number=1) for _ in range(ROUNDS)
    ]
    each = [seconds / EVENTS * 1e6 for seconds in rounds]
    print(f"redaction: median {statistics.median(each):.1f} us per event (min {min(each):.1f}, max {max(each):.1f})")


if __name__ == "__main__":
    main()
