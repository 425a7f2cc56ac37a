"""How a number was made: every part of the description is what PyTorch computes in float64 from the line before."""

import json
import math
import random
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from test_inpage import CONTROLS, block_of, has_downsample, sample, truth

from linewalk import load_image, stem_and_block
from linewalk.blocks import ASPPTail
from linewalk.draw.maps import number

sys.path.insert(0, str(ROOT / "book"))
import bundle
from npm import npm

INPAGE = ROOT / "book" / "inpage"
# A task a line, {plan's configuration, tensors, asked: [[step, index], …]}; a line of descriptions for each.
DESCRIBE = """
import { createInterface } from "node:readline";
import { plan } from "./compute/arithmetic.js";
import { describe } from "./numbers/made.js";
import { blockWiring, stemWiring, tailWiring } from "./numbers/wiring.js";
const typed = ({ shape, data }) => ({ shape, data: Float32Array.from(data) });
const all = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, typed(one)]));
for await (const line of createInterface({ input: process.stdin })) {
  const { config, input, weights, steps, asked } = JSON.parse(line);
  const tensors = { input: typed(input), weights: all(weights), steps: all(steps) };
  const wirings = { tail: () => tailWiring([]), stem: () => ({ ...blockWiring(plan({})), ...stemWiring() }) };
  const lines = config in wirings ? { wiring: wirings[config]() } : { plan: plan(config) };
  const found = asked.map(([step, index]) => describe({ ...lines, tensors, step, index }));
  console.log(JSON.stringify(found));
}
"""


def bundled(entry, folder, form):
    """The script with what it imports of book/inpage, as one file."""
    script = folder / "entry.js"
    script.write_text(entry, encoding="utf-8")
    esbuild = bundle.packages(INPAGE, bundle.WORK / "inpage") / ".bin" / "esbuild"
    made = folder / "made.mjs"
    options = ["--bundle", f"--format={form}", "--platform=neutral", "--external:node:*", "--log-level=error"]
    with script.open() as stdin:
        subprocess.run([esbuild, *options, f"--outfile={made}"], stdin=stdin, cwd=INPAGE, check=True)
    return made


