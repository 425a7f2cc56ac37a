"""`load` and `save`, as far as the chapters need it: https://github.com/huggingface/safetensors#format."""

import json
import struct

from torch import _metadata as meta
from torch import _numbers
from torch._tensor import made

_TYPES = {"F32": meta.float32, "F64": meta.float64, "I64": meta.int64, "U8": meta.uint8, "BOOL": meta.bool_}


def load(data):
    """The tensors in a file's bytes: name → tensor; without numbers where tensors hold none."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {name: _tensor(data[8 + length :], **about) for name, about in header.items()}


def _tensor(data, dtype, shape, data_offsets):
    tensor = made(shape, _TYPES[dtype])
    if _numbers.engine is not None:
        begin, end = data_offsets
        tensor._storage.values = _numbers.engine.unpacked(_numbers.kind_of(tensor.dtype), data[begin:end])
    return tensor


def save(tensors):
    """A file's bytes: the header, then the numbers one tensor after another."""
    names = {its: name for name, its in _TYPES.items()}
    header, parts, start = {}, [], 0
    for name, tensor in tensors.items():
        kind = _numbers.kind_of(tensor.dtype)
        parts.append(bytes(_numbers.engine.packed(kind, _numbers.numbers(tensor)).to_py()))
        offsets = [start, start + len(parts[-1])]
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        start = offsets[1]
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + b"".join(parts)
