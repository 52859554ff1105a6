"""An exception as data: where it came from, and a name for its kind that stays the same over time."""

from __future__ import annotations

import hashlib
import traceback
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

FRAMES_MAX: Final = 40
"""Frames kept of one stack, the innermost ones: a recursion has a thousand equal ones."""
CHAIN_MAX: Final = 5
"""Exceptions described: causes, and the members of groups."""
FINGERPRINT_FRAMES: Final = 5
"""Frames of our own that name an error's kind: enough to tell two places apart, few enough to survive a rebuild."""
OWN_PACKAGE: Final = "ironleaf"


def describe_stack(error: BaseException) -> list[dict[str, object]]:
    """Return the exception, its members if it is a group, and its causes, outermost first.

    Each has its frames as ``module:function:line``.

    Promises: no local variable and no source line.
    """
    return [
        {
            "type": f"{type(link).__module__}.{type(link).__qualname__}",
            "message": say_error(link),
            "frames": list(_frames(link.__traceback__)),
        }
        for link in _chain(error)
    ]


def say_error(error: BaseException) -> str:
    """Return an exception's own words, or that it has none: some classes fail while they are asked."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - the record of an error must not be lost over its wording
        return "<no words>"


def make_fingerprint(error: BaseException, reason: str) -> str:
    """Return twelve hexadecimal digits that are equal for errors of the same kind.

    Made of the catalogue reason, the exception types of the chain, and our own
    innermost functions; never of messages or line numbers, which change.
    """
    parts = [reason]
    for link in _chain(error):
        own = [name for name, _ in _walk(link.__traceback__) if name.startswith(OWN_PACKAGE)]
        parts += [type(link).__qualname__, *own[-FINGERPRINT_FRAMES:]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting and len(seen) < CHAIN_MAX:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += reversed(_causes(link))


def _causes(error: BaseException) -> tuple[BaseException, ...]:
    causes = cast("tuple[BaseException, ...]", error.exceptions) if isinstance(error, BaseExceptionGroup) else ()
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return causes if cause is None else (*causes, cause)


def _walk(stack: TracebackType | None) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(stack):
        yield f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}", line


def _frames(stack: TracebackType | None) -> list[str]:
    frames = [f"{name}:{line}" for name, line in _walk(stack)]
    over = len(frames) - FRAMES_MAX
    return frames if over <= 0 else [f"... {over} outer frames", *frames[-FRAMES_MAX:]]
