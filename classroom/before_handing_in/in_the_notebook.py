# @title 出错时多说一句；交之前一次检查 · Says more about errors; checks all at once
import builtins
import contextlib
import io
import linecache
import re

import torch.nn

_TESTS = {}

# What "Type: text" of an error means to a beginner; {0}, {1} are the pattern's groups.
_MEANINGS = [
    (r"NotImplementedError: $",
     "`raise NotImplementedError()` 还在：这一格还没写，或者写完忘了删这一行。",
     "`raise NotImplementedError()` is still there: the cell is not written yet, or this line was left in."),
    (r"missing the required \"forward\" function",
     "这个类没有 `forward`：看看方法名有没有拼错，`def` 有没有缩进在类里面。",
     "The class has no `forward`: see whether the name is misspelt, and whether its `def` is indented into the class."),
    (r"before Module.__init__\(\) call|has no attribute '_(?:modules|parameters|buffers)'",
     "`__init__` 的第一行先要调用父类的：`super().__init__(…)`，`super` 和 `__init__` 后面都要有括号；"
     "在它之前一层也挂不上去。",
     "The first line of `__init__` calls the parent's: `super().__init__(…)`, with parentheses after both `super` "
     "and `__init__`; before it, no layer can be attached."),
    (r"list is not a Module subclass",
     "`nn.Sequential` 不收列表：各层直接写在括号里，或在列表前加星号，`nn.Sequential(*layers)`。",
     "`nn.Sequential` takes no list: write the layers into its parentheses, or put a star before the list, "
     "`nn.Sequential(*layers)`."),
    (r"TypeError: (?:[\w.]+\.)?(\w+) is not a Module subclass",
     "`{0}` 后面少了括号：`{0}` 是类，`{0}(…)` 才造出一层。",
     "`{0}` lacks its parentheses: `{0}` is the class, and only `{0}(…)` makes a layer."),
    (r"invalid combination of arguments - got \((?!Tensor|NoneType|tuple)(\w+), "
     r"|must be Tensor, not (?!NoneType)([A-Z]\w+)$|'(ReLU|Conv2d|BatchNorm2d)' object has no attribute",
     "该传张量的地方传了一个 `{0}` 层。`nn.{0}(…)` 是造一层，造好的层再拿张量去调用：`__init__` 里造层要带括号，"
     "例如 `self.relu = nn.ReLU()`；`forward` 里用 `self.relu(out)`。",
     "A `{0}` layer was passed on where a tensor belongs. `nn.{0}(…)` makes a layer, which is then called with a "
     "tensor: in `__init__`, make it with parentheses, as in `self.relu = nn.ReLU()`; in `forward`, use "
     "`self.relu(out)`."),
    (r"empty\(\): argument 'size'.* not Tensor",
     "有一层在 `__init__` 里少了括号和通道数：要写 `nn.BatchNorm2d(channels)`，只写 `nn.BatchNorm2d` 得到的是类，"
     "不是层。",
     "A layer in `__init__` lacks its parentheses and channels: write `nn.BatchNorm2d(channels)`; `nn.BatchNorm2d` "
     "alone is the class and no layer."),
    (r"empty\(\): argument 'size'.* float|'float' object cannot be interpreted as an integer",
     "通道数成了小数：`/` 得到的总是小数，整除用 `//`，乘法用 `*`。",
     "A number of channels has become a float: `/` always gives one; `//` divides into whole numbers, `*` multiplies."),
    (r"Invalid padding string",
     "`padding` 收到的是加了引号的数：去掉引号。",
     "`padding` got a number in quotes: take the quotes away."),
    (r"not all arguments converted during string formatting|multiply sequence by non-int of type 'str'"
     r"|unsupported operand type\(s\).*'(?:str|tuple)'",
     "该是数的地方成了文字或元组：数不加引号、不用 `str()`，也不写千位逗号（`1,000` 在 Python 里是两个数）。",
     "Text or a tuple stands where a number belongs: numbers take no quotes, no `str()` and no comma between "
     "thousands (`1,000` is two numbers to Python)."),
    (r"unsupported operand type\(s\) for .*'(?:method|function|builtin_function_or_method|type)'"
     r"|'(?:method|function|builtin_function_or_method)' object|'type' object does not support the context manager",
     "有个函数没有调用：名字后面少了括号，例如 `out.clone()`、`torch.no_grad()`；函数带参数的，括号里还要写上参数。",
     "A function is named but not called: parentheses are missing after it, as in `out.clone()` or "
     "`torch.no_grad()`; arguments, where it takes any, go inside."),
    (r"unsupported operand type\(s\) for %: '(?!NoneType)(\w+)' and 'int'",
     "造卷积时，该写通道数的地方是一个 `{0}`：看看 `__init__` 的第一个参数是不是 `self`。",
     "Where a convolution wants a number of channels stands a `{0}`: see whether the first parameter of `__init__` "
     "is `self`."),
    (r"'NoneType' object is not callable",
     "被调用的东西是 `None`：`downsample` 可以是 `None`，用之前先问 `is not None`，`norm_layer` 也一样；"
     "要是它来自你写的函数，"
     "那个函数漏了 `return`。",
     "What is called here is `None`: `downsample` may be `None`, so ask `is not None` before you use it, and so may "
     "`norm_layer`; if it comes from a function of yours, that function lacks its `return`."),
    (r"'NoneType'|must be Tensor, not NoneType|got \(NoneType, ",
     "这里用到了 `None`：多半是一个函数没有 `return`。`print` 只把结果显示出来，要交回去得用 `return`；"
     "`layers.append(…)` 也返回 `None`，前面不要写 `layers =`。",
     "`None` is used here: most likely a function has no `return`. `print` only shows a result, `return` hands it "
     "back; `layers.append(…)` returns `None` as well, so write no `layers =` before it."),
    (r"SyntaxError: invalid (?:non-printable )?character '?(.)",
     "`{0}` 是中文（全角）标点：代码里的逗号、括号、冒号、引号都要用英文输入法打。",
     "`{0}` is no character of Python's: type commas, brackets, colons and quotes with the English keyboard."),
    (r"IndentationError|TabError",
     "缩进没有对齐：同一层的行，开头的空格要一样多；`def`、`if`、`class` 下面的行多缩进 4 个。",
     "The indentation does not line up: lines on one level begin with equally many spaces; below `def`, `if` and "
     "`class` there are 4 more."),
    (r"SyntaxError: ",
     "Python 读不懂这一行（有时是它的上一行）：看看冒号、括号、引号、逗号是不是少了或多了。",
     "Python cannot read this line (or, at times, the one before): see whether a colon, bracket, quote or comma is "
     "missing or one too many."),
    (r"UnboundLocalError: .*'(\w+)'",
     "`{0}` 还没有值就用上了：给它第一个值的那一行漏了，或者写在后面，或者 `if` 没有成立、没有走到。",
     "`{0}` is used before it has a value: the line that gives it its first value is missing, comes later, or stands "
     "under an `if` that was not taken."),
    (r"RecursionError",
     "函数一直在调用自己：`forward` 里不要调用 `self.forward(x)` 或 `self(x)`，要的大概是另一个方法。",
     "The function calls itself without end: call neither `self.forward(x)` nor `self(x)` inside `forward`; another "
     "method is probably meant."),
    (r"'(\w+)' object is not subscriptable",
     "`{0}` 后面写了方括号：调用要用圆括号，`self.conv1(x)`。",
     "Square brackets follow a `{0}`: calls take round ones, `self.conv1(x)`."),
    (r"'(\w+)' object is not callable",
     "`{0}` 不是函数，后面不加圆括号：去掉 `()`；要从里面取东西，用方括号。",
     "A `{0}` is no function and takes no parentheses: drop the `()`; to take something out of it, use square "
     "brackets."),
    (r"(\w+\(\)) (?:takes \d+ positional arguments? but \d+ w|got multiple values)",
     "`{0}` 收到的参数和 `def` 里写的对不上：方法的第一个参数要是 `self`；构造函数两边各有两条下划线，`__init__`；"
     "还要看看调用时有没有少写一对括号。",
     "The arguments of `{0}` do not fit its `def`: a method's first parameter is `self`; the constructor has two "
     "underscores on each side, `__init__`; and see whether a call somewhere lacks its parentheses."),
    (r"(\w+\(\)) missing \d+ required positional arguments?: (.*)",
     "调用 `{0}` 时少给了参数：{1}。",
     "The call of `{0}` lacks arguments: {1}."),
    (r"(\w+\(\)) got an unexpected keyword argument '(\w+)'",
     "`{0}` 没有叫 `{1}` 的参数：看看名字有没有拼错（卷积的是 `stride`、`padding`、`groups`、`dilation`、`bias`）；"
     "要是你写的 `__init__`，看看两边是不是各有两条下划线。",
     "`{0}` has no argument `{1}`: see whether it is misspelt (a convolution's are `stride`, `padding`, `groups`, "
     "`dilation`, `bias`); if it is an `__init__` of yours, see whether it has two underscores on each side."),
    (r"'(\w+)' object has no attribute '(\w+)'",
     "`{0}` 里没有 `{1}`：看看名字和上面给出的是不是一字不差；`__init__` 里要写 `self.{1} = …`，不带 `self.` "
     "留不下来。",
     "`{0}` has no `{1}`: see whether the name is to the letter the one given above; in `__init__`, write `self.{1} "
     "= …`, since without `self.` nothing stays."),
    (r"KeyError: \"到",  # a walk's own: it says which names there are, in both languages
     "到那一行为止还没有这个名字：先用 `in step.changed` 问一问，再取值。",
     "Up to that line there is no such name yet: ask by `in step.changed` before you take its value."),
    (r"KeyError: '(\w+)'",
     "字典里没有 `\"{0}\"` 这个键：上面的格子运行过了吗？键拼对了吗？",
     "The dict has no key `\"{0}\"`: has the cell above run, and is the key spelt right?"),
]
_SELF = re.compile(r"(?:conv|bn)\d|relu|downsample|expansion|scale|main_path")


