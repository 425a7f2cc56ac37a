"""Which cells an edition shows, its anchors, and that the two languages of every text say the same."""

import ast
import importlib.util
import io
import re
import tokenize
from collections import Counter
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import NOTEBOOKS, ROOT, read_notebook
from editions.anchors import code_anchor, numbered, prose_anchor
from editions.cells import markdown_blocks, pick
from editions.outputs import keep_language, write_image
from nbformat.v4 import new_code_cell, new_markdown_cell

HAN = re.compile(r"[㐀-鿿]")
PAGES = sorted((ROOT / "book").glob("*.md"))


# ---- picking cells


def prose(text, lang=None):
    return new_markdown_cell(text, metadata={"lang": lang} if lang else {})


def chapter():
    return [
        prose("# 残差", "zh"),
        prose("# The residual", "en"),
        prose("## `out += identity`"),
        prose("为什么", "zh"),
        prose("why", "en"),
        new_code_cell("1 + 1"),
        prose("## 小结", "zh"),
        prose("## Summary", "en"),
    ]


@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        ("zh", ["# 残差", "## `out += identity`", "为什么", "1 + 1", "## 小结"]),
        ("en", ["# The residual", "## `out += identity`", "why", "1 + 1", "## Summary"]),
    ],
)
def test_an_edition_shows_its_language_and_what_has_none(edition, expected):
    cells, _ = pick(chapter(), edition)
    assert [cell.source for cell in cells] == expected


def test_both_sets_twins_side_by_side_and_merges_headings():
    cells, _ = pick(chapter(), "both")
    assert cells[0].source == "# [残差]{.language-zh} · [The residual]{.language-en}"
    twins = cells[2].source
    assert twins.index("language-zh") < twins.index("为什么") < twins.index("language-en") < twins.index("why")
    assert [cell.source for cell in cells[3:]] == ["1 + 1", "## [小结]{.language-zh} · [Summary]{.language-en}"]


def test_anchors_are_the_same_in_every_edition():
    anchors = {tuple(pick(chapter(), edition)[1]) for edition in ("zh", "en", "both")}
    assert anchors == {("the-residual", "out-identity", "summary")}


def test_a_cell_without_its_twin_is_shown_where_its_language_is():
    cells = [prose("只有中文", "zh"), prose("## 又", "zh"), prose("## Again", "en"), prose("only English", "en")]
    assert [cell.source for cell in pick(cells, "zh")[0]] == ["只有中文", "## 又"]
    assert [cell.source for cell in pick(cells, "en")[0]] == ["## Again", "only English"]
    assert "only English" in pick(cells, "both")[0][-1].source


def test_a_page_is_split_at_its_block_breaks():
    blocks = markdown_blocks('+++ {"lang": "zh"}\n\n# 你好\n\n+++ {"lang": "en"}\n# Hello\n+++\n\nshared\n')
    assert [(block.metadata.get("lang"), block.source) for block in blocks] == [
        ("zh", "# 你好"),
        ("en", "# Hello"),
        (None, "shared"),
    ]


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("`out = self.conv1(x)`", "out-conv1"),
        ("`out += identity`", "out-identity"),
        ("`def __init__(self, in_channel, out_channel)`", "def-init"),
        ("`if self.downsample is not None:`", "if-downsample-is-not-none"),
        ("`super(Bottleneck, self).__init__()`", "super"),
        ("`out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))`", "out-f-relu"),
        ("`class Bottleneck(nn.Module):`", "class-bottleneck"),
        ("`expansion = 4`", "expansion-4"),
        ("`self.stride = stride`", "stride-stride"),
        ("`norm_layer = nn.BatchNorm2d`", "norm-layer-nn-batchnorm2d"),
        ("ResNet-50", "resnet-50"),
    ],
)
def test_code_anchor(title, anchor):
    assert code_anchor(title) == anchor


def test_prose_anchor_and_repeats():
    assert prose_anchor("What the block's `forward` does") == "what-the-blocks-forward-does"
    assert list(numbered(["out-relu", "out-bn2", "out-relu", "out-relu"])) == [
        "out-relu",
        "out-bn2",
        "out-relu-2",
        "out-relu-3",
    ]


# ---- outputs


CARD = (
    '<p><span lang="zh">形状</span><span lang="en">shape</span></p><img data-alt-zh="图" data-alt-en="picture" alt="">'
)


@pytest.mark.parametrize(
    ("edition", "text", "alt"),
    [("zh", "形状", "图"), ("en", "shape", "picture"), ("both", "形状shape", "图 / picture")],
)
def test_outputs_speak_the_language_of_the_edition(edition, text, alt):
    soup = BeautifulSoup(CARD, "html.parser")
    keep_language(soup, edition)
    assert soup.get_text() == text
    assert soup.img.attrs == {"alt": alt}


def test_notes_asked_for_in_the_other_language_stay():
    soup = BeautifulSoup('<div data-language="zh"><p lang="zh">一</p></div><p lang="zh">二</p>', "html.parser")
    keep_language(soup, "en")
    assert soup.get_text() == "一"


