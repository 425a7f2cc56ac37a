"""What a page may load and do, said in the page itself: as little as what it holds needs.

One place for all pages, whatever made them: the policy is worked out from the finished HTML, and stands before all that
it governs. Hosts add what only a header can say; see book/hosting.md.
"""

import base64
import hashlib
import re

# Besides 'self': readers who open the site from their disk, where some browsers do not count a file as 'self'.
OWN = "'self' file:"
# A Jupyter server on the reader's own machine, where the reader has asked for it: only live/connect.html,
# an empty page that the pages with cells open as a frame when somebody connects, and whose connections are its own.
LOOPBACK = "'self' http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*"

CHARSET = re.compile(r'<meta charset="?utf-8"?\s*/?>', re.IGNORECASE)


def with_policy(html):
    """The page with its policy."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(html)}">'
    return CHARSET.sub(lambda charset: f"{charset[0]}\n{meta}", html, count=1)


def policy(html):
    """No inline scripts but that of Python's frame, nothing from another host, and of the rest what the page uses."""
    runs_cells = 'class="cell_input' in html  # on a Jupyter server: this one, or by way of live/connect.html
    connects = '<meta name="connects" content="loopback">' in html
    computes = re.search(r'<script [^>]*src="[^"]*/inpage/', html)  # in a worker, with book/inpage/compute/engine.js
    asks_python = re.search(r'<script [^>]*src="[^"]*/inpage/annotate\.js"', html)  # in the frame without an origin
    isolates = '<meta name="isolates" content="python">' in html  # that frame: it gets by message what it runs
    if isolates:  # not even from this host: what runs there could ask it for anything
        scripts = [*inline(html), "blob:", "'wasm-unsafe-eval'"]
    else:
        scripts = [OWN, "'wasm-unsafe-eval'"] if computes else [OWN]
    styled = 'rel="stylesheet"' in html
    styles = [OWN] if styled else []
    if runs_cells or asks_python or " style=" in html or "<style" in html:
        styles = [OWN, "'unsafe-inline'"]
    # Style sheets and the outputs of cells bring pictures along.
    pictures = [OWN, "data:"] if styled or "data:" in html else [OWN] if "<link" in html or "<img" in html else []
    pictures = [] if isolates else pictures
    rules = {
        "default-src": ["'none'"],
        "script-src": scripts if "<script" in html else [],
        "worker-src": ["blob:", "data:"] if isolates else [OWN] if computes else [],
        "style-src": styles,
        "img-src": pictures,
        "connect-src": [LOOPBACK] if connects else [OWN] if runs_cells or computes else [],
        "frame-src": [OWN] if runs_cells or asks_python else [],
        "form-action": [OWN] if "<form" in html else ["'none'"],
        "base-uri": ["'none'"],
    }
    return "; ".join(" ".join([name, *sources]) for name, sources in rules.items() if sources)


def inline(html):
    """What a policy calls the page's inline scripts: their contents' hashes."""
    for script in re.findall(r"<script>(.*?)</script>", html, re.DOTALL):
        yield f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
