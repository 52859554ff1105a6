"""How far a trouble reaches: which requests, pages and routes met it of late. Bounded in time and in causes."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.alerting.card import Blast
from ironleaf.foundation.alerting.inhibition import are_one, explains

if TYPE_CHECKING:
    from datetime import datetime

    from ironleaf.foundation.monitoring import ErrorEvent

BUCKET_S: Final = 10
BUCKETS_MAX: Final = 360
"""An hour: what began earlier is counted from there."""
LAG_S: Final = 2.0
"""A trouble begins for detection at the tick after it was met."""
NAMES_MAX: Final = 500
"""Different troubles and routes in one bucket; further ones are not told apart from none."""
ROUTES_MAX: Final = 20


@dataclass(slots=True)
class _Bucket:
    number: int
    requests: int = 0
    met: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    pages: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    routes: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    last_request: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


class BlastRadius:
    """Counts errors as they are met. Each call takes a few microseconds."""

    def __init__(self) -> None:
        self._buckets: deque[_Bucket] = deque(maxlen=BUCKETS_MAX)

    def note_requests(self, count: int, at_s: float) -> None:
        """Count requests that were answered, well or not, at some seconds of the epoch."""
        self._bucket(at_s).requests += count

    def note(self, event: ErrorEvent) -> None:
        """Count an error."""
        bucket, trouble = self._bucket(event.at.timestamp()), (event.component, event.reason)
        if trouble not in bucket.met and len(bucket.met) >= NAMES_MAX:
            return
        if event.engine:  # a request's own error has none
            bucket.pages[trouble] += 1
        if not event.request_id or bucket.last_request.get(trouble) != event.request_id:
            bucket.last_request[trouble] = event.request_id
            bucket.met[trouble] += 1
            if event.route.startswith("/") and len(bucket.routes) < NAMES_MAX:
                bucket.routes[*trouble, event.route] += 1

    def look(self, component: str, cause: str, since: datetime) -> Blast:
        """Return what met a trouble, or one that it explains, since then.

        The pages of one request follow one another, so a request is counted once for each trouble;
        of several troubles the largest count is taken, since one request may meet all of them.
        """
        root, first = (component, cause), int((since.timestamp() - LAG_S) // BUCKET_S)
        buckets = [each for each in self._buckets if each.number >= first]
        met: Counter[tuple[str, str]] = Counter()
        pages: Counter[tuple[str, str]] = Counter()
        routes: Counter[str] = Counter()
        for bucket in buckets:
            for trouble, number in bucket.met.items():
                if _belongs(trouble, root):
                    met[trouble] += number
                    pages[trouble] += bucket.pages[trouble]
            for (*where, route), number in bucket.routes.items():
                if _belongs((where[0], where[1]), root):
                    routes[route] += number
        requests, total = max(met.values(), default=0), sum(each.requests for each in buckets)
        return Blast(
            requests=requests,
            requests_share=min(1.0, requests / total) if total and requests else None,
            pages=max(pages.values(), default=0),
            routes=tuple(route for route, _ in routes.most_common(ROUTES_MAX)),
        )

    def _bucket(self, at_s: float) -> _Bucket:
        number = int(at_s // BUCKET_S)
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(_Bucket(number))
        return self._buckets[-1]


def _belongs(trouble: tuple[str, str], root: tuple[str, str]) -> bool:
    return trouble == root or are_one(trouble, root) or explains(root, trouble)
