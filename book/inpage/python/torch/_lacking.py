"""What this PyTorch does not have, it names in one sentence."""

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


def lacking(name):
    return NotInThisPage(
        f"这一页的 PyTorch 里没有 `{name}`：它只有网络常用的层和函数；{_ELSEWHERE[0]}。",
        f"{name} is not part of the PyTorch of this page, which knows the layers and functions that networks are "
        f"usually made of: {_ELSEWHERE[1]}",
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
        raise lacking(f"{prefix}.{name}")

    return __getattr__
