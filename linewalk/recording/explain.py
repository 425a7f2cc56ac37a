"""Why a line failed, in a sentence a beginner can act on."""

import ast
import builtins
import difflib
import inspect
import re

import torch
import torch.nn as nn

from ..errors import Bilingual
from ..trail import Described
from . import known_errors

_CONVOLUTIONS = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}
_NORMS = {nn.BatchNorm1d: (2, 3), nn.BatchNorm2d: (4,), nn.BatchNorm3d: (5,)}


def explain(step, error, module, operands):
    """Name the line, the operands with their shapes and, where the cause is a known one, the way out.

    Args:
        step: the step that raised; error: what it raised.
        module: the innermost module that was running, or None where the line itself failed.
        operands: name → tensor of what the failing module or line was given.
    """
    shapes = ", ".join(f"{name} {Described(tensor).text}" for name, tensor in operands.items())
    used = Bilingual(f"用到的张量：{shapes}。", f"The tensors it used: {shapes}. ") if shapes else Bilingual("", "")
    try:
        advice = _found_advice(step, error, module, operands)
    except Exception:  # of an exception that cannot even be asked
        advice = Bilingual(f"报错是 {type(error).__name__}", f"It says {type(error).__name__}")
    return Bilingual(
        f"第 {step.lineno} 行 `{step.source}` 出错。{used.zh}{advice.zh}",
        f"Line {step.lineno}, `{step.source}`, failed. {used.en}{advice.en}",
    )


def _found_advice(step, error, module, operands):
    said = _said(error)
    return (
        _recursion_advice(error)
        or _own_words(error)
        or _unwritten_advice(error)
        or _name_advice(step, error)
        or _attribute_advice(error)
        or _call_advice(step, error)
        or _advice(step, module, operands)
        or _known_advice(error)
        or _sizes_advice(step, error, operands)
        or Bilingual(f"报错是 {said}", f"It says {said.replace('：', ': ', 1)}")
    )


def _said(error):
    text = _text(error)
    return f"{type(error).__name__}：{text}" if text else type(error).__name__


def _text(error):
    try:
        return str(error)
    except Exception:  # its own __str__ fails
        return ""


def _own_words(error):
    """What an exception says of itself in both languages, its `words`, where it has any."""
    words = getattr(error, "words", None)
    is_pair = isinstance(words, tuple) and len(words) == 2 and all(isinstance(one, str) for one in words)
    return Bilingual(*words) if is_pair else None


def _recursion_advice(error):
    if not isinstance(error, RecursionError):
        return None
    return Bilingual(
        "这一行绕回了自己，没有尽头，或者太深（RecursionError）：forward 里不要再调用 self(…)，要调用的是子模块，"
        "或者给递归一个停下来的条件、少套几层。",
        "This line leads back to itself without end, or too deep (RecursionError): do not call self(…) in forward, "
        "call a submodule, or give the recursion a condition to stop at, or fewer levels.",
    )


def _unwritten_advice(error):
    if isinstance(error, MemoryError):
        return Bilingual(
            "内存不够（MemoryError）：把这里的大小改小。", "There is not enough memory (MemoryError): make it smaller."
        )
    if type(error) is AssertionError and not _text(error):
        return Bilingual(
            "代码自己检查的条件不成立（AssertionError）：请看 assert 后面写的是什么。",
            "A condition that the code itself checks does not hold (AssertionError): see what stands behind assert.",
        )
    if type(error) is not NotImplementedError or _text(error):
        return None
    return Bilingual(
        "这一行（NotImplementedError）是留给子类改写的：请用继承它、写了自己的 forward 的那个类。",
        "This line (NotImplementedError) is left for subclasses to write: take a class that inherits from this one and "
        "has a forward of its own.",
    )


def _name_advice(step, error):
    unset = isinstance(error, UnboundLocalError) and re.search(r"variable '(\w+)'", _text(error))
    if unset:
        return Bilingual(
            f"`{unset[1]}` 在这一行之前还没有值：给它赋值的那一行在后面，或者在这次没走的分支里。"
            "请在这一行之前先给它值。",
            f"`{unset[1]}` has no value yet: the line that sets it comes later, or stands in a branch that was not "
            "taken. Set it before this line.",
        )
    if not isinstance(error, NameError) or not error.name:
        return None
    frame = _innermost_frame(error)
    if re.search(rf"\bsuper\(\s*{error.name}\b", step.source):
        return Bilingual(
            f"`super(…)` 里的 `{error.name}` 是另一个类的名字：写成 `super().__init__()` 就行。",
            f"`{error.name}` in `super(…)` is another class's name: `super().__init__()` is enough.",
        )
    if own := _own_name_advice(error.name, frame.f_locals.get("self")):
        return own
    zh, en = _meant(error.name, {*frame.f_locals, *frame.f_globals, *vars(builtins)})
    return Bilingual(
        f"没有 `{error.name}` 这个名字{zh}：请改正，或者在用到它之前定义它、导入它。",
        f"There is no name `{error.name}`{en}: correct it, or define or import it before it is used.",
    )


