"""What a student's code may send or hand over to fill the memory of whoever grades it.

CELLS[name]      a last cell: the kernel's messages, outputs, pictures
ANSWERS[name]    sources of solution cells: what the second check gets for an answer
NOTEBOOKS[name]  a change to the notebook itself: attachments, data in Markdown
"""

import base64
import io
import struct
import zlib

from test_crowd import graded

FOR_A_WHILE = """
import time, os, json
kernel, until = get_ipython().kernel, time.time() + 8
def send(kind, content, **more):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent(), **more)
def frames(*pieces, times=10**9):
    import zmq
    def sending():
        for _ in range(times):
            if time.time() > until: break
            for piece in pieces: kernel.iopub_thread.socket.send(piece, zmq.SNDMORE)
    kernel.iopub_thread.schedule(sending)
    time.sleep(8)
while time.time() < until:
    """
DISPLAY = "from IPython.display import display, update_display, HTML\nimport base64\n"


def shown(form, data):
    """A cell that puts out data of a form."""
    return f"{DISPLAY}display({{{form!r}: {data}, 'text/plain': 'x'}}, raw=True)"


def png(width, height):
    """A picture of one colour, of which only the size is large."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + width // 8)) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def drawn(form, size, frames=1, mode="P"):
    from PIL import Image

    written = io.BytesIO()
    pictures = [Image.new(mode, size, number) for number in range(frames)]
    pictures[0].save(written, form, save_all=frames > 1, append_images=pictures[1:])
    return written.getvalue()


def in_base64(content):
    return base64.b64encode(content).decode()


def resized(content, before, after):
    """The same file that says it is of another size."""
    assert before in content
    return content.replace(before, after, 1)


PICTURES = {
    "png": lambda: ("image/png", png(60_000, 60_000)),
    "png-allowed": lambda: ("image/png", png(8000, 5000)),
    "jpeg": lambda: (
        "image/jpeg",
        resized(drawn("JPEG", (640, 480), mode="L"), struct.pack(">HH", 480, 640), struct.pack(">HH", 60_000, 60_000)),
    ),
    "gif": lambda: (
        "image/gif", resized(drawn("GIF", (64, 48)), struct.pack("<HH", 64, 48), struct.pack("<HH", 60_000, 60_000))
    ),
    "gif-frames": lambda: ("image/gif", drawn("GIF", (600, 600), 300)),
    "webp": lambda: ("image/webp", drawn("WEBP", (16_000, 5000), mode="RGB")),
    "webp-frames": lambda: ("image/webp", drawn("WEBP", (4000, 4000), 4, mode="RGB")),
}


def pictures():
    return {name: shown(form, repr(in_base64(content))) for name, (form, content) in opened(PICTURES).items()}


def opened(table):
    return {name: make() for name, make in table.items()}


CELLS = {
    "errors": FOR_A_WHILE
    + "send('error', {'ename': 'E' * 2000, 'evalue': 'v' * 2000, 'traceback': ['t' * 2000] * 40})",
    "stdout": FOR_A_WHILE + "print('x' * 10**6)",
    "stdout-at-once": "print('x' * 3 * 10**8)",
    "stderr": FOR_A_WHILE + "os.write(2, b'x' * 10**6); print('字' * 10**6, file=__import__('sys').stderr)",
    "streams-of-nothing": FOR_A_WHILE + "send('stream', {'name': 'stdout', 'text': ''})",
    "comm_open": FOR_A_WHILE + "send('comm_open', {'comm_id': str(time.time()), 'target_name': 't', 'data': {}})",
    "comm_msg": FOR_A_WHILE + "send('comm_msg', {'comm_id': 'c', 'data': {'state': {'x': 'y' * 100_000}}})",
    "display_data": FOR_A_WHILE + "send('display_data', {'data': {'text/html': '<b>' * 30_000}, 'metadata': {}, "
    "'transient': {'display_id': str(time.time())}})",
    "update_display_data": FOR_A_WHILE + "send('update_display_data', {'data': {'text/plain': 'x' * 10**5}, "
    "'metadata': {}, 'transient': {'display_id': 'd'}})",
    "html-of-10-mb": shown("text/html", "'<p>x' * 2_500_000"),
    "html-nested": shown("text/html", "'<div><b><table><td>' * 45_000"),
    "html-of-tags": shown("text/html", "'<br>' * 200_000"),
    "markdown": shown("text/markdown", "'> - ' * 200_000"),
    "latex": shown("text/latex", "'$' + '{' * 900_000"),
    "many-outputs": f"{DISPLAY}for _ in range(3000): display(HTML('<p>x'))",
    "unknown-kinds": FOR_A_WHILE + "send('x' * 10**6, {})",
    "metadata": FOR_A_WHILE + "send('status', {'execution_state': 'busy'}, metadata={'x': '😀' + 'y' * 10**8})",
    "metadata-of-lists": FOR_A_WHILE + "send('status', {'execution_state': 'busy'}, metadata={'x': [[]] * 90_000})",
    "parent": FOR_A_WHILE + "kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x'}, "
    "parent={'header': {'msg_id': '\\ud800' + 'y' * 3 * 10**7}})",
    "buffers": FOR_A_WHILE + "send('display_data', {'data': {}, 'metadata': {}}, buffers=[bytes(10**6)] * 90)",
    "buffer": FOR_A_WHILE + "send('comm_msg', {'comm_id': 'c', 'data': {}}, buffers=[bytes(2 * 10**8)])",
    "frames-of-nothing": FOR_A_WHILE + "frames(*[b''] * 10_000)",
    "endless-frames": FOR_A_WHILE + "frames(b'y' * 4_000_000)",
}

RAW_ANSWER = """
import fcntl, os, stat, torch
def raw(*pieces):
    for number in range(3, 12):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY:
                for piece in pieces:
                    os.write(number, piece) if len(piece) < 9 else os.fdopen(os.dup(number), "wb").write(piece)
        except OSError:
            pass
