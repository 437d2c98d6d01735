"""Objects of the open sets, cut out and pasted on other grounds."""

import numpy as np
from numpy.random import Generator
from PIL import Image

from .canvas import Canvas, blank

Cutout = tuple[np.ndarray, np.ndarray]


def paste(rng: Generator, stock: list[Cutout], grounds: list[np.ndarray]) -> Canvas:
    """1 to 8 cut-outs (image [h, w, 3] uint8, mask [h, w] bool), scaled, flipped, placed anywhere."""
    c = blank(rng)
    h, w = c.shape
    if rng.random() < 0.5:
        g = Image.fromarray(grounds[int(rng.integers(len(grounds)))])
        c.image[:] = np.asarray(g.resize((w, h), Image.Resampling.BILINEAR), np.float32) / 255
    for _ in range(int(rng.integers(1, 9))):
        image, mask = stock[int(rng.integers(len(stock)))]
        scale = np.exp(rng.uniform(np.log(24), np.log(210))) / max(mask.shape)
        size = (max(4, int(mask.shape[1] * scale)), max(4, int(mask.shape[0] * scale)))
        pixels = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR), np.float32) / 255
        soft = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
        alpha = np.asarray(soft, np.float32) / 255
        if rng.random() < 0.5:
            pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
        x, y = int(rng.integers(-size[0] // 3, w)), int(rng.integers(-size[1] // 3, h))
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + size[0], w), min(y + size[1], h)
        if x1 - x0 < 4 or y1 - y0 < 4:
            continue
        pixels, alpha = pixels[y0 - y : y1 - y, x0 - x : x1 - x], alpha[y0 - y : y1 - y, x0 - x : x1 - x]
        view = c.image[y0:y1, x0:x1]
        view += alpha[..., None] * (np.clip(pixels * rng.uniform(0.7, 1.2), 0, 1) - view)
        full = np.zeros((h, w), bool)
        full[y0:y1, x0:x1] = alpha > 0.5
        if full.sum() > 40:
            c.mark(full)
    c.objects = [o for o in c.objects if (c.label == o[0]).sum() > 24]
    return c