def _own_name_advice(name, owner):
    """For `pool(x)` where `self.pool(x)` is meant, or where `__init__` says `pool = …` and not `self.pool = …`."""
    if not isinstance(owner, nn.Module) or "_modules" not in vars(owner):
        return None
    if name in {*vars(owner), *owner._modules, *owner._parameters, *owner._buffers}:
        return Bilingual(
            f"没有 `{name}` 这个名字，它在模块上：请写 `self.{name}`。",
            f"There is no name `{name}`; the module has it: write `self.{name}`.",
        )
    code = getattr(inspect.unwrap(type(owner).__init__), "__code__", None)
    if code is not None and name in code.co_varnames[1:]:
        return Bilingual(
            f"`{name}` 只是 `__init__` 里的局部变量，出了 `__init__` 就没有了：在那里写 `self.{name} = …`，"
            f"在这里写 `self.{name}`。",
            f"`{name}` is a local name of `__init__` and gone when that ends: write `self.{name} = …` there, and "
            f"`self.{name}` here.",
        )
    return None


def _attribute_advice(error):
    """For `self.bn1` where `__init__` registered `bn`."""
    if not isinstance(error, AttributeError) or _innermost_frame(error) is None:
        return None
    if "before Module.__init__() call" in _text(error):
        return Bilingual(
            "`super().__init__()` 还没有运行，层挂不上去（Module.__init__()）：把它放到 `__init__` 的第一行。",
            "`super().__init__()` has not run yet, and no layer can be hung on before it (Module.__init__()): make it "
            "the first line of `__init__`.",
        )
    found = re.search(r"has no attribute '(\w+)'$", _text(error))
    if _text(error).startswith("'NoneType'"):
        return None
    owner = getattr(error, "obj", None)
    if owner is None:  # `nn.Module.__getattr__` says only the name
        owner = _innermost_frame(error).f_locals.get("self")
    if found is None or not isinstance(owner, nn.Module) or "_modules" not in vars(owner):
        return None
    if inspect.isdatadescriptor(inspect.getattr_static(type(owner), found[1], None)):
        return Bilingual(
            f"`{found[1]}` 是 property，有这个名字；是它自己的代码里少了别的属性（AttributeError），PyTorch 才这样说。"
            "请看 property 里的那几行。",
            f"There is a `{found[1]}`, a property: an attribute is missing in its own code (AttributeError), and "
            "PyTorch then says that there is none. Look at the lines of the property.",
        )
    own = {*vars(owner), *owner._modules, *owner._parameters, *owner._buffers}
    zh, en = _meant(found[1], {name for name in own if not name.startswith("_")})
    if type(owner).__module__.startswith("torch."):
        return Bilingual(
            f"PyTorch 的 {type(owner).__name__} 上没有 `{found[1]}`{zh}：请改正，或者换成有它的模块。",
            f"PyTorch's {type(owner).__name__} has no `{found[1]}`{en}: correct it, or take a module that has it.",
        )
    return Bilingual(
        f"这个 {type(owner).__name__} 上没有 `{found[1]}`{zh}："
        f"请改正，或者先在 `__init__` 里写 `self.{found[1]} = …`。",
        f"This {type(owner).__name__} has no `{found[1]}`{en}: correct it, or write `self.{found[1]} = …` in "
        "`__init__` first.",
    )


def _call_advice(step, error):
    """For a layer that is built with the wrong arguments."""
    if not isinstance(error, TypeError):
        return None
    built = re.match(r"(\w+)\.__init__\(\) (missing|got|takes)", _text(error))
    layer = built and getattr(nn, built[1], None)
    if layer is not None:
        names = [
            one.name if one.default is one.empty else f"{one.name}={one.default!r}"
            for one in list(inspect.signature(layer).parameters.values())[:_FEW]
        ]
        return Bilingual(
            f"报错是 {_said(error)}。`nn.{built[1]}` 依次要的是：{', '.join(names)}。",
            f"It says {_said(error).replace('：', ': ', 1)}. `nn.{built[1]}` takes, in this order: {', '.join(names)}.",
        )
    if "during string formatting" in _text(error):
        return Bilingual(
            "这里要的是数，给的却是带引号的文字：请去掉引号。",
            "A number is wanted here, and text in quotes was given: take the quotes away.",
        )
    if "float" in _text(error) and re.search(r"[^/]/[^/]", step.source):
        return Bilingual(
            f"`/` 除出来的是小数，大小和通道数要整数：请写 `//`。（报错是 {_said(error)}）",
            f"`/` gives a float, and sizes and channels are whole numbers: write `//`. (It says "
            f"{_said(error).replace('：', ': ', 1)})",
        )
    return None


