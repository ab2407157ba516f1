"""Takes the network away from a process, for good: a filter of system calls that the kernel holds.

Code of other people may read a file of the workspace here, and shall send it nowhere. The filter
(seccomp, seccomp(2) and seccomp_unotify(2)) refuses every way to a socket, and to the memory and the
sockets of another process; what the process starts inherits it, and nothing takes it off again.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final

from algotrader.core.errors import RunError

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # of classic BPF: ld abs, jeq, jge, ret
_NUMBER_AT, _MACHINE_AT = 0, 4  # in struct seccomp_data
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
_KILL: Final = 0x80000000
_FOREIGN_ABI: Final = 0x40000000  # x32 has numbers of its own above this one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """A kind of processor: its mark in seccomp_data, and its numbers of the calls refused."""

    mark: int
    refused: tuple[int, ...]


# socket, connect, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, pidfd_getfd
_MACHINES: Final = {
    "x86_64": _Machine(mark=0xC000003E, refused=(41, 42, 101, 310, 311, 425, 438)),
    "aarch64": _Machine(mark=0xC00000B7, refused=(198, 203, 117, 270, 271, 425, 438)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def leave_network() -> None:
    """No socket can be made or connected from here on, by this process and those it starts.

    RunError where the system cannot promise it: then nothing of other people may be run.
    """
    machine = _MACHINES.get(platform.machine()) if platform.system() == "Linux" else None
    if machine is None:
        raise _refusal(f"{platform.system()} on {platform.machine()}")
    steps = _filter(machine)
    program = _Program(len(steps) // 8, steps)
    system = ctypes.CDLL(None, use_errno=True)
    done = system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and (
        system.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0
    )
    if not done:
        raise _refusal(f"this kernel (errno {ctypes.get_errno()})")


def _filter(machine: _Machine) -> bytes:
    """The program: another ABI ends the process, a refused call gets EPERM, the rest goes on."""
    count = len(machine.refused)
    steps = [
        _step(_LOAD, 0, 0, _MACHINE_AT),
        _step(_EQUAL, 1, 0, machine.mark),
        _step(_RETURN, 0, 0, _KILL),
        _step(_LOAD, 0, 0, _NUMBER_AT),
        _step(_AT_LEAST, count + 1, 0, _FOREIGN_ABI),
        *(
            _step(_EQUAL, count - at, 0, number)  # to the step that refuses
            for at, number in enumerate(machine.refused)
        ),
        _step(_RETURN, 0, 0, _ALLOW),
        _step(_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(steps)


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refusal(where: str) -> RunError:
    return RunError(
        "strategy.network",
        f"{where} cannot take the network away from a process, so no strategy's file is read here",
        hint="serve the console on Linux 3.17 or newer, on x86-64 or ARM64",
    )
