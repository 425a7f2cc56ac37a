"""The book with live cells: one Jupyter server on this machine gives out the pages and runs their code.

    python book/live.py --port 8899 [--no-open]        (`make live` runs it)

Every page of the site lies under `book/` of the server's address and names the server in a <meta>, which is how
book/_static/live/live-cells.js knows that it may offer to run cells. The same module is an extension for any other
Jupyter server, a JupyterHub user's for one: `--ServerApp.jpserver_extensions="{'live': True}"`.

Who may come in: whoever holds the address that the terminal shows. It carries a ticket that works once, within a
minute, and buys two things. A cookie, which a browser sends to every port of this host, so to other users' servers too:
it opens the pages of the book and nothing else. And a key, which the browser keeps for this port alone
(localStorage): the pages send it with all that they ask of the server, kernels above all. Everybody else gets 403.
"""

import argparse
import hmac
import html
import os
import re
import secrets
import signal
import sys
import threading
import time
from functools import cached_property, partial
from pathlib import Path

import troubles
from lifetime import only_one, terminal_is_gone
from opening import open_browser
from ports import HOST, OWN_NAMES, check_port, free_port, port_number
from sockets import socket_folder

# Before Jupyter is imported: the reader's own Jupyter settings (passwords, extensions) are for another server, and the
# kernel is this environment's, whatever kernel of that name lies in the reader's home folder.
if __name__ == "__main__":
    os.environ |= {"JUPYTER_NO_CONFIG": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import httputil, web
from tornado.ioloop import PeriodicCallback

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
MINUTE = 60  # seconds for which a ticket is good
LARGEST = 2**20  # bytes of a request, of which a page sends some hundred
WAITING = 100  # connections without the key, all together; of more, the process might not be allowed as many files
WITHOUT_KEY = re.compile(r"GET /enter/[\w-]+|(GET|HEAD) /(book(/.*)?)?")  # what one may ask, to be answered or not
KEY = "live-key"  # where the browser keeps it
PROTOCOL = "bottleneck"  # of the WebSocket, in whose list of protocols the key travels: it cannot send a header
AHEAD = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"}  # says a browser that fetches what nobody has gone to yet
IDLE = 2 * 60 * 60  # seconds after which a kernel that nobody is connected to ends

NOT_ADMITTED = (
    "这个地址要用终端里打印的链接打开；每个链接只能用一次，一分钟内有效。"
    "在运行 make live 的终端里按回车，会得到一个新的。",
    "Open this address with the link that the terminal shows; each link works once, for a minute. "
    "Press Enter in the terminal where make live runs to get a new one.",
)
SENTENCES = {
    400: ("这个地址写得不对。", "This address is malformed."),
    403: NOT_ADMITTED,
    404: ("没有这一页。", "There is no such page."),
    405: ("书页只能读，不能往上写。", "Pages can be read, not written to."),
    413: ("发来的东西太大了。", "What was sent is too large."),
    500: ("服务器出错了；请重新运行 make live。", "The server failed; run make live again."),
}
NO_STORAGE = (
    "这个浏览器不许网页存东西，所以不能在书页上运行代码；书还是可以读的。请允许这个地址存储数据，再打开一个新链接。",
    "This browser does not let the page keep anything, so no code can be run on the pages, but they can be read. "
    "Allow this address to store data and open a new link.",
)
ANOTHER = (
    "这个文件夹里已经有一个 make live 在运行（进程 {process}）：{address} 。"
    "要打开它，在它的终端里按回车，会得到一个新链接；要结束它，在那里按 Ctrl+C。"
    " · make live is already running in this folder (process {process}): {address} . To open it, press Enter in its "
    "terminal, which shows a new link; to end it, press Ctrl+C there."
)


def main():
    arguments = parse_arguments()
    if not (SITE / "index.html").exists():
        sys.exit("The book has not been built: make book · 还没有生成网站：make book")
    port = arguments.port or free_port()
    lock = only_one(ROOT / "_build" / ".live", f"http://{HOST}:{port}/", ANOTHER)
    check_port(port, "make live")

    with socket_folder() as sockets:
        serve(arguments, port, sockets)
    lock.close()


def serve(arguments, port, sockets):
    tickets = Tickets()
    server = LiveServer(
        port=port,
        ip=HOST,
        port_retries=0,
        allow_root=True,  # it listens on this machine only
        open_browser=False,
        root_dir=str(ROOT / "notebooks"),
        runtime_dir=sockets,
        default_url="/book/",
        cookie_secret=secrets.token_bytes(32),
        identity_provider_class=KeyIdentity,
        max_body_size=LARGEST,
        max_buffer_size=16 * LARGEST,
        jpserver_extensions={__name__: True},
        log_level="ERROR",
    )
    server.config.MappingKernelManager.cull_idle_timeout = IDLE
    # Sockets in a folder of the reader's own; what a kernel says over TCP, other users of the machine could hear.
    server.config.KernelManager.transport = "ipc"
    server.config.BaseKernelWebsocketConnection.kernel_ws_protocol = PROTOCOL
    server.initialize(argv=[])
    add_entrance(server, tickets)
    server.http_server.request_callback = Doorkeeper(server.web_app, server.identity_provider)

    server.io_loop.add_callback(welcome, arguments, port, tickets)  # runs when the server listens
    server.start()


def welcome(arguments, port, tickets):
    def address():
        return f"http://{HOST}:{port}/enter/{tickets.new()}"

    print(f"{address()}  (Ctrl+C)", flush=True)
    if arguments.open:
        threading.Thread(target=open_browser, args=[address(), MINUTE], daemon=True).start()
    if sys.stdin and sys.stdin.isatty():
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # a shell's `&` would stop the server where it reads
        threading.Thread(target=print_on_enter, args=[address], daemon=True).start()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, help="by default one that is free")
    parser.add_argument("--no-open", dest="open", action="store_false", help="do not open a browser")
    return parser.parse_args()