_FEW = 6  # parameters that are named
_LONGEST = 160  # characters of what an error says, beside what to do about it


def _known_advice(error):
    key = error.args[0] if isinstance(error, KeyError) and len(error.args) == 1 else None
    said = key if isinstance(key, str) else _text(error)
    advice = known_errors.advice(said)
    if advice is None:
        # PyTorch raises one, with a sentence, for a name that it does not take.
        return _key_advice(key) if isinstance(key, str) and " " not in key else None
    short = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
    return Bilingual(
        f"{advice.zh}（报错是 {type(error).__name__}：{short}）",
        f"{advice.en} (It says {type(error).__name__}: {short})",
    )


def _key_advice(key):
    return Bilingual(
        f"字典里没有 `{key}` 这一项（KeyError）：请检查拼写，或者给的字典里少了它。",
        f"The dictionary has no item `{key}` (KeyError): look at the spelling, or put it into the dictionary that is "
        "handed in.",
    )


def _sizes_advice(step, error, operands):
    """For an element-by-element line whose sides do not fit, with the sizes that PyTorch names."""
    said = _text(error)
    found = re.search(r"tensor a \((\d+)\) must match .* tensor b \((\d+)\) at non-singleton dimension (\d+)", said)
    if not found:
        return None
    one, other, dimension = found.groups()
    zh, en = ("", "")
    if not _adds_maps(step.source, operands):
        pass
    elif int(dimension) >= 2:
        zh = "；两条路的高和宽要一样：看看步幅和填充，3×3 卷积要 padding=1 才不变小"
        en = "; both paths need one height and width: look at stride and padding (a 3×3 convolution needs padding=1)"
    else:
        zh = "；残差相加时，让捷径也变到同样的形状（1×1 卷积加批归一化）"
        en = "; in a residual sum, bring the shortcut to the same shape (1×1 convolution and batch norm)"
    return Bilingual(
        f"两边的形状对不上：第 {dimension} 维一边是 {one}，一边是 {other}{zh}。",
        f"The two sides' shapes do not fit: in dimension {dimension} one has {one}, the other {other}{en}.",
    )


def _innermost_frame(error):
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace and trace.tb_frame


def _meant(name, known):
    """A question whether another name was meant, in both languages; nothing where none is alike."""
    alike = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return (f"（想写的是 `{alike[0]}` 吗？）", f" (did you mean `{alike[0]}`?)") if alike else ("", "")


def _advice(step, module, operands):
    given = next(iter(operands.values()), None)
    if given is None or any(tensor.is_nested for tensor in operands.values()):
        return None
    if module is None:
        return _operands_advice(step, operands)
    parameter = next(module.parameters(), None)
    if isinstance(module, tuple(_CONVOLUTIONS)):
        return _convolution_advice(module, given) or _placement_advice(parameter, given)
    if isinstance(module, tuple(_NORMS)):
        return _norm_advice(module, given) or _placement_advice(parameter, given)
    if isinstance(module, nn.Linear) and given.dim() and given.shape[-1] != module.in_features:
        return Bilingual(
            f"这个 Linear 要最后一维是 {module.in_features}，实际是 {given.shape[-1]}：请改输入，或改 in_features。",
            f"This Linear wants {module.in_features} in the last dimension and got {given.shape[-1]}: change the input "
            "or in_features.",
        )
    return _placement_advice(parameter, given, integers=isinstance(module, (nn.Embedding, nn.EmbeddingBag)))


def _convolution_advice(module, given):
    spatial = _CONVOLUTIONS[type(module)] if type(module) in _CONVOLUTIONS else len(module.kernel_size)
    name = type(module).__name__
    if given.dim() > spatial + 2:
        return _too_many_dimensions(name, spatial + 2, given)
    if given.dim() < spatial + 1:
        letters = "×".join(["N", "C", "D", "H", "W"][:2] + ["D", "H", "W"][3 - spatial :])
        return Bilingual(
            f"{name} 要 {spatial + 2} 维的输入（{letters}），实际是 {given.dim()} 维：请补上缺的维，"
            "例如用 x.unsqueeze(0) 加批维。",
            f"{name} wants a {spatial + 2}-dimensional input ({letters}) and got {given.dim()} dimensions: add the "
            "missing ones, x.unsqueeze(0) for the batch.",
        )
    channels = given.shape[-spatial - 1]
    if channels != module.in_channels:
        return Bilingual(
            f"这个 {name} 要 {module.in_channels} 个通道，实际是 {channels} 个：请改输入，"
            f"或在建模块时把输入通道数写成 {channels}。",
            f"This {name} wants {module.in_channels} channels and got {channels}: change the input, or build the "
            f"module for {channels} input channels.",
        )
    return None


