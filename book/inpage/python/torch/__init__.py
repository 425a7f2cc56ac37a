"""The PyTorch of this page: what modules, layers and functions do, in Python alone.

It stands behind the plain name `torch`, where real PyTorch cannot be had. Its tensors carry shape, type, strides,
memory and how they were computed, for gradients; numbers, only where something that computes them is handed in
(`_numbers.compute_with`). Errors are in PyTorch's words. What it lacks, it names in one sentence.
"""

import math as _math
import warnings as _warnings
from importlib import import_module as _import_module
from types import SimpleNamespace as _SimpleNamespace
from typing import ClassVar as _ClassVar

from . import _computed, _computed_gradients, _computed_picking, _derivatives, _operators  # register what is offered
from . import _metadata as _meta
from ._devices import accelerator, amp, autocast, backends, cuda, mps, xpu
from ._dispatch import OpOverload as _OpOverload
from ._dispatch import Tag, ops
from ._grad import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from ._lacking import lacking as _lacking
from ._metadata import (
    Size,
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    dtype,
    layout,
    memory_format,
    preserve_format,
    promoted,
    sparse_coo,
    strided,
)
from ._metadata import default_type as get_default_dtype
from ._metadata import set_default_type as set_default_dtype
from ._offered import offered as _offered
from ._operators.creating import into_what_is_given as _into_what_is_given
from ._operators.creating import layers_on_their_device as _layers_on_their_device
from ._operators.creating import on_their_device as _on_their_device
from ._printing import set_printoptions
from ._public import FUNCTIONS as _FUNCTIONS
from ._public import METHODS as _METHODS
from ._tensor import Tensor, typename
from .random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__version__ = "0.0.0+page"
_mkldnn = layout("_mkldnn")
inf, nan, pi, e, newaxis = _math.inf, _math.nan, _math.pi, _math.e, None

_on_their_device(_FUNCTIONS)
_into_what_is_given(_FUNCTIONS)
for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _offered(_method, is_method=True))
globals().update(_meta.PUBLIC_TYPES)
from . import nn  # noqa: E402  isort: skip  (functions of its own are torch's, too)

from . import _composed  # noqa: E402  isort: skip  (over what stands above)

_layers_on_their_device(getattr(nn, _name) for _name in nn.modules.__all__)

globals().update({_name: _offered(_function) for _name, _function in _FUNCTIONS.items()})
from . import _C, _ops, ao, autograd, fft, jit, linalg, optim, random, serialization, special, utils  # noqa: E402  isort: skip
from .serialization import load, save  # noqa: E402  isort: skip

_ALSO_HERE = (
    "dropout layer_norm group_norm batch_norm bilinear embedding pixel_shuffle pixel_unshuffle channel_shuffle prelu "
    "selu celu rrelu threshold cosine_similarity pairwise_distance max_pool1d max_pool2d max_pool3d avg_pool1d "
    "adaptive_avg_pool1d adaptive_max_pool1d rms_norm instance_norm hardshrink feature_alpha_dropout alpha_dropout "
    "pdist binary_cross_entropy_with_logits celu_ selu_ rrelu_ threshold_ kl_div "
    "cosine_embedding_loss ctc_loss hinge_embedding_loss margin_ranking_loss poisson_nll_loss triplet_margin_loss "
    "embedding_bag"
)
for _name in _ALSO_HERE.split():
    globals()[_name] = getattr(nn.functional, _name)
for _name in ("prelu", "hardshrink"):
    setattr(Tensor, _name, getattr(nn.functional, _name))


def is_tensor(obj):
    return isinstance(obj, Tensor)


def is_floating_point(input):
    return input.is_floating_point()


def is_complex(input):
    return input.is_complex()


def promote_types(type1, type2):
    return promoted(type1, type2)


def result_type(tensor1, tensor2):
    return _operators.pointwise.common_type((tensor1, tensor2))


def set_default_device(device):  # noqa: F811
    return None


def get_default_device():
    return _meta.HERE


def _assert(condition, message):
    assert condition, message


def set_num_threads(number):
    return None


def get_num_threads():
    return 1


def use_deterministic_algorithms(mode, *, warn_only=False):
    return None


def set_float32_matmul_precision(precision):
    return None


def compile(model=None, **options):
    """What runs as it did: a module within another, as PyTorch gives it, or the function itself."""
    if model is None:
        return lambda given: compile(given, **options)
    _warnings.warn(
        "这一页里 torch.compile 什么也不编译，快慢不变；要看它的效果，请在 Colab、Kaggle 或自己的 Jupyter 里运行。 · "
        "In this page torch.compile compiles nothing and makes nothing faster: to see what it does, run this on Colab, "
        "on Kaggle or in your own Jupyter",
        stacklevel=2,
    )
    return _OptimizedModule(model) if isinstance(model, nn.Module) else model


class _OptimizedModule(nn.Module):
    def __init__(self, module):
        super().__init__()
        self._orig_mod = module
        self.training = module.training

    def forward(self, *args, **kwargs):
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name):
        if name == "_orig_mod":
            return super().__getattr__(name)
        return getattr(self._orig_mod, name)


class finfo:
    """The range of a floating-point type."""

    _RANGES: _ClassVar = {
        "float16": (65504.0, 6.103515625e-05, 0.0009765625),
        "bfloat16": (3.3895313892515355e38, 1.1754943508222875e-38, 0.0078125),
        "float32": (3.4028234663852886e38, 1.1754943508222875e-38, 1.1920928955078125e-07),
        "float64": (1.7976931348623157e308, 2.2250738585072014e-308, 2.220446049250313e-16),
    }

    def __init__(self, type=None):
        type = type or get_default_dtype()
        if not type.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        self.max, self.tiny, self.eps = self._RANGES[str(type).removeprefix("torch.")]
        self.min, self.smallest_normal, self.bits = -self.max, self.tiny, 8 * type.itemsize
        self.dtype = str(type).removeprefix("torch.")


class iinfo:
    """The range of a type of whole numbers."""

    def __init__(self, type):
        self.bits = 8 * type.itemsize
        self.max = 2 ** (self.bits - type.is_signed) - 1
        self.min = -self.max - 1 if type.is_signed else 0
        self.dtype = str(type).removeprefix("torch.")


def _legacy(kind, name):
    """`torch.FloatTensor(2, 3)`."""

    def __new__(cls, *data):
        return Tensor.__new__(Tensor, *data).to(kind)

    return type(name, (), {"__new__": __new__, "_dtype": kind})


for _kind, _name in _meta.SCALAR_NAMES.items():
    globals()[f"{_name}Tensor"] = _legacy(_kind, f"{_name}Tensor")
cuda.FloatTensor, cuda.LongTensor = globals()["FloatTensor"], globals()["LongTensor"]
version = _SimpleNamespace(cuda=None, hip=None)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(f"module 'torch' has no attribute {name!r}")
    if name == "fx":  # few ask for it
        return _import_module("torch.fx")
    raise _lacking(f"torch.{name}")
