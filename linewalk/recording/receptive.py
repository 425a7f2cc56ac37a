"""Receptive fields, followed from operator to operator."""

from typing import NamedTuple

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
    "rrelu_with_noise", "resolve_conj", "resolve_neg", "_fused_dropout",
)
_PADDING = (
    "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
    "replication_pad2d", "replication_pad3d",
)
_RESHAPING = ("view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "unsqueeze", "squeeze", "repeat")
_ALONG = ("_softmax", "_log_softmax", "cumsum", "cumprod", "logcumsumexp", "flip", "roll", "glu")  # name their dims
_REDUCING = ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "logsumexp", "any", "all", "prod",
             "linalg_vector_norm", "argmax", "argmin", "count_nonzero")
_FRESH = ("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
          "new_empty", "new_full", "new_empty_strided", "sym_size", "zero", "fill")

_POOLED = ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
           "native_group_norm", "native_layer_norm", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d",
           "upsample_nearest3d", "upsample_trilinear3d")


class Along(NamedTuple):
    """What a value at place p sees along one of its axes: low + jump·p to high + jump·p of the input's axis `of`."""

    of: int
    low: int
    high: int
    jump: int

    def through(self, first, last, step=1):
        """After an operator that takes, for its place p, what stood at step·p + first to step·p + last."""
        return Along(self.of, self.low + self.jump * first, self.high + self.jump * last, self.jump * step)

    def together(self, other):
        """Seen by a value that is made of two at the same place; None where both do not move together."""
        if (self.of, self.jump) != (other.of, other.jump):
            return None
        return self._replace(low=min(self.low, other.low), high=max(self.high, other.high))


