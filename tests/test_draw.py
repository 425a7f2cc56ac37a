"""The drawings against what they draw: pixels against values, labels against shapes, lit nodes against lines."""

import base64
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
from html import unescape

import numpy as np
import pygraphviz
import pytest
import torch
import torch.nn as nn
from PIL import Image

from linewalk import load_image, stem_and_block, walk, walk_init
from linewalk.blocks import ASPPTail, explicit, resnet, shortcut
from linewalk.draw import card, cuboids, feature_maps, glimpse, graph, trail_table

layout = sys.modules[graph.__module__]


@pytest.fixture(scope="module")
def trail():
    stem, block = stem_and_block()
    with torch.no_grad():
        return walk(block, stem(load_image()))


@pytest.fixture(scope="module")
def tail():
    torch.manual_seed(0)
    with torch.no_grad():
        return walk(ASPPTail().eval(), *torch.randn(5, 1, 256, 28, 28))


def pictures(html):
    uris = re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri))).convert("RGBA")).astype(int) for uri in uris]


def all_channels(html):
    """The picture of all channels and how it is laid out."""
    uri, layout = re.search(r'data-all="data:image/webp;base64,([^"]+)" data-all-grid="([^"]+)"', html).groups()
    picture = Image.open(io.BytesIO(base64.b64decode(uri))).convert("RGBA")
    return np.asarray(picture).astype(int), json.loads(unescape(layout))


def svgs(html):
    return [ET.fromstring(text) for text in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def lit(step):
    """Titles of the lit nodes, from top to bottom."""
    return [title for title, state, _ in nodes(step) if state == "lw-now"]


def nodes(step):
    """(title, state, height on the page) of each node, from top to bottom."""
    (svg,) = svgs(graph(step))
    found = []
    for group in svg.iter("g"):
        classes = group.get("class").split()
        if classes[0] == "lw-node":
            found.append((next(group.iter("tspan")).text, classes[-1], float(group.find("rect").get("y"))))
    return sorted(found, key=lambda node: node[2])


def blue_and_orange(picture):
    """How many pixels are a tint of blue, how many of orange: red against blue, where it is not transparent."""
    opaque = picture[..., 3] > 20
    warmth = picture[..., 0] - picture[..., 2]
    return int((opaque & (warmth < -60)).sum()), int((opaque & (warmth > 60)).sum())


# feature maps


def test_signed_maps_have_blue_and_orange_and_rectified_ones_no_blue():
    torch.manual_seed(0)
    signed = torch.randn(1, 16, 56, 56)
    blue, orange = blue_and_orange(pictures(feature_maps(signed))[0])
    assert abs(blue / (blue + orange) - (signed < 0).float().mean()) < 0.05
    blue, orange = blue_and_orange(pictures(feature_maps(signed.relu()))[0])
    assert blue == 0 and orange > 1000


def test_zero_is_transparent_and_each_tile_shows_its_own_channel():
    maps = torch.zeros(1, 4, 56, 56)
    maps[0, 2] = 1.0
    (picture,) = pictures(feature_maps(maps))
    tile = (picture.shape[1] + 2) // 4
    inside = [picture[10:-10, index * tile + 10 : (index + 1) * tile - 12, 3] for index in range(4)]
    assert [alpha.min() for alpha in inside] == [0, 0, 255, 0]
    assert [alpha.max() for alpha in inside] == [0, 0, 255, 0]


def test_opacity_grows_with_the_value_on_a_given_scale():
    ramp = torch.linspace(0, 1, 56).expand(1, 1, 56, 56)
    opacity = pictures(feature_maps(ramp, scale=1.0))[0][28, 1:57, 3]
    assert (np.diff(opacity) >= 0).all() and opacity[0] == 0 and opacity[-1] == 255
    assert pictures(feature_maps(ramp, scale=10.0))[0][28, 1:57, 3].max() < 100


def test_alt_text_states_the_tensor_in_both_languages():
    torch.manual_seed(0)
    values = torch.randn(1, 64, 56, 56)
    image = ET.fromstring(re.search(r"<img.*?>", feature_maps(values, "conv1"))[0].replace(">", "/>"))
    zh, en = image.get("data-alt-zh"), image.get("data-alt-en")
    assert image.get("alt") == f"{zh} / {en}"
    for text in (zh, en):
        assert "conv1" in text and "64" in text and "56×56" in text
        assert f"{values.min():.3g}".replace("-", "−") in text and f"{values.max():.3g}" in text
        assert f"{(values < 0).float().mean():.0%}" in text
    assert "the first 16 of 64 channels" in en and "64 个通道中的前 16 个" in zh


def test_size_attributes_are_the_pictures_own():
    html = feature_maps(torch.randn(1, 16, 56, 56))
    (picture,) = pictures(html)
    assert f'width="{picture.shape[1]}" height="{picture.shape[0]}"' in html


def test_the_photograph_is_drawn_as_itself():
    x = load_image()
    (picture,) = pictures(feature_maps(x, "x"))
    pixels = x[0] * torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    pixels += torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    assert np.abs(picture[..., :3] - pixels.permute(1, 2, 0).numpy() * 255).mean() < 6
    assert picture.shape == (224, 224, 4)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.full((1, 3, 8, 8), float("nan")),
        torch.tensor([[[[1.0, float("inf")], [float("nan"), -1.0]]]]),
        torch.full((1, 5, 7, 7), 2.5),
        torch.zeros(2, 4, 7, 7),
        torch.randn(1, 16, 14, 14).bfloat16(),
        torch.randn(1, 8, 30, 90),
        torch.randn(1, 2, 3, 100, 100),
        torch.randn(2, 1000),
        torch.randn(10),
        torch.randn(2, 7, 32),
        torch.randn(3, 64, 1, 1),
        torch.arange(6).reshape(2, 3),
        torch.randn(2, 3, dtype=torch.complex64),
        torch.ones(1, 1, 4, 4, dtype=torch.bool),
        torch.eye(5).to_sparse(),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{tuple(tensor.shape)}-{tensor.layout}".replace("torch.", ""),
)
def test_any_tensor_can_be_drawn(tensor):
    html = feature_maps(tensor)
    (picture,) = pictures(html)
    assert picture.shape[1] <= 480 and "data-alt-zh" in html


