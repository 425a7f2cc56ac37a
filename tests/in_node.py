"""Python as the page has it, in Node: npm's Pyodide, the page's own `torch`, and what computes its numbers."""

import functools
import json
import subprocess
import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "book"))

from bundle import WORK, packages
from npm import node

INPAGE = ROOT / "book/inpage"
SCRIPT = ROOT / "tests/python_in_node/run.mjs"


@functools.cache
def pyodide():
    work = WORK / "inpage"
    work.mkdir(parents=True, exist_ok=True)
    return packages(INPAGE, work) / "pyodide"


def run(program, *folders, timeout=300):
    """What the program's last expression says in JSON; it finds modules in these folders, after the page's own."""
    searched = ":".join(map(str, (INPAGE / "python", *folders)))
    done = subprocess.run(
        [node(), "--no-warnings", SCRIPT, pyodide(), INPAGE / "kernel/numbers.js", searched, program],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
