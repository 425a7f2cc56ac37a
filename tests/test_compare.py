"""`compare` against plain PyTorch: hooks and clones by hand, `torch.equal`, and the source as anybody reads it."""

import copy
import re

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from linewalk import Comparison, compare
from linewalk.blocks import explicit, paper, resnet, shortcut
from linewalk.errors import WalkError

LAYERS = ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "downsample")


def strided(module):
    torch.manual_seed(0)
    return module.Bottleneck(16, 8, stride=2, downsample=shortcut(16, 32, stride=2)).eval()


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.randn(2, 16, 10, 10)


def by_hand(module, x, names=LAYERS):
    """What each layer returns, as a clone, which no later line writes into."""
    found = {}
    hooks = [
        getattr(module, name).register_forward_hook(lambda m, args, out, name=name: found.update({name: out.clone()}))
        for name in names if getattr(module, name, None) is not None
    ]
    with torch.no_grad():
        found["output"] = module(x.clone()).clone()
    for hook in hooks:
        hook.remove()
    return found


def with_weights_of(a, b):
    b = copy.deepcopy(b)
    b.load_state_dict(a.state_dict())
    return b


def on(comparison, source, occurrence=0):
    return [pair for pair in comparison.pairs if pair.a.source == source][occurrence]


def texts(lines):
    return [tuple(side and side.text for side in (line.a, line.b)) for line in lines]


# ---- lines


def test_the_paper_and_the_seed_differ_in_two_lines(x):
    found = compare(strided(paper), strided(explicit), x)
    conv = "nn.Conv2d(in_channels={}, out_channels=out_channel, kernel_size={}, stride={}, bias=False{})"
    assert texts(found.differing("__init__")) == [
        tuple(f"self.conv1 = {conv.format('in_channel', 1, stride, '')}" for stride in ("stride", 1)),
        tuple(f"self.conv2 = {conv.format('out_channel', 3, stride, ', padding=1')}" for stride in (1, "stride")),
    ]
    assert found.differing("forward") == [] and len(found.lines["forward"]) == 15
    assert found.sentences[0].en == "2 lines of `__init__` differ; 0 lines of `forward` differ."


