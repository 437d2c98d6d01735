"""Where tensors are put."""

import torch

from .errors import AskError


def usable(device: str | torch.device) -> torch.device:
    """A device that tensors can be put on. AskError for one that is not there."""
    try:
        return torch.empty(0).to(torch.device(device)).device
    except (RuntimeError, AssertionError, TypeError) as error:
        what = f"PyTorch has no device {device!r} here ({str(error).partition('. ')[0].rstrip('.')})."
        raise AskError("config/invalid", what, "device", "Leave it out for the CPU.") from error
