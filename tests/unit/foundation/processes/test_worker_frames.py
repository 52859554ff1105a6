"""Only whole, small and harmless messages come through the pipe."""

from __future__ import annotations

import os
import pickle
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.faults.handlers import HANDLER_REFUSED
from ironleaf.foundation.errors import Detail, ProcessingFailure
from ironleaf.foundation.processes import frames
from ironleaf.foundation.processes.frames import (
    BODY_BYTES_MAX,
    Aftermath,
    Answer,
    Frame,
    FrameBroken,
    Inbox,
    Refusal,
    ReplyRefused,
    decode_reply,
    pack,
    read_frame,
)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[object, ...]:
        return self._call


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(1, 60), max_size=20), resident=st.integers(0, 2**60))
def test_a_frame_arrives_whole_however_it_is_cut(body: bytes, cuts: list[int], resident: int) -> None:
    wire, inbox, got = pack(Frame(body, Aftermath.UNSOUND, resident)), Inbox(), None
    for cut in [*cuts, len(wire)]:
        chunk, wire = wire[:cut], wire[cut:]
        assert got is None or not chunk
        got = inbox.feed(chunk) if chunk else got
    assert got == Frame(body, Aftermath.UNSOUND, resident)


def test_a_reader_that_waits_sees_the_frame_and_then_the_end() -> None:
    reading, writing = os.pipe()
    frames.write_frame(writing, Frame(b"one"))
    os.close(writing)
    assert read_frame(reading) == b"one"
    assert read_frame(reading) is None
    os.close(reading)


@pytest.mark.parametrize(
    "wire",
    [
        frames._HEADER.pack(BODY_BYTES_MAX + 1, 0, 0),
        frames._HEADER.pack(1, 9, 0),
        pack(Frame(b"one")) + b"more",
    ],
)
def test_a_header_out_of_bounds_is_refused_before_anything_is_held(wire: bytes) -> None:
    with pytest.raises(FrameBroken):
        Inbox().feed(wire)


def test_plain_values_and_our_own_data_come_through() -> None:
    result = {
        "plain": [1, 2.5, None, True, "x", b"y", (1, {2}), frozenset({3}), 1j],
        "library": [Path("/a/b"), datetime(2026, 1, 2, tzinfo=UTC), Decimal(1), Fraction(1, 2), UUID(int=1)],
        "ours": [Detail(reason="x", page=1), HANDLER_REFUSED, Aftermath.FIT],
    }
    assert decode_reply(pickle.dumps(Answer(result))) == Answer(result)


def test_errors_of_the_catalogue_come_through() -> None:
    reply = decode_reply(pickle.dumps(Refusal(ProcessingFailure(HANDLER_REFUSED, context={"a": 1}))))
    assert isinstance(reply, Refusal)
    assert reply.error.entry == HANDLER_REFUSED
    assert reply.error.context == {"a": 1}


@pytest.mark.parametrize(
    "hostile",
    [
        Calls(os.system, "true"),
        Calls(subprocess.Popen, ["true"]),
        Calls(eval, "1"),
        Calls(getattr, "", "join"),
        Calls(pack, Frame(b"")),  # a function of ours is no data
        Calls(Inbox),  # nor is a class with behaviour
    ],
)
def test_anything_that_would_run_code_is_refused(hostile: Calls) -> None:
    with pytest.raises(ReplyRefused):
        decode_reply(pickle.dumps(Answer(hostile)))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ironleaf.foundation.processes.link", "os.system"),
        ("ironleaf.foundation.processes.link", "socket"),
        ("ironleaf.foundation.processes.crew", "ThreadPoolExecutor"),
        ("ironleaf.foundation.processes.crew", "nothing"),
        ("ironleaf.nowhere", "Thing"),
    ],
)
def test_our_own_modules_are_no_way_round(module: str, name: str) -> None:
    with pytest.raises(ReplyRefused):
        decode_reply(b"\x80\x04" + pickle.SHORT_BINUNICODE + bytes([len(module)]) + module.encode()
                     + pickle.SHORT_BINUNICODE + bytes([len(name)]) + name.encode() + b"\x93.")  # fmt: skip


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_is_raised(body: bytes) -> None:
    with pytest.raises(ReplyRefused):
        decode_reply(body)


def test_a_pickle_that_is_no_reply_is_refused() -> None:
    with pytest.raises(ReplyRefused):
        decode_reply(pickle.dumps("text"))
