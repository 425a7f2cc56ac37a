"""What cannot be walked, and what fails while walking: one clear sentence in both languages."""

import pytest
import torch
import torch.nn as nn

from linewalk import WalkError, walk
from linewalk.blocks import ASPPTail, explicit, resnet


class Small(nn.Module):
    def forward(self, x):
        return x + 1


class InC(nn.Module):
    forward = staticmethod(torch.relu)


def from_exec():
    names = {"nn": nn}
    exec("class Typed(nn.Module):\n    def forward(self, x):\n        return x\n", names)
    return names["Typed"]()


def compiled_in_place():
    module = Small()
    module.compile(backend="eager")
    return module


def generator():
    class Yields(nn.Module):
        def forward(self, x):
            yield x

    return Yields()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("make", "chinese", "english"), [
    (lambda: 5, "nn.Module", "not int"),
    (lambda: None, "nn.Module", "not NoneType"),
    (lambda: torch.relu, "forward", "put the code into the forward"),
    (lambda: Small, "类 Small", "not the class Small"),
    (lambda: torch.jit.script(Small()), "torch.jit", "torch.jit"),
    (lambda: torch.jit.trace(Small(), torch.ones(1)), "torch.jit", "torch.jit"),
    (lambda: torch.compile(Small(), backend="eager"), "_orig_mod", "_orig_mod"),
    (compiled_in_place, "torch.compile", "torch.compile"),
    (InC, "不是用 Python 写的", "not written in Python"),
    (from_exec, "源代码", "source"),
    (generator, "forward", "forward"),
])
def test_what_cannot_be_walked(make, chinese, english):
    with pytest.raises(WalkError) as caught:
        walk(make(), torch.ones(1))
    said = str(caught.value).split("\n")
    assert len(said) == 2 and chinese in said[0] and english in said[1]


