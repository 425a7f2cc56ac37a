"""The tensor: shape, type, steps and memory; its methods are put on it where the functions are."""

import math
import warnings
import weakref
from collections import OrderedDict

from . import _metadata as meta
from . import _numbers
from ._grad import is_grad_enabled, is_inference_mode_enabled
from ._lacking import lacking, no_numpy, no_values

_LACKING = (
    "angle as_strided_ as_strided_scatter as_subclass ccol_indices chalf cholesky_inverse cholesky_solve coalesce "
    "col_indices const_data_ptr crow_indices dense_dim dequantize dim_order eig frexp geqrf grad_dtype "
    "hash_tensor histogram igamma igamma_ igammac igammac_ imag index index_reduce index_reduce_ indices int_repr "
    "ipu is_coalesced is_distributed is_sparse_csr istft lstsq lu lu_solve map2_ map_ matrix_exp module_load mtia "
    "mvlgamma mvlgamma_ nanquantile narrow_copy new_empty_strided nonzero_static orgqr ormqr polygamma polygamma_ "
    "put put_ q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme real "
    "record_stream register_post_accumulate_grad_hook reinforce resize resize_as resize_as_ resize_as_sparse_ "
    "resolve_conj resolve_neg row_indices slice_inverse smm solve sparse_dim sparse_mask sparse_resize_ "
    "sparse_resize_and_clear_ sspaddmm stft storage_type symeig to_dense to_mkldnn to_padded_tensor to_sparse "
    "to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr triangular_solve "
    "unsafe_split_with_sizes values volatile xpu"
)


