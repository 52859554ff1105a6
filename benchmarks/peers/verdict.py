"""Who was better under a fault, said in one word, and why.

What a caller minds most is asked first: answers that failed or were wrong, then
answers that carried something internal, then how late the slowest of the right
answers came, and where that is the same within the noise, how late the usual one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.peers.load import Seen

TAIL = 0.99
MIDDLE = 0.5
NOISE_SHARE = 0.95
"""In so many of the all-good batches a quantile lies no further from the usual than the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """One quantile in the all-good batches of one system, which have as many requests as the batches under a fault."""

    usual_s: float
    """The median of the batches."""
    noise_s: float
    """How far a batch lies from that median, in all but the worst twentieth of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """One quantile of the right answers, ours first in each pair."""

    name: str
    taken_s: tuple[float, float]
    added_s: tuple[float, float]
    """Beyond the same system's all-good batches."""
    noise_s: float
    """The larger of the two systems'."""

    def judge(self) -> tuple[str, str]:
        """Return better, equal or worse, and by what; behind in either measure is behind."""
        lead_s = {self.name: _lead(self.taken_s), f"{self.name} added": _lead(self.added_s)}
        behind = [name for name, seconds in lead_s.items() if seconds < -self.noise_s]
        ahead = [name for name, seconds in lead_s.items() if seconds > self.noise_s]
        if behind:
            return "worse", " and ".join(behind)
        return ("better", " and ".join(ahead)) if ahead else ("equal", "within the noise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ours beside one peer under one fault; ours first in each pair."""

    word: str
    """better, equal or worse"""
    because: str
    failed: tuple[float, float]
    """Shares of what was sent."""
    leaks: tuple[int, int]
    tail: Lateness
    middle: Lateness


def part(values: Sequence[float], share: float) -> float:
    """Return the quantile by nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def find_calm(batches: Iterable[Seen], share: float) -> Calm:
    found = [part(seen.right_s, share) for seen in batches if seen.right_s]
    usual_s = part(found, 0.5)
    return Calm(usual_s=usual_s, noise_s=part([abs(each - usual_s) for each in found], NOISE_SHARE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs of one system under one fault, and all its all-good batches."""

    seen: Sequence[Seen]
    good: Sequence[Seen]

    def failed(self) -> float:
        return sum(seen.failed for seen in self.seen) / max(1, sum(seen.sent for seen in self.seen))

    def leaks(self) -> int:
        return sum(seen.leaks for seen in self.seen)

    def taken_s(self, share: float) -> float:
        """Return the quantile of the right answers; of several runs, the median of theirs."""
        return part([part(seen.right_s, share) for seen in self.seen if seen.right_s], 0.5)


def compare(ours: Runs, theirs: Runs) -> Verdict:
    failed, leaks = (ours.failed(), theirs.failed()), (ours.leaks(), theirs.leaks())
    tail, middle = (_measure(ours, theirs, name, share) for name, share in (("p99", TAIL), ("p50", MIDDLE)))
    word, because = _judge(failed, leaks, tail, middle)
    return Verdict(word=word, because=because, failed=failed, leaks=leaks, tail=tail, middle=middle)


def _measure(ours: Runs, theirs: Runs, name: str, share: float) -> Lateness:
    calm = find_calm(ours.good, share), find_calm(theirs.good, share)
    taken_s = ours.taken_s(share), theirs.taken_s(share)
    return Lateness(
        name=name,
        taken_s=taken_s,
        added_s=(taken_s[0] - calm[0].usual_s, taken_s[1] - calm[1].usual_s),
        noise_s=max(calm[0].noise_s, calm[1].noise_s),
    )


def _judge(failed: tuple[float, float], leaks: tuple[int, int], tail: Lateness, middle: Lateness) -> tuple[str, str]:
    for pair, because in ((failed, "failed or wrong"), (leaks, "leaks")):
        if pair[0] != pair[1]:
            return ("better" if pair[0] < pair[1] else "worse"), because
    word, because = tail.judge()
    return middle.judge() if word == "equal" else (word, because)


def _lead(pair: tuple[float, float]) -> float:
    return pair[1] - pair[0]


def describe(verdict: Verdict) -> str:
    """Return one cell of a table."""
    lateness = " · ".join(
        f"{each.name} {1000 * each.taken_s[0]:.0f} / {1000 * each.taken_s[1]:.0f} ms, "
        f"added {1000 * each.added_s[0]:+.0f} / {1000 * each.added_s[1]:+.0f}"
        for each in (verdict.tail, verdict.middle)
    )
    return (
        f"**{verdict.word}** ({verdict.because}) · failed {verdict.failed[0]:.0%} / {verdict.failed[1]:.0%} · leaks "
        f"{verdict.leaks[0]} / {verdict.leaks[1]} · {lateness}"
    )


def add_up(verdicts: Sequence[Verdict]) -> str:
    """Return the sum of all rows, and of each measure taken alone, whatever stands before it."""
    words = Counter(each.word for each in verdicts)
    alone = {
        "failed or wrong": [each.failed for each in verdicts],
        "leaks": [each.leaks for each in verdicts],
        "p99": [each.tail.taken_s for each in verdicts],
        "p99 added": [each.tail.added_s for each in verdicts],
        "p50": [each.middle.taken_s for each in verdicts],
        "p50 added": [each.middle.added_s for each in verdicts],
    }
    told = [f"{name} {sum(a < b for a, b in pairs)} : {sum(a > b for a, b in pairs)}" for name, pairs in alone.items()]
    return (
        f"of {len(verdicts)} rows better {words['better']}, equal {words['equal']}, worse {words['worse']}; "
        f"each measure alone, smaller : larger, noise not heeded: {', '.join(told)}"
    )
