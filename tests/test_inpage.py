"""The block that computes in the page: every line's tensor is PyTorch's, every number of the plan is linewalk's."""

import base64
import json
import random
import re

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from conftest import until

from linewalk import load_image, stem_and_block, walk
from linewalk.blocks import explicit, resnet, shortcut
from linewalk.draw.maps import number

CONTROLS = {
    "inplanes": [1, 3, 8, 12, 64], "planes": [1, 2, 4, 16, 64], "stride": [1, 2, 3], "groups": [1, 2, 3, 32],
    "base_width": [4, 26, 64, 128], "dilation": [1, 2, 4], "height": [1, 2, 5, 8, 13, 28], "width": [1, 3, 7, 14],
    "downsample": [None, True, False], "version": ["v1", "v1.5"], "training": [False, True],
    "order": ["after", "before"], "weights": ["auto", "random", "ones"],
    "input": ["photograph", "edge", "checkerboard", "noise", "pixel"],
}
STEPS = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "identity", "add", "relu3"]
MOST = 1 << 21  # multiply–accumulates of a configuration that is computed twice, here and in a browser
# One configuration after the other in one page; a tensor comes as base64.
RUN = """async ([configs, backend]) => {
    const packed = ({shape, data}) => {
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        let text = '';
        for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
        return {shape, data: btoa(text)};
    };
    const all = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, packed(one)]));
    const made = [];
    for (const config of configs) {
        const settings = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
        try {
            const {input, weights, steps, backend: used} = await window.playground.run({...settings, backend});
            made.push({input: packed(input), weights: all(weights), steps: all(steps), used});
        } catch (error) {
            made.push({error: error.message});
        }
    }
    return made;
}"""
PASTE = """async colour => {
    const canvas = new OffscreenCanvas(30, 20), context = canvas.getContext('2d'), data = new DataTransfer();
    context.fillStyle = `rgb(${colour})`;
    context.fillRect(0, 0, 30, 20);
    data.items.add(new File([await canvas.convertToBlob()], 'picture.png', {type: 'image/png'}));
    dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}));
}"""
PLAN = """configs => configs.map(({weights, input, ...settings}) => window.playground.plan(settings).steps)"""
# On a graphics card, every number of every line comes out wrong by one.
WRONG_ON_WEBGPU = """{
    const send = self.postMessage.bind(self);
    let wrong = false;
    self.postMessage = (message, transfer) => {
        wrong ||= message.result === 'webgpu';
        const steps = wrong ? Object.values(message.result?.steps ?? {}) : [];
        for (const {data} of steps) data?.forEach((value, at) => { data[at] = value + 1; });
        send(message, transfer);
    };
}
"""
IMPOSSIBLE = [
    {"stride": 2, "downsample": False},
    {"downsample": False},
    {"inplanes": 256, "height": 2, "width": 2, "stride": 2, "downsample": False},
    {"inplanes": 1, "planes": 1, "height": 5, "width": 2, "stride": 2, "downsample": False},
    {"planes": 8, "base_width": 4},
    {"groups": 0},
    {"stride": 0},
    {"dilation": 0, "height": 4, "width": 4},  # of larger maps another library says it in other words
    {"dilation": -1},
    {"training": True, "height": 1, "width": 1},
    {"training": True, "height": 2, "width": 2, "stride": 2},
    {"training": True, "height": 2, "width": 2, "stride": 2, "version": "v1", "order": "before"},
]


def sample(count, seed=0):
    """Configurations that PyTorch runs, in each of which every control has one of its values."""
    dice, found = random.Random(seed), []
    while len(found) < count:
        config = {name: dice.choice(values) for name, values in CONTROLS.items()}
        if dice.random() < 0.25:  # the only ones that the book's weights fit
            config |= {"inplanes": 64, "planes": 64, "groups": 1, "base_width": 64, "weights": "auto"}
        elif config["downsample"] is False and dice.random() < 0.8:  # and then most blocks fail
            config |= {"inplanes": 4 * config["planes"], "stride": 1}
        if 0 < expense(config) < MOST and reason(config, "meta") is None:
            found.append(config)
    return found


def expense(config):
    inner, rest = width(config), config["groups"]
    across = config["inplanes"] + 9 * inner // rest + 4 * config["planes"]
    return inner * across * config["height"] * config["width"]


def width(config):
    return int(config["planes"] * (config["base_width"] / 64.0)) * config["groups"]