def test_the_seed_and_torchvision_have_two_lines_of_forward_at_other_places(x):
    found = compare(strided(explicit), strided(resnet), x)
    lines = found.differing("forward")
    assert [line.kind for line in lines] == ["moved"] * 4
    early, late = [line.a.text for line in lines if line.a], [line.b.text for line in lines if line.b]
    assert early == late == ["if self.downsample is not None:", "identity = self.downsample(x)"]
    changed = [line for line in found.differing("__init__") if line.kind == "changed"]
    made = [(one.split(" = ")[0], other.split(" = ")[0]) for one, other in texts(changed) if one.startswith("self.")]
    assert made == [(f"self.{name}",) * 2 for name in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3")]
    assert [line.b.text for line in found.differing("__init__") if line.a is None] == [
        "if norm_layer is None:", "norm_layer = nn.BatchNorm2d", "width = int(planes * (base_width / 64.)) * groups",
        "self.stride = stride",
    ]


class Plain(nn.Module):
    scale = 2

    def __init__(self):
        super(Plain, self).__init__()  # noqa: UP008 (compared with the other form)
        self.act = nn.Hardtanh(max_val=1.0)

    def forward(self, x):
        if x.sum() > 0:
            x = x + 1
        return self.act(x)


class Spelled(nn.Module):
    scale = 3

    def __init__(self):
        super().__init__()
        self.act = nn.Hardtanh( max_val = 1.0 )  # a comment

    def forward(self, x):
        if (x.sum() > 0):
            x = (
                x + 1
            )
        return self.act(x)


class Outdented(Plain):
    def forward(self, x):
        if x.sum() > 0:
            pass
        x = x + 1
        return self.act(x)


def test_spacing_comments_and_the_form_of_super_are_no_difference(x):
    found = compare(Plain(), Spelled(), x)
    assert texts(found.differing("__init__")) == [("scale = 2", "scale = 3")]
    assert found.differing("forward") == [] and found.same_output


def test_indentation_is_a_difference(x):
    found = compare(Plain(), Outdented(), x)
    assert found.differing("__init__") == []
    (line,) = [line for line in found.differing("forward") if line.a]
    assert texts([line]) == [("x = x + 1", "x = x + 1")] and line.kind == "changed" and line.depths == (2, 1)


# ---- shapes and values


def test_the_stride_s_place_shows_in_the_first_shape_and_the_first_value(x):
    a, b = strided(paper), strided(explicit)
    with torch.no_grad():
        b.conv3.weight.add_(1)  # not what a has: it must come from there
        found = compare(a, b, x, weights="a")
    hand_a, hand_b = by_hand(a, x), by_hand(with_weights_of(a, b), x)
    order = ["downsample", *LAYERS[:-1]]
    other_shape = next(name for name in order if hand_a[name].shape != hand_b[name].shape)
    other_value = next(
        name for name in order
        if hand_a[name].shape == hand_b[name].shape and not torch.allclose(hand_a[name], hand_b[name], atol=1e-5)
    )
    assert (other_shape, other_value) == ("conv1", "conv2")
    assert found.first_shape.a.modules == found.first_shape.b.modules == ("conv1",)
    assert found.first_shape.shapes == (((2, 8, 5, 5),), ((2, 8, 10, 10),))
    assert found.first_value.a.modules == ("conv2",)
    difference = (hand_a["conv2"] - hand_b["conv2"]).abs().max().item()
    assert found.first_value.apart == pytest.approx(difference, rel=1e-5)
    assert found.first_value.largest == pytest.approx(hand_a["conv2"].abs().max().item(), rel=1e-5)
    assert found.apart == pytest.approx((hand_a["output"] - hand_b["output"]).abs().max().item(), rel=1e-5)
    assert not found.same_output and found.left == () and len(found.taken) == len(a.state_dict())


def test_what_is_the_same_is_so_in_every_step(x):
    """A module's in-place ReLU and sum would hide it, had the values not been copied."""
    a = strided(explicit)
    b = with_weights_of(a, strided(resnet))
    with torch.no_grad():
        found = compare(a, b, x)
    assert torch.equal(by_hand(a, x)["output"], by_hand(b, x)["output"])
    assert found.same_output and found.apart == 0 and found.first_shape is None and found.first_value is None
    assert found.same_weights and found.taken is None
    hand = by_hand(a, x)
    for pair in found.pairs:
        assert pair.apart in (0, None)
        if pair.a.modules and pair.a.modules[0] in hand:
            assert torch.equal(pair.a.value(pair.a.result), hand[pair.a.modules[0]])
    assert {pair.a.source for pair in found.pairs if pair.moved} == {
        "if self.downsample is not None:", "identity = self.downsample(x)",
    }
    assert len(found.pairs) == len(found.a) == len(found.b)


def test_with_weights_of_their_own_the_first_layer_differs(x):
    a, b = strided(explicit), strided(resnet)
    with torch.no_grad():
        b.conv1.weight.mul_(-1)
        found = compare(a, b, x)
    assert not found.same_weights and found.first_shape is None
    assert found.first_value.a.source == "out = self.conv1(x)"
    difference = (by_hand(a, x)["conv1"] - by_hand(b, x)["conv1"]).abs().max().item()
    assert found.first_value.apart == pytest.approx(difference, rel=1e-5)


class Base(explicit.Bottleneck):
    def __init__(self):
        super().__init__(16, 4)


class OutOfPlace(Base):
    def forward(self, x):
        identity = x
        if self.downsample is not None:
            identity = self.downsample(x)

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        out = out + identity
        out = self.relu(out)

        return out


class ReluFirst(Base):
    def forward(self, x):
        identity = x
        if self.downsample is not None:
            identity = self.downsample(x)

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        out = self.relu(out)
        out += identity

        return out


class Nested(Base):
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x
        return F.relu(out)


@pytest.fixture
def base():
    torch.manual_seed(2)
    return Base().eval()


def test_an_out_of_place_sum_is_told_apart_by_its_memory_alone(base, x):
    found = compare(base, OutOfPlace().eval(), x, weights="a")
    assert texts(found.differing("forward")) == [("out += identity", "out = out + identity")]
    assert found.same_output and found.first_value is None
    pair = on(found, "out += identity")
    assert pair.apart == 0 and pair.a.in_place and not pair.b.in_place
    assert "only a writes in place" in repr(found)


def test_a_relu_before_the_sum_differs_from_the_sum_on(base, x):
    found = compare(base, ReluFirst().eval(), x, weights="a")
    assert found.first_shape is None and found.first_value.a.source == "out += identity"
    branch = by_hand(base, x)["bn3"]
    difference = ((branch + x) - (branch.relu() + x)).abs().max().item()
    assert found.first_value.apart == pytest.approx(difference, rel=1e-4) and difference > 0.1
    assert {line.kind for line in found.differing("forward")} == {"moved"}
    assert next(pair for pair in found.pairs if pair.moved).values_differ


def test_a_nested_line_goes_with_the_line_whose_result_it_makes(base, x):
    found = compare(base, Nested().eval(), x, weights="a")
    assert found.same_output and found.first_value is None
    together = {pair.a.index: pair.b.source for pair in found.pairs if pair.a.ops}
    beside = [line.a and line.a.text for line in found.lines["forward"] if line.b and "relu" in line.b.text]
    assert beside == ["out = self.relu(out)"] * 3
    relus = [step.index for step in found.a if step.source == "out = self.relu(out)"]
    assert together[relus[0]] == "out = F.relu(self.bn1(self.conv1(x)))"
    assert together[relus[1]] == "out = F.relu(self.bn2(self.conv2(out)))"
    assert together[found.a["out = self.bn3(out)"].index] == "out = self.bn3(self.conv3(out))"


class Summed(nn.Module):
    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, x):
        x = x[self.order].sum(0)
        return x


