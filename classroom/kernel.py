"""Makes nbgrader run notebooks with the sandbox's kernel, and with no other, and bounds what comes back from it."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.session import Session
from messages import TooMuch, read_json
from nbclient.exceptions import CellExecutionComplete
from nbclient.util import run_sync
from nbgrader.preprocessors import Execute
from sandbox import LOST, SandboxError, limits, require_bubblewrap, socket_folder, try_python, unsafe
from traitlets import Any, Unicode

KERNELS = Path(__file__).resolve().parent / "kernels"
MAX_BYTES, MAX_MESSAGES = 128 * 2**20, 100_000  # of one notebook, whatever they are
MAX_FRAMES = 100  # of one message
WAITING = 10_000  # messages that may lie in a socket of ours: the kernel drops those for which there is no room
MAX_OUTPUT = MAX_ERRORS = 2**20  # of what is kept
LEAST = 256  # what an output takes besides its text
MAX_LINE, MAX_LINES = 2000, 40  # of an error: its name, message and traceback are the student's to make
SHORT_LINE = 200  # and of an error after so many others
SHOWN = ("stream", "display_data", "execute_result")
HEARD = ("status", "execute_input", "clear_output")


class SandboxedExecute(Execute):
    """nbgrader's own, with a sandbox around each kernel. A notebook cannot choose its kernel."""

    def __init__(self, **kwargs):
        super().__init__(kernel_manager_class=SandboxedKernelManager, **kwargs)
        self.kernel_name = "python3"
        self.timeout = limits().cell_seconds
        self.startup_timeout = 60
        self.iopub_timeout = 15  # a cell that printed all the time is interrupted long before its output has been read
        self.shutdown_kernel = "immediate"
        self.record_timing = self.store_widget_state = False  # both keep whatever the kernel says

    def preprocess(self, nb, resources):
        """Raises TooMuch where a student's messages go beyond the bounds, SandboxError where no student is to blame."""
        if not unsafe():
            require_bubblewrap()
        self.output_size = self.error_size = 0
        self.too_much = None
        try:
            return super().preprocess(nb, resources)
        except SandboxError:
            raise
        except Exception as error:
            if isinstance(error, TooMuch) or self.too_much:
                report("messages")
                raise self.too_much or error from None
            if reported() == LOST:
                raise not_started() from None
            raise

    async def async_start_new_kernel(self, **kwargs):
        try:
            await super().async_start_new_kernel(**kwargs)
        except OSError as error:
            raise not_started(error) from None

    start_new_kernel = run_sync(async_start_new_kernel)

    async def async_start_new_kernel_client(self):
        try:
            return await super().async_start_new_kernel_client()
        except Exception as error:  # nothing of the student's has run yet
            raise not_started(error) from None

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _async_poll_output_msg(self, *arguments):
        try:
            await super()._async_poll_output_msg(*arguments)
        except TooMuch as error:
            self.too_much = error
            self.task_poll_for_reply.cancel()  # which is how nbclient stops for a dead kernel

    def process_message(self, msg, cell, cell_index):
        """Keeps a megabyte of what a notebook puts out, and as much of errors; takes no other messages at all.

        A cell's first error is cut and never left out: a test cell's marks hang on it.
        """
        kind, content = msg["msg_type"], msg["content"]
        content.pop("transient", None)  # an update of one output may show in any number of places
        try:
            if kind == "error":
                self.cut(content)
                if self.error_size > MAX_ERRORS and any(out.output_type == "error" for out in cell.outputs):
                    return None
            elif kind in SHOWN:
                self.output_size += LEAST + len(content["text"] if kind == "stream" else str(content))
                if self.output_size > MAX_OUTPUT:
                    return None
            elif kind not in HEARD:
                return None
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            raise
        except Exception as error:
            raise TooMuch(f"unreadable {kind[:SHORT_LINE]} ({type(error).__name__})") from None

    def on_cell_executed(self, **kwargs):
        try:
            if kwargs["execute_reply"]["content"]["status"] == "error":
                self.cut(kwargs["execute_reply"]["content"])
            super().on_cell_executed(**kwargs)
        except Exception as error:
            raise TooMuch(f"unreadable reply ({type(error).__name__})") from None

    def cut(self, error):
        """Cuts an error to what is worth reading, and the more, the more there were."""
        full = self.error_size > MAX_ERRORS
        line, lines = (SHORT_LINE, 0) if full else (MAX_LINE, MAX_LINES)
        error["ename"], error["evalue"] = str(error["ename"])[:line], str(error["evalue"])[:line]
        error["traceback"] = [str(told)[:line] for told in list(error["traceback"])[-MAX_LINES:]][:lines]
        self.error_size += LEAST + sum(map(len, [error["ename"], error["evalue"], *error["traceback"]]))


