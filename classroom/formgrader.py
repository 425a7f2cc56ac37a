"""nbgrader's Formgrader under a policy, so that nothing but its own scripts runs on its pages.

The course's nbgrader_config.py asks for it, so the policy is wherever the course is. What students wrote has been made
inert before (inert.py); here the browser is told to run no script, style, frame, form or request that isn't
Formgrader's own, whatever a page may hold. Formulas are typeset in this process, as MathML: no page asks another host
for MathJax.
"""

import hashlib
import re
import secrets
from base64 import b64encode
from functools import partial
from pathlib import Path

from formulas import Formulas, typeset
from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.ext import Extension
from jupyter_server.utils import url_path_join
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbgrader.server_extensions.formgrader import handlers
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from tornado.web import OutputTransform, RedirectHandler

nbgraders_handlers = FormgradeExtension.init_handlers
TEMPLATES = Path(handlers.template_path)
NONCE = secrets.token_urlsafe(24)  # known to nobody who wrote a page before this server started

# Formgrader waits for MathJax before it listens to the keyboard.
NO_MATHJAX = "var MathJax = {Hub: {Startup: {signal: {Interest: function (listener) { listener('End'); }}}}};"


def guard():
    """Puts the Formgrader that a Jupyter server is about to start in this process under the policy."""
    FormgradeExtension.init_handlers = guarded_handlers


def guarded_handlers(self, app):
    base = app.settings["base_url"]
    # nbgrader's own, asked with ?path=, runs the configuration in any folder that a link names. The first handler wins.
    start = {"url": url_path_join(base, "formgrader", "manage_assignments"), "permanent": False}
    app.add_handlers(".*$", [(url_path_join(base, "formgrader/?"), RedirectHandler, start)])
    nbgraders_handlers(self, app)
    app.settings["nbgrader_jinja2_env"] = Environment(
        loader=FileSystemLoader([str(TEMPLATES)]), autoescape=True, extensions=[Ours]
    )
    app.settings["nbgrader_exporter"] = SubmissionExporter(config=self.config)
    app.add_transform(partial(Policy, url_path_join(base, "formgrader"), policy()))


class Policy(OutputTransform):
    """Puts the policy on whatever is answered below an address: pages, errors, and files that students handed in."""

    def __init__(self, below, policy, request):
        self.policy = policy if re.match(rf"{re.escape(below)}(/|$)", request.path) else None

    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        if self.policy:
            headers["Content-Security-Policy"] = self.policy
        return status_code, headers, chunk


def policy():
    """What nbgrader's templates need: their scripts and style sheets by nonce, attributes of theirs by hash."""
    sources = [path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*") if path.suffix in (".tpl", ".j2")]
    handlers_ = hashes(re.findall(r'(?i)\sonclick="([^"]*)"', "\n".join(sources)))
    aligned = [f"text-align:{side}" for side in ("left", "right", "center")]  # in Markdown's tables
    styles = hashes([*re.findall(r'\sstyle="([^"]*)"', "\n".join(sources)), *aligned])
    return "; ".join([
        "default-src 'none'",
        f"script-src 'nonce-{NONCE}'",
        f"script-src-attr 'unsafe-hashes' {handlers_}",
        f"style-src 'self' 'nonce-{NONCE}'",
        f"style-src-attr 'unsafe-hashes' {styles}",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ])


def hashes(texts):
    digests = sorted({b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts})
    return " ".join(f"'sha256-{digest}'" for digest in digests)


class Ours(Extension):
    """nbgrader's templates with the nonce on their scripts, and names escaped. nbconvert's get no nonce: theirs write
    what a notebook brings into their scripts."""

    def preprocess(self, source, name, filename=None):
        source = source.replace("{{ output.data['text/latex'] | e }}", "{{ output.data['text/latex'] | typeset }}")
        if not filename or TEMPLATES not in Path(filename).resolve().parents:
            return source
        source = source.replace("{{ mathjax() }}", f"<script>{NO_MATHJAX}</script>")
        source = re.sub(r"<(script|style)\b", rf'<\1 nonce="{NONCE}"', source)
        return re.sub(r"\{\{ *((?:resources|cell\.metadata\.nbgrader)\.\w+) *\}\}", r"{{ \1 | e }}", source)


class SubmissionExporter(HTMLExporter):
    """The page on which a submission is marked."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.environment.add_extension(Ours)
        self.register_filter("markdown2html", with_formulas)
        self.register_filter("typeset", typeset)


@pass_context
def with_formulas(context, source):
    attachments = context.get("cell", {}).get("attachments", {})
    # Without anchors, since a heading's id could be that of one of Formgrader's boxes.
    renderer = Formulas(escape=False, exclude_anchor_links=True, attachments=attachments)
    return MarkdownWithMath(renderer).render(source)
