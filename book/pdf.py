"""Prints an edition of the built site as one PDF with Chromium.

    python book/pdf.py        (`make pdf` builds the site first)

The articles of all pages are put into one page, so that links between chapters work on paper, too. Chromium is told
that it lies beside them, since they name their pictures by relative addresses; the site holds no such file.
"""

import functools
import http.server
import re
import shutil
import sys
import threading
import unicodedata
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pypdf
import troubles
import yaml
from bs4 import BeautifulSoup
from build import SOURCE, only_build
from playwright.sync_api import Error, sync_playwright
from programs import SAID
from snapshot import documents

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
PDF = ROOT / "_build" / "pdf"
EDITIONS = {"zh": "目录", "en": "Contents"}

NO_BROWSER = (
    "没有找到 Chromium：请先安装（Debian：apt install chromium），或运行 {python} -m playwright install chromium。"
    " · No Chromium was found: install it (Debian: apt install chromium), or run {python} -m playwright install "
    "chromium."
)
NOT_PRINTED = (
    "Chromium 没能启动，或者半途停了：{reason}。它说的全在 {said}；请看内存够不够，或重新安装 Chromium"
    "（Debian：apt install chromium）。 · Chromium did not start, or stopped halfway: {reason}. All that it said is in "
    "{said}; see whether there is memory left, or install Chromium anew (Debian: apt install chromium)."
)
NO_HAN_FONT = (
    "No Chinese font was found: install one (Debian: apt install fonts-noto-cjk)"
    " · 没有找到中文字体，请先安装（Debian：apt install fonts-noto-cjk）"
)
# The style sheets expect an article where the theme puts one.
FRAME = '<main class="bd-main"><div class="bd-content"><div class="bd-article-container"></div></div></main>'
FOOTER = (
    '<div style="width:100%;font:8px sans-serif;text-align:center;color:#57606a"><span class="pageNumber"></span></div>'
)


def main():
    PDF.mkdir(parents=True, exist_ok=True)
    with only_build(), served(SITE) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for edition, contents in EDITIONS.items():
            print_edition(browser, address, edition, contents)
        browser.close()


def print_edition(browser, address, edition, contents):
    path = PDF / f"bottleneck-{edition}.pdf"
    whole = assemble(edition, contents)
    page = browser.new_page(color_scheme="light")
    page.route("**/print.html", lambda route: route.fulfill(body=whole, content_type="text/html; charset=utf-8"))
    page.goto(f"{address}/{edition}/book/print.html", wait_until="networkidle")
    if edition == "zh" and not has_han_font(page):
        raise SystemExit(NO_HAN_FONT)
    page.pdf(
        path=path, format="A4", prefer_css_page_size=True, outline=True, tagged=True,
        display_header_footer=True, header_template="<span></span>", footer_template=FOOTER,
    )
    page.close()
    mend_characters(path)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")


def assemble(edition, contents):
    """One page out of the edition's pages: a table of contents and the articles, their anchors made unique."""
    names = pages()
    whole = read(edition, names[0])
    articles = [prepared(read(edition, name).select_one("article"), name, names) for name in names]
    cover, *chapters = articles
    cover.append(contents_list(whole, contents, chapters))
    whole.html["data-theme"] = "light"
    whole.title.string = cover.h1.get_text()
    for script in whole.find_all("script"):
        script.decompose()
    whole.body.clear()
    whole.body["class"] = "printed-book"
    whole.body.append(BeautifulSoup(FRAME, "html.parser"))
    whole.select_one(".bd-article-container").extend(articles)
    return str(whole)


def prepared(article, name, names):
    """An article with anchors that name its page, and links that lead into this document where they can."""
    article["id"] = anchor(name)
    for button in article.select("a.headerlink, button, script"):
        button.decompose()
    for element in article.select("[id]"):
        if element is not article:
            element["id"] = anchor(name, element["id"])
    for use in article.select("[marker-end]"):
        use["marker-end"] = re.sub(r"#([^)]+)", lambda found: f"#{anchor(name, found[1])}", use["marker-end"])
    for image in article.select("img"):
        image["src"] = ".." + urljoin(f"/{name}.html", image["src"])
        image["loading"] = "eager"
    for link in article.select("a[href]"):
        parts = urlsplit(link["href"])
        if parts.scheme:
            continue
        target = urljoin(f"/{name}.html", parts.path).removeprefix("/").removesuffix(".html")
        if target in names:
            link["href"] = f"#{anchor(target, parts.fragment)}"
        else:
            link.unwrap()
    return article


