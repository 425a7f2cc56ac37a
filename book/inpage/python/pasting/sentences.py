"""What is said to somebody who pasted code, in both languages: one sentence each."""

from linewalk import Bilingual

_MOST_NAMES = 6  # in one sentence

EMPTY = Bilingual(
    "这里还没有代码：请粘贴一个 `nn.Module` 的类。", "There is no code yet: paste a class, an `nn.Module`."
)
TOO_LONG = Bilingual(
    "代码太长了（超过 20 万个字符）：请只粘贴要解释的那个类和它用到的函数。",
    "This is too long (over 200,000 characters): paste only the class to explain and what it uses.",
)
NOT_PYTHON = Bilingual(
    "这看起来不是 Python 代码：请粘贴一个用 PyTorch 写的类，从 `class …(nn.Module):` 到最后一行。",
    "This does not look like Python: paste a class written with PyTorch, from `class …(nn.Module):` to its last line.",
)
OTHER_LANGUAGE = Bilingual(
    "这看起来不是 Python 代码，而是别的编程语言：请粘贴一个用 PyTorch 写的类，从 `class …(nn.Module):` 到最后一行。",
    "This does not look like Python but like another language: paste a class written with PyTorch, from "
    "`class …(nn.Module):` to its last line.",
)
ONE_LINE = Bilingual(
    "单独一行没有输入可走：请粘贴它所在的整个类；`out = F.relu(self.bn(self.conv(out)))` 这样的一行，第 1 章逐字讲解。",
    "A line by itself has nothing to run on: paste the whole class around it; chapter 1 reads a line such as "
    "`out = F.relu(self.bn(self.conv(out)))` word by word.",
)
NO_CLASS = Bilingual(
    "这里没有类，只有语句或函数：请把它们放进一个 `class …(nn.Module):`，连同 `__init__` 和 `forward` 一起粘贴。",
    "There is no class here, only statements or functions: put them into a `class …(nn.Module):` with its `__init__` "
    "and `forward`, and paste that.",
)
NO_FORWARD = Bilingual(
    "这个类没有 `forward`，所以只解释 `__init__`；要看每一步的形状，请把 `forward` 也粘贴进来。",
    "This class has no `forward`, so only `__init__` is explained; paste its `forward`, too, to see shapes.",
)
ENDS = Bilingual(
    "这段代码自己结束了 Python（`sys.exit()`、`exit()` 之类）：请去掉那一句再试。",
    "This code ends Python itself (`sys.exit()`, `exit()` or the like): take that call out and try again.",
)
FORWARD_INSIDE = Bilingual(
    "`forward` 写在了 `__init__` 里面（多缩进了一层），类自己就没有 `forward`：把它和 `__init__` 对齐。",
    "`forward` stands inside of `__init__`, one level too deep, so the class itself has none: indent it like "
    "`__init__`.",
)
RECURSION = Bilingual(
    "这段代码一层套一层，没有尽头：检查有没有函数或类在调用它自己。",
    "This code goes into itself without end: look for a function or class that calls itself.",
)


FORWARD_OUTSIDE = Bilingual(
    "`forward` 写在了类的外面：把它往里缩进一层，和 `__init__` 对齐。",
    "`forward` stands outside of the class: indent it one level, like `__init__`.",
)
PRINTED = Bilingual(
    "这是 `print(model)` 打印出来的样子，里面没有 `forward`：请粘贴定义它的 `class …(nn.Module):`。",
    "This is what `print(model)` puts out, and no `forward` stands in it: paste the `class …(nn.Module):` that defines "
    "the model.",
)
LINES = Bilingual(
    "这是 `forward` 里的几行，`self.…` 是什么要看它的类：请把整个类粘贴进来，从 `class …(nn.Module):` 到最后一行。",
    "These are lines out of a `forward`, and what `self.…` is stands in its class: paste the whole class, from "
    "`class …(nn.Module):` to its last line.",
)
TURNED = Bilingual(
    "代码里有看不见的、会改变显示顺序的字符：看到的顺序不一定是运行的顺序；下面把它们写成了 ⟨U+202E⟩ 的样子。",
    "There are invisible characters in this code that change the order in which it is shown: what you read in the box "
    "may not be what runs; below they stand as ⟨U+202E⟩.",
)
IN_A_CLASS = Bilingual(
    "这里没有类，只有一个 `nn.Sequential`：已放进一个类，`forward` 按顺序一层一层地调用，"
    "和 `nn.Sequential` 自己做的一样。",
    "There is no class here but an `nn.Sequential`: it was put into one, whose `forward` calls the layers one after "
    "another, as `nn.Sequential` itself does.",
)


