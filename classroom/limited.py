"""Runs what works on a student's text in a process of its own, within limits of time and memory.

Nothing of a student's runs here, that is what the sandbox is for; but parsers of notebooks, of Markdown and of code
take quadratic time or any amount of memory on some texts, and a file must not stop more than its own student.
"""

import ctypes
import multiprocessing
import os
import pickle
import re
import resource
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path

FORK = multiprocessing.get_context("fork")
PR_SET_PDEATHSIG = 1
INTERRUPTED = 130


@dataclass(frozen=True)
class Bounds:
    """Of one call. cpu: seconds of computing. wall: seconds in all. memory: bytes on top of what the parent has."""

    cpu: int
    wall: int
    memory: int


class Exceeded(Exception):
    """A text was more than the bounds allow; `what` is "time", "memory" or "ended", the end of the process."""

    def __init__(self, what):
        super().__init__(what)
        self.what = what


class Killed(Exception):
    """The process was killed from outside, which no text is to blame for; the text says what to do."""

    def __init__(self):
        super().__init__(
            "处理作业的进程被系统结束了，多半是内存不够：请关掉别的程序，或者减少 SHARDS，再运行一次会接着做。 · "
            "A process at work on a submission was killed from outside, for want of memory most likely: close other "
            "programs or use fewer SHARDS, then run again to go on."
        )


class Worker:
    """Calls a function in a forked process, again and again: a new one takes over when one has gone beyond its bounds.

    What the function raises is raised here, but for a lack of memory, which is Exceeded. It ends with this process.
    """

    def __init__(self, function, bounds):
        self.function, self.bounds = function, bounds
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def __call__(self, *arguments):
        if self.process is None:
            self.start()
        try:
            self.pipe.send(arguments)
            if not self.pipe.poll(self.bounds.wall):
                raise Exceeded("time")
            good, result, last = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, ConnectionError):
            self.process.join()
            raise why_ended(self.process.exitcode) from None
        except Exceeded:
            self.stop()
            raise
        finally:
            if self.process and self.process.exitcode is not None:
                self.stop()
        if last:
            self.stop()
        if good:
            return result
        raise result

    def start(self):
        self.pipe, end = FORK.Pipe()
        self.process = FORK.Process(target=serve, args=(end, self.function, self.bounds, os.getpid()))
        self.process.start()
        end.close()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


def why_ended(code):
    if code == -signal.SIGXCPU:
        return Exceeded("time")
    return Killed() if code in (-signal.SIGKILL, -signal.SIGTERM, INTERRUPTED) else Exceeded("ended")


def serve(pipe, function, bounds, parent):
    """The process: answers with (whether all went well, result or exception, whether it ends with this).

    It ends when nobody asks any more, or when it has kept so much memory that the next text might have to pay for it.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    used = data_size()
    # Soft limits only: what is started from here, such as a sandbox, sets its own.
    soften(resource.RLIMIT_DATA, used + bounds.memory)
    last = False
    try:
        while not last:
            arguments = pipe.recv()
            spent = resource.getrusage(resource.RUSAGE_SELF)
            soften(resource.RLIMIT_CPU, int(spent.ru_utime + spent.ru_stime) + 1 + bounds.cpu)
            good, result = answer(function, arguments)
            del arguments
            last = data_size() > used + bounds.memory // 4
            pipe.send_bytes(packed(good, result, last))
    except EOFError:
        return
    except MemoryError:
        pipe.send_bytes(pickle.dumps((False, Exceeded("memory"), True)))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


def answer(function, arguments):
    try:
        return True, function(*arguments)
    except MemoryError:
        return False, Exceeded("memory")
    except Exception as error:
        traceback.print_exc()
        return False, error


def packed(good, result, last):
    try:
        return pickle.dumps((good, result, last))
    except Exception as error:  # some exceptions cannot be sent, and the end of this process would look like a text's
        told = f"{type(error if good else result).__name__}: {error if good else result}"
        return pickle.dumps((False, RuntimeError(told), last))


def data_size():
    return int(re.search(r"VmData:\s*(\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024


def soften(kind, bound):
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