class Tensor:
    """A tensor.

    Args:
        a shape, `Tensor(2, 3)`; or nested lists, `Tensor([[1, 2]])`.
    """

    __module__ = "torch"

    is_cuda = is_mps = is_xpu = is_ipu = is_maia = is_mtia = is_vulkan = is_xla = False
    is_nested = is_quantized = is_sparse = is_mkldnn = False
    layout = meta.strided
    _grad = None
    names = None
    # how it was computed, and in which memory it is a part of another
    _requires_grad, _grad_fn, _output_nr, _accumulator = False, None, 0, None
    _base, _seen_version, _multiple, _own_versions, _is_inference = None, 0, None, None, False
    _backward_hooks = None

    def __new__(cls, *data, dtype=None, device=None):
        if len(data) == 1 and isinstance(data[0], Tensor):
            return data[0]
        if len(data) == 1 and isinstance(data[0], (list, tuple)) and not isinstance(data[0], meta.Size):
            values, shape = flattened(data[0])
            return made(shape, dtype or meta.default_type(), values=[float(value) for value in values])
        shape = data[0] if len(data) == 1 and isinstance(data[0], meta.Size) else data
        return made(shape if data else (0,), dtype or meta.default_type())

    # facts

    @property
    def is_meta(self):
        return _numbers.engine is None or self._storage.is_meta

    @property
    def device(self):
        return meta.HERE if self.is_meta else _WITH_NUMBERS

    @property
    def shape(self):
        return self._shape

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def requires_grad(self):
        return self._requires_grad or (self._base is not None and self.grad_fn is not None)

    @requires_grad.setter
    def requires_grad(self, wanted):
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad=True):
        if not isinstance(requires_grad, bool):
            raise TypeError(
                "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                f"{type(requires_grad).__name__}"
            )
        if requires_grad and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not requires_grad and self.grad_fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        self._requires_grad = requires_grad
        return self

    @property
    def grad_fn(self):
        base = self._base
        if base is not None and base._requires_grad and self._seen_version != self._version:
            from ._tape import AsStridedNode  # a write through another view is seen in this one

            self._seen_version = self._version
            self._grad_fn, self._output_nr, self._requires_grad = AsStridedNode(base, self), 0, True
        return self._grad_fn

    @property
    def grad(self):
        if self._grad is None and not self.retains_grad and self.grad_fn is not None:
            warnings.warn(_NOT_POPULATED, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, gradient):
        if gradient is not None:
            _check_gradient(self, gradient)
        self._grad = gradient

    @property
    def is_leaf(self):
        return self.grad_fn is None

    def _is_view(self):
        return self._base is not None

    @staticmethod
    def _make_subclass(cls, tensor):
        """`tensor` once more, detached, which nobody sees."""
        from ._tape import detached

        return detached(tensor)

    @property
    def data(self):
        alias = self.detach()
        alias._own_versions = Versions()
        return alias

    @data.setter
    def data(self, other):
        self._shape, self._strides, self._offset = other._shape, other._strides, other._offset
        self._storage, self.dtype = other._storage, other.dtype

    @property
    def _version(self):
        if self._is_inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return (self._own_versions or self._storage).version

    @property
    def itemsize(self):
        return self.dtype.itemsize

    @property
    def nbytes(self):
        return self.numel() * self.dtype.itemsize

    @property
    def T(self):
        return self.permute(*range(self.dim() - 1, -1, -1))

    @property
    def mT(self):
        if self.dim() < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.dim()}-D tensor."
            )
        return self.transpose(-2, -1)

    @property
    def H(self):
        if self.dim() != 2:
            more = " For batches of matrices, consider using tensor.mH" if self.dim() > 2 else ""
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self.dim()}-D tensor.{more}"
            )
        return self.transpose(0, 1)

    @property
    def real(self):
        if self.dtype.is_complex:
            raise lacking("Tensor.real of complex numbers")
        return self

    def dim(self):
        return len(self._shape)

    ndimension = dim

    def size(self, dim=None):
        return self._shape if dim is None else self._shape[meta.whole_dim(dim, self.dim())]

    def stride(self, dim=None):
        return self._strides if dim is None else self._strides[meta.whole_dim(dim, self.dim())]

    def storage_offset(self):
        return self._offset

    def numel(self):
        return math.prod(self._shape)

    nelement = numel

    def element_size(self):
        return self.dtype.itemsize

    def untyped_storage(self):
        return self._storage

    storage = untyped_storage

    def data_ptr(self):
        return self._storage.data_ptr() + self._offset * self.dtype.itemsize

    def get_device(self):
        return -1

    def is_contiguous(self, memory_format=meta.contiguous_format):
        if memory_format is meta.contiguous_format:
            return meta.is_contiguous(self._shape, self._strides)
        return meta.is_channels_last(self._shape, self._strides)

    def is_floating_point(self):
        return self.dtype.is_floating_point

    def is_complex(self):
        return self.dtype.is_complex

    def is_signed(self):
        return self.dtype.is_signed

    def is_conj(self):
        return False

    def is_inference(self):
        return self._is_inference

    is_neg = is_shared = is_pinned = is_conj

    def is_set_to(self, other):
        return self._place() == other._place()

    def _place(self):
        return self._storage, self._offset, self._shape, self._strides

    # gradients

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        from .autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def retain_grad(self):
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None and not self.retains_grad:
            self.retains_grad = True
            this = weakref.ref(self)
            self.grad_fn.retaining[self._output_nr] = lambda gradient: _retained(this(), gradient)

    retains_grad = False

    def register_hook(self, hook):
        from ._tape import gradient_place
        from .nn.modules.module import RemovableHandle

        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node, number = gradient_place(self)
        self._accumulating = node  # a leaf's lives as long as the leaf
        hooks = node.before.setdefault(number, OrderedDict())
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        return handle

    # numbers

    def item(self):
        if self.numel() != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        return self._values("Tensor.item()")[0]

    def tolist(self):
        values = self._values("Tensor.tolist()")
        if not values:
            return _empty(self._shape)
        for size in reversed(self._shape[1:]):
            values = [values[at:at + size] for at in range(0, len(values), size)]
        return values if self._shape else values[0]

    def numpy(self, *, force=False):
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        raise no_numpy("Tensor.numpy()")

    __array__ = numpy

    def _values(self, asker):
        known = self._storage.values
        if known is None:
            if _numbers.engine is not None and self._storage.is_meta:
                raise RuntimeError(f"{asker} cannot be called on meta tensors")
            raise no_values(asker)
        if not isinstance(known, list):
            try:
                return _numbers.listed(self)
            except _numbers.Unknown:
                raise no_values(asker) from None
        places = [self._offset]
        for size, stride in zip(self._shape, self._strides, strict=True):
            places = [place + step * stride for place in places for step in range(size)]
        return [known[place] for place in places]

    def __bool__(self):
        if self.numel() == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self.numel() > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._values("bool(tensor)")[0])

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self.dtype.is_floating_point or self.dim():
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __format__(self, spec):
        if self.dim() == 0 and self._storage.values is not None:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    # Python's own

    def __getattr__(self, name):
        if name in _LACKING.split():
            raise lacking(f"Tensor.{name}")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __len__(self):
        if not self._shape:
            raise TypeError("len() of a 0-d tensor")
        return self._shape[0]

    def __iter__(self):
        if not self._shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __hash__(self):
        return id(self)

    def __contains__(self, element):
        if not isinstance(element, (Tensor, int, float)):
            raise RuntimeError(
                "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(element)}."
            )
        return bool((self == element).any())

    def __repr__(self, *, tensor_contents=None):
        if _numbers.engine is not None and self._storage.values is not None:
            from ._printing import shown

            return shown(self)
        size = "" if self._shape == () else f", size={tuple(self._shape)}"
        kind = "" if self.dtype in (meta.default_type(), meta.bool_) else f", dtype={self.dtype}"
        if self.dtype is meta.bool_:
            kind = ", dtype=torch.bool"
        gradient = f", grad_fn=<{self.grad_fn.shown()}>" if self.grad_fn is not None else ""
        gradient = ", requires_grad=True" if self.requires_grad and not gradient else gradient
        return f"tensor(..., device='{self.device}'{size}{kind}{gradient})"

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment."
            )
        storage = memo.get(id(self._storage))
        if storage is None:
            storage = memo[id(self._storage)] = meta.Storage(
                self._storage.nbytes(), _numbers.copied(self._storage.values), self._storage.dtype
            )
            storage.is_meta = self._storage.is_meta
        copy = made(self._shape, self.dtype, self._strides, storage, self._offset, cls=type(self))
        copy._requires_grad = self._requires_grad
        memo[id(self)] = copy
        if self._grad is not None:
            copy._grad = self._grad.__deepcopy__(memo)
        return copy

    def _about_to_be_written(self):
        (self._own_versions or self._storage).version += 1
        if _numbers.engine is None:
            self._storage.values = None


