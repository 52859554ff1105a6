"""A handler for worker processes that misbehaves on demand."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, NoReturn

from ironleaf.foundation.errors import Detail, Entry, Family, Kind, Level, ProcessingFailure, Text, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLER_REFUSED = Entry(
    code=50099,
    reason="faulty-handler-refused",
    family=Family.PROCESSING,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("A rehearsed fault.", "演练故障。"),
    user_advice=Text("Nothing to do.", "无需处理。"),
    operator_advice=Text("Nothing to do.", "无需处理。"),
)
"""Never in the product's catalogue: rehearsals only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultySettings:
    """How the handler behaves from the start."""

    greeting: str = ""
    fail_to_start: bool = False
    fail_while_exists: str | None = None
    """A path: as long as something is there, no handler starts."""


@dataclass(frozen=True, slots=True)
class FaultyJob:
    """What to do: the name of a method of `FaultyHandler`, and its argument."""

    act: str
    number: float = 0
    text: str = ""


def make_faulty_handler(settings: FaultySettings) -> Callable[[FaultyJob], object]:
    """Return a handler that does what its jobs name."""
    if settings.fail_to_start or (settings.fail_while_exists and Path(settings.fail_while_exists).exists()):
        raise ValueError("told not to start")
    return FaultyHandler(settings)


class FaultyHandler:
    """Every way in which a worker process may go wrong."""

    def __init__(self, settings: FaultySettings) -> None:
        self._settings = settings
        self._hoard: list[bytearray] = []

    def __call__(self, job: FaultyJob) -> object:
        act: Callable[[FaultyJob], object] = getattr(self, job.act)
        return act(job)

    def echo(self, job: FaultyJob) -> str:
        """Return the greeting and the text."""
        return self._settings.greeting + job.text

    def pid(self, _job: FaultyJob) -> int:
        """Return the process's id."""
        return os.getpid()

    def sleep(self, job: FaultyJob) -> str:
        """Wait ``number`` seconds."""
        threading.Event().wait(job.number)
        return "awake"

    def spin(self, _job: FaultyJob) -> NoReturn:
        """Burn processor time for ever."""
        while True:
            pass

    def burn(self, job: FaultyJob) -> str:
        """Use ``number`` seconds of processor time."""
        end_s = process_time() + job.number
        while process_time() < end_s:
            pass
        return "burnt"

    def allocate(self, job: FaultyJob) -> int:
        """Take ``number`` bytes and drop them."""
        return len(bytearray(int(job.number)))

    def hoard(self, job: FaultyJob) -> int:
        """Take ``number`` bytes and keep them: a leak."""
        self._hoard.append(bytearray(b"\1") * int(job.number))
        return len(self._hoard)

    def abort_out_of_memory(self, _job: FaultyJob) -> NoReturn:
        """Die as a native library without memory does."""
        os.write(2, b"memory allocation of 4096 bytes failed\n")
        os.abort()

    def abort(self, _job: FaultyJob) -> NoReturn:
        """Abort without a word."""
        os.abort()

    def segfault(self, _job: FaultyJob) -> bytes:
        """Read where nothing is."""
        return ctypes.string_at(0)

    def exit(self, job: FaultyJob) -> NoReturn:
        """Leave without a reply."""
        os._exit(int(job.number))

    def panic(self, _job: FaultyJob) -> NoReturn:
        """Raise what is no `Exception`."""
        raise SystemExit(3)

    def raise_value_error(self, job: FaultyJob) -> NoReturn:
        """Raise an exception that the catalogue does not know."""
        raise ValueError(job.text)

    def refuse(self, job: FaultyJob) -> object:
        """Raise an error of the catalogue, with details, context and a cause."""
        try:
            return dict[str, object]()[job.text]
        except KeyError as error:
            raise ProcessingFailure(
                HANDLER_REFUSED,
                details=(Detail(reason="faulty-handler-refused", limit=1, actual=2, unit=Unit.PAGES),),
                retry_after_s=1.5,
                context={"said": job.text, "foreign": object()},
            ) from error

    def answer_foreign(self, _job: FaultyJob) -> object:
        """Return something whose pickle would run code in the parent."""
        return _Trap()

    def write_file(self, job: FaultyJob) -> int:
        """Write ``number`` bytes to the path ``text``."""
        with Path(job.text).open("wb") as file:
            file.writelines(bytes(1 << 16) for _ in range(int(job.number) >> 16))
        return Path(job.text).stat().st_size

    def read_file(self, job: FaultyJob) -> int:
        """Return the size of the file ``text``, by reading it."""
        return len(Path(job.text).read_bytes())

    def print_much(self, job: FaultyJob) -> str:
        """Write ``number`` characters to every standard stream."""
        for stream in (sys.stdout, sys.stderr):
            for _ in range(int(job.number) >> 10):
                stream.write("x" * 1_024)
        return "printed"

    def answer_much(self, job: FaultyJob) -> str:
        """Return ``number`` characters."""
        return "x" * int(job.number)

    def environment(self, _job: FaultyJob) -> str:
        """Return what is left of the parent's environment, wherever it may show."""
        first = Path("/proc/self/environ").read_bytes().decode("utf-8", "replace")
        return repr(dict(os.environ)) + first

    def open_files(self, _job: FaultyJob) -> int:
        """Return how many file descriptors are open."""
        return len(list(Path("/proc/self/fd").iterdir())) - 1

    def open_socket(self, job: FaultyJob) -> str:
        """Open a socket of the family ``number``."""
        return _try(lambda: socket.socket(int(job.number)).close())

    def look_up(self, _job: FaultyJob) -> str:
        """Ask the network for a name."""
        return _try(lambda: socket.getaddrinfo("localhost.invalid", 80))

    def execute(self, _job: FaultyJob) -> str:
        """Start another program."""
        return _try(lambda: subprocess.run(["/bin/true"], check=True))

    def fork(self, _job: FaultyJob) -> str:
        """Make another process."""
        return _try(_fork)

    def kill(self, job: FaultyJob) -> str:
        """Send signal 0 to the process ``number``."""
        return _try(lambda: os.kill(int(job.number), 0))

    def start_thread(self, _job: FaultyJob) -> str:
        """Start a thread, which is allowed."""
        return _try(_run_thread)


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.putenv, ("IRONLEAF_TRAP", "sprung"))


def _try(act: Callable[[], object]) -> str:
    try:
        act()
    except (OSError, RuntimeError) as error:
        return type(error).__name__
    return "done"


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _run_thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
