"""System calls that a worker may not make (Linux, no privilege needed).

A worker has its pipe, its files and its threads; it has no business with the
network, with new processes or with other processes. Tried with onnxruntime,
PDFium and Pillow: they need nothing of what is denied here.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2
_SET_MODE_FILTER: Final = 1
_FLAG_TSYNC: Final = 1
"""The filter holds threads that the factory has started, too."""

_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_IF_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

_AT_NUMBER: Final = 0
_AT_ARCHITECTURE: Final = 4
_AT_FIRST_ARGUMENT: Final = 16

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1
"""EPERM."""
_UNKNOWN: Final = 0x00050000 | 38
"""ENOSYS: the C library then takes the older call, which can be looked into."""
_CLONE_THREAD: Final = 0x00010000
_X32_BIT: Final = 0x40000000

# The numbers are those of the kernel's own headers: asm/unistd_64.h and asm-generic/unistd.h.
_DENIED_X86_64: Final = {
    "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "accept4": 288,
    "fork": 57, "vfork": 58, "execve": 59, "execveat": 322,
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "process_madvise": 440,
    "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
    "pidfd_open": 434, "pidfd_send_signal": 424, "pidfd_getfd": 438,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "setns": 308, "unshare": 272,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
    "open_by_handle_at": 304, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320,
    "reboot": 169, "sethostname": 170, "setdomainname": 171, "settimeofday": 164, "clock_settime": 227,
    "iopl": 172, "ioperm": 173, "personality": 135, "syslog": 103,
    "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "add_key": 248, "request_key": 249, "keyctl": 250,
}  # fmt: skip
_DENIED_AARCH64: Final = {
    "socket": 198, "connect": 203, "accept": 202, "bind": 200, "listen": 201, "accept4": 242,
    "execve": 221, "execveat": 281,
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "process_madvise": 440,
    "tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
    "pidfd_open": 434, "pidfd_send_signal": 424, "pidfd_getfd": 438,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "setns": 268, "unshare": 97,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
    "open_by_handle_at": 265, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60,
    "init_module": 105, "finit_module": 273, "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294,
    "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "clock_settime": 112,
    "personality": 92, "syslog": 116,
    "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
    "add_key": 217, "request_key": 218, "keyctl": 219,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The numbers of one machine's system calls."""

    audit_id: int
    denied: tuple[int, ...]
    clone: int
    clone3: int
    kill: int
    tgkill: int
    prlimit: int
    seccomp: int
    first_foreign: int | None = None
    """From here on the numbers belong to another calling convention."""


ARCHITECTURES: Final = {
    "x86_64": Architecture(
        audit_id=0xC000003E,
        denied=tuple(_DENIED_X86_64.values()),
        clone=56,
        clone3=435,
        kill=62,
        tgkill=234,
        prlimit=302,
        seccomp=317,
        first_foreign=_X32_BIT,
    ),
    "aarch64": Architecture(
        audit_id=0xC00000B7,
        denied=tuple(_DENIED_AARCH64.values()),
        clone=220,
        clone3=435,
        kill=129,
        tgkill=131,
        prlimit=261,
        seccomp=277,
    ),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def deny_system_calls() -> bool:
    """Lock every thread of this process down for good; tell whether the kernel did so."""
    system = os.uname()
    architecture = ARCHITECTURES.get(system.machine)
    if system.sysname != "Linux" or architecture is None:
        return False
    code = build_filter(architecture, own_pid=os.getpid())
    held = ctypes.create_string_buffer(code)
    program = _Program(len(code) // 8, ctypes.addressof(held))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    taken: int = library.syscall(
        ctypes.c_long(architecture.seccomp), _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(program)
    )
    # Kernels before 3.17 know the older call only: it holds this thread and those to come.
    return taken == 0 or library.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def build_filter(architecture: Architecture, *, own_pid: int) -> bytes:
    """Return the filter for the kernel: eight bytes per instruction.

    Denied: what `Architecture.denied` lists, new processes (threads are allowed),
    signals and limits for any process but ``own_pid``, and foreign conventions.
    """
    code = [
        _step(_LOAD, _AT_ARCHITECTURE),
        _step(_IF_EQUAL, architecture.audit_id, yes=1),
        _step(_RETURN, _REFUSE),
        _step(_LOAD, _AT_NUMBER),
    ]
    if architecture.first_foreign is not None:
        code += [_step(_IF_AT_LEAST, architecture.first_foreign, no=1), _step(_RETURN, _REFUSE)]
    for number in architecture.denied:
        code += _answer(number, _REFUSE)
    code += _answer(architecture.clone3, _UNKNOWN)
    code += _allow_if(architecture.clone, (_step(_IF_ANY_BIT, _CLONE_THREAD, yes=1),))
    for number in (architecture.kill, architecture.tgkill):
        code += _allow_if(number, (_step(_IF_EQUAL, own_pid, yes=1),))
    code += _allow_if(architecture.prlimit, (_step(_IF_EQUAL, own_pid, yes=2), _step(_IF_EQUAL, 0, yes=1)))
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _step(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, operand)


def _answer(number: int, answer: int) -> list[bytes]:
    return [_step(_IF_EQUAL, number, no=1), _step(_RETURN, answer)]


def _allow_if(number: int, tests: tuple[bytes, ...]) -> list[bytes]:
    body = [_step(_LOAD, _AT_FIRST_ARGUMENT), *tests, _step(_RETURN, _REFUSE), _step(_RETURN, _ALLOW)]
    return [_step(_IF_EQUAL, number, no=len(body)), *body]