def only_a_function(name):
    return Bilingual(
        f"这里只有函数 `{name}`，没有类：在它下面写 `class Net(nn.Module):`，在 `__init__` 或 `forward` 里调用 "
        f"`{name}(…)`，再一起粘贴。",
        f"Here is the function `{name}` and no class: write a `class Net(nn.Module):` below it that calls `{name}(…)` "
        "in its `__init__` or `forward`, and paste both.",
    )


def cannot_define(name, line, zh, en):
    return Bilingual(
        f"第 {line} 行的 `{name}` 定义不出来：{zh}", f"`{name}` on line {line} cannot be defined. {en.rstrip('.')}."
    )


def name_not_there(owner, line, name, meant):
    zh, en = (f"（想写的是 `{meant}` 吗？）", f" (did you mean `{meant}`?)") if meant else ("", "")
    return Bilingual(
        f"第 {line} 行的 `{owner}` 定义不出来：没有 `{name}` 这个名字{zh}；请改正，或者把定义它的代码也贴进来。",
        f"`{owner}` on line {line} cannot be defined: there is no name `{name}`{en}; correct it, or paste what defines "
        "or imports it.",
    )


def not_in_base(name, base):
    return Bilingual(
        f"`{name}` 不在这个类里：它要么来自没有贴进来的 `{base}`（把 `{base}` 的代码也贴进来），要么要先在 `__init__` "
        f"里写 `self.{name} = …`。",
        f"`{name}` is not in this class: either it comes from `{base}`, which was not pasted along (paste its code, "
        f"too), or `__init__` has to set `self.{name} = …` first.",
    )


def left_empty(name):
    return Bilingual(
        f"`*{name}` 要几个、是什么，猜不出来，所以一个也没有给：把它换成有名字的参数就能填。",
        f"What `*{name}` takes and how many could not be guessed, so it got nothing: with named parameters it can be "
        "filled in.",
    )


def wants_a_dictionary(name):
    return Bilingual(
        f"`{name}` 要的是一个字典，这一页只会喂张量和它们的列表：让 `forward` 直接接收张量，"
        "例如 `forward(self, image)`。",
        f"`{name}` is to be a dictionary, and this page feeds tensors and lists of them: let `forward` take tensors, "
        "as in `forward(self, image)`.",
    )


def constant_guessed(name, text):
    return Bilingual(
        f"`{name}` 没有贴进来，先当作 {text}。", f"`{name}` was not pasted along and is taken as {text}."
    )


def number_guessed(name, line, text):
    return Bilingual(
        f"第 {line} 行的 `{name}` 要用到这里没有的东西才算得出，先当作 {text}。",
        f"`{name}` on line {line} is computed from what is not here, and is taken as {text}.",
    )


def part_not_pasted(name):
    return Bilingual(
        f"参数 `{name}` 要的是一个模块，它的类没有贴进来，先用 `nn.Identity()` 顶替：把它的类也贴进来，或者填一个层。",
        f"`{name}` is a module whose class was not pasted along, and `nn.Identity()` stands for it: paste its class, "
        "too, or write a layer here.",
    )


def forward_misnamed(name):
    return Bilingual(
        f"这个类没有 `forward`，却有 `{name}`：如果它就是前向传播，请改名为 `forward`。",
        f"This class has no `forward` but a `{name}`: if that is the forward pass, call it `forward`.",
    )


def self_missing(method, first):
    return Bilingual(
        f"`{method}` 的第一个参数是模块自己，这里却写成了 `{first}`：请写 `def {method}(self, {first}, …)`。",
        f"The first parameter of `{method}` is the module itself, and here it is called `{first}`: write "
        f"`def {method}(self, {first}, …)`.",
    )