@pytest.fixture(scope="module")
def describe(tmp_path_factory):
    """Asks made.js in Node for the descriptions of numbers of one block."""
    script = bundled(DESCRIBE, tmp_path_factory.mktemp("made"), "esm")
    node = Path(npm()).with_name("node")

    def ask(*tasks):
        lines = "".join(json.dumps(task) + "\n" for task in tasks)
        done = subprocess.run([node, script], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def task(config, x, weights, steps, asked):
    def packed(tensors):
        return {name: {"shape": list(value.shape), "data": value.flatten().tolist()} for name, value in tensors.items()}

    if not isinstance(config, str):
        config = {name: one for name, one in config.items() if one is not None and name not in ("weights", "input")}
    return {
        "config": config, "input": packed({"x": x})["x"], "weights": packed(weights), "steps": packed(steps),
        "asked": asked,
    }


def computed(config, seed=0):
    """A block's weights (none of which is 0 or 1), an input and every line's tensor, in float32."""
    block = block_of(config)
    generator = torch.Generator().manual_seed(seed)
    weights = {name: value.clone() for name, value in block.state_dict().items() if "num_batches" not in name}
    for name, value in weights.items():
        if value.dim() == 1:
            value.uniform_(*(0.5, 1.5) if name.endswith(("var", "weight")) else (-0.5, 0.5), generator=generator)
    x = torch.randn(1, config["inplanes"], config["height"], config["width"], generator=generator)
    return x, weights, lines(config, x, weights)


def lines(config, x, weights):
    steps = truth(config, x, weights)
    if has_downsample(config):
        steps["downsample.0"] = F.conv2d(x, weights["downsample.0.weight"], None, config["stride"])
    return steps


def corners_and_some(steps, seed=0):
    """Places in every line: the corners of its first and last channel, where the padding is, and two elsewhere."""
    dice = random.Random(seed)
    asked = []
    for name, value in steps.items():
        _, channels, height, width = value.shape
        places = {(0, 0, 0), (channels - 1, height - 1, width - 1), (0, 0, width - 1)}
        places |= {(dice.randrange(channels), dice.randrange(height), dice.randrange(width)) for _ in range(2)}
        asked += [[name, list(place)] for place in sorted(places)]
    return asked


BEFORE = {
    "conv1": "input", "conv2": "relu1", "conv3": "relu2", "downsample.0": "input", "bn1": "conv1", "bn2": "conv2",
    "bn3": "conv3", "relu1": "bn1", "relu2": "bn2", "relu3": "add",
}
SOME = sample(14, seed=13)


def test_the_sample_has_what_is_difficult():
    for name in ("stride", "groups", "dilation", "version", "training", "downsample"):
        assert {config[name] for config in SOME} >= set(CONTROLS[name]), name


def test_every_part_is_what_pytorch_computes(describe):
    blocks = [(config, *computed(config, seed)) for seed, config in enumerate(SOME)]
    places = [corners_and_some(steps, seed) for seed, (*_, steps) in enumerate(blocks)]
    found = describe(*(task(*block, asked) for block, asked in zip(blocks, places, strict=True)))
    for (config, x, weights, steps), asked, descriptions in zip(blocks, places, found, strict=True):
        exact = {name: value.double() for name, value in weights.items()}
        for (step, index), description in zip(asked, descriptions, strict=True):
            assert description["step"] == step and description["index"] == index
            assert description["shown"] == at(steps[step], index).item()
            check(config, step, index, description, {"input": x, **steps}, exact)


def check(config, step, index, found, tensors, exact):
    if found["kind"] == "projection":
        convolution, norm = found["parts"]
        check_convolution(config, "downsample.0", index, convolution, tensors, exact)
        check_norm(config, "downsample.1", "downsample.0", index, norm, tensors, exact)
    elif step in ("conv1", "conv2", "conv3", "downsample.0"):
        check_convolution(config, step, index, found, tensors, exact)
    elif step.startswith("bn"):
        check_norm(config, step, BEFORE[step], index, found, tensors, exact)
    elif step.startswith("relu"):
        check_source(found["source"], BEFORE[step], index, tensors)
        assert found["total"] == max(0.0, found["source"]["value"]) == found["shown"]
    elif step == "add":
        one, other = found["sources"]
        check_source(one, "bn3", index, tensors)
        shape = tensors["identity"].shape[1:]
        stretched = [place if side > 1 else 0 for place, side in zip(index, shape, strict=True)]
        check_source(other, "identity", stretched, tensors)
        assert found["total"] == one["value"] + other["value"]
        assert abs(found["total"] - found["shown"]) <= 2**-23 * abs(found["shown"])
    else:
        assert step == "identity" and found["kind"] == "copy"
        check_source(found["source"], "input", index, tensors)
        assert found["total"] == found["shown"]


def at(tensor, index):
    return tensor[0][tuple(index)]


def check_source(source, step, index, tensors):
    assert (source["step"], source["index"]) == (step, index)
    assert source["value"] == at(tensors[step], index).item()


def check_convolution(config, step, index, found, tensors, weights):
    """A convolution is linear: its gradient times its input is what each cell brings, channel by channel."""
    x = tensors[BEFORE[step]].double().requires_grad_()
    out = at(convolve(config, step, x, weights), index)
    out.backward()
    brought = (x.grad * x)[0].detach()
    channels = found["channels"]
    order, sums = [channel["channel"] for channel in channels], [channel["sum"] for channel in channels]
    assert sums == sorted(sums, key=abs, reverse=True)
    assert len(set(order)) == len(order) == found["inputs"] // found["groups"]
    slack = 1e-12 * brought.abs().sum().item() + 1e-300
    expected = brought.flatten(1).sum(1)
    assert (torch.tensor(sums, dtype=torch.double) - expected[order]).abs().max() <= slack
    assert abs(expected.sum() - sum(sums)) <= slack  # no other channel brings anything
    cells = [cell for channel in channels for cell in channel["cells"] if cell["source"]["index"]]
    assert {cell["source"]["step"] for cell in cells} == {BEFORE[step]}
    places = tuple(torch.tensor([cell["source"]["index"] for cell in cells]).T)
    assert x[0][places].tolist() == [cell["source"]["value"] for cell in cells]
    assert x.grad[0][places].tolist() == [cell["weight"] for cell in cells]
    assert len(cells) == (x.grad != 0).sum()  # no weight is exactly zero
    for channel in channels:
        padding = [cell for cell in channel["cells"] if not cell["source"]["index"]]
        assert all(cell["source"]["value"] == cell["product"] == 0 for cell in padding)
        assert abs(sum(cell["product"] for cell in channel["cells"]) - channel["sum"]) <= slack
        read = [cell["source"]["index"][0] for cell in channel["cells"] if cell["source"]["index"]]
        assert set(read) <= {channel["channel"]}
    assert abs(found["total"] - out.item()) <= slack
    assert abs(found["total"] - found["shown"]) <= 2**-20 * max(brought.abs().sum().item(), 1e-30)


def convolve(config, step, x, weights):
    first, second = (config["stride"], 1) if config["version"] == "v1" else (1, config["stride"])
    dilation = config["dilation"]
    more = {
        "conv1": {"stride": first}, "conv3": {}, "downsample.0": {"stride": config["stride"]},
        "conv2": {"stride": second, "padding": dilation, "dilation": dilation, "groups": config["groups"]},
    }[step]
    return F.conv2d(x, weights[f"{step}.weight"], None, **more)


def check_norm(config, name, before, index, found, tensors, weights):
    check_source(found["source"], before, index, tensors)
    x = tensors[before].double()
    whole = F.batch_norm(
        x, weights[f"{name}.running_mean"].clone(), weights[f"{name}.running_var"].clone(), weights[f"{name}.weight"],
        weights[f"{name}.bias"], config["training"],
    )
    values = x[0, index[0]]
    if config["training"]:
        assert found["batch"] == values.numel()
        assert found["mean"] == pytest.approx(values.mean().item(), rel=1e-9, abs=1e-12)
        assert found["variance"] == pytest.approx(values.var(correction=0).item(), rel=1e-9, abs=1e-12)
    else:
        assert found["batch"] is None
        assert found["mean"] == weights[f"{name}.running_mean"][index[0]]
        assert found["variance"] == weights[f"{name}.running_var"][index[0]]
    assert found["weight"] == weights[f"{name}.weight"][index[0]] and found["bias"] == weights[f"{name}.bias"][index[0]]
    assert found["total"] == pytest.approx(at(whole, index).item(), rel=1e-9, abs=1e-9)
    gain = abs(found["weight"]) / found["deviation"]
    size = (abs(found["source"]["value"]) + abs(found["mean"])) * gain + abs(found["bias"])
    assert abs(found["total"] - found["shown"]) <= 2**-20 * size


PLAIN = {name: values[0] for name, values in CONTROLS.items()} | {"planes": 1, "base_width": 64}


def test_a_line_that_is_left_out_is_a_copy(describe):
    x, weights, steps = computed(PLAIN)
    assert has_downsample(PLAIN)
    steps |= {"relu1": steps["bn1"], "add": steps["bn3"], "identity": steps["downsample.0"]}
    asked = [["relu1", [0, 0, 0]], ["add", [1, 0, 0]], ["identity", [2, 0, 0]]]
    config = PLAIN | {"without": ["relu1", "add", "downsample.1"]}
    [[relu, add, identity]] = describe(task(config, x, weights, steps, asked))
    assert relu["kind"] == add["kind"] == "copy"
    assert (relu["source"]["step"], add["source"]["step"]) == ("bn1", "bn3")
    assert [part["kind"] for part in identity["parts"]] == ["convolution"]
    assert identity["total"] == pytest.approx(identity["shown"], rel=1e-5)
    assert relu["total"] == relu["shown"] == steps["bn1"][0, 0, 0, 0].item()


def test_chapter_1s_line_is_told_as_well(describe):
    torch.manual_seed(0)
    tail, branches = ASPPTail().train(), [torch.randn(1, 256, 3, 4) for _ in range(5)]
    weights = {name: value.detach() for name, value in tail.named_parameters()}
    names = ["out_1x1", "out_3x3_1", "out_3x3_2", "out_3x3_3", "out_img"]
    exact = {"cat": torch.cat(branches, 1).double()}
    with torch.no_grad():
        tail.double()
        exact["conv_1x1_3"] = tail.conv_1x1_3(exact["cat"])
        exact["bn_conv_1x1_3"] = tail.bn_conv_1x1_3(exact["conv_1x1_3"])
        exact["relu"] = exact["bn_conv_1x1_3"].relu()
        exact["conv_1x1_4"] = tail.conv_1x1_4(exact["relu"])
    steps = dict(zip(names, branches, strict=True)) | {name: value.float() for name, value in exact.items()}
    asked = [["cat", [700, 1, 2]], ["conv_1x1_3", [7, 1, 2]], ["bn_conv_1x1_3", [7, 1, 2]], ["relu", [7, 1, 2]],
             ["conv_1x1_4", [3, 2, 0]], ["out_3x3_2", [1, 1, 1]]]
    [found] = describe(task("tail", branches[0], weights, steps, asked))
    assert [one["kind"] for one in found] == ["joined", "convolution", "norm", "relu", "convolution", "input"]
    assert (found[0]["source"]["step"], found[0]["source"]["index"]) == ("out_3x3_2", [700 - 512, 1, 2])
    for (step, index), one in zip(asked[:-1], found, strict=False):
        assert one["total"] == pytest.approx(at(exact[step], index).item(), rel=1e-5, abs=1e-6), step
    for one, channels in ((found[1], 1280), (found[4], 256)):
        assert one["bias"] == weights[f"{one['step']}.bias"][one["index"][0]].item()
        assert len(one["channels"]) == channels
        assert one["total"] == pytest.approx(sum(channel["sum"] for channel in one["channels"]) + one["bias"])


def test_a_number_is_told_back_to_the_photograph(describe):
    x = load_image()[:, :, 60:100, 60:104]  # with all its edges, and small
    stem, _ = stem_and_block()
    weights = {f"stem.{name}": value for name, value in stem.state_dict().items() if value.dim()}
    with torch.no_grad():
        steps = {"photograph": x, "stem.conv1": stem.conv1(x)}
        steps["stem.bn1"] = stem.bn1(steps["stem.conv1"])
        steps["stem.relu"] = steps["stem.bn1"].relu()
        steps["stem.maxpool"] = stem.maxpool(steps["stem.relu"])
    asked = [[step, [17, *place]] for step in ("stem.conv1", "stem.maxpool") for place in ([0, 0], [4, 9], [9, 10])]
    asked += [["stem.bn1", [17, 3, 3]], ["stem.relu", [17, 3, 3]], ["input", [17, 3, 3]]]
    [found] = describe(task("stem", steps["stem.maxpool"], weights, steps, asked))
    for (step, index), one in zip(asked, found, strict=True):
        whole = steps["stem.maxpool" if step == "input" else step]
        assert one["total"] == pytest.approx(at(whole, index).item(), rel=1e-5, abs=1e-6), step
    probe = steps["stem.relu"].clone().requires_grad_()
    for one in found[3:6]:
        probe.grad = None
        at(stem.maxpool(probe), one["index"]).backward()  # to where the largest is
        assert [one["source"]["index"]] == probe.grad[0].nonzero().tolist()
    assert found[0]["channels"][0]["cells"][48]["source"]["unseen"] and found[-1]["source"]["step"] == "stem.maxpool"


def test_what_was_not_computed_has_no_description(describe):
    x, weights, steps = computed(PLAIN)
    del steps["add"], steps["relu3"]
    assert describe(task(PLAIN, x, weights, steps, [["add", [0, 0, 0]], ["output", [0, 0, 0]]])) == [[None, None]]


# ---- what is shown of it

SHOW = """
import { plan } from "./compute/arithmetic.js";
import { showChannels } from "./numbers/channels-panel.js";
import { describe } from "./numbers/made.js";
import { showMade } from "./numbers/made-panel.js";
import { showParameters } from "./numbers/parameters-panel.js";
const typed = ({ shape, data }) => ({ shape, data: Float32Array.from(data) });
const all = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, typed(one)]));
const place = document.createElement("div");
let planned, tensors, view;
const shown = { made: showing, parameters: showParameters, channels: showChannels };
function showing(place, { step, index, onPick }, language) {
  showMade(place, describe({ plan: planned, tensors, step, index }), language, { onGoTo: (...to) => onPick(to) });
}
// `picked` is what the reader has last chosen; what is shown follows it.
window.shown = {
  take({ config, input, weights, steps }) {
    planned = plan(config);
    tensors = { input: typed(input), weights: all(weights), steps: all(steps) };
    document.querySelector("article").prepend(place);
  },
  show(what, given, language = "en") {
    view = { what, given, language };
    shown[what](place, { tensors, ...tensors.steps[given.step], ...given, onPick }, language);
    place.dataset.picked = "";
  },
};
function onPick(picked) {
  place.dataset.picked = JSON.stringify(picked);
  if (view.what === "made") return;
  const next = view.what === "channels" ? { index: picked } : { channel: picked };
  const tensor = tensors.steps[view.given.step];
  shown[view.what](place, { tensors, ...tensor, ...view.given, ...next, onPick }, view.language);
}
place.id = "shown";
"""


@pytest.fixture(scope="module")
def show(browser, tmp_path_factory):
    """Opens a page on which `show(what, given, language)` shows a number of a block."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    style = (INPAGE / "numbers" / "numbers.css").read_text(encoding="utf-8")
    page.set_content(f"<style>{style}</style><article></article>")
    page.evaluate(bundled(SHOW, tmp_path_factory.mktemp("shown"), "iife").read_text(encoding="utf-8"))

    def ask(what, given, language="en"):
        page.evaluate("([what, given, language]) => window.shown.show(what, given, language)", [what, given, language])
        return page.locator("#shown")

    def take(config):
        x, weights, steps = computed(config)
        page.evaluate("block => window.shown.take(block)", task(config, x, weights, steps, []))
        return weights, steps

    ask.take = take
    ask.picked = lambda: json.loads(page.locator("#shown").get_attribute("data-picked") or "null")
    ask.page = page
    yield ask
    page.close()


WIDE = {name: values[0] for name, values in CONTROLS.items()} | {
    "inplanes": 12, "planes": 16, "base_width": 64, "groups": 2, "stride": 2, "dilation": 2, "height": 9, "width": 7,
}


def calculated(text):
    """What the page's arithmetic comes to, worked out from the digits that stand there."""
    text = re.sub(r"（舍入）( / )?|\(rounding\)", "", text)
    for sign, operator in {"−": "-", "÷": "/", "×": "*", "√": "sqrt"}.items():
        text = text.replace(sign, operator)
    numbers = re.sub(r"\d+(\.\d+)?", lambda found: f"Fraction('{found[0]}')", text)
    return eval(numbers, {"Fraction": Fraction, "sqrt": lambda value: Fraction(math.sqrt(value)), "max": max})


@pytest.mark.parametrize("language", ["en", "both"])
def test_what_stands_there_adds_up(show, language):
    _, steps = show.take(WIDE)
    asked = [(name, place) for name, place in corners_and_some(steps) if name not in ("identity", "downsample.0")]
    for step, index in asked:
        box = show("made", {"step": step, "index": index}, language)
        expected = at(steps[step], index).item()
        if step.startswith(("conv", "add")):
            column = box.locator(".made-column").first
            terms = column.locator(":scope > li:not(.made-total, .made-inside) > .made-number").all_inner_texts()
            total = column.locator(".made-total .made-number").inner_text().removeprefix("= ")
            assert calculated("0 " + " ".join(terms)) == calculated(total), (step, index)
            assert total.replace("−", "-") == f"{expected:.{len(total.partition('.')[2])}f}", (step, index)
        for formula in box.locator(".made-formula").all_inner_texts():
            calculation, _, result = formula.replace("\xa0", " ").partition("≈" if "≈" in formula else " = ")
            off = abs(calculated(calculation) - calculated(result))
            assert off == 0 if "≈" not in formula else off <= 2e-4 * abs(calculated(result)) + 1e-4, formula


def test_the_channels_that_are_summed_up_unfold_and_every_cell_leads_to_its_number(show):
    weights, steps = show.take(WIDE)
    index = [20, 0, 1]  # the second group's; its kernel lies over the upper edge
    box = show("made", {"step": "conv2", "index": index})
    read = torch.zeros_like(steps["relu1"], requires_grad=True)
    at(convolve(WIDE, "conv2", read, weights), index).backward()
    reads = read.grad[0].flatten(1).abs().sum(1).nonzero().flatten().tolist()
    rest = box.get_by_role("button", name=f"{len(reads) - 6} other channels")
    rest.focus()
    show.page.keyboard.press("Enter")
    assert rest.get_attribute("aria-expanded") == "true"
    names = box.locator(".made-channel").all_inner_texts()
    assert sorted(int(name.removeprefix("channel ")) for name in names) == reads
    last = box.locator(".made-all .made-channel").last
    last.focus()
    show.page.keyboard.press("Enter")
    assert last.get_attribute("aria-pressed") == "true"
    channel = int(last.inner_text().removeprefix("channel "))
    assert box.get_by_role("status").inner_text().startswith(f"Input channel {channel} adds")
    cells = box.locator(".made-grid").first.get_by_role("button")
    found = []
    for cell in cells.all():
        cell.click()
        found.append(show.picked())
    places = read.grad[0, channel].nonzero().tolist()
    assert found == [["relu1", [channel, *place]] for place in places]
    assert box.locator(".made-padding").count() == 3 * (9 - len(places))


def test_a_channel_is_picked_by_hand_and_by_keys(show):
    _, steps = show.take(WIDE)
    box = show("channels", {"step": "conv3", "index": [9, 2, 1]})
    said = box.locator(".channels-said")
    assert said.inner_text() == f"row 2, column 1: {number(at(steps['conv3'], [9, 2, 1]).item())}"
    assert box.locator(".channels-number").all_inner_texts() == [str(channel) for channel in range(64)]
    large, all_ = box.locator("canvas").all()
    large.focus()
    show.page.keyboard.press("ArrowRight")
    assert show.picked() == [9, 2, 2]
    all_.focus()
    show.page.keyboard.press("ArrowDown")
    assert show.picked() == [17, 2, 2]
    assert box.locator(".channels-title strong").inner_text() == "channel 17 of 64"
    assert said.inner_text() == f"row 2, column 2: {number(at(steps['conv3'], [17, 2, 2]).item())}"
    times = large.evaluate("canvas => canvas.getBoundingClientRect().width") / steps["conv3"].shape[3]
    assert times == int(times) and times > 20
    large.click(position={"x": 3.5 * times, "y": 0.5 * times})
    assert show.picked() == [17, 0, 3]


@pytest.mark.parametrize("training", [False, True])
def test_a_lines_parameters_are_those_of_the_channel(show, training):
    weights, steps = show.take(WIDE | {"training": training})
    box = show("parameters", {"step": "identity", "channel": 3, "training": training})
    box.get_by_role("slider").press("ArrowRight")
    assert show.picked() == 4
    values = steps["downsample.0"][0, 4].double()
    mean, variance = (weights[f"downsample.1.running_{name}"][4] for name in ("mean", "var"))
    if training:
        mean, variance = values.mean(), values.var(correction=0)
    expected = [weights["downsample.1.weight"][4], weights["downsample.1.bias"][4], mean, variance.sqrt()]
    shown = box.locator(".parameters-bars .parameters-value").all_inner_texts()
    assert shown == [number(value.item()) for value in expected]
    kernel = box.locator("canvas.parameters-matrix")
    kernel.focus()
    show.page.keyboard.press("ArrowRight")
    weight = number(weights["downsample.0.weight"][4, 1, 0, 0].item())
    assert box.locator(".parameters-value").first.inner_text() == f"[4, 1, 0, 0] = {weight}"
    tiles = show("parameters", {"step": "conv2", "channel": 20})
    tiles.locator("canvas").focus()
    for key in ("PageDown", "ArrowRight", "ArrowDown"):
        show.page.keyboard.press(key)
    weight = number(weights["conv2.weight"][20, 1, 1, 1].item())
    assert tiles.locator(".parameters-value").inner_text() == f"[20, 1, 1, 1] = {weight}"
