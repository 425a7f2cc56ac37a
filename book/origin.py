"""Of which day and commit the site is, on the pages that leave room for it.

A build of the same sources makes the same site: the day is SOURCE_DATE_EPOCH's or the commit's, never today. Neither is
a reason to build anew, so that both are put into the pages when the site is put together. Where nobody says them, as in
a copy without git, the pages have nothing there.
"""

import os
import re
import subprocess
from datetime import datetime, timezone
from html import escape

from addresses import within

# `<!-- commit: what to show, with {} for the value -->`
ROOM = re.compile(r"<!-- (date|commit): (.*?) -->", re.DOTALL)


def origin(root, repository="", environment=os.environ):
    """{"date": …, "commit": …} as HTML, each "" where it is not known."""
    name, seconds = commit(root)
    seconds = environment.get("SOURCE_DATE_EPOCH") or seconds
    day = datetime.fromtimestamp(int(seconds), timezone.utc).date().isoformat() if seconds.isdecimal() else ""
    shown = f"<code>{escape(name)}</code>"
    if repository and name and not name.endswith("+"):
        shown = f'<a href="{escape(within(repository, "commit", name))}">{shown}</a>'
    return {"date": f'<time datetime="{day}">{day}</time>' if day else "", "commit": shown if name else ""}


def commit(root):
    """(its short name, with + where the files are others than its own; its time in seconds), both "" without git."""
    try:
        top = git(root, "rev-parse", "--show-toplevel").rstrip("\n")
        if not os.path.samefile(top, root):
            return "", ""  # a copy that lies in somebody else's repository
        name, seconds = git(root, "log", "-1", "--format=%h %ct").split()
        changed = git(root, "status", "--porcelain", "--untracked-files=no").strip()
    except (OSError, subprocess.SubprocessError, ValueError):
        return "", ""
    return name + ("+" if changed else ""), seconds


def git(root, *words):
    command = ["git", "--no-optional-locks", "-C", str(root), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout


def with_origin(html, known):
    """The page with what is known in its room, and without the room for what is not."""
    return ROOM.sub(lambda room: room[2].replace("{}", known[room[1]]) if known[room[1]] else "", html)
