"""What the chapter on cost says where a compiler or onnx is missing, and the measurements that stand in for them."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from importlib.util import find_spec

import pytest
from conftest import ROOT, read_notebook

KEPT = files("linewalk").joinpath("measured", "shipping.json")
WITHOUT_COMPILER = "torch.compile does not run here"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the chapter's code prints on a machine without a C++ compiler; its checks run as well."""
    cells = read_notebook("notebooks/14_cost.ipynb").cells
    program = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    own = tmp_path_factory.mktemp("compiler")  # nothing that was compiled before is found again
    environment = {**os.environ, "CXX": str(own / "none"), "TORCHINDUCTOR_CACHE_DIR": str(own), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT / "notebooks", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_without_a_compiler_it_says_so_in_both_languages_and_goes_on(printed):
    lines = printed.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith(WITHOUT_COMPILER)]
    assert "没有 C++ 编译器" in lines[place - 1]
    assert lines[place + 1] == "kept:" and not any(line.startswith("compiled ") for line in lines)
    assert "Conv 4, Relu 3, Add 1" in lines  # a later cell


@pytest.mark.skipif(find_spec("onnxruntime") is not None, reason="onnxruntime is here")
def test_without_onnx_it_says_so_in_both_languages(printed):
    assert "这里没有 onnx、onnxscript、onnxruntime" in printed
    assert "Without onnx, onnxscript, onnxruntime here" in printed


def test_what_was_measured_says_with_what():
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert {"device", "python", "g++", "torch", "onnx", "onnxruntime", "onnxscript"} <= set(kept["settings"])
    assert all(kept["settings"].values())
    for one in kept["compile"].values():
        assert 0.5 < one["times_as_fast"] < 20 and one["largest_difference"] < 1e-3