def _norm_advice(module, given):
    name, ranks = type(module).__name__, _NORMS.get(type(module), (4,))
    if given.dim() > ranks[-1]:
        return _too_many_dimensions(name, ranks[-1], given)
    if given.dim() not in ranks:
        return Bilingual(
            f"{name} 要 {ranks[-1]} 维的输入，实际是 {given.dim()} 维：少了批维就用 x.unsqueeze(0) 加上。",
            f"{name} wants a {ranks[-1]}-dimensional input and got {given.dim()} dimensions: if the batch is missing, "
            "add it with x.unsqueeze(0).",
        )
    if given.shape[1] != module.num_features:
        return Bilingual(
            f"这个 {name} 管 {module.num_features} 个通道，实际来了 {given.shape[1]} 个："
            "它的数目要等于前一层的输出通道数。",
            f"This {name} looks after {module.num_features} channels and got {given.shape[1]}: its number must be the "
            "output channels of the layer before it.",
        )
    return None


def _too_many_dimensions(name, wanted, given):
    return Bilingual(
        f"{name} 最多要 {wanted} 维的输入，实际是 {given.dim()} 维：请先把多出的维合并（flatten、reshape），"
        "或换成维数相符的层。",
        f"{name} wants an input of at most {wanted} dimensions and got {given.dim()}: merge the others first (flatten, "
        "reshape), or use the layer made for as many.",
    )


def _operands_advice(step, operands):
    if not _combines(step.source, set(operands)) or not _adds_maps(step.source, operands):
        return None
    if len({tensor.shape[:2] for tensor in operands.values()}) == 1:
        return None  # it is in height or width that they differ
    try:
        torch.broadcast_shapes(*(tensor.shape for tensor in operands.values()))
    except RuntimeError:
        return Bilingual(
            "两边的形状对不上：残差相加要求完全一样，输入和输出的通道数或大小不同时，要给块一个 downsample"
            "（1×1 卷积加批归一化）。",
            "The two sides' shapes do not fit: a residual sum needs them equal; where a block's input and output "
            "differ in channels or size, give it a downsample (1×1 convolution and batch norm).",
        )
    return None


def _adds_maps(source, operands):
    """Whether a line ends in a sum, of pictures: one that might be residual."""
    try:
        node = ast.parse(source).body[0]
    except (SyntaxError, IndexError):  # a header without its body
        return False
    sum_of = node if isinstance(node, ast.AugAssign) else getattr(node, "value", None)
    return isinstance(getattr(sum_of, "op", None), ast.Add) and {one.dim() for one in operands.values()} == {4}


def _combines(source, names):
    """Whether a line adds two of these tensors, element by element."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a header without its body
        return False
    sides = [(node.left, node.right) for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)]
    sides += [(node.target, node.value) for node in nodes if isinstance(node, ast.AugAssign)]
    return any(all(names & _names(side) for side in pair) for pair in sides)


def _names(node):
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}


def _placement_advice(parameter, given, integers=False):
    """What to say where weights and input differ in device or type; `integers`: whole numbers are right."""
    if parameter is None:
        return None
    if parameter.device != given.device:
        return Bilingual(
            f"权重在 {parameter.device}，输入在 {given.device}：请用 .to(…) 搬到同一个设备。",
            f"The weights are on {parameter.device}, the input on {given.device}: move them together with .to(…).",
        )
    if "complex" in str(given.dtype) and "complex" not in str(parameter.dtype):
        return Bilingual(
            f"权重是 {parameter.dtype}，输入是复数（{given.dtype}）：取 `.real`、`.abs()`，或用 torch.view_as_real "
            "拆成两个数。",
            f"The weights are {parameter.dtype}, and the input is complex ({given.dtype}): take `.real` or `.abs()`, "
            "or split it in two with torch.view_as_real.",
        )
    if parameter.dtype != given.dtype and (given.is_floating_point() or not integers):
        return Bilingual(
            f"权重是 {parameter.dtype}，输入是 {given.dtype}：请用 x.to({parameter.dtype}) 换成一样的类型。",
            f"The weights are {parameter.dtype}, the input {given.dtype}: make them one type with "
            f"x.to({parameter.dtype}).",
        )
    return None