class ReceptiveFields:
    """For each tensor of a forward pass, how many input pixels one of its values can see, along each axis.

    A convolution or pooling with kernel k, dilation d and stride s turns a field of r pixels at a jump of j pixels
    into r + (k − 1)·d·j pixels at a jump of j·s (Araujo et al., https://distill.pub/2019/computing-receptive-fields/).
    An operator that works value by value sees what all its inputs see at that place: where one of them was cut or
    padded, it lies elsewhere, and the field grows. Any other operator that is not known to
    keep places apart (flatten, attention, a softmax over places, global pooling and whatever is multiplied by it)
    ends the count; which axes are places may still be known. The statistics that batch norm takes over
    a batch in training are left out, as is usual.
    """

    def __init__(self, inputs):
        """`inputs`: a `Seen` of each tensor that forward was given; so for all tensors here."""
        self._fields = {}  # memory → place in it (None: any other) → axes, and for each input an `Along` for each axis
        for number, tensor in enumerate(inputs):
            if tensor.dim() >= 3 and not tensor.is_nested:
                axes = tuple(range(2, tensor.dim()))
                self._set(tensor, (axes, {number: tuple(Along(axis, 0, 0, 1) for axis in axes)}))

    def __bool__(self):
        return bool(self._fields)

    def of(self, tensor):
        """Which axes are places, and the field in pixels along each axis of the input: two tuples, None if not known.

        The field is not defined where a value does not see a window of the input.
        """
        if not self._fields or tensor.dim() < 3 or tensor.is_nested:
            return None, None
        axes, windows = self._get(tensor) or (None, None)
        return axes, windows and _sides(windows)

    def follow(self, ran):
        """Take in one operator, a `Ran`."""
        name, pointwise, args = ran.operator.not_in_place, ran.operator.pointwise, ran.args
        taken = {tensor.key for tensor in ran.inputs}
        for output in ran.outputs:
            if output.key not in taken:
                self._fields.pop(output.key, None)  # new memory, perhaps where another was
        found = []
        for tensor in ran.inputs[1:] if name == "copy" else ran.inputs:
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
            self._put(ran.outputs[0], found[0][1], ran.operator.writes, found)  # by far the commonest, and soon seen
            return
        for number, output in enumerate(ran.outputs):
            field = None
            if not output.is_nested and all(windows is not None for _, (_, windows) in found):
                try:
                    field = self._after(name, pointwise, args, found, output, number)
                except (IndexError, TypeError, ValueError, AttributeError):  # called in a way that is not foreseen here
                    field = None
            if field is None:
                field = self._axes_after(name, pointwise, args, found, output, number), None
            self._put(output, field, ran.operator.writes, found)
        if ran.operator.writes and not ran.outputs:
            for key in taken & self._fields.keys():
                self._blur(key, None)

    def _get(self, tensor):
        places = self._fields.get(tensor.key)
        return places and (places.get(tensor.place) or places.get(None))

    def _set(self, tensor, field):
        self._fields.setdefault(tensor.key, {})[tensor.place] = field

    def _put(self, tensor, field, writes, found):
        """Set what a result sees. Written over a part of another tensor, it changes what that one sees."""
        if writes:
            others = any((one.key, one.place) != (tensor.key, tensor.place) for one, _ in found)
            if (self._get(tensor) or field) != field or (others and (field[1] is None or self._get(tensor) is None)):
                self._blur(tensor.key, tensor.place)
        self._set(tensor, field)

    def _blur(self, key, place):
        """From now on it is not known what the tensors in a memory see, but for the one at `place`."""
        places = self._fields.setdefault(key, {None: (None, None)})
        for other, (axes, _) in places.items():
            if other != place or other is None:
                places[other] = axes, None
        places.setdefault(None, (None, None))

    def _axes_after(self, name, pointwise, args, found, output, number):
        """The axes that are places, where what a value sees is not known any more."""
        blank = [(tensor, (axes, {0: (Along(0, 0, 0, 1),) * len(axes)})) for tensor, (axes, _) in found if axes]
        if blank and len(blank) == len(found) and not output.is_nested:
            try:
                field = self._after(name, pointwise, args, blank, output, number)
            except (IndexError, TypeError, ValueError, AttributeError):
                field = None
            if field is not None:
                return field[0]
        return _same_axes(name, pointwise, found, output)

    def _after(self, name, pointwise, args, found, output, number):
        tensor, (axes, windows) = found[0]
        if name in _CONVOLUTIONS or name in _POOLING:
            steps = _window(name, args, tensor.dim(), axes) if len(found) == 1 else None
            if steps is None or any(steps[axis] != _STAYS for axis in range(tensor.dim()) if axis not in axes):
                return None
            return axes, _through(windows, [steps[axis] for axis in axes])
        if name in _PADDING:
            before = {tensor.dim() - 1 - i: -pad for i, pad in enumerate(args[1][::2])}
            return axes, _through(windows, [(before.get(axis, 0), before.get(axis, 0), 1) for axis in axes])
        if name in _BATCH_NORMS:
            return found[0][1] if len(args) < 4 or args[3] is not None else None
        if pointwise or name in _KEEPING or (name in ("cat", "stack") and len(found) >= 1):
            return _together(name, args, found, output)
        if name in _RESHAPING:
            return _reshaped(tensor, output, axes, windows)
        if name in ("permute", "transpose", "t"):
            order = _order(name, args, tensor.dim())
            return _sorted(tuple(order.index(axis) for axis in axes), windows)
        if name in ("select", "slice", "split", "split_with_sizes", "unbind"):
            return _cut(name, args, tensor, axes, windows, number)
        if name in _ALONG or name in _REDUCING:
            return _along(name, args, tensor, output, axes, windows)
        if name == "native_layer_norm":
            inside = range(tensor.dim() - len(args[1]), tensor.dim())
            return None if set(inside) & set(axes) else found[0][1]
        return None


def _sides(windows):
    """Pixels along each axis of the input, the most of any input."""
    sides = [tuple(one.high - one.low + 1 for one in sorted(along)) for along in windows.values()]
    return tuple(map(max, zip(*sides, strict=True))) if len(set(map(len, sides))) == 1 else None


def _through(windows, steps):
    return {
        number: tuple(one.through(*step) for one, step in zip(along, steps, strict=True))
        for number, along in windows.items()
    }


_STAYS = 0, 0, 1


def _window(name, args, dims, axes):
    """For each axis: the first and last place that a convolution or pooling takes for its place 0, and its stride."""
    if name in _CONVOLUTIONS:
        kernel = tuple(args[1].shape[2:])
        stride, padding, dilation = (_each(args[i], len(kernel)) for i in (3, 4, 5))
        if args[6] or dims - len(kernel) - 1 in axes:  # what stands in the place of channels is summed
            return None
    else:
        count = _POOLING[name]
        kernel = _each(args[1], count)
        stride = _each(args[2], count) if len(args) > 2 and args[2] else kernel
        padding = _each(args[3], count) if len(args) > 3 else (0,) * count
        dilation = _each(args[4], count) if len(args) > 4 and "max" in name else (1,) * count
    places = [(-p, -p + (k - 1) * d, s) for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True)]
    return [_STAYS] * (dims - len(places)) + places


