"""Methods that write over a tensor what a function makes of it, and facts that others ask for by name."""

from .._public import METHODS, both, method, named
from .._tensor import Tensor
from . import products, reductions  # noqa: F401  (whose methods are written with)

_OVER_ITSELF = "addbmm addmm addmv addr baddbmm cumsum cumprod float_power heaviside ldexp renorm"


def _written(name):
    function = METHODS[name]

    def write(self, *args, **kwargs):
        return self.copy_(function(self, *args, **kwargs))

    METHODS[f"{name}_"] = named(write, f"{name}_")


for _name in _OVER_ITSELF.split():
    _written(_name)

Tensor.is_cpu = property(lambda self: not self.is_meta)
Tensor.output_nr = property(lambda self: self._output_nr)
Tensor.name = None


@both
def is_nonzero(input):
    if input.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(input)


@both
def is_same_size(input, other):
    return input._shape == other._shape


@both
def conj(input):
    return input


@both
def isreal(input):
    return METHODS["eq"](input, input) | METHODS["isnan"](input)


@method
def pin_memory(self, device=None):
    return self


@method
def share_memory_(self):
    return self
