"""Runs what may change things, or never end, in a process of its own."""

import os
import pickle
import select
import signal
import sys
import time
import warnings

import torch

_PATIENCE = 4  # times as long as it may compute, on a busy machine

can_copy = hasattr(os, "fork") and sys.platform != "emscripten"  # in a browser it is there, and refuses


def in_a_process(function, *args, seconds=3):
    """What `function(*args)` returns, computed in a copy of this process that can be stopped.

    Nothing that it does is seen here: no print, no random number, no change of any object.

    Args:
        seconds: of computing, at most.

    Returns:
        None where it fails, takes longer, or the system cannot copy processes.
    """
    if not can_copy:
        return None
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, about threads: the copy uses none
        child = os.fork()
    if child == 0:
        _answer(write, function, args, seconds)
    os.close(write)
    try:
        answer = _read(read, time.monotonic() + _PATIENCE * seconds)
    finally:
        os.close(read)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return pickle.loads(answer) if answer else None


def _answer(write, function, args, seconds):
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        sys.settrace(None)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (this process ends without closing anything)
        torch.set_num_threads(1)  # the threads of the process that was copied are not here
        answer = memoryview(pickle.dumps(function(*args)))
        while answer:
            answer = answer[os.write(write, answer):]
    finally:
        os._exit(0)


def _read(read, until):
    """All that comes before the other end is closed; nothing where that takes too long."""
    parts = []
    while (left := until - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
        part = os.read(read, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return b""
