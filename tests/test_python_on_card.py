"""Python in the page on a graphics card: SwiftShader, which every Chromium has. It has a card's numbers, no speed."""

import base64
import contextlib
import functools
import gzip
import http.server
import io
import json
import random
import threading

import pytest
import torch
from conftest import CHROMIUM_FLAGS, WEBGPU_FLAGS, comes_to, find_browser, install_browser, own_browser, until
from test_cells_in_page import LATE, LISTED, RUN_ALL, differing
from test_cells_run_in_page import PAGE, READY, Isolating, Visitor

# The page's Python without its cells: {good, device, text, left}.
RUN = """async (code) => {
    const base = new URL('../../inpage/', location.href), told = [];
    if (!window.python) {
        const {pythonKernel} = await import(new URL('python.js', base));
        const onLeft = (why) => { window.left = why.code; }, onProgress = () => {};
        window.python = pythonKernel({base, purpose: 'run', onProgress, onLeft});
        await window.python.start();
    }
    const good = await window.python.run(code, (output) => told.push(output));
    const written = ({content}) => content.text ?? content.data?.['text/plain'] ?? content.traceback.join('');
    const text = told.map(written).join('');
    return {good, device: window.python.device, text, left: window.left ?? null};
}"""
AWAY = "def is_away(x):\n    values = x._storage.values\n    return hasattr(values, 'array') and values.array is None\n"


class Python:
    """The page's Python; what it runs prints."""

    def __init__(self, page):
        self.page = page

    def run(self, code):
        ran = self.page.evaluate(RUN, code)
        assert ran["good"], ran["text"]
        self.device, self.left = ran["device"], ran["left"]
        return ran["text"]


