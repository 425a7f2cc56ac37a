"""The names that pasted code finds when it is defined: its own, PyTorch's, and stand-ins for what is not here."""

import __future__

import ast
import builtins
import collections
import contextlib
import copy
import difflib
import functools
import importlib
import io
import itertools
import linecache
import math
import random
import sys
import types
import typing
import warnings
from dataclasses import dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk.blocks import resnet

from .guess import guessed
from .sentences import (
    added_imports,
    cannot_define,
    constant_guessed,
    failed_to_load,
    left_out,
    name_not_there,
    not_here,
    not_in_base,
    number_guessed,
    on_the_processor,
    stood_in,
    taken_as_modules,
    torchvisions,
    undecorated,
)
from .stand_ins import DEBUGGERS, RESNETS, STAND_INS, Lightning

FILE, MODULE = "pasted.py", "pasted_code"
_AS_IT_IS = "__as_it_is__"
_OFFERED = {
    "torch": (torch, "import torch"),
    "nn": (nn, "import torch.nn as nn"),
    "F": (F, "import torch.nn.functional as F"),
    "math": (math, "import math"),
    "partial": (functools.partial, "from functools import partial"),
    "OrderedDict": (collections.OrderedDict, "from collections import OrderedDict"),
    "copy": (copy, "import copy"),
    "functools": (functools, "import functools"),
    "itertools": (itertools, "import itertools"),
    "collections": (collections, "import collections"),
    "Tensor": (torch.Tensor, "from torch import Tensor"),
    "Parameter": (nn.Parameter, "from torch.nn import Parameter"),
    "init": (nn.init, "from torch.nn import init"),
    "warnings": (warnings, "import warnings"),
    "random": (random, "import random"),
    "namedtuple": (collections.namedtuple, "from collections import namedtuple"),
    "dataclass": (dataclass, "from dataclasses import dataclass"),
    "Variable": (torch.autograd.Variable, "from torch.autograd import Variable"),
    "weight_norm": (nn.utils.weight_norm, "from torch.nn.utils import weight_norm"),
    "spectral_norm": (nn.utils.spectral_norm, "from torch.nn.utils import spectral_norm"),
    "checkpoint": (torch.utils.checkpoint.checkpoint, "from torch.utils.checkpoint import checkpoint"),
    **{
        name: (getattr(nn.utils.rnn, name), f"from torch.nn.utils.rnn import {name}")
        for name in ("pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "pack_sequence")
    },
    **{
        name: (getattr(typing, name), f"from typing import {name}")
        for name in ("Any", "Callable", "Dict", "List", "Optional", "Sequence", "Tuple", "Type", "Union")
    },
}
_ALLOWED = frozenset(
    {
        "torch",
        "math",
        "typing",
        "functools",
        "collections",
        "itertools",
        "copy",
        "warnings",
        "abc",
        "enum",
        "dataclasses",
        "numbers",
        "operator",
        "re",
        "random",
        "string",
        "types",
        "typing_extensions",
        "__future__",
        "time",
        "logging",
        "os",
        "sys",
        "json",
        "inspect",
        "contextlib",
        "pathlib",
    }
)


class Missing:
    """Stands for what could not be imported; using it raises one sentence."""

    def __init__(self, name):
        self.__name__ = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__name__}.{name}")

    def __call__(self, *args, **kwargs):
        error = ImportError(f"{self.__name__} is not here: run this in your own Jupyter, or paste its code along")
        error.words = f"这里没有 `{self.__name__}`：请在自己的 Jupyter 里运行，或者把它的代码一起贴进来。", f"{error}."
        raise error

    def _used(self, *others):
        """As a number or a list would be."""
        return self()

    __len__ = __iter__ = __index__ = __int__ = __float__ = __getitem__ = __add__ = __sub__ = __mul__ = _used
    __radd__ = __rsub__ = __rmul__ = __truediv__ = __floordiv__ = __mod__ = _used

    def __mro_entries__(self, bases):
        return (Lightning if self.__name__.endswith("LightningModule") else nn.Module,)


