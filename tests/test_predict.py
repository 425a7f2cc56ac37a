"""Predict first: the questions as data, and what the switch does to a page."""

import copy
import json
import re
from types import SimpleNamespace

import predict
import predictions
import pytest
import torch
import yaml
from conftest import EDITIONS, ROOT, chapters
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from predict import cards

from linewalk.blocks import explicit, shortcut

FORWARD = "notebooks/03_forward"


def written(chapter):
    return yaml.safe_load((ROOT / predictions.file_of(chapter)).read_text(encoding="utf-8"))


def asked(site, edition, chapter):
    """What the page of a chapter loads: {anchor: questions}."""
    script = site / edition / "predict" / f"{chapter.removeprefix('notebooks/')}.js"
    return json.loads(script.read_text(encoding="utf-8").removeprefix("globalThis.bookPredictions="))["sections"]


def right(question):
    return [choice["text"] for choice in question["choices"] if choice.get("right")]


# The data


def test_every_chapter_has_questions():
    files = [f"{predictions.FOLDER}{path.name}" for path in (ROOT / predictions.FOLDER).iterdir()]
    assert {predictions.chapter_of(file) for file in files} == set(chapters())


def test_every_question_has_one_right_answer_and_a_reason_for_each_wrong_one(site):
    for chapter in chapters():
        sections = {edition: asked(site, edition, chapter) for edition in EDITIONS}
        assert list(sections["zh"]) == list(sections["en"]) == list(sections["both"])
        assert set(sections["zh"]) == set(written(chapter))
        for edition in EDITIONS:
            for question in [question for questions in sections[edition].values() for question in questions]:
                assert len(right(question)) == 1 and 2 <= len(question["choices"]) <= 4
                assert all(bool(choice.get("because")) != choice.get("right", False) for choice in question["choices"])


def test_shapes_and_numbers_are_what_pytorch_computes(site):
    block = explicit.Bottleneck(64, 64, downsample=shortcut(64, 256)).eval()
    shapes = {}
    for name, module in block.named_children():
        module.register_forward_hook(lambda module, args, out, name=name: shapes.update({name: tuple(out.shape)}))
    with torch.no_grad():
        result = block(torch.randn(1, 64, 56, 56))
    sections = asked(site, "en", FORWARD)
    for name, anchor in [(name, f"out-{name}") for name in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3")] + [
        ("downsample", "identity-downsample"), ("relu", "out-relu-3"),
    ]:
        assert right(sections[anchor][0]) == ["×".join(map(str, shapes[name]))], name
    assert right(sections["return-out"][0]) == ["×".join(map(str, result.shape))]
    for name in ("conv1", "conv2", "conv3"):
        macs = getattr(block, name).weight.numel() * 56 * 56
        assert right(sections[f"out-{name}"][1]) == [f"{macs:,}"]
    parameters = asked(site, "en", "notebooks/02_init")
    for name in ("bn1", "conv2", "downsample"):
        anchor = next(anchor for anchor in parameters if anchor.startswith(name))
        assert right(parameters[anchor][0]) == [f"{sum(p.numel() for p in getattr(block, name).parameters()):,}"]


def test_a_mistake_about_a_shape_gets_its_own_reason(site):
    def because(chapter, anchor, shape):
        choices = asked(site, "en", chapter)[anchor][0]["choices"]
        return next(choice["because"] for choice in choices if choice["text"] == shape)

    assert "a zero keeps its place" in because(FORWARD, "out-relu", "1×32×56×56")
    assert "every pixel keeps its number" in because(FORWARD, "out-bn1", "1×64×1×1")
    assert "That would be joining" in because(FORWARD, "out-identity", "1×512×56×56")
    assert "no second copy" in because(FORWARD, "identity-x", "2×64×56×56")
    assert "this line has 256" in because(FORWARD, "out-conv3", "1×64×56×56")
    assert "dimension 0" in because("notebooks/01_the_line", "out-torch-cat", "5×256×56×56")


SOUND = {
    "ask": {"zh": "为什么 `x` 是 2？", "en": "Why is `x` 2?"},
    "right": {"zh": "因为", "en": "because"},
    "wrong": [{"answer": "`y`", "because": {"zh": "不是 `y`。", "en": "Not `y`."}}],
}


