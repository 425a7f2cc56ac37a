"""Measures what a plain environment cannot: `torch.compile` on whole networks, and a block exported to ONNX.

Writes linewalk/measured/shipping.json, which chapter 14 reads where the reader has no C++ compiler or no onnx. A few
minutes. It needs a C++ compiler and three packages besides the book's:

    .venv/bin/python -m pip install onnx onnxruntime onnxscript
    .venv/bin/python scripts/measure_shipping.py
"""

import copy
import json
import logging
import platform
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import onnx
import onnxruntime
import torch

from linewalk import load_image, stem_and_block
from linewalk.blocks.network import ResNet
from linewalk.blocks.resnet import Bottleneck

KEPT = Path(__file__).parents[1] / "linewalk" / "measured" / "shipping.json"
ROUNDS = 30


@torch.no_grad()
def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    torch.set_num_threads(1)  # threads that wait for each other would measure what else the machine does
    stem, block = stem_and_block(block=Bottleneck)
    photograph = load_image()
    x = stem(photograph)
    network = ResNet(Bottleneck, [3, 4, 6, 3]).eval()
    kept = {
        "settings": settings(),
        "compile": {
            "block": compiled(block, x),
            "block, 16 pictures": compiled(block, x.repeat(16, 1, 1, 1)),
            "ResNet-50": compiled(network, photograph),
        },
        "onnx": exported(block, x),
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(KEPT.read_text(encoding="utf-8"))


def settings():
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    packages = ("torch", "onnx", "onnxruntime", "onnxscript")
    return {
        "device": f"{cpu.partition(':')[2].strip()}, 1 thread",
        "python": platform.python_version(),
        "g++": compiler,
        **{name: version(name) for name in packages},
    }


def compiled(module, given):
    """How many times as fast the compiled module is, what its first call took, and how far its results are."""
    torch._dynamo.reset()
    faster = torch.compile(copy.deepcopy(module))
    begun = time.perf_counter()
    found = faster(given)
    first = time.perf_counter() - begun
    eager, later = best_of_turns(lambda: module(given), lambda: faster(given))
    return {
        "first_call_seconds": round(first, 1),
        "times_as_fast": round(eager / later, 2),
        "largest_difference": (found - module(given)).abs().max().item(),
    }


def exported(module, given):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.onnx"
        torch.onnx.export(module, (given,), path, dynamo=True, verbose=False, external_data=False)
        nodes = Counter(node.op_type for node in onnx.load(path).graph.node)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    found = torch.from_numpy(session.run(None, {name: given.numpy()})[0])
    return {"nodes": dict(nodes), "largest_difference": (found - module(given)).abs().max().item()}


def best_of_turns(*runs):
    """Seconds of processor time of each, the best of many rounds in which they take turns."""
    best = [float("inf")] * len(runs)
    for _ in range(ROUNDS):
        for place, run in enumerate(runs):
            begun = time.process_time()
            run()
            best[place] = min(best[place], time.process_time() - begun)
    return best


if __name__ == "__main__":
    main()
