"""What a worker may know, and how its end is read."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.processes import JobFailed, LossReason, WorkerLost
from ironleaf.foundation.processes.loss import tell_loss
from ironleaf.foundation.processes.memory_kills import count_memory_kills
from ironleaf.foundation.processes.sandbox import audit
from ironleaf.foundation.processes.surroundings import scrub

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_kill_by_the_kernel_for_lack_of_memory_is_told() -> None:
    assert tell_loss(-signal.SIGKILL, "", memory_killed=True) is LossReason.MEMORY
    assert tell_loss(-signal.SIGSEGV, "", memory_killed=True) is LossReason.CRASH


@pytest.mark.parametrize(
    ("membership", "counter"),
    [
        ("0::/user/ours\n", "user/ours/memory.events"),
        ("4:memory:/user/ours\n0::/\n", "memory/user/ours/memory.oom_control"),
        ("4:cpu,memory:/on/the/host\n", "memory/memory.oom_control"),
    ],
)
def test_the_kernels_count_of_memory_kills_is_found(tmp_path: Path, membership: str, counter: str) -> None:
    (tmp_path / "cgroup").write_text(membership)
    root = tmp_path / "root"
    assert count_memory_kills(tmp_path / "cgroup", root) == 0
    (root / counter).parent.mkdir(parents=True)
    (root / counter).write_text("low 0\noom 4\noom_kill 3\n")
    assert count_memory_kills(tmp_path / "cgroup", root) == 3
    assert count_memory_kills(tmp_path / "missing", root) == 0


def test_without_seccomp_the_interpreter_refuses_sockets_and_processes() -> None:
    for event in ("socket.__new__", "socket.connect", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork"):
        with pytest.raises(PermissionError):
            audit._refuse(event, ())
    for event in ("open", "import", "compile", "os.listdir"):
        audit._refuse(event, ())


def test_private_words_are_in_no_message() -> None:
    lost = WorkerLost(LossReason.CRASH, exit_code=-11, private_text="secret", private_noise="secret")
    failed = JobFailed("ValueError", private_text="secret", private_stack="secret")
    assert lost.signal == 11
    assert WorkerLost(LossReason.CRASH, exit_code=3).signal is None
    assert "secret" not in f"{lost!s} {lost!r} {failed!s} {failed!r}"