def _together(name, args, found, output):
    """Values at the same place, put together."""
    behind = {tuple(axis - tensor.dim() for axis in axes) for tensor, (axes, _) in found}  # counted from the end
    if len(behind) > 1:
        return None
    if name in ("cat", "stack"):
        dim = args[1] if len(args) > 1 else 0
        dim = dim if dim < 0 else dim - output.dim()
        if name == "stack" or dim in next(iter(behind)):
            return None
    axes = tuple(axis + output.dim() for axis in next(iter(behind)))
    shapes = {tuple(tensor.shape[axis] for axis in field[0]) for tensor, field in found}
    if shapes != {tuple(output.shape[axis] for axis in axes)}:
        return None  # broadcast over places
    united = {}
    for _, (_, windows) in found:
        for number, along in windows.items():
            both = [one.together(other) for one, other in zip(along, united.get(number, along), strict=True)]
            if None in both:
                return None
            united[number] = tuple(both)
    return axes, united


def _is_one(found, output):
    """Whether all inputs have the output's shape, and the same field."""
    first, shape = found[0][1], output.shape
    return all(field == first and tensor.shape == shape for tensor, field in found)


def _same_axes(name, pointwise, found, output):
    """The axes that are places, after an operator that mixes these but keeps the tensor's layout; None for others."""
    groups = (_KEEPING, _PADDING, _ALONG, _REDUCING, _POOLED, _POOLING, _CONVOLUTIONS, _BATCH_NORMS)
    layout = pointwise or any(name in group for group in groups)
    axes = {axes for tensor, (axes, _) in found if axes is not None and tensor.dim() == output.dim()}
    return axes.pop() if layout and len(axes) == 1 else None


def _each(numbers, count):
    numbers = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    return numbers * count if len(numbers) == 1 else numbers


def _sorted(axes, windows):
    """The same with the axes in order."""
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return tuple(axes[i] for i in order), {number: tuple(along[i] for i in order) for number, along in windows.items()}


def _order(name, args, dims):
    if name == "permute":
        return [dim % dims for dim in args[1]]
    order = list(range(dims))
    one, other = (args[1] % dims, args[2] % dims) if name == "transpose" else (0, 1)
    order[one], order[other] = order[other], order[one]
    return order


def _reshaped(tensor, output, axes, windows):
    """A view whose last axes are the places before and after."""
    count = len(axes)
    if axes != tuple(range(tensor.dim() - count, tensor.dim())) or output.dim() < count:
        return None
    if tensor.shape[tensor.dim() - count:] != output.shape[output.dim() - count:]:
        return None
    return tuple(range(output.dim() - count, output.dim())), windows


def _cut(name, args, tensor, axes, windows, number):
    """A part along one axis; `number`: which of the parts."""
    at = 2 if name in ("split", "split_with_sizes") else 1
    dim = (args[at] if len(args) > at else 0) % tensor.dim()
    if name in ("select", "unbind"):
        return None if dim in axes else (tuple(axis - (axis > dim) for axis in axes), windows)
    start, step = _begins(name, args, tensor.shape[dim], number)
    return axes, _through(windows, [(start, start, step) if axis == dim else _STAYS for axis in axes])


def _begins(name, args, size, number):
    if name == "split":
        return number * args[1], 1
    if name == "split_with_sizes":
        return sum(args[1][:number]), 1
    start = args[2] if len(args) > 2 and args[2] is not None else 0
    return min(max(start + size if start < 0 else start, 0), size), args[4] if len(args) > 4 else 1


def _along(name, args, tensor, output, axes, windows):
    at = 2 if name in ("roll", "linalg_vector_norm") else 1
    dims = args[at] if len(args) > at else None
    if dims is None or dims == [] or isinstance(dims, (bool, Seen)):
        return None
    dims = {dim % tensor.dim() for dim in ([dims] if isinstance(dims, int) else dims)}
    if dims & set(axes):
        return None
    if output.dim() == tensor.dim():
        return axes, windows
    return tuple(axis - sum(dim < axis for dim in dims) for axis in axes), windows