def test_rounding_is_no_difference_and_is_said():
    torch.manual_seed(0)
    values = torch.randn(1000, 50)
    a, b = Summed(list(range(1000))), Summed(list(reversed(range(1000))))
    difference = (values.sum(0) - values.flip(0).sum(0)).abs().max().item()
    assert difference > 0, "the order of additions makes no difference here: take others"
    found = compare(a, b, values)
    assert found.first_value is None and not found.same_output and found.apart == pytest.approx(difference, rel=1e-3)
    assert "rounding only" in repr(found) and "舍入" in repr(found)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")]), 0.0),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 2.0]), float("inf")),
        (torch.tensor([1, 2]), torch.tensor([1, 5]), 3.0),
        (torch.tensor([True, False]), torch.tensor([True, True]), 1.0),
        (torch.tensor([float("inf"), 1.0]), torch.tensor([float("inf"), 1.0]), 0.0),
        (torch.tensor([float("inf"), 1.0]), torch.tensor([0.0, 1.0]), float("inf")),
        (torch.tensor([1 + 1j]), torch.tensor([1 - 1j]), 2.0),
        (torch.empty(0), torch.empty(0), 0.0),
    ],
)
def test_how_far_apart_values_of_all_kinds_are(one, other, expected):
    class Gives(nn.Module):
        def __init__(self, value):
            super().__init__()
            self.value = value

        def forward(self, x):
            made = self.value.clone()
            return made

    found = compare(Gives(one), Gives(other), torch.zeros(1))
    assert found.apart == expected
    assert on(found, "made = self.value.clone()").values_differ == (expected > 0)


def test_shapes_without_values_are_compared_as_shapes():
    with torch.device("meta"):
        found = compare(strided(paper), strided(explicit), torch.empty(2, 16, 10, 10))
    assert found.first_shape.a.modules == ("conv1",) and found.first_value is None and found.apart is None


# ---- what is left as it was