class Block(nn.Module):
    """A bottleneck of these settings, with torchvision's names, for linewalk to walk."""

    def __init__(self, config):
        super().__init__()
        inner, outer, stride = width(config), 4 * config["planes"], config["stride"]
        first, second = (stride, 1) if config["version"] == "v1" else (1, stride)
        self.downsample = shortcut(config["inplanes"], outer, stride) if has_downsample(config) else None
        self.conv1 = nn.Conv2d(config["inplanes"], inner, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        dilation = config["dilation"]
        self.conv2 = nn.Conv2d(inner, inner, 3, second, dilation, dilation, config["groups"], bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.relu = nn.ReLU(inplace=True)
        self.train(config["training"])

    forward = resnet.Bottleneck.forward


def has_downsample(config):
    given = config["downsample"]
    return config["stride"] != 1 or config["inplanes"] != 4 * config["planes"] if given is None else given


def block_of(config):
    torch.manual_seed(0)
    block = Block(config)
    if config["order"] == "before":
        block.__class__ = type("Before", (Block,), {"forward": explicit.Bottleneck.forward})
    return block


def reason(config, device="cpu"):
    """What PyTorch says against a configuration, or None. `device` "meta": by the shapes alone."""
    try:
        with torch.no_grad(), torch.device(device):
            block_of(config)(torch.zeros(1, config["inplanes"], config["height"], config["width"]))
    except (RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def tensor(packed):
    return torch.frombuffer(bytearray(base64.b64decode(packed["data"])), dtype=torch.float32).reshape(packed["shape"])


def truth(config, x, weights):
    """The steps by plain functions of PyTorch's."""
    def conv(name, x, stride=1, **more):
        return F.conv2d(x, weights[f"{name}.weight"], None, stride, **more)

    def norm(name, x):
        mean, var = weights[f"{name}.running_mean"].clone(), weights[f"{name}.running_var"].clone()
        return F.batch_norm(x, mean, var, weights[f"{name}.weight"], weights[f"{name}.bias"], config["training"])

    stride, dilation, steps = config["stride"], config["dilation"], {}
    first, second = (stride, 1) if config["version"] == "v1" else (1, stride)
    steps["conv1"] = conv("conv1", x, first)
    steps["bn1"] = norm("bn1", steps["conv1"])
    steps["relu1"] = F.relu(steps["bn1"])
    steps["conv2"] = conv(
        "conv2", steps["relu1"], second, padding=dilation, dilation=dilation, groups=config["groups"]
    )
    steps["bn2"] = norm("bn2", steps["conv2"])
    steps["relu2"] = F.relu(steps["bn2"])
    steps["conv3"] = conv("conv3", steps["relu2"])
    steps["bn3"] = norm("bn3", steps["conv3"])
    projected = has_downsample(config)
    steps["identity"] = norm("downsample.1", conv("downsample.0", x, stride)) if projected else x
    steps["add"] = steps["bn3"] + steps["identity"]
    steps["relu3"] = F.relu(steps["add"])
    return steps


def check(page, configs, backend):
    worst = 0.0
    for start in range(0, len(configs), 20):
        some = configs[start : start + 20]
        for config, made in zip(some, page.evaluate(RUN, [some, backend]), strict=True):
            assert "error" not in made, (config, made)
            assert made["used"] == backend and set(made["steps"]) == set(STEPS)
            weights = {name: tensor(packed) for name, packed in made["weights"].items()}
            x = tensor(made["input"])
            block_of(config).load_state_dict(weights, strict=False)  # names and shapes
            expected = truth(config, x, weights)
            exact = truth(config, x.double(), {name: value.double() for name, value in weights.items()})
            for name in STEPS:
                found = tensor(made["steps"][name])
                assert found.shape == expected[name].shape, (config, name)
                off = difference(found, expected[name])
                # Training statistics of a channel that is the same everywhere divide what float32 has rounded away,
                # PyTorch's own as well: there its float64 is the truth.
                if difference(expected[name], exact[name]) > 1e-5:
                    off = min(off, difference(found, exact[name]))
                assert off <= 1e-4, (config, name, off)
                worst = max(worst, off)
    print(f"{len(configs)} configurations on {backend}: largest difference {worst:.1e} of the largest value")


def difference(found, expected):
    return (found - expected).abs().max().item() / max(1.0, expected.abs().max().item())


@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
def test_every_line_is_pytorchs(open_playground, backend):
    check(open_playground(backend), sample(40), backend)


@pytest.mark.exhaustive
@pytest.mark.parametrize("backend", ["wasm", "webgpu"])
def test_every_line_is_pytorchs_in_hundreds_of_configurations(open_playground, backend):
    configs = sample(240, seed=1)
    for name, values in CONTROLS.items():
        assert {config[name] for config in configs} >= set(values), name
    real = {name: values[0] for name, values in CONTROLS.items()}
    real |= {"inplanes": 64, "planes": 64, "base_width": 64, "height": 56, "width": 56, "input": "photograph"}
    check(open_playground(backend), [*configs, real, real | {"inplanes": 256}], backend)


# ---- what needs no engine


def walked(config):
    """The steps by linewalk: shape, parameters, multiply–accumulates, receptive field."""
    with torch.no_grad():
        trail = walk(block_of(config), torch.zeros(1, config["inplanes"], config["height"], config["width"]))
    names = {"conv1": "conv1", "bn1": "bn1", "conv2": "conv2", "bn2": "bn2", "conv3": "conv3", "bn3": "bn3"}
    relus, found = iter(["relu1", "relu2", "relu3"]), {}
    for step in trail:
        if not step.ops and not step.source.startswith("identity"):
            continue
        name = "identity" if step.source.startswith("identity") else "add" if "+=" in step.source else None
        name = name or (next(relus) if step.modules == ("relu",) else names[step.modules[0]])
        found[name] = (list(step.value(step.result).shape), step.params, step.macs, step.receptive_field)
    return found


def compare_plans(page, configs):
    for config, plan in zip(configs, page.evaluate(PLAN, configs), strict=True):
        planned = {
            name: (step["shape"], step["params"], step["macs"], step["receptiveField"]) for name, step in plan.items()
        }
        assert {name: planned[name] for name in STEPS} == walked(config), config


def test_every_number_is_linewalks(open_playground):
    compare_plans(open_playground("wasm"), sample(40))


@pytest.mark.exhaustive
def test_every_number_is_linewalks_in_hundreds_of_configurations(open_playground):
    compare_plans(open_playground("wasm"), sample(240, seed=1))


def test_what_is_impossible_is_refused_in_pytorchs_words(open_playground):
    page = open_playground("wasm")
    whole = {name: values[0] for name, values in CONTROLS.items()}
    whole |= {"inplanes": 64, "planes": 64, "base_width": 64, "height": 56, "width": 56, "version": "v1.5"}
    said = page.evaluate(RUN, [IMPOSSIBLE, "wasm"])
    for config, made in zip(IMPOSSIBLE, said, strict=True):
        expected = reason(whole | config)
        assert expected, config
        assert expected in made["error"], config
    strange = [{"planes": 1.5}, {"groups": -1}, {"stride": "2"}, {"plane": 64}, {"version": "v2"},
               {"weights": "imagenet"}, {"weights": "book", "groups": 2}, {"input": "own"},
               {"height": 100000, "width": 100000}]
    for config, made in zip(strange, page.evaluate(RUN, [strange, "wasm"]), strict=True):
        assert made.get("error"), config


def test_weights_are_the_books_and_pytorchs(open_playground):
    page = open_playground("wasm")
    photograph = {"input": "photograph"}
    mixed = {"planes": 16, "groups": 2, "stride": 2, "weights": "random", "height": 7, "width": 7}
    book, random_, ones = page.evaluate(RUN, [[photograph, mixed, mixed | {"weights": "ones"}], "wasm"])
    stem, block = stem_and_block()
    state = {name: value for name, value in block.state_dict().items() if "num_batches" not in name}
    assert set(book["weights"]) == set(state)
    assert all(torch.equal(tensor(book["weights"][name]), value) for name, value in state.items())
    with torch.no_grad():
        x = stem(load_image())
        assert difference(tensor(book["input"]), x) < 1e-5  # the chapters' photograph, pixel for pixel
        assert difference(tensor(book["steps"]["relu3"]), block(x)) < 1e-4
    config = {name: values[0] for name, values in CONTROLS.items()} | mixed | {"inplanes": 64, "base_width": 64}
    fresh = block_of(config | {"version": "v1.5"}).state_dict()
    for name, packed in random_["weights"].items():
        assert difference(tensor(packed), fresh[name]) < 1e-7, name
    given = tensor(ones["input"])
    inside = tensor(ones["steps"]["conv1"])
    assert difference(inside[0, 0], given.sum(1)[0]) < 1e-5
    assert difference(tensor(ones["steps"]["bn1"]), inside) < 1e-6


# ---- the page


def test_a_value_frames_what_it_sees_of_the_photograph(open_playground):
    page = open_playground("wasm")
    page.get_by_role("button", name="Compute the maps").click()
    canvas = page.locator(".pg-maps figure[data-step=conv2] canvas")
    canvas.focus()
    for key in ["ArrowUp"] * 8 + ["ArrowRight"] * 2:  # from the middle
        page.keyboard.press(key)
    stem, block = stem_and_block()
    x = load_image().requires_grad_()
    out = block.conv2(block.relu(block.bn1(block.conv1(stem(x)))))
    assert page.locator(".pg-value").inner_text() == f"out[0, 0, 20, 30] = {number(out[0, 0, 20, 30].item())}"
    framed = page.locator(".pg-picture").evaluate("""canvas => {
        const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), places = [];
        for (let at = 0; at < data.length; at += 4)
            if (data[at] === 238 && data[at + 1] === 119 && data[at + 2] === 20)
                places.push([Math.floor(at / 4 / width), at / 4 % width]);
        return places;
    }""")
    # The frame is as wide as two pixels or three, half of it inside of what it frames.
    assert [min(place[0] for place in framed), max(place[0] for place in framed)] == pytest.approx([70, 90], abs=3)
    assert [min(place[1] for place in framed), max(place[1] for place in framed)] == pytest.approx([110, 130], abs=3)
    torch.randn(out.shape[1], generator=torch.Generator().manual_seed(0)).dot(out[0, :, 20, 30]).backward()
    rows, columns = x.grad[0].abs().sum(0).nonzero(as_tuple=True)
    assert rows.min() >= 71 and rows.max() <= 89 and columns.min() >= 111 and columns.max() <= 129


def test_a_number_is_followed_from_the_photograph_to_the_return(open_playground):
    page = open_playground("wasm")
    page.goto(page.url + "#stride=2")
    page.get_by_role("button", name="Compute the maps").click()
    page.locator(".pg-maps figure[data-step=input] canvas").focus()
    for key in ["ArrowDown"] * 2 + ["PageDown", "Enter"]:
        page.keyboard.press(key)
    stem, block = stem_and_block()
    block.conv2.stride = block.downsample[0].stride = (2, 2)
    with torch.no_grad():
        x = stem(load_image())
        trail = walk(block, x)
    values = [step.value(step.result) for step in trail if step.ops or step.source.startswith("identity = self")]
    read = [x, *(value.double() for value in values), values[-1]]
    if read[1].shape[1] == 256:  # the book's block asks for the shortcut first, the page's after bn3
        read.insert(9, read.pop(1))
    assert len(read) == 13
    found = []
    for value in read:
        row, column = (30, 28) if value.shape[2] == 56 else (15, 14)
        found.append(f"[0, 1, {row}, {column}] = {number(value[0, 1, row, column].item())}")
    for at, said in enumerate(found):
        if at:
            page.keyboard.press("j")
        assert page.locator(".pg-value").inner_text().endswith(said), at
        figure = page.locator(".pg-maps figure:has(+ .pg-detail)")
        assert figure.count() == 1 and figure.locator("canvas").evaluate("one => one === document.activeElement")
    page.keyboard.press("k")
    assert page.locator(".pg-value").inner_text().endswith(found[-2])
    page.keyboard.press("Escape")
    assert not page.locator(".pg-detail").count()


def test_nothing_is_loaded_before_a_touch(open_playground):
    page, asked = open_playground("wasm"), []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2].partition("-")[0]))
    page.reload()
    page.locator(".pg-listing").wait_for()
    heavy = {"worker.js", "stem_block_cifar10", "photograph"}
    assert not heavy & set(asked)
    page.get_by_role("button", name="Compute the maps").click()
    page.locator(".pg-maps canvas").first.wait_for()
    assert heavy <= set(asked)
    assert page.locator(".pg-maps > figure").count() == 13  # every line that has a tensor