class LiveServer(ServerApp):
    """A Jupyter server that says nothing of its own, writes no key to a file and ends when it is told to."""

    def init_signal(self):
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: self.stop(from_signal=True))
        self.watch = PeriodicCallback(lambda: terminal_is_gone() and self.stop(), 1000)
        self.watch.start()

    def write_server_info_file(self):
        pass

    def write_browser_open_files(self):
        pass


class Tickets:
    """Tickets that admit one browser each, within a minute."""

    def __init__(self):
        self.made = {}

    def new(self):
        ticket = secrets.token_urlsafe(24)
        self.made[ticket] = time.monotonic()
        return ticket

    def accept(self, shown):
        made = self.made.pop(shown, None)
        return made is not None and time.monotonic() - made < MINUTE


class KeyIdentity(IdentityProvider):
    """Knows the reader by the key; on the pages of the book, by the cookie. There is no login form to guess at."""

    token = ""
    login_available = False
    logout_available = False
    auth_enabled = True
    # Strict would withhold the cookie when the book is opened from another program.
    cookie_options = {"samesite": "Lax", "expires_days": None}  # noqa: RUF012 (a trait of the parent)

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.key = secrets.token_urlsafe(32)

    async def get_user(self, handler):
        if self.holds_key(handler.request.headers):
            handler._token_authenticated = True  # Jupyter's name for: forged requests are ruled out
            return READER
        if isinstance(handler, EntranceHandler) or (isinstance(handler, BookHandler) and self.get_user_cookie(handler)):
            return READER
        handler.current_user = handler._jupyter_current_user = None
        raise web.HTTPError(403)

    def holds_key(self, headers):
        shown = headers.get("Authorization", "").removeprefix("token ")
        protocols = headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        return any(hmac.compare_digest(each.encode(), self.key.encode()) for each in (shown, *protocols))


READER = User(username="reader", name="reader", display_name="reader", initials="r")


class Doorkeeper(httputil.HTTPServerConnectionDelegate):
    """Lets in whoever has the key, with no body that is too large, and others only to the book and the entrance.

    What it refuses, nothing of Jupyter hears of: no body is read, no handler answers, nothing is said in the terminal.
    Of those who come and say nothing, the first has to leave when there are too many.
    """

    def __init__(self, application, identity):
        self.application, self.identity = application, identity
        self.waiting = {}  # connections that have not shown the key, the oldest first

    def start_request(self, server_connection, connection):
        self.waiting[server_connection] = None
        if len(self.waiting) > WAITING:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]
            oldest.stream.close()
        admit = partial(self.waiting.pop, server_connection, None)
        return Door(self, self.application.start_request(server_connection, connection), connection, admit)

    def on_close(self, server_connection):
        self.waiting.pop(server_connection, None)
        self.application.on_close(server_connection)


class Door(httputil.HTTPMessageDelegate):
    """One request at the door: what it brings goes on to the application, or nowhere."""

    def __init__(self, keeper, application, connection, admit):
        self.keeper, self.inside, self.connection, self.admit = keeper, application, connection, admit

    def headers_received(self, start_line, headers):
        length = headers.get("Content-Length", "0")
        if not OWN_NAMES.fullmatch(headers.get("Host", "")):
            return self.refuse(403, start_line.method)
        if self.keeper.identity.holds_key(headers):
            self.admit()
        else:
            body = length != "0" or "Transfer-Encoding" in headers
            if body or not WITHOUT_KEY.fullmatch(f"{start_line.method} {start_line.path.partition('?')[0]}"):
                return self.refuse(403, start_line.method)
        if length.isdecimal() and int(length) > LARGEST:
            return self.refuse(413, start_line.method)
        return self.inside.headers_received(start_line, headers)

    def refuse(self, status, method):
        self.inside = httputil.HTTPMessageDelegate()
        page = sentence_page(status).encode()
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page)), "Connection": "close"}
        start = httputil.ResponseStartLine("HTTP/1.1", status, httputil.responses[status])
        self.connection.write_headers(start, httputil.HTTPHeaders(headers), b"" if method == "HEAD" else page)
        self.connection.finish()

    def data_received(self, chunk):
        return self.inside.data_received(chunk)

    def finish(self):
        self.inside.finish()

    def on_connection_close(self):
        self.inside.on_connection_close()