@pytest.mark.parametrize(("place", "value", "said"), [
    (("right",), None, ("right 和 number", "not both")),
    (("ask", "en"), "Why 3 `x`?", ("不一样", "differ")),
    (("ask", "en"), "Why is `y` 2?", ("不一样", "differ")),
    (("ask", "zh"), "为" * 131 + "`x` 2", ("最多 130", "shorten it")),
    (("ask", "en"), "为什么 `x` 2", ("有汉字", "holds Chinese")),
    (("wrong",), [], ("一到三个", "one to three")),
    (("wrong", 0, "because"), None, ("answer 和 because", "`because`")),
    (("wrong", 0, "because", "zh"), "", ("zh 和 en", "`zh` and `en`")),
    (("wrong", 0, "answer"), {"zh": "因为", "en": "because"}, ("一样", "the same")),
    (("right",), "64", ("要写 check", "needs a `check`")),
    (("hint",), "x", ("不认识 hint", "`hint`", "hint means nothing")[::2]),
])
def test_a_broken_question_is_named_in_one_sentence(place, value, said):
    question = copy.deepcopy(SOUND)
    inner = question
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    predictions.check("book/predict/one.yml", {"out-x": [SOUND]})
    with pytest.raises(predictions.PredictionError) as error:
        predictions.check("book/predict/one.yml", {"out-x": [SOUND, question]})
    sentence = str(error.value)
    assert "\n" not in sentence and "book/predict/one.yml, question 2 of out-x" in sentence and "第 2 题" in sentence
    assert all(words in sentence for words in said)


def test_a_claim_that_does_not_hold_is_named():
    question = {**SOUND, "check": "assert torch.zeros(3).sum() == 1"}
    with pytest.raises(predictions.PredictionError, match="question 1 of out-x: it does not say what PyTorch computes"):
        predictions.run_checks({"book/predict/one.yml": {"out-x": [question]}}, ROOT)


@pytest.mark.parametrize(("walked", "said"), [
    ([{"params": "64"}], ("64 is right", "不能算错")), ([{"macs": "64"}], ("no card of that section", "没有 params")),
])
def test_a_number_that_the_walk_no_longer_makes_wrong_is_named(walked, said):
    question = {**SOUND, "number": "params", "wrong": [{"answer": 64, "because": SOUND["ask"]}]}
    with pytest.raises(predictions.PredictionError) as error:
        cards.number_question(question, walked, "out-x")
    assert all(words in str(error.value) for words in ("out-x", *said))


def test_sections_without_a_question_and_questions_without_a_section_are_named(monkeypatch):
    document = new_document("one", get_default_settings())
    for anchor in ("title", "out-x", "try-it-yourself"):
        section = nodes.section("", nodes.title(text=anchor), nodes.paragraph(text="prose"), ids=[anchor])
        document.append(section)
    document.append(nodes.section("", nodes.title(text="only a heading"), ids=["no-prose"]))
    app = SimpleNamespace(builder=SimpleNamespace(get_target_uri=lambda name: f"{name}.html"))
    document.settings.env = SimpleNamespace(
        docname="notebooks/one", app=app, config=SimpleNamespace(edition="en"), metadata={"notebooks/one": {}}
    )
    said = []
    logger = SimpleNamespace(warning=lambda text, *args, **more: said.append(text % args))
    monkeypatch.setattr(predict, "logger", logger)
    monkeypatch.setattr(predict, "written_for", lambda docname: {"title": [SOUND], "out-y": [SOUND]})
    predict.Places(document).apply()
    unknown, missing = said
    assert "out-y in book/predict/one.yml is no section" in unknown and "不是这一章的小节" in unknown
    assert "no question for the sections out-x;" in missing and "少了" in missing


# The page