@pytest.fixture(scope="module")
def chromium(playwright):
    """A browser with the graphics card that is the processor."""
    path = find_browser() or own_browser(playwright) or install_browser(playwright)
    flags = [flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"]
    browser = playwright.chromium.launch(executable_path=path, args=flags + WEBGPU_FLAGS)
    yield browser
    browser.close()


def opened(browser, served, wish="?backend=webgpu", before=""):
    page = browser.new_page()
    page.add_init_script(before)
    page.goto(f"{served}/en/{PAGE}.html{wish}")
    return Python(page)


@pytest.fixture(scope="module")
def python(chromium, served):
    python = opened(chromium, served)
    yield python
    python.page.close()


# Operators


def conv_configs(count, seed):
    dice, found = random.Random(seed), []
    while len(found) < count:
        groups = dice.choice([1, 1, 2, 3])
        config = {
            "samples": dice.choice([1, 2, 3]), "inputs": groups * dice.choice([1, 2, 5, 8]),
            "outputs": groups * dice.choice([1, 3, 4]), "kernel": dice.choice([1, 2, 3, 5, (3, 1), (1, 4)]),
            "stride": dice.choice([1, 1, 2, 3, (2, 1)]), "padding": dice.choice([0, 1, 2, (0, 2)]),
            "dilation": dice.choice([1, 1, 2, (1, 2)]), "groups": groups, "bias": dice.choice([True, False]),
            "side": [dice.choice([5, 8, 9, 12]), dice.choice([7, 10, 11])],
        }
        with contextlib.suppress(RuntimeError):
            convolution(config, torch.device("meta"))
            found.append(config)
    return found


def convolution(config, device):
    window = {name: config[name] for name in ("stride", "padding", "dilation", "groups", "bias")}
    layer = torch.nn.Conv2d(config["inputs"], config["outputs"], config["kernel"], **window).to(device)
    return layer(torch.zeros(config["samples"], config["inputs"], *config["side"], device=device))


PACK = """
import base64, json, struct, torch, torch.nn as nn, torch.nn.functional as F

def packed(*tensors):
    values = [one for tensor in tensors for one in tensor.detach().flatten().tolist()]
    print(base64.b64encode(struct.pack(f"{len(values)}f", *values)).decode())
"""
CONVOLVE = """
for seed, config in enumerate(json.loads('''CONFIGS''')):
    config = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    torch.manual_seed(seed)
    window = {name: config[name] for name in ("stride", "padding", "dilation", "groups", "bias")}
    layer = nn.Conv2d(config["inputs"], config["outputs"], config["kernel"], **window)
    x = torch.randn(config["samples"], config["inputs"], *config["side"], requires_grad=True)
    y = layer(x)
    y.backward(torch.randn(y.shape))
    packed(y, x.grad, layer.weight.grad, *([layer.bias.grad] if config["bias"] else []))
"""
OTHERS = {
    "a chain of layers": """
torch.manual_seed(1)
block = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
                      nn.Conv2d(8, 8, 3, stride=2, groups=2), nn.BatchNorm2d(8), nn.MaxPool2d(2), nn.Conv2d(8, 4, 1))
x = torch.randn(4, 3, 17, 13, requires_grad=True)
y = block(x)
y.square().mean().backward()
packed(y, x.grad, *(one.grad for one in block.parameters()), block[1].running_mean, block[1].running_var)
block.eval()
packed(block(x), block(2 * x).mean((2, 3)), block(x).permute(0, 2, 3, 1).contiguous(), block(x)[:, 1:3])
""",
    "products of matrices": """
torch.manual_seed(2)
a, b = torch.randn(7, 33, requires_grad=True), torch.randn(33, 5, requires_grad=True)
c, d, e = torch.randn(3, 4, 6), torch.randn(3, 6, 5), torch.randn(3, 4, 5)
(a @ b).sin().sum().backward()
layer = nn.Linear(33, 6)
packed(a @ b, a.grad, b.grad, c @ d, torch.baddbmm(e, c, d, beta=0.5, alpha=2), F.linear(a, b.t()), layer(a))
packed((a @ b) @ (b.t() @ a.t()), (a @ b).t() @ a, torch.einsum("nij,njk->nik", c, d), F.relu(a @ b) - (a @ b) * 2)
""",
    "written in place": """
torch.manual_seed(3)
x, weight = torch.randn(1, 4, 6, 6), torch.randn(4, 4, 1, 1)
first = F.conv2d(x, weight)
same, kept = first.detach(), first.clone()
x.mul_(0)
weight[0] += 1
second = F.conv2d(x + 1, weight)
F.relu_(first)
second += first
first[0, 0] = 5
first.view(-1)[-1] = 7
packed(x, weight, first, same, kept, second)
""",
    "steps of a deep network": """
from linewalk.blocks.plain import Residual, SmallNet
torch.manual_seed(6)
net = SmallNet(Residual, 3, width=8)
steps, images = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9), torch.randn(32, 3, 8, 8)
for _ in range(2):
    loss = F.cross_entropy(net(images), torch.arange(32) % 10)
    steps.zero_grad()
    loss.backward()
    packed(loss, *(one.grad[:2] for one in net.parameters()))
    steps.step()
packed(*(one[:2] for one in net.state_dict().values() if one.dim()))
""",
    "training": """
torch.manual_seed(4)
layers = nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
net = nn.Sequential(*layers)
steps = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
images, aims = torch.randn(8, 2, 9, 9), torch.arange(8) % 3
losses = []
for _ in range(5):
    loss = F.cross_entropy(net(images), aims)
    steps.zero_grad()
    loss.backward()
    steps.step()
    losses.append(loss.detach())
packed(torch.stack(losses), *net.state_dict().values())
""",
}


def compare(python, program, off=1e-4):
    """The numbers that a program packs, on the card and in PyTorch."""
    text = python.run(PACK + "import on_card\non_card.LEAST = 0\n" + program)
    assert python.device == "webgpu"
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        exec(compile(PACK + program, "<program>", "exec"), {})
    found, expected = ([unpacked(line) for line in lines.split()] for lines in (text, heard.getvalue()))
    assert len(found) == len(expected) > 0
    worst = 0
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        difference = (one - other).abs().max().item() / max(1, other.abs().max().item())
        assert one.shape == other.shape and difference <= off, f"difference of {difference} in result {place}"
        worst = max(worst, difference)
    print(f"{len(found)} results: largest difference {worst:.1e}")


def unpacked(line):
    return torch.frombuffer(bytearray(base64.b64decode(line)), dtype=torch.float32)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 20))])
def test_convolutions_and_their_gradients_are_pytorchs(python, seed):
    compare(python, CONVOLVE.replace("CONFIGS", json.dumps(conv_configs(12, seed))))


@pytest.mark.parametrize("name", OTHERS)
def test_what_follows_on_the_card_is_pytorchs(python, name):
    compare(python, OTHERS[name])