_WITH_NUMBERS = meta.device("cpu")


def made(shape, dtype, strides=None, storage=None, offset=0, values=None, cls=Tensor):
    """A tensor of its own: in new memory, unless it is a view of `storage`."""
    tensor = object.__new__(cls)
    tensor._shape = shape if storage is not None and type(shape) is meta.Size else _checked_size(shape)
    tensor.dtype = dtype
    tensor._strides = meta.contiguous_strides(tensor._shape) if strides is None else tuple(strides)
    if storage is None:
        storage = meta.Storage(math.prod(tensor._shape) * dtype.itemsize, _numbers.kept(dtype, values), dtype)
    tensor._storage = storage
    tensor._offset = offset
    if is_inference_mode_enabled():
        tensor._is_inference = True
    return tensor


_WHOLE = {int}


def _checked_size(shape):
    if {*map(type, shape)} <= _WHOLE and min(shape, default=0) >= 0:
        return meta.Size(shape)
    for place, size in enumerate(shape):
        if not hasattr(size, "__index__") or (isinstance(size, Tensor) and size.dim()):
            found = f", but found element of type {type(size).__name__} at pos {place}"
            found = f", not {type(size).__name__}" if len(shape) == 1 else found
            raise TypeError(f"empty(): argument 'size' (position 1) must be tuple of ints{found}")
        if size < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {int(size)}: {[int(s) for s in shape]}"
            )
    return meta.Size(int(size) for size in shape)