def _missing_base(name):
    """What stands for a base class that was not pasted along; what it would bring is asked for in one sentence."""

    def __init__(self, *args, **kwargs):
        nn.Module.__init__(self)

    def __getattr__(self, wanted):
        try:
            return nn.Module.__getattr__(self, wanted)
        except AttributeError as error:
            known = {*vars(self), *self._modules, *self._parameters, *self._buffers} if "_modules" in vars(self) else ()
            if known and not difflib.get_close_matches(wanted, known, n=1, cutoff=0.7):
                asked = not_in_base(wanted, name)
                error.words = asked.zh, asked.en
            raise

    return type(name, (nn.Module,), {"__init__": __init__, "__getattr__": __getattr__})


def _not_answered(prompt=""):
    error = EOFError("input() has nobody to ask here")
    error.words = (
        "`input()` 在这里没有人回答：把要输入的值直接写进代码。",
        "Nobody is here to answer `input()`: write the value into the code.",
    )
    raise error


class NotRun(Missing):
    """Stands for what a statement that is not run here would have made."""

    def __init__(self, name, line):
        super().__init__(name)
        self._line = line

    def __getattr__(self, name):
        return super().__getattr__(name) if name.startswith("__") else self

    def __call__(self, *args, **kwargs):
        error = ImportError(f"{self.__name__} is not here")
        error.words = (
            f"`{self.__name__}` 由第 {self._line} 行算出，那一行在这里不运行：把它的值直接写进代码。",
            f"`{self.__name__}` is made by line {self._line}, which is not run here: write its value into the code.",
        )
        raise error


class Torchvision(Missing):
    """torchvision, of which the residual networks are here: this book's, which have the same layers."""

    def __getattr__(self, name):
        return RESNETS[name] if name in RESNETS else Torchvision(super().__getattr__(name).__name__)


def _of_numbers(name):
    """numpy's function of this name, for a number or for what stands for an array, a tensor."""
    return lambda value: getattr(torch if isinstance(value, torch.Tensor) else math, name)(value)


def _array(values, dtype=None):
    """A row of numbers, which a module's construction goes through, is a list; a table is a tensor."""
    return torch.tensor(values) if values and isinstance(values[0], (list, tuple)) else list(values)


_NUMPY = {name: _of_numbers(name) for name in ("sqrt", "log", "log2", "exp", "ceil", "floor", "sin", "cos")}
_NUMPY |= {
    "pi": math.pi,
    "prod": math.prod,
    "power": pow,
    "array": _array,
    "abs": abs,
    "round": round,
    "max": max,
    "min": min,
    "sum": sum,
    "float32": float,
    "int64": int,
}


class Numpy(Missing):
    """The few of numpy's functions that a module's construction uses on plain numbers."""

    def __getattr__(self, name):
        return _NUMPY[name] if name in _NUMPY else super().__getattr__(name)


@dataclass
class Space:
    """Pasted code that has been defined.

    names: its globals; classes: name → `nn.Module` class, in order; functions: names of plain functions.
    remarks: what is said of it; failure: a sentence where it could not be defined; imports: those that were added;
    missing: names of what it imports and is not here; stood_in: of that which something of the page stands for;
    taken_as_modules: of bases that `nn.Module` stands for; undecorated: decorators that were left out, as text;
    imported: the paste's own, as `ast` nodes; own: names of the functions and classes that it defines.
    """

    names: dict
    classes: dict = field(default_factory=dict)
    others: dict = field(default_factory=dict)
    remarks: list = field(default_factory=list)
    failure: object = None
    imports: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    stood_in: list = field(default_factory=list)
    taken_as_modules: list = field(default_factory=list)
    undecorated: list = field(default_factory=list)
    imported: list = field(default_factory=list)
    own: frozenset = frozenset()