def test_one_copy_of_the_weights_lies_at_the_sites_root(site):
    copies = [path for path in site.rglob("*") if path.suffix == ".safetensors"]
    assert [path.parent for path in copies] == [site / "inpage"]


@pytest.mark.parametrize(("edition", "name"), [("en", "groups groups"), ("zh", "分组 groups")])
def test_a_settings_lines_change_at_once_and_stand_in_the_address(open_playground, edition, name):
    page = open_playground("wasm", edition)
    conv2 = page.locator(".pg-listing tr[data-step=conv2]")
    assert "(1, 64, 56, 56)" in conv2.inner_text() and "36,864" in conv2.inner_text()
    page.get_by_role("slider", name=name).press("End")
    assert "(1, 2048, 56, 56)" in conv2.inner_text()
    page.get_by_role("button", name="ResNeXt-50 32×4d").click()
    assert "(1, 128, 56, 56)" in conv2.inner_text() and "4,608" in conv2.inner_text()
    assert page.url.endswith("#groups=32&base_width=4")
    page.evaluate("location.hash = 'playground'")  # a place on the page is no setting
    assert "4,608" in conv2.inner_text()
    page.go_back()
    page.reload()
    assert "4,608" in conv2.inner_text()
    page.locator(".language-switch a[data-edition=both]").click()
    assert page.url.endswith("/both/book/playground.html#groups=32&base_width=4")
    assert "4,608" in conv2.inner_text()


