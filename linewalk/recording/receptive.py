"""Receptive fields, followed from operator to operator."""

from .memory import Seen

_POOLING = {
    "max_pool1d": 1, "max_pool2d": 2, "max_pool3d": 3, "max_pool1d_with_indices": 1, "max_pool2d_with_indices": 2,
    "max_pool3d_with_indices": 3, "mkldnn_max_pool2d": 2, "mkldnn_max_pool3d": 3, "avg_pool1d": 1, "avg_pool2d": 2,
    "avg_pool3d": 3,
}
_CONVOLUTIONS = ("convolution", "_convolution", "convolution_overrideable")
_BATCH_NORMS = (
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm",
    "miopen_batch_norm", "batch_norm_elemt", "_batch_norm_with_update", "_batch_norm_no_update",
)
_KEEPING = (  # each value stays at its place
    "_to_copy", "copy", "native_dropout", "_prelu_kernel", "contiguous", "detach", "alias", "lift_fresh", "dropout",
    "rrelu_with_noise", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d",
    "replication_pad1d", "replication_pad2d", "replication_pad3d", "resolve_conj", "resolve_neg", "_fused_dropout",
)
_RESHAPING = ("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "unsqueeze", "squeeze", "repeat")
_ALONG = ("_softmax", "_log_softmax", "cumsum", "cumprod", "logcumsumexp", "flip", "roll", "glu")  # name their dims
_REDUCING = ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "logsumexp", "any", "all", "prod",
             "linalg_vector_norm", "argmax", "argmin", "count_nonzero")
_FRESH = ("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
          "new_empty", "new_full", "new_empty_strided", "sym_size")

_POOLED = ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
           "native_group_norm", "native_layer_norm", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d",
           "upsample_nearest3d", "upsample_trilinear3d")


class ReceptiveFields:
    """For each tensor of a forward pass, how many input pixels one of its values can see, along each axis.

    A convolution or pooling with kernel k, dilation d and stride s turns a field of r pixels at a jump of j pixels
    into r + (k − 1)·d·j pixels at a jump of j·s (Araujo et al., https://distill.pub/2019/computing-receptive-fields/).
    An operator that works value by value takes the largest of its inputs' fields. Any other one that is not known to
    keep places apart (flatten, attention, a softmax over places, global pooling and whatever is multiplied by it)
    ends the count; which axes are places may still be known. The statistics that batch norm takes over
    a batch in training are left out, as is usual.
    """

    def __init__(self, inputs):
        """`inputs`: a `Seen` of each tensor that forward was given; so for all tensors here."""
        self._fields = {}  # memory → place in it → axes, sizes, jumps
        for tensor in inputs:
            if tensor.dim() >= 3 and not tensor.is_nested:
                axes = tuple(range(2, tensor.dim()))
                self._set(tensor, (axes, (1,) * len(axes), (1,) * len(axes)))

    def __bool__(self):
        return bool(self._fields)

    def of(self, tensor):
        """Which axes are places, and the field along each in input pixels: two tuples, or None for what is not known.

        The field is not defined where a value does not see a window of the input.
        """
        if not self._fields or tensor.dim() < 3 or tensor.is_nested:
            return None, None
        return (self._get(tensor) or (None, None, None))[:2]

    def follow(self, ran):
        """Take in one operator, a `Ran`."""
        name, pointwise, args = ran.operator.not_in_place, ran.operator.pointwise, ran.args
        found = []
        for tensor in ran.inputs:
            field = self._get(tensor)
            if field:
                found.append((tensor, field))
        if not found or name in _FRESH:
            for output in ran.outputs:
                if output.key in self._fields:
                    self._fields[output.key].pop(output.place, None)
            return
        by_value = pointwise or (name in _BATCH_NORMS and len(args) > 3 and args[3] is not None)
        if by_value and ran.outputs and _is_one(found, ran.outputs[0]):
            self._set(ran.outputs[0], found[0][1])  # by far the commonest, and soon seen
            return
        mixed = any(sizes is None for _, (_, sizes, _) in found)
        for output in ran.outputs:
            field = None
            if not output.is_nested and all(axes is not None for _, (axes, _, _) in found):
                counted = [(tensor, _counted(*field)) for tensor, field in found]
                try:
                    field = self._after(name, pointwise, args, counted, output)
                except (IndexError, TypeError, ValueError, AttributeError):  # called in a way that is not foreseen here
                    field = None
            if field is None:
                field = _same_axes(name, pointwise, found, output), None, None
            self._set(output, (field[0], None, None) if mixed else field)

    def _get(self, tensor):
        places = self._fields.get(tensor.key)
        return places and places.get(tensor.place)

    def _set(self, tensor, field):
        self._fields.setdefault(tensor.key, {})[tensor.place] = field

    def _after(self, name, pointwise, args, found, output):
        tensor, (axes, sizes, jumps) = found[0]
        last = tuple(range(tensor.dim() - len(axes), tensor.dim()))
        if name in _CONVOLUTIONS or name in _POOLING:
            if axes != last or len(found) > 1:
                return None
            return self._window(name, args, axes, sizes, jumps)
        if name in _BATCH_NORMS:
            return found[0][1] if len(args) < 4 or args[3] is not None else None
        if pointwise or name in _KEEPING or (name in ("cat", "stack") and len(found) >= 1):
            return self._together(name, args, found, output)
        if name in _RESHAPING:
            return _reshaped(tensor, output, axes, sizes, jumps)
        if name in ("permute", "transpose", "t"):
            order = _order(name, args, tensor.dim())
            return _sorted(tuple(order.index(axis) for axis in axes), sizes, jumps)
        if name in ("select", "slice", "split", "split_with_sizes", "narrow", "unbind", "chunk"):
            return _cut(name, args, tensor, axes, sizes, jumps)
        if name in _ALONG or name in _REDUCING:
            return _along(name, args, tensor, output, axes, sizes, jumps)
        if name == "native_layer_norm":
            inside = range(tensor.dim() - len(args[1]), tensor.dim())
            return None if set(inside) & set(axes) else found[0][1]
        return None

    def _window(self, name, args, axes, sizes, jumps):
        count = len(axes)
        if name in _CONVOLUTIONS:
            weight, stride, dilation = args[1], _each(args[3], count), _each(args[5], count)
            if args[6] or weight.dim() != count + 2:
                return None
            kernel = tuple(weight.shape[2:])
        else:
            if _POOLING[name] != count:
                return None
            kernel = _each(args[1], count)
            stride = _each(args[2], count) if len(args) > 2 and args[2] else kernel
            dilation = _each(args[4], count) if len(args) > 4 and "max" in name else (1,) * count
        sizes = tuple(r + (k - 1) * d * j for r, k, d, j in zip(sizes, kernel, dilation, jumps, strict=True))
        return axes, sizes, tuple(j * s for j, s in zip(jumps, stride, strict=True))

    def _together(self, name, args, found, output):
        """Values at the same place, put together."""
        behind = {tuple(axis - tensor.dim() for axis in axes) for tensor, (axes, _, _) in found}  # counted from the end
        if len(behind) > 1:
            return None
        if name in ("cat", "stack"):
            dim = args[1] if len(args) > 1 else 0
            dim = dim if dim < 0 else dim - output.dim()
            if name == "stack" or dim in next(iter(behind)):
                return None
        axes = tuple(axis + output.dim() for axis in next(iter(behind)))
        if not name.endswith(("pad_nd", "pad1d", "pad2d", "pad3d")):
            shapes = {tuple(tensor.shape[axis] for axis in field[0]) for tensor, field in found}
            if shapes != {tuple(output.shape[axis] for axis in axes)}:
                return None  # broadcast over places
        _, sizes, jumps = zip(*(field for _, field in found), strict=True)
        return axes, tuple(map(max, *sizes)) if len(sizes) > 1 else sizes[0], (
            tuple(map(max, *jumps)) if len(jumps) > 1 else jumps[0]
        )


