# 没有 linewalk 的地方装上它，已经有就什么也不做。 · Installs linewalk where it is missing, else does nothing.
import importlib
import os
import subprocess
import sys
from importlib.util import find_spec

if not find_spec("linewalk"):
    # A wheel's address or file, or a name on PyPI; pip's own PIP_INDEX_URL names a mirror.
    linewalk = os.environ.get("LINEWALK_WHEEL", "linewalk")
    # --no-deps: torch and matplotlib are the platform's, and stay as they are.
    needs = [name for name in ("torchview", "graphviz", "pygraphviz", "safetensors") if not find_spec(name)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", linewalk, *needs]
    done = subprocess.run(pip, capture_output=True, text=True)
    importlib.invalidate_caches()
    if not find_spec("linewalk"):
        raise ImportError(
            f"没有装上 linewalk（{linewalk}）。把它的 wheel 的地址或路径写进环境变量 LINEWALK_WHEEL，重启内核再试。 · "
            f"linewalk ({linewalk}) could not be installed. Put the address or the path of its wheel into the "
            f"environment variable LINEWALK_WHEEL, restart the kernel and try again.\n{done.stderr}"
        )
