"""Keeps tensors as they were at one moment, without copying them until somebody is about to write over them."""

import math
import sys

import torch

_PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
_no_dispatch, _no_function, _no_functorch = (
    torch._C._DisableTorchDispatch, torch._C.DisableTorchFunction, torch._C._DisableFuncTorch
)
_detached = torch.Tensor._make_subclass  # unseen by any mode, and in half the time
_transforms = torch._C._functorch.peek_interpreter_stack


def _holders_besides_tensors():
    alone = torch.empty(1)
    return torch._C._storage_Use_Count(alone.untyped_storage()._cdata) - 1


_holders = torch._C._storage_Use_Count
_NOBODYS = _holders_besides_tensors()  # a memory that has been looked at from Python counts itself
_ALONE = 1 + _NOBODYS

# A trail that goes takes megabytes with it, and the next one wants as many. The C library gives them back to the
# system in between, and takes them anew page by page, until a block as large as this one has come and gone once
# (mallopt(3), "dynamic mmap threshold"): it costs nothing, and the walk of a small block a tenth less.
if sys.platform == "linux":
    torch.empty(31 << 20, dtype=torch.uint8)


class Seen:
    """What is told of a tensor when the tensor itself may be gone; made from what `seen` notes.

    key: names its memory. place: names it in there as long as it lives; autograd makes views anew, so the object itself
    does not. shape: () for a nested tensor, which has many.
    """

    __slots__ = ("is_nested", "key", "place", "shape")

    def __init__(self, key, offset, shape, stride):
        self.key, self.place = key, (offset, shape, stride)
        self.is_nested = shape is None
        self.shape = () if shape is None else shape

    def dim(self):
        return len(self.shape)


def seen(tensors):
    """What is to be noted of tensors: of each a tuple from which a `Seen` is made."""
    if _PLAIN.issuperset(map(type, tensors)):
        try:
            return [(one.untyped_storage()._cdata, one.storage_offset(), one.shape, one.stride()) for one in tensors]
        except (NotImplementedError, RuntimeError):  # sparse, nested, …
            pass
    return [_unusual_seen(tensor) for tensor in tensors]


def _unusual_seen(tensor):
    with _no_function():
        if tensor.layout is torch.strided and not tensor.is_nested:
            return memory(tensor), tensor.storage_offset(), tensor.shape, tensor.stride()
        return memory(tensor), id(tensor), None if tensor.is_nested else tensor.shape, ()


class Kept:
    """A tensor as it was when it was kept.

    key: names its memory, while the walk goes on.
    """

    __slots__ = ("_history", "_moment", "_tensor", "key")

    def __init__(self, tensor, key, history=None, moment=0):
        """`moment`: how much `history`, that of its memory, had saved by then; None where `tensor` is a copy."""
        self._tensor, self.key, self._history, self._moment = tensor, key, history, moment

    def get(self):
        """The tensor: plain and detached, or what stands for one that could not be kept, `Unkept`."""
        if not self.is_current:
            self.hold(self._history.restored(self._tensor, self._moment))
        return self._tensor

    @property
    def outline(self):
        """The tensor, whatever has become of its values."""
        return self._tensor

    def hold(self, copy):
        """From now on it is a copy."""
        self._tensor, self._history, self._moment = copy, None, None

    @property
    def shape(self):
        """None for a nested tensor, which has many, and for what could not be kept."""
        return None if type(self._tensor) is Unkept or self._tensor.is_nested else self._tensor.shape

    @property
    def is_current(self):
        """Whether nothing was written over it since it was kept."""
        return self._history is None or self._moment == len(self._history.saved)

    @property
    def is_a_copy(self):
        return self._moment is None


class Unkept:
    """Stands for a tensor of a kind that can neither be copied nor shared; `text` says which."""

    def __init__(self, tensor):
        self.text = f"{type(tensor).__name__}, not kept"

    def __repr__(self):
        return self.text