def test_a_difference_is_noticed(python):
    with pytest.raises(AssertionError, match="difference"):
        compare(python, "x = torch.ones(3, 3)\npacked(x @ x * (1.001 if hasattr(torch, '_numbers') else 1))")


BETWEEN = AWAY + """
import torch, torch.nn as nn, on_card
on_card.LEAST = 1 << 22
from linewalk.blocks import explicit, shortcut
torch.manual_seed(0)
"""


def test_between_layers_nothing_is_copied(python):
    code = BETWEEN + """
block = explicit.Bottleneck(64, 64, downsample=shortcut(64, 256)).eval()
from linewalk import walk
with torch.no_grad():
    trail = walk(block, torch.randn(1, 64, 56, 56))
print([is_away(step.value(step.result)) for step in trail if step.ops], is_away(trail.output))
small = nn.Conv2d(3, 3, 3)(torch.randn(1, 3, 9, 9))
print(is_away(small))
"""
    lines = python.run(code).splitlines()
    assert "False" not in lines[0] and lines[0].count("True") > 10
    assert lines[1] == "False", "too small for the way there and back"


def test_what_python_drops_is_freed_there(python):
    code = BETWEEN + """
from torch import _numbers
card, freed = _numbers.engine.card, []
class Counting:
    def __getattr__(self, name):
        return getattr(card, name)
    def free(self, at):
        freed.append(at)
        card.free(at)
_numbers.engine.card = Counting()
x, layer = torch.randn(1, 64, 32, 32), nn.Conv2d(64, 64, 3)
with torch.no_grad():
    y = layer(x)
    at = y._storage.values.at
    kept = layer(x), at in freed
    del y
    kept += layer(x), at in freed
print(kept[1], kept[3])
_numbers.engine.card = card
"""
    assert python.run(code).split() == ["False", "True"]


# Cells

# Nine hundred steps of 44 small layers: as for readers, only what is worth the way goes to the card.
TRAINS = "15_residual"


@pytest.mark.parametrize(
    "chapter",
    [pytest.param(name, marks=pytest.mark.exhaustive if turn else ()) for turn, name in enumerate(LISTED)],
)
def test_a_chapters_cells_put_out_the_same(chromium, served, chapter):
    page = chromium.new_page()
    reader = Visitor(page, f"{served}/en/notebooks/{chapter}.html?backend=webgpu")
    reader.try_out("import on_card\n" + ("" if chapter == TRAINS else "on_card.LEAST = 1 << 16"))
    reader.page.get_by_role("button", name="Reset", exact=True).click()
    told = page.evaluate(RUN_ALL, LATE)
    assert page.locator(".live-device").inner_text() == "this page, WebGPU"
    page.close()
    assert {first: why for first, why in differing(told).items() if first not in LISTED[chapter]} == {}


# What the page says, and where it computes without a card


def said(browser, served, language, wish="", before=""):
    page = browser.new_page()
    page.add_init_script(before)
    reader = Visitor(page, f"{served}/{language}/{PAGE}.html{wish}")
    reader.becomes(reader.run(reader.cells.first, {"zh": "运行", "en": "Run"}[language]), "done", "failed")
    label = page.locator(".live-device").inner_text()
    page.close()
    return label


@pytest.mark.parametrize("language, label", [("zh", "本页，WebGPU"), ("en", "this page, WebGPU")])
def test_the_page_says_that_it_computes_on_the_card(chromium, served, language, label):
    assert said(chromium, served, language, "?backend=webgpu") == label


@pytest.mark.parametrize("wish, before", [
    ("", ""),  # a card that is the processor is none, unless asked for
    ("?backend=webgpu", "delete WebAssembly.Suspending"),  # Python could not wait
    ("?backend=webgpu", "Object.defineProperty(Navigator.prototype, 'gpu', {get: () => undefined})"),
    ("?backend=wasm", ""),
])
def test_without_a_card_or_without_jspi_it_computes_on_wasm_and_says_so(chromium, served, wish, before):
    assert said(chromium, served, "en", wish, before) == "this page, WASM"


# The card's worker is of a data: address, so cells can have such a worker, too.
WORKER = """
import js
from pyodide.ffi import create_proxy
heard = []
ask = "fetch('ADDRESS').then(() => postMessage('reached'), () => postMessage('no fetch'));"
ask += "postMessage(self.origin); try { importScripts('ADDRESS') } catch { postMessage('no script') }"
worker = js.Worker.new("data:text/javascript," + js.encodeURIComponent(ask))
worker.onmessage = create_proxy(lambda event: heard.append(event.data))
"""


