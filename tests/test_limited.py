"""What a worker does to a text that takes too much, and to everything else."""

import os
import signal
import time

import pytest

limited = pytest.importorskip("limited")
BOUNDS = limited.Bounds(cpu=1, wall=3, memory=64 * 2**20)


def work(what):
    if what == "computes":
        while True:
            pass
    if what == "waits":
        time.sleep(60)
    if what == "hoards":
        return len([bytearray(2**20) for _ in range(4000)])
    if what == "dies":
        os._exit(1)
    if what == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raises":
        raise KeyError("mine")
    if what == "raises what cannot be sent":
        error = KeyError("mine, too")
        error.kept = open(os.devnull)  # noqa: SIM115
        raise error
    return os.getpid()


@pytest.mark.parametrize(
    "what, told", [("computes", "time"), ("waits", "time"), ("hoards", "memory"), ("dies", "ended")]
)
def test_what_takes_too_much_is_told_and_the_next_is_served(what, told):
    with limited.Worker(work, BOUNDS) as worker:
        assert worker("") == worker("") != os.getpid()
        with pytest.raises(limited.Exceeded, match=told):
            worker(what)
        assert worker("") != os.getpid()


def test_faults_that_no_text_is_to_blame_for_are_raised():
    with limited.Worker(work, BOUNDS) as worker:
        with pytest.raises(KeyError, match="mine"):
            worker("raises")
        with pytest.raises(RuntimeError, match="KeyError: 'mine, too'"):
            worker("raises what cannot be sent")
        with pytest.raises(limited.Killed, match=r"运行一次会接着做。 · .* run again to go on\.$"):
            worker("is killed")


def test_it_ends_with_whoever_asked():
    """Even when that is killed."""
    reading, writing = os.pipe()
    if (asking := os.fork()) == 0:
        os.write(writing, str(limited.Worker(work, limited.Bounds(60, 60, 2**26))("")).encode())
        time.sleep(60)
    worker = int(os.read(reading, 20))
    os.kill(asking, signal.SIGKILL)
    os.waitpid(asking, 0)
    until = time.monotonic() + 10
    while running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(worker)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
