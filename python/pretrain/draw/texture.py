"""Noise, patterns and palettes."""

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage


def noise(rng: Generator, h: int, w: int, cells: float) -> np.ndarray:
    """Smooth noise [h, w], mean 0 and deviation 1, with about `cells` bumps over the longer side."""
    step = max(h, w) / max(cells, 1.0)
    small = rng.standard_normal((max(2, int(h / step) + 2), max(2, int(w / step) + 2))).astype(np.float32)
    out = np.asarray(Image.fromarray(small).resize((w, h), Image.Resampling.BICUBIC))
    return (out - out.mean()) / (out.std() + 1e-6)


def fractal(rng: Generator, h: int, w: int, cells: float = 3, octaves: int = 5, fall: float = 0.6) -> np.ndarray:
    """A sum of octaves of noise, mean 0 and deviation 1."""
    out = np.zeros((h, w), np.float32)
    for i in range(octaves):
        c = cells * 2**i
        layer = noise(rng, h, w, c) if c < max(h, w) else rng.standard_normal((h, w)).astype(np.float32)
        out += fall**i * layer
    return (out - out.mean()) / (out.std() + 1e-6)


def stripes(rng: Generator, h: int, w: int) -> np.ndarray:
    """Bent stripes in -1..1."""
    y, x = np.mgrid[:h, :w].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
    phase = (x * np.cos(angle) + y * np.sin(angle)) / period * 2 * np.pi
    wave = np.sin(phase + rng.uniform(0, 2.5) * noise(rng, h, w, rng.uniform(2, 8)))
    return np.sign(wave) if rng.random() < 0.3 else wave


def spots(rng: Generator, h: int, w: int) -> np.ndarray:
    """Grains: thresholded band-passed noise."""
    s = rng.uniform(0.7, 3)
    n = rng.standard_normal((h, w)).astype(np.float32)
    band = ndimage.gaussian_filter(n, s) - ndimage.gaussian_filter(n, 2.2 * s)
    band /= band.std() + 1e-6
    return np.tanh(3 * (band - rng.uniform(0, 1.5)))


def bricks(rng: Generator, h: int, w: int) -> np.ndarray:
    """Tiles with joints."""
    y, x = np.mgrid[:h, :w]
    th, tw, joint = int(rng.integers(10, 60)), int(rng.integers(10, 80)), int(rng.integers(1, 4))
    row = y // th
    x = x + (row % 2) * int(rng.integers(0, tw))
    tone = rng.standard_normal(4096)[(row * 57 + x // tw * 13) % 4096]
    return np.where((y % th < joint) | (x % tw < joint), rng.choice([-2.0, 2.0]), 0.4 * tone)


def colour(rng: Generator) -> np.ndarray:
    """A random colour, often dull."""
    base = rng.uniform(0.03, 0.97)
    spread = rng.choice([0.02, 0.12, 0.35])
    return np.clip(base + spread * rng.standard_normal(3), 0, 1).astype(np.float32)


def value_map(rng: Generator, h: int, w: int) -> np.ndarray:
    """One random scalar pattern [h, w] of about unit size."""
    kind = rng.integers(0, 7)
    if kind == 0:
        return np.zeros((h, w), np.float32)
    if kind == 1:
        return stripes(rng, h, w)
    if kind == 2:
        return spots(rng, h, w)
    if kind == 3 and rng.random() < 0.5:
        return bricks(rng, h, w)
    if kind == 4:
        return noise(rng, h, w, rng.uniform(1, 4))
    return fractal(rng, h, w, rng.uniform(1.5, 24), int(rng.integers(2, 6)), rng.uniform(0.4, 0.95))


def texture(rng: Generator, h: int, w: int, near: np.ndarray | None = None) -> np.ndarray:
    """A coloured texture [h, w, 3]; `near` keeps its mean close to that colour."""
    first = colour(rng) if near is None else np.clip(near + 0.06 * rng.standard_normal(3), 0, 1)
    contrast = rng.choice([0.02, 0.06, 0.15, 0.3]) * rng.uniform(0.5, 1.5)
    out = first + contrast * value_map(rng, h, w)[..., None] * (1 + 0.3 * rng.standard_normal(3))
    if rng.random() < 0.5:
        out = out + 0.04 * fractal(rng, h, w, rng.uniform(4, 40), 3)[..., None] * rng.uniform(0.2, 2)
    if rng.random() < 0.4:
        y, x = np.mgrid[:h, :w].astype(np.float32)
        a = rng.uniform(0, 2 * np.pi)
        out = out + rng.uniform(0.02, 0.3) * ((x / w - 0.5) * np.cos(a) + (y / h - 0.5) * np.sin(a))[..., None]
    return np.clip(out, 0, 1).astype(np.float32)
