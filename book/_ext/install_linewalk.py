# 没有 linewalk 的地方装上它，已经有就什么也不做。 · Installs linewalk where it is missing, else does nothing.
import importlib
import os
import subprocess
import sys
from importlib.util import find_spec


def install(*packages):
    # --no-deps: torch and matplotlib are the platform's, and stay as they are.
    options = ["--quiet", "--no-deps", "--disable-pip-version-check", "--retries=1"]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *options, *packages], capture_output=True, text=True)
    importlib.invalidate_caches()
    return done.stderr


if not find_spec("linewalk") and os.path.exists("../linewalk/__init__.py"):
    sys.path.append(os.path.abspath(".."))  # a clone of the repository has it
if not find_spec("linewalk"):
    linewalk = os.environ.get("LINEWALK_WHEEL", "")  # the address or the path of its wheel
    if not linewalk:
        raise ImportError(
            "这里没有 linewalk：请从书的网站下载这个笔记本（“笔记本”菜单），它带着 linewalk；"
            "或把 linewalk 的 wheel 的地址、路径，或 git+ 加仓库地址，写进环境变量 LINEWALK_WHEEL，再运行这一格。 · "
            "linewalk is not here: download this notebook from the book's site (menu “Notebook”), which brings "
            "linewalk along, or put the address or the path of linewalk's wheel, or git+ and the repository's address, "
            "into the environment variable LINEWALK_WHEEL, and run this cell again."
        )
    why = install(linewalk)
    if not find_spec("linewalk"):
        raise ImportError(
            f"没有装上 linewalk（{linewalk}）。把它的 wheel 的地址或路径写进环境变量 LINEWALK_WHEEL，重启内核再试。 · "
            f"linewalk ({linewalk}) could not be installed. Put the address or the path of its wheel into the "
            f"environment variable LINEWALK_WHEEL, restart the kernel and try again.\n{why}"
        )
# pygraphviz is not built for every machine, so the others do not wait for it.
for packages in (["safetensors"], ["torchview", "graphviz", "pygraphviz"]):
    if all(map(find_spec, packages)):
        continue
    why = install(*packages)
    if all(map(find_spec, packages)):
        continue
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        zh, en = "请在右侧 Settings 里打开 Internet", "turn on Internet under Settings on the right"
    else:
        zh = "连不上 PyPI 的话，在最前面加一格 %env PIP_INDEX_URL=https://mirrors.aliyun.com/pypi/simple/"
        en = "where PyPI cannot be reached, put a cell %env PIP_INDEX_URL=… with a mirror's address before all others"
    zh, en = f"{zh}，重启内核，再从头运行。", f"{en}, restart the kernel, and run from the top."
    if "safetensors" in packages:
        raise ImportError(
            f"没有装上 safetensors，各章离不开它：{zh} · safetensors could not be installed, and no chapter can do "
            f"without it: {en}\n{why}"
        )
    print(
        f"没有装上 torchview 和 pygraphviz：各章照样能运行，只是卡片里的计算图排成一列，没有分支。要有分支，{zh}\n"
        f"torchview and pygraphviz could not be installed: the chapters run all the same, but their graphs are a "
        f"single column without branches. To have those, {en}"
    )