def test_what_is_not_finite_is_magenta_and_counted():
    values = torch.zeros(1, 1, 8, 8)
    values[0, 0, 0, :3] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    html = feature_maps(values)
    colours = {tuple(pixel) for pixel in pictures(html)[0].reshape(-1, 4) if pixel[3] == 255}
    assert colours == {(219, 39, 160, 255)}
    assert "nan/inf 3" in html


def test_complex_values_are_drawn_by_their_size():
    assert "from 5 to 5" in feature_maps(torch.full((1, 2), 3 + 4j))


def test_nothing_to_draw_is_nothing():
    assert feature_maps(torch.tensor(3.0)) == feature_maps(torch.zeros(0, 3)) == ""


def test_bars_go_up_for_positive_and_down_for_negative():
    (picture,) = pictures(feature_maps(torch.tensor([[1.0, -1.0]])))
    half, middle = picture.shape[1] // 2, picture.shape[0] // 2
    assert picture[5, 5, 3] == 255 and picture[-5, 5, 3] == 0
    assert picture[5, half + 5, 3] == 0 and picture[-5, half + 5, 3] == 255
    assert middle > 5


# cuboids


def texts(svg):
    return [text.text for text in svg.iter("text")]


def test_cuboids_are_labelled_with_names_and_shapes():
    (svg,) = svgs(cuboids([("x", (1, 64, 56, 56))], ("out", (1, 256, 56, 56)), through="conv3"))
    assert texts(svg) == ["x", "64×56×56", "conv3", "out", "256×56×56"]
    assert svg.get("data-label-zh") == "形状：x 64×56×56，经 conv3 → out 256×56×56"
    assert svg.get("data-label-en") == "Shapes: x 64×56×56 through conv3 → out 256×56×56"
    assert svg.get("aria-label") == f"{svg.get('data-label-zh')} / {svg.get('data-label-en')}"


def test_a_batch_keeps_its_size_and_other_ranks_their_whole_shape():
    (svg,) = svgs(cuboids([("x", (8, 512, 7, 7)), ("y", (8, 512))], ("z", (10,)), sign="+"))
    assert texts(svg) == ["x", "8×512×7×7", "+", "y", "8×512", "z", "10"]


