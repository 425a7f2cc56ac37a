"""What Sphinx and the theme copy into the site, less what no page of it uses or may use."""

import json
import re
from pathlib import Path

import pydata_sphinx_theme

THEME_STYLES = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles"

# The icon font and its two thousand icons: theme/icons.css draws the few in use.
ICON_FONT = re.compile(r'@font-face\{[^}]*\}|(?:\.fa-[\w-]+::?before,?)+\{content:"[^"]*"\}')
# The theme asks of every block of code whether it scrolls, and writes down the answer before it asks the next.
TAB_STOPS = re.compile(r"\.forEach\((\w)=>\{\1\.tabIndex=(\1\.scrollWidth>[^?]*)\?0:-1\}\)")
RESIZED = re.compile(r'(window\.addEventListener\("resize",(\w)\),)(?=new MutationObserver\(\2\))')
CATALOG = re.compile(r"Documentation\.addTranslations\((\{.*\})\);?\s*", re.DOTALL)


def name_styles(app, pagename, templatename, context, doctree):
    """At `html-page-context`: the theme's style sheets, among which Python 3.10's older theme has Bootstrap's apart."""
    names = ("theme.css", "bootstrap.css", "pydata-sphinx-theme.css")
    context["theme_styles"] = [name for name in names if (THEME_STYLES / name).exists()]


def forget_late_style(app):
    """At `builder-inited`: MyST-NB writes its style sheet last, so that pages of a first build name no version of it.

    Left from an earlier build, it would have one, though its name says what is in it.
    """
    for path in Path(app.outdir, "_static").glob("mystnb.*.css"):
        path.unlink()


def rewrite(app, exception):
    """At `build-finished`, when Sphinx has copied its files, which it does on every run."""
    static = Path(app.outdir, "_static")
    if exception or app.builder.format != "html":
        return
    edit(static / "styles" / "pydata-sphinx-theme.css", lambda css: ICON_FONT.sub("", css))
    edit(static / "scripts" / "pydata-sphinx-theme.js", asks_what_is_seen)
    edit(static / "translations.js", without_eval)


def edit(path, change):
    if path.exists():
        before = path.read_text(encoding="utf-8")
        path.write_text(change(before), encoding="utf-8")


def asks_what_is_seen(script):
    """Folds are asked when they open: what is closed would be laid out for it, a fifth of a second on a phone."""
    changed = r"{if(!\1.checkVisibility())return;const stop=\2?0:-1;\1.tabIndex===stop||(\1.tabIndex=stop)}"
    script = TAB_STOPS.sub(rf".forEach(\1=>{changed})", script)
    return RESIZED.sub(r'\1document.addEventListener("toggle",\2,!0),', script)


def without_eval(script):
    """Sphinx makes a function of the text of the plural rule, which the security policy forbids."""
    catalog = CATALOG.fullmatch(script)
    if not catalog:
        return script
    words = json.loads(catalog[1])
    plural = words.pop("plural_expr")
    return (
        f"Object.assign(Documentation.TRANSLATIONS, {json.dumps(words['messages'], ensure_ascii=False)});\n"
        f"Documentation.PLURAL_EXPR = (n) => Number({plural});\n"
        f"Documentation.LOCALE = {json.dumps(words['locale'])};\n"
    )