def test_an_embedded_picture_becomes_a_file_named_by_its_content(tmp_path):
    name = write_image("data:image/png;base64,aGVsbG8=", tmp_path)
    assert name.endswith(".png")
    assert (tmp_path / name).read_bytes() == b"hello"
    assert write_image("data:image/png;base64,aGVsbG8=", tmp_path) == name


# ---- the two languages of the real texts


def texts():
    for path in NOTEBOOKS:
        yield pytest.param(read_notebook(path).cells, id=path.name)
    for path in PAGES:
        yield pytest.param(markdown_blocks(path.read_text(encoding="utf-8")), id=path.name)


def untwinned(cells):
    """Describes each prose cell without a twin beside it, or whose twin differs in code, numbers, links or formulas."""
    prose_cells = [(number, cell) for number, cell in enumerate(cells) if cell.metadata.get("lang")]
    for (number, zh), pair in zip_longest(prose_cells[::2], prose_cells[1::2]):
        if pair is None or pair[0] != number + 1 or (zh.metadata.lang, pair[1].metadata.lang) != ("zh", "en"):
            yield f"cell {number + 1} has no twin: {zh.source[:60]}"
            return  # what follows would be paired wrongly
        en = pair[1]
        for what, found in (("code", code_spans), ("numbers", numbers), ("links", links), ("formulas", formulas)):
            if found(zh.source) != found(en.source):
                only_zh, only_en = found(zh.source) - found(en.source), found(en.source) - found(zh.source)
                yield f"cell {number + 1}: {what} zh {dict(only_zh)} en {dict(only_en)} differ: {zh.source[:40]}"


def code_spans(text):
    return Counter(re.findall(r"`+([^`]+)`+", text))


def links(text):
    return Counter(re.findall(r"\]\(([^)]+)\)", text))


def formulas(text):
    """What stands between dollars, and what is written with Greek letters, as γ or μ − βσ/γ are."""
    return Counter(re.findall(r"\$[^$]+\$|[α-ω](?:[ −+·/√²]*[α-ω])+", re.sub(r"`[^`]*`", " ", text)))


