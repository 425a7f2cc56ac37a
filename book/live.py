"""The book with live cells: one Jupyter server on this machine gives out the pages and runs their code.

    python book/live.py --port 8899 [--no-open]        (`make live` runs it)

Every page of the site lies under `book/` of the server's address and names the server in a <meta>, which is how
book/_static/live-cells.js knows that it may offer to run cells. The same module is an extension for any other
Jupyter server, a JupyterHub user's for one: `--ServerApp.jpserver_extensions="{'live': True}"`.

Who may come in: whoever holds the address that the terminal shows. It carries a ticket, not a key: the first browser
that shows the ticket gets a cookie that no script can read, and the ticket is void soon after. Everybody else, other
users of this machine included, gets 403.
"""

import argparse
import hmac
import html
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import time
import webbrowser
from pathlib import Path

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
from tornado import web
from tornado.ioloop import PeriodicCallback

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
HOST = "127.0.0.1"
GRACE = 60  # seconds; some browsers and terminals fetch an address once before they open it
IDLE = 2 * 60 * 60  # seconds after which a kernel that nobody is connected to ends

NOT_ADMITTED = (
    "这个地址要用终端里打印的链接打开，每个链接只能用一次。在运行 make live 的终端里按回车，会得到一个新的。",
    "Open this address with the link that the terminal shows; each link works once. "
    "Press Enter in the terminal where make live runs to get a new one.",
)
NOT_FOUND = ("没有这一页。", "There is no such page.")


def main():
    arguments = parse_arguments()
    if not (SITE / "index.html").exists():
        sys.exit("The book has not been built: make book · 还没有生成网站：make book")
    check_port(arguments.port)

    tickets = Tickets()
    server = LiveServer(
        port=arguments.port,
        ip=HOST,
        port_retries=0,
        allow_root=True,  # it listens on this machine only
        open_browser=False,
        root_dir=str(ROOT / "notebooks"),
        default_url="/book/",
        cookie_secret=secrets.token_bytes(32),
        identity_provider_class=TicketIdentity,
        jpserver_extensions={__name__: True},
        log_level="ERROR",
    )
    server.config.MappingKernelManager.cull_idle_timeout = IDLE
    # Sockets in a folder of the reader's own; what a kernel says over TCP, other users of the machine could hear.
    server.config.KernelManager.transport = "ipc"
    server.initialize(argv=[])
    add_entrance(server, tickets)

    server.io_loop.add_callback(welcome, arguments, tickets)  # runs when the server listens
    server.start()


def welcome(arguments, tickets):
    def address():
        return f"http://{HOST}:{arguments.port}/enter/{tickets.new()}"

    print(f"{address()}  (Ctrl+C)", flush=True)
    if arguments.open:
        threading.Thread(target=open_browser, args=[address()], daemon=True).start()
    if sys.stdin and sys.stdin.isatty():
        threading.Thread(target=print_on_enter, args=[address], daemon=True).start()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--no-open", dest="open", action="store_false", help="do not open a browser")
    return parser.parse_args()


def port_number(text):
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port (1–65535) · 不是端口号（1–65535）")


def check_port(port, command="make live"):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            with socket.socket() as other:
                other.bind((HOST, 0))
                free = other.getsockname()[1]
            sys.exit(
                f"Port {port} cannot be had ({error.strerror}). Another one: {command} PORT={free}\n"
                f"端口 {port} 不能用（已被占用，或没有权限）。换一个：{command} PORT={free}"
            )


class LiveServer(ServerApp):
    """A Jupyter server that says nothing of its own, writes no key to a file and ends when it is told to."""

    def init_signal(self):
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: self.stop(from_signal=True))
        parent = os.getppid()
        # `make` may be killed without a word to its children.
        self.watch = PeriodicCallback(lambda: os.getppid() == parent or self.stop(), 1000)
        self.watch.start()

    def write_server_info_file(self):
        pass

    def write_browser_open_files(self):
        pass


class Tickets:
    """Tickets that admit one browser each."""

    def __init__(self):
        self.first_used = {}

    def new(self):
        ticket = secrets.token_urlsafe(24)
        self.first_used[ticket] = None
        return ticket

    def accept(self, shown):
        for ticket, used in list(self.first_used.items()):
            if hmac.compare_digest(ticket.encode(), shown.encode()):
                now = time.monotonic()
                self.first_used[ticket] = used or now
                return used is None or now - used < GRACE
        return False


class TicketIdentity(IdentityProvider):
    """Knows readers by their cookie alone: there is no token that could leak, and no login form to guess at."""

    token = ""
    login_available = False
    logout_available = False
    auth_enabled = True
    # Strict would withhold the cookie when the book is opened from another program.
    cookie_options = {"samesite": "Lax", "expires_days": None}  # noqa: RUF012 (a trait of the parent)

    async def get_user(self, handler):
        user = self.get_user_cookie(handler)
        if user is None and not isinstance(handler, EntranceHandler):
            handler.current_user = handler._jupyter_current_user = None
            raise web.HTTPError(403)
        return user


def add_entrance(server, tickets):
    entrance = [("/", FrontHandler), (r"/enter/([\w-]+)", EntranceHandler, {"tickets": tickets})]
    server.web_app.add_handlers(".*$", entrance)


class PlainErrors:
    """Says in both languages what went wrong."""

    def write_error(self, status_code, **kwargs):
        zh, en = {403: NOT_ADMITTED, 404: NOT_FOUND}.get(status_code, (str(status_code), str(status_code)))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            f"<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><title>{status_code}</title>"
            f"<p>{html.escape(zh)}<p lang=en>{html.escape(en)}"
        )


class EntranceHandler(PlainErrors, JupyterHandler):
    def initialize(self, tickets):
        self.tickets = tickets

    @allow_unauthenticated
    def get(self, ticket):
        if not self.tickets.accept(ticket):
            raise web.HTTPError(403)
        reader = User(username="reader", name="reader", display_name="reader", initials="r")
        self.identity_provider.set_login_cookie(self, reader)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.redirect(self.settings["base_url"] + "book/")


class BookHandler(PlainErrors, JupyterHandler):
    auth_resource = "contents"

    @property
    def content_security_policy(self):
        # A page brings its own; the server adds who may frame it.
        return "frame-ancestors 'self'"


class PageHandler(BookHandler):
    """A page of the site, which also says which server it came from."""

    @web.authenticated
    @authorized
    async def get(self, path):
        page = (SITE / path / "index.html" if path.endswith("/") or not path else SITE / path).resolve()
        if not page.is_relative_to(SITE.resolve()) or not page.is_file():
            raise web.HTTPError(404)
        self.xsrf_token  # noqa: B018 (read, it becomes the cookie that the page's scripts send back)
        server = html.escape(self.settings["base_url"])
        text = page.read_text(encoding="utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(text.replace("</head>", f'<meta name="jupyter-server" content="{server}"></head>', 1))


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
    async def get(self, path):
        await web.StaticFileHandler.get(self, path)

    def set_extra_headers(self, path):
        self.set_header("Cache-Control", "no-cache")


class FrontHandler(BookHandler):
    @web.authenticated
    async def get(self):
        self.redirect(self.settings["base_url"] + "book/")


def open_browser(address):
    """Opens the address by way of a file: a command line could be read by other users of the machine."""
    with tempfile.TemporaryDirectory() as folder:  # only its owner may read it
        page = Path(folder, "open.html")
        page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
        webbrowser.open(page.as_uri())
        time.sleep(GRACE)


def print_on_enter(address):
    for _ in sys.stdin:
        print(address(), flush=True)


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
    main()
