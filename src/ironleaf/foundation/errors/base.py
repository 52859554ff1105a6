"""The exceptions of the house.

    IronleafError
    ├── BusinessError          the caller can act
    │   ├── ValidationProblem  an option or a file is not as it must be
    │   └── LimitReached       a limit of ours stands in the way
    └── SystemFault            we must act
        ├── ProcessingFailure  a decoder or the flow broke
        ├── ModelFailure       an engine or the server behind it failed
        ├── StorageFailure     a disk or spool failed
        └── DependencyFailure  something else that we stand on failed

Status, level, kind and words come from the entry, not from the class: a damaged
image and a crashed decoder are both processing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.foundation.errors.detail import Detail
    from ironleaf.foundation.errors.entry import Entry

PrivateContext = Mapping[str, object]


class IronleafError(Exception):
    """An error that the catalogue knows.

    ``context`` is the private face: it reaches redacted logs only. The cause, if
    any, is kept as ``__cause__`` (``raise ... from error``).
    """

    def __init__(
        self,
        entry: Entry,
        *,
        details: tuple[Detail, ...] = (),
        retry_after_s: float | None = None,
        context: PrivateContext | None = None,
    ) -> None:
        super().__init__(entry.reason)
        self.entry = entry
        self.details = details
        self.retry_after_s = retry_after_s
        self.context: dict[str, object] = dict(context or {})

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross the pipe from worker processes; their causes stay behind, in the worker's log.
        return (_rebuild, (type(self), self.entry, self.details, self.retry_after_s, self.context))


def _rebuild(
    kind: type[IronleafError],
    entry: Entry,
    details: tuple[Detail, ...],
    retry_after_s: float | None,
    context: dict[str, object],
) -> IronleafError:
    return kind(entry, details=details, retry_after_s=retry_after_s, context=context)


class BusinessError(IronleafError):
    """The caller can act."""


class ValidationProblem(BusinessError):
    """An option or a file is not as it must be."""


class LimitReached(BusinessError):
    """A limit of ours stands in the way."""


class SystemFault(IronleafError):
    """We must act."""


class ProcessingFailure(SystemFault):
    """A decoder or the flow broke."""


class ModelFailure(SystemFault):
    """An engine, or the server behind it, failed."""


class StorageFailure(SystemFault):
    """A disk or a spool failed."""


class DependencyFailure(SystemFault):
    """Something else that we stand on failed."""
