"""Pages that only the teacher sees, whose policy lets nothing run but this folder's own script.

Whatever a student wrote is put into them as text (the templates escape everything).
"""

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup
from writable import writable

HERE = Path(__file__).resolve().parent


def write_page(path, template, **values):
    """Renders a template of this folder into a file; it may be opened in a browser whatever the values hold."""
    page, _ = rendered(template, "page", **values)
    new = path.with_suffix(".new")
    new.write_text(page, encoding="utf-8")
    new.replace(path)


def rendered(template, own, *more, **values):
    """(The page, its policy), with the style sheet and the script of the name `own`; more is allowed by the policy."""
    style, script = (Markup((HERE / f"{own}.{kind}").read_text(encoding="utf-8")) for kind in ("css", "js"))
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True)
    policy = "; ".join([
        "default-src 'none'",
        "img-src data:",
        f"style-src {allowed(style)}",
        f"script-src {allowed(script)}",
        *more,
        "base-uri 'none'",
        "form-action 'none'",
    ])
    page = environment.get_template(template).render(policy=policy, style=style, script=script, **values)
    return writable(page), policy


def allowed(text):
    """A source expression of a Content-Security-Policy that fits this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