def state_of(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_neither_modules_nor_input_nor_random_numbers_change(x):
    a, b = strided(explicit).train(), strided(resnet).train()
    b.conv1.weight.data.mul_(-1)
    before, given, numbers = [state_of(a), state_of(b)], x.clone(), torch.get_rng_state()
    compare(a, b, x, weights="a")
    for module, state in zip((a, b), before, strict=True):
        assert all(torch.equal(value, module.state_dict()[name]) for name, value in state.items())
    assert torch.equal(x, given) and torch.equal(torch.get_rng_state(), numbers)


class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = self.drop(x)
        return x


def test_both_draw_the_same_random_numbers(x):
    found = compare(Dropped(), Dropped(), x)
    assert found.same_output and (found.a.output == 0).any() and (found.a.output != 0).any()


class WritesIntoItsInput(nn.Module):
    def forward(self, x):
        x += 1
        return x


def test_each_gets_the_input_as_it_was_given(x):
    found = compare(WritesIntoItsInput(), WritesIntoItsInput(), x)
    assert found.same_output and torch.equal(found.b.output, x + 1)


class Renamed(nn.Module):
    def __init__(self, out=32):
        super().__init__()
        self.conv1 = nn.Conv2d(16, 8, 1, bias=False)
        self.final = nn.Conv2d(8, out, 1)

    def forward(self, x):
        x = self.conv1(x)
        x = self.final(x)
        return x


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(16, 8, 1, bias=False)
        self.last = nn.Conv2d(8, 32, 1)

    def forward(self, x):
        x = self.conv1(x)
        x = self.last(x)
        return x


def test_weights_go_where_names_and_shapes_fit(x):
    found = compare(Named(), Renamed(), x, weights="a")
    assert found.taken == ("conv1.weight",) and found.left == ("final.weight", "final.bias")
    assert on(found, "x = self.conv1(x)").apart == 0 and found.first_value.b.source == "x = self.final(x)"
    assert "1 tensors of a" in repr(found) and "`final.weight`" in repr(found)
    other_shape = compare(Renamed(), Renamed(out=24), x, weights="a")
    assert other_shape.taken == ("conv1.weight",) and other_shape.first_shape.a.source == "x = self.final(x)"


class TwoInputs(nn.Module):
    def forward(self, x, y):
        for _ in range(3):
            x = x + y
        return x, {"y": y * 2}


def test_a_tuple_holds_all_inputs_and_loops_are_paired_step_by_step(x):
    found = compare(TwoInputs(), TwoInputs(), (x, x))
    assert len([pair for pair in found.pairs if pair.a.source == "x = x + y"]) == 3
    assert found.same_output and found.pairs[-1].shapes[0] == (tuple(x.shape), tuple(x.shape))


# ---- what cannot be compared


class Broken(Named):
    def forward(self, x):
        x = self.conv1(x)
        x = self.last(x[:, :4])
        return x


@pytest.mark.parametrize("turned", [False, True])
def test_a_forward_that_fails_is_compared_up_to_there(x, turned):
    sides = [Named(), Broken()]
    found = compare(*(reversed(sides) if turned else sides), x, weights="a")
    failed, side = (found.a, "a") if turned else (found.b, "b")
    assert failed.failed.source == "x = self.last(x[:, :4])" and found.apart is None and not found.same_output
    assert on(found, "x = self.conv1(x)").apart == 0
    said = repr(found)
    assert f"{side} fails at step 2" in said and f"{side} 在第 2 步" in said
    assert "lw-compare" in found._repr_html_()


class Uncopyable(Named):
    def __deepcopy__(self, memo):
        raise RuntimeError("no copies")


@pytest.mark.parametrize(
    ("a", "b", "weights", "says"),
    [
        (Named, Named(), "own", "a is the class Named"),
        (Named(), len, "own", "b is of type builtin_function_or_method"),
        (Named(), Named(), "b", "not 'b'"),
        (Uncopyable(), Named(), "own", "no copies"),
        (Named(), nn.ReLU, "own", "b is the class ReLU"),
    ],
)
def test_what_it_cannot_use_is_said_in_a_sentence_in_both_languages(a, b, weights, says, x):
    with pytest.raises(WalkError) as raised:
        compare(a, b, x, weights=weights)
    zh, en = str(raised.value).split("\n")
    assert says in en and re.search("[㐀-鿿]", zh)


def test_what_walk_refuses_is_refused_in_walk_s_words(x):
    with pytest.raises(WalkError, match=r"torch\.jit has compiled"):
        compare(Named(), torch.jit.script(nn.Conv2d(16, 8, 1)), x)


# ---- as it is shown


def test_the_page_holds_both_languages_both_listings_and_no_script(base, x):
    found = compare(base, ReluFirst().eval(), x, weights="a")
    assert isinstance(found, Comparison)
    html = found._repr_html_()
    assert "<script" not in html and html.count('lang="zh"') == html.count('lang="en"') > 10
    for line in found.lines["forward"]:
        for statement in filter(None, (line.a, line.b)):
            assert f"<code>{statement.text}</code>" in html.replace("<wbr>", "")
    assert html.count('class="lw-row lw-moved lw-other"') == 2


def test_it_fits_a_phone_and_stands_side_by_side_on_a_screen(browser, x):
    with torch.no_grad():
        html = compare(strided(paper), strided(resnet), x, weights="a")._repr_html_()
    for width, beside in ((390, False), (1200, True)):
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.set_content(f"<!doctype html><body>{html}</body>")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sides = page.locator(".lw-changed").first.locator(".lw-side").all()
        one, other = (side.bounding_box() for side in sides)
        assert (one["x"] + one["width"] <= other["x"] + 1) == beside and (one["y"] < other["y"]) != beside
        page.close()
