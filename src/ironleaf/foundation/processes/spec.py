"""What a pool's workers are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

Settings = TypeVar("Settings")
Job = TypeVar("Job")
Result = TypeVar("Result")

Handler = Callable[[Job], Result]
"""Lives in the child and does one job at a time."""


@dataclass(frozen=True)
class WorkerSpec(Generic[Settings, Job, Result]):
    """How to make a handler in a child process.

    ``factory`` is a top-level function that the child imports by name;
    ``settings`` go over the pipe, never through the environment. Jobs and results
    are pickled: keep them small, and send the paths of big things. Results and
    errors may be made of plain values, paths, dates and the product's own
    dataclasses, enumerations and errors only; anything else is refused, since a
    worker that a hostile file has taken over would write them.

    With ``read_roots`` or ``write_roots``, the kernel (Landlock) denies a worker
    all other files but the interpreter's own. ``write_roots`` can be read too.
    The factory itself already runs so.
    """

    name: str
    factory: Callable[[Settings], Handler[Job, Result]]
    settings: Settings
    read_roots: tuple[Path, ...] | None = None
    write_roots: tuple[Path, ...] | None = None