def test_nothing_is_drawn_outside_the_picture():
    names = ["out_1x1", "out_3x3_1", "out_3x3_2", "out_3x3_3", "out_img"]
    (svg,) = svgs(cuboids([(name, (1, 256, 28, 28)) for name in names], ("out", (1, 1280, 28, 28)), through="cat"))
    left, top, width, height = map(float, svg.get("viewBox").split())
    assert width <= 390 - 20
    for text in svg.iter("text"):
        half = len(text.text) * 6.7 / 2
        assert left <= float(text.get("x")) - half and float(text.get("x")) + half <= left + width
        assert top + 10 <= float(text.get("y")) <= top + height - 2
    assert [float(svg.get(side)) for side in ("width", "height")] == [width, height]


def test_faces_follow_height_and_width_and_depth_the_channels():
    def box(shape):
        (svg,) = svgs(cuboids([("x", shape)]))
        face = svg.find(".//rect")
        across = float(re.search(r"l([\d.]+)", svg.find(".//path").get("d"))[1])
        return float(face.get("width")), float(face.get("height")), across

    wide, high, deep = box((1, 64, 56, 112))
    assert wide > high and box((1, 64, 224, 224))[0] > 2 * box((1, 64, 28, 28))[0]
    assert box((1, 256, 56, 112))[2] > deep and box((1, 3, 7, 7))[0] >= 5


# graph


def test_each_line_lights_its_own_node(trail):
    assert lit(trail["out = self.conv1(x)"]) == ["conv1"]
    assert lit(trail["identity = self.downsample(x)"]) == ["downsample.0", "downsample.1"]
    assert lit(trail["out += identity"]) == ["add_"]
    assert lit(trail["return out"]) == ["return"]
    assert lit(trail["def forward(self, x):"]) == ["x"]


def test_the_third_relu_line_lights_the_third_relu(trail):
    for occurrence in range(3):
        relus = [state for title, state, _ in nodes(trail["out = self.relu(out)", occurrence]) if title == "relu"]
        assert relus == ["lw-done"] * occurrence + ["lw-now"] + ["lw-todo"] * (2 - occurrence)


def test_a_line_without_a_node_lights_none_and_keeps_the_marks(trail):
    for source in ("identity = x", "if self.downsample is not None:"):
        states = [state for _, state, _ in nodes(trail[source])]
        assert states.count("lw-now") == 0 and states.count("lw-done") == 1


def test_a_nested_line_lights_all_its_calls(tail):
    assert lit(tail[2]) == ["conv_1x1_3", "bn_conv_1x1_3", "relu"]
    assert lit(tail[1]) == ["cat"]
    assert lit(tail[0]) == ["out_1x1", "out_3x3_1", "out_3x3_2", "out_3x3_3", "out_img"]


def test_nodes_name_their_step_and_source_line(trail):
    step = trail["out = self.conv2(out)"]
    (svg,) = svgs(graph(step))
    (node,) = [group for group in svg.iter("g") if group.get("class").endswith("lw-now")]
    assert (node.get("data-step"), node.get("data-source")) == (str(step.index), str(step.lineno))
    assert [text.text for text in node.iter("text")][-1] == "64×56×56"