def defined(source, tree):
    """Define what the paste defines: imports, functions, classes and plain values; nothing else of it runs."""
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    sys.modules[MODULE] = module
    own = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    space = Space(vars(module), own=frozenset(node.name for node in tree.body if isinstance(node, own)))
    space.imported = [
        one
        for node in tree.body
        for one in [node, *getattr(node, "body", [])]
        if isinstance(one, (ast.Import, ast.ImportFrom))
        and getattr(one, "module", "") != "__future__"
        and not isinstance(node, (ast.FunctionDef, ast.ClassDef))
    ]
    space.names |= {"input": _not_answered, _AS_IT_IS: lambda decorated: decorated}
    _offer(tree, space)
    flags = _future_flags(tree)
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            _import(node, space)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            _define(node, space, flags)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and _is_plain(node.value):
            try:
                _run(node, space, flags)
            except Exception:
                _stand_for_number(node, space)
        elif isinstance(node, ast.Try) and all(isinstance(one, (ast.Import, ast.ImportFrom)) for one in node.body):
            for one in node.body:
                _import(one, space)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) and not isinstance(
            node, ast.Pass
        ):
            text = ast.unparse(node).split("\n")[0][:60].replace("`", "'")
            if not any("不是类的一部分" in remark.zh for remark in space.remarks):
                space.remarks.append(left_out(node.lineno, text))
            _stand_for(node, tree, space)
    together = (not_here, space.missing), (stood_in, space.stood_in), (taken_as_modules, space.taken_as_modules)
    together += ((undecorated, [f"@{text.partition('(')[0]}" for text in space.undecorated]),)
    space.remarks[:0] = [say(list(dict.fromkeys(names))) for say, names in together if names]
    return space


def _stand_for_number(node, space):
    """What a number is taken to be that cannot be worked out here: `vocab_size = len(vocab)`."""
    name = getattr(getattr(node, "targets", [None])[0], "id", None)
    if name and name not in space.names:
        text = guessed(name) or ""
        space.names[name] = int(text) if text.isdigit() else NotRun(name, node.lineno)
        if text.isdigit():
            space.remarks.append(number_guessed(name, node.lineno, text))


def _stand_for(node, tree, space):
    """Names that a statement which is not run would have set: a command line's are its defaults."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return
    name = node.targets[0].id
    if ast.unparse(node.value).endswith((".parse_args()", ".parse_known_args()[0]", ".parse_args([])")):
        space.names[name] = types.SimpleNamespace(**_defaults(tree))
    elif name not in space.names:
        space.names[name] = NotRun(name, node.lineno)


def _defaults(tree):
    """What `parser.add_argument("--hidden-dim", default=64)` gives without a command line."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            names = [one.value for one in node.args if isinstance(getattr(one, "value", None), str)]
            given = {one.arg: one.value for one in node.keywords}
            name = next((one for one in names if one.startswith("--")), names[0] if names else "").lstrip("-")
            with contextlib.suppress(ValueError):
                value = ast.literal_eval(given["default"]) if "default" in given else None
                found[name.replace("-", "_")] = False if "action" in given and value is None else value
    return found


