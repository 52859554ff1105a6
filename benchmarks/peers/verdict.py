"""Who was better under a fault, said in one word, and why.

What a caller minds most is asked first: answers that failed or were wrong, then
answers that carried something internal, then how late the slowest of the right
answers came, both absolutely and beyond the same system's all-good run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.peers.load import Seen

TAIL = 0.99
NOISE_SHARE = 0.95
"""So many of the all-good batches have their slowest answer no further from the usual than the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """The all-good batches of one system: as many requests each as under a fault, so that their tails compare."""

    p99_s: float
    """The median of the batches' own p99."""
    noise_s: float
    """How far a batch's p99 lies from that median, in all but the worst twentieth of the batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ours beside one peer under one fault."""

    word: str
    """better, equal or worse"""
    because: str
    failed: tuple[float, float]
    """Shares of what was sent; ours first, in each pair."""
    leaks: tuple[int, int]
    p99_s: tuple[float, float]
    added_s: tuple[float, float]
    noise_s: float
    """The larger of the two systems'."""


def part(values: Sequence[float], share: float) -> float:
    """Return the quantile by nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def find_calm(batches: Iterable[Seen]) -> Calm:
    tails = [part(seen.right_s, TAIL) for seen in batches if seen.right_s]
    usual_s = part(tails, 0.5)
    return Calm(p99_s=usual_s, noise_s=part([abs(tail - usual_s) for tail in tails], NOISE_SHARE))


def find_tail(runs: Sequence[Seen]) -> float:
    """Return the p99 of the right answers; of several runs of one fault, the median of theirs."""
    return part([part(seen.right_s, TAIL) for seen in runs if seen.right_s], 0.5)


def compare(ours: Sequence[Seen], our_calm: Calm, theirs: Sequence[Seen], their_calm: Calm) -> Verdict:
    """Judge all runs of one fault."""
    failed = _share_failed(ours), _share_failed(theirs)
    leaks = sum(seen.leaks for seen in ours), sum(seen.leaks for seen in theirs)
    p99_s = find_tail(ours), find_tail(theirs)
    added_s = p99_s[0] - our_calm.p99_s, p99_s[1] - their_calm.p99_s
    noise_s = max(our_calm.noise_s, their_calm.noise_s)
    word, because = _judge(failed, leaks, p99_s, added_s, noise_s)
    return Verdict(
        word=word, because=because, failed=failed, leaks=leaks, p99_s=p99_s, added_s=added_s, noise_s=noise_s
    )


def _share_failed(runs: Sequence[Seen]) -> float:
    return sum(seen.failed for seen in runs) / max(1, sum(seen.sent for seen in runs))


def _judge(
    failed: tuple[float, float],
    leaks: tuple[int, int],
    p99_s: tuple[float, float],
    added_s: tuple[float, float],
    noise_s: float,
) -> tuple[str, str]:
    for pair, because in ((failed, "failed or wrong"), (leaks, "leaks")):
        if pair[0] != pair[1]:
            return ("better" if pair[0] < pair[1] else "worse"), because
    lead_s = {"p99": p99_s[1] - p99_s[0], "p99 added": added_s[1] - added_s[0]}
    behind = [name for name, seconds in lead_s.items() if seconds < -noise_s]
    ahead = [name for name, seconds in lead_s.items() if seconds > noise_s]
    if behind:
        return "worse", " and ".join(behind)
    return ("better", " and ".join(ahead)) if ahead else ("equal", "within the noise")


def describe(verdict: Verdict) -> str:
    """Return one cell of a table."""
    ours_ms, theirs_ms = (1000 * each for each in verdict.p99_s)
    our_added_ms, their_added_ms = (1000 * each for each in verdict.added_s)
    return (
        f"**{verdict.word}** ({verdict.because}) · failed {verdict.failed[0]:.0%} / {verdict.failed[1]:.0%} · leaks "
        f"{verdict.leaks[0]} / {verdict.leaks[1]} · p99 {ours_ms:.0f} / {theirs_ms:.0f} ms · added "
        f"{our_added_ms:+.0f} / {their_added_ms:+.0f} ms"
    )


def add_up(verdicts: Sequence[Verdict]) -> str:
    """Return the sum of all rows, and of each measure taken alone."""
    words = Counter(each.word for each in verdicts)
    alone = {
        "failed or wrong": [each.failed for each in verdicts],
        "leaks": [each.leaks for each in verdicts],
        "p99": [each.p99_s for each in verdicts],
        "p99 added": [each.added_s for each in verdicts],
    }
    noise_s = max((each.noise_s for each in verdicts), default=0.0)
    told = [
        f"{name} alone better in {_count(pairs, bound_s)[0]}, worse in {_count(pairs, bound_s)[1]}"
        for name, pairs in alone.items()
        for bound_s in ((noise_s if name.startswith("p99") else 0.0),)
    ]
    return (
        f"of {len(verdicts)} rows better {words['better']}, equal {words['equal']}, worse {words['worse']} "
        f"(noise {1000 * noise_s:.0f} ms; {'; '.join(told)})"
    )


def _count(pairs: Sequence[tuple[float, float]], bound: float) -> tuple[int, int]:
    return sum(b - a > bound for a, b in pairs), sum(a - b > bound for a, b in pairs)