@pytest.fixture
def opened(browser, served):
    contexts = []

    def open_page(address, script=None, **options):
        context = browser.new_context(reduced_motion="reduce", **options)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.goto(address if ":" in address else f"{served}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def answer(section, wanted):
    """Answers the section's next question rightly or wrongly. Returns what the page says to it."""
    form = section.locator("form:not([data-outcome]):visible").first
    name = form.get_attribute("id")
    number = int(re.search(r"\d+$", name)[0])
    questions = section.page.evaluate("globalThis.bookPredictions.sections")[section.get_attribute("id")]
    choices = questions[number - 1]["choices"]
    chosen = next(at for at, choice in enumerate(choices) if bool(choice.get("right")) == (wanted == "right"))
    form.locator("input").nth(chosen).check()
    form.locator("[type=submit]").click()
    said = section.locator(f"#{name} .predict-feedback").inner_text()
    return said, choices[chosen].get("because")


def settled(page):
    page.locator(".predict form").first.wait_for()
    return page


def test_a_section_shows_its_answer_after_the_last_guess(opened):
    page = opened(f"en/{FORWARD}.html")
    section, switch = page.locator("#out-conv3"), page.get_by_role("switch", name="Predict first")
    card = section.locator(".lw-card")
    assert card.is_visible() and not page.locator(".predict form:visible").count()
    switch.click()
    settled(page)
    assert switch.get_attribute("aria-checked") == "true"
    assert not card.is_visible() and not section.locator("p:visible").filter(has_text="expands 64 channels").count()
    assert section.locator("h2").is_visible() and page.locator("#out-bn3 h2").is_visible()

    section.scroll_into_view_if_needed()
    before = section.locator("h2").bounding_box()["y"] + page.evaluate("scrollY")
    said, because = answer(section, "wrong")
    assert because in " ".join(said.split()) and "The answer: 1×256×56×56." in said
    assert not card.is_visible()
    answer(section, "right")
    said, _ = answer(section, "right")
    assert "Right." in said and card.is_visible()
    assert section.locator("h2").bounding_box()["y"] + page.evaluate("scrollY") == before
    assert not page.locator("#out-bn3 .lw-card").is_visible()
    assert page.get_by_role("status").inner_text().endswith(": 2 right, 1 wrong, 0 passed.")

    page.locator("#out-bn3 .predict-pass:visible").click()
    assert page.locator("#out-bn3 .lw-card").is_visible()
    page.reload()
    settled(page)
    assert card.is_visible() and page.get_by_role("status").inner_text().endswith(": 2 right, 1 wrong, 2 passed.")
    page.get_by_role("button", name="Start over").click()
    assert not card.is_visible() and page.get_by_role("status").inner_text().endswith(": 0 right, 0 wrong, 0 passed.")
    switch.click()
    assert card.is_visible() and not page.locator(".predict:visible").count()
    page.reload()
    assert card.is_visible()


def test_the_keyboard_does_it_all_and_what_is_said_has_the_focus(opened):
    page = settled(opened(f"zh/{FORWARD}.html?predict=1"))
    group = page.get_by_role("group", name="前两次批归一化后面都紧跟 ReLU")
    page.locator("#out-bn3 form").first.locator("input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    feedback = page.locator("#out-bn3 .predict-feedback").first
    assert feedback.evaluate("element => element === document.activeElement")
    page.keyboard.press("Tab")
    assert group.locator("input").first.evaluate("element => element === document.activeElement")
    page.keyboard.press("Enter")  # nothing is chosen: nothing is answered
    assert group.is_enabled()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert page.locator("#out-bn3 .lw-card").is_visible() and page.locator("#out-bn3 fieldset:disabled").count() == 2


FORBIDDEN = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden') } })"


def test_a_link_turns_it_on_from_the_disk_and_without_storage(opened, site):
    page = settled(opened(f"{(site / f'both/{FORWARD}.html').as_uri()}?predict=1#out-conv3", FORBIDDEN))
    section = page.locator("#out-conv3")
    assert -1 < section.locator("h2").bounding_box()["y"] < page.viewport_size["height"] / 2
    assert not section.locator(".lw-card").is_visible()
    while section.locator("form:not([data-outcome]):visible").count():
        section.locator("form:not([data-outcome]):visible input").first.check()
        section.locator("form:not([data-outcome]):visible [type=submit]").click()
    assert section.locator(".lw-card").is_visible()
    assert section.locator('.predict-feedback [lang="zh"]').count() == 3


def test_the_bar_and_the_graphs_do_not_tell(opened):
    page = settled(opened(f"en/{FORWARD}.html?predict=1#out-conv1", viewport={"width": 390, "height": 800}))
    shape = page.locator(".code-bar small")
    assert shape.inner_text() == ""
    page.locator("#out-conv1 .predict-pass").first.click()
    assert shape.inner_text() == "out 1×64×56×56"
    graph = page.locator("#out-conv1 .lw-graph svg")
    told = graph.locator("g.lw-node:not(.lw-todo) text:last-child").first
    untold = graph.locator("g.lw-todo text:last-child").first
    assert [text.evaluate("element => getComputedStyle(element).visibility") for text in (told, untold)] == [
        "visible", "hidden",
    ]


def test_paper_and_readers_without_scripts_see_everything(opened):
    page = settled(opened(f"en/{FORWARD}.html?predict=1"))
    page.emulate_media(media="print")
    assert page.locator("#out-conv3 .lw-card").is_visible()
    assert not page.locator(":is(.predict, .predict-bar):visible").count()
    plain = opened(f"en/{FORWARD}.html?predict=1", java_script_enabled=False)
    assert plain.locator("#out-conv3 .lw-card").is_visible()
    assert not plain.locator(":is(.predict, .predict-bar):visible").count()


def test_questions_that_do_not_load_hide_nothing(opened, served, browser):
    page = opened(f"en/{FORWARD}.html")
    page.route("**/predict/03_forward.js*", lambda route: route.abort())
    page.get_by_role("switch").click()
    page.get_by_text("The questions did not load").wait_for()
    assert page.locator("#out-conv3 .lw-card").is_visible()
    assert page.get_by_role("switch").get_attribute("aria-checked") == "false"


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_telephone(opened, width):
    page = settled(opened("both/notebooks/02_init.html?predict=1", viewport={"width": width, "height": 800}))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "boxes => boxes.filter(box => box.getBoundingClientRect().right > innerWidth).length"
    assert page.locator(".predict :is(form, label, button)").evaluate_all(inside) == 0
