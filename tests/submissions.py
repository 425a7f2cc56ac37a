"""Plausible mistakes in each assignment, as data: what a student would write, and the tests that it should fail.

MISTAKES["forward"]["no residual"] == ({"block": source of that cell}, {"test_with_downsample", …})
TOLD                               which of them a visible test names, and which test
OFFICIAL["forward"]["block"]       the source notebook's own solution
OTHER_WAYS["forward"]              right answers that are written differently
"""

from pathlib import Path

import nbformat

SOURCES = Path(__file__).resolve().parents[1] / "classroom" / "source"
ASSIGNMENTS = sorted(path.parent.name for path in SOURCES.glob("*/*.ipynb"))


def source_notebook(assignment):
    return nbformat.read(SOURCES / assignment / f"{assignment}.ipynb", as_version=4)


def official(assignment):
    """grade_id → source of each solution cell, without nbgrader's own marker lines."""
    cells = [cell for cell in source_notebook(assignment).cells if cell.cell_type == "code"]
    return {
        cell.metadata.nbgrader.grade_id: "\n".join(line for line in cell.source.splitlines() if "### " not in line)
        for cell in cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


OFFICIAL = {assignment: official(assignment) for assignment in ASSIGNMENTS}


def mistaken(assignment, failing, *edits):
    """(sources of the changed cells, failing grade_ids); an edit is (cell, old, new), old standing there just once."""
    sources = {}
    for cell, old, new in edits:
        source = sources.get(cell, OFFICIAL[assignment][cell])
        assert source.count(old) == 1, f"{assignment}/{cell}: {old!r} stands there {source.count(old)} times"
        sources[cell] = source.replace(old, new)
    return sources, {f"test_{name}" for name in failing.split()}


def forward(failing, *edits):
    return mistaken("forward", failing, *edits)


def init(failing, *edits):
    return mistaken("init", failing, *edits)


def groups(failing, *edits):
    return mistaken("groups", failing, *edits)


def shapes(failing, *edits):
    return mistaken("shapes", failing, *edits)


def bugs(failing, *edits):
    return mistaken("bugs", failing, *edits)


EVERYTHING = "main_path without_downsample with_downsample training"
BLOCK = "without_downsample with_downsample training"
MISTAKES = {
    "forward": {
        "ReLU after bn3, before the sum": forward(
            EVERYTHING, ("main_path", "out = self.bn3(out)", "out = self.relu(self.bn3(out))")
        ),
        "batch norm after ReLU": forward(
            EVERYTHING,
            (
                "main_path",
                "out = self.bn1(out)\n        out = self.relu(out)",
                "out = self.relu(out)\n        out = self.bn1(out)",
            ),
        ),
        "bn1 used twice": forward(EVERYTHING, ("main_path", "self.bn2(out)", "self.bn1(out)")),
        "second ReLU forgotten": forward(
            EVERYTHING, ("main_path", "out = self.bn2(out)\n        out = self.relu(out)", "out = self.bn2(out)")
        ),
        "conv2 left out": forward(EVERYTHING, ("main_path", "        out = self.conv2(out)\n", "")),
        "conv3 left out": forward(EVERYTHING, ("main_path", "        out = self.conv3(out)\n", "")),
        "main path not returned": forward(EVERYTHING, ("main_path", "        return out", "")),
        "main path cut off from gradients": forward(
            "training", ("main_path", "self.conv1(x)", "self.conv1(x.detach())")
        ),
        "main path wipes its input": forward(
            "main_path training",
            ("main_path", "        return out", "        x.zero_()\n        return out"),
            ("block", "self.main_path(x)", "self.main_path(x.clone())"),
        ),
        "no residual": forward(BLOCK, ("block", "        out += identity\n", "")),
        "downsample forgotten": forward(
            "with_downsample training",
            ("block", "        if self.downsample is not None:\n            identity = self.downsample(x)\n", ""),
        ),
        "x added instead of identity": forward(
            "with_downsample training", ("block", "out += identity", "out = out + x")
        ),
        "downsample only where the shapes differ": forward(
            "with_downsample",
            ("block", "self.downsample is not None", "self.conv1.in_channels != self.conv3.out_channels"),
        ),
        "no ReLU after the sum": forward(BLOCK, ("block", "        out = self.relu(out)\n", "")),
        "ReLU before the sum": forward(
            BLOCK, ("block", "out += identity\n        out = self.relu(out)", "out = self.relu(out) + identity")
        ),
        "ReLU on the shortcut": forward(
            "with_downsample training", ("block", "self.downsample(x)", "self.relu(self.downsample(x))")
        ),
        "ReLU in place on the input": forward(BLOCK, ("block", "identity = x\n", "identity = self.relu(x)\n")),
        "sum written into the shortcut": forward(
            "training",
            (
                "block",
                "out += identity\n        out = self.relu(out)",
                "identity += out\n        out = self.relu(identity)",
            ),
        ),
        "no gradients": forward(
            "training",
            ("block", "out = self.main_path(x)", "with torch.no_grad():\n            out = self.main_path(x)"),
        ),
        "main path run twice": forward(
            "training", ("block", "out = self.main_path(x)", "self.main_path(x)\n        out = self.main_path(x)")
        ),
        "evaluation mode inside forward": forward(
            "training", ("block", "identity = x\n", "self.eval()\n        identity = x\n")
        ),
        "no return": forward(BLOCK, ("block", "return out", "")),
    },
    "init": {
        "convolutions with a bias": init(
            "convolutions layers arguments",
            (
                "convolutions",
                "kernel_size=3, stride=stride, padding=1, bias=False",
                "kernel_size=3, stride=stride, padding=1",
            ),
        ),
        "bias in the shortcut only": init(
            "downsample",
            ("downsample", "conv1x1(in_channel, outgoing, stride)", "nn.Conv2d(in_channel, outgoing, 1, stride)"),
        ),
        "no padding": init("convolutions arguments", ("convolutions", "padding=1, ", "")),
        "stride ignored by conv3x3": init(
            "convolutions arguments", ("convolutions", "kernel_size=3, stride=stride", "kernel_size=3")
        ),
        "channels swapped in conv1x1": init(
            "convolutions layers arguments downsample",
            (
                "convolutions",
                "nn.Conv2d(in_channel, out_channel, kernel_size=1",
                "nn.Conv2d(out_channel, in_channel, kernel_size=1",
            ),
        ),
        "bn1 for the input's channels": init(
            "layers arguments",
            ("block", "self.bn1 = nn.BatchNorm2d(out_channel)", "self.bn1 = nn.BatchNorm2d(in_channel)"),
        ),
        "expansion multiplies in_channel": init(
            "layers arguments",
            (
                "block",
                "conv1x1(out_channel, out_channel * self.expansion)",
                "conv1x1(out_channel, in_channel * self.expansion)",
            ),
            ("block", "BatchNorm2d(out_channel * self.expansion)", "BatchNorm2d(in_channel * self.expansion)"),
        ),
        "bn3 without expansion": init(
            "layers arguments", ("block", "BatchNorm2d(out_channel * self.expansion)", "BatchNorm2d(out_channel)")
        ),
        "4 instead of expansion": init(
            "layers",
            ("block", "conv1x1(out_channel, out_channel * self.expansion)", "conv1x1(out_channel, out_channel * 4)"),
            ("block", "BatchNorm2d(out_channel * self.expansion)", "BatchNorm2d(out_channel * 4)"),
        ),
        "stride on conv1": init(
            "arguments",
            ("block", "conv1x1(in_channel, out_channel)", "conv1x1(in_channel, out_channel, stride)"),
            ("block", "conv3x3(out_channel, out_channel, stride)", "conv3x3(out_channel, out_channel)"),
        ),
        "stride on conv1 and conv2": init(
            "arguments", ("block", "conv1x1(in_channel, out_channel)", "conv1x1(in_channel, out_channel, stride)")
        ),
        "stride on conv3": init(
            "arguments",
            ("block", "conv3x3(out_channel, out_channel, stride)", "conv3x3(out_channel, out_channel)"),
            (
                "block",
                "conv1x1(out_channel, out_channel * self.expansion)",
                "conv1x1(out_channel, out_channel * self.expansion, stride)",
            ),
        ),
        "stride forgotten": init(
            "arguments", ("block", "conv3x3(out_channel, out_channel, stride)", "conv3x3(out_channel, out_channel)")
        ),
        "one batch norm for two": init(
            "layers arguments", ("block", "self.bn2 = nn.BatchNorm2d(out_channel)", "self.bn2 = self.bn1")
        ),
        "downsample not kept": init("arguments", ("block", "self.downsample = downsample", "self.downsample = None")),
        "super forgotten": init("layers arguments", ("block", "super().__init__()", "pass")),
        "downsample only for the stride": init(
            "downsample", ("downsample", "stride == 1 and in_channel == outgoing", "stride == 1")
        ),
        "downsample only for the channels": init(
            "downsample", ("downsample", "stride == 1 and in_channel == outgoing", "in_channel == outgoing")
        ),
        "downsample compared with the middle": init(
            "downsample", ("downsample", "in_channel == outgoing", "in_channel == out_channel")
        ),
        "downsample's batch norm for the middle": init(
            "downsample", ("downsample", "nn.BatchNorm2d(outgoing)", "nn.BatchNorm2d(out_channel)")
        ),
        "4 instead of expansion in the downsample": init(
            "downsample", ("downsample", "out_channel * Bottleneck.expansion", "out_channel * 4")
        ),
        "downsample ignores the stride": init(
            "downsample", ("downsample", "conv1x1(in_channel, outgoing, stride)", "conv1x1(in_channel, outgoing)")
        ),
    },
    "groups": {
        "stride not kept": groups("block", ("block", "self.stride = stride", "self.stride = 1")),
        "cut after multiplying by the groups": groups(
            "width",
            ("width", "int(planes * (base_width / 64)) * groups", "int(planes * (base_width / 64) * groups)"),
        ),
        "rounded instead of cut": groups("width", ("width", "int(", "round(")),
        "int missing": groups(
            "width block variants",
            ("width", "int(planes * (base_width / 64)) * groups", "planes * (base_width / 64) * groups"),
        ),
        "groups missing": groups("width block variants", ("width", " * groups", "")),
        "base_width not relative to 64": groups(
            "width block variants", ("width", "int(planes * (base_width / 64)) * groups", "base_width * groups")
        ),
        "divided into whole numbers first": groups(
            "width block variants", ("width", "int(planes * (base_width / 64))", "planes * (base_width // 64)")
        ),
        "padding always 1": groups("convolution block", ("convolution", "padding=dilation", "padding=1")),
        "groups and dilation swapped": groups(
            "convolution block", ("convolution", "stride=1, groups=1, dilation=1", "stride=1, dilation=1, groups=1")
        ),
        "dilation not passed on": groups("convolution block", ("convolution", ", dilation=dilation", "")),
        "groups not passed on": groups("convolution block", ("convolution", "groups=groups, ", "")),
        "bias left in": groups("convolution block", ("convolution", "bias=False, ", "")),
        "conv1 grouped": groups(
            "block", ("block", "conv1x1(inplanes, width)", "nn.Conv2d(inplanes, width, 1, groups=groups, bias=False)")
        ),
        "conv2 not grouped": groups("block", ("block", "stride, groups, dilation", "stride, 1, dilation")),
        "stride on conv3": groups(
            "block",
            ("block", "stride, groups, dilation", "1, groups, dilation"),
            (
                "block",
                "planes * self.expansion)\n        self.bn3",
                "planes * self.expansion, stride)\n        self.bn3",
            ),
        ),
        "conv2 not dilated": groups("block", ("block", "stride, groups, dilation", "stride, groups")),
        "output follows the width": groups(
            "block",
            ("block", "conv1x1(width, planes * self.expansion)", "conv1x1(width, width * self.expansion)"),
            ("block", "norm_layer(planes * self.expansion)", "norm_layer(width * self.expansion)"),
        ),
        "bn1 for planes": groups("block", ("block", "self.bn1 = norm_layer(width)", "self.bn1 = norm_layer(planes)")),
        "norm_layer ignored once": groups(
            "block",
            ("block", "norm_layer(planes * self.expansion)", "nn.BatchNorm2d(planes * self.expansion)"),
        ),
        "no default for norm_layer": groups(
            "block", ("block", "        if norm_layer is None:\n            norm_layer = nn.BatchNorm2d\n", "")
        ),
        "Wide with two groups": groups("variants", ("variants", '{"base_width": 128}', '{"groups": 2}')),
        "32x4d read backwards": groups(
            "variants", ("variants", '{"groups": 32, "base_width": 4}', '{"groups": 4, "base_width": 32}')
        ),
        "built instead of calculated": groups(
            "variants",
            (
                "variants",
                "return inplanes * width + 9 * width * width // groups + width * planes * 4",
                "block = Bottleneck(inplanes, planes, groups=groups, base_width=base_width)\n"
                "    return sum(conv.weight.numel() for conv in (block.conv1, block.conv2, block.conv3))",
            ),
        ),
        "weights counted without groups": groups("variants", ("variants", " // groups", "")),
        "every convolution counted by groups": groups(
            "variants", ("variants", "inplanes * width + 9", "inplanes * width // groups + 9")
        ),
    },
    "shapes": {
        "stride on conv1": shapes(
            "shapes",
            ("shapes", 'shapes["conv1"] = (2, 256, 28, 28)', 'shapes["conv1"] = (2, 256, 14, 14)'),
            ("shapes", 'shapes["bn1"] = (2, 256, 28, 28)', 'shapes["bn1"] = (2, 256, 14, 14)'),
        ),
        "padding forgotten": shapes(
            "shapes",
            ("shapes", 'shapes["conv2"] = (2, 256, 14, 14)', 'shapes["conv2"] = (2, 256, 13, 13)'),
            ("shapes", 'shapes["conv3"] = (2, 1024, 14, 14)', 'shapes["conv3"] = (2, 1024, 13, 13)'),
            ("shapes", 'shapes["downsample"] = (2, 1024, 14, 14)', 'shapes["downsample"] = (2, 1024, 13, 13)'),
            ("shapes", 'shapes["output"] = (2, 1024, 14, 14)', 'shapes["output"] = (2, 1024, 13, 13)'),
        ),
        "expansion multiplies the input": shapes(
            "shapes",
            ("shapes", 'shapes["conv3"] = (2, 1024', 'shapes["conv3"] = (2, 2048'),
            ("shapes", 'shapes["downsample"] = (2, 1024', 'shapes["downsample"] = (2, 2048'),
            ("shapes", 'shapes["output"] = (2, 1024', 'shapes["output"] = (2, 2048'),
        ),
        "a number for a shape": shapes(
            "shapes", ("shapes", 'shapes["bn1"] = (2, 256, 28, 28)', 'shapes["bn1"] = 256')
        ),
        "downsample keeps the size": shapes(
            "shapes", ("shapes", 'shapes["downsample"] = (2, 1024, 14, 14)', 'shapes["downsample"] = (2, 1024, 28, 28)')
        ),
        "biases counted": shapes(
            "params",
            ("params", "512 * 256\n", "512 * 256 + 256\n"),
            ("params", "9 * 256 * 256", "9 * 256 * 256 + 256"),
            ("params", 'params["conv3"] = 256 * 1024', 'params["conv3"] = 256 * 1024 + 1024'),
        ),
        "buffers counted": shapes(
            "params",
            ("params", 'params["bn1"] = 2', 'params["bn1"] = 4'),
            ("params", 'params["bn2"] = 2', 'params["bn2"] = 4'),
            ("params", 'params["bn3"] = 2', 'params["bn3"] = 4'),
        ),
        "kernel forgotten": shapes("params", ("params", "9 * 256 * 256", "256 * 256")),
        "shortcut's batch norm forgotten": shapes("params", ("params", "512 * 1024 + 2 * 1024", "512 * 1024")),
        "multiplied by the places": shapes("params", ("params", "512 * 256\n", "512 * 256 * 28 * 28\n")),
        "padding on one side": shapes("formulas", ("formulas", "2 * padding", "padding")),
        "another default": shapes("formulas", ("formulas", "stride=1, padding=0", "stride=1, padding=1")),
        "projection by default": shapes("formulas", ("formulas", "projection=False", "projection=True")),
        "rounded up": shapes(
            "formulas",
            (
                "formulas",
                "(size + 2 * padding - kernel) // stride + 1",
                "-((kernel - size - 2 * padding) // stride) + 1",
            ),
        ),
        "one added before dividing": shapes(
            "formulas",
            ("formulas", "(size + 2 * padding - kernel) // stride + 1", "(size + 2 * padding - kernel + 1) // stride"),
        ),
        "input's channels everywhere": shapes(
            "formulas", ("formulas", "outgoing = 4 * out_channel", "outgoing = 4 * in_channel")
        ),
        "built instead of calculated": shapes(
            "formulas",
            (
                "formulas",
                "return convolutions + norms + (on_the_shortcut if projection else 0)",
                "downsample = shortcut(in_channel, outgoing) if projection else None\n"
                "    block = explicit.Bottleneck(in_channel, out_channel, downsample=downsample)\n"
                "    return sum(parameter.numel() for parameter in block.parameters())",
            ),
        ),
        "projection always counted": shapes(
            "formulas", ("formulas", "on_the_shortcut if projection else 0", "on_the_shortcut")
        ),
        "lines by their text": shapes(
            "walk", ("walked", '"out" in step.changed', 'step.source.startswith("out = self.")')
        ),
        "value before the line": shapes(
            "walk",
            (
                "walked",
                'tuple(step.value("out").shape)',
                'tuple((step.before("out") if step.index > 4 else step.value("out")).shape)',
            ),
        ),
        "runs of a line added up": shapes(
            "walk",
            (
                "walked",
                "return max(walk(block, x), key=lambda step: step.macs).source",
                "sums = {}\n    for step in walk(block, x):\n"
                "        sums[step.source] = sums.get(step.source, 0) + step.macs\n    return max(sums, key=sums.get)",
            ),
        ),
        "last of equals": shapes("walk", ("walked", "max(walk(block, x), ", "max(reversed(walk(block, x)), ")),
        "one entry a line": shapes(
            "walk", ("walked", 'if "out" in step.changed', 'if "out" in step.changed and not step.occurrence')
        ),
        "most parameters": shapes("walk", ("walked", "step.macs", "step.params")),
        "always conv2": shapes(
            "walk", ("walked", "max(walk(block, x), key=lambda step: step.macs).source", '"out = self.conv2(out)"')
        ),
    },
    "bugs": {
        "bug 1 left in": bugs("in_place", ("in_place", "out = out * self.scale", "out *= self.scale")),
        "scale removed": bugs("in_place", ("in_place", "        out = out * self.scale\n", "")),
        "scaled behind autograd's back": bugs(
            "in_place", ("in_place", "out = out * self.scale", "out.data *= self.scale")
        ),
        "main path detached": bugs(
            "in_place", ("in_place", "out = out * self.scale", "out = out.detach() * self.scale")
        ),
        "scaled at another place": bugs(
            "in_place",
            (
                "in_place",
                "        out = self.relu(out)\n        out = out * self.scale",
                "        out = out * self.scale\n        out = self.relu(out)",
            ),
        ),
        "scaled output not returned": bugs("in_place", ("in_place", "        return out", "")),
        "bug 2 left in": bugs(
            "stride",
            ("strided", "kernel_size=1, bias", "kernel_size=1, stride=stride, bias"),
            ("strided", "kernel_size=5, stride=stride", "kernel_size=5"),
        ),
        "stride on both": bugs("stride", ("strided", "kernel_size=1, bias", "kernel_size=1, stride=stride, bias")),
        "stride on neither": bugs("stride", ("strided", "kernel_size=5, stride=stride", "kernel_size=5")),
        "stride on conv3": bugs(
            "stride",
            (
                "strided",
                "kernel_size=5, stride=stride, padding=2, bias=False)",
                "kernel_size=5, padding=2, bias=False)\n"
                "        self.conv3 = nn.Conv2d(out_channel, 4 * out_channel, 1, stride, bias=False)",
            ),
        ),
        "stride written out": bugs("stride", ("strided", "kernel_size=5, stride=stride", "kernel_size=5, stride=2")),
        "mended with the course's own block": (
            {"strided": "class MendedStrided(explicit.Bottleneck):\n    pass"},
            {"test_stride"},
        ),
        "mended with a bias": bugs("stride", ("strided", "kernel_size=1, bias=False", "kernel_size=1")),
        "bug 3 left in": bugs("stage", ("stage", "stride != 1 or in_channel != outgoing", "stride != 1")),
        "a downsample always": bugs("stage", ("stage", "stride != 1 or in_channel != outgoing", "True")),
        "a downsample for the channels only": bugs(
            "stage", ("stage", "stride != 1 or in_channel != outgoing", "in_channel != outgoing")
        ),
        "channels compared with the middle": bugs(
            "stage", ("stage", "in_channel != outgoing", "in_channel != out_channel")
        ),
        "a downsample in every block": bugs(
            "stage",
            (
                "stage",
                "explicit.Bottleneck(outgoing, out_channel)",
                "explicit.Bottleneck(outgoing, out_channel, 1, shortcut(outgoing, outgoing))",
            ),
        ),
        "stride in every block": bugs(
            "stage",
            (
                "stage",
                "explicit.Bottleneck(outgoing, out_channel)",
                "explicit.Bottleneck(outgoing, out_channel, stride)",
            ),
        ),
        "stage not returned": bugs("stage", ("stage", "    return nn.Sequential(*layers)", "")),
        "bug 4 left in": bugs("predict", ("predict", "    model.eval()\n", "")),
        "not put back": bugs("predict", ("predict", "    model.train(was_training)\n", "")),
        "always put back to training": bugs("predict", ("predict", "model.train(was_training)", "model.train()")),
        "gradients recorded": bugs("predict", ("predict", "with torch.no_grad():", "if True:")),
        "gradients recorded, then cut off": bugs(
            "predict",
            ("predict", "with torch.no_grad():", "if True:"),
            ("predict", "result = model(pictures)", "result = model(pictures).detach()"),
        ),
        "warmed up in training mode": bugs(
            "predict", ("predict", "    model.eval()\n", "    model(pictures)\n    model.eval()\n")
        ),
    },
}

# Mistakes that students hear of before they hand in, and the test whose visible part has a message for them.
TOLD = [
    ("forward", "conv2 left out", "main_path"),
    ("forward", "conv3 left out", "main_path"),
    ("forward", "main path not returned", "main_path"),
    ("forward", "no residual", "without_downsample"),
    ("forward", "no ReLU after the sum", "without_downsample"),
    ("forward", "ReLU in place on the input", "without_downsample"),
    ("forward", "no return", "without_downsample"),
    ("forward", "no residual", "with_downsample"),
    ("forward", "downsample forgotten", "with_downsample"),
    ("forward", "x added instead of identity", "with_downsample"),
    ("forward", "ReLU on the shortcut", "with_downsample"),
    ("forward", "ReLU before the sum", "with_downsample"),
    ("forward", "sum written into the shortcut", "training"),
    ("forward", "no gradients", "training"),
    ("init", "no padding", "convolutions"),
    ("init", "downsample not kept", "arguments"),
    ("init", "stride forgotten", "arguments"),
    ("init", "stride on conv1 and conv2", "arguments"),
    ("init", "bn1 for the input's channels", "arguments"),
    ("init", "downsample's batch norm for the middle", "downsample"),
    ("groups", "padding always 1", "block"),
    ("groups", "output follows the width", "block"),
    ("groups", "bn1 for planes", "block"),
    ("shapes", "a number for a shape", "shapes"),
    ("bugs", "bug 1 left in", "in_place"),
    ("bugs", "scaled output not returned", "in_place"),
    ("bugs", "bug 3 left in", "stage"),
    ("bugs", "stride in every block", "stage"),
    ("bugs", "stage not returned", "stage"),
]

# Right answers, written in other ways than ours: no test may ask for our wording.
OTHER_WAYS = {
    "forward": {
        "functions, not in place, shortcut last": {
            "main_path": """
import torch.nn.functional as F


class MainPath(Layers):
    def main_path(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))
""",
            "block": """
class Bottleneck(MainPath):
    def forward(self, x):
        residual = self.main_path(x)
        return F.relu(residual + (x if self.downsample is None else self.downsample(x)))
""",
        },
        "everything once more in forward": {
            "block": """
class Bottleneck(MainPath):
    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is None:
            out = out + x
        else:
            out = out + self.downsample(x)
        return torch.clamp(out, min=0)
""",
        },
    },
    "init": {
        "without the two functions": {
            "block": """
class Bottleneck(Forward):
    expansion = 4

    def __init__(self, in_channel, out_channel, stride=1, downsample=None):
        super(Bottleneck, self).__init__()
        out = out_channel * self.expansion
        self.downsample = downsample
        self.relu = nn.ReLU()
        self.conv3 = nn.Conv2d(out_channel, out, 1, bias=False)
        self.conv2 = nn.Conv2d(out_channel, out_channel, (3, 3), (stride, stride), (1, 1), bias=False)
        self.conv1 = nn.Conv2d(in_channel, out_channel, 1, bias=False)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(out_channel), nn.BatchNorm2d(out_channel), nn.BatchNorm2d(out)
""",
            "downsample": """
def make_downsample(in_channel, out_channel, stride=1):
    out = out_channel * Bottleneck.expansion
    if stride != 1 or in_channel != out:
        layers = [nn.Conv2d(in_channel, out, 1, stride, bias=False), nn.BatchNorm2d(out)]
        return nn.Sequential(*layers)
""",
        },
    },
    "groups": {
        "whole numbers throughout": {
            "width": """
def middle_width(planes, groups=1, base_width=64):
    per_group = planes * base_width // 64
    return per_group * groups
""",
            "block": """
class Bottleneck(Forward):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1,
                 base_width=64, dilation=1, norm_layer=None):
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = middle_width(planes, groups, base_width)
        self.conv1, self.bn1 = conv1x1(inplanes, width), norm(width)
        self.conv2 = conv3x3(width, width, stride=stride, groups=groups, dilation=dilation)
        self.bn2 = norm(width)
        self.conv3, self.bn3 = conv1x1(width, 4 * planes), norm(4 * planes)
        self.relu = nn.ReLU()
        self.stride, self.downsample = stride, downsample
""",
            "variants": """
variants = dict(
    resnet50=dict(groups=1, base_width=64),
    resnext50_32x4d=dict(groups=32, base_width=4),
    resnext101_64x4d=dict(groups=64, base_width=4),
    wide_resnet50_2=dict(groups=1, base_width=64 * 2),
)


def conv_weights(inplanes, planes, groups=1, base_width=64):
    width = middle_width(planes, groups, base_width)
    first, third = inplanes * width, width * 4 * planes
    second = groups * 9 * (width // groups) ** 2
    return first + second + third
""",
        },
    },
    "shapes": {
        "lists, sizes and loops": {
            "shapes": """
shapes = {name: [2, 1024, 14, 14] for name in ("conv3", "downsample", "output")}
shapes["conv1"] = shapes["bn1"] = torch.Size([2, 256, 28, 28])
shapes["conv2"] = (2, 256, 14, 14)
""",
            "formulas": """
def output_size(size, kernel, stride=1, padding=0):
    padded = size + 2 * padding
    return (padded - kernel + stride) // stride


def block_params(in_channel, out_channel, projection=False):
    total = in_channel * out_channel + 13 * out_channel**2 + 12 * out_channel
    if projection:
        total += 4 * out_channel * (in_channel + 2)
    return total
""",
            "walked": """
def out_shapes(block, x):
    found = []
    for step in walk(block, x):
        if "out" in step.changed:
            found.append([step.source, step.value("out").shape])
    return found


def costliest_line(block, x):
    with torch.no_grad():
        steps = sorted(walk(block, x), key=lambda step: -step.macs)
    return steps[0].source
""",
        },
    },
    "bugs": {
        "smallest mends": {
            "in_place": """
class MendedScaled(ScaledBottleneck):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out))).clone()
        out *= self.scale
        return self.relu(self.bn3(self.conv3(out)) + identity)
""",
            "strided": """
class MendedStrided(StridedBottleneck):
    def __init__(self, in_channel, out_channel, stride=1, downsample=None):
        super().__init__(in_channel, out_channel, 1, downsample)
        self.conv2.stride = (stride, stride)
""",
            "stage": """
def mended_stage(in_channel, out_channel, blocks, stride=1):
    layers = []
    for _ in range(blocks):
        needed = stride != 1 or in_channel != 4 * out_channel
        projection = shortcut(in_channel, 4 * out_channel, stride) if needed else None
        layers.append(explicit.Bottleneck(in_channel, out_channel, stride, projection))
        in_channel, stride = 4 * out_channel, 1
    return nn.Sequential(*layers)
""",
            "predict": """
@torch.no_grad()
def mended_predict(model, pictures):
    mode = model.training
    try:
        return model.eval()(pictures)
    finally:
        model.train(mode)
""",
        },
    },
}
