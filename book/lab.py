"""JupyterLab with the chapters, and with the reader's own settings.

    python book/lab.py        (`make lab` runs it)

It keeps things in the reader's home folder. Where it cannot, it says so in hundreds of lines, so that is tried first.
"""

import os
import sys
import tempfile
from pathlib import Path

import troubles
from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def main():
    for folder in (NOTEBOOKS, jupyter_runtime_dir(), jupyter_data_dir(), jupyter_config_dir()):
        take(Path(folder))
    # As root, too, as in a container: it listens on this machine only, and wants its token.
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={NOTEBOOKS}", "--allow-root"]
    os.execv(command[0], command)


def take(folder):
    """Raises OSError, with the folder's name, where nothing can be kept in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(1 << 16))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(troubles.sentence(error))