def _offer(tree, space):
    """What the code uses without importing it."""
    bound = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    used = dict.fromkeys(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    for name in used:
        if name in bound or hasattr(builtins, name):
            continue
        if offered := _OFFERED.get(name) or _of_pytorch(name, called - parameters):
            space.names[name], line = offered
            space.imports.append(line)
        elif name in STAND_INS:
            space.names[name] = STAND_INS[name]
            space.stood_in.append(name)
        elif name in ("conv1x1", "conv3x3"):
            space.names[name] = getattr(resnet, name)
            space.remarks.append(torchvisions(name))
        elif name in ("np", "numpy"):
            space.names[name] = Numpy("numpy")
        elif name in ("models", "torchvision"):
            space.names[name] = Torchvision("torchvision.models" if name == "models" else name)
            space.imports.append("from torchvision import models" if name == "models" else "import torchvision")
        elif _is_a_constant(name, bound | parameters) and (text := guessed(name) or "").isdigit():
            space.names[name] = int(text)
            space.remarks.append(constant_guessed(name, text))
        elif name in ("device", "DEVICE") and name not in parameters:
            space.names[name] = torch.device("cpu")
            space.remarks.append(on_the_processor(name))
    imports = [*map(ast.unparse, space.imported), *space.imports]
    if any(line.startswith(("import torchvision", "from torchvision")) for line in imports):
        named = dict.fromkeys(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
        named |= dict.fromkeys(used)
        space.stood_in += [name for name in named if name in RESNETS]
    if space.imports:
        space.remarks.append(added_imports(space.imports))


def _of_pytorch(name, called):
    """(what PyTorch has by a name that nothing defines, how it is imported): layers, and functions such as `relu`."""
    if isinstance(layer := getattr(nn, name, None), type) and issubclass(layer, nn.Module):
        return layer, f"from torch.nn import {name}"
    if name in called and not name.startswith("_") and callable(function := vars(F).get(name)):
        return function, f"from torch.nn.functional import {name}"
    return None


def _is_a_constant(name, others):
    """Whether a name that nothing defines is a number from elsewhere: `NUM_CLASSES`, `seq_length`, `SOS_token`.

    others: the names that are defined; one nearly like it is what was meant.
    """
    if name.isupper():
        return len(name) > 2 and name != "DEVICE"
    return "_" in name and name not in others and not difflib.get_close_matches(name, others, n=1, cutoff=0.8)


def _future_flags(tree):
    """What `from __future__ import annotations` changes; the other features have long been Python's own."""
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    has_annotations = any(alias.name == "annotations" for node in imported for alias in node.names)
    return __future__.annotations.compiler_flag if has_annotations else 0


def _run(node, space, flags=0):
    # Python compiles a call of `nn.Conv2d` in its own way where the same file imports `nn`: so the imports are seen,
    # though not run, with each statement, and its code is what the whole file would give.
    seen = [ast.If(ast.Constant(False), space.imported, [])] if space.imported else []
    program = ast.fix_missing_locations(ast.Module([*seen, node], []))
    code = compile(program, FILE, "exec", flags=flags, dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, space.names)


def _is_plain(value):
    """Whether a value costs nothing to have: no call but of a container or a type, or within a lambda."""
    if value is None or isinstance(value, ast.Lambda):
        return value is not None
    cheap = {"dict", "list", "tuple", "set", "frozenset", "partial", "namedtuple", "TypeVar", "int", "float"}
    cheap |= {"device", "is_available", "len", "range", "sum", "min", "max", "round", "abs", "sorted", "str", "bool"}
    cheap |= {"zip", "enumerate", "SimpleNamespace", "Namespace", "sqrt", "log2", "ceil", "floor", "OrderedDict"}
    return all(ast.unparse(node.func).split(".")[-1] in cheap for node in ast.walk(value) if isinstance(node, ast.Call))


def _import(node, space):
    root = (node.module or "") if isinstance(node, ast.ImportFrom) else None
    for alias in node.names:
        name = alias.asname or alias.name
        if root is not None:
            whole = f"{'.' * node.level}{root}"
            value = _from(whole, alias.name)
            if alias.name == "*":
                continue
        else:
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            value = _module(alias.name, whole)
            name = alias.asname or whole
        if isinstance(value, Missing) and name in space.own:
            continue  # files that were joined: it was pasted along
        space.names[name] = value
        if value is STAND_INS.get(alias.name, space):
            space.stood_in.append(alias.name)
        if isinstance(value, Missing) and not isinstance(value, (Numpy, Torchvision)):
            space.missing.append(value.__name__)


def _module(wanted, whole):
    if whole.split(".")[0] == "numpy":
        return Numpy("numpy")
    if whole.split(".")[0] == "torchvision":
        return Torchvision(wanted)
    if wanted in DEBUGGERS:
        return DEBUGGERS[wanted]
    try:
        if whole.split(".")[0] not in _ALLOWED:
            raise ImportError
        importlib.import_module(wanted)
        return sys.modules[whole]
    except Exception:
        return Missing(wanted)


def _from(module, name):
    if name in STAND_INS and module.split(".")[0] not in _ALLOWED:
        return STAND_INS[name]
    if module == "numpy":
        return Numpy("numpy").__getattr__(name)
    if module.split(".")[0] == "torchvision":
        return getattr(Torchvision(module), name)
    if module == "torch.utils.model_zoo" or name == "load_state_dict_from_url":
        return Missing(f"{module}.{name}".lstrip("."))
    try:
        if module.startswith(".") or module.split(".")[0] not in _ALLOWED:
            raise ImportError
        found = importlib.import_module(module)
        return found if name == "*" else getattr(found, name)
    except Exception:
        try:
            return (
                importlib.import_module(f"{module}.{name}")
                if module.split(".")[0] in _ALLOWED
                else Missing(f"{module}.{name}".lstrip("."))
            )
        except Exception:
            return Missing(f"{module}.{name}".lstrip("."))


def _define(node, space, flags):
    unknown = [base for base in getattr(node, "bases", []) if _is_unknown(base, space)]
    for base in unknown:
        text = ast.unparse(base)
        is_module = _looks_like_a_module(node, text)
        if is_module and isinstance(space.names.get(text), Missing):
            missing = space.names[text].__name__
            space.missing = [name for name in space.missing if name != missing]
        if isinstance(base, ast.Name):
            kind = Lightning if base.id.endswith("LightningModule") else _missing_base(base.id)
            space.names[base.id] = kind if is_module else object
        else:
            root = text.partition(".")[0]
            space.names.setdefault(root, Missing(root))
        if is_module:
            space.taken_as_modules.append(text)
    for inner in ast.walk(node):  # a decorator that is not here leaves what it decorates as it is
        for place, one in enumerate(getattr(inner, "decorator_list", ())):
            if _is_unknown(one, space):
                inner.decorator_list[place] = ast.copy_location(ast.Name(_AS_IT_IS, ast.Load()), one)
                value = space.names.get(ast.unparse(one).partition("(")[0].partition(".")[0])
                if isinstance(value, Missing):
                    space.missing = [name for name in space.missing if name != value.__name__]
                space.undecorated.append(ast.unparse(one))
    try:
        _run_with_constants(node, space, flags)
    except RecursionError:
        raise
    except Exception as error:
        space.failure = space.failure or _why_not_defined(node, error)
        return
    value = space.names.get(node.name)
    if isinstance(node, ast.ClassDef):
        if isinstance(value, type) and issubclass(value, nn.Module):
            space.classes[node.name] = value
        else:
            space.others[node.name] = ", ".join(map(ast.unparse, node.bases)) or "object"


def _run_with_constants(node, space, flags):
    """Run a definition; what it reads of constants that were not pasted, `def __init__(self, root=DATA_ROOT)`, stops
    the line that uses them."""
    try:
        _run(node, space, flags)
    except NameError as error:
        if not (error.name and error.name.isupper() and len(error.name) > 2):
            raise
        space.names[error.name] = Missing(error.name)
        space.missing.append(error.name)
        _run_with_constants(node, space, flags)


def _why_not_defined(node, error):
    if isinstance(error, NameError) and error.name:
        meant = difflib.get_close_matches(error.name.capitalize(), ["True", "False", "None"], n=1, cutoff=0.8)
        return name_not_there(node.name, node.lineno, error.name, meant[0] if meant else None)
    if words := getattr(error, "words", None):
        return cannot_define(node.name, node.lineno, *words)
    return failed_to_load(node.name, f"{type(error).__name__}: {error}")


def _looks_like_a_module(node, base):
    """Whether a class whose base is not here is one to explain: data sets and configurations are not."""
    has_forward = any(isinstance(one, ast.FunctionDef) and one.name == "forward" for one in node.body)
    return has_forward or base.lower().endswith(("module", "layer", "block", "net", "network", "model"))


def _is_unknown(node, space):
    """Whether an expression leads to a name that is not here."""
    root = node
    while isinstance(root, (ast.Attribute, ast.Call, ast.Subscript)):
        root = root.func if isinstance(root, ast.Call) else root.value
    if not isinstance(root, ast.Name):
        return False
    if hasattr(builtins, root.id):
        return False
    return root.id not in space.names or isinstance(space.names[root.id], Missing)
