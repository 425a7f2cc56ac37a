"""Makes nbgrader run notebooks with the sandbox's kernel, and with no other."""

import shutil
import tempfile
import weakref
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbgrader.preprocessors import Execute
from sandbox import limits, require_bubblewrap, unsafe

KERNELS = Path(__file__).resolve().parent / "kernels"
MAX_OUTPUT = 2**20
MAX_LINE, MAX_LINES = 2000, 40  # of an error: its name, message and traceback are the student's to make


class SandboxedExecute(Execute):
    """nbgrader's own, with a sandbox around each kernel. A notebook cannot choose its kernel."""

    def __init__(self, **kwargs):
        super().__init__(kernel_manager_class=SandboxedKernelManager, **kwargs)
        self.kernel_name = "python3"
        self.timeout = limits().cell_seconds
        self.startup_timeout = 60
        self.iopub_timeout = 15  # a cell that printed all the time is interrupted long before its output has been read
        self.shutdown_kernel = "immediate"

    def preprocess(self, nb, resources):
        if not unsafe():
            require_bubblewrap()
        self.output_size = 0
        return super().preprocess(nb, resources)

    def process_message(self, msg, cell, cell_index):
        """Leaves out what a notebook puts out beyond a megabyte, which would all be kept in this process's memory.

        An error is cut and never left out: a test cell's marks hang on it.
        """
        if msg["msg_type"] == "error":
            content = msg["content"]
            content["ename"], content["evalue"] = content["ename"][:MAX_LINE], content["evalue"][:MAX_LINE]
            content["traceback"] = [line[:MAX_LINE] for line in content["traceback"][-MAX_LINES:]]
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data"):
            self.output_size += len(msg["content"].get("text") or str(msg["content"]))
            if self.output_size > MAX_OUTPUT:
                return None
        return super().process_message(msg, cell, cell_index)


class SandboxedKernelManager(AsyncKernelManager):
    """Talks to its kernel through sockets in a folder of their own, the sandbox having no network.

    The folder's path is short, since a socket's has at most 107 characters, and absolute, since the kernel's current
    folder is another.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        sockets = tempfile.mkdtemp(prefix="lw-", dir="/tmp")
        self.forget = weakref.finalize(self, shutil.rmtree, sockets, ignore_errors=True)
        self.transport = "ipc"
        self.ip = f"{sockets}/k"
        self.connection_file = f"{sockets}/connection.json"
        self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(KERNELS)], ensure_native_kernel=False)

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart)
        if not restart:
            self.forget()

    cleanup_resources = _async_cleanup_resources