def add_entrance(server, tickets):
    entrance = [("/", FrontHandler), (r"/enter/([\w-]+)", EntranceHandler, {"tickets": tickets})]
    server.web_app.add_handlers(".*$", entrance)


def sentence_page(status):
    zh, en = SENTENCES.get(status, (str(status), str(status)))
    return (
        f"<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{status}</title><p>{html.escape(zh)}<p lang=en>{html.escape(en)}"
    )


class PlainErrors:
    """Says in both languages what went wrong."""

    def write_error(self, status_code, **kwargs):
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(sentence_page(status_code))


class EntranceHandler(PlainErrors, JupyterHandler):
    def initialize(self, tickets):
        self.tickets = tickets

    @cached_property
    def nonce(self):
        return secrets.token_urlsafe(16)

    @property
    def content_security_policy(self):
        return f"default-src 'none'; script-src 'nonce-{self.nonce}'; frame-ancestors 'none'"

    @allow_unauthenticated
    def get(self, ticket):
        # A browser may fetch an address before the reader has decided to go there.
        if AHEAD & self.request.headers.keys() or not self.tickets.accept(ticket):
            raise web.HTTPError(403)
        self.identity_provider.set_login_cookie(self, READER)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        zh, en = map(html.escape, NO_STORAGE)
        self.finish(f"""<!DOCTYPE html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bottleneck</title>
<div id="no-storage" hidden><p>{zh}<p lang="en">{en}</div>
<p><a href="/book/">逐行读懂 Bottleneck · <span lang="en">Bottleneck, line by line</span></a>
<script nonce="{self.nonce}">
try {{
  localStorage.setItem("{KEY}", "{self.identity_provider.key}");
  location.replace("/book/");
}} catch {{
  document.getElementById("no-storage").hidden = false;
}}
</script>
""")


class BookHandler(PlainErrors, JupyterHandler):
    auth_resource = "contents"

    @property
    def content_security_policy(self):
        # A page brings its own; the server adds who may frame it.
        return "frame-ancestors 'self'"

    def decode_argument(self, value, name=None):
        # Of what is no text there is no page; said to whoever is in, and not before anybody has looked who that is.
        return value.decode(errors="replace")

    def file(self, path):
        """What lies at an address below the book's, if it is a file of the site."""
        try:
            found = (SITE / path).resolve()
            if found.is_relative_to(SITE.resolve()) and found.is_file():
                return found
        except (OSError, ValueError):  # names that no file can have
            pass
        raise web.HTTPError(404)


class PageHandler(BookHandler):
    """A page of the site, which also says which server it came from."""

    @web.authenticated
    @authorized
    async def get(self, path):
        page = self.file(path + "index.html" if path.endswith("/") or not path else path)
        self.xsrf_token  # noqa: B018 (read, it becomes the cookie that the page's scripts send back)
        server = html.escape(self.settings["base_url"])
        key = f' data-key="{KEY}"' if isinstance(self.identity_provider, KeyIdentity) else ""
        text = page.read_text(encoding="utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(text.replace("</head>", f'<meta name="jupyter-server" content="{server}"{key}></head>', 1))

    head = get


class FileHandler(BookHandler, web.StaticFileHandler):
    """The site's other files."""

    async def prepare(self):
        # A browser fetches module scripts in a mode (cors) in which JupyterHub wants proof against forged requests;
        # from a page of the same origin, for a file that changes nothing, none is needed.
        if self.request.headers.get("Sec-Fetch-Site") == "same-origin" and self.request.method == "GET":
            self.request.headers["Sec-Fetch-Mode"] = "no-cors"
        return await super().prepare()

    @web.authenticated
    @authorized
    async def get(self, path, include_body=True):
        try:
            await web.StaticFileHandler.get(self, path, include_body)
        except (ValueError, web.HTTPError):  # a name that no file can have, or of none in the site
            raise web.HTTPError(404) from None

    def set_extra_headers(self, path):
        self.set_header("Cache-Control", "no-cache")


class FrontHandler(BookHandler):
    @web.authenticated
    async def get(self):
        self.redirect(self.settings["base_url"] + "book/")

    head = get


def print_on_enter(address):
    while True:
        try:
            if not sys.stdin.readline():
                return
            print(address(), flush=True)
        except OSError:  # in the background, where what is typed goes to the shell
            time.sleep(1)


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    pages = url_path_join(server.base_url, "book")
    server.web_app.add_handlers(
        ".*$",
        [
            (pages, FrontHandler),
            (f"{pages}/((?:.*/)?|.*\\.html)", PageHandler),
            (f"{pages}/(.*)", FileHandler, {"path": str(SITE), "default_filename": "index.html"}),
        ],
    )


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(troubles.sentence(error))
