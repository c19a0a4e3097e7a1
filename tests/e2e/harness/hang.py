"""hang.py COMMAND...: runs the command, and on SIGUSR1 stops all of its threads but the first, as if they hung; on SIGUSR2
only that of shard 1. SIGTERM ends it.

As its parent it may (ptrace); it says "hanging" on standard error once they stand still.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
child = subprocess.Popen(sys.argv[1:])


def hangs(thread, number):
    if number == signal.SIGUSR1:
        return thread.name != str(child.pid)
    return (thread / "comm").read_text() == "shard-1\n"


def hang(number, _):
    for thread in pathlib.Path(f"/proc/{child.pid}/task").iterdir():
        if hangs(thread, number) and (ptrace(PTRACE_SEIZE, int(thread.name), None, None)
                                      or ptrace(PTRACE_INTERRUPT, int(thread.name), None, None)):
            sys.exit(f"hang: {os.strerror(ctypes.get_errno())}")
    print("hanging", file=sys.stderr, flush=True)


def end(*_):
    child.kill()
    os._exit(0)  # its threads are then another's to wait for


signal.signal(signal.SIGUSR1, hang)
signal.signal(signal.SIGUSR2, hang)
signal.signal(signal.SIGTERM, end)
while child.poll() is None:
    signal.sigtimedwait([signal.SIGCHLD], 0.1)
