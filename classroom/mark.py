"""A page on this machine for marking the written answers of a graded class, one after another.

    python classroom/mark.py --out marks/forward [--port 8000] [--no-open]        (`make mark` runs it)

Who may come in: whoever holds the address that the terminal shows, a secret in its path. Everybody else gets 403, as
does whoever comes by another name of this machine (a trick that makes a stranger's page count as this one's), and
whatever another site's page asks for. Nothing that a student wrote acts on the page: it has been made inert
(written.py), and the page's policy lets the browser run one script and ask this server alone.
"""

import argparse
import asyncio
import hmac
import html
import json
import secrets
import shlex
import sqlite3
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book"))

import troubles  # noqa: E402
from for_teachers import rendered  # noqa: E402
from grade import plan_in  # noqa: E402
from opening import open_browser  # noqa: E402
from ports import HOST, OWN_NAMES, check_port, free_port, port_number  # noqa: E402
from snippets import Snippets  # noqa: E402
from tornado import web  # noqa: E402
from tornado.httpserver import HTTPServer  # noqa: E402
from understood import legible  # noqa: E402
from written import WrittenAnswers, WrittenError  # noqa: E402

LARGEST = 2**20  # bytes of a request; a comment has at most some ten thousand
MINUTE = 60
JUPYTER = str(Path(sys.executable).with_name("jupyter"))
UNREADABLE = (
    "成绩库读不了（{error}）：请看磁盘和权限；make grade 正在写它的话，等一会儿。",
    "The gradebook cannot be used ({error}): look at the disk and permissions; if make grade is writing it, wait.",
)
MALFORMED = ("发来的东西看不懂：请重新打开这一页。", "What was sent cannot be understood: open this page again.")
SENTENCES = {
    403: (
        "这个地址要用 make mark 打印在终端里的链接打开；它一停，链接就失效，再运行会有新的。",
        "Open this address with the link that make mark shows in its terminal; a link ends with it, and the next run "
        "has a new one.",
    ),
    404: ("没有这一页。", "There is no such page."),
    405: ("这里不能这样用。", "This cannot be done here."),
    413: ("发来的东西太大了。", "What was sent is too large."),
}
FAILED = ("出错了：请重新运行 make mark。", "This failed: run make mark again.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="what make grade was given as OUT")
    parser.add_argument("--port", type=port_number, help="by default one that is free")
    parser.add_argument("--no-open", dest="open", action="store_false", help="do not open a browser")
    given = parser.parse_args()
    answers = WrittenAnswers(given.out.resolve())
    port = given.port or free_port()
    check_port(port, "make mark")
    secret = secrets.token_urlsafe(24)
    address = f"http://{HOST}:{port}/{secret}/"
    print(legible(left_of(answers)))
    try:
        asyncio.run(serve(answers, Path(given.out), port, secret, address, given.open))
    except KeyboardInterrupt:
        print(f"\n{legible(left_of(answers))}\n{' · '.join(AFTERWARDS)}\n  {command(answers, given.out)}")


AFTERWARDS = (
    "分和评语都存好了；要写进成绩表和反馈页，再运行一次：",
    "Marks and comments are saved; to have them in the grade sheet and in the feedback, run again:",
)


async def serve(answers, out, port, secret, address, opens):
    server = HTTPServer(application(answers, out, secret), max_body_size=LARGEST, max_buffer_size=2 * LARGEST)
    server.listen(port, HOST)
    print(f"{address}  (Ctrl+C)", flush=True)
    if opens:
        threading.Thread(target=open_browser, args=[address, MINUTE], daemon=True).start()
    await asyncio.Event().wait()


def application(answers, out, secret):
    given = {"answers": answers, "snippets": Snippets(answers.out), "out": out, "secret": secret}
    places = {"": Page, "list": Listed, "answer": Answer, "mark": Mark, "comment": Comment, "snippets": SnippetList}
    handlers = [(rf"/([\w-]+)/{place}", handler, given) for place, handler in places.items()]
    return web.Application(handlers, default_handler_class=Nothing, default_handler_args=given, log_function=silent)


def silent(handler):
    """An address with the secret is not for a terminal's log."""


def left_of(answers):
    found, _ = answers.listed()
    left = sum(one["state"] in ("waiting", "again") for one in found)
    return f"{len(found)} 份说明题，{left} 份还要批。 · {len(found)} written answers, {left} still to be marked."


def command(answers, out):
    """What puts the marks into the sheet and the feedback: the same `make grade` as before."""
    places = {place for entry in plan_in(answers.out)["students"].values() for place in entry.get("from", {})}
    place = shlex.quote(legible(places.pop())) if len(places) == 1 else "…"
    return f"make grade ASSIGNMENT={answers.assignment} SUBMISSIONS={place} OUT={shlex.quote(legible(str(out)))}"


class Handler(web.RequestHandler):
    def initialize(self, answers, snippets, out, secret):
        self.answers, self.snippets, self.out, self.secret = answers, snippets, out, secret

    def set_default_headers(self):
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Referrer-Policy", "same-origin")  # which the secret would leave with
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def prepare(self):
        headers = self.request.headers
        known = self.path_args and hmac.compare_digest(self.path_args[0].encode(), self.secret.encode())
        own_name = OWN_NAMES.fullmatch(headers.get("Host", ""))
        own_page = headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        if self.request.method != "GET":
            own_page &= headers.get("Origin") == f"http://{headers.get('Host')}"
        if not (known and own_name and own_page):
            raise web.HTTPError(403)

    def sent(self, **kinds):
        """The fields of a JSON object, each of its kind."""
        try:
            value = json.loads(self.request.body)
            fields = [value[name] for name in kinds]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise WrittenError(MALFORMED) from None
        if not all(isinstance(one, kind) for one, kind in zip(fields, kinds.values(), strict=True)):
            raise WrittenError(MALFORMED)
        return fields

    def write_error(self, status_code, exc_info=(), **_):
        error = exc_info[1] if len(exc_info) > 1 else None
        if isinstance(error, (sqlite3.Error, OSError)):
            error = WrittenError(UNREADABLE, "busy", error=error)
        if isinstance(error, WrittenError):
            self.set_status({"busy": 503}.get(error.why, 409))
            self.finish({"told": error.told, "why": error.why, "now": error.now})
            return
        zh, en = map(html.escape, SENTENCES.get(status_code, FAILED))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            "<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<title>{status_code}</title><p>{zh}<p lang=en>{en}"
        )

    def log_exception(self, kind, error, trace):
        if not isinstance(error, (WrittenError, web.HTTPError, sqlite3.Error, OSError)):
            super().log_exception(kind, error, trace)