def test_the_call_that_is_shown_builds_the_block(open_playground):
    page = open_playground("wasm")
    states = [{}, {"groups": 32, "base_width": 4, "stride": 2}, {"version": "v1", "stride": 2, "dilation": 2},
              {"inplanes": 256, "training": True, "base_width": 128}]
    for state in states:
        page.evaluate("state => { location.hash = new URLSearchParams(state) }",
                      {name: json.dumps(value).strip('"') for name, value in state.items()})
        page.locator(".pg-listing").wait_for()
        names = {"nn": nn, "Bottleneck": resnet.Bottleneck}
        exec(page.locator(".pg-call code").inner_text(), names)
        block, whole = names["block"], {name: values[0] for name, values in CONTROLS.items()}
        whole |= {"inplanes": 64, "planes": 64, "base_width": 64, "version": "v1.5"} | state
        wanted = block_of(whole)
        assert block.training == wanted.training
        built, wanted = ({name: repr(part) for name, part in one.named_modules() if name} for one in (block, wanted))
        assert built == wanted


def test_an_error_is_played_and_refusals_stand_where_they_are_set(open_playground):
    page = open_playground("wasm")
    page.get_by_role("button", name="play an error").click()
    failed = page.locator(".pg-listing .pg-failed")
    message = "The size of tensor a (28) must match the size of tensor b (56) at non-singleton dimension 3"
    assert f"RuntimeError: {message}" in failed.inner_text()
    assert "1×256×28×28" in failed.inner_text() and "1×64×56×56" in failed.inner_text()
    assert page.get_by_label("shortcut downsample").get_attribute("aria-invalid") is not None
    page.locator(".pg-maps figure[data-step=bn3]").wait_for()
    assert not page.locator(".pg-maps figure[data-step=add]").count()
    groups = page.get_by_label("groups groups", exact=True).first
    groups.fill("0")
    assert "groups must be a positive integer" in page.locator("#pg-refused-groups").inner_text()
    assert groups.input_value() == "0" and "groups=0" in page.url
    groups.fill("2")
    assert page.locator("#pg-refused-groups").inner_text() == ""


