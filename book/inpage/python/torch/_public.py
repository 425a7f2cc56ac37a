"""Where functions say under which names they are offered: `torch.relu`, `Tensor.relu`."""

from collections import namedtuple

FUNCTIONS, METHODS = {}, {}


def function(made):
    """Decorator: offered as `torch.name`."""
    FUNCTIONS[made.__name__] = made
    return made


def method(made):
    """Decorator: offered as `Tensor.name`."""
    METHODS[made.__name__] = made
    return made


def both(made):
    """Decorator: offered as `torch.name` and as `Tensor.name`."""
    return function(method(made))


def named(made, name):
    """A function made by another, under the name that people see."""
    made.__name__ = made.__qualname__ = name
    made.__module__ = "torch"
    return made


def returned(name, *fields):
    """Several results under their names, printed as PyTorch prints them."""

    def shown(results):
        parts = ",\n".join(f"{field}={getattr(results, field)!r}" for field in fields)
        return f"torch.return_types.{name}(\n{parts})"

    return type(name, (namedtuple(name, fields),), {"__repr__": shown, "__module__": "torch.return_types"})
