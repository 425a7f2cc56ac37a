"""The programs of torch_gradients.yml, whole."""

from pathlib import Path

import torch_values
import yaml

TABLE = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
NEED_NONE = ("at", "mean", "var")  # names of what is given and needs no gradient

TRIED = """
def tried(action):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__, error)

def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)

"""


def _call(given, call):
    names = [part.partition("=")[0].strip() for part in given.split(";")]
    names = [name for name in names if name not in NEED_NONE]
    return "\n".join(
        [
            given,
            *(f"{name}.requires_grad_()" for name in names),
            f"out = {call}",
            "(out * torch.linspace(-1, 2, out.numel()).view(out.shape)).sum().backward()",
            f"print(out, {', '.join(f'{name}.grad' for name in names)})",
        ]
    )


def _written(code):
    return f"x = torch.randn(3, 4, requires_grad=True)\n{code}\nresult.sum().backward()\nprint(result, x.grad)"


PROGRAMS = {
    **{name: _call(**entry) for name, entry in TABLE["calls"].items()},
    **{name: _written(code) for name, code in TABLE["written"].items()},
    **{name: TRIED + code for name, code in TABLE["refused"].items()},
    **{name: torch_values.BLOCK + code for name, code in TABLE["programs"].items()},
}
