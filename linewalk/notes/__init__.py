"""Any module, put into words: `annotate` runs it and says of every line what it does, with which numbers, and why."""

import torch.nn as nn

from ..errors import Bilingual, WalkError
from ..walking import submodules
from .findings import findings
from .lines import Teller
from .notes import Notes
from .reading import read_class, run_forward, run_init, run_inside
from .trials import tried

_LANGUAGES = ("zh", "en", "both")


def annotate(module_or_class, *args, language="zh", inputs=None, training=None, into=None, **kwargs):
    """Run a module and put each line of its class into words.

    Args:
        module_or_class: a module, called as `module(*args, **kwargs)`; or a class, built as `cls(*args, **kwargs)`.
        language: "zh", "en" or "both".
        inputs: for a class, a tuple of what to call the new module with; left out, only `__init__` runs.
        training: for a class, the mode in which it is called; a new module is in training mode.
        into: for a module, the name of one of its submodules, "layer1.0": it is that one's class that is put into
            words, as it ran within the whole.

    Returns:
        Notes: shows itself in a notebook, prints itself in a terminal, and writes itself as code, Markdown, notebook
            and page. A module that fails is told up to its failure; the exception is in `.error`.

    Raises:
        WalkError: it cannot be walked, or has no source; the message says what to hand over instead.
        Exception: what the module raised before it came to `into`.
    """
    if language not in _LANGUAGES:
        raise WalkError(
            f'language 要写 "zh"、"en" 或 "both"，拿到的是 {language!r}。',
            f'language must be "zh", "en" or "both", not {language!r}.',
        )
    is_class = isinstance(module_or_class, type)
    cls = module_or_class if is_class else type(module_or_class)
    if not issubclass(cls, nn.Module):
        raise WalkError(
            f"annotate 要的是 nn.Module 或它的子类，拿到的是 {cls.__name__}。",
            f"annotate wants an nn.Module or a subclass of it, not {cls.__name__}.",
        )
    if not is_class:
        given = {"inputs": inputs, "training": training}  # here they are forward's own, if anybody's
        kwargs |= {name: value for name, value in given.items() if value is not None}
    if into is not None:
        return _told(_inside(module_or_class, into, args, kwargs), language)
    reading = read_class(cls)
    if is_class:
        run_init(reading, args, kwargs)
        if training is not None and reading.module is not None:
            reading.module.train(training)
        if inputs is not None and reading.module is not None:
            run_forward(reading, inputs if isinstance(inputs, tuple) else (inputs,), {})
    else:
        reading.module = module_or_class
        run_forward(reading, args, kwargs)
    return _told(reading, language)


def _inside(module, name, args, kwargs):
    if isinstance(module, type) or not isinstance(name, str):
        raise WalkError(
            'into 要和一个建好的模块、一个子模块的名字一起用：annotate(net, x, into="layer1.0")。',
            'into goes with a module that is built and with one name: annotate(net, x, into="layer1.0").',
        )
    inner = submodules(module, name)[name]
    reading = read_class(type(inner))
    reading.module = inner
    run_inside(reading, module, name, args, kwargs)
    return reading


def _told(reading, language):
    teller = Teller(reading)
    lines = teller.class_lines()
    trials = tried(reading)
    for line in lines:
        line.sentences += trials.get(id(line.node), [])
    told = [(entry.name, teller.helper_lines(entry)) for entry in reading.helpers]
    helpers = [(name, helper_lines) for name, helper_lines in told if helper_lines]
    return Notes(reading, lines, helpers, findings(reading, teller.flow), _remarks(reading), language)


def _remarks(reading):
    """What was not run, or not with numbers."""
    remarks = []
    module = reading.module
    if reading.inside is not None:
        name, net = reading.inside
        remarks.append(
            Bilingual(
                f"这是 `{type(net).__name__}` 里的 `{name}`，在整个网络的同一次运行里。",
                f"This is `{name}` of `{type(net).__name__}`, as it ran within the whole.",
            )
        )
    if reading.elsewhere is not None:
        error = f"{type(reading.elsewhere).__name__}: {' '.join(str(reading.elsewhere).split())[:200]}"
        remarks.append(
            Bilingual(
                f"它运行完以后，网络在别处出错：`{error}`。",
                f"When it had done its part, the network failed elsewhere: `{error}`.",
            )
        )
    if module is not None and any(p.is_meta for p in module.parameters()):
        remarks.append(
            Bilingual(
                "权重在 meta 设备上：只有形状，没有数值，也不占内存。",
                "The weights are on the meta device: shapes only, no values, and no memory.",
            )
        )
    if reading.forward is None and module is not None:
        remarks.append(
            Bilingual(
                "没有给输入，`forward` 没有运行：关于它只说源代码里确定的事。",
                "No input was given and `forward` did not run: of it, only what the source makes certain is said.",
            )
        )
    return remarks


__all__ = ["Notes", "annotate"]