class Memory:
    """All that a walk keeps, by the memory that it lies in once something is written there."""

    def __init__(self):
        self._kept = []  # what was kept since it was last sorted by memory
        self._by_memory = {}
        self._histories = {}
        self.eager = self.has_copies = False
        self.busy = False  # while a value copies or describes itself, which may compute

    def copy_at_once(self):
        """From now on every tensor is copied when it is kept: something here may write without PyTorch's knowing."""
        self.eager = self.has_copies = True
        self._sort()
        with _no_dispatch(), _no_function(), _no_functorch():
            for here in self._by_memory.values():
                for kept in here:
                    if kept.is_current:
                        kept.hold(copied(kept._tensor))

    def keep(self, tensor):
        """`tensor` as it is now, a `Kept`: it shares the memory until something is written there.

        To be called where no `TorchFunctionMode` is looking.
        """
        if type(tensor) not in _PLAIN or tensor.is_quantized or tensor.is_nested:  # the class first: it is not asked
            return self._copy_of_an_unusual(tensor)
        try:
            key = tensor.untyped_storage()._cdata
        except (NotImplementedError, RuntimeError):  # sparse, opaque, or wrapped by one of torch.func's transforms
            return self._copy_of_an_unusual(tensor)
        if self.eager:
            with _no_dispatch(), _no_function(), _no_functorch():
                return Kept(copied(tensor.detach()), key, moment=None)
        if _transforms() is None:
            shared = _detached(torch.Tensor, tensor)
        else:
            with _no_dispatch(), _no_functorch():
                shared = tensor.detach()
        history = self._histories.get(key)
        kept = Kept(shared, key) if history is None else Kept(shared, key, history, history.seen_now())
        self._kept.append(kept)
        return kept

    def about_to_write(self, tensor):
        """Save what an operator is about to write over, where it was kept; returns the memory's key."""
        key = memory(tensor)
        self._sort()
        if key in self._by_memory:
            history = self._histories.get(key)
            if history is None:
                history = self._histories[key] = _History()
                for kept in self._by_memory[key]:
                    if not kept.is_a_copy:
                        kept._history = history
            with _no_dispatch(), _no_function():
                history.save(tensor)
        return key

    def settle(self):
        """Take leave of the memory that somebody else can still write to; to be called when the walk has ended."""
        with _no_dispatch(), _no_function():
            self._kept = [kept for kept in self._kept if not _is_nobody_elses(kept)]  # nearly all of them, quickly
            self._sort()
            for key, here in self._by_memory.items():
                _settle(key, here)
        self._by_memory, self._histories = {}, {}

    def _sort(self):
        for kept in self._kept:
            self._by_memory.setdefault(kept.key, []).append(kept)
        self._kept.clear()

    def _copy_of_an_unusual(self, tensor):
        while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            tensor = torch._C._functorch.get_unwrapped(tensor)
        busy, self.busy, self.has_copies = self.busy, True, True
        with _no_functorch(), _no_function():  # a class of its own may count or refuse what is done with it
            for copy in (lambda: tensor.detach().clone(), tensor.detach, lambda: Unkept(tensor)):
                try:
                    kept = Kept(_of_its_class(copy(), tensor), memory(tensor), moment=None)
                    break
                except Exception:  # each kind of tensor refuses in its own way
                    continue
        self.busy = busy
        return kept


def _of_its_class(copy, tensor):
    """A copy that lost its class since that has no say in copying, as one of that class again."""
    return copy.as_subclass(type(tensor)) if type(copy) is torch.Tensor and type(tensor) not in _PLAIN else copy


def _is_nobody_elses(kept):
    """Whether nothing but this one has its memory, and most of it is needed."""
    if kept._history is not None or _holders(kept.key) > _ALONE:
        return False
    tensor = kept._tensor
    return 2 * tensor.nbytes >= tensor.untyped_storage().nbytes()


def _settle(key, here):
    """`here`: all that was kept in one memory."""
    for kept in here:
        if not kept.is_current and kept._history.has_whole(kept._moment):
            kept.get()  # from what was saved, without a copy
    here = [kept for kept in here if not kept.is_a_copy]
    if not here:
        return
    needed = sum(kept._tensor.nbytes for kept in here)
    storage = here[0]._tensor.untyped_storage().nbytes()
    if _holders(key) <= len(here) + _NOBODYS and 2 * needed >= storage:
        return  # nobody else has it, and most of it is needed
    if len(here) == 1 or 2 * needed < storage:
        for kept in here:
            kept.hold(copied(kept._tensor) if kept.is_current else kept.get())
    else:
        first = here[0]._tensor
        content = first.clone() if first.nbytes == storage and first.is_contiguous() else _bytes(first).clone()
        for kept in here:
            kept._tensor = _like(kept._tensor, content)


class _History:
    """What was written over in one memory: undone backwards, it gives every earlier state.

    saved: what was there before each write, in order: (a tensor, None) with the whole memory, or (values, where) of a
        part.
    """

    __slots__ = ("_seen", "saved")

    def __init__(self):
        self.saved, self._seen = [], 0

    def seen_now(self):
        """How much is saved now, when a tensor is kept."""
        self._seen = len(self.saved)
        return self._seen

    def save(self, tensor):
        where = (tensor.dtype, tensor.size(), tensor.stride(), tensor.storage_offset())
        if any(known in (None, where) for _, known in self.saved[self._seen:]):
            return  # nobody has looked since
        size, whole = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
        if size == whole and tensor.is_contiguous() and not tensor.is_conj() and not tensor.is_neg():
            saved = tensor.detach().clone(), None
        elif 2 * size < whole:
            saved = tensor.detach().clone(), where
        else:
            saved = _bytes(tensor).clone(), None
        self.saved.append(saved)

    def has_whole(self, moment):
        """Whether the whole memory was saved as it was when so much was saved."""
        return self.saved[moment][1] is None

    def restored(self, tensor, moment):
        """`tensor`, which lies in this memory, as it was when so much was saved."""
        with _no_dispatch(), _no_function(), torch.no_grad():
            later = self.saved[moment:]
            whole = next((i for i, (_, where) in enumerate(later) if where is None), None)
            if whole == 0:
                return _like(tensor, later[0][0])
            content = _bytes(tensor if whole is None else later[whole][0]).clone()
            for values, (dtype, *place) in reversed(later[:whole]):
                _typed(content, dtype).as_strided(*place).copy_(values)
            return _like(tensor, content)


