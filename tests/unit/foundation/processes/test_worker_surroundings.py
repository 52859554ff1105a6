"""What a worker may know, and how its end is read."""

from __future__ import annotations

import signal

import pytest

from ironleaf.foundation.processes import JobFailed, LossReason, WorkerLost
from ironleaf.foundation.processes.loss import tell_loss
from ironleaf.foundation.processes.surroundings import scrub


def test_only_harmless_variables_are_kept() -> None:
    environment = {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C",
        "OPENBLAS_NUM_THREADS": "1",
        "HOME": "/home/someone",
        "OMP_NUM_THREADS": "8",
        "IRONLEAF_ENGINES__KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONPATH": "/elsewhere",
        "LD_PRELOAD": "/elsewhere.so",
    }
    assert scrub(environment) == {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C",
        "OPENBLAS_NUM_THREADS": "1",
        "HOME": "/nonexistent",
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.parametrize(
    ("exit_code", "noise", "reason"),
    [
        (-signal.SIGXCPU, "", LossReason.CPU),
        (-signal.SIGXFSZ, "", LossReason.OUTPUT),
        (-signal.SIGABRT, "memory allocation of 64 bytes failed", LossReason.MEMORY),
        (-signal.SIGABRT, "terminate called after throwing an instance of 'std::bad_alloc'", LossReason.MEMORY),
        (-signal.SIGABRT, "", LossReason.CRASH),
        (-signal.SIGSEGV, "", LossReason.CRASH),
        (-signal.SIGKILL, "", LossReason.CRASH),
        (0, "", LossReason.CRASH),
        (255, "", LossReason.CRASH),
        (None, "", LossReason.CRASH),
    ],
)
def test_the_end_of_a_process_is_told(exit_code: int | None, noise: str, reason: LossReason) -> None:
    assert tell_loss(exit_code, noise) is reason


def test_private_words_are_in_no_message() -> None:
    lost = WorkerLost(LossReason.CRASH, exit_code=-11, private_text="secret", private_noise="secret")
    failed = JobFailed("ValueError", private_text="secret", private_stack="secret")
    assert lost.signal == 11
    assert WorkerLost(LossReason.CRASH, exit_code=3).signal is None
    assert "secret" not in f"{lost!s} {lost!r} {failed!s} {failed!r}"
