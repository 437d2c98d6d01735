"""Images with exact masks, drawn by code: what photographs of the open sets do not show."""

import numpy as np

from .cutouts import Cutout, paste
from .looks import compressed, develop, read
from .scenes_micro import cells, grains, net, organs
from .scenes_world import cracks, paper, plants, regions, shapes, sick_leaf, surface, town

SCENES = {
    "cells": (cells, 3.0),
    "net": (net, 3.5),
    "grains": (grains, 1.0),
    "organs": (organs, 1.0),
    "cracks": (cracks, 5.0),
    "plants": (plants, 3.0),
    "sick_leaf": (sick_leaf, 1.5),
    "surface": (surface, 2.0),
    "regions": (regions, 1.5),
    "town": (town, 1.5),
    "paper": (paper, 1.0),
    "shapes": (shapes, 2.5),
}
CUTOUT_WEIGHT = 4.0

Drawn = tuple[np.ndarray, np.ndarray, list[list[int]], str]


def draw(seed: int, index: int, stock: list[Cutout], grounds: list[np.ndarray]) -> Drawn:
    """Image `index` of the seed: image [H, W, 3] uint8, label [H, W] uint8, objects, scene name."""
    rng = np.random.default_rng([seed, index])
    names = [*SCENES, "cutouts"]
    weights = np.array([*(w for _, w in SCENES.values()), CUTOUT_WEIGHT if stock else 0.0])
    while True:
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        canvas = paste(rng, stock, grounds) if name == "cutouts" else SCENES[name][0](rng)
        if canvas.objects:
            file = compressed(rng, develop(rng, canvas.image))
            return read(file), canvas.label, canvas.objects, name
