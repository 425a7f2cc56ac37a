"""The device to run on, and its name for people."""

import torch


def best_device():
    """The accelerator that `torch.accelerator` reports (CUDA, MPS, XPU, Ascend, …), else the CPU."""
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    return torch.device("cpu")


def device_name(device):
    """A name to print: "CUDA: NVIDIA H100 80GB HBM3", "MPS", "CPU".

    Args:
        device: `torch.device` or its name, "cuda:0".
    """
    device = torch.device(device)
    backend = getattr(torch, device.type, None)
    if device.type != "cpu" and hasattr(backend, "get_device_name"):
        return f"{device.type.upper()}: {backend.get_device_name(device)}"
    return device.type.upper()