class Nothing(Handler):
    def prepare(self):
        raise web.HTTPError(403)


class Page(Handler):
    def get(self, _):
        page, policy = rendered(
            "marking.html.j2", "marking", "connect-src 'self'",
            assignment=self.answers.assignment,
            questions=self.answers.questions,
            command=command(self.answers, self.out),
            formgrader=shlex.join(["cd", legible(str(self.out))]) + " && " + shlex.join([JUPYTER, "lab"]),
        )
        self.set_header("Content-Security-Policy", f"{policy}; frame-ancestors 'none'")
        self.finish(page)


class Listed(Handler):
    def get(self, _):
        version = self.answers.version()
        if self.get_query_argument("since", "") == version:
            self.set_status(204)
            return
        found, others = self.answers.listed()
        self.finish({"version": version, "answers": found, "others": others})


class Answer(Handler):
    def get(self, _):
        self.finish(self.answers.answer(self.get_query_argument("cell"), self.get_query_argument("student")))


class Mark(Handler):
    def put(self, _):
        number = (int, float, type(None))
        self.answers.save_mark(*self.sent(cell=str, student=str, page=str, was=number, value=number))
        self.set_status(204)


class Comment(Handler):
    def put(self, _):
        self.answers.save_comment(*self.sent(cell=str, student=str, page=str, was=str, value=str))
        self.set_status(204)


class SnippetList(Handler):
    def get(self, _):
        self.finish({"snippets": self.snippets.all()})

    def post(self, _):
        self.snippets.keep(*self.sent(text=str))
        self.get(_)

    def delete(self, _):
        self.snippets.drop(*self.sent(text=str))
        self.get(_)


if __name__ == "__main__":
    try:
        main()
    except WrittenError as error:
        sys.exit(legible(str(error)))
    except OSError as error:
        sys.exit(troubles.sentence(error))
