"""An image under construction: colours, the label map, and the objects drawn so far."""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from .texture import texture


@dataclass
class Canvas:
    """image [H, W, 3] float in 0..1, label [H, W] uint8, objects: lists of label ids."""

    rng: Generator
    image: np.ndarray
    label: np.ndarray
    objects: list[list[int]] = field(default_factory=list)
    last: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        return self.label.shape

    @property
    def full(self) -> bool:
        return self.last >= 250

    def blend(self, alpha: np.ndarray, colour: np.ndarray) -> None:
        """Mix colour ([3] or [H, W, 3]) over the image with alpha [H, W] in 0..1."""
        self.image += alpha[..., None] * (colour - self.image)

    def paint(self, mask: np.ndarray, colour: np.ndarray, soft: float = 0.6, alpha: float = 1.0) -> None:
        """Colour under a mask, its edge softened by `soft` pixels; no label."""
        a = mask.astype(np.float32)
        if soft > 0:
            a = ndimage.gaussian_filter(a, soft)
        self.blend(a * alpha, colour)

    def mark(self, mask: np.ndarray, whole: bool = True) -> int:
        """Give the pixels a new id; `whole` makes the id an object of its own."""
        if self.full:
            return 0
        self.last += 1
        self.label[mask] = self.last
        if whole:
            self.objects.append([self.last])
        return self.last


def blank(rng: Generator, size: int = 256) -> Canvas:
    """A textured canvas whose longer side is `size`."""
    h, w = size, size
    if rng.random() < 0.4:
        short = int(rng.integers(int(size * 0.62), size))
        h, w = (short, size) if rng.random() < 0.5 else (size, short)
    return Canvas(rng, texture(rng, h, w), np.zeros((h, w), np.uint8))
