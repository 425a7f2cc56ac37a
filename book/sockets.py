"""Folders for sockets, of kernels above all: no other user gets at them, and their paths are short."""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

PREFIX = "lw-"
IN_USE = ".in-use"  # is locked for as long as the process lives, however it ends
HOUR = 60 * 60  # in which a folder that has just been made gets its lock


@contextmanager
def socket_folder():
    """The path of a socket in it has less than a hundred characters, which is about the limit."""
    place = Path("/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else tempfile.gettempdir())
    sweep(place)
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as folder,
        open(Path(folder, ".new"), "w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(lock.name, Path(folder, IN_USE))  # nobody finds it without its lock
        yield folder


def sweep(place):
    """Removes what processes of this user left that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            found = folder.lstat()
            if found.st_uid != os.geteuid() or folder.is_symlink() or not folder.is_dir():
                continue
            if not (folder / IN_USE).exists():
                if time.time() - found.st_mtime > HOUR:
                    folder.rmdir()  # if it is empty; it may be another program's
                continue
            with open(folder / IN_USE) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:  # it is in use, or not ours to remove
            continue
