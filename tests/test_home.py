"""The front page in a browser: it greets, finds, and leads on; what it shows and counts is the book's own."""

import ast
import io
import json
import re
import subprocess
from urllib.parse import urljoin, urlsplit

import pytest
import torch
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, chapters, pages
from origin import origin, with_origin
from PIL import Image

HOME = "book/index.html"
LINE = "out = F.relu(self.bn_conv_1x1_3(self.conv_1x1_3(out)))"
HAN = re.compile("[㐀-鿿]")
SCREENS = {"desk": {"width": 1400, "height": 900}, "phone": {"width": 390, "height": 844}}


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def visit(browser, served):
    context = browser.new_context(viewport=SCREENS["desk"])

    def visit(address, viewport=SCREENS["desk"]):
        page = context.new_page()
        page.set_viewport_size(viewport)
        page.goto(f"{served}/{address}")
        return page

    yield visit
    context.close()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_first_screen_greets_finds_shows_and_begins(visit, edition, screen):
    page = visit(f"{edition}/{HOME}", SCREENS[screen])
    bottom = SCREENS[screen]["height"]
    for part in (
        "article h1", "#home-find", "article form[role=search] button", "a.home-begin", ".home-card .lw-head",
        ".home-card .home-photo img", ".home-card .lw-maps >> nth=0", ".home-card .lw-graph .lw-now >> nth=0",
    ):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= bottom, f"{part}: {box}"
        assert box["x"] >= 0 and box["x"] + box["width"] <= SCREENS[screen]["width"], f"{part}: {box}"
    assert page.locator(".home-card .lw-head").inner_text() == LINE
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
    page.close()


def test_the_card_is_what_the_chapter_showed(site):
    home, chapter = soup(site / "zh" / HOME), soup(site / "zh/notebooks/01_the_line.html")
    shown, own = home.select_one(".home-card"), chapter.select_one("#out-f-relu .lw-card")
    assert shown.select_one(".lw-head").get_text(strip=True) == own.select_one(".lw-head > code").get_text()
    pictures = [[image["src"] for image in card.select(".lw-maps img")] for card in (shown, own)]
    assert len(pictures[0]) == 3 and pictures[0] == pictures[1]
    lit = [[node.get_text() for node in card.select(".lw-graph .lw-now")] for card in (shown, own)]
    assert len(lit[0]) == 3 and lit[0] == lit[1]
    assert not shown.select("img[loading=lazy]") and shown.select_one(".home-photo img")["width"] == "112"


def test_the_graph_shows_what_is_lit_on_every_screen(visit):
    for width in (1400, 1024, 390, 320):
        page = visit(f"en/{HOME}", {"width": width, "height": 800})
        frame = page.locator(".home-card .lw-graph > div").bounding_box()
        for node in page.locator(".home-card .lw-now text").all():
            box = node.bounding_box()
            assert frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"], width
            assert frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


# What is pasted, and where Enter leads: at once, before anything of the search has been loaded.
PASTED = {
    "y = nn.functional.relu(self.bn3(self.conv3(y)))": "notebooks/01_the_line.html#out-f-relu",
    "RuntimeError: Given groups=1, weight of size [32, 128, 1, 1], expected input[1, 32, 7, 7] to have 128 channels, "
    "but got 32 channels instead": "notebooks/03_forward.html#what-a-wrong-shape-looks-like",
    "out+=residual": "notebooks/03_forward.html#out-identity",
    (ROOT / "linewalk/blocks/aspp.py").read_text(encoding="utf-8"): "notebooks/01_the_line.html",
}


@pytest.mark.parametrize("text", PASTED, ids=["line", "error", "another line", "class"])
def test_what_is_pasted_leads_to_its_section(visit, text):
    page = visit(f"zh/{HOME}", SCREENS["phone"])
    page.locator("#home-find").focus()
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/zh/{PASTED[text]}")
    page.close()


def test_results_come_while_one_types_and_enter_goes_by_what_is_typed_last(visit):
    page = visit(f"en/{HOME}")
    page.keyboard.press("Control+k")  # the keys of every page lead to the box
    page.keyboard.type("stride")
    page.locator(".home-field .find-result").first.wait_for()
    assert page.locator("#home-find").get_attribute("aria-expanded") == "true"
    page.evaluate("""() => {
        const field = document.querySelector("#home-find");
        field.value = "out += identity";
        field.form.requestSubmit();  // before the list has changed
    }""")
    page.wait_for_url("**/en/notebooks/03_forward.html#out-identity")
    page.close()


def test_without_scripts_the_box_is_a_form(browser, served):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served}/en/{HOME}")
    page.locator("#home-find").fill("out += identity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/search.html?q=out+%2B%3D+identity")
    context.close()


