"""What a Python function that is called can be to a walk, told by its code object."""

import inspect

import torch

from .tracing import MODULE_CALL

MODULE, HELPER, SHARES_MEMORY, DULL = "module", "helper", "shares memory", "dull"
_known = {id(MODULE_CALL): (MODULE_CALL, MODULE)}  # by id, since a code object computes its hash at great length
NOT_FOLLOWED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_MODULE_FILE = MODULE_CALL.co_filename
# Functions that use these can write to a tensor's memory without PyTorch's knowing.
_SHARING = frozenset({
    "numpy", "from_numpy", "asarray", "frombuffer", "from_dlpack", "to_dlpack", "__dlpack__", "__array_interface__",
})
_SHARING_OURSELVES = _SHARING | {"data_ptr", "untyped_storage", "ctypes", "memoryview"}
_TORCH, _OURS = torch.__path__[0], __file__.rpartition("recording")[0]
_TORCH_PRIVATE = f"{_TORCH}/_"  # its dispatcher asks there at each operator


def kind_of(code):
    """`MODULE`, a module that is called; `HELPER`, perhaps a method that a line calls; `SHARES_MEMORY`; or `DULL`."""
    known = _known.get(id(code))
    if known is None:
        kind = SHARES_MEMORY if _may_share_memory(code) else HELPER if _may_help(code) else DULL
        known = _known[id(code)] = code, kind  # it is held so that its id stays its own
    return known[1]


def _may_share_memory(code):
    theirs = code.co_filename.startswith(_TORCH)
    if (_SHARING if theirs else _SHARING_OURSELVES).isdisjoint(code.co_names):
        return False
    return not code.co_filename.startswith(_OURS)


def _may_help(code):
    """Whether a function could be a module's own method, to be followed when one of its lines calls it."""
    return not code.co_flags & NOT_FOLLOWED and code.co_argcount > 0 and not (
        code.co_name == "forward" or code.co_name.startswith(("__", "<"))
        or code.co_varnames[0] != "self" or code.co_filename == _MODULE_FILE
        or code.co_filename.startswith((_OURS, _TORCH_PRIVATE))
    )
