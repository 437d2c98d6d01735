"""Question 4: does a convolution help with thin things, where nothing did?"""

import itertools
import json
from collections import defaultdict
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy import ndimage

from mopeft.random import Random
from mopeft.train.config import TrainConfig
from mopeft.train.images import LabelledImage
from mopeft.train.statistics import clustered

from ..config import of_seed
from ..data import DataSet
from ..jobs import Job
from ..run import run
from ..statistics import paired, standard_error
from ..sweep import mopeft_of
from ..table import base_of, set_of
from .figure import Figure, Point

ARMS = ("adapter", "conv_pass", "mopeft", "lora+prefix+adapter+conv_pass")
WITHOUT = {"conv_pass": "adapter", "lora+prefix+adapter+conv_pass": "mopeft"}
"""What an arm with the convolution is compared with."""
VESSELS = "vessels"
SIDE, DRAWN = 128, 40


@cache
def vessels() -> DataSet:
    """Drawn: trees of bright lines, 1 to 4 pixels wide, that fork; all of an image is one object."""
    images = []
    for i in range(DRAWN):
        random = Random(i, "thin vessels")
        ground = ndimage.gaussian_filter(np.array([random.uniform() for _ in range(64)]).reshape(8, 8), 1)
        level = 70 + 60 * ndimage.zoom(ground, SIDE // 8, order=1)
        mask = np.zeros((SIDE, SIDE), bool)
        for _ in range(3):
            grow(mask, random, (random.range(0, SIDE), random.range(0, SIDE)), random.range(0, 2 * np.pi), random.range(2, 4))
        soft = ndimage.gaussian_filter(mask.astype(float), 0.7)
        noise = np.array([random.normal() for _ in range(SIDE * SIDE)]).reshape(SIDE, SIDE)
        grey = np.clip(level + 45 * soft + 9 * noise, 0, 255).astype(np.uint8)
        labels = mask.astype(int)
        images.append(LabelledImage(f"{i}.png", np.stack([grey] * 3, -1), labels, "ids", labels))
    return DataSet(VESSELS, images, f"{VESSELS} 1")


def grow(mask: np.ndarray, random: Random, at: tuple[float, float], angle: float, width: float) -> None:
    """Draws a branch and what forks from it, until it is under a pixel wide or leaves the image."""
    y, x = at
    rows, columns = np.mgrid[:SIDE, :SIDE]
    while width >= 1 and 0 <= y < SIDE and 0 <= x < SIDE:
        mask |= (rows - y) ** 2 + (columns - x) ** 2 <= (width / 2) ** 2
        angle += random.range(-0.25, 0.25)
        y, x, width = y + np.sin(angle), x + np.cos(angle), width - 0.015
        if random.uniform() < 0.02:
            grow(mask, random, (y, x), angle + (0.7 if random.uniform() < 0.5 else -0.7), 0.7 * width)


def jobs(model: Path, folders: list[Path], arms: list[str], seeds: list[int], settings: list[str], out: Path) -> list[Job]:
    """A job a run, seed by seed, on the folders' sets and on drawn vessels; the last weights are tested."""
    sets = [*folders, None]
    return [partial(one, model, folder, arm, of_seed(seed, settings), out) for seed, folder, arm in itertools.product(seeds, sets, arms)]


def one(model: Path, folder: Path | None, arm: str, config: TrainConfig, out: Path) -> str:
    """folder None: the drawn vessels."""
    data = set_of(folder) if folder else vessels()
    where = out / data.key / arm / f"seed{config.seed}"
    result = run(model, base_of(model), [data], mopeft_of(arm), config, where, keep=False, validates=False)
    s = result["sets"][data.key]
    return f"{data.key} {arm} seed {config.seed}: " + ", ".join(
        f"{k} {s['before'][k]:.3f} -> {s['after'][k]:.3f}" for k in ("box", "click")
    )


def read(out: Path) -> dict[tuple[str, str], dict[int, dict]]:
    """By set and arm, then seed."""
    found: dict[tuple[str, str], dict[int, dict]] = defaultdict(dict)
    for path in sorted(out.glob("*/*/seed*/result.json")):
        name, arm, seed = path.relative_to(out).parts[:3]
        found[name, arm][int(seed.removeprefix("seed"))] = json.loads(path.read_text())["sets"][name]
    return found


def over_without(found: dict[tuple[str, str], dict[int, dict]], name: str, arm: str, key: str) -> tuple[float, float, int] | None:
    """What an arm gains over the same without the convolution, in the seeds that both have, with its error and the objects."""
    other, by_seed = found.get((name, WITHOUT.get(arm, "")), {}), found[name, arm]
    both = [s for s in by_seed if s in other]
    return clustered([paired(other[s]["after"]["images"], by_seed[s]["after"]["images"], key) for s in both]) if both else None


def table(out: Path) -> str:
    """By set and arm: mean IoU after, the paired gain over the base, and over the same without the convolution."""
    found = read(out)
    lines = ["| set | arm | prompt | IoU | over the base | over the same without the convolution | seeds |", "|---" * 7 + "|"]
    for (name, arm), by_seed in found.items():
        for key in ("box", "click"):
            over_base = clustered([paired(s["before"]["images"], s["after"]["images"], key) for s in by_seed.values()])
            over_other = over_without(found, name, arm, key)
            iou = [s["after"][key] for s in by_seed.values()]
            spread = f" ± {standard_error(np.array(iou)):.3f}" if len(iou) > 1 else ""
            cells = [f"{np.mean(iou):.3f}{spread}", gain(over_base), gain(over_other) if over_other else ""]
            lines.append(f"| {name} | {arm} | {key} | {' | '.join(cells)} | {len(by_seed)} |")
    return "\n".join(lines) + "\n"


def gain(difference: tuple[float, float, int]) -> str:
    """± two standard errors."""
    return f"{difference[0]:+.4f} ± {2 * difference[1]:.4f}"


def figure(out: Path) -> Figure:
    found = read(out)
    gains = [(name, arm, key, over_without(found, name, arm, key)) for name, arm in found for key in ("box", "click")]
    points = [Point(f"{name}: {arm}", key, g[0], 2 * g[1]) for name, arm, key, g in gains if g]
    return Figure("What a convolution adds with thin things", "IoU over the same without it, ± two errors", points)
