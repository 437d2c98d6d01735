"""Evaluation of a tuned or a base model: `pretrain.measure` with the gates that each image drew."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from evaluate.folders import LabelledImage, masks_of
from pretrain.measure import scores_at
from pretrain.model import Sam

from .statistics import clustered
from .tuned import Tuned

CUTS = (0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2, 2)
"""Logits at which masks may be cut (`src/train/mask-threshold.ts`); SAM cuts at 0."""
LEAST_OBJECTS = 30
"""With fewer validation objects masks are cut at 0."""

Gates = list[dict[str, float]]


@dataclass
class ImageScore:
    """One entry an object; gates: a layer a block."""

    name: str
    box: list[float]
    click: list[float]
    best: list[float]
    picked: list[bool]
    gates: Gates = field(default_factory=list)

    def record(self) -> dict:
        """For a json file, four digits."""
        rounded = {k: [round(float(x), 4) for x in getattr(self, k)] for k in ("box", "click", "best")}
        return asdict(self) | rounded | {"gates": [{m: round(g, 5) for m, g in layer.items()} for layer in self.gates]}


class Evaluator:
    """Evaluates images; the objects that are asked for are found once an image."""

    def __init__(self, objects: int, least: float) -> None:
        self.objects = objects
        self.least = least
        self._masks: dict[int, list[np.ndarray]] = {}

    def masks(self, image: LabelledImage) -> list[np.ndarray]:
        key = id(image)
        if key not in self._masks:
            self._masks[key] = masks_of(image, self.least, self.objects)
        return self._masks[key]

    def image(self, model: Tuned | Sam, image: LabelledImage, cuts: Sequence[float] = (0,)) -> list[ImageScore]:
        """An entry a cut; empty without objects."""
        masks = self.masks(image)
        if not masks:
            return []
        if isinstance(model, Tuned):
            model.key = f"{id(image)}"
        each = scores_at(model, image.image, masks, model.config["image_size"], cuts)
        gates = model.gate_values() if isinstance(model, Tuned) else []
        return [ImageScore(image.name, s.box, s.click, s.best, s.picked, gates) for s in each]

    def all(self, model: Tuned | Sam, images: list[LabelledImage], cuts: Sequence[float] = (0,)) -> list[list[ImageScore]]:
        """By cut the images that have objects."""
        rows = [s for image in images if (s := self.image(model, image, cuts))]
        return [[row[k] for row in rows] for k in range(len(cuts))]


def mean_of(scores: list[ImageScore], key: str) -> float:
    """Mean over objects; 0 without any."""
    values = [v for s in scores for v in getattr(s, key)]
    return float(np.mean(values)) if values else 0.0


def mean_score(sets: list[list[ImageScore]]) -> float | None:
    """Mean over the sets that have objects of the mean of box and click IoU; None without any."""
    values = [(mean_of(s, "box") + mean_of(s, "click")) / 2 for s in sets if any(i.box for i in s)]
    return sum(values) / len(values) if values else None


def gain_error(before: dict[str, list[ImageScore]], after: dict[str, list[ImageScore]]) -> float:
    """Standard error of the gain in `mean_score` by set, with images as clusters; a set with a single one adds nothing to it."""
    errors = [clustered([gains(before[key], scores)])[1] for key, scores in after.items() if any(s.box for s in scores)]
    return float(np.sqrt(np.nansum(np.square(errors)))) / max(1, len(errors))


def gains(before: list[ImageScore], after: list[ImageScore]) -> dict[str, tuple[float, int]]:
    """By image: what the means of box and click IoU gained, summed over its objects, and their number."""
    total = {s.name: sum(s.box) + sum(s.click) for s in before}
    return {s.name: ((sum(s.box) + sum(s.click) - total[s.name]) / 2, len(s.box)) for s in after}


def mean_gates(scores: list[ImageScore]) -> Gates:
    """Mean of each gate over images."""
    if not scores:
        return []
    return [{m: float(np.mean([s.gates[i][m] for s in scores])) for m in layer} for i, layer in enumerate(scores[0].gates)]
