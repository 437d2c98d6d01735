"""Values that this code and the engine draw alike, to the bit, so that large weights need no file.

Value i of a tensor is base + scale · u: u in [-1, 1) from the upper 24 bits of a 32-bit hash of i and of the tensor's name
and the seed, base and scale from the tensor's role; in float64, then rounded to float32. The same stands in
src/engine/conformance/seeded.ts.
"""

from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor, nn


def mix(x: np.ndarray) -> np.ndarray:
    """lowbias32, a hash of 32 bits (Chris Wellons, "Prospecting for Hash Functions", 2018)."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def name_hash(name: str) -> int:
    """FNV-1a of 32 bits."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def draw(name: str, shape: tuple[int, ...], seed: int, base: float, scale: float) -> Tensor:
    start = mix(np.array([name_hash(name) ^ seed], dtype=np.uint32))
    bits = mix(np.arange(prod(shape), dtype=np.uint32) + start)
    u = (bits >> np.uint32(8)).astype(np.float64) / 2**23 - 1
    return torch.from_numpy((base + scale * u).astype(np.float32)).reshape(shape)


def role(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Base and scale of a weight: every part matters, and no two values are alike."""
    if len(shape) == 1:
        return (1.0 if name.endswith(".weight") and ("norm" in name or ".neck." in name) else 0.0), 0.17
    if "rel_pos" in name or "pos_embed" in name:
        return 0.0, 0.5
    if "gaussian_matrix" in name:
        return 0.0, 1.7
    fan = shape[0] if "output_upscaling" in name else prod(shape[1:])
    return 0.0, 1.2 * sqrt(3 / fan)


@torch.no_grad()
def fill(model: nn.Module, seed: int) -> None:
    """Draws every weight of a model of `segment_anything`."""
    for name, tensor in model.state_dict().items():
        if name not in ("pixel_mean", "pixel_std"):
            tensor.copy_(draw(name, tuple(tensor.shape), seed, *role(name, tuple(tensor.shape))))


def image(seed: int, batch: int, size: int) -> Tensor:
    """Noise as a normalised image [B, 3, S, S]."""
    return draw("input.image", (batch, 3, size, size), seed, 0.0, 1.7)
