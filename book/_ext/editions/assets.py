"""What Sphinx and the theme copy into the site, less what no page of it uses or may use."""

import json
import re
from pathlib import Path

# The icon font and its two thousand icons: icons.css draws the few in use.
ICON_FONT = re.compile(r'@font-face\{[^}]*\}|(?:\.fa-[\w-]+::?before,?)+\{content:"[^"]*"\}')
CATALOG = re.compile(r"Documentation\.addTranslations\((\{.*\})\);?\s*", re.DOTALL)


def rewrite(app, exception):
    """At `build-finished`, when Sphinx has copied its files, which it does on every run."""
    static = Path(app.outdir, "_static")
    if exception or app.builder.format != "html":
        return
    edit(static / "styles" / "pydata-sphinx-theme.css", lambda css: ICON_FONT.sub("", css))
    edit(static / "translations.js", without_eval)


def edit(path, change):
    if path.exists():
        before = path.read_text(encoding="utf-8")
        path.write_text(change(before), encoding="utf-8")


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
