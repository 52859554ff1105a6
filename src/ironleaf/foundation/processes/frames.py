"""What crosses the pipe between a pool and its workers.

Each message is a header and a pickle. What a worker sends is read with suspicion:
a decoder that a hostile file has taken over could write any pickle, so only plain
values and the product's own data classes come through.
"""

from __future__ import annotations

import importlib
import os
import pickle
import struct
from dataclasses import dataclass, is_dataclass
from enum import Enum, IntEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

from ironleaf.foundation.errors import IronleafError

if TYPE_CHECKING:
    from ironleaf.foundation.processes.sandbox.report import SandboxReport

BODY_BYTES_MAX: Final = 64 << 20
"""A result is text and numbers: the text of some thousand pages fits many times over."""
_CHUNK_BYTES: Final = 1 << 18
_HEADER: Final = struct.Struct("<QBQ")
_OWN_PACKAGE: Final = "ironleaf."
_PLAIN_GLOBALS: Final = frozenset(
    {
        ("builtins", "complex"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "OrderedDict"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("pathlib", "Path"),
        ("pathlib", "PosixPath"),
        ("pathlib", "PurePosixPath"),
        ("uuid", "UUID"),
        ("ironleaf.foundation.errors.base", "_rebuild"),
    }
)


class Aftermath(IntEnum):
    """What a worker says about itself beside its reply."""

    FIT = 0
    OUT_OF_MEMORY = 1
    UNSOUND = 2
    """Native code may have been left in the middle of something."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's handler is made, and the worker is locked down."""

    sandbox: SandboxReport


@dataclass(frozen=True, slots=True)
class Answer:
    """The job's result."""

    result: object


@dataclass(frozen=True, slots=True)
class Refusal:
    """The handler raised an error that the catalogue knows."""

    error: IronleafError


@dataclass(frozen=True, slots=True)
class Failure:
    """The handler, or the factory, raised anything else."""

    exception_type: str
    text: str
    stack: str


Reply = Ready | Answer | Refusal | Failure


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came off the pipe."""

    body: bytes
    aftermath: Aftermath = Aftermath.FIT
    resident_bytes: int = 0


class FrameBroken(Exception):
    """The other side does not speak our language."""


class ReplyRefused(Exception):
    """A worker sent something that may not enter this process."""


class Inbox:
    """Frames out of chunks, for a reader that must never wait."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Frame | None:
        """Take ``chunk``; return the frame that it completes, if it does.

        Raises:
            FrameBroken: the header makes no sense.
        """
        self._held += chunk
        if len(self._held) < _HEADER.size:
            return None
        size, aftermath, resident = _read_header(self._held)
        if len(self._held) < _HEADER.size + size:
            return None
        body = bytes(self._held[_HEADER.size : _HEADER.size + size])
        if len(self._held) > _HEADER.size + size:
            raise FrameBroken("more than one reply to one job")
        self._held = bytearray()
        return Frame(body, aftermath, resident)


def pack(frame: Frame) -> bytes:
    """Return ``frame`` as it goes over the pipe."""
    return _HEADER.pack(len(frame.body), frame.aftermath, frame.resident_bytes) + frame.body


def read_frame(fd: int) -> bytes | None:
    """Wait for the next frame and return its body; None once the other side is gone."""
    header = _read_exactly(fd, _HEADER.size)
    if header is None:
        return None
    return _read_exactly(fd, _read_header(header)[0])


def write_frame(fd: int, frame: Frame) -> None:
    """Write all of ``frame``, waiting as long as it takes."""
    left = memoryview(pack(frame))
    while left:
        left = left[os.write(fd, left) :]


def decode_reply(body: bytes) -> Reply:
    """Return a worker's reply.

    Raises:
        ReplyRefused: it holds anything but plain values and the product's own data classes.
    """
    try:
        reply: object = _GuardedUnpickler(BytesIO(body)).load()
    except ReplyRefused:
        raise
    except Exception as error:  # a forged pickle can raise anything
        raise ReplyRefused("not a pickle of ours") from error
    if isinstance(reply, (Ready, Answer, Refusal, Failure)):
        return reply
    raise ReplyRefused("not a reply")


def _read_header(held: bytes | bytearray) -> tuple[int, Aftermath, int]:
    size, aftermath, resident = cast("tuple[int, int, int]", _HEADER.unpack_from(held))
    if size > BODY_BYTES_MAX or aftermath not in Aftermath.__members__.values():
        raise FrameBroken("a header out of bounds")
    return size, Aftermath(aftermath), resident


def _read_exactly(fd: int, size: int) -> bytes | None:
    held = bytearray()
    while len(held) < size:
        chunk = os.read(fd, min(_CHUNK_BYTES, size - len(held)))
        if not chunk:
            return None
        held += chunk
    return bytes(held)


class _GuardedUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) in _PLAIN_GLOBALS:
            return super().find_class(module_name, global_name)
        if not module_name.startswith(_OWN_PACKAGE) or "." in global_name:
            raise ReplyRefused(f"{module_name}.{global_name} may not come from a worker")
        found: object = getattr(importlib.import_module(module_name), global_name, None)  # noqa: TID251 - as pickle does
        if not _is_data(found):
            raise ReplyRefused(f"{module_name}.{global_name} is no data class of ours")
        return found


def _is_data(found: object) -> bool:
    if not isinstance(found, type) or not found.__module__.startswith(_OWN_PACKAGE):
        return False
    return is_dataclass(found) or issubclass(found, (Enum, IronleafError, tuple))
