"""What this PyTorch does not have, it names in one sentence."""

import difflib
import sys

_ELSEWHERE = (
    "请在 Colab、Kaggle 或自己的 Jupyter 里运行",
    "run this on Colab, on Kaggle or in your own Jupyter",
)


class NotInThisPage(NotImplementedError, AttributeError):
    """Asked for something that is PyTorch's and not this subset's; `words`: the same in Chinese and English."""

    def __init__(self, zh, en):
        super().__init__(en)
        self.words = zh, en


class NoValues(RuntimeError):
    """Asked for numbers that are not known; `words`: the same in Chinese and English."""

    def __init__(self, zh, en):
        super().__init__(en)
        self.words = zh, en


def lacking(name, meant=None):
    """For what this torch does not have; `meant`: a name of its own that is nearly the same, where there is one."""
    if meant is not None:
        return NotInThisPage(
            f"没有 `{name}`，想写的是 `{meant}` 吗？请改正；如果就是它，这一页的 PyTorch 里没有，{_ELSEWHERE[0]}。",
            f"There is no {name}: did you mean {meant}? If not, the PyTorch of this page lacks it: {_ELSEWHERE[1]}",
        )
    return NotInThisPage(
        f"这一页的 PyTorch 里没有 `{name}`：它只有网络常用的层和函数；{_ELSEWHERE[0]}。",
        f"{name} is not part of the PyTorch of this page, which knows the layers and functions that networks are "
        f"usually made of: {_ELSEWHERE[1]}",
    )


def no_numpy(what):
    return NotInThisPage(
        f"`{what}` 要用 NumPy，而这一页里没有：看数值用 `.tolist()`，从列表造张量用 `torch.tensor(...)`；要用 NumPy，"
        f"{_ELSEWHERE[0]}。",
        f"{what} needs NumPy, which this page does not have: .tolist() gives the numbers, torch.tensor(...) takes a "
        f"list; for NumPy, {_ELSEWHERE[1]}",
    )


def no_values(what):
    """For what depends on a tensor's numbers, where they are not known."""
    from . import _numbers

    if _numbers.engine is not None:
        return NoValues(
            f"{what} 要用张量里的数值，而这一页算不出它们；{_ELSEWHERE[0]}。",
            f"{what} needs the tensor's values, which this page does not compute: {_ELSEWHERE[1]}",
        )
    return NoValues(
        f"{what} 要用张量里的数值，而这一页的张量只有形状；{_ELSEWHERE[0]}。",
        f"{what} needs the tensor's values, and in this page tensors have shapes alone: {_ELSEWHERE[1]}",
    )


def lacking_names(prefix):
    """A module's `__getattr__`: what it lacks raises one sentence."""

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise lacking(f"{prefix}.{name}", _alike(prefix, name))

    return __getattr__


def _alike(prefix, name):
    """The public name of a module that differs from this one in its case or in a letter: `Conv2D`, `LayerNrom`."""
    own = {known.lower(): known for known in vars(sys.modules[prefix]) if not known.startswith("_")}
    found = difflib.get_close_matches(name.lower(), own, n=1, cutoff=0.85)
    return f"{prefix}.{own[found[0]]}" if found else None
