"""What a camera, a microscope or a scanner does to an image."""

from io import BytesIO

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage


def develop(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Blur, vignette, noise, grey, inversion, tone; [H, W, 3] float -> uint8."""
    h, w, _ = image.shape
    if rng.random() < 0.3:
        s = rng.uniform(0.3, 1.4)
        image = ndimage.gaussian_filter(image, (s, s, 0))
    if rng.random() < 0.25:
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        image = image * (1 - rng.uniform(0.1, 0.5) * (x * x + y * y) / 2)[..., None]
    if rng.random() < 0.4:
        grey = image @ np.array([0.3, 0.59, 0.11], np.float32)
        image = np.clip(grey[..., None] * rng.uniform(0.2, 1.4, 3), 0, 1) if rng.random() < 0.15 else np.repeat(grey[..., None], 3, 2)
    if rng.random() < 0.15:
        image = 1 - image
    if rng.random() < 0.3:
        image = np.clip(image, 0, 1) ** rng.uniform(0.5, 2)
    if rng.random() < 0.25:
        low, high = np.percentile(image, [1, 99])
        image = (image - low) / (high - low + 1e-3)
    if rng.random() < 0.6:
        one = rng.standard_normal((h, w, 1 if rng.random() < 0.6 else 3))
        amount = rng.choice([0.01, 0.03, 0.08]) * rng.uniform(0.5, 1.5)
        image = image + amount * one * (np.sqrt(np.clip(image, 0, 1)) if rng.random() < 0.3 else 1)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def compressed(rng: Generator, image: np.ndarray) -> bytes:
    """As most images come: a JPEG of quality 75 to 96."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(75, 97)))
    return file.getvalue()


def read(file: bytes) -> np.ndarray:
    """The image [H, W, 3] uint8 of a file."""
    return np.asarray(Image.open(BytesIO(file)))