def before_handing_in():
    """Runs every visible test on your answers, and says of each that fails what is wrong."""
    passed = 0
    for name, source in _TESTS.items():
        printed, namespace = io.StringIO(), dict(globals())
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, f"<{name}>", "exec"), namespace)
        except Exception as error:
            print(f"✗ {name}")
            print(*(f"    {line}" for line in [*printed.getvalue().splitlines()[-5:], *_told(error)]), sep="\n")
        else:
            passed += 1
            print(f"✓ {name}")
    print(f"\n看得到的检查，{len(_TESTS)} 个里通过了 {passed} 个；交上去以后还有看不到的。"
          f" · {passed} of {len(_TESTS)} visible tests passed; more, which you cannot see, follow once you hand in.")


def _told(error):
    if isinstance(error, AssertionError) and str(error):
        return [str(error)]
    where = _line(error)
    lines = [f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"]
    return [*lines, *([f"→ {where}"] if where else []), _meaning(error, where)]


def _line(error):
    """The last line that ran in the notebook itself, neither in a library nor in a test."""
    if isinstance(error, SyntaxError):
        return (error.text or "").strip()
    found, step = "", error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals is globals() and step.tb_frame.f_code is not before_handing_in.__code__:
            found = linecache.getline(step.tb_frame.f_code.co_filename, step.tb_lineno).strip()
        step = step.tb_next
    return found


def _meaning(error, line):
    if words := getattr(error, "words", None):  # of what the book's page lacks where it runs this
        return " · ".join(words)
    if type(error) is NameError:
        return _unknown(error.name, line)
    text = f"{type(error).__name__}: {error}"
    for pattern, zh, en in _MEANINGS:
        if found := re.search(pattern, text, re.DOTALL):
            groups = [group for group in found.groups() if group]
            return f"{zh.format(*groups)} · {en.format(*groups)}"
    return (
        "先看停在哪一行，再把那一行用到的东西逐个打印出来：它们的类型和形状是你想的那样吗？ · "
        "See at which line it stopped, then print what that line uses, one by one: are their types and shapes what you "
        "expect?"
    )


def _unknown(name, line):
    if f"[{name}]" in line or f"value({name})" in line:
        return (
            f"`{name}` 没有加引号，Python 就去找叫这个名字的变量：要写 `\"{name}\"`。 · "
            f"Without quotes Python looks for a variable `{name}`: write `\"{name}\"`."
        )
    if name == "self":
        return (
            "`self` 只在类的方法里有：这个函数不在类里，要从类名读，例如 `Bottleneck.expansion`；方法的第一个参数要写 "
            "`self`。 · "
            "`self` exists in a class's methods only: a function outside reads from the class by name, as in "
            "`Bottleneck.expansion`; a method's first parameter is `self`."
        )
    if _SELF.fullmatch(name):
        return f"`{name}` 是块自己的：前面要加 `self.`。 · `{name}` belongs to the block: write `self.` before it."
    if hasattr(torch.nn, name):
        return f"`{name}` 前面要加 `nn.`：`nn.{name}`。 · Write `nn.` before `{name}`: `nn.{name}`."
    if hasattr(builtins, name.capitalize()):
        return f"`{name}` 的首字母要大写：`{name.capitalize()}`。 · Write `{name.capitalize()}` with a capital letter."
    return (
        f"这里不认识 `{name}`：名字拼错了，给它值的那一行漏了，或者写它的那一格没有运行、运行时报了错。"
        "要是模块里的东西，前面写上模块，例如 `explicit.Bottleneck`。从头运行到这里再看。 · "
        f"`{name}` is not known here: it is misspelt, the line that gives it a value is missing, or the cell that "
        f"writes it "
        "did not run or failed. What is in a module takes the module before it, as in `explicit.Bottleneck`. Run from "
        "the "
        "top, then look again."
    )


def _say_more(result):
    """After a cell that failed raw: what the error means, below Python's own words."""
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, Exception) and not isinstance(error, AssertionError):
        print("💡", _meaning(error, _line(error)))


if "get_ipython" in globals():
    _events = get_ipython().events  # noqa: F821 (a notebook has it)
    for _earlier in [one for one in _events.callbacks["post_run_cell"] if one.__name__ == "_say_more"]:
        _events.unregister("post_run_cell", _earlier)
    _events.register("post_run_cell", _say_more)
