"""What is started in a terminal ends with it, and there is one of it in a folder.

    python book/lifetime.py COMMAND …        runs a command that does not see to this itself
"""

import fcntl
import os
import signal
import subprocess
import sys
import time

# Taken before anything slow is imported, during which they may already go.
PARENT = os.getppid()
SESSION = os.getsid(0)
PATIENCE = 60  # seconds that a command has for ending in order


def main():
    told = []
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: told.append(True))
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl+C reaches the command, too
    child = subprocess.Popen(sys.argv[1:])  # now that whoever tells this process to end is heard
    while child.poll() is None:
        if told or terminal_is_gone():
            child.terminate()
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
        time.sleep(0.2)
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


def has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


IN_TERMINAL = has_terminal()
HAS_SESSION = is_alive(SESSION)


def terminal_is_gone():
    """Whether what this process was started by (`make`), or for (a terminal, a session), has ended without a word."""
    return (
        os.getppid() != PARENT
        or (IN_TERMINAL and not has_terminal())
        or (HAS_SESSION and not is_alive(SESSION))
    )


def only_one(lock, address, told):
    """Claims the file `lock` for as long as this process lives, however it ends. Keep what is returned.

    Where another has it, the program ends with what it was `told`, {address} and {process} being the other's.
    """
    file = os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process, _, other = file.read().partition(" ")
        sys.exit(told.format(process=process, address=other))
    file.truncate()
    file.write(f"{os.getpid()} {address}")
    file.flush()
    return file


if __name__ == "__main__":
    main()
