"""The interpreter's own refusal of sockets and processes, where the kernel has no seccomp.

Weaker by nature: native code does not ask the interpreter.
"""

from __future__ import annotations

import sys

_REFUSED = (
    "socket.",
    "subprocess.Popen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
)


def refuse_in_interpreter() -> bool:
    """Refuse sockets and new processes in Python code from now on; cannot be undone."""
    sys.addaudithook(_refuse)
    return True


def _refuse(event: str, _arguments: object) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(1, "not in a worker")
