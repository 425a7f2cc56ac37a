"""Opens an address with a secret in it in the reader's browser."""

import tempfile
import time
import webbrowser
from pathlib import Path


def open_browser(address, seconds):
    """By way of a file that is there for some seconds: a command line could be read by other users of the machine."""
    with tempfile.TemporaryDirectory() as folder:  # only its owner may read it
        page = Path(folder, "open.html")
        page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
        webbrowser.open(page.as_uri())
        time.sleep(seconds)
