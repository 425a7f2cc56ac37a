"""Programs that end with the build, however it ends, and hold its lock until they have ended.

A build that is killed cannot end what it started. So each program is started by way of this file, in a process group
of its own, and watches a pipe whose other end the build alone holds: when the build is gone, so is the whole group.
The lock of the build is an open file, which its children inherit: it is free when the last of them is gone.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

for number in range(3):  # one of the three that a program begins with may be closed: it would become the pipe
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
_watched, _held_by_the_build = os.pipe()
_locks = []


def inherit(lock):
    """From now on, every child holds this open file, too."""
    _locks.append(lock.fileno())


def kept():
    """The files that a child must be given: `pass_fds=children.kept()`."""
    return (_watched, *_locks)


def watching(command):
    """The command that runs `command` and watches the build."""
    return [sys.executable, "-I", "-S", __file__, str(_watched), *map(str, command)]


@contextmanager
def started(command, **options):
    """A Popen of the command; at the end of the block, it and all that it started are gone."""
    process = subprocess.Popen(watching(command), start_new_session=True, pass_fds=kept(), **options)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):  # macOS says so of a group that has only a zombie left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(command, seconds=None, **options):
    """Like subprocess.run with its output captured as text; after so many seconds the program is ended, and failed."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", **options}
    with started(command, stdin=subprocess.DEVNULL, **options) as process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            stderr += f"{seconds} s"
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def main():
    watched, *command = sys.argv[1:]
    # An interrupt is for the program. A handler, other than a signal ignored, is not inherited by it.
    signal.signal(signal.SIGINT, lambda *_: None)
    threading.Thread(target=end_with_the_build, args=[int(watched)], daemon=True).start()
    try:
        program = subprocess.Popen(command, close_fds=False)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")
    code = program.wait()
    sys.exit(code if code >= 0 else 128 - code)


def end_with_the_build(watched):
    os.read(watched, 1)  # nobody writes: it returns when the other end is closed
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