def memory(tensor):
    """What names the memory under a tensor; one without a memory of its own stands for itself."""
    try:
        return tensor.untyped_storage()._cdata if tensor.layout is torch.strided else id(tensor)
    except (NotImplementedError, RuntimeError):
        return id(tensor)


def memories(tensors):
    """`memory` of each."""
    try:
        return [tensor.untyped_storage()._cdata for tensor in tensors]
    except (NotImplementedError, RuntimeError):  # sparse, opaque, or wrapped by one of torch.func's transforms
        return list(map(memory, tensors))


def place(tensor):
    """Where a tensor lies in its memory: (offset, sizes, strides, bytes of an element); None if that cannot be told."""
    try:
        return tensor.storage_offset(), tensor.size(), tensor.stride(), tensor.element_size()
    except (NotImplementedError, RuntimeError):  # sparse, nested, wrapped by one of torch.func's transforms
        return None


def overlap(own, written):
    """Whether two places in one memory have a byte in common, of which an operator has written to one.

    Where that cannot be told, or only slowly, they might.
    """
    if own is None or written is None or own == written:
        return True
    if own[3] != written[3]:
        own, written = _in_bytes(*own), _in_bytes(*written)
    if not (all(own[1]) and all(written[1])):
        return False
    (start, end), (first, last) = _extent(*own), _extent(*written)
    if end <= first or last <= start:
        return False
    if math.prod(own[1]) == end - start and (start <= first or last <= end):
        return True  # it has no gaps, and so an end of the other lies in it
    low, high = min(start, first), max(end, last)
    runs, own_runs = _runs(*written, low), _runs(*own, low)
    if high - low > _MOST_MARKED or runs is None or own_runs is None:
        return True
    marked = bytearray(high - low)
    for run in runs:
        marked[run] = b"\1" * len(range(run.start, run.stop, run.step))
    return any(1 in marked[run] for run in own_runs)


_MOST_MARKED, _MOST_RUNS = 2**20, 2**14


def _runs(offset, sizes, strides, _, low):
    """The elements as slices, as long as can be, counted from `low`; None where there would be too many."""
    *axes, longest = sorted([(1, 1), *zip(sizes, strides, strict=True)], key=lambda axis: axis[0] if axis[1] else 1)
    starts = [offset - low]
    for size, stride in axes:
        if stride and len(starts) * size > _MOST_RUNS:
            return None
        if stride:
            starts = [start + step * stride for start in starts for step in range(size)]
    size, stride = longest
    return [slice(start, start + (size - 1) * stride + 1, stride or 1) for start in starts]


def _in_bytes(offset, sizes, strides, size):
    return offset * size, (*sizes, size), (*(stride * size for stride in strides), 1), 1


def _extent(offset, sizes, strides, _):
    return offset, offset + 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))


def copied(tensor):
    """A copy that takes no more memory than `tensor` does: what is expanded or overlaps stays so."""
    if tensor.is_contiguous():
        return tensor.clone()
    extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.size(), tensor.stride(), strict=True))
    if tensor.numel() <= extent:
        return tensor.clone()
    used = tensor.as_strided((extent,), (1,)).clone()
    return used.as_strided(tensor.size(), tensor.stride(), 0)


def _bytes(tensor):
    """The whole memory under a tensor."""
    return torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())


def _typed(content, dtype):
    return content[: len(content) // dtype.itemsize * dtype.itemsize].view(dtype)


def _like(tensor, content):
    """What `tensor` would be if its memory held what is in the memory of `content`, another one."""
    if (content.dtype, content.size(), content.stride()) == (tensor.dtype, tensor.size(), tensor.stride()) and not (
        tensor.storage_offset() or tensor.is_conj() or tensor.is_neg()
    ):
        return content
    whole = _typed(_bytes(content), tensor.dtype)
    view = whole.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
    view = view.conj() if tensor.is_conj() else view
    return view._neg_view() if tensor.is_neg() else view
