"""Walk a PyTorch forward pass line by line, and draw it.

    from linewalk import load_image, stem_and_block, walk

    stem, block = stem_and_block()
    trail = walk(block, stem(load_image()))
    trail["out = self.conv1(x)"]
"""

from .construct import walk_init
from .devices import best_device, device_name
from .errors import Bilingual, ImageError, WalkError, WeightsError
from .features import stem_and_block
from .forward import walk
from .images import load_image
from .trail import Call, Change, Described, Registered, Step, Trail

__all__ = [
    "Bilingual",
    "Call",
    "Change",
    "Described",
    "ImageError",
    "Registered",
    "Step",
    "Trail",
    "WalkError",
    "WeightsError",
    "best_device",
    "device_name",
    "load_image",
    "stem_and_block",
    "walk",
    "walk_init",
]