def test_a_worker_of_a_cell_reaches_nothing_either(python, served):
    python.run(WORKER.replace("ADDRESS", f"{served}/index.html?reached"))
    refused = ["no fetch", "no script", "null"]
    told = "print(*heard, sep=',')"
    assert comes_to(refused, lambda: sorted(python.run(told).strip().split(","))) == refused


# What comes from the card is wrong by one.
WRONG = """{
    const send = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (message, transfer) {
        message.data?.forEach((value, at) => { message.data[at] = value + 1; });
        return send.call(this, message, transfer);
    };
}
"""


def test_a_card_that_computes_something_else_is_left(chromium, served):
    def altered(route):
        script = gzip.decompress(route.fetch().body()).decode()
        route.fulfill(body=gzip.compress((WRONG + script).encode()))

    page = chromium.new_page()
    page.route("**/card.worker-*", altered)
    reader = Visitor(page, f"{served}/en/{PAGE}.html?backend=webgpu")
    reader.try_out("1")
    assert page.locator(".live-device").inner_text() == "this page, WASM"
    assert "GPU's numbers are not PyTorch's" in reader.message.inner_text()
    page.close()


def crash(python_page):
    python_page.context.browser.new_browser_cdp_session().send("Browser.crashGpuProcess")


LOST = PACK + AWAY + """
torch.manual_seed(5)
x, layer = torch.randn(2, 64, 32, 32), nn.Conv2d(64, 64, 3)
y = F.relu(layer(x))
with torch.no_grad():
    layer.weight.zero_()
"""


def test_when_the_browser_takes_the_card_away_it_goes_on_without_it(playwright, served):
    path = find_browser() or own_browser(playwright) or install_browser(playwright)
    flags = [flag for flag in CHROMIUM_FLAGS if flag != "--disable-gpu"] + WEBGPU_FLAGS
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    page = browser.new_page()
    reader = Visitor(page, f"{served}/zh/{PAGE}.html?backend=webgpu")
    reader.becomes(reader.run(reader.cells.first, "运行"), "done")
    cell = reader.run(reader.write(reader.cells.first, LOST + "print(is_away(y))"), "运行")
    assert reader.becomes(cell, "done").inner_text().split() == ["True"]
    crash(page)
    until(page, "() => document.querySelector('.live-device').textContent === '本页，WASM'")
    assert reader.message.inner_text() == "浏览器收回了 GPU，现在改用 CPU（WASM）接着算。"
    cell = reader.run(reader.write(reader.cells.first, "packed(y[:, :8])\npacked(F.relu(layer(x))[:, :8])"), "运行")
    found = [unpacked(line) for line in reader.becomes(cell, "done").inner_text().split()]
    space, heard = {}, io.StringIO()
    with contextlib.redirect_stdout(heard):
        exec(LOST + "packed(y[:, :8])\npacked(F.relu(layer(x))[:, :8])", space)
    for one, line in zip(found, heard.getvalue().split(), strict=True):
        assert (one - unpacked(line)).abs().max() < 1e-4
    browser.close()


# Interrupting, and deep calls


def test_an_interrupt_keeps_the_variables_where_the_page_is_isolated(chromium, site):
    handler = functools.partial(Isolating, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.new_page()
        reader = Visitor(page, f"http://127.0.0.1:{server.server_port}/en/{PAGE}.html?backend=webgpu")
        reader.try_out("import torch\nkept, x = 1, torch.randn(300, 300)")
        assert page.locator(".live-device").inner_text() == "this page, WebGPU"
        cell = reader.loop("kept = 2", turn="(x @ x).sum().item()")
        page.get_by_role("button", name="Interrupt").click()
        assert "KeyboardInterrupt" in reader.becomes(cell, "failed", timeout=READY).inner_text()
        assert reader.try_out("kept").inner_text().strip() == "2"
        page.close()
        server.shutdown()


def test_calls_without_end_fail_as_elsewhere(python):
    ran = python.page.evaluate(RUN, "def f(): return f()\nf()")
    assert not ran["good"] and "RecursionError" in ran["text"]
    assert python.run("print(6 * 7)").strip() == "42"
