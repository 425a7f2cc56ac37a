"""`python -m linewalk model.py:Bottleneck --init 64,64 --input 1,64,56,56 --language zh --output annotated.py`"""

import argparse
import ast
import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import torch
import torch.nn as nn

from .errors import Bilingual
from .notes import annotate
from .trail import count_of

_WRITERS = {
    ".py": lambda notes: notes.code(),
    ".md": lambda notes: notes.markdown(),
    ".html": lambda notes: notes.html(),
    ".ipynb": lambda notes: json.dumps(notes.notebook(), ensure_ascii=False, indent=1) + "\n",
}
_MOST_NUMBERS = 1_000_000_000  # in one input
_LARGEST = 2_000_000_000  # bytes of weights; a larger module is told on the meta device


class Refused(Exception):
    """What was asked cannot be done; says what to write instead, in both languages."""

    def __init__(self, zh, en):
        super().__init__(str(Bilingual(zh, en)))


def main(arguments=None):
    """Run the command; returns the exit code, 1 after a sentence about what was wrong."""
    try:
        options = _parser().parse_args(arguments)
        writer = _writer(options.output)
        cls = _load_class(options.module)
        init, keywords = _arguments(options.init)
        inputs = tuple(_tensor(text, options.integers) for text in options.input)
        notes = _annotate(cls, init, keywords, inputs, options)
    except (Refused, TypeError) as error:
        print(error, file=sys.stderr)
        return 1
    if notes.error is not None:
        print(_failed(notes), file=sys.stderr)
    if not options.output:
        print(notes)
        return 0
    try:
        Path(options.output).write_text(writer(notes), encoding="utf-8")
    except OSError as error:
        print(
            Bilingual(
                f"写不进 {options.output}（{error.strerror}）：请换一个能写的地方。",
                f"{options.output} cannot be written ({error.strerror}): name another place.",
            ),
            file=sys.stderr,
        )
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refused(
            f"命令写得不对（{message}）：`{self.prog} --help` 列出怎么写。",
            f"The command is not right ({message}): `{self.prog} --help` lists how it is written.",
        )


def _parser():
    parser = _Parser(
        prog="python -m linewalk",
        description="给 nn.Module 的每一行写注释 · Puts every line of an nn.Module into words",
    )
    parser.add_argument("module", help="model.py:Bottleneck 或 or package.module:Bottleneck")
    parser.add_argument("--init", default="", help="__init__ 的参数 · its arguments: 64,64,stride=2")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        help="一个输入的形状，可以写几次 · shape of an input, may be repeated: 1,64,56,56",
    )
    parser.add_argument(
        "--integers", type=_positive, metavar="N", help="输入是 0 到 N−1 的整数 · inputs are whole numbers below N"
    )
    parser.add_argument("--language", default="zh", choices=("zh", "en", "both"))
    parser.add_argument("--output", help="annotated.py, .md, .ipynb 或 or .html；不写就打印 · left out, it is printed")
    parser.add_argument("--train", action="store_true", help="训练模式，默认是评估模式 · training mode, not evaluation")
    return parser


def _positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"1, 2, 3, … · {text}")
    return int(text)


def _writer(output):
    if output is None:
        return None
    if Path(output).suffix not in _WRITERS:
        raise Refused(
            f"--output 的后缀要是 {'、'.join(_WRITERS)} 之一，拿到的是 {output}。",
            f"--output must end in {', '.join(_WRITERS)}, not {output}.",
        )
    return _WRITERS[Path(output).suffix]


def _load_class(text):
    place, separator, name = text.replace("：", ":").rpartition(":")
    if not separator or not name.isidentifier() or not place.strip(":") or place.endswith(":"):
        raise Refused(
            f"要写 文件:类，例如 model.py:Bottleneck；拿到的是 {text}。",
            f"Write file:class, as in model.py:Bottleneck, not {text}.",
        )
    module = _load_file(Path(place)) if place.endswith(".py") else _import(place)
    cls = getattr(module, name, None)
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        found = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__
        ]
        if not found:
            raise Refused(
                f"{place} 里一个 nn.Module 也没有：请换成写了模块的文件。",
                f"There is no nn.Module in {place}: name the file in which the module is written.",
            )
        raise Refused(
            f"{place} 里没有叫 {name} 的 nn.Module：有的是 {'、'.join(found)}。",
            f"There is no nn.Module called {name} in {place}: there are {', '.join(found)}.",
        )
    return cls


def _load_file(path):
    if not path.is_file():
        raise Refused(f"没有 {path} 这个文件：请检查路径。", f"There is no file {path}: check the path.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    return _executed(lambda: spec.loader.exec_module(module) or module, path)


def _import(name):
    sys.path.insert(0, "")
    return _executed(lambda: importlib.import_module(name), name)


def _executed(load, place):
    try:
        return load()
    except (Exception, SystemExit) as error:
        raise Refused(
            f"{place} 运行不了（{type(error).__name__}: {error}）：请先让它能单独运行。",
            f"{place} does not run ({type(error).__name__}: {error}): make it run by itself first.",
        ) from error


def _arguments(text):
    """`64,64,stride=2` as positional and keyword arguments: Python's constants only."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        return [ast.literal_eval(a) for a in call.args], {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise Refused(
            "--init 只能是数、带引号的字符串、None、列表这样的常量，用半角逗号隔开，例如 64,64,act='relu'；"
            f"拿到的是 {text}。",
            "--init takes constants only (numbers, strings in quotes, None, lists) with commas between them, as in "
            f"64,64,act='relu', not {text}.",
        ) from error


def _tensor(text, integers):
    try:
        shape = [int(size) for size in re.split("[,x×，]", text)]
    except ValueError:
        shape = [-1]
    if min(shape) < 1:
        raise Refused(
            f"--input 要写形状，例如 1,64,56,56；拿到的是 {text}。",
            f"--input wants a shape, as in 1,64,56,56, not {text}.",
        )
    if math.prod(shape) > _MOST_NUMBERS:
        raise Refused(
            f"--input {text} 有 {math.prod(shape):,} 个数，放不进内存：请写小一点的形状。",
            f"--input {text} has {math.prod(shape):,} numbers, too many for memory: write a smaller shape.",
        )
    return torch.randint(integers, shape) if integers else torch.rand(shape)


def _annotate(cls, init, keywords, inputs, options):
    device = torch.device("cpu")
    if _weigh(cls, init, keywords) > _LARGEST:
        device = torch.device("meta")
        inputs = tuple(tensor.to(device) for tensor in inputs)
    with device:
        return annotate(
            cls, *init, language=options.language, inputs=inputs or None, training=options.train, **keywords
        )


def _weigh(cls, init, keywords):
    """Bytes of the weights, worked out without having them."""
    try:
        with torch.device("meta"):
            module = cls(*init, **keywords)
    except TypeError as error:
        raise Refused(
            f"{cls.__name__} 建不出来（{error}）：请用 --init 给它参数，例如 --init 64,64。",
            f"{cls.__name__} cannot be built ({error}): give it its arguments, as in --init 64,64.",
        ) from error
    except Exception:  # what cannot be built on meta is built, and fails, where the notes can say why
        return 0
    return sum(count_of(p) * p.element_size() for p in module.parameters())


def _failed(notes):
    trail = getattr(notes.error, "trail", None)
    failed = getattr(trail, "failed", None)
    if failed is not None and failed.error is not None:
        return failed.error
    return Bilingual(f"运行时出错：{notes.error}", f"It failed while running: {notes.error}")


if __name__ == "__main__":
    sys.exit(main())
