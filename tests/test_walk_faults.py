"""What once broke a walk, each as a small module: the truth is the plain call, or worked out by hand."""

import functools
import importlib.util
import linecache
import random
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_walk import cell
from torch._subclasses import FakeTensorMode

from linewalk import WalkError, walk, walk_init
from linewalk.draw import card, graph
from linewalk.walking import walk_following


def module(forward, **parts):
    """A module with one forward, `self.name` for each part."""
    made = type("Made", (nn.Module,), {"forward": forward})()
    for name, part in parts.items():
        setattr(made, name, part)
    return made


# ---- the walk is the plain call


def test_what_is_compiled_runs_compiled_and_still_does_afterwards():
    ran = []

    def backend(graph, example):
        def run(*args):
            ran.append(1)
            return [2 * output for output in graph.forward(*args)]

        return run

    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.compile(nn.Linear(4, 4), backend=backend)

        def forward(self, x):
            y = self.inner(x)
            return y

    holder, x = Holder(), torch.ones(1, 4)
    walked = walk(holder, x).output
    assert len(ran) == 1 and torch.equal(walked, holder(x)) and len(ran) == 2
    torch._dynamo.reset()


def test_transforms_of_torch_func():
    def forward(self, x):
        y = torch.vmap(self.fc)(x)
        slope = torch.func.grad(lambda t: self.fc(t).sum())(x[0])
        rows = torch.func.jacrev(self.fc)(x[0])
        return y, slope, rows

    net, x = module(forward, fc=nn.Linear(3, 3)), torch.randn(2, 3)
    trail = walk(net, x)
    assert all(torch.equal(*pair) for pair in zip(trail.output, net(x), strict=True))
    assert torch.allclose(trail[1].value("y"), net.fc(x)) and trail[1].modules == ("fc",)
    assert torch.allclose(trail[3].value("rows"), net.fc.weight)


def test_higher_order_operators():
    def forward(self, x):
        y = torch.cond(x.sum() > 0, lambda t: t.sin(), lambda t: t.cos(), (x,))
        return y

    for x in (torch.ones(2), -torch.ones(2)):
        assert torch.equal(walk(module(forward), x).output, module(forward)(x))


def test_values_that_hold_themselves():
    def forward(self, x):
        node = {"x": x}
        node["self"] = node
        chain = [x]
        chain.append(chain)
        return x

    trail = walk(module(forward), torch.ones(2))
    assert trail.output is not None and "…" in trail[4].changed["chain"].after.text
    assert all(card(step) for step in trail)


def test_a_value_that_cannot_be_copied():
    def forward(self, x):
        q = torch.quantize_per_channel(x, torch.ones(2), torch.zeros(2), 0, torch.quint8)
        return q.dequantize()

    trail = walk(module(forward), torch.ones(2, 2))
    assert torch.equal(trail.output, torch.ones(2, 2)) and all(card(step) for step in trail)