class Loop(nn.Module):
    """Five layers in a loop; every second one adds its input."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(5))

    def forward(self, x):
        for index, layer in enumerate(self.layers):
            if index % 2:
                x = x + layer(x)
                continue
            x = layer(x)
        return x.view(-1)


def test_each_turn_of_a_loop_lights_its_own_node():
    trail = walk(Loop(), torch.randn(2, 8))
    assert [lit(trail["x = layer(x)", turn]) for turn in range(3)] == [["layers.0"], ["layers.2"], ["layers.4"]]
    assert [lit(trail["x = x + layer(x)", turn]) for turn in range(2)] == [["layers.1", "add"], ["layers.3", "add"]]


class Branch(nn.Module):
    """Rectifies while training, negates otherwise."""

    def forward(self, x):
        if self.training:
            return x.relu()
        return x.neg()


def test_the_graph_takes_the_branch_that_the_walk_took():
    x = torch.randn(1, 4)
    assert [title for title, _, _ in nodes(walk(Branch().train(), x)[-1])] == ["x", "relu", "return"]
    assert [title for title, _, _ in nodes(walk(Branch().eval(), x)[-1])] == ["x", "neg", "return"]


class Lottery(nn.Module):
    """Returns early at random."""

    def forward(self, x):
        if torch.rand(1) < 0.5:
            return x.relu()
        x = x.neg()
        return x.exp()


def test_the_graph_draws_the_same_lot_as_the_walk():
    for seed in range(8):
        torch.manual_seed(seed)
        trail = walk(Lottery(), torch.randn(1, 4))
        way = ["relu"] if len(trail) == 3 else ["neg", "exp"]
        assert [title for title, _, _ in nodes(trail[-1])] == ["x", "lt", *way, "return"]


class Fickle(nn.Module):
    """Takes another way each time it is called."""

    calls = 0

    def forward(self, x):
        Fickle.calls += 1
        if Fickle.calls % 2:
            return x.relu()
        x = x.neg()
        return x


def test_the_graph_is_the_walks_own_where_another_run_goes_another_way():
    for way in ("relu", "neg"):
        trail = walk(Fickle(), torch.randn(1, 4))
        assert [title for title, _, _ in nodes(trail[-1])] == ["x", way, "return"]


@pytest.fixture
def own_graphviz(monkeypatch):
    """As where torchview is missing, and a Graphviz that is no Python package lays out."""
    asked = []

    def graphviz(dot):
        asked.append(dot)
        return pygraphviz.AGraph(string=dot).draw(format="json0", prog="dot").decode()

    monkeypatch.setattr(layout, "can_draw", False)
    layout.lay_out_with(graphviz)
    yield asked
    layout.lay_out_with(None)


def test_graphviz_lays_the_walks_own_record_out_as_torchviews(trail, own_graphviz):
    own = layout.graph(trail[-1])
    assert len(own_graphviz) == 1 and layout.graph(trail[0]) and len(own_graphviz) == 1, "it is asked once for a trail"
    layout.lay_out_with(None)
    column = layout.graph(trail[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "can_draw", True)
        layout.lay_out_with(None)
        theirs = layout.graph(trail[-1])
    written = [sorted(re.findall(r"<text.*?</text>", re.sub(r' [xy]="[^"]*"', "", html))) for html in (own, theirs)]
    assert written[0] == written[1]
    rows = [len(set(re.findall(r'<rect x="[^"]*" y="([^"]*)"[^>]* rx="(?:5|15)"', html))) for html in (own, column)]
    assert rows[0] < rows[1] == 14, "branches beside each other"


def test_without_graphviz_for_now_it_is_a_column_and_asked_anew(trail, monkeypatch):
    monkeypatch.setattr(layout, "can_draw", False)
    layout.lay_out_with(lambda dot: None)
    assert "lw-now" in layout.graph(trail[3])
    layout.lay_out_with(None)


# a glimpse


def test_a_glimpse_tells_range_and_mean_of_the_whole_result(trail):
    step = trail["out = self.conv2(out)"]
    value = step.value("out")
    html = glimpse(step)
    assert html.count("<figure") == 1 and f"max {value.max():.3g}".replace("-", "−") in html
    assert f"</span> {value.mean():.3g}</span>".replace("-", "−") in html


def test_a_glimpse_of_an_in_place_line_has_what_was_there_before(trail):
    step = trail["out += identity"]
    before, after = glimpse(step).split("<figure")[1:]
    for html, value in ((before, step.before("out")), (after, step.value("out"))):
        assert f"max {value.max():.3g}" in html and f"{value.mean():.3g}".replace("-", "−") in html
    assert "before this line" in before and "after, in the same memory" in after


def test_a_line_that_makes_nothing_has_no_glimpse(trail):
    assert glimpse(trail["identity = x"]) == glimpse(trail["if self.downsample is not None:"]) == ""


class OnTheInstance(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.forward = lambda x: self.layer(x)


def test_a_forward_put_on_the_instance_lights_its_nodes_too():
    assert "layer" in lit(walk(OnTheInstance(), torch.randn(1, 4))[-1])


def test_a_tall_graph_shows_the_part_around_the_line():
    deep = nn.Module()
    deep.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(60))

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = deep.layers

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    trail = walk(Deep(), torch.randn(1, 4))
    step = trail["x = layer(x)", 40]
    assert lit(step) == ["layers.40"] and len(nodes(step)) < 30
    assert len(graph(step)) < 12_000


def test_drawing_a_graph_changes_nothing_of_the_callers():
    block = explicit.Bottleneck(64, 64, downsample=shortcut(64, 256)).train()
    calls = []
    block.conv1.register_forward_hook(lambda *_: calls.append(1))
    trail = walk(block, torch.randn(2, 64, 8, 8))
    before = {name: buffer.clone() for name, buffer in block.state_dict().items()}
    state = torch.random.get_rng_state()
    assert graph(trail[-1])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(buffer, before[name]) for name, buffer in block.state_dict().items())
    assert calls == [1] and block.training


def test_without_torchview_the_walks_own_record_is_drawn(monkeypatch, trail):
    monkeypatch.setattr("torchview.draw_graph", None)
    fresh = walk(trail.module, *trail.inputs)
    for step in fresh:
        assert sorted(lit(step)) == sorted(lit(trail[step.index])), step.source


# cards


def test_every_card_is_sound(trail, tail):
    built = walk_init(resnet.Bottleneck, 64, 64, downsample=shortcut(64, 256))
    for step in (*trail, *tail, *built):
        html = card(step)
        assert "<script" not in html and html.count("<div") == html.count("</div>")
        for svg in svgs(html):
            assert svg.get("role") == "img" and svg.get("data-label-zh") and svg.get("data-label-en")
            assert all(ord(character) < 0x2E80 for character in "".join(svg.itertext())), "code and numbers only"
        assert html.count('lang="zh"') == html.count('lang="en"') > 0
        assert html.count("<img") == html.count("data-alt-zh") == html.count("data-alt-en")


def test_ids_are_unique_on_a_page(trail):
    ids = re.findall(r'\bid="([^"]+)"', "".join(card(step) for step in trail))
    assert ids and len(ids) == len(set(ids))


def test_relu_in_place_shows_both_states_on_one_scale(trail):
    html = card(trail["out = self.relu(out)", 2])
    before, after = pictures(html)
    assert blue_and_orange(before)[0] > 1000 and blue_and_orange(after)[0] == 0
    assert blue_and_orange(before)[1] == blue_and_orange(after)[1] > 1000
    scales = re.findall(r'lw-legend"><span>−([\d.]+)', html)
    assert len(scales) == 2 and scales[0] == scales[1]


def test_the_sum_shows_both_operands_and_the_result(trail):
    step = trail["out += identity"]
    html = card(step)
    assert len(pictures(html)) == 3
    for value in (step.before("out"), step.value("identity"), step.value("out")):
        assert f"{value.max():.3g}" in html
    assert len(set(re.findall(r'lw-legend"><span>−([\d.]+)', html))) == 1


def test_the_nested_line_shows_its_three_calls_in_order(tail):
    html = card(tail[2])
    assert re.findall(r"<b>(\d \w+)", html) == ["1 conv_1x1_3", "2 bn_conv_1x1_3", "3 relu"]
    assert "327,936" in html and len(pictures(html)) == 3


def test_a_card_names_its_step_line_shapes_and_numbers(trail, tail):
    def ties(step):
        return re.match(r'<div class="lw-card"([^>]*)>', card(step))[1]

    step = trail["out = self.conv3(out)"]
    assert ties(step) == (
        f' data-step="{step.index}" data-line="{step.lineno}" data-shape="out 1×256×56×56" data-from="out 1×64×56×56"'
        ' data-params="16384" data-macs="51380224" data-field="3" data-again="block before"'
    )
    assert ties(trail[0]).endswith(' data-shape="x 1×64×56×56" data-again="block before"')
    assert ' data-from="out 1×256×56×56, identity 1×256×56×56"' in ties(trail["out += identity"])
    assert ties(tail[0]).count("1×256×28×28") == 5
    assert "data-shape" not in ties(trail["if self.downsample is not None:"])


def test_a_card_says_whether_its_walk_can_be_done_again(tail):
    stem, block = stem_and_block()
    _, late = stem_and_block(block=resnet.Bottleneck)
    dilated = resnet.Bottleneck(64, 64, downsample=shortcut(64, 256), dilation=2).eval()
    dilated.load_state_dict(late.state_dict())
    with torch.no_grad():
        entrance = walk(stem, load_image())
        x = entrance.output
        walks = {"stem": entrance, "block before": walk(block, x), "block after": walk(late, x)}
        others = [walk(dilated, x), walk(late, x.flip(3)), walk(stem_and_block("random")[1], x), tail]
    for kind, trail in walks.items():
        assert all(f' data-again="{kind}"' in card(step) for step in trail[:2])
    assert not any("data-again" in card(trail[1]) for trail in others)


def test_a_picture_of_maps_carries_a_few_values(trail):
    step = trail["out = self.conv3(out)"]
    printed = [float(value) for value in re.search(r'data-sample="([^"]+)"', card(step))[1].split(",")]
    values = step.value("out").flatten()
    assert printed == pytest.approx(values[len(values) // 16 :: len(values) // 8].tolist(), rel=1e-5)


def test_facts_appear_where_they_say_something(trail):
    html = card(trail["out = self.conv1(x)"])
    assert "4,096" in html and "12,845,056" in html and "1×1" in html and "803 kB" in html
    html = card(trail["identity = x"])
    assert "identity is x" in html and "MACs" not in html and "<img" not in html
    assert "in place" in card(trail["out += identity"]) and "new memory" not in card(trail["out += identity"])


def test_an_if_with_a_comment_at_the_margin():
    class Commented(nn.Module):
        def forward(self, x):
            if x.dim() == 2:
# no indentation here
                x = x + 1
            return x

    assert "条件成立" in card(walk(Commented(), torch.zeros(1, 2))[1])
    assert "条件不成立" in card(walk(Commented(), torch.zeros(1, 2, 3))[1])


class Twice(nn.Module):
    def forward(self, x):
        y = x * 2
        return y


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, about layouts in the making
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_have_cards_without_pictures(layout):
    nested = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=layout)
    for step in walk(Twice(), nested):
        assert "<img" not in card(step)
    assert 'data-shape="y nested"' in card(step)


def test_an_if_line_says_which_way_it_went(trail):
    assert "The condition holds" in card(trail["if self.downsample is not None:"])
    plain = walk(explicit.Bottleneck(256, 64).eval(), torch.randn(1, 256, 8, 8))
    assert "does not hold" in card(plain["if self.downsample is not None:"])
    built = walk_init(resnet.Bottleneck, 64, 64)
    assert "The condition holds" in card(built["if norm_layer is None:"])


def test_a_construction_shows_what_a_line_registers():
    built = walk_init(explicit.Bottleneck, 64, 64)
    html = card(built[6])
    assert "self.conv2" in html and "64×64×3×3" in html and "36,864" in html
    assert texts(svgs(html)[0]) == ["conv2.weight[0]", "64×3×3", "…", "conv2.weight[63]", "64×3×3"]
    assert "stride = 1" in card(built[2])


def test_a_failed_step_shows_its_sentence_and_its_operands():
    with pytest.raises(RuntimeError) as caught:
        walk(explicit.Bottleneck(64, 64).eval(), torch.randn(1, 64, 8, 8))
    step = caught.value.trail.failed
    html = card(step)
    assert step.error.html() in html and "<img" not in html
    assert html.count("`") == 0 and html.count("<code>out += identity</code>") == 3  # heading, and both sentences
    assert texts(svgs(html)[0]) == ["out", "256×8×8", "+", "identity", "64×8×8"]
    assert str(step.error) in repr(step)


def test_the_style_sheet_stays_small_and_in_its_scope(trail):
    style = re.search(r"<style>(.*?)</style>", card(trail[0]))[1]
    assert len(style) < 4000
    for selector in re.findall(r"(?:^|\})([^{}@]+)\{", style):
        assert all(".lw-" in part for part in selector.split(","))


def test_a_step_states_itself_on_one_line(trail):
    line = repr(trail["out = self.conv1(x)"])
    assert "\n" not in line
    for part in ("out = self.conv1(x)", "out: 1×64×56×56", "float32 cpu", "params 4,096", "MACs 12,845,056", "rf 1"):
        assert part in line
    assert "in place" in repr(trail["out += identity"])
    assert "is x" in repr(trail["identity = x"])


def test_the_table_has_a_row_a_step_and_the_totals(trail):
    html = trail_table(trail)
    assert html.count("<tr>") == len(trail) + 2
    assert f"{trail.params:,}" in html and f"{trail.macs:,}" in html
    assert "1×64×56×56 → 1×256×56×56" in html


@pytest.mark.parametrize(("channels", "side"), [(64, 56), (256, 7), (100, 28), (20, 112)])
def test_all_channels_of_a_line_lie_where_the_layout_says(monkeypatch, channels, side):
    monkeypatch.setenv("LINEWALK_ALL_CHANNELS", "1")
    torch.manual_seed(0)
    values = torch.randn(1, channels, side, side)
    values[0, channels - 1] = 5.0
    picture, layout = all_channels(feature_maps(values, scale=5.0))
    assert layout["maps"] == layout["total"] == channels
    width, height = layout["tile"]
    row, column = divmod(channels - 1, layout["columns"])
    top, left = row * (height + layout["gap"]), column * (width + layout["gap"])
    assert picture.shape[:2] == (top + height, layout["columns"] * (width + layout["gap"]) - layout["gap"])
    last = picture[top + 1:top + height - 1, left + 1:left + width - 1]
    assert last.shape[:2] == (min(side, 56),) * 2 and (last == (238, 119, 20, 255)).all()
    if side <= 56:  # a pixel a value: blue where negative
        first = picture[1:height - 1, 1:width - 1]
        assert ((first[..., 2] > first[..., 0]) == (values[0, 0].numpy() < 0)).all()


def test_a_picture_of_all_channels_is_bounded(monkeypatch):
    monkeypatch.setenv("LINEWALK_ALL_CHANNELS", "1")
    for shape in ((1, 3000, 1, 29), (1, 3000, 29, 1), (1, 4096, 2, 2), (1, 512, 56, 56)):
        picture, layout = all_channels(feature_maps(torch.randn(shape)))
        assert layout["maps"] <= 2048 and layout["total"] == shape[1]
        assert picture[..., 3].size <= 2_000_000


def test_a_notebook_does_not_carry_what_it_cannot_show(monkeypatch, trail):
    monkeypatch.delenv("LINEWALK_ALL_CHANNELS", raising=False)
    assert "data-all=" not in card(trail["out = self.conv3(out)"])


def test_a_graph_is_drawn_whole_also_where_it_is_long():
    deep = nn.Sequential(*[nn.Linear(4, 4) for _ in range(40)])

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = deep

        def forward(self, x):
            x = self.layers(x)
            return x

    assert len(nodes(walk(Deep(), torch.randn(1, 4))[0])) == 42


class Walked(nn.Module):
    """Two convolutions, the second with a stride."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 7, 2, 3), nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x):
        x = self.one(x)
        x = self.two(x)
        return x