def test_what_nothing_is_found_for_comes_to_the_page_of_results(visit):
    page = visit(f"en/{HOME}")
    page.locator("#home-find").fill("qqqzzzqqq")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/search.html?q=qqqzzzqqq")
    page.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_the_button_begins_chapter_1_on_its_line(visit, screen):
    page = visit(f"both/{HOME}", SCREENS[screen])
    page.locator("a.home-begin").click()
    page.wait_for_url("**/both/notebooks/01_the_line.html#out-f-relu")
    lit = page.locator(".code-listing a[aria-current]")
    assert re.sub(r"\s", "", lit.text_content()) == LINE.replace(" ", "")
    page.close()


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_chapter_is_there_with_a_picture_of_its_own(site, edition):
    home = soup(site / edition / HOME)
    items = home.select(".home-chapters > li")
    assert [item.a["href"] for item in items] == [f"../{name}.html" for name in chapters()]
    seen = []
    for item, name in zip(items, chapters(), strict=True):
        title = soup(site / edition / f"{name}.html").select_one("article h1").get_text().removesuffix("¶")
        assert item.a.get_text().endswith(title)
        assert len(item.p.get_text()) > 40
        pictures = item.select(".home-picture :is(img, svg)")
        assert pictures
        for picture in pictures:
            said = picture.get("alt") or picture.get("aria-label")
            assert bool(HAN.search(said)) == (edition != "en") and picture["width"] and picture["height"]
            assert edition != "both" or " / " in said
        files = [(site / edition / "book" / image["src"]).resolve() for image in item.select("img")]
        assert sum(file.stat().st_size for file in files) <= 60_000
        assert all(image["loading"] == "lazy" for image in item.select("img"))
        seen.append("".join(map(str, pictures)))
    assert len(set(seen)) == len(seen)


def test_the_figures_are_what_the_book_holds(site):
    home = soup(site / "en" / HOME)
    said = {entry.dt.get_text(): entry.dd.get_text() for entry in home.select(".home-figures > div")}
    links = {
        (listing["data-source"], link["data-first-line"])
        for name in chapters() for listing in soup(site / "en" / f"{name}.html").select(".code-listing")
        for link in listing.select("a")
    }
    checks = 0
    for name in chapters():
        for cell in json.loads((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
            if "check" in cell["metadata"].get("tags", []):
                tree = ast.parse("".join(cell["source"]))
                checks += sum(isinstance(node, ast.Assert) for node in ast.walk(tree))
    assert said["lines explained"] == str(len(links)) and said["checks that passed"] == str(checks)
    assert said["run with PyTorch"] == torch.__version__.partition("+")[0]
    if (ROOT / ".git").exists():
        known = subprocess.run(
            ["git", "-C", ROOT, "cat-file", "-t", said["commit"].removesuffix("+")], capture_output=True, text=True
        )
        assert known.stdout == "commit\n"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", said["date"])


def test_day_and_commit_are_gits_or_those_of_the_environment_or_nobodys(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@a.example"]
        environment = {"GIT_COMMITTER_DATE": "1700000000 +0000", "GIT_AUTHOR_DATE": "1700000000 +0000", "HOME": "/"}
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *words], env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert origin(tmp_path, "", {}) == {"date": "", "commit": ""}
    git("init", "--quiet")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "--quiet", "-m", "a")
    name = git("rev-parse", "--short", "HEAD")
    known = origin(tmp_path, "https://gitlab.com/a/b", {})
    assert known["date"] == '<time datetime="2023-11-14">2023-11-14</time>'
    assert known["commit"] == f'<a href="https://gitlab.com/a/b/-/commit/{name}"><code>{name}</code></a>'
    assert "2001-09-09" in origin(tmp_path, "", {"SOURCE_DATE_EPOCH": "1000000000"})["date"]
    (tmp_path / "a").write_text("b")
    assert origin(tmp_path, "", {})["commit"] == f"<code>{name}+</code>"
    (tmp_path / "inside").mkdir()
    assert origin(tmp_path / "inside", "", {}) == {"date": "", "commit": ""}
    page = "<dl><!-- date: <dd>{}</dd> --><!-- commit: <dd>{}</dd> --></dl>"
    assert with_origin(page, {"date": "5", "commit": ""}) == "<dl><dd>5</dd></dl>"


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_page_has_a_picture_for_links(site, edition):
    pictures = {}
    for name in [*pages(), "search"]:
        path = site / edition / f"{name}.html"
        address = soup(path).select_one("meta[property='og:image']")["content"]
        assert not urlsplit(address).scheme  # nobody has said where the site will be
        file = (path.parent / address).resolve()
        with Image.open(io.BytesIO(file.read_bytes())) as picture:
            assert picture.size == (1200, 630) and len(picture.getcolors()) > 8
        assert file.stat().st_size < 150_000
        pictures[name] = file.read_bytes()
    own = [pictures[name] for name in chapters()]
    assert len(set(own)) == len(own)
    assert pictures["search"] == pictures["book/index"] == (site / "picture.png").read_bytes()
    chooser = soup(site / "index.html").select_one("meta[property='og:image']")["content"]
    assert urljoin("https://a.example/", chooser) == "https://a.example/picture.png"


def test_no_script_keeps_the_text_waiting(site):
    """But for the small one that must know the colours first: behind a policy, each would come after the other."""
    for name in ("book/index", chapters()[0], "search"):
        scripts = soup(site / "zh" / f"{name}.html").find_all("script")
        waiting = [script["src"] for script in scripts if "defer" not in script.attrs]
        assert len(waiting) == 1 and "before-paint" in waiting[0]
