"""The built site on this machine, to look at.

    python book/serve.py --port 8000        (`make serve` runs it)
"""

import argparse
import fcntl
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import troubles
from ports import HOST, check_port, port_number

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"


class Handler(SimpleHTTPRequestHandler):
    """Isolates the pages, as hosting.md says: code that runs in them can be interrupted and keeps its variables."""

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "credentialless")
        super().end_headers()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, default=8000)
    port = parser.parse_args().port
    if not (SITE / "index.html").exists():
        sys.exit("The book has not been built: make book · 还没有生成网站：make book")
    check_port(port, "make serve")
    lock = open(SITE.parent / ".serve", "w")  # noqa: SIM115 (held while this process lives, for clean.py to see)
    fcntl.flock(lock, fcntl.LOCK_SH)
    with ThreadingHTTPServer((HOST, port), partial(Handler, directory=SITE)) as server:
        print(f"http://{HOST}:{port}/  (Ctrl+C)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            main()
    except OSError as error:
        sys.exit(troubles.sentence(error))
