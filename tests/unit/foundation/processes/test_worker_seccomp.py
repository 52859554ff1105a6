"""The kernel's filter, run step by step as the kernel would."""

from __future__ import annotations

import errno
import struct

import pytest

from ironleaf.foundation.processes.sandbox.seccomp import ARCHITECTURES, Architecture, build_filter

OWN_PID = 4_242
ALLOWED = 0
CLONE_THREAD = 0x10000


def judge(architecture: Architecture, number: int, *arguments: int, machine: int | None = None) -> int:
    """Return 0 if the filter lets the call pass, else the error number it answers."""
    code = build_filter(architecture, own_pid=OWN_PID)
    steps = [struct.unpack_from("HBBI", code, place) for place in range(0, len(code), 8)]
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, machine or architecture.audit_id, 0, *padded)
    held, place = 0, 0
    while True:
        operation, yes, no, operand = steps[place]
        place += 1
        if operation == 0x06:
            kind, value = operand & 0xFFFF0000, operand & 0xFFFF
            assert kind in (0x7FFF0000, 0x00050000)
            return ALLOWED if kind == 0x7FFF0000 else value
        if operation == 0x20:
            (held,) = struct.unpack_from("=I", data, operand)
        else:
            met = {0x15: held == operand, 0x35: held >= operand, 0x45: bool(held & operand)}[operation]
            place += yes if met else no


@pytest.fixture(params=sorted(ARCHITECTURES))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return ARCHITECTURES[request.param]


def test_every_listed_call_is_refused(architecture: Architecture) -> None:
    assert len(set(architecture.denied)) == len(architecture.denied)
    assert {judge(architecture, number) for number in architecture.denied} == {errno.EPERM}


def test_ordinary_calls_pass(architecture: Architecture) -> None:
    special = {architecture.clone, architecture.clone3, architecture.kill, architecture.tgkill}
    ordinary = set(range(512)) - set(architecture.denied) - special
    assert {judge(architecture, number) for number in ordinary} == {ALLOWED}


def test_threads_may_start_and_processes_may_not(architecture: Architecture) -> None:
    assert judge(architecture, architecture.clone, CLONE_THREAD | 0x100) == ALLOWED
    assert judge(architecture, architecture.clone, 17) == errno.EPERM
    assert judge(architecture, architecture.clone3) == errno.ENOSYS


def test_signals_and_limits_reach_the_process_itself_only(architecture: Architecture) -> None:
    for number in (architecture.kill, architecture.tgkill):
        assert judge(architecture, number, OWN_PID) == ALLOWED
        for other in (0, 1, OWN_PID + 1, 2**32 - 1):
            assert judge(architecture, number, other) == errno.EPERM
    assert judge(architecture, architecture.prlimit, 0) == ALLOWED
    assert judge(architecture, architecture.prlimit, OWN_PID) == ALLOWED
    assert judge(architecture, architecture.prlimit, 1) == errno.EPERM


def test_foreign_conventions_are_refused() -> None:
    machine = ARCHITECTURES["x86_64"]
    assert judge(machine, 0, machine=0x40000003) == errno.EPERM  # 32-bit calls
    assert judge(machine, 0x40000000) == errno.EPERM  # x32 calls
