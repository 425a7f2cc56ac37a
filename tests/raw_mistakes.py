"""What a beginner writes and Python answers raw, or not to the point: ten for each assignment, as data.

RAW["init"]["ReLU without parentheses"] == (sources of the changed cells, the first test that fails,
                                            what its message must name in Chinese, and in English)
"""

from submissions import mistaken


def raw(assignment, test, zh, en, *edits):
    sources, _ = mistaken(assignment, "", *edits)
    return sources, f"test_{test}", zh, en


def init(*wanted):
    return raw("init", *wanted)


def forward(*wanted):
    return raw("forward", *wanted)


def groups(*wanted):
    return raw("groups", *wanted)


def shapes(*wanted):
    return raw("shapes", *wanted)


def bugs(*wanted):
    return raw("bugs", *wanted)


RETURNED_31 = "return nn.Conv2d(in_channel, out_channel, kernel_size=3, stride=stride, padding=1, bias=False)"
WIDTH = "return int(planes * (base_width / 64)) * groups"
SUPER = "        super().__init__()\n"
PARENT = "super().__init__(in_channel, out_channel, stride, downsample)"

RAW = {
    "init": {
        "ReLU without parentheses": init(
            "arguments", "`self.relu = nn.ReLU()`", "make it with parentheses",
            ("block", "nn.ReLU(inplace=True)", "nn.ReLU"),
        ),
        "super forgotten": init(
            "layers", "先要调用父类的：`super().__init__(…)`", "calls the parent's: `super().__init__(…)`",
            ("block", SUPER, ""),
        ),
        "super without parentheses": init(
            "layers", "后面都要有括号", "parentheses after both", ("block", "super().__init__()", "super().__init__"),
        ),
        "printed instead of returned": init(
            "convolutions", "`print` 只把它显示出来", "`print` only shows it",
            ("convolutions", RETURNED_31, RETURNED_31.replace("return ", "print(") + ")"),
        ),
        "layer without self": init(
            "layers", "前面都要有 self.", "without self.", ("block", "self.relu = nn.ReLU", "relu = nn.ReLU"),
        ),
        "batch norm without parentheses": init(
            "arguments", "`nn.BatchNorm2d(channels)`", "`nn.BatchNorm2d(channels)`",
            ("block", "self.bn1 = nn.BatchNorm2d(out_channel)", "self.bn1 = nn.BatchNorm2d"),
        ),
        "padding in quotes": init(
            "convolutions", "去掉引号", "take the quotes away", ("convolutions", "padding=1", 'padding="1"'),
        ),
        "layers in a list": init(
            "downsample", "`nn.Sequential` 不收列表", "`nn.Sequential` takes no list",
            ("downsample", "nn.Sequential(conv1x1(in_channel, outgoing, stride), nn.BatchNorm2d(outgoing))",
             "nn.Sequential([conv1x1(in_channel, outgoing, stride), nn.BatchNorm2d(outgoing)])"),
        ),
        "self outside a class": init(
            "downsample", "`Bottleneck.expansion`", "`Bottleneck.expansion`",
            ("downsample", "Bottleneck.expansion", "self.expansion"),
        ),
        "divided by expansion": init(
            "downsample", "整除用 `//`", "`//` divides",
            ("downsample", "out_channel * Bottleneck", "out_channel / Bottleneck"),
        ),
        "one underscore": init(
            "layers", "两边各有两条下划线", "two underscores on each side", ("block", "def __init__", "def _init_"),
        ),
    },
    "forward": {
        "a layer made in forward": forward(
            "main_path", "`self.relu(out)`", "`self.relu(out)`",
            ("main_path", "out = self.bn1(out)\n        out = self.relu(out)",
             "out = self.bn1(out)\n        out = nn.ReLU(out)"),
        ),
        "printed instead of returned": forward(
            "main_path", "`print` 只把它显示出来", "`print` only shows it", ("main_path", "return out", "print(out)"),
        ),
        "layer without self": forward(
            "main_path", "前面要加 `self.`", "write `self.` before it", ("main_path", "self.conv1(x)", "conv1(x)"),
        ),
        "square brackets": forward(
            "main_path", "调用要用圆括号", "calls take round ones", ("main_path", "self.conv1(x)", "self.conv1[x]"),
        ),
        "called with nothing": forward(
            "main_path", "少给了参数", "lacks arguments", ("main_path", "self.conv1(x)", "self.conv1()"),
        ),
        "used before it is there": forward(
            "main_path", "`out` 还没有值", "`out` is used before", ("main_path", "self.conv1(x)", "self.conv1(out)"),
        ),
        "misspelt layer": forward(
            "main_path", "没有 `batchnorm2`", "has no `batchnorm2`", ("main_path", "self.bn2", "self.batchnorm2"),
        ),
        "downsample always called": forward(
            "without_downsample", "`downsample` 可以是 `None`", "`downsample` may be `None`",
            ("block", "if self.downsample is not None", "if True"),
        ),
        "main path not called": forward(
            "without_downsample", "名字后面少了括号", "parentheses are missing",
            ("block", "self.main_path(x)", "self.main_path"),
        ),
        "forward calls itself": forward(
            "without_downsample", "一直在调用自己", "calls itself without end",
            ("block", "self.main_path(x)", "self.forward(x)"),
        ),
        "a layer for an output": forward(
            "without_downsample", "`nn.ReLU(out)` 只造出一层", "`nn.ReLU(out)` only makes a layer",
            ("block", "self.relu(out)", "nn.ReLU(out)"),
        ),
        "colon forgotten": forward(
            "without_downsample", "没有运行、运行时报了错", "did not run or failed",
            ("block", "is not None:", "is not None"),
        ),
    },
    "groups": {
        "printed instead of returned": groups(
            "width", "`print` 只把它显示出来", "`print` only shows it",
            ("width", WIDTH, WIDTH.replace("return ", "print(") + ")"),
        ),
        "a number as text": groups(
            "width", "`str()`", "`str()`", ("width", WIDTH, WIDTH.replace("return ", "return str(") + ")"),
        ),
        "ReLU without parentheses": groups(
            "block", "`self.relu = nn.ReLU()`", "make it with parentheses",
            ("block", "nn.ReLU(inplace=True)", "nn.ReLU"),
        ),
        "super forgotten": groups(
            "block", "先要调用父类的", "calls the parent's", ("block", SUPER, ""),
        ),
        "None as norm_layer": groups(
            "block", "`norm_layer` 也一样", "so may `norm_layer`",
            ("block", "norm_layer = nn.BatchNorm2d", "pass"),
        ),
        "norm_layer called too early": groups(
            "block", "少给了参数", "lacks arguments",
            ("block", "norm_layer = nn.BatchNorm2d", "norm_layer = nn.BatchNorm2d()"),
        ),
        "no width": groups(
            "block", "不认识 `width`", "`width` is not known",
            ("block", "        width = middle_width(planes, groups, base_width)\n", ""),
        ),
        "the function for its result": groups(
            "block", "名字后面少了括号", "parentheses are missing",
            ("block", "middle_width(planes, groups, base_width)", "middle_width"),
        ),
        "misspelt argument": groups(
            "convolution", "没有叫 `group` 的参数", "has no argument `group`",
            ("convolution", "groups=groups", "group=groups"),
        ),
        "layer not returned": groups(
            "convolution", "return", "return", ("convolution", "return nn.Conv2d", "layer = nn.Conv2d"),
        ),
        "arguments as text": groups(
            "variants", "{'groups': 8}", "{'groups': 8}",
            ("variants", '{"groups": 32, "base_width": 4}', '"32x4d"'),
        ),
        "weights printed": groups(
            "variants", "`print` 只把它显示出来", "`print` only shows it",
            ("variants", "return inplanes * width + 9 * width * width // groups + width * planes * 4",
             "print(inplanes * width + 9 * width * width // groups + width * planes * 4)"),
        ),
    },
    "shapes": {
        "shapes as strings": shapes(
            "shapes", "引号", "quotes", ("shapes", '["conv1"] = (2, 256, 28, 28)', '["conv1"] = "(2, 256, 28, 28)"'),
        ),
        "numbers as strings": shapes(
            "shapes", "引号", "quotes",
            ("shapes", '["conv1"] = (2, 256, 28, 28)', '["conv1"] = ("2", "256", "28", "28")'),
        ),
        "batch left out": shapes(
            "shapes", "批、通道、高、宽", "batch, channels, height, width",
            ("shapes", '["conv1"] = (2, 256, 28, 28)', '["conv1"] = (256, 28, 28)'),
        ),
        "a list for the dict": shapes(
            "shapes", '`shapes["conv1"] = …`', '`shapes["conv1"] = …`',
            ("shapes", "shapes = {}", "shapes = [(2, 256, 28, 28)]\nshapes = list(shapes)\n\"\"\""),
            ("shapes", 'shapes["output"] = (2, 1024, 14, 14)', '"""'),
        ),
        "a float for a number": shapes(
            "params", "整数", "whole numbers", ("params", 'params["conv1"] = ', 'params["conv1"] = 1.0 * '),
        ),
        "printed instead of returned": shapes(
            "formulas", "`print` 只把它显示出来", "`print` only shows it",
            ("formulas", "return (size + 2 * padding - kernel) // stride + 1",
             "print((size + 2 * padding - kernel) // stride + 1)"),
        ),
        "no quotes around a name": shapes(
            "walk", "没有加引号", "Without quotes", ("walked", 'step.value("out")', "step.value(out)"),
        ),
        "every line asked for out": shapes(
            "walk", "`in step.changed`", "`in step.changed`", ("walked", ' if "out" in step.changed', ""),
        ),
        "walk without its input": shapes(
            "walk", "少给了参数：'x'", "lacks arguments: 'x'",
            ("walked", 'for step in walk(block, x) if', "for step in walk(block) if"),
        ),
        "value not called": shapes(
            "walk", "名字后面少了括号", "parentheses are missing", ("walked", 'step.value("out")', "step.value"),
        ),
        "changed called": shapes(
            "walk", "去掉 `()`", "drop the `()`", ("walked", "in step.changed", "in step.changed()"),
        ),
    },
    "bugs": {
        "printed instead of returned": bugs(
            "in_place", "`print` 只把它显示出来", "`print` only shows it", ("in_place", "return out", "print(out)"),
        ),
        "scale without self": bugs(
            "in_place", "前面要加 `self.`", "write `self.` before it", ("in_place", "self.scale", "scale"),
        ),
        "clone not called": bugs(
            "in_place", "`out.clone()`", "`out.clone()`", ("in_place", "out * self.scale", "out.clone * self.scale"),
        ),
        "super forgotten": bugs(
            "stride", "先要调用父类的", "calls the parent's", ("strided", PARENT, "pass"),
        ),
        "super without arguments": bugs(
            "stride", "少给了参数", "lacks arguments", ("strided", PARENT, "super().__init__()"),
        ),
        "a list for a stage": bugs(
            "stage", "nn.Sequential(*layers)", "nn.Sequential(*layers)",
            ("stage", "return nn.Sequential(*layers)", "return layers"),
        ),
        "list without its star": bugs(
            "stage", "列表前加星号", "a star before the list",
            ("stage", "nn.Sequential(*layers)", "nn.Sequential(layers)"),
        ),
        "class for a block": bugs(
            "stage", "`Bottleneck` 后面少了括号", "`Bottleneck` lacks its parentheses",
            ("stage", "explicit.Bottleneck(outgoing, out_channel)", "explicit.Bottleneck"),
        ),
        "result of append": bugs(
            "stage", "不要写 `layers =`", "no `layers =`", ("stage", "layers.append(", "layers = layers.append("),
        ),
        "class of another module": bugs(
            "stage", "`explicit.Bottleneck`", "`explicit.Bottleneck`",
            ("stage", "explicit.Bottleneck.expansion", "Bottleneck.expansion"),
        ),
        "eval without parentheses": bugs(
            "predict", "带括号", "with parentheses", ("predict", "model.eval()", "model.eval"),
        ),
        "no_grad without parentheses": bugs(
            "predict", "`torch.no_grad()`", "`torch.no_grad()`", ("predict", "torch.no_grad()", "torch.no_grad"),
        ),
        "result printed": bugs(
            "predict", "return", "return", ("predict", "return result", "print(result)"),
        ),
    },
}