def framed(text): raw(len(text).to_bytes(8, "big"), text)
"""
BLOCK = """
class MainPath(Layers):
    def main_path(self, x):
        {}
"""

ANSWERS = {
    "lists": "framed(b'{\"value\": {\"list\": [' + b'[],' * 60_000_000 + b'[]]}}')",
    "lists-in-time": "framed(b'{\"value\": {\"list\": [' + b'[],' * 90_000 + b'[]]}}'), framed(bytes(8))",
    "frame": "raw((2**62).to_bytes(8, 'big'), b'x' * 2**28)",
    "frames": "framed(b'{\"value\": null}'), raw((48 * 2**20).to_bytes(8, 'big'), b'x' * 48 * 2**20)",
    "nested": "framed(b'[' * 10**6 + b']' * 10**6)",
    "numbers": "framed(b'{\"value\": ' + b'9' * 2_000_000 + b'}')",
    "tensors": "return [torch.zeros(2**20) for _ in range(11)]",
    "tensors-of-nothing": "return [torch.zeros(0) for _ in range(40_000)]",
    "halves": "return ['\\ud800' + '😀' * 200_000]",
}


def attach(form, content):
    def change(notebook):
        answer = graded(notebook, "explanation")
        answer.source = "![x](attachment:x.png)"
        answer.attachments = {"x.png": {form: in_base64(content)}}

    return change


def inline(form, content):
    def change(notebook):
        answer = graded(notebook, "explanation")
        answer.source = f"![x](data:{form};base64,{in_base64(content)})"

    return change


def notebooks():
    made = opened(PICTURES)
    attached = {f"attached-{name}": attach(*picture) for name, picture in made.items()}
    return attached | {f"inline-{name}": inline(*picture) for name, picture in made.items()}