FED_RANDOM = Bilingual(
    "每一行下面的数值和特征图是这一页算出来的：权重是 `torch.manual_seed(0)` 之后的初始值，"
    "输入是 `torch.randn` 的随机数。",
    "The values and maps below the lines were computed in this page: the weights are the initial ones after "
    "`torch.manual_seed(0)`, the input is random, of `torch.randn`.",
)
FED_PHOTOGRAPH = Bilingual(
    "每一行下面的数值和特征图是这一页算出来的：权重是 `torch.manual_seed(0)` 之后的初始值，输入是书里的那张照片。",
    "The values and maps below the lines were computed in this page: the weights are the initial ones after "
    "`torch.manual_seed(0)`, the input is the book's photograph.",
)


FED_OWN = Bilingual(
    "每一行下面的数值和特征图是这一页算出来的：权重是 `torch.manual_seed(0)` 之后的初始值，输入是你的照片。",
    "The values and maps below the lines were computed in this page: the weights are the initial ones after "
    "`torch.manual_seed(0)`, the input is your own picture.",
)


def unknown_from(fed, line):
    return Bilingual(
        f"{fed.zh}从 `{line}` 起有这一页只知道形状、算不出数值的运算，所以往下没有特征图。",
        f"{fed.en} From `{line}` on there are operators of which this page knows the shapes and not the values, so "
        "there are no maps below it.",
    )


def depends_on_values(number, line):
    return Bilingual(
        f"第 {number} 行 `{line}` 要看张量里的数值，所以这一次是用真正的数值运行的（下面写着是哪些）；"
        "换一组权重或输入，从这一行起可能是另一种走法。",
        f"What line {number}, `{line}`, does depends on the values in a tensor, so this run used real ones (below "
        "stands which); with other weights or another input it may go another way from there.",
    )


def too_large(macs, smaller):
    zh, en = "请换小一点的输入", "use less input"
    if smaller:
        shape = ", ".join(map(str, smaller))
        zh, en = f"把上面第一个输入的形状改小就能看到，例如 {shape}", f"make the first input smaller, such as {shape}"
    return Bilingual(
        f"这样大的输入（{macs:,} 次乘加）在网页里算数值太慢，所以只有形状；{zh}。",
        f"With so large an input ({macs:,} MACs) values would take a page too long, so there are shapes only; {en}.",
    )


def too_many_parameters(count):
    return Bilingual(
        f"它有 {count:,} 个参数，在网页里算数值太慢，所以只有形状；把宽度或层数改小就能看到特征图。",
        f"It has {count:,} parameters, and values would take a page too long, so there are shapes only; with fewer "
        "channels or layers there are maps.",
    )


def not_with_numbers(said):
    return Bilingual(
        f"换成真正的数值再运行时没有走完（{said}），所以只有形状。",
        f"Run once more with real values it did not come to its end ({said}), so there are shapes only.",
    )


def not_a_module(name, base):
    return Bilingual(
        f"`{name}` 不是 `nn.Module`（它继承 `{base}`）：这一页只解释 PyTorch 的模块。",
        f"`{name}` is not an `nn.Module` (it inherits from `{base}`): this page explains PyTorch's modules only.",
    )


def other_framework(name):
    return Bilingual(
        f"这是 {name} 的代码：这一页只解释 PyTorch 的 `nn.Module`。",
        f"This is code for {name}: this page explains PyTorch's `nn.Module` only.",
    )


_SAID = (  # what Python says of mistakes that are often made, by its beginning
    ("'(' was never closed", "括号没有闭合"),
    ("'[' was never closed", "方括号没有闭合"),
    ("invalid syntax. Perhaps you forgot a comma", "多半少了一个逗号"),
    ("invalid syntax. Maybe you meant '=='", "比较相等要写 `==`"),
    ("unterminated string literal", "引号没有闭合"),
    ("unmatched ')'", "多了一个右括号"),
)


def syntax(line, text, said):
    zh = next((zh for en, zh in _SAID if str(said).startswith(en)), said)
    return Bilingual(
        f"第 {line} 行 `{text}` 不是合法的 Python（{zh}）：请改好这一行再试。",
        f"Line {line}, `{text}`, is not valid Python ({said}): mend this line and try again.",
    )


