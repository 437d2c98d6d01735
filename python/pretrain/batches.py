"""Training batches as a function of the step: nothing to save for a resume but the step itself."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator

from .augment import view
from .config import micro_count, phase_at
from .packs import Pack
from .prompts import first_prompt

LEAST_AREA = 0.0012


@dataclass
class Batch:
    """image [B, 3, S, S]; label [B, 4G, 4G] uint8; target [B·O, 4G, 4G]; points [B·O, 2, 2]; labels [B·O, 2].

    At first the image is float16 and the target bool, to save memory while batches wait for a GPU.
    """

    image: torch.Tensor
    label: torch.Tensor
    target: torch.Tensor
    points: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device, in float32."""
        image, label, target, points, labels = (t.to(device, non_blocking=True) for t in vars(self).values())
        return Batch(image.float(), label, target.float(), points, labels)

    def pin_memory(self) -> "Batch":
        return Batch(*(t.pin_memory() for t in vars(self).values()))


def low_res(mask: np.ndarray, grid: int) -> np.ndarray:
    """Area average on the grid, thresholded at a half, or at a quarter for thin objects that would vanish."""
    k = mask.shape[0] // grid
    counts = sum(mask[i::k, j::k].astype(np.uint16) for i in range(k) for j in range(k))
    cover = counts.astype(np.float32) / (k * k)
    mask = cover >= 0.5
    return mask if mask.sum() >= 0.6 * cover.sum() else cover >= 0.25


def pick_objects(rng: Generator, label: np.ndarray, objects: list[np.ndarray], count: int) -> list[np.ndarray]:
    """`count` masks, larger objects more often; objects repeat if there are too few; [] if there are none."""
    areas = np.bincount(label.ravel(), minlength=256)
    sizes = np.array([areas[ids].sum() for ids in objects], np.float64)
    able = np.flatnonzero((sizes >= LEAST_AREA * label.size) & (sizes < 0.95 * label.size))
    if len(able) == 0:
        return []
    weights = np.sqrt(sizes[able])
    chosen = rng.choice(able, min(count, len(able)), replace=False, p=weights / weights.sum())
    belongs = np.zeros((len(chosen), 256), bool)
    for row, i in zip(belongs, chosen, strict=True):
        row[objects[i]] = True
    masks = [row[label] for row in belongs]
    return [masks[i % len(masks)] for i in range(count)]


class Steps:
    def __init__(self, config: dict, run: Path) -> None:
        self.config = config
        self.open, self.drawn = Pack(run / "open"), Pack(run / "drawn")
        names = config["data"]["train_sets"]
        self.pools = [self.open.of_set(n) for n in names]
        weights = np.sqrt([len(p) for p in self.pools])
        self.weights = weights / weights.sum()

    def pick(self, rng: Generator) -> tuple:
        if rng.random() < self.config["data"]["drawn_share"]:
            return self.drawn[int(rng.integers(len(self.drawn)))]
        pool = self.pools[int(rng.choice(len(self.pools), p=self.weights))]
        return self.open[int(rng.choice(pool))]

    def sample(self, rng: Generator, size: int, grid: int, count: int, whole: float) -> tuple:
        while True:
            image, label, objects = self.pick(rng)
            pixels, ids = view(rng, image, label, size, whole)
            masks = pick_objects(rng, ids, objects, count)
            if masks:
                break
        lows = [low_res(m, grid) for m in masks]
        prompts = [first_prompt(rng, m, low) for m, low in zip(masks, lows, strict=True)]
        k = size // grid
        return pixels, ids[k // 2 :: k, k // 2 :: k], np.stack(lows), *map(np.stack, zip(*prompts, strict=True))

    def batch(self, step: int, k: int) -> Batch:
        """Micro-batch k of a step."""
        phase = phase_at(self.config, step)
        rng = np.random.default_rng([self.config["train"]["seed"], step, k])
        grid = phase["size"] // self.config["model"]["patch_size"] * 4
        args = (rng, phase["size"], grid, phase["objects"], phase["whole"])
        samples = [self.sample(*args) for _ in range(phase["batch"] // micro_count(self.config))]
        image, label, low, points, labels = map(np.stack, zip(*samples, strict=True))
        return Batch(
            torch.from_numpy(image).half(),
            torch.from_numpy(label),
            torch.from_numpy(low).flatten(0, 1),
            torch.from_numpy(points).flatten(0, 1).float(),
            torch.from_numpy(labels).flatten(0, 1).long(),
        )