class BoundedSession(Session):
    """Reads a kernel's messages, on all channels, up to a bound; tells the kernel nothing of who reads them."""

    username = Unicode("student")
    unpack = Any(read_json)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bytes_left, self.messages_left = MAX_BYTES, MAX_MESSAGES

    def feed_identities(self, msg_list, copy=True):
        try:
            return super().feed_identities(msg_list, copy)
        except ValueError:
            raise TooMuch("unreadable message") from None

    def deserialize(self, msg_list, content=True, copy=True):
        self.messages_left -= 1
        self.bytes_left -= sum(map(len, msg_list))
        if min(self.messages_left, self.bytes_left) < 0 or len(msg_list) > MAX_FRAMES:
            raise TooMuch("too many messages")
        try:
            message = super().deserialize(msg_list, content, copy)
        except TooMuch:
            raise
        except Exception as error:
            raise TooMuch(f"unreadable message ({type(error).__name__})") from None
        parts = [message[name] for name in ("header", "parent_header", "metadata", "content")]
        if not all(isinstance(part, dict) for part in parts) or not isinstance(message["msg_type"], str):
            raise TooMuch("unreadable message")
        return message


class SandboxedKernelManager(AsyncKernelManager):
    """Talks to its kernel through sockets in a folder of their own, the sandbox having no network.

    The folder's path is short, since a socket's has at most 107 characters, and absolute, since the kernel's current
    folder is another.
    """

    def __init__(self, **kwargs):
        super().__init__(session=BoundedSession(), **kwargs)
        self.context.rcvhwm = WAITING
        sockets = tempfile.mkdtemp(prefix="lw-", dir=socket_folder())
        self.forget = weakref.finalize(self, shutil.rmtree, sockets, ignore_errors=True)
        self.transport = "ipc"
        self.ip = f"{sockets}/k"
        self.connection_file = f"{sockets}/connection.json"
        self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(KERNELS)], ensure_native_kernel=False)

    def client(self, **kwargs):
        client = super().client(**kwargs)
        client.context.rcvhwm = WAITING
        return client

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart)
        if not restart:
            self.forget()

    cleanup_resources = _async_cleanup_resources


def not_started(error=None):
    """The SandboxError of a kernel that did not come up, or was taken away from outside."""
    report(None)
    if not unsafe():
        try_python()
    told = (f"（{str(error)[:300]}）", f" ({str(error)[:300]})") if error else ("", "")
    return SandboxError(
        f"沙箱里的内核没有启动，或者被别的程序终止了{told[0]}：请看这台机器的内存够不够，再运行一次会接着做。 · "
        f"The kernel in the sandbox did not start, or something else stopped it{told[1]}: see whether this machine has "
        "memory left, then run again to go on."
    )


def report(reason):
    """Leaves the reason where whoever grades looks for it; None takes back what was left there."""
    if path := os.environ.get("CLASSROOM_REPORT"):
        if reason:
            Path(path).write_text(reason, encoding="utf-8")
        else:
            Path(path).unlink(missing_ok=True)


def reported():
    path = Path(os.environ.get("CLASSROOM_REPORT", ""))
    return path.read_text(encoding="utf-8") if path.is_file() else None