def lost_indentation(line, text):
    return Bilingual(
        f"第 {line} 行 `{text}` 的缩进不对，补不回来：请从原处重新复制，保留每行开头的空格。",
        f"The indentation of line {line}, `{text}`, is lost and cannot be restored: copy the code again with the "
        "spaces that its lines begin with.",
    )


def failed_to_load(name, said):
    return Bilingual(
        f"运行到 `{name}` 时出错（{said}）：请先让这段代码能单独运行。",
        f"`{name}` fails when it is defined ({said}): make the code run by itself first.",
    )


def own_fault(said):
    return Bilingual(
        f"是这一页自己出了错（{said}），不怪你的代码：请刷新再试；还是这样，就先把代码改简单一点。",
        f"This page itself has failed ({said}), which is no fault of your code: reload it and try again; if that does "
        "not help, make the code simpler.",
    )


def wrong_argument(name, text, said):
    return Bilingual(
        f"参数 `{name}` 填的 `{text}` 不能用（{said}）：请填一个 Python 的值，例如 64 或 None。",
        f"`{text}` cannot be used for `{name}` ({said}): write a Python value, such as 64 or None.",
    )


def wrong_shape(text):
    return Bilingual(
        f"输入形状 `{text}` 看不懂：请写成 1, 64, 56, 56 这样的正整数。",
        f"The input shape `{text}` cannot be read: write whole numbers such as 1, 64, 56, 56.",
    )


def no_such_class(name, names):
    return Bilingual(
        f"没有叫 `{name}` 的类：有的是 {'、'.join(names)}。",
        f"There is no class `{name}`: there are {', '.join(names)}.",
    )


def input_not_guessed(shapes):
    return Bilingual(
        f"猜不出 `forward` 要什么输入：用 {shapes} 试的这一次在下面标出的那一行出错；请改输入的形状，或者改那一行。",
        f"What `forward` wants could not be guessed: with {shapes} it fails at the line marked below; change the "
        "input's shape, or mend that line.",
    )


def argument_not_guessed(name, text):
    return Bilingual(
        f"参数 `{name}` 该填什么猜不准，先用了 `{text}`：不对就改它。",
        f"What `{name}` should be is no more than a guess, `{text}`: change it if it is wrong.",
    )


def taken_as_modules(bases):
    zh, en = _listed(bases)
    were, are = ("was", "is") if len(bases) == 1 else ("were", "are")
    return Bilingual(
        f"{zh} 没有贴进来，当作 `nn.Module`。", f"{en} {were} not pasted along and {are} taken as `nn.Module`."
    )


def torchvisions(name):
    return Bilingual(
        f"`{name}` 没有贴进来，用了 torchvision 的那一个。", f"`{name}` was not pasted along; torchvision's was taken."
    )


def on_the_processor(name):
    return Bilingual(
        f"`{name}` 没有贴进来，当作 `torch.device(\"cpu\")`。",
        f"`{name}` was not pasted along and is taken as `torch.device(\"cpu\")`.",
    )


def _listed(names):
    """The first of these names in either language, and how many there are more."""
    shown, more = [f"`{name}`" for name in names[:_MOST_NAMES]], len(names) - _MOST_NAMES
    zh, en = "、".join(shown), ", ".join(shown)
    return (zh, en) if more <= 0 else (f"{zh} 等 {len(names)} 个", f"{en} and {more} more")


def stood_in(names):
    zh, en = _listed(names)
    taken = "is not here; a stand-in of the same shapes was taken"
    if len(names) > 1:
        taken = "are not here; stand-ins of the same shapes were taken"
    return Bilingual(f"{zh} 这里没有，用了形状相同的替身。", f"{en} {taken}.")


def added_imports(lines):
    shown = ", ".join(f"`{line}`" for line in lines)
    return Bilingual(f"缺少的导入已补上：{shown}。", f"Missing imports were added: {shown}.")


def not_here(names):
    zh, en = _listed(names)
    are, one = ("is", "it") if len(names) == 1 else ("are", "one of them")
    return Bilingual(
        f"{zh} 这里没有：用到的那一行会停下，别的行照常解释。",
        f"{en} {are} not here: the run stops where a line uses {one}, and the other lines are explained as usual.",
    )