def test_the_readers_picture_and_a_broken_one(open_playground, tmp_path):
    from PIL import Image

    page = open_playground("wasm")
    picture, broken = tmp_path / "picture.png", tmp_path / "broken.png"
    Image.new("RGB", (300, 200), (250, 20, 20)).save(picture)
    broken.write_bytes(b"no picture")
    page.set_input_files("#pg-file", broken)
    page.get_by_text("This file cannot be read as a picture").wait_for()
    page.set_input_files("#pg-file", picture)
    page.locator(".pg-picture:visible").wait_for()
    colour = "canvas => [...canvas.getContext('2d').getImageData(9, 9, 1, 1).data]"
    assert page.locator(".pg-picture").evaluate(colour) == [250, 20, 20, 255]
    assert "own" not in page.url
    canvas = page.locator(".pg-maps figure[data-step=relu3] canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    assert page.locator(".pg-value").inner_text().startswith("out[0, 1, 28, 29] = ")
    page.evaluate(PASTE, [20, 20, 250])
    until(page, f"() => `${{({colour})(document.querySelector('.pg-picture'))}}` === '20,20,250,255'")


def test_the_grid_reads_what_a_convolution_reads(open_playground):
    page = open_playground("wasm")
    page.goto(page.url.partition("#")[0] + "#stride=2&dilation=2")
    page.get_by_role("button", name="the next cell").click()
    probe = torch.zeros(1, 1, 7, 7, requires_grad=True)
    F.conv2d(probe, torch.ones(1, 1, 3, 3), stride=2, padding=2, dilation=2)[0, 0, 0, 1].backward()
    read = page.locator(".pg-taps rect").evaluate_all(
        "cells => cells.filter(cell => cell.matches('.pg-in.pg-read')).map(cell => [cell.y, cell.x].map(side => "
        "side.baseVal.value / 20 - 2))"
    )
    assert read == probe.grad[0, 0].nonzero().tolist()
    page.evaluate("location.hash = 'dilation=500'")  # a grid of a thousand cells a side
    page.get_by_text("Dilation 500 is too wide to draw: this kernel takes one cell in 500 and spans 1001.").wait_for()
    assert not page.locator(".pg-taps svg").is_visible()


def test_what_a_browser_lacks_is_said_and_the_rest_goes_on(open_playground, site):
    page = open_playground("wasm")
    page.add_init_script("delete globalThis.WebAssembly")
    page.reload()
    page.get_by_role("button", name="Compute the maps").click()
    page.get_by_text("This browser lacks WebAssembly").wait_for()
    assert "36,864" in page.locator(".pg-listing").inner_text()
    page.goto((site / "en/book/playground.html").as_uri())
    page.get_by_role("button", name="Compute the maps").click()
    page.get_by_text("A browser does not let a page opened from the disk").wait_for()
    page.get_by_role("slider", name="stride stride").press("ArrowRight")
    assert "(1, 64, 28, 28)" in page.locator(".pg-listing tr[data-step=conv2]").inner_text()


def test_a_graphics_card_that_is_none_is_not_taken(open_playground):
    page = open_playground("webgpu")  # SwiftShader, which is the processor by a longer way
    small = {"inplanes": 4, "planes": 1, "height": 2, "width": 2}
    assert page.evaluate("config => window.playground.run(config).then(made => made.backend)", small) == "wasm"


def test_a_gpu_with_other_numbers_is_left_for_the_processor(open_playground, site):
    script = WRONG_ON_WEBGPU + (site / "inpage" / "worker.js").read_text(encoding="utf-8")
    comes_to_the_processor(open_playground("webgpu"), "**/worker.js", script)


def test_a_gpu_is_checked_against_known_numbers_of_every_line(open_playground, site):
    script = (site / "inpage" / "playground.js").read_text(encoding="utf-8")
    for line in ("conv1", "identity", "relu3"):
        altered, count = re.subn(rf"\b{line}:\[[^,]+,", f"{line}:[9,", script)
        assert count == 1
        comes_to_the_processor(open_playground("webgpu"), "**/playground.js", altered)


def comes_to_the_processor(page, name, script):
    page.route(name, lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.goto(page.url + "?backend=webgpu")
    page.get_by_role("button", name="Compute the maps").click()
    page.get_by_text("Computed on this machine's CPU").wait_for()
    assert "This GPU's numbers are not PyTorch's" in page.locator(".pg-status").inner_text()
    page.locator(".pg-maps figure[data-step=relu3] canvas").focus()
    stem, block = stem_and_block()
    with torch.no_grad():
        out = block(stem(load_image()))
    assert page.locator(".pg-value").inner_text() == f"out[0, 0, 28, 28] = {number(out[0, 0, 28, 28].item())}"


def test_a_lost_gpu_leaves_the_processor_and_the_readers_picture(open_playground, tmp_path):
    from PIL import Image

    page, picture = open_playground("webgpu"), tmp_path / "picture.png"
    Image.new("RGB", (300, 200), (20, 250, 20)).save(picture)
    page.goto(page.url + "?backend=webgpu")
    page.set_input_files("#pg-file", picture)
    page.get_by_text("Computed on this machine's GPU").wait_for()
    page.context.browser.new_browser_cdp_session().send("Browser.crashGpuProcess")
    page.get_by_text("The browser took the GPU away; it goes on with the CPU").wait_for()
    page.get_by_text("Computed on this machine's CPU").wait_for()
    colour = "document.querySelector('.pg-picture').getContext('2d').getImageData(9, 9, 1, 1).data"
    until(page, f"() => {colour}.join() === '20,250,20,255'")
