"""Masks of single shapes. All return bool [h, w]."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw
from scipy import ndimage


def polygon(h: int, w: int, points: np.ndarray) -> np.ndarray:
    """Filled polygon of (x, y) points."""
    img = Image.new("1", (w, h))
    ImageDraw.Draw(img).polygon([tuple(p) for p in points.tolist()], fill=1)
    return np.array(img)


def blob(rng: Generator, h: int, w: int, cx: float, cy: float, r: float, rough: float, ratio: float = 1) -> np.ndarray:
    """A closed curve around (cx, cy): an ellipse of aspect `ratio`, perturbed by harmonics."""
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = np.ones_like(t)
    for k in range(2, 7):
        radius += rough * rng.standard_normal() / k * np.cos(k * t + rng.uniform(0, 7))
    radius = np.clip(radius, 0.25, 2) * r
    x, y = radius * np.cos(t) * np.sqrt(ratio), radius * np.sin(t) / np.sqrt(ratio)
    a = rng.uniform(0, np.pi)
    return polygon(h, w, np.stack([cx + x * np.cos(a) - y * np.sin(a), cy + x * np.sin(a) + y * np.cos(a)], 1))


def box(rng: Generator, h: int, w: int, cx: float, cy: float, bw: float, bh: float, angle: float) -> np.ndarray:
    """A turned rectangle, sometimes with a corner cut out (an L)."""
    if rng.random() < 0.3:
        u, v = rng.uniform(0.25, 0.7, 2)
        p = np.array([[0, 0], [1, 0], [1, v], [u, v], [u, 1], [0, 1]], np.float32)
    else:
        p = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    p = (p - 0.5) * [bw, bh]
    c, s = np.cos(angle), np.sin(angle)
    return polygon(h, w, p @ np.array([[c, s], [-s, c]]) + [cx, cy])


def star(rng: Generator, h: int, w: int, cx: float, cy: float, r: float) -> np.ndarray:
    """A jagged polygon."""
    n = int(rng.integers(3, 14))
    t = np.sort(rng.uniform(0, 2 * np.pi, n))
    rr = r * rng.uniform(0.35, 1.1, n)
    return polygon(h, w, np.stack([cx + rr * np.cos(t), cy + rr * np.sin(t)], 1))


def walk(rng: Generator, x: float, y: float, angle: float, length: float, bend: float) -> np.ndarray:
    """A wandering path [n, 2] in steps of 3 px."""
    n = max(2, int(length / 3))
    turn = np.cumsum(bend * rng.standard_normal(n)) + 0.6 * bend * rng.standard_normal(n)
    a = angle + turn
    return np.stack([x + np.cumsum(3 * np.cos(a)), y + np.cumsum(3 * np.sin(a))], 1)


def stroke(h: int, w: int, path: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """A line of varying width along a path, drawn at 4 × and reduced at half coverage."""
    k = 3
    img = Image.new("L", (w * k, h * k))
    d = ImageDraw.Draw(img)
    p = path * k
    for a, b, width in zip(p[:-1], p[1:], widths[1:] * k, strict=True):
        d.line([*a, *b], fill=255, width=max(1, round(width)))
        if width > 5:
            d.ellipse([*(b - width / 2), *(b + width / 2)], fill=255)
    return np.asarray(img.reduce(k)) > 90


def leaf(rng: Generator, h: int, w: int, x: float, y: float, angle: float, length: float, width: float) -> np.ndarray:
    """A leaf that starts at (x, y): a spindle, bent, sometimes lobed."""
    t = np.linspace(0, 1, 24)
    half = width / 2 * np.sin(np.pi * t ** rng.uniform(0.6, 1.4)) ** rng.uniform(0.6, 1.3)
    if rng.random() < 0.3:
        half = half * (1 + 0.3 * np.sin(t * rng.uniform(15, 45)))
    spine = np.stack([length * t, rng.uniform(-0.25, 0.25) * length * t**2], 1)
    p = np.concatenate([spine + np.stack([0 * t, half], 1), (spine - np.stack([0 * t, half], 1))[::-1]])
    c, s = np.cos(angle), np.sin(angle)
    return polygon(h, w, p @ np.array([[c, s], [-s, c]]) + [x, y])


def warp_points(rng: Generator, h: int, w: int, amount: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (y, x) displaced by smooth noise."""
    from .texture import noise

    y, x = np.mgrid[:h, :w].astype(np.float32)
    cells = rng.uniform(3, 14)
    return y + amount * noise(rng, h, w, cells), x + amount * noise(rng, h, w, cells)


def components(mask: np.ndarray, least: int = 12) -> list[np.ndarray]:
    """8-connected components with at least `least` pixels, largest first."""
    lab, n = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(lab.ravel())
    order = sorted(range(1, n + 1), key=lambda i: -sizes[i])
    return [lab == i for i in order if sizes[i] >= least]
