"""Runs the checks of questions, each by itself, among the names that the chapters use; see predictions.py.

    python book/prove.py FOLDER-OF-LINEWALK < [(sentence, code), …]

Ends with the sentence of the first that does not hold.
"""

import ast
import sys

sys.path.insert(0, sys.argv[1])

import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk import load_image, stem_and_block, walk, walk_init
from linewalk.blocks import ASPPTail, explicit, network, resnet, shortcut


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def error_of(action):
    """What `action`, which has to fail, raises."""
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("nothing went wrong")


NAMES = {
    "torch": torch, "nn": nn, "F": F, "load_image": load_image, "stem_and_block": stem_and_block, "walk": walk,
    "walk_init": walk_init, "ASPPTail": ASPPTail, "explicit": explicit, "network": network, "resnet": resnet,
    "shortcut": shortcut, "count": count, "error_of": error_of,
}

for sentence, code in ast.literal_eval(sys.stdin.read()):
    torch.manual_seed(0)
    try:
        exec(compile(code, "check", "exec"), dict(NAMES))
    except Exception as error:
        sys.exit(f"{sentence} ({type(error).__name__}: {error})\n{code.strip()}")
