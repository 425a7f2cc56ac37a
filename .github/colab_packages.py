"""Of Colab's list of installed packages, prints what the chapters meet, as arguments of pip.

    python colab_packages.py pip-freeze.txt

PyTorch's CUDA build becomes the CPU's of the same version: the runner has no GPU.
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

MET = ("torch", "numpy", "matplotlib", "pillow", "ipython", "ipykernel", "traitlets", "graphviz", "networkx")
# `name==1.2`, `name==1.2+cu126`, or `name @ https://…/name-1.2%2Bcu126-cp312-….whl`.
LINE = re.compile(r"(?P<name>[\w.-]+)(?:==| @ .*/[\w.]+-)(?P<version>[\d.]+(?:(?:post|rc)\d+)?)")


def packages(text):
    found = {}
    for line in unquote(text).splitlines():
        match = LINE.match(line)
        if match and match["name"].lower() in MET:
            found[match["name"].lower()] = match["version"]
    missing = {"torch", "numpy", "matplotlib", "ipython", "ipykernel"} - set(found)
    if missing:
        sys.exit(f"Colab's list names no {', '.join(sorted(missing))}: has its form changed?")
    return " ".join(f"{name}=={version}" for name, version in found.items())


if __name__ == "__main__":
    print(packages(Path(sys.argv[1]).read_text(encoding="utf-8")))
