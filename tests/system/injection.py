"""Has a running process make a system call, as whoever took it over could: through ptrace, from outside, as root.
For x86-64."""
import ctypes
import os
import platform
import signal
import time

ATTACH, GETREGS, SETREGS, DETACH, SYSCALL_STOP = 16, 12, 13, 17, 24
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base "
             "gs_base ds es fs gs").split()
RED_ZONE = 4096     # what is below the stack may be in use
SYSCALL = b"\x0f\x05"

possible = platform.machine() == "x86_64" and os.getuid() == 0


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def stopped_by(pid):
    """The signal that stops it; None when it has ended."""
    _, status = os.waitpid(pid, 0x40000000)  # __WALL
    return os.WSTOPSIG(status) if os.WIFSTOPPED(status) else None


def hold(pid):
    """Stops it where it waits in a system call, and gives its registers."""
    registers = Registers()
    for _ in range(100):
        ptrace(ATTACH, pid)
        assert stopped_by(pid) == signal.SIGSTOP
        ptrace(GETREGS, pid, ctypes.addressof(registers))
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(registers.rip - len(SYSCALL))
            if memory.read(len(SYSCALL)) == SYSCALL:
                return registers
        ptrace(DETACH, pid)
        time.sleep(0.02)
    raise AssertionError(f"process {pid} does not wait")


def prepare(pid, kept, number, arguments):
    """Registers with which it makes the call next. Bytes among the arguments are put below its stack."""
    changed = Registers.from_buffer_copy(kept)
    place = kept.rsp - RED_ZONE
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8"), arguments):
            if isinstance(value, bytes):
                memory.seek(place)
                memory.write(value + b"\0")
                value, place = place, place + len(value) + 1
            setattr(changed, name, value & 0xffffffffffffffff)
    changed.rax, changed.orig_rax, changed.rip = number, 0xffffffffffffffff, kept.rip - len(SYSCALL)
    return changed


def call(pid, number, *arguments):
    """What the call of the thread returns, an error as a negative number; "ended" when SIGSYS came of it, which the
    process then gets."""
    kept = hold(pid)
    changed = prepare(pid, kept, number, arguments)
    ptrace(SETREGS, pid, ctypes.addressof(changed))
    for _ in ("before it", "behind it"):
        ptrace(SYSCALL_STOP, pid)
        assert stopped_by(pid) == signal.SIGTRAP
    ptrace(GETREGS, pid, ctypes.addressof(changed))
    if changed.rax == number:   # taken back
        ptrace(SYSCALL_STOP, pid)
        assert stopped_by(pid) == signal.SIGSYS
        ptrace(DETACH, pid, signal.SIGSYS)
        return "ended"
    ptrace(SETREGS, pid, ctypes.addressof(kept))
    ptrace(DETACH, pid)
    return ctypes.c_longlong(changed.rax).value