class Wide(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        x = x * 1
        x = self.layer(x)  # the comment is not part of the line
        return x


class Shrinking(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3)

    def forward(self, x):
        y = self.conv(x)
        return x + y


class Join(nn.Module):
    def forward(self, x):
        y = x.T
        x = torch.cat([x, y], dim=-1)
        return x


def no_downsample():
    return explicit.Bottleneck(64, 64), torch.randn(1, 64, 8, 8)


FAILURES = [
    (lambda: (explicit.Bottleneck(64, 64), torch.randn(1, 3, 8, 8)), "out = self.conv1(x)", "1×3×8×8",
     "64 个通道", "wants 64 channels and got 3"),
    (lambda: (resnet.Bottleneck(64, 16), torch.randn(64, 8)), "out = self.conv1(x)", "64×8",
     "unsqueeze", "unsqueeze"),
    (no_downsample, "out += identity", "1×64×8×8", "downsample", "downsample"),
    (lambda: (explicit.Bottleneck(64, 16), torch.randn(1, 64, 8, 8).double()), "out = self.conv1(x)", "1×64×8×8",
     "torch.float64", "torch.float64"),
    (lambda: (Wide(nn.BatchNorm2d(8)), torch.randn(1, 4, 2, 2)), "x = self.layer(x)", "1×4×2×2",
     "8 个通道", "8 channels and got 4"),
    (lambda: (Wide(nn.BatchNorm2d(8)), torch.randn(8, 2, 2)), "x = self.layer(x)", "8×2×2",
     "4 维", "4-dimensional"),
    (lambda: (Wide(nn.Linear(8, 2)), torch.randn(3, 4)), "x = self.layer(x)", "3×4", "in_features", "in_features"),
    (lambda: (Wide(nn.Conv1d(4, 2, 1)), torch.randn(1, 3, 2)), "x = self.layer(x)", "1×3×2",
     "4 个通道", "wants 4 channels and got 3"),
    (lambda: (Wide(nn.Sequential(nn.Conv2d(4, 3, 1), nn.Conv2d(4, 2, 1))), torch.randn(1, 4, 2, 2)),
     "x = self.layer(x)", "1×3×2×2", "4 个通道", "wants 4 channels and got 3"),
    (lambda: (Wide(nn.Conv1d(3, 2, 1)), torch.randn(1, 3, 2, 2)), "x = self.layer(x)", "1×3×2×2",
     "合并", "at most 3 dimensions and got 4"),
    (lambda: (Wide(nn.BatchNorm1d(4)), torch.randn(1, 4, 2, 2)), "x = self.layer(x)", "1×4×2×2",
     "合并", "at most 3 dimensions and got 4"),
    (lambda: (Wide(nn.Linear(4, 2)), torch.tensor(1.0)), "x = self.layer(x)", "scalar", "RuntimeError", "RuntimeError"),
    (lambda: (Join(), torch.randn(2, 3)), "x = torch.cat([x, y], dim=-1)", "x 2×3, y 3×2", "RuntimeError", "It says"),
    (lambda: (Wide(nn.Embedding(3, 2)), torch.tensor([7])), "x = self.layer(x)", "1", "IndexError", "IndexError"),
    (lambda: (Shrinking(), torch.randn(1, 4, 6, 6)), "return x + y", "1×4×4×4", "padding=1", "padding=1"),
    (lambda: (Wide(nn.ReLU()), None), "x = x * 1", "", "TypeError", "TypeError"),
]


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize(("make", "line", "shape", "chinese", "english"), FAILURES)
def test_a_failing_forward_is_a_lesson(make, line, shape, chinese, english, mode):
    module, x = make()
    with mode():
        with pytest.raises(Exception) as plain:
            module(x)
        with pytest.raises(type(plain.value)) as caught:
            walk(module, x)
    assert type(caught.value) is type(plain.value) and str(caught.value) == str(plain.value)
    (note,) = caught.value.__notes__
    said = note.split("\n")
    assert f"`{line}`" in said[0] and f"`{line}`" in said[1] and shape in said[0] and shape in said[1], note
    assert chinese in said[0] and english in note, note

    trail = caught.value.trail
    assert trail.failed is trail[-1] and trail.failed.source == line and str(trail.failed.error) == note
    assert f"第 {trail.failed.lineno} 行" in said[0] and f"Line {trail.failed.lineno}," in said[1]
    assert trail[0].source.startswith("def forward") and all(step.error is None for step in trail[:-1])


def test_the_steps_before_the_failure_hold_their_values():
    torch.manual_seed(0)
    module, x = no_downsample()
    with pytest.raises(RuntimeError) as caught:
        walk(module, x)
    trail = caught.value.trail
    assert torch.equal(trail["out = self.conv1(x)"].value("out"), module.conv1(x))
    assert trail["out += identity"].before("out").shape == (1, 256, 8, 8)


def test_the_wrong_number_of_inputs_fails_as_calling_does():
    with pytest.raises(TypeError, match="out_img"):
        walk(ASPPTail(), torch.ones(1))


def test_a_failing_hook_is_not_blamed_on_the_last_line():
    def hook(*_):
        raise LookupError("hook")

    for register in ("register_forward_pre_hook", "register_forward_hook"):
        module = Small()
        getattr(module, register)(hook)
        with pytest.raises(LookupError) as caught:
            walk(module, torch.ones(1))
        assert not hasattr(caught.value, "__notes__")


def test_a_caught_exception_is_no_failure():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            try:
                y = self.fc(x)
            except RuntimeError:
                y = self.fc(x[:, :2])
            return y

    x = torch.ones(1, 3)
    trail = walk(Careful(), x)
    assert trail.failed is None and trail["y = self.fc(x[:, :2])"].modules == ("fc",)
    assert torch.equal(trail.output, trail["return y"].value("y"))


def test_stopping_the_walk_by_hand():
    class Stopped(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(Stopped(), torch.ones(1))


class Misspelt(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 1)

    def forward(self, x, what):
        if what == "attribute":
            return self.conv(x)
        if what == "name":
            outs = self.conv1(x)  # noqa: F841
            return out  # noqa: F821
        if what == "a name that nothing is like":
            return zzz(x)  # noqa: F821
        if what == "later":
            result = result + self.conv1(x)  # noqa: F821, F841
        return self.conv1.wieght


@pytest.mark.parametrize(
    ("what", "zh", "en"),
    [
        ("attribute", "没有 `conv`（想写的是 `conv1` 吗？）", "has no `conv` (did you mean `conv1`?)"),
        ("name", "没有 `out` 这个名字（想写的是 `outs` 吗？）", "no name `out` (did you mean `outs`?)"),
        ("a name that nothing is like", "没有 `zzz` 这个名字：请改正", "no name `zzz`: correct it"),
        ("later", "`result` 在这一行之前还没有值", "`result` has no value yet"),
        ("its layer", "Conv2d 上没有 `wieght`（想写的是 `weight` 吗？）", "no `wieght` (did you mean `weight`?)"),
    ],
)
def test_a_name_that_is_not_there_leads_to_the_one_that_was_meant(what, zh, en):
    with pytest.raises((NameError, AttributeError)) as failed:
        walk(Misspelt(), torch.rand(1, 3, 4, 4), what)
    note = "\n".join(failed.value.__notes__)
    assert zh in note and en in note
