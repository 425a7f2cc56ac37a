"""`nn.Module`: what registers parameters, buffers and submodules, and calls `forward`."""

import itertools
import warnings
from collections import OrderedDict, namedtuple

from ... import _numbers
from ..._grad import no_grad
from ..._tensor import Tensor, typename
from ..parameter import Parameter
from .hooks import BackwardHooks


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__



def _addindent(text, spaces):
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line for line in rest)])


class RemovableHandle:
    """Takes a hook away again."""

    _next = itertools.count()

    def __init__(self, hooks):
        self._hooks, self.id = hooks, next(self._next)

    def remove(self):
        self._hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


class Module:
    training: bool
    call_super_init = False
    _compiled_call_impl = None

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if not self.call_super_init and args:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        own = {
            "training": True,
            "_parameters": {},
            "_buffers": {},
            "_non_persistent_buffers_set": set(),
            "_backward_pre_hooks": OrderedDict(),
            "_backward_hooks": OrderedDict(),
            "_is_full_backward_hook": None,
            "_forward_hooks": OrderedDict(),
            "_forward_hooks_with_kwargs": OrderedDict(),
            "_forward_hooks_always_called": OrderedDict(),
            "_forward_pre_hooks": OrderedDict(),
            "_forward_pre_hooks_with_kwargs": OrderedDict(),
            "_state_dict_hooks": OrderedDict(),
            "_state_dict_pre_hooks": OrderedDict(),
            "_load_state_dict_pre_hooks": OrderedDict(),
            "_load_state_dict_post_hooks": OrderedDict(),
            "_modules": {},
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    def forward(self, *input):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # calling

    def _call_impl(self, *args, **kwargs):
        for number, hook in tuple(self._forward_pre_hooks.items()):
            if number in self._forward_pre_hooks_with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = changed
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        backward = None
        if self._backward_hooks or self._backward_pre_hooks:
            backward = BackwardHooks(self)
            args = backward.given(args)
        result = self.forward(*args, **kwargs)
        for number, hook in tuple(self._forward_hooks.items()):
            if number in self._forward_hooks_with_kwargs:
                changed = hook(self, args, kwargs, result)
            else:
                changed = hook(self, args, result)
            result = result if changed is None else changed
        return result if backward is None else backward.made(result)

    __call__ = _call_impl

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        return self._hooked(self._forward_pre_hooks, self._forward_pre_hooks_with_kwargs, hook, prepend, with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        return self._hooked(self._forward_hooks, self._forward_hooks_with_kwargs, hook, prepend, with_kwargs)

    def _hooked(self, hooks, with_kwargs_hooks, hook, prepend, with_kwargs):
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if with_kwargs:
            with_kwargs_hooks[handle.id] = True
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_hook(self, hook, prepend=False):
        return self._hooked(self._backward_hooks, {}, hook, prepend, False)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        return self._hooked(self._backward_pre_hooks, {}, hook, prepend, False)

    register_backward_hook = register_full_backward_hook

    def register_state_dict_pre_hook(self, hook):
        return self._hooked(self._state_dict_pre_hooks, {}, hook, False, False)

    def register_load_state_dict_pre_hook(self, hook):
        return self._hooked(self._load_state_dict_pre_hooks, {}, hook, False, False)

    # registering

    def register_parameter(self, name, param):
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name(name, self._parameters, "parameter")
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name(name, self._buffers, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, self._modules, "module")
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, name, held, kind):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")

    def __getattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            held = self.__dict__.get(kind)
            if held is not None and name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, own, ("_buffers", "_modules"))
            self.register_parameter(name, value)
            return
        if isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, own, ("_parameters", "_buffers"))
            own["_modules"][name] = value
            return
        for kind, what in (("_parameters", "parameter"), ("_modules", "child module"), ("_buffers", "buffer")):
            if name in own.get(kind, ()):
                wanted = "torch.nn.Parameter" if kind == "_parameters" else "torch.nn.Module"
                if kind == "_buffers":
                    if value is not None and not isinstance(value, Tensor):
                        raise TypeError(
                            f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, "
                            "torch.Tensor or None expected)"
                        )
                elif value is not None:
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as {what} '{name}' ({wanted} or None expected)"
                    )
                own[kind][name] = value
                return
        if isinstance(value, Tensor) and getattr(value, "_is_buffer", False):
            if "_buffers" not in own:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self.register_buffer(name, value, value.persistent)
            return
        object.__setattr__(self, name, value)

    @staticmethod
    def _forget(name, own, kinds):
        own.pop(name, None)
        for kind in kinds:
            own[kind].pop(name, None)

    def __delattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(kind, ()):
                del self.__dict__[kind][name]
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state):
        self.__dict__.update(state)

    # what it holds

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        for _, module in self.named_modules():
            yield module

    def named_children(self):
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        for _, module in self.named_children():
            yield module

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for place, module in modules:
            for name, value in getattr(module, kind).items():
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield f"{place}.{name}" if place else name, value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        module = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target):
        place, _, name = target.rpartition(".")
        parameter = getattr(self.get_submodule(place), name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target):
        place, _, name = target.rpartition(".")
        return getattr(self.get_submodule(place), name)

    # the state

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix.removesuffix(".")] = {"version": self._version}
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, value in self._own_state():
            destination[prefix + name] = value if keep_vars else value.detach()

    def _own_state(self):
        yield from ((name, value) for name, value in self._parameters.items() if value is not None)
        for name, value in self._buffers.items():
            if value is not None and name not in self._non_persistent_buffers_set:
                yield name, value

    _version = 1

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        """What this module holds itself; what fits is written even where something else does not."""
        for name, value in self._own_state():
            key = prefix + name
            if key not in state_dict:
                missing.append(key)
                continue
            given = state_dict[key]
            if not isinstance(given, Tensor):
                errors.append(
                    f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                    f"checkpoint but received {type(given)}"
                )
                continue
            if not value.dim() and tuple(given.shape) == (1,):
                given = given[0]  # as files of long ago have it
            if given.shape != value.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                    f"current model is {value.shape}."
                )
                continue
            self._load(name, value, given, key, local_metadata.get("assign_to_params_buffers", False))

    def _load(self, name, value, given, key, assign):
        if value.is_meta and not given.is_meta and not assign and _numbers.engine is not None:
            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                stacklevel=5,
            )
        if not assign:
            with no_grad():
                value.copy_(given)
        elif name in self._parameters:
            same = isinstance(given, Parameter) and given.requires_grad == value.requires_grad
            setattr(self, name, given if same else Parameter(given, value.requires_grad))
        else:
            setattr(self, name, given)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        missing, errors = [], []
        metadata = getattr(state_dict, "_metadata", None)
        for place, module in self.named_modules(remove_duplicate=False):
            prefix = f"{place}." if place else ""
            local = {} if metadata is None else metadata.get(place, {})
            local = {**local, "assign_to_params_buffers": assign}
            module._load_from_state_dict(state_dict, prefix, local, True, missing, [], errors)
        known = set(self.state_dict())
        unexpected = [key for key in state_dict if key not in known]
        if strict:
            for keys, word in ((unexpected, "Unexpected"), (missing, "Missing")):
                if keys:
                    shown = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{word} key(s) in state_dict: {shown}. ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return _IncompatibleKeys(missing, unexpected)

    # changing it

    def apply(self, fn):
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        for module in self.children() if recurse else ():
            module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                changed = fn(parameter.detach())
                if changed.is_meta != parameter.is_meta:
                    self._parameters[name] = Parameter(changed, parameter.requires_grad)
                else:
                    parameter.data = changed
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    def share_memory(self):
        return self

    def _cast(self, dtype):
        return self._apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def to(self, *args, dtype=None, device=None, **kwargs):
        from ... import _metadata as meta

        for value in args:
            dtype = value if isinstance(value, meta.dtype) else value.dtype if isinstance(value, Tensor) else dtype
            device = value if isinstance(value, (str, meta.device)) else device
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if device is not None:
            self._apply(lambda tensor: tensor.to(device))
        return self._cast(dtype) if dtype is not None else self

    def type(self, dst_type):
        return self.to(dst_type)

    def cuda(self, device=None):
        return self

    def cpu(self):
        return self

    def to_empty(self, *, device, recurse=True):
        from ..._public import FUNCTIONS

        return self._apply(lambda tensor: FUNCTIONS["empty"](tensor.shape, dtype=tensor.dtype, device=device), recurse)

    def float(self):
        from ... import _metadata as meta

        return self._cast(meta.float32)

    def double(self):
        from ... import _metadata as meta

        return self._cast(meta.float64)

    def half(self):
        from ... import _metadata as meta

        return self._cast(meta.float16)

    def bfloat16(self):
        from ... import _metadata as meta

        return self._cast(meta.bfloat16)

    def compile(self, *args, **kwargs):
        from ..._lacking import lacking

        raise lacking("Module.compile")

    # showing it

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        head = extra.split("\n") if extra else []
        lines = [f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()]
        text = self._get_name() + "("
        if len(head) == 1 and not lines:
            text += head[0]
        elif head or lines:
            text += "\n  " + "\n  ".join(head + lines) + "\n"
        return text + ")"
