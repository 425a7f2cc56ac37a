"""What the cards of a section say of its lines, and the questions that come of it: the truth is the walk's.

A card carries its line's numbers as attributes (linewalk/draw/card.py): `data-shape="out 1×256×56×56"`,
`data-from="out 1×64×56×56"`, `data-params`, `data-macs`, `data-field`.
"""

import re
from html import unescape

from docutils import nodes
from predictions import PredictionError

CARD = re.compile(r'<div class="lw-card"([^>]*)>.*?<div class="lw-head"><code>(.*?)</code>', re.DOTALL)
ATTRIBUTE = re.compile(r'data-(\w+)="([^"]*)"')
VALUE = re.compile(r"(\S+) (\d+(?:×\d+)+)")
MOST = 3  # wrong answers


def of(section):
    """The cards of a section, not of those within it: [{"code", "shape", "from", "params", …}].

    `named`: the section's heading is the line itself.
    """
    found, title = [], section[0].astext()
    for child in section.children:
        if not isinstance(child, nodes.section):
            for raw in child.findall(nodes.raw):
                found += [
                    {
                        "code": unescape(code), "named": unescape(code) == title,
                        **{name: unescape(value) for name, value in ATTRIBUTE.findall(attributes)},
                    }
                    for attributes, code in CARD.findall(raw.astext())
                ]
    return found


def has_shape(card):
    """Whether the line makes one tensor; those of a signature are given."""
    return bool(VALUE.fullmatch(card.get("shape", ""))) and not card["code"].startswith("def ") and "from" in card


def shape_question(card):
    name, truth = values(card["shape"])[0]
    used = values(card["from"])
    if card["code"].startswith("return"):  # the name alone would be the answer
        ask = {"zh": "这一行交出的张量是什么形状？", "en": "What shape is the tensor that this line hands over?"}
    else:
        ask = asked_of(card, name, used)
    choices = {truth: {"text": written(truth), "right": True}}
    for shape, because in mistakes(card["code"], truth, [shape for _, shape in used]):
        if len(choices) <= MOST and all(size > 0 for size in shape):
            choices.setdefault(shape, {"text": written(shape), "because": because})
    return {"ask": ask, "choices": [choices[shape] for shape in sorted(choices)]}


def asked_of(card, name, used):
    names = [f"`{name}`" for name, _ in used]
    given = {
        "zh": f"{'、'.join(names)} {'都' if len(used) > 1 else ''}是 {written(used[0][1])}。",
        "en": f"{', '.join(names)} {'are all' if len(used) > 2 else 'are both' if len(used) > 1 else 'is'} "
        f"{written(used[0][1])}. ",
    }
    if any(shape != used[0][1] for _, shape in used):
        given = {
            "zh": "".join(f"`{name}` 是 {written(shape)}。" for name, shape in used),
            "en": "".join(f"`{name}` is {written(shape)}. " for name, shape in used),
        }
    zh, en = ("这一行", "this line") if card["named"] else (f"`{card['code']}` ", f"`{card['code']}`")
    return {
        "zh": f"{given['zh']}{zh}之后，`{name}` 是什么形状？",
        "en": f"{given['en']}What shape is `{name}` after {en}?",
    }


