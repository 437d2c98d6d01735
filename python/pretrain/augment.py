"""One training view of an image: crop, flip, turn, tone. Seeded by the generator it is given."""

import numpy as np
from numpy.random import Generator
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def crop_box(rng: Generator, h: int, w: int, size: int, whole: float) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1: the whole image, or a window about as large as `size` or larger."""
    longest = max(h, w)
    if rng.random() < whole:
        return 0, 0, w, h
    side = np.exp(rng.uniform(np.log(0.75 * size), np.log(max(size, longest))))
    ratio = np.exp(rng.uniform(-0.3, 0.3)) if rng.random() < 0.5 else 1.0
    cw, ch = int(min(side * min(ratio, 1), w)), int(min(side / max(ratio, 1), h))
    x, y = int(rng.integers(0, w - cw + 1)), int(rng.integers(0, h - ch + 1))
    return x, y, x + cw, y + ch


def tone(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Brightness, contrast, gamma, tint, grey, inversion, noise; float [H, W, 3] in 0..1."""
    if rng.random() < 0.8:
        centre = image.mean()
        image = (image - centre) * rng.uniform(0.6, 1.5) + centre + rng.uniform(-0.15, 0.15)
    if rng.random() < 0.3:
        image = np.clip(image, 0, 1) ** np.exp(rng.uniform(-0.5, 0.5))
    if rng.random() < 0.3:
        image = image * rng.uniform(0.75, 1.25, 3).astype(np.float32)
    chance = rng.random()
    if chance < 0.15:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2)
    elif chance < 0.2:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.08:
        image = 1 - image
    if rng.random() < 0.15:
        image = image + rng.uniform(0.01, 0.06) * rng.standard_normal(image.shape, np.float32)
    return np.clip(image, 0, 1)


def view(rng: Generator, image: np.ndarray, label: np.ndarray, size: int, whole: float) -> tuple:
    """uint8 [H, W, 3] and [H, W] -> normalised float32 [3, size, size] (zero-padded), label [size, size]."""
    h, w = label.shape
    box = crop_box(rng, h, w, size, whole)
    cw, ch = box[2] - box[0], box[3] - box[1]
    scale = size / max(cw, ch)
    to = (max(1, int(cw * scale + 0.5)), max(1, int(ch * scale + 0.5)))
    window = np.s_[box[1] : box[3], box[0] : box[2]]
    pixels = np.asarray(Image.fromarray(image[window]).resize(to, Image.Resampling.BILINEAR), np.float32) / 255
    ids = np.asarray(Image.fromarray(label[window]).resize(to, Image.Resampling.NEAREST))
    turns = int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
    pixels, ids = np.rot90(pixels, turns), np.rot90(ids, turns)
    if rng.random() < 0.5:
        pixels, ids = pixels[:, ::-1], ids[:, ::-1]
    pixels = (tone(rng, pixels) - MEAN) / STD
    out = np.zeros((3, size, size), np.float32)
    out[:, : ids.shape[0], : ids.shape[1]] = pixels.transpose(2, 0, 1)
    padded = np.zeros((size, size), np.uint8)
    padded[: ids.shape[0], : ids.shape[1]] = ids
    return out, padded