def contents_list(whole, title, chapters):
    nav = whole.new_tag("nav", attrs={"class": "printed-contents"})
    heading = whole.new_tag("h2")
    heading.string = title
    nav.append(heading)
    nav.append(listed(whole, chapters, "h1", lambda article: article.select("section > section > h2")))
    return nav


def listed(whole, chapters, heading, below):
    entries = whole.new_tag("ol")
    for article in chapters:
        entry = entry_for(whole, article["id"], article.select_one(heading))
        inner = whole.new_tag("ol")
        inner.extend(entry_for(whole, found.parent["id"], found) for found in below(article))
        entry.append(inner)
        entries.append(entry)
    return entries


def entry_for(whole, target, heading):
    entry, link = whole.new_tag("li"), whole.new_tag("a", href=f"#{target}")
    link.extend(BeautifulSoup(heading.decode_contents(), "html.parser").contents)
    entry.append(link)
    return entry


def anchor(name, fragment=""):
    page = name.rpartition("/")[2]
    return f"{page}-{fragment}" if fragment else page


def pages():
    """All but the assignments, which are there to be downloaded and solved."""
    toc = yaml.safe_load((SOURCE / "_toc.yml").read_text(encoding="utf-8"))
    return [name for name in documents(toc) if not name.startswith("assignments/")]


def read(edition, name):
    return BeautifulSoup((SITE / edition / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def mend_characters(path):
    """Has 一 copied and found as 一: Chromium names a glyph by its first character, which for many is a radical, ⼀."""
    pdf = pypdf.PdfWriter(clone_from=path)
    for item in pdf._objects:
        if isinstance(item, pypdf.generic.DictionaryObject) and "/ToUnicode" in item:
            table = item["/ToUnicode"].get_object()
            table.set_data(BF_BLOCK.sub(mended_block, table.get_data().decode("latin-1")).encode("latin-1"))
    pdf.compress_identical_objects()
    pdf.write(path)


# Of the radicals that have an equal character, Unicode says so for U+2F00 to U+2FD5 only.
CHARACTERS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)} | str.maketrans(
    "⺟⺠⺻⻁⻄⻅⻆⻉⻋⻌⻑⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳",
    "母民聿虎西见角贝车辶長长门青页风飞食马骨鬼鱼鸟麦黄齐齿龙龟"
)

# In a ToUnicode table: `<glyph> <character>`, and `<first glyph> <last glyph> <first character>`.
BF_BLOCK = re.compile(r"\d+ begin(bfchar|bfrange)\n(.*?)\nend\1", re.DOTALL)


def mended_block(block):
    lines = []
    for line in block[2].splitlines():
        first, last, character = [line.split()[index].strip("<>") for index in (0, -2, -1)]
        for offset in range(int(last, 16) - int(first, 16) + 1):
            glyph = f"{int(first, 16) + offset:0{len(first)}X}"
            text = bytes.fromhex(character).decode("utf-16-be")
            text = (text[:-1] + chr(ord(text[-1]) + offset)).translate(CHARACTERS)
            lines.append(f"<{glyph}> <{text.encode('utf-16-be').hex().upper()}>")
    hundreds = [lines[start : start + 100] for start in range(0, len(lines), 100)]  # a block may have no more
    return "\n".join(f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar" for part in hundreds)


class served:
    """A server of a folder on a free port of this machine; a page opened as a file may not load modules and masks."""

    def __init__(self, folder):
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def launch(playwright):
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not system and not Path(playwright.chromium.executable_path).exists():
        raise SystemExit(NO_BROWSER.format(python=sys.executable))
    # Chromium's sandbox does not start for root, as in a container; what it opens here is our own.
    return playwright.chromium.launch(executable_path=system, args=["--no-sandbox", "--disable-gpu"])


def not_printed(error):
    """What Playwright says of it begins with its own call and goes on for a page."""
    SAID.write_text(error.message, encoding="utf-8")
    lines = [line.strip(" │║╔╗╚╝═-") for line in error.message.splitlines()]
    reason = next(filter(None, lines), "?").partition(": ")[2] or next(filter(None, lines), "?")
    return NOT_PRINTED.format(reason=reason[:200], said=SAID.relative_to(ROOT))


def has_han_font(page):
    """Without a font that knows them, two characters are drawn as the same box."""
    return page.evaluate(
        """() => {
            const [first, second] = ["永", "国"].map(character => {
                const canvas = document.createElement("canvas");
                const pen = canvas.getContext("2d");
                pen.font = "40px sans-serif";
                pen.fillText(character, 10, 60);
                return canvas.toDataURL();
            });
            return first !== second;
        }"""
    )


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(troubles.sentence(error))
    except Error as error:
        sys.exit(not_printed(error))
    except KeyboardInterrupt:
        sys.exit("已中断。 · Stopped.")
