"""Freed memory goes back to the kernel between two jobs."""

from __future__ import annotations

import ctypes
from typing import Final

import pytest

from ironleaf.foundation.processes import idle_memory
from ironleaf.foundation.processes.idle_memory import KEPT_BYTES_MAX, IdleMemory, load_trimmer

BLOCK_BYTES: Final = 100_000
"""Under the size from which the C library maps each block by itself."""
BLOCKS: Final = 1_000
STARTED_WITH: Final = 100_000_000


class Resident:
    """What the process says it holds."""

    def __init__(self) -> None:
        self.bytes = STARTED_WITH
        self.trims = 0

    def trim(self, _: int) -> None:
        self.trims += 1
        self.bytes -= KEPT_BYTES_MAX // 2


@pytest.fixture
def resident(monkeypatch: pytest.MonkeyPatch) -> Resident:
    held = Resident()
    monkeypatch.setattr(idle_memory, "resident_bytes", lambda: held.bytes)
    return held


def test_freed_blocks_below_a_held_one_go_back() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    trimmer = load_trimmer()
    if trimmer is None:
        pytest.skip("this C library gives nothing back when asked")
    trimmer(0)  # else the blocks are laid where earlier tests left room, and the process does not grow
    memory = IdleMemory(trimmer)
    blocks = [library.malloc(BLOCK_BYTES) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK_BYTES)
    held = library.malloc(BLOCK_BYTES)
    for block in blocks:
        library.free(block)
    before = idle_memory.resident_bytes()

    memory.give_back()

    assert before - idle_memory.resident_bytes() > BLOCK_BYTES * BLOCKS // 2
    library.free(held)


def test_a_worker_that_has_hardly_grown_is_left_alone(resident: Resident) -> None:
    memory = IdleMemory(resident.trim)
    resident.bytes += KEPT_BYTES_MAX - 1
    memory.give_back()
    assert resident.trims == 0


def test_what_could_not_be_given_back_is_not_asked_for_again(resident: Resident) -> None:
    memory = IdleMemory(resident.trim)
    resident.bytes += 2 * KEPT_BYTES_MAX
    memory.give_back()
    memory.give_back()
    assert resident.trims == 1


def test_a_library_without_the_call_is_no_error(resident: Resident) -> None:
    memory = IdleMemory(None)
    resident.bytes += 2 * KEPT_BYTES_MAX
    memory.give_back()
    assert resident.trims == 0
