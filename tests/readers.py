"""What readers do on a page with cells, whatever runs them, and what code that is somebody else's tries to reach."""

from conftest import until


class Reader:
    """Somebody on a page, `self.page`, with cells, `self.cells`; subclasses have a `run` that clicks a button."""

    def write(self, cell, code):
        """Replaces the cell's code as a reader does, with the keyboard."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
        return cell

    def becomes(self, cell, *states, timeout=120):
        """Waits, for `timeout` seconds at most, for one of some states; the cell's output is returned."""
        look = "([cell, states]) => states.includes(cell.dataset.live)"
        until(self.page, look, [cell.element_handle(), states], timeout)
        return cell.locator(".live-output").last

    def try_out(self, code, state="done"):
        """Runs code of the reader's own in the first cell, whose output is returned."""
        cell = self.cells.first
        if not cell.locator(".cm-content").count():
            self.becomes(self.run(cell), "done")
        self.run(self.write(cell, code))
        return self.becomes(cell, state)


# With `js`, which is JavaScript's side, and ADDRESS, a place on the page's own site; `found` names what it got hold of.
REACH = """
found = [js.self.constructor.name]
for name in ("document", "window", "localStorage", "sessionStorage", "parent", "RTCPeerConnection", "cookieStore"):
    try:
        if getattr(js, name, None) is not None:
            found.append(name)
    except Exception:
        pass
for name in ("XMLHttpRequest", "WebSocket", "EventSource"):
    try:
        made = getattr(js, name).new(*([] if name == "XMLHttpRequest" else ["ADDRESS"]))
        if name == "XMLHttpRequest":
            made.open("GET", "ADDRESS", False)
            made.send()
            found.append(name)
        elif made.readyState == 1:
            found.append(name)
    except Exception:
        pass
try:
    js.importScripts("ADDRESS")
    found.append("importScripts")
except Exception:
    pass
"""
