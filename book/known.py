"""Makes what the page has to know before it computes, for bundle.py: the photograph, and numbers to be checked against.

    python book/known.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image

from linewalk import stem_and_block
from linewalk.images import denormalize, load_image

SAMPLED = 8  # values of each line
NOISE = 1, (1, 64, 56, 56)  # the seed and the shape of the page's own (book/inpage/compute/patterns.js)


def photograph():
    """The photograph as linewalk cuts it out, every pixel the same: what is computed begins as the chapters do."""
    pixels = (denormalize(load_image())[0] * 255).round().byte().permute(1, 2, 0)
    return Image.fromarray(pixels.numpy())


def known_numbers():
    """{line: a few values, evenly spaced in memory} of what the trained block makes of noise."""
    _, block = stem_and_block()
    parts = {name: getattr(block, name) for name in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3")}
    known = {}
    for name, part in {**parts, "identity": block.downsample, "relu3": block}.items():
        part.register_forward_hook(lambda _, inputs, output, name=name: known.update({name: sample(output)}))
    seed, shape = NOISE
    with torch.no_grad():
        block(torch.randn(shape, generator=torch.Generator().manual_seed(seed)))
    return known


def sample(tensor):
    middles = [(2 * part + 1) * tensor.numel() // (2 * SAMPLED) for part in range(SAMPLED)]
    return [float(f"{value:.6g}") for value in tensor.flatten()[middles].tolist()]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    photograph().save(folder / "photograph.png", optimize=True)
    (folder / "known-numbers.json").write_text(json.dumps(known_numbers()), encoding="utf-8")