def mistakes(code, truth, used):
    """(shape, why not) for what people take the result of a line for, the likeliest first."""
    before, several = used[0], len(used) > 1
    if len(truth) != 4:
        return [(truth[1:], WITHOUT_BATCH), (truth[::-1], ORDER)]
    batch, channels, height, width = truth
    found = []
    if several and truth != before:
        found += [
            (before, joined_channels(len(used), before[1])),
            ((batch * len(used), *before[1:]), ALONG_BATCH),
            ((batch, before[1], height * len(used), width), ALONG_HEIGHT),
        ]
    elif several:
        found.append(((batch, 2 * channels, height, width), ADDED))
    elif truth != before:
        found.append((before, what_goes_in(before, truth)))
        if truth[2:] != before[2:]:
            found.append(((batch, channels, *before[2:]), SMALLER))
            found.append(((batch, before[1], height, width), from_kernels(channels)))
    if "relu" in code and truth == before:
        found.append(((batch, channels // 2, height, width), ZEROS))
    if "bn" in code and truth == before:
        found.append(((batch, channels, 1, 1), MEANS))
    if code == "identity = x":
        found.append(((2 * batch, channels, height, width), TWO_NAMES))
    if truth[2:] == before[2:]:
        found.append(((batch, channels, height // 2, width // 2), NO_STRIDE))
        if "conv" in code or "downsample" in code:
            found.append(((batch, channels, height - 2, width - 2), NO_RIM))
    if truth[1] == before[1] and truth[2:] == before[2:]:
        found.append(((batch, 4 * channels, height, width), same_channels(channels)))
    return [*found, (truth[1:], WITHOUT_BATCH), ((batch, height, width, channels), ORDER)]


def what_goes_in(before, truth):
    parts = [{"zh": "那是进来的形状。", "en": "That is what goes in."}]
    if before[1] != truth[1]:
        parts.append(from_kernels(truth[1]))
    if before[2:] != truth[2:]:
        parts.append(SMALLER)
    return {"zh": "".join(part["zh"] for part in parts), "en": " ".join(part["en"] for part in parts)}


def from_kernels(channels):
    return {
        "zh": f"通道数由卷积核的个数定，不由输入定：这一行有 {channels} 个。",
        "en": f"Channels come from the number of kernels, not from the input: this line has {channels}.",
    }


def joined_channels(number, channels):
    return {
        "zh": f"那是一份的形状。沿通道拼接，通道数要加起来：{number} × {channels}。",
        "en": f"That is one of them. Joined along the channels, their numbers add up: {number} × {channels}.",
    }


def same_channels(channels):
    return {
        "zh": f"这一行不改通道数：进来 {channels} 个，出去也是 {channels} 个。",
        "en": f"This line keeps the channels: {channels} go in and {channels} come out.",
    }


WITHOUT_BATCH = {
    "zh": "最前面的批没有了。一张图也是一批：批的大小是 1，这一维还在。",
    "en": "The batch, at the front, is missing. One picture is a batch, too: of size 1, and that dimension stays.",
}
ORDER = {
    "zh": "次序不对。PyTorch 里是批、通道、高、宽：通道在高和宽前面。",
    "en": "The order is another: PyTorch has batch, channels, height, width, the channels before the sizes.",
}
ALONG_BATCH = {
    "zh": "那是沿第 0 维（批）拼接的结果。末尾的 `1` 说的是第 1 维，通道。",
    "en": "That would be joining along dimension 0, the batch. The `1` at the end means dimension 1, the channels.",
}
ALONG_HEIGHT = {
    "zh": "那是沿高度拼接，像把图叠成一摞。末尾的 `1` 说的是通道那一维。",
    "en": "That would be joining along the height, maps below maps. The `1` at the end means the channels.",
}
ADDED = {
    "zh": "那是拼接。相加是对应位置的数两两相加，形状不变。",
    "en": "That would be joining. Adding takes the numbers place by place, two by two, and keeps the shape.",
}
SMALLER = {
    "zh": "这一行的步幅是 2，每隔一个位置才算一次，高和宽都减半。",
    "en": "This line has a stride of 2: it works at every other place, which halves height and width.",
}
ZEROS = {
    "zh": "负数是变成 0，不是被删掉：零也占着一个位置。",
    "en": "Negative numbers become 0, they are not taken out: a zero keeps its place.",
}
MEANS = {
    "zh": "每个通道确实算一个平均值，但只是为了减掉它：每个像素的数都还在。",
    "en": "Each channel does have one mean, but only to be subtracted: every pixel keeps its number.",
}
TWO_NAMES = {
    "zh": "没有第二份：两个名字指着同一个张量。",
    "en": "There is no second copy: the two names mean one tensor.",
}
NO_STRIDE = {
    "zh": "高和宽减半要靠步幅 2，这一行没有。",
    "en": "To halve height and width takes a stride of 2, which this line has not.",
}
NO_RIM = {
    "zh": "少一圈，是 3×3 卷积不补零的结果；这一行不改高和宽。",
    "en": "One ring less is what a 3×3 convolution without padding gives; this line keeps height and width.",
}


def number_question(question, walked, anchor):
    """The question with its right answer, which is what the section's first card with such a number says."""
    truth = next((int(card[question["number"]]) for card in walked if question["number"] in card), None)
    if truth is None or any(wrong["answer"] == truth for wrong in question["wrong"]):
        zh, en = (
            (f"这一节的卡片上没有 {question['number']}。", f"no card of that section says `{question['number']}`.")
            if truth is None else
            (f"{truth} 是对的，不能算错。", f"{truth} is right and cannot stand among the wrong answers.")
        )
        raise PredictionError(f"book/predict 里的 {anchor}：{zh} · {anchor} in book/predict: {en}")
    choices = {truth: {"text": f"{truth:,}", "right": True}}
    for wrong in question["wrong"]:
        choices[wrong["answer"]] = {"text": f"{wrong['answer']:,}", "because": wrong["because"]}
    return {"ask": question["ask"], "choices": [choices[number] for number in sorted(choices)]}


def values(text):
    """"out 1×64×56×56, identity 1×64×56×56" → [("out", (1, 64, 56, 56)), …]"""
    return [(name, tuple(map(int, shape.split("×")))) for name, shape in VALUE.findall(text)]


def written(shape):
    return "×".join(map(str, shape))
