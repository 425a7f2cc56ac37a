"""What this PyTorch does not have, it names in one sentence."""


class NotInThisPage(NotImplementedError, AttributeError):
    """Asked for something that is PyTorch's and not this subset's."""


def lacking(name):
    return NotInThisPage(
        f"{name} is not part of the PyTorch of this page, which knows the layers and functions that networks are "
        "usually made of, by their shapes: run this on Colab, on Kaggle or in your own Jupyter"
    )


def no_values(what):
    """For what depends on a tensor's numbers, where there are none."""
    return RuntimeError(
        f"{what} needs the tensor's values, and in this page tensors have shapes alone: run this on Colab, on Kaggle "
        "or in your own Jupyter"
    )


def lacking_names(prefix, known=()):
    """A module's `__getattr__`: what it lacks raises one sentence."""

    def __getattr__(name):
        if name.startswith("__") or name in known:
            raise AttributeError(name)
        raise lacking(f"{prefix}.{name}")

    return __getattr__
