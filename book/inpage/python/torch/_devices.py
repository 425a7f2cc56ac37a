"""`torch.cuda` and its like: there is no accelerator in a page."""

from types import SimpleNamespace

from ._autocast import autocast
from ._lacking import lacking


class _NoDevice:
    """An accelerator that is not there."""

    def __init__(self, name):
        self.__name__ = f"torch.{name}"

    def is_available(self):
        return False

    is_bf16_supported = is_initialized = is_available

    def device_count(self):
        return 0

    def manual_seed(self, seed):
        return None

    manual_seed_all = synchronize = empty_cache = manual_seed

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise lacking(f"{self.__name__}.{name}")


cuda, mps, xpu, accelerator = map(_NoDevice, ("cuda", "mps", "xpu", "accelerator"))


cuda.amp = amp = SimpleNamespace(autocast=autocast)
backends = SimpleNamespace(
    cudnn=SimpleNamespace(enabled=False, benchmark=False, deterministic=False, is_available=lambda: False),
    mps=SimpleNamespace(is_available=lambda: False, is_built=lambda: False),
    cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=False)),
)
