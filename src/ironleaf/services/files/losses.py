"""Workers that died of a file: one record for each, as it is kept, and what many of them say of a file. Pure but for
`read_losses`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from ironleaf.foundation.processes import LossReason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINE_BYTES_MAX: Final = 512
"""A longer line is damage, not an entry."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_REASONS: Final = frozenset(LossReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A worker that died of a file."""

    sha256: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file that is refused, as operators are told of it."""

    sha256: str
    reason: LossReason
    """Of the last worker that it killed."""
    losses: int
    """Workers that it killed, as far as that still counts."""
    since: datetime
    until: datetime
    """When it is let in again by itself, if it kills nobody meanwhile."""


def find_held(
    losses: Iterable[Loss], *, now: datetime, losses_to_refuse: int, expiry: timedelta
) -> tuple[HeldFile, ...]:
    """Return the files that so many losses, none older than ``expiry``, keep out; the latest first."""
    by_file: defaultdict[str, list[Loss]] = defaultdict(list)
    for loss in losses:
        if loss.at > now - expiry:
            by_file[loss.sha256].append(loss)
    held = [
        _hold(sorted(each, key=lambda loss: loss.at), losses_to_refuse, expiry)
        for each in by_file.values()
        if len(each) >= losses_to_refuse
    ]
    return tuple(sorted(held, key=lambda file: file.since, reverse=True))


def _hold(losses: list[Loss], losses_to_refuse: int, expiry: timedelta) -> HeldFile:
    last = losses[-1]
    return HeldFile(
        sha256=last.sha256,
        # What another version wrote there is shown as the plainest of the words that there are.
        reason=LossReason(last.reason) if last.reason in _REASONS else LossReason.CRASH,
        losses=len(losses),
        since=losses[losses_to_refuse - 1].at,
        until=losses[-losses_to_refuse].at + expiry,
    )


def dump_loss(loss: Loss) -> bytes:
    """Return the loss as a line of a file."""
    return orjson.dumps(asdict(loss), option=orjson.OPT_APPEND_NEWLINE)


def read_losses(path: Path) -> Iterable[Loss]:
    """Yield the losses in a file of such lines, without what is damaged; nothing if there is no such file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in iter(lambda: file.readline(LINE_BYTES_MAX), b""):
            loss = _parse(line)
            if loss is not None:
                yield loss


def _parse(line: bytes) -> Loss | None:
    try:
        said: dict[str, Any] = orjson.loads(line)
        at = datetime.fromisoformat(said["at"])
        if at.tzinfo is None or not _SHA256.fullmatch(said["sha256"]):
            return None
        return Loss(sha256=said["sha256"], reason=str(said["reason"]), at=at)
    except (ValueError, TypeError, KeyError):
        return None