def with_gradients(tensor):
    """A new tensor that requires them from the start."""
    if not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return tensor.requires_grad_()


class Versions:
    """How often was written to a tensor that counts for itself: `x.data`."""

    version = 0


_NOT_POPULATED = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)


def _check_gradient(tensor, gradient):
    if not isinstance(gradient, Tensor):
        raise TypeError(
            f"assigned grad expected to be a Tensor or None but got grad of type {type(gradient).__name__}"
        )
    if gradient is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if gradient.dtype is not tensor.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{meta.type_name(gradient.dtype)}' to a tensor with "
            f"grad_dtype '{meta.SCALAR_NAMES[tensor.dtype]}'. The gradient must match the tensor's grad_dtype "
            "(defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or "
            "None to allow any dtype. Set grad_dtype with caution."
        )
    if gradient._shape != tensor._shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(gradient._shape)}' to a tensor of size "
            f"'{list(tensor._shape)}'. Please ensure that the gradient and the tensor are the same size"
        )


def _retained(tensor, gradient):
    if tensor is not None:
        gradient = gradient.detach()
        tensor._grad = gradient if tensor._grad is None else tensor._grad + gradient


def typename(value):
    """Of a class or function its own name, of anything else that of its type; a tensor's says of what numbers it is."""
    if isinstance(value, Tensor):
        return value.type()
    named = value if hasattr(value, "__qualname__") else type(value)
    return named.__qualname__ if named.__module__ == "builtins" else f"{named.__module__}.{named.__qualname__}"


def flattened(data):
    """Numbers and shape of nested lists, which may hold tensors whose numbers are known."""
    if isinstance(data, Tensor):
        return data._values("torch.tensor() of a tensor") if data.numel() else [], tuple(data.shape)
    shape, values = _sizes(data), []
    _gather(data, shape, 0, values)
    return values, shape


def _sizes(data):
    """Of nested lists, by the first of each."""
    sizes = []
    while isinstance(data, (list, tuple, range)):
        sizes.append(len(data))
        if not data:
            break
        data = data[0]
    if sizes and isinstance(data, str):
        raise ValueError("too many dimensions 'str'")
    return tuple(sizes)


def _gather(data, shape, dim, values):
    if dim == len(shape):
        values.append(_single(data))
        return
    if not isinstance(data, (list, tuple, range)):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for one in data if 0 not in shape else ():
        _gather(one, shape, dim + 1, values)


def _single(value):
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return value._values("torch.tensor() of a tensor")[0]
    if isinstance(value, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(value, (list, tuple)):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    if not isinstance(value, (int, float, complex)):
        raise RuntimeError(f"Could not infer dtype of {type(value).__name__}")
    return value


def _empty(shape):
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape else None


def need_tensor(value, function, argument="input", position=1):
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )


def check_writable(tensor):
    """Refuse to write over what gradients are kept for, in PyTorch's words."""
    if not is_grad_enabled():
        return
    base = tensor._base
    if tensor._requires_grad and tensor.grad_fn is None and base is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    if base is None:
        return
    if tensor._multiple and tensor.requires_grad:
        raise RuntimeError(
            f"Output {tensor._output_nr} of {tensor.grad_fn.bare_name()} is a view and is being modified inplace. "
            + _WHY_NOT[tensor._multiple]
        )
    if base._requires_grad and base.grad_fn is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")


_WHY_NOT = {
    "views": (
        "This view is the output of a function that returns multiple views. Such functions do not allow the output "
        "views to be modified inplace. You should replace the inplace operation by an out-of-place one."
    ),
    "handed on": (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
        "logic to handle view+inplace would override the custom backward associated with the custom Function, leading "
        "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
        "Function."
    ),
}