def _is_one(found, output):
    """Whether all inputs have the output's shape, and the same field."""
    first, shape = found[0][1], output.shape
    return all(field == first and tensor.shape == shape for tensor, field in found)


def _counted(axes, sizes, jumps):
    ones = (1,) * len(axes)
    return axes, sizes or ones, jumps or ones


def _same_axes(name, pointwise, found, output):
    """The axes that are places, after an operator that mixes these but keeps the tensor's layout; None for others."""
    layout = pointwise or any(
        name in group for group in (_KEEPING, _ALONG, _REDUCING, _POOLED, _POOLING, _CONVOLUTIONS, _BATCH_NORMS)
    )
    axes = {axes for tensor, (axes, _, _) in found if axes is not None and tensor.dim() == output.dim()}
    return axes.pop() if layout and len(axes) == 1 else None


def _each(numbers, count):
    numbers = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    return numbers * count if len(numbers) == 1 else numbers


def _sorted(axes, sizes, jumps):
    return tuple(map(tuple, zip(*sorted(zip(axes, sizes, jumps, strict=True)), strict=True)))


def _order(name, args, dims):
    if name == "permute":
        return [dim % dims for dim in args[1]]
    order = list(range(dims))
    one, other = (args[1] % dims, args[2] % dims) if name == "transpose" else (0, 1)
    order[one], order[other] = order[other], order[one]
    return order


def _reshaped(tensor, output, axes, sizes, jumps):
    """A view whose last axes are the places before and after."""
    count = len(axes)
    if axes != tuple(range(tensor.dim() - count, tensor.dim())) or output.dim() < count:
        return None
    if tensor.shape[tensor.dim() - count:] != output.shape[output.dim() - count:]:
        return None
    return tuple(range(output.dim() - count, output.dim())), sizes, jumps


def _cut(name, args, tensor, axes, sizes, jumps):
    at = 2 if name in ("split", "split_with_sizes", "chunk") else 1
    dim = (args[at] if len(args) > at else 0) % tensor.dim()
    if name in ("select", "unbind"):
        if dim in axes:
            return None
        return tuple(axis - (axis > dim) for axis in axes), sizes, jumps
    if name == "slice" and dim in axes and len(args) > 4:
        step = args[4]
        jumps = tuple(jump * step if axis == dim else jump for axis, jump in zip(axes, jumps, strict=True))
    return axes, sizes, jumps


def _along(name, args, tensor, output, axes, sizes, jumps):
    at = 2 if name in ("roll", "linalg_vector_norm") else 1
    dims = args[at] if len(args) > at else None
    if dims is None or dims == [] or isinstance(dims, (bool, Seen)):
        return None
    dims = {dim % tensor.dim() for dim in ([dims] if isinstance(dims, int) else dims)}
    if dims & set(axes):
        return None
    if output.dim() == tensor.dim():
        return axes, sizes, jumps
    return tuple(axis - sum(dim < axis for dim in dims) for axis in axes), sizes, jumps
