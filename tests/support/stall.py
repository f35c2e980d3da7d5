#!/usr/bin/env python3
"""Stops one thread of a process as a debugger does, the others go on: a thread that hangs.

usage: stall.py PID TID SECONDS     (0 seconds: until this program is ended)
"""
import ctypes
import os
import sys
import time

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL


def main():
    tid, seconds = int(sys.argv[2]), float(sys.argv[3])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, tid, None, None) != 0:
            sys.exit(f"stall.py: thread {tid}: {os.strerror(ctypes.get_errno())}")
    os.waitpid(tid, WALL)
    print("stalled", flush=True)
    time.sleep(seconds if seconds > 0 else 1e9)
    libc.ptrace(PTRACE_DETACH, tid, None, None)


if __name__ == "__main__":
    main()
