"""What a page says of itself to strangers: its title, its description, who wrote it, and what the site is made of."""

import importlib.metadata
import json
import re
from collections import Counter
from urllib.parse import unquote, urldefrag

import pytest
from bs4 import BeautifulSoup
from conftest import EDITIONS, ROOT, chapters, pages
from licences import COPIED, elsewhere, makes, npm_source

HAN = re.compile("[㐀-鿿]")


def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def described(site):
    """edition → page → (title, description)."""
    found = {edition: {} for edition in EDITIONS}
    for edition in EDITIONS:
        for name in [*pages(), "search"]:
            page = soup(site / edition / f"{name}.html")
            found[edition][name] = page.title.text, page.select_one("meta[name=description]")["content"]
    return found


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_title_says_what_the_page_holds_and_says_it_once(described, edition):
    titles = {name: title for name, (title, _) in described[edition].items()}
    for name, title in titles.items():
        assert all(word in title for word in ("ResNet", "Bottleneck", "PyTorch")), title
        parts = re.split(" [—·] ", title)
        assert max(Counter(parts).values()) == 1, f"{name} says a thing twice: {title}"
    assert max(Counter(titles.values()).values()) == 1
    assert "F.relu" in titles["notebooks/01_the_line"] and "out += identity" in titles["notebooks/03_forward"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_page_has_a_description_of_its_own(described, edition):
    descriptions = [description for _, description in described[edition].values()]
    assert max(Counter(descriptions).values()) == 1
    for name in ["book/index", *chapters()]:
        assert re.search(r"[a-z_]+ [+]?= |__init__|groups", described[edition][name][1]), name


def test_the_pages_at_the_root_say_what_they_are(site):
    for name in ("index.html", "licences.html"):
        page = soup(site / name)
        assert HAN.search(page.title.text) and "Bottleneck" in page.title.text
        assert page.select_one("meta[name=description]")["content"]
    assert "linewalk" in soup(site / "wheel" / "index.html").title.text


@pytest.mark.parametrize("edition", EDITIONS)
def test_authors_and_licences_stand_at_the_foot_of_every_page(site, edition):
    said = {"zh": ["的作者们"], "en": ["The authors of"], "both": ["的作者们", "The authors of"]}[edition]
    for name in [*pages(), "search"]:
        path = site / edition / f"{name}.html"
        page = soup(path)
        (foot,) = page.select("footer .site-foot")
        assert all(words in foot.text for words in [*said, "MIT", "CC BY 4.0"])
        assert bool(HAN.search(foot.text)) == (edition != "en")
        assert page.select_one("meta[name=author]")["content"] in foot.text
        (prose,) = foot.select("a[rel=license]")
        assert prose["href"] == "https://creativecommons.org/licenses/by/4.0/"
        for link in foot.select("a:not([rel])"):
            address, anchor = urldefrag(unquote(link["href"]))
            target = (path.parent / address).resolve()
            assert target == site / "licences.html" and soup(target).find(id=anchor)
    for name, address in (("index.html", "licences.html"), ("wheel/index.html", "../licences.html")):
        assert soup(site / name).select(f'a[href="{address}"]')


# ---- what the site ships


@pytest.fixture(scope="module")
def parts(site):
    """Summary → (address, text) of each part that the page of licences names."""
    page = soup(site / "licences.html")
    return {
        one.summary.text.strip(): (one.a["href"] if one.a else None, one.pre.text) for one in page.select("details")
    }


def test_each_package_of_the_lock_files_is_there_with_its_text_and_its_source(parts):
    shipped = {}
    for path in ROOT.glob("book/*/package-lock.json"):
        for place, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
            if place and not makes(place):
                shipped[place.rpartition("node_modules/")[2]] = package
    assert {"minisearch", "@codemirror/view"} <= set(shipped)
    for name, package in shipped.items():
        address, text = parts[f"{name} {package['version']} {package['license']}"]
        of_its_own = {"pyodide": elsewhere("MPL-2.0"), "dompurify": "Mozilla Public License, v. 2.0"}
        of_its_own["@viz-js/viz"] = "Copyright (c) Michael Daines"
        own = of_its_own.get(name, "Permission is hereby granted")
        assert address.startswith("https://") and own in text
    assert {"Python PSF-2.0", "Graphviz EPL-2.0", "Expat MIT"} <= set(parts)
    assert not [name for name in parts if "esbuild" in name]


def test_whatever_lies_in_static_belongs_to_somebody_who_is_named(site, parts):
    ours = {path.name for path in (ROOT / "book" / "_static").rglob("*.*")}
    theirs = set()
    for name in COPIED:
        distribution = importlib.metadata.distribution(name)
        # Of `basic.css.jinja` and `language_data.js.jinja`, Sphinx makes the file.
        theirs |= {re.sub(r"(\.jinja|_t)$", "", file.name) for file in distribution.files}
        named = f"{name} {distribution.version}"
        (found,) = [part for part in parts if part.lower().replace("_", "-").startswith(named)]
        assert parts[found][0].startswith("https://") and len(parts[found][1]) > 900
    made = {"pygments.css", "translations.js", "documentation_options.js"}  # by Pygments and Sphinx
    for path in (site / "zh" / "_static").rglob("*"):
        name = re.sub(r"\.[0-9a-f]{64}(?=\.css$)", "", path.name)
        joined = path.parent.name == "_static" and name.startswith("styles-")  # by book/styles.py, of the others
        assert path.is_dir() or joined or name in ours | theirs | made, path


def test_what_others_have_built_into_theirs_is_named_as_well(parts):
    text = "\n".join(text for _, text in parts.values())
    assert "Bootstrap v5" in text and "clipboard.js" in text and "Zeno Rocha" in text


def test_the_books_own_licence_is_there_in_full(site):
    said = " ".join(soup(site / "licences.html").pre.text.split())
    assert said == " ".join((ROOT / "LICENSE").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ({"url": "git+https://a.example/b/c.git"}, "https://a.example/b/c"),
        ({"url": "git://github.com/b/c.git"}, "https://github.com/b/c"),
        ({"url": "git+ssh://git@github.com/b/c.git"}, "https://github.com/b/c"),
        ("b/c", "https://github.com/b/c"),
        ("github:b/c", "https://github.com/b/c"),
    ],
)
def test_what_npm_calls_a_repository_becomes_an_address(repository, address):
    assert npm_source({"repository": repository}) == address
