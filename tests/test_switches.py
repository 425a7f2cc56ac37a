"""Lines of forward that are left out in the page: the values are those of a PyTorch module without these lines."""

import inspect
import itertools
import random
import re
import textwrap

import pytest
import torch
import torch.nn as nn
from conftest import until
from test_inpage import CONTROLS, PLAN, RUN, Block, block_of, difference, tensor

from linewalk import load_image, stem_and_block
from linewalk.blocks import explicit, resnet
from linewalk.draw.maps import number

LEAVABLE = ["bn1", "relu1", "bn2", "relu2", "bn3", "downsample.1", "add", "relu3"]
SMALL = {name: values[0] for name, values in CONTROLS.items()} | {
    "inplanes": 8, "planes": 4, "base_width": 64, "height": 7, "width": 5, "input": "noise", "version": "v1.5",
}
PAINTED = """step => { const canvas = document.querySelector(`.pg-maps figure[data-step=${step}] canvas`);
    return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].join(); }"""
LINE = re.compile(r"out = self\.(conv\d|bn\d|relu)\(out\)|out = self\.(conv1)\(x\)|out (\+=) identity")


def block_without(config, weights, left_out):
    """A module of these settings and weights whose forward lacks lines, and a dictionary for what the lines made."""
    block = block_of(config)
    block.load_state_dict({name: tensor(packed) for name, packed in weights.items()}, strict=False)
    if "downsample.1" in left_out and block.downsample is not None:
        block.downsample[1] = nn.Identity()
    forward = (explicit if config["order"] == "before" else resnet).Bottleneck.forward
    lines, relus = [], itertools.count(1)
    for line in textwrap.dedent(inspect.getsource(forward)).splitlines():
        found = LINE.search(line)
        name = next(filter(None, found.groups())) if found else None
        name = {"relu": "relu", "+=": "add"}.get(name, name)
        name = f"relu{next(relus)}" if name == "relu" else name
        lines += [line] if name not in left_out else []
        lines += [f"    made['{name}'] = out.clone()"] if name else []
    made, names = {}, {}
    exec("\n".join(lines), {"made": made, "__builtins__": __builtins__}, names)
    block.__class__ = type("Without", (Block,), {"forward": names["forward"]})
    return block, made


def check(page, cases):
    settings = [config | {"without": left_out} for config, left_out in cases]
    plans = page.evaluate(PLAN.replace(".steps", ""), settings)
    for (config, left_out), plan, made in zip(cases, plans, page.evaluate(RUN, [settings, "wasm"]), strict=True):
        assert "error" not in made, (config, left_out, made)
        block, expected = block_without(config, made["weights"], left_out)
        with torch.no_grad():
            expected["output"] = block(tensor(made["input"]))
        made["steps"]["output"] = made["steps"]["relu3"]
        assert len(expected) == 11
        for name, value in expected.items():
            found = tensor(made["steps"][name])
            assert found.shape == value.shape and plan["steps"][name]["shape"] == list(value.shape), (left_out, name)
            assert difference(found, value) <= 1e-4, (config, left_out, name)
        used = [part for name, part in block.named_children() if name not in left_out]
        assert plan["params"] == sum(one.numel() for part in used for one in part.parameters()), left_out


def test_what_is_left_out_is_left_out_as_in_pytorch(open_playground):
    dice = random.Random(0)
    alone = [[name] for name in LEAVABLE]
    several = [sorted(dice.sample(LEAVABLE, dice.randint(2, 8)), key=LEAVABLE.index) for _ in range(16)]
    orders = [{"order": order, "training": training} for order in CONTROLS["order"] for training in (False, True)]
    check(open_playground("wasm"), [(SMALL | dice.choice(orders), left_out) for left_out in [*alone, *several]])


@pytest.mark.exhaustive
def test_every_combination_is_left_out_as_in_pytorch(open_playground):
    every = [list(some) for count in range(9) for some in itertools.combinations(LEAVABLE, count)]
    page = open_playground("wasm")
    for order, training, inplanes in itertools.product(CONTROLS["order"], (False, True), (8, 16)):
        config = SMALL | {"order": order, "training": training, "inplanes": inplanes}
        check(page, [(config, left_out) for left_out in every])


def test_a_failing_line_that_is_left_out_fails_no_more(open_playground):
    page = open_playground("wasm")
    failing = [SMALL | {"downsample": False}, SMALL | {"training": True, "height": 1, "width": 1}]
    assert all("error" in made for made in page.evaluate(RUN, [failing, "wasm"]))
    check(page, [(failing[0], ["add"]), (failing[1], ["bn1", "bn2", "bn3", "downsample.1"])])
    strange = [SMALL | {"without": left_out} for left_out in (["conv1"], ["relu"], "add")]
    assert all("without lists lines to leave out" in made["error"] for made in page.evaluate(RUN, [strange, "wasm"]))


def test_a_switch_shows_what_the_line_did(open_playground):
    page = open_playground("wasm")
    switch = page.locator(".pg-listing").get_by_role("switch", name="without this line: out += identity")
    switch.press("Space")
    assert page.url.endswith("#without=add") and switch.get_attribute("aria-checked") == "true"
    assert switch.evaluate("element => element === document.activeElement")
    page.locator(".pg-maps figure[data-step=relu3] .pg-changed:not(:empty)").wait_for()
    stem, block = stem_and_block()
    with torch.no_grad():
        x = stem(load_image())
        before, after = block(x), torch.relu(block.bn3(block.conv3(torch.relu(block.bn2(block.conv2(
            torch.relu(block.bn1(block.conv1(x)))))))))
    apart = (after - before).abs()
    zeros = [f"{100 * (values == 0).float().mean().item():.0f}%" for values in (before, after)]
    said = (f"changes by at most {number(apart.max().item())}, {number(apart.mean().item())} on average; "
            f"zeros {zeros[0]} → {zeros[1]}")
    assert page.locator(".pg-maps figure[data-step=relu3] .pg-changed").inner_text() == said
    assert page.locator(".pg-change").inner_text() == f"return out: {said}"
    assert page.locator(".pg-maps figure[data-step=bn3] .pg-changed").inner_text() == ""

    figure = page.locator(".pg-maps figure[data-step=relu3] canvas")
    figure.focus()
    page.locator(".pg-maps figure[data-step=relu3] .pg-shape:not(:empty)").wait_for()  # painted when it has come near
    without, value = page.evaluate(PAINTED, "relu3"), page.locator(".pg-value").inner_text()
    assert number(after[0, 0, 28, 28].item()) in value and number(before[0, 0, 28, 28].item()) in value
    page.keyboard.down("b")
    until(page, f"without => ({PAINTED})('relu3') !== without", without)
    assert page.locator(".pg-value").inner_text() == f"out[0, 0, 28, 28] = {number(before[0, 0, 28, 28].item())}"
    page.keyboard.up("b")
    until(page, f"without => ({PAINTED})('relu3') === without", without)
    page.get_by_role("button", name="show before").click()
    assert page.evaluate(PAINTED, "relu3") != without
    page.locator(".pg-maps").get_by_role("switch", name="without this line: out += identity").click()
    until(page, "() => !document.querySelector('.pg-changed:not(:empty)')")
    assert "without" not in page.url and not page.get_by_role("button", name="show before").is_visible()
