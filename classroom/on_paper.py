"""What stands in for torch and linewalk where an answer was to be worked out by hand, or by a formula.

Given to Python as text before student_side.py, in a sandbox that has neither. Every name of theirs can be imported,
derived from and called, as an honest answer does here and there; nothing comes of it but another stand-in. Whoever
wants a number of one gets `NeedsTorch`.
"""

import importlib.machinery
import math
import sys
import types

import safetensors

ABSENT = ("torch", "linewalk")
MADE_BY_SIZE = ("zeros", "ones", "empty", "rand", "randn")  # their shape is what was written, and may be read again


class NeedsTorch(Exception):
    pass


class StandIn(type):
    """The type of all stand-ins: they are classes themselves, so that `class Block(nn.Module)` works."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return given(f"{cls.__name__}.{name}")

    def __call__(cls, *arguments, **options):
        if len(arguments) == 1 and isinstance(arguments[0], types.FunctionType):
            return arguments[0]  # what a decorator such as torch.no_grad() leaves of a formula
        made = given(f"{cls.__name__}(…)")
        if cls.__name__ in MADE_BY_SIZE:
            made.shape = Size(arguments)
        return made

    def __enter__(cls):
        return cls

    def __exit__(cls, *error):
        return False

    def __bool__(cls):
        return False  # torch.cuda.is_available()

    def refuse(cls, *others):
        raise NeedsTorch(cls.__name__)


BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "matmul"]
COMPARED = ["eq", "ne", "lt", "le", "gt", "ge"]
READ = ["int", "float", "complex", "index", "round", "abs", "neg", "pos", "len", "iter", "getitem", "contains"]
for operation in [*BINARY, *(f"r{name}" for name in BINARY), *COMPARED, *READ]:
    setattr(StandIn, f"__{operation}__", StandIn.refuse)
StandIn.__hash__ = type.__hash__


class Size(tuple):
    def numel(self):
        return math.prod(self)


def given(name):
    """What stands for a name; a shape and the blocks' expansion are as good as written out."""
    short = name.rpartition(".")[2]
    if short == "Size":
        return Size
    if short == "expansion":
        return 4
    return StandIn(name[:100], (), {})


class Finder:
    """Finds a stand-in for every absent module, and whatever one imports from it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, Finder, is_package=True)
        return None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        def attribute(name):
            if name.startswith("__"):
                raise AttributeError(name)
            return given(name)

        module.__getattr__ = attribute
        module.__version__ = ""


sys.meta_path.insert(0, Finder)
# No tensor comes here and none is sent.
carrier = types.ModuleType("safetensors.torch")
carrier.load = lambda data: {}
carrier.save = lambda tensors: safetensors.serialize({})
sys.modules["safetensors.torch"] = carrier
