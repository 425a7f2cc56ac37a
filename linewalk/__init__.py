"""Walk a PyTorch forward pass line by line, draw it, put it into words, and compare it with another.

    from linewalk import annotate, compare, load_image, stem_and_block, walk

    stem, block = stem_and_block()
    trail = walk(block, stem(load_image()))
    trail["out = self.conv1(x)"]
    print(annotate(block, stem(load_image()), language="en"))
    compare(block, another_block, stem(load_image()))
"""

from .devices import best_device, device_name
from .errors import Bilingual, ImageError, WalkError, WeightsError
from .features import stem_and_block
from .images import load_image
from .notebook import show_drawings
from .trail import Call, Change, Described, Registered, Step, Trail
from .walking import walk, walk_init

show_drawings()

__all__ = [
    "Bilingual",
    "Call",
    "Change",
    "Comparison",
    "Described",
    "ImageError",
    "Notes",
    "Registered",
    "Step",
    "Trail",
    "WalkError",
    "WeightsError",
    "annotate",
    "best_device",
    "compare",
    "device_name",
    "load_image",
    "stem_and_block",
    "walk",
    "walk_init",
]


def __getattr__(name):
    """What puts into words and what compares is loaded when somebody asks for it: most who walk never do."""
    if name in ("Notes", "annotate"):
        from . import notes

        return getattr(notes, name)
    if name in ("Comparison", "compare"):
        from . import comparing

        return getattr(comparing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