def test_expanded_tensors_take_no_more_memory():
    def forward(self, x):
        mask = x.expand(12000, 12000)
        windows = x.as_strided((9000, 9000), (0, 0))
        x.add_(1)
        return mask[0].sum() + windows[0].sum()

    net, x = module(forward), torch.ones(1)
    net(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    trail = walk(net, x)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes; a copy takes 576,000
    assert trail[1].value("mask")[7, 7] == 2 and trail[3].value("mask")[7, 7] == 3


def test_a_mode_of_the_modules_own_sees_its_own_calls_only():
    class Count(torch.overrides.TorchFunctionMode):
        n = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.n += 1
            return function(*args, **(kwargs or {}))

    def forward(self, x):
        with Count() as count:
            y = x + 1
            y *= 2
        return count.n

    assert walk(module(forward), torch.ones(2)).output == module(forward)(torch.ones(2))


@pytest.mark.parametrize("name", ["parameters", "named_parameters", "modules", "named_modules", "children", "buffers"])
def test_attributes_in_the_place_of_a_modules_methods(name):
    class Shadowed(nn.Module):
        def __init__(self):
            super().__init__()
            setattr(self, name, [1, 2])
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            return self.fc(x)

    trail = walk(Shadowed(), torch.ones(1, 2))
    assert trail.params == 6 and lit_any(trail[1])


def lit_any(step):
    return "lw-now" in graph(step)


# ---- in time


@pytest.mark.parametrize("keep", ["outs.append(h)", "outs = [*outs, h]", "table[i] = h", "outs += [h]"])
def test_a_walk_costs_what_its_lines_cost_not_what_they_keep(keep):
    names = cell(f"""
        class Growing(nn.Module):
            def forward(self, x, turns):
                outs, table, h = [], {{}}, x
                for i in range(turns):
                    h = h + 1
                    {keep}
                return outs, table
    """)
    growing = names["Growing"]()

    def seconds(turns):
        trail = walk(growing, torch.zeros(1), turns)
        half = trail[len(trail) // 2]
        value = half.value("table" if "table" in keep else "outs")
        assert len(value) in (turns // 2 - 1, turns // 2, turns // 2 + 1)
        start = time.process_time()
        walk(growing, torch.zeros(1), turns)
        return time.process_time() - start

    # Eight times the lines; their squares would be 64. Other programs on the machine only ever slow it down.
    assert min(seconds(1600) for _ in range(3)) < 30 * min(seconds(200) for _ in range(3))


def test_a_long_list_that_lines_only_read_is_not_gone_through():
    def forward(self, x):
        table = list(range(50_000))
        for i in range(20):
            x = x + table[i]
        return x

    seen = []

    class Number(int):
        def __eq__(self, other):
            seen.append(1)
            return int(self) == int(other)

        __hash__ = int.__hash__

    assert walk(module(forward), torch.ones(2)).output[0] == 191 and not seen


def test_a_graph_that_graphviz_would_not_finish():
    def forward(self, x):
        y = x * 0
        for _ in range(200):
            y = (y + x) * 0.5
        return y

    trail = walk(module(forward), torch.ones(2))
    start = time.monotonic()
    assert "lw-now" in card(trail[20])
    assert time.monotonic() - start < 20


# ---- failures have their sentence


def failure_of(net, *inputs):
    with pytest.raises(BaseException) as caught:
        walk(net, *inputs)
    return caught.value


def in_finally(self, x):
    try:
        y = self.conv(x)
    finally:
        self.done = True
    return y


def raised_again(self, x):
    try:
        return self.conv(x)
    except RuntimeError:
        self.done = True
        raise


def not_matched(self, x):
    try:
        return self.conv(x)
    except KeyError:
        return x


@pytest.mark.parametrize("forward", [in_finally, raised_again, not_matched])
def test_an_exception_on_its_way_keeps_its_line(forward):
    error = failure_of(module(forward, conv=nn.Conv2d(3, 4, 3)), torch.ones(1, 5, 8, 8))
    assert "self.conv(x)" in error.trail.failed.source
    assert "wants 3 channels and got 5" in error.__notes__[0] and error.trail.failed.error


def endless(self, x):
    return self(x)


def stopped(self, x):
    raise KeyboardInterrupt


def left(self, x):
    raise SystemExit(3)


@pytest.mark.parametrize(("forward", "kind"), [
    (endless, RecursionError), (stopped, KeyboardInterrupt), (left, SystemExit),
])
def test_exceptions_of_every_kind_have_their_line(forward, kind):
    error = failure_of(module(forward), torch.ones(1))
    assert type(error) is kind and error.trail.failed.source in error.__notes__[0]
    assert kind is not RecursionError or "without end" in error.__notes__[0]


def test_exceptions_that_cannot_be_told_stay_themselves():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class Closed(Exception):
        def __setattr__(self, name, value):
            raise TypeError("closed")

    for kind in (Odd, Closed):
        def forward(self, x, kind=kind):
            raise kind

        assert type(failure_of(module(forward), torch.ones(1))) is kind


BODY = """\
import torch.nn as nn
class Edited(nn.Module):
    def forward(self, x):
        y = x + 1
        return y
"""


@pytest.mark.parametrize("edited", [BODY.replace("x + 1", "x + 100"), "# a line\n# and more\n\n" + BODY, ""])
def test_a_file_that_was_edited_after_its_import(tmp_path, edited):
    path = tmp_path / "mine.py"
    path.write_text(BODY + f"# {len(edited)}\n")
    spec = importlib.util.spec_from_file_location("mine", path)
    mine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mine)
    path.write_text(edited)
    linecache.checkcache()
    try:
        trail = walk(mine.Edited(), torch.zeros(1))
    except WalkError as error:
        assert "edited" in str(error) or "source" in str(error)
    else:  # the lines were read before, and are those that run
        assert trail[1].source == "y = x + 1"


def test_a_partial_method_and_an_object_as_forward():
    class Partial(nn.Module):
        def __init__(self):
            super().__init__()
            self.forward = functools.partial(self.real, k=3)

        def real(self, x, k):
            return x * k

    class Callable:
        def __call__(self, x):
            y = x * 5
            return y

    trail = walk(Partial(), torch.ones(2))
    assert trail[-1].source == "return x * k" and trail.output[0] == 3
    net = nn.Linear(1, 1)
    net.forward = Callable()
    assert walk(net, torch.ones(1))[1].source == "y = x * 5"


def yields(self, x):
    yield x


async def waits(self, x):
    return x


@pytest.mark.parametrize("forward", [yields, waits])
def test_a_forward_that_does_not_run_when_called_says_so(forward):
    with pytest.raises(WalkError, match="yield or is async"):
        walk(module(forward), torch.ones(1))


def test_lazy_layers_are_registered_without_a_shape():
    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.LazyLinear(3)

        def forward(self, x):
            return self.fc(x)

    built = walk_init(Lazy)
    assert built[-1].registered["fc"].shapes == {"weight": None, "bias": None} and built.params == 0
    assert "set by the first input" in card(built[-1])
    assert walk(Lazy(), torch.ones(1, 2)).output.shape == (1, 3)


# ---- cards


def test_values_that_cannot_be_seen_have_cards():
    def forward(self, x):
        y = x.clone()
        return y

    net = module(forward)
    for trail in (
        walk(net, torch.ones(1, 3, 4, 4, device="meta")),
        walk(net, torch.quantize_per_tensor(torch.ones(2, 4), 0.1, 0, torch.quint8)),
    ):
        assert all("lw-card" in card(step) for step in trail)
    with FakeTensorMode():
        trail = walk(net, torch.ones(1, 3, 40, 40))
    assert all("lw-card" in card(step) for step in trail)


def test_the_picture_of_a_long_line_is_its_result():
    def forward(self, x):
        y = F.relu(x).add(1).mul(2).add(3).mul(4).add(5).mul(0)
        return y

    assert "<span>min 0</span><span>max 0</span>" in card(walk(module(forward), torch.ones(1, 2, 4, 4))[1])[-9000:]


def test_where_the_last_call_is_not_the_result_it_does_not_bear_its_name():
    def forward(self, x):
        y = (self.one(x), self.two(x))[0]
        return y

    net = module(forward, one=nn.Conv2d(2, 2, 1), two=nn.Conv2d(2, 2, 1))
    x = torch.randn(1, 2, 4, 4)
    html = card(walk(net, x)[1])
    assert html.count("y[0]") == 1 and f"max {net.one(x).max():.3g}".replace("-", "−") in html[html.index("→ y"):]


def test_drawing_runs_nothing_that_can_be_noticed(capfd):
    calls = []

    class Noticed(nn.Module):
        def __init__(self):
            super().__init__()
            self.bn = nn.BatchNorm1d(4)

            def forward(x):
                calls.append(1)
                print("running")
                y = self.bn(x) * random.random()
                return y

            self.forward = forward

    net = Noticed()
    trail = walk(net, torch.randn(3, 4))
    capfd.readouterr()
    mean, state = net.bn.running_mean.clone(), random.getstate()
    assert "lw-graph" in card(trail[1])
    assert torch.equal(mean, net.bn.running_mean) and random.getstate() == state
    assert calls == [1] and capfd.readouterr() == ("", "")


def test_every_module_has_a_graph():
    def keeps(self, x):
        self.kept = self.fc(x)
        return self.kept

    def builds(self, x):
        if not hasattr(self, "late"):
            self.late = nn.Linear(4, 4)
        return self.late(x)

    def nones(self, x):
        pair = (self.fc(x), None)
        return pair

    for forward in (keeps, builds, nones):
        trail = walk(module(forward, fc=nn.Linear(4, 4)), torch.ones(2, 4))
        assert all(graph(step) for step in trail)


def test_a_modules_own_operators_stand_beside_its_children():
    class Norm(nn.BatchNorm2d):
        def __init__(self):
            super().__init__(2)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(super().forward(x))

    def forward(self, x):
        return self.bn(x)

    (call,) = walk(module(forward, bn=Norm().eval()), torch.randn(2, 2, 4, 4))[1].calls
    assert [inner.name for inner in call.calls if inner.type_name != "aten.empty"] == ["native_batch_norm", "bn.act"]


def test_what_a_line_changes_of_the_module():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("n", torch.zeros(1))
            self.seen = []

        def forward(self, x):
            self.n += 1
            self.y = x * 2
            self.seen.append(x)
            return self.y

    trail = walk(Counts(), torch.ones(2))
    assert trail[1].in_place and trail[1].before("self.n") == 0 and trail[1].value("self.n") == 1
    assert list(trail[2].changed) == ["self.y"] and trail[2].result == "self.y"
    assert trail[3].changed["self.seen"].after.text == "[2]" and trail[3].changed["self.seen"].before.text == "[]"


# ---- numbers


def test_macs_of_recurrent_layers_and_attention():
    def forward(self, x, q):
        a = self.lstm(x)[0]
        b = self.gru(x)[0]
        c = F.scaled_dot_product_attention(q, q, q)
        d = self.pair(x, x)
        e = q[0, 0] @ q[0, 0, 0]
        return a, b, c, d, e

    net = module(forward, lstm=nn.LSTM(4, 6), gru=nn.GRU(4, 6), pair=nn.Bilinear(4, 4, 5, bias=False))
    trail = walk(net, torch.ones(3, 1, 4), torch.ones(1, 2, 64, 16))
    # 3 steps × gates × outputs × (inputs + states); heads × 64 × 64 × 16, twice; places × outputs × inputs × inputs
    assert [step.macs for step in trail][1:6] == [
        3 * 4 * 6 * (4 + 6), 3 * 3 * 6 * (4 + 6), 2 * 64 * 64 * 16 * 2, 3 * 5 * 4 * 4, 64 * 16,
    ]


def test_the_fast_path_of_an_encoder_counts_as_the_slow_one():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    tokens = 2 * 5
    by_hand = tokens * 4 * 8 * 8 + 2 * tokens * 5 * 8 + tokens * 2 * 8 * 16
    with torch.no_grad():
        assert walk(layer, x).macs == by_hand
    assert walk(layer, x).macs == by_hand


def test_what_is_not_known_is_not_counted_and_never_0():
    def forward(self, x):
        y = torch.linalg.inv(x)
        z = torch.fft.fft(x)
        s = x.to_sparse() @ x
        return y, z, s

    trail = walk(module(forward), torch.eye(3))
    assert [step.macs for step in trail][1:4] == [None] * 3 and trail.macs is None
    assert trail[1].uncounted and "not counted" in card(trail[1]) and "not counted" in repr(trail[2])
    assert 'data-macs' not in card(trail[1]) and "not counted" in trail._repr_html_()


def test_receptive_fields_of_kernels_that_are_not_square():
    def forward(self, x):
        x = self.a(x)
        x = self.b(x)
        x = self.c(x)
        return x

    net = module(
        forward, a=nn.Conv2d(1, 1, (1, 7), padding=(0, 3)), b=nn.Conv2d(1, 1, (3, 1), padding=(1, 0)),
        c=nn.AvgPool2d((5, 1), stride=1, padding=(2, 0)),
    )
    x = torch.zeros(1, 1, 31, 31, requires_grad=True)
    net(x)[0, 0, 15, 15].backward()
    seen = x.grad[0, 0].ne(0)
    trail = walk(net, x.detach())
    assert trail[-1].receptive_field == (int(seen.any(1).sum()), int(seen.any(0).sum())) == (7, 7) or (
        trail[-1].receptive_sides == (int(seen.any(1).sum()), int(seen.any(0).sum()))
    )
    assert trail[1].receptive_field == (1, 7) and "1×7" in card(trail[1]) and 'data-field="1×7"' in card(trail[1])


@pytest.mark.parametrize(("layer", "shape", "text"), [
    (nn.Conv1d(1, 1, 5), (1, 1, 16), "5"), (nn.Conv3d(1, 1, (3, 5, 1)), (1, 1, 8, 8, 8), "3×5×1"),
    (nn.MaxPool3d(2), (1, 1, 8, 8, 8), "2×2×2"),
])
def test_receptive_fields_of_one_and_three_axes(layer, shape, text):
    def forward(self, x):
        return self.layer(x)

    step = walk(module(forward, layer=layer), torch.randn(shape))[1]
    assert "×".join(map(str, step.receptive_sides)) == text and f"<b>{text}</b>" in card(step)


def test_no_receptive_field_where_places_are_mixed():
    def forward(self, x):
        a = self.conv(x)
        b = F.scaled_dot_product_attention(a, a, a)
        c = a.cumsum(2)
        d = a * a.mean((2, 3), keepdim=True).sigmoid()
        e = a.softmax(-1)
        f = a.flip(3) + a
        g = a.softmax(1).permute(0, 2, 3, 1)
        h = torch.cat([a, x], 1).sum(1, keepdim=True)
        return b, c, d, e, f, g, h

    trail = walk(module(forward, conv=nn.Conv2d(1, 1, 3, padding=1)), torch.randn(1, 1, 16, 16))
    assert [step.receptive_field for step in trail][1:9] == [3, None, None, None, None, None, 3, 3]


def test_only_channels_are_called_channels():
    def forward(self, x, tokens):
        y = self.conv(x)
        last = y.permute(0, 2, 3, 1)
        gated = y * y.mean((2, 3), keepdim=True)
        heads = tokens.view(1, 6, 8, 4).transpose(1, 2) @ torch.eye(4)
        return last, gated, heads

    trail = walk(module(forward, conv=nn.Conv2d(3, 8, 1)), torch.randn(1, 3, 6, 5), torch.randn(1, 6, 32))
    assert "all 8 channels" in card(trail[1])
    html = card(trail[2])
    assert "all 8 channels of last" in html and "6×5" in html
    assert "all 8 channels" in card(trail[3])
    assert "channels of heads" not in card(trail[4]) and "all 8 along dim 1" in card(trail[4])


def test_what_a_thread_computes_is_counted():
    def forward(self, x):
        with ThreadPoolExecutor(1) as pool:
            y = next(iter(pool.map(self.fc, [x])))
        return y

    trail = walk(module(forward, fc=nn.Linear(4, 4)), torch.ones(2, 4))
    assert (trail.params, trail.macs) == (20, 32)


# ---- helper methods, submodules, several results


class Helped(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
        self.last = nn.Linear(2, 1)

    @property
    def size(self):
        return 2

    def features(self, x):
        y = self.layers(x)
        return y * self.size

    def forward(self, x):
        y = self.features(x) + 1
        y = self.last(y)
        return y


def test_lines_of_helper_methods_are_steps_of_their_own():
    net, x = Helped(), torch.randn(4, 2)
    trail = walk(net, x)
    assert [step.source for step in trail] == [
        "def forward(self, x):", "y = self.features(x) + 1", "def features(self, x):", "y = self.layers(x)",
        "return y * self.size", "y = self.last(y)", "return y",
    ]
    assert torch.equal(trail.output, net(x)) and trail[3].caller is trail[1] and trail[5].caller is None
    assert trail[1].ops == ["aten.add"] and trail.macs == sum(step.macs for step in trail) == 4 * (6 + 6 + 2)
    assert torch.equal(trail[3].value("y"), net.layers(x)) and torch.equal(trail[1].value("y"), 2 * net.layers(x) + 1)
    with pytest.raises(KeyError):
        trail[2].value("y")


def halved(x):
    y = x / 2
    return y


def each(xs):
    yield from xs


def doubled(x): return x * 2


class Calling(nn.Module):
    def forward(self, x):
        y = halved(x) + sum(each([x]))
        return doubled(y)


def test_lines_of_plain_functions_are_steps_where_that_is_asked_for():
    x = torch.ones(2)
    trail = walk_following([halved, each, doubled], Calling(), (x,), {})
    assert [step.source for step in trail] == [
        "def forward(self, x):", "y = halved(x) + sum(each([x]))", "def halved(x):", "y = x / 2", "return y",
        "return doubled(y)", "def doubled(x): return x * 2",
    ]
    assert torch.equal(trail.output, torch.full((2,), 3.0)) and torch.equal(trail[3].value("y"), x / 2)
    assert trail[3].caller is trail[1] and trail[5].caller is None
    assert [step.source for step in walk(Calling(), x)][1:] == [trail[1].source, trail[5].source]


def test_into_a_submodule():
    net, x = Helped(), torch.randn(4, 2)
    trail = walk(net, x, into=["layers", "layers.2"])
    inner = trail.into("layers")
    assert [step.source for step in inner][-1] == "return input" and torch.equal(inner.output, net.layers(x))
    assert inner.macs == 4 * 12 and inner.module is net.layers and torch.equal(inner.inputs[0], x)
    assert trail.into("layers.2").params == 8 and trail.macs == 4 * 14
    with pytest.raises(KeyError, match="into"):
        trail.into("last")
    with pytest.raises(WalkError, match=r"layers\.2"):
        walk(net, x, into="layers.3")


def test_several_results_are_shown_whole():
    def forward(self, x):
        out = self.lstm(x)  # noqa: F841
        a, b = x + 1, x * 2
        return a, b

    trail = walk(module(forward, lstm=nn.LSTM(4, 6)), torch.randn(3, 1, 4))
    assert card(trail[1]).count("<img") == 3 and "out[1][0]" in card(trail[1])
    assert card(trail[2]).count("<img") == 2 == card(trail[3]).count("<img")


def test_a_function_has_no_address():
    def forward(self, x):
        helper = F.gelu if x is None else forward  # noqa: F841
        thing = object()  # noqa: F841
        return x

    trail = walk(module(forward), torch.ones(1))
    assert "0x" not in repr(trail)
