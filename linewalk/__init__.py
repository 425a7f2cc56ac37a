"""Walk a PyTorch forward pass line by line, draw it, and put it into words.

    from linewalk import annotate, load_image, stem_and_block, walk

    stem, block = stem_and_block()
    trail = walk(block, stem(load_image()))
    trail["out = self.conv1(x)"]
    print(annotate(block, stem(load_image()), language="en"))
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
    "device_name",
    "load_image",
    "stem_and_block",
    "walk",
    "walk_init",
]


def __getattr__(name):
    """`annotate` and `Notes` are loaded when somebody asks for them: most who walk never do."""
    if name in ("Notes", "annotate"):
        from . import notes

        return getattr(notes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