def undecorated(names):
    zh, en = _listed(names)
    one = f"The decorator {en} is not here; it is as if it were not there."
    several = f"The decorators {en} are not here; it is as if they were not there."
    return Bilingual(f"装饰器 {zh} 这里没有，就当没有。", one if len(names) == 1 else several)


def left_out(line, text):
    return Bilingual(
        f"第 {line} 行 `{text}` 不是类的一部分，没有运行。",
        f"Line {line}, `{text}`, is no part of a class and was not run.",
    )


REPAIRS = {
    "fences": Bilingual("取出了 Markdown 代码框里的代码。", "The code was taken out of its Markdown fences."),
    "prompts": Bilingual(
        "去掉了每行开头的行号或提示符。", "Line numbers or prompt marks at the beginning of lines were removed."
    ),
    "wide": Bilingual("全角标点换成了半角。", "Full-width punctuation was replaced."),
    "spaces": Bilingual("特殊空格换成了普通空格。", "Unusual spaces were replaced by plain ones."),
    "quotes": Bilingual("弯引号换成了直引号。", "Curly quotes were replaced by straight ones."),
    "tabs": Bilingual("制表符换成了空格。", "Tabs were replaced by spaces."),
    "prose": Bilingual("代码前后的文字没有算进去。", "The words around the code were left out."),
    "init": Bilingual(
        "`init` 的双下划线丢了（网页常会吃掉它），已改回 `__init__`。",
        "`init` had lost its double underscores (web pages often eat them) and is `__init__` again.",
    ),
    "lines": Bilingual(
        "换行和缩进丢了，已按常见写法补回；`if` 和 `for` 下面有几行是猜的，请核对。",
        "Line breaks and indentation were lost and have been put back as they usually are; how many lines stand below "
        "an `if` or `for` is a guess, so check them.",
    ),
    "indentation": Bilingual(
        "缩进丢了，已按常见写法补回；`if` 和 `for` 下面有几行是猜的，请核对。",
        "The indentation was lost and has been put back as it usually is; how many lines stand below an `if` or `for` "
        "is a guess, so check them.",
    ),
    "dedent": Bilingual("多余的缩进已去掉。", "Superfluous indentation was removed."),
    "print": Bilingual("Python 2 的 `print` 语句没有运行。", "Python 2's `print` statements were not run."),
    "entities": Bilingual(
        "网页符号（`&gt;` 等）换回了原字符。", "Web entities such as `&gt;` were turned back into characters."
    ),
    "diff": Bilingual(
        "去掉了 diff 的记号（`+`、`@@`）和它删去的行。",
        "The marks of a diff (`+`, `@@`) were removed, and the lines that it takes away.",
    ),
    "notebook": Bilingual("取出了笔记本文件里的代码单元格。", "The code cells were taken out of the notebook file."),
    "escapes": Bilingual(r"`\n` 换回了真正的换行。", r"`\n` was turned back into line breaks."),
    "ligatures": Bilingual("连写的字母（`ﬁ` 等）拆开了。", "Joined letters such as `ﬁ` were taken apart."),
    "tags": Bilingual("网页标签已去掉。", "Tags of a web page were removed."),
    "comments": Bilingual(
        "整段代码都在注释或字符串里，已经取出来。", "All of the code was in comments or in a string; it was taken out."
    ),
    "super": Bilingual(
        "`super(…).__init__()` 少了 `self`，什么也不初始化：已改成 `super().__init__()`。",
        "`super(…).__init__()` without `self` sets nothing up: it is `super().__init__()` now.",
    ),
    "magics": Bilingual(
        "笔记本的命令（`%…`、`!…`）和省略号没有算进去。",
        "A notebook's commands (`%…`, `!…`) and dots that stand for more were left out.",
    ),
    "capitals": Bilingual(
        "行首的 `Class`、`Def` 等改回了小写。", "`Class`, `Def` and the like at the beginning of lines are small again."
    ),
    "colons": Bilingual("行尾缺少的冒号已补上。", "Missing colons at the ends of lines were added."),
}