def numbers(text):
    prose_only = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text)
    return Counter(number.replace(",", "") for number in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", prose_only))


@pytest.mark.parametrize("cells", [*texts()])
def test_twins_say_the_same(cells):
    assert not list(untwinned(cells))


@pytest.mark.parametrize("cells", [*texts()])
def test_what_has_no_language_needs_none(cells):
    shared = [cell.source for cell in cells if cell.cell_type == "markdown" and not cell.metadata.get("lang")]
    # What a program printed is as it is, in both languages.
    texts = [source for source in shared if not source.startswith("```text\n")]
    assert not [source for source in texts if HAN.search(source) or not source.startswith(("#", "```"))]


@pytest.mark.parametrize(
    "en",
    [
        "no number, `out`, [a](x.md), μ − βσ/γ",
        "3 and 4, `out`, [a](x.md), μ − βσ/γ",
        "3, `identity`, [a](x.md), μ − βσ/γ",
        "3, `out` and `out`, [a](x.md), μ − βσ/γ",
        "3, `out`, [a](y.md), μ − βσ/γ",
        "3, `out`, μ − βσ/γ",
        "3, `out`, [a](x.md), μ + βσ/γ",
        "3, `out`, [a](x.md)",
    ],
    ids=lambda text: text,
)
def test_a_differing_twin_is_noticed(en):
    zh = prose("三个是 3,`out`,[甲](x.md),μ − βσ/γ", "zh")
    assert list(untwinned([zh, prose(en, "en")]))
    assert not list(untwinned([zh, prose("3, `out`, [a](x.md), μ − βσ/γ", "en")]))


# What machine translation makes of the field's terms, and what they are called.
NOT_WORDS = {
    "剩余学习": "残差学习",
    "剩余块": "残差块",
    "快捷键连接": "捷径连接",
    "快捷连接": "捷径连接",
    "身份映射": "恒等映射",
    "身份快捷": "恒等捷径",
    "要素地图": "特征图",
    "全球平均": "全局平均池化",
    "批处理规范化": "批归一化",
    "跨步长": "步幅",
    "内核大小": "卷积核大小",
    "感受域": "感受野",
    "就地操作": "原地操作",
    "扩张率": "空洞率",
}


def misnamed(text):
    return [f"{word} → {NOT_WORDS[word]}" for word in NOT_WORDS if word in text]


@pytest.mark.parametrize("cells", [*texts()])
def test_terms_are_the_fields(cells):
    assert not [found for cell in cells for found in misnamed(cell.source)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_shortcut_is_no_key_and_an_identity_nobody(path):
    prose_cells = [cell.source for cell in read_notebook(path).cells if cell.metadata.get("lang") == "zh"]
    assert not [source[:60] for source in prose_cells if "快捷键" in source or "身份" in source]


def test_a_wrong_term_is_noticed():
    assert misnamed("剩余学习和要素地图") == ["剩余学习 → 残差学习", "要素地图 → 特征图"]
    assert not misnamed("残差学习和特征图")


def test_a_missing_twin_is_noticed():
    assert list(untwinned([prose("甲", "zh"), prose("乙", "zh"), prose("b", "en")]))
    assert list(untwinned([prose("甲", "zh"), new_code_cell("1"), prose("a", "en")]))
    assert not list(untwinned([prose("甲", "zh"), prose("a", "en")]))


# ---- every line of the code under study has its section


def subjects():
    for path in NOTEBOOKS:
        subject = read_notebook(path).metadata.get("subject", [])
        for one in [subject] if isinstance(subject, dict) else subject:
            if one.get("explained") == "elsewhere":
                continue  # it only stands beside the text, and its lines lead to the chapters that explain them
            whole = not one.get("grouped")  # else a section may explain several lines, under the first of them
            yield pytest.param(path, one["source"], one.get("part", "all"), whole, id=f"{path.stem}-{one['source']}")


def logical_lines(source, part):
    """The lines of code of a class or function, each on one line; of a compound statement its head."""
    module, _, name = source.partition(":")
    text = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    node = next(node for node in ast.parse(text).body if getattr(node, "name", None) == name)
    if isinstance(node, ast.ClassDef) and part != "all":
        methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
        wanted = next(method for method in methods if method.name == part)
        if part != "__init__":
            return [head(line, text) for line in statements(wanted)]
        node.body = [item for item in node.body if item not in methods or item is wanted]
    return [head(line, text) for line in statements(node)]


def statements(node):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    yield node
    for field in ("body", "orelse", "finalbody"):
        for child in getattr(node, field, []) if isinstance(node, ast.stmt) else []:
            yield from statements(child)


def head(node, text):
    lines = text.splitlines(keepends=True)
    last = node.body[0].lineno - 1 if getattr(node, "body", None) else node.end_lineno
    code = "".join(lines[node.lineno - 1 : last])
    kept, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(code.strip() + "\n").readline):
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        if token.type == tokenize.NEWLINE:
            break
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            kept.append(token)
    # Untouched within a line, one space where the line was broken.
    joined = ""
    for before, token in pairwise([None, *kept]):
        if before and token.start[0] != before.end[0]:
            joined += "" if joined.endswith(("(", "[", "{")) or token.string in ")]}" else " "
        elif before:
            joined += " " * (token.start[1] - before.end[1])
        joined += token.string
    return joined


def sections(cells):
    """Yields (line of code, its cells) for each heading that is a line of code."""
    line, own = None, []
    for cell in cells:
        heading = cell.cell_type == "markdown" and re.fullmatch(r"#+ (.*)", cell.source.strip())
        if not heading:
            own.append(cell)
            continue
        if line:
            yield line, own
        code = re.fullmatch(r"`+ ?(.*?) ?`+", heading[1])
        line, own = code and code[1], []
    if line:
        yield line, own


@pytest.mark.parametrize(("path", "source", "part", "whole"), [*subjects()])
def test_every_line_has_its_section(path, source, part, whole):
    lines = logical_lines(source, part)
    found = dict.fromkeys(lines, 0)
    incomplete = []
    for line, cells in sections(read_notebook(path).cells):
        if line not in found:
            continue
        found[line] += 1
        languages = {cell.metadata.get("lang") for cell in cells if cell.cell_type == "markdown"}
        code = [cell for cell in cells if cell.cell_type == "code"]
        checks = [cell for cell in code if "check" in cell.metadata.get("tags", [])]
        needs = {
            "Chinese": "zh" in languages,
            "English": "en" in languages,
            "a step": len(code) > len(checks),
            "a check": any(re.search(r"^\s*assert\b", cell.source, re.MULTILINE) for cell in checks),
        }
        incomplete += [f"{line}: {need}" for need, there in needs.items() if not there]
    missing = Counter(lines) - Counter(found)
    assert not (whole and missing), f"no section: {dict(missing)}"
    assert found[lines[0]] and not incomplete


def test_the_lines_of_a_class_are_found():
    lines = logical_lines("linewalk.blocks.explicit:Bottleneck", "__init__")
    assert lines[:4] == [
        "class Bottleneck(nn.Module):",
        "expansion = 4",
        "def __init__(self, in_channel, out_channel, stride=1, downsample=None):",
        "super(Bottleneck, self).__init__()",
    ]
    assert lines[4] == (
        "self.conv1 = nn.Conv2d(in_channels=in_channel, out_channels=out_channel, kernel_size=1, stride=1, bias=False)"
    )
    forward = logical_lines("linewalk.blocks.explicit:Bottleneck", "forward")
    assert forward[:3] == ["def forward(self, x):", "identity = x", "if self.downsample is not None:"]
    assert Counter(forward)["out = self.relu(out)"] == 3


# ---- notebooks as they are committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_outputs(path):
    code = [cell for cell in read_notebook(path).cells if cell.cell_type == "code"]
    assert code
    assert not [cell.source for cell in code if cell.outputs or cell.execution_count or "execution" in cell.metadata]
