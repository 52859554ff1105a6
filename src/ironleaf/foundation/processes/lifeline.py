"""A worker dies with its parent, at once, however busy it is and however the parent died.

Why not PR_SET_PDEATHSIG: a worker's kernel parent is the fork server, which lives
as long as its children do. A pipe that only the true parent holds open is exact:
the kernel sends SIGKILL the moment it closes, also while native code runs.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading
from typing import Final

_F_SETSIG: Final = 10
"""Linux only, and not named by the standard library."""


def follow_parent(lifeline_fd: int) -> None:
    """Tie this process's life to the other end of the pipe ``lifeline_fd``.

    Promises: once it returns, closing the other end kills this process. It does
    not return if the other end is closed already.
    """
    if os.uname().sysname == "Linux":
        fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline_fd, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, fcntl.fcntl(lifeline_fd, fcntl.F_GETFL) | os.O_ASYNC)
        if _closed(lifeline_fd):  # before the signal was armed
            os._exit(1)
        return
    threading.Thread(target=_die_with, args=(lifeline_fd,), daemon=True).start()


def _closed(lifeline_fd: int) -> bool:
    poll = select.poll()
    poll.register(lifeline_fd, select.POLLHUP)
    return bool(poll.poll(0))


def _die_with(lifeline_fd: int) -> None:
    os.read(lifeline_fd, 1)
    os.kill(os.getpid(), signal.SIGKILL)