def test_the_frame_on_the_photograph_is_what_the_middle_value_depends_on():
    image = load_image()
    first, second = Walked(), nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1))
    entrance = walk(first, image)

    class Then(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = second

        def forward(self, x):
            x = self.layers(x)
            return x

    trail = walk(Then(), entrance.output)
    source = image.clone().requires_grad_()
    second(first(source))[0, :, 28, 28].sum().backward()
    rows, columns = [torch.nonzero(source.grad[0].abs().sum((0, side))).flatten().tolist() for side in (2, 1)]
    assert 'class="lw-photo"' not in card(trail[1])
    trail.preceded_by = entrance
    html = card(trail[1])
    assert f"framed: rows {rows[0]}–{rows[-1]}, columns {columns[0]}–{columns[-1]}" in html
    assert f"sees {len(rows)}×{len(rows)} pixels" in html
    assert 'class="lw-photo"' not in card(entrance[0]), "the photograph itself is drawn there"
    assert "framed: rows 109–115, columns 109–115" in card(entrance[1])
    by_name = walk(Then(), x=entrance.output.detach())
    by_name.preceded_by = entrance
    assert 'class="lw-photo"' not in card(by_name[1]), "where it cannot be told, nothing is said"


def test_maps_made_without_weights_name_nobodys(tail):
    concatenated, scores = tail[1], tail["out = self.conv_1x1_4(out)"]
    assert "torch.cat" in concatenated.source and "ASPPTail 现有的权重" not in card(concatenated)
    assert "ASPPTail 现有的权重" in card(scores)
