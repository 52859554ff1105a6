"""The child's side: a process that makes one handler and does one job after the other."""

from __future__ import annotations

import os
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes.frames import (
    BODY_BYTES_MAX,
    Aftermath,
    Answer,
    Failure,
    Frame,
    Ready,
    Refusal,
    Reply,
    read_frame,
    write_frame,
)
from ironleaf.foundation.processes.idle_memory import IdleMemory, load_trimmer
from ironleaf.foundation.processes.lifeline import follow_parent
from ironleaf.foundation.processes.limits import ProcessLimits, apply_limits, arm_cpu, resident_bytes
from ironleaf.foundation.processes.loss import PRIVATE_CHARACTERS_MAX, speaks_of_memory
from ironleaf.foundation.processes.sandbox.audit import refuse_in_interpreter
from ironleaf.foundation.processes.sandbox.landlock import deny_other_files
from ironleaf.foundation.processes.sandbox.report import SandboxReport
from ironleaf.foundation.processes.sandbox.seccomp import deny_system_calls
from ironleaf.foundation.processes.surroundings import settle_in

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection
    from pathlib import Path

    from ironleaf.foundation.processes.spec import Handler, WorkerSpec

_TEXT_CHARACTERS_MAX: Final = 2_000
_CONTEXT_CHARACTERS_MAX: Final = 500
_STACK_END_CHARACTERS: Final = 2_000
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOrder:
    """The first message to a worker.

    The spec is a pickle within: the factory's module, with all its libraries, must
    not be imported before limits and file rules hold.
    """

    spec: bytes
    read_roots: tuple[Path, ...] | None
    write_roots: tuple[Path, ...] | None


def run_worker(
    job: socket.socket, lifeline: Connection[Any, Any], noise: Connection[Any, Any], limits: ProcessLimits
) -> None:
    """Be a worker until the parent goes. Never returns."""
    fd = job.detach()
    exit_code = 1
    try:
        follow_parent(lifeline.fileno())
        settle_in(noise.fileno(), keep=(fd, lifeline.fileno()))
        bounded = apply_limits(limits)
        handler = _get_ready(fd, bounded)
        if handler is not None:
            _serve(fd, handler, limits.cpu_s)
        exit_code = 0
    except BaseException:  # noqa: BLE001 - the last words of this process
        traceback.print_exc()
    finally:
        # Native libraries may crash or hang while an interpreter is taken down.
        os._exit(exit_code)


def _get_ready(fd: int, bounded: bool) -> Handler[Any, Any] | None:
    body = read_frame(fd)
    if body is None:
        return None
    try:
        order: StartOrder = pickle.loads(body)  # noqa: S301 - from our parent
        landlock = _lock_files(order)
        spec: WorkerSpec[Any, Any, Any] = pickle.loads(order.spec)  # noqa: S301 - from our parent
        handler = spec.factory(spec.settings)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        write_frame(fd, Frame(_dump(_describe(error)), Aftermath.UNSOUND))
        return None
    # After the factory, which is ours, and before the first job, which is not.
    seccomp = deny_system_calls()
    audit = False if seccomp else refuse_in_interpreter()
    report = SandboxReport(seccomp=seccomp, landlock=landlock, rlimits=bounded, audit=audit)
    write_frame(fd, Frame(_dump(Ready(report)), resident_bytes=resident_bytes()))
    return handler


def _lock_files(order: StartOrder) -> bool:
    if order.read_roots is None and order.write_roots is None:
        return False
    if order.write_roots:
        os.environ["TMPDIR"] = str(order.write_roots[0])
    return deny_other_files(order.read_roots or (), order.write_roots or ())


def _serve(fd: int, handler: Handler[Any, Any], cpu_s: int) -> None:
    memory = IdleMemory(load_trimmer())
    while (body := read_frame(fd)) is not None:
        arm_cpu(cpu_s)
        write_frame(fd, _do(handler, body))
        memory.give_back()


def _do(handler: Handler[Any, Any], body: bytes) -> Frame:
    aftermath = Aftermath.FIT
    try:
        reply = _dump(Answer(handler(pickle.loads(body))))  # noqa: S301 - from our parent
    except IronleafError as error:
        aftermath = Aftermath.OUT_OF_MEMORY if _ran_out_of_memory(error) else Aftermath.FIT
        reply = _dump_refusal(error)
    except BaseException as error:  # noqa: BLE001 - a panic of native code is no Exception
        if _ran_out_of_memory(error):
            aftermath = Aftermath.OUT_OF_MEMORY
        elif not isinstance(error, Exception):
            aftermath = Aftermath.UNSOUND
        reply = _dump(_describe(error))
    if len(reply) > BODY_BYTES_MAX:
        reply = _dump(Failure("ReplyTooLarge", f"{len(reply)} bytes", ""))
    return Frame(reply, aftermath, resident_bytes())


def _dump(reply: Reply) -> bytes:
    return pickle.dumps(reply, protocol=pickle.HIGHEST_PROTOCOL)


def _dump_refusal(error: IronleafError) -> bytes:
    try:
        return _dump(Refusal(_portable(error)))
    except Exception as broken:  # noqa: BLE001 - an error of ours that does not pickle
        return _dump(_describe(broken))


def _ran_out_of_memory(error: BaseException) -> bool:
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, MemoryError):
            return True
        if not isinstance(current, IronleafError) and speaks_of_memory(_words(current)):
            return True
        current = current.__cause__
    return False


def _describe(error: BaseException) -> Failure:
    return Failure(type(error).__name__, _words(error), _stack(error))


def _words(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_CHARACTERS_MAX]
    except Exception:  # noqa: BLE001 - a foreign __str__, or no memory for it
        return ""


def _stack(error: BaseException) -> str:
    try:
        stack = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - no memory for it, or a foreign __str__ again
        return ""
    if len(stack) <= PRIVATE_CHARACTERS_MAX:
        return stack
    # The first cause stands at the top, the last words at the end.
    return f"{stack[: PRIVATE_CHARACTERS_MAX - _STACK_END_CHARACTERS - 5]}\n...\n{stack[-_STACK_END_CHARACTERS:]}"


def _portable(error: IronleafError) -> IronleafError:
    """Leave the error a private context of plain values only, so that it crosses the pipe; return it."""
    context: dict[str, object] = {
        name: value if isinstance(value, _PLAIN) else _shortened(value) for name, value in error.context.items()
    }
    if error.__cause__ is not None:
        context["worker_stack"] = _stack(error)
    error.context = context
    return error


def _shortened(value: object) -> str:
    try:
        return repr(value)[:_CONTEXT_CHARACTERS_MAX]
    except Exception:  # noqa: BLE001 - a foreign __repr__
        return type(value).__name__
