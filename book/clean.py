"""Removes what was built, but not from under a program that is using it.

    python book/clean.py        (`make clean` runs it)

A class that was tried out stays, with what was handed in and marked; so do the files of the locks, since a lock on a
file that is gone keeps nobody out.
"""

import fcntl
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import troubles

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
LOCKS = {".lock": "make book", ".live": "make live", ".serve": "make serve"}  # held while these run

IN_USE = (
    "{command} 正在这个文件夹里运行，要用到这些文件，所以没有清除。先在它的终端里按 Ctrl+C。"
    " · {command} is running in this folder and uses these files, so nothing was removed. Press Ctrl+C in its terminal "
    "first."
)


def main():
    with ExitStack() as locks:
        for name, command in LOCKS.items() if BUILD.is_dir() else ():
            lock = locks.enter_context(open(BUILD / name, "a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.exit(IN_USE.format(command=command))
        for made in (ROOT / "assignments", ROOT / "classroom" / "release", *BUILD.glob("*")):
            if made.name not in (*LOCKS, "class"):
                remove(made)


def remove(made):
    if made.is_dir() and not made.is_symlink():
        shutil.rmtree(made)
    else:
        made.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(troubles.sentence(error))
