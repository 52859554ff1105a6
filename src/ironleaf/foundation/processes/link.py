"""The parent's end of one worker process."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import weakref
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, cast

from ironleaf.foundation.processes.frames import Frame, FrameBroken, Inbox, pack
from ironleaf.foundation.processes.worker import run_worker

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

    from ironleaf.foundation.processes.limits import ProcessLimits
    from ironleaf.foundation.processes.status import ReplacementReason

_EXIT_WAIT_S: Final = 5.0
"""A killed process is gone within milliseconds, unless the kernel itself is stuck in a disk."""
_CHUNK_BYTES: Final = 1 << 18
_NOISE_BYTES_MAX: Final = 4_096
_PRELOADED: Final = ["ironleaf.foundation.processes.worker"]
"""Our own plain Python, which makes a replacement three times as fast (0.05 against 0.17 s). Never more:
numpy, onnxruntime and OpenCV start threads, and those do not survive a fork."""
_processes_lock: Final = threading.Lock()
"""multiprocessing polls every child whenever it starts one, and loses exit codes if two threads do."""
_living: Final[weakref.WeakSet[WorkerLink]] = weakref.WeakSet()


class WorkerGone(Exception):
    """The worker's process closed its side of the pipe, or spoke nonsense on it."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker's process ended."""

    reason: ReplacementReason
    exit_code: int | None
    noise: str


class WorkerLink:
    """One worker, as its pool sees it. Everything but `bury` is for the event loop's thread and never waits."""

    def __init__(
        self,
        process: ForkServerProcess,
        pipe: socket.socket,
        lifeline: Connection[Any, Any],
        noise: Connection[Any, Any],
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._lifeline = lifeline
        self._noise = noise
        self._pid = process.pid
        self._pid_fd = _open_pid(process.pid)
        self._inbox = Inbox()
        self._reply: asyncio.Future[Frame] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_idle_death: Callable[[WorkerLink], object] | None = None
        self.burial: asyncio.Task[Death] | None = None
        self.gone = False
        """Its side of the pipe is closed."""
        self.jobs_done = 0
        self.resident_at_start_bytes = 0
        self.renewing = False
        """Its successor is being started."""
        self.superseded = False
        """Its successor is there: it goes after its present job."""
        _living.add(self)

    def attach(self, loop: asyncio.AbstractEventLoop, *, on_idle_death: Callable[[WorkerLink], object]) -> None:
        """Begin to listen to the worker on ``loop``."""
        self._loop = loop
        self._on_idle_death = on_idle_death
        loop.add_reader(self._pipe.fileno(), self._read)

    def ask(self, body: bytes) -> asyncio.Future[Frame]:
        """Send a message; the future is the worker's reply, or `WorkerGone`."""
        assert self._loop is not None  # noqa: S101 - attached before it is used
        self.hear()  # what earlier jobs wrote is none of this one's business
        self._reply = self._loop.create_future()
        message = memoryview(pack(Frame(body)))
        try:
            sent = self._pipe.send(message)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._fail()
            return self._reply
        if sent < len(message):
            self._sending = self._loop.create_task(self._send_rest(self._loop, message[sent:]))
        return self._reply

    async def _send_rest(self, loop: asyncio.AbstractEventLoop, message: memoryview) -> None:
        try:
            await loop.sock_sendall(self._pipe, message)
        except OSError:
            self._fail()

    def _read(self) -> None:
        try:
            chunk = self._pipe.recv(_CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        try:
            frame = self._inbox.feed(chunk)
        except FrameBroken:
            self.kill_process()
            chunk, frame = b"", None
        if not chunk:
            self._fail()
        elif frame is not None:
            self._deliver(frame)

    def _deliver(self, frame: Frame) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            self._fail()  # nobody has asked
        elif not reply.done():
            reply.set_result(frame)

    def _fail(self) -> None:
        self.gone = True
        self._deafen()
        reply, self._reply = self._reply, None
        if reply is not None:
            if not reply.done():
                reply.set_exception(WorkerGone())
        elif self._on_idle_death is not None:
            self._on_idle_death(self)

    def hear(self) -> str:
        """Return the end of what the process wrote to its standard streams since the last call."""
        held = b""
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._noise.fileno(), _CHUNK_BYTES):
                held = (held + chunk)[-_NOISE_BYTES_MAX:]
        return held.decode("utf-8", "replace")

    def kill(self) -> None:
        """End the process now, whatever it does. Safe to call again."""
        self._deafen()
        if self._reply is not None:
            self._reply.cancel()
            self._reply = None
        if self._sending is not None:
            self._sending.cancel()
        self.kill_process()

    def kill_process(self) -> None:
        """Send the kill, from any thread."""
        # By descriptor, so that no other process can be meant. The lifeline alone would do,
        # but code that took the worker over could have cut it.
        with contextlib.suppress(OSError):
            if self._pid_fd is not None:
                signal.pidfd_send_signal(self._pid_fd, signal.SIGKILL)
            elif self._pid is not None:
                os.kill(self._pid, signal.SIGKILL)
        self._lifeline.close()

    def _deafen(self) -> None:
        if self._loop is not None and not self._loop.is_closed() and self._pipe.fileno() >= 0:
            self._loop.remove_reader(self._pipe.fileno())

    def bury(self) -> int | None:
        """Wait for the process's end and free what is left of it; return its exit code. Call once, in a thread.

        Promises: kills a process that does not end by itself.
        """
        if not wait([self._process.sentinel], timeout=_EXIT_WAIT_S / 5):
            self.kill_process()
            wait([self._process.sentinel], timeout=_EXIT_WAIT_S)
        with _processes_lock:
            self._process.join(0)
            exit_code = self._process.exitcode
            if exit_code is not None:
                self._process.close()
        self.kill_process()  # a fork server that was killed reports an end that has not come
        self._pid = None
        if self._pid_fd is not None:
            os.close(self._pid_fd)
            self._pid_fd = None
        _living.discard(self)
        return exit_code

    def close(self) -> None:
        """Close the pipes, after `bury`."""
        self._deafen()
        self._pipe.close()
        self._noise.close()


def open_link(name: str, limits: ProcessLimits) -> WorkerLink:
    """Start a worker process and return the parent's end of it. Takes some ten milliseconds: call in a thread.

    Raises:
        OSError: no process or no descriptor can be had.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    lifeline_end, lifeline = _make_pipe()
    noise, noise_end = _make_pipe()
    os.set_blocking(noise.fileno(), False)
    os.set_blocking(noise_end.fileno(), False)
    process = context.Process(
        target=run_worker, args=(theirs, lifeline_end, noise_end, limits), name=f"ironleaf-{name}", daemon=True
    )
    try:
        with _processes_lock:
            context.set_forkserver_preload(_PRELOADED)
            process.start()
        return WorkerLink(process, ours, lifeline, noise)
    except BaseException:
        for end in (ours, lifeline, noise):
            end.close()
        raise
    finally:
        for end in (theirs, lifeline_end, noise_end):
            end.close()


def _make_pipe() -> tuple[Connection[Any, Any], Connection[Any, Any]]:
    """Return the reading and the writing end of a pipe, in the form that multiprocessing can hand to a child."""
    return cast("tuple[Connection[Any, Any], Connection[Any, Any]]", multiprocessing.Pipe(duplex=False))


def _open_pid(pid: int | None) -> int | None:
    if pid is None or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _kill_all() -> None:
    # Workers ignore SIGTERM, which is all that multiprocessing would send before it waits for them.
    for link in list(_living):
        link.kill_process()


# After multiprocessing's own hook, so that it runs before it.
atexit.register(_kill_all)
