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


class SandboxedExecute(Execute):
    """nbgrader's own, with a sandbox around each kernel. A notebook cannot choose its kernel."""

    def __init__(self, **kwargs):
        super().__init__(kernel_manager_class=SandboxedKernelManager, **kwargs)
        self.kernel_name = "python3"
        self.timeout = limits().cell_seconds
        self.startup_timeout = 60
        self.shutdown_kernel = "immediate"

    def preprocess(self, nb, resources):
        if not unsafe():
            require_bubblewrap()
        return super().preprocess(nb, resources)


class SandboxedKernelManager(AsyncKernelManager):
    """Talks to its kernel through sockets in a folder of their own, the sandbox having no network.

    The folder's path is short, since a socket's has at most 107 characters, and absolute, since the kernel runs elsewhere.
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
