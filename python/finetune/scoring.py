"""Evaluation of a tuned or a base model: `pretrain.measure`, with the gates of each image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from evaluate.folders import LabelledImage, masks_of
from evaluate.objects import IGNORED
from mopeft.sam.model import Sam
from pretrain.measure import scores_at

from .config import TrainConfig, least_area
from .statistics import clustered
from .tuned import Tuned

MASK_THRESHOLDS = (0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2, 2)
"""Logits from which a pixel may count as foreground (`src/train/mask-threshold.ts`); SAM's own is 0."""
VALIDATION_SIDE = 1024
"""Most pixels of an image's longer side at which masks are measured in a validation (`src/train/measured-size.ts`)."""
LEAST_OBJECTS = 30
"""With fewer validation objects the threshold stays at 0."""
USUAL_SPREAD = 0.13
"""Standard error of a mean gain in IoU times the root of its objects (`src/train/selection.ts`)."""

Gates = list[dict[str, float]]


@dataclass
class ImageScore:
    """One entry per object in each list; gates: one layer per block."""

    name: str
    box: list[float]
    click: list[float]
    best: list[float]
    picked: list[bool]
    gates: Gates = field(default_factory=list)

    def record(self) -> dict:
        """For a JSON file, rounded to four digits."""
        rounded = {k: [round(float(x), 4) for x in getattr(self, k)] for k in ("box", "click", "best")}
        return asdict(self) | rounded | {"gates": [{m: round(g, 5) for m, g in layer.items()} for layer in self.gates]}


class Evaluator:
    """Evaluates images. The objects of an image are found once and remembered."""

    def __init__(self, config: TrainConfig, size: int) -> None:
        """size: side of the model's input."""
        self.config, self.size = config, size
        self.limits = (config.evalObjects, config.minSize, config.minArea, size)
        self._masks: dict[int, list[np.ndarray]] = {}

    def masks(self, image: LabelledImage) -> list[np.ndarray]:
        key = id(image)
        if key not in self._masks:
            self._masks[key] = masks_of(image, least_area(self.config, image.labels.shape, self.size), self.config.evalObjects)
        return self._masks[key]

    def is_reduced(self, images: list[LabelledImage], most: int) -> bool:
        """Whether masks of any image are measured at a smaller size than the image's."""
        return any(max(image.labels.shape) > most and self.masks(image) for image in images)

    def image(
        self, model: Tuned | Sam, image: LabelledImage, thresholds: Sequence[float] = (0,), most: int | None = None
    ) -> list[ImageScore]:
        """One entry per threshold; empty for an image without objects. most: as for `scores_at`."""
        masks = self.masks(image)
        if not masks:
            return []
        if isinstance(model, Tuned):
            model.key = f"{id(image)}"
        each = scores_at(model, image.image, masks, model.config["image_size"], thresholds, image.labels == IGNORED, most)
        gates = model.gate_values() if isinstance(model, Tuned) else []
        return [ImageScore(image.name, s.box, s.click, s.best, s.picked, gates) for s in each]

    def all(
        self, model: Tuned | Sam, images: list[LabelledImage], thresholds: Sequence[float] = (0,), most: int | None = None
    ) -> list[list[ImageScore]]:
        """For each threshold the images that have objects."""
        rows = [s for image in images if (s := self.image(model, image, thresholds, most))]
        return [[row[k] for row in rows] for k in range(len(thresholds))]


def mean_of(scores: list[ImageScore], key: str) -> float:
    """Mean over objects; 0 if there are none."""
    values = [v for s in scores for v in getattr(s, key)]
    return float(np.mean(values)) if values else 0.0


def mean_score(sets: list[list[ImageScore]]) -> float | None:
    """The mean of box and click IoU, averaged over the sets that have objects; None if none has."""
    values = [(mean_of(s, "box") + mean_of(s, "click")) / 2 for s in sets if any(i.box for i in s)]
    return sum(values) / len(values) if values else None


def gain_error(before: dict[str, list[ImageScore]], after: dict[str, list[ImageScore]]) -> float:
    """Standard error of the gain in `mean_score`, clustered by image.

    A single image tells no error: a set of one has that of as many objects with `USUAL_SPREAD`.
    """
    found = [clustered([gains(before[key], scores)]) for key, scores in after.items() if any(s.box for s in scores)]
    errors = [USUAL_SPREAD / n**0.5 if np.isnan(error) else error for _, error, n in found]
    return float(np.sqrt(np.sum(np.square(errors)))) / max(1, len(errors))


def gains(before: list[ImageScore], after: list[ImageScore]) -> dict[str, tuple[float, int]]:
    """By image: the gain in the mean of box and click IoU, summed over its objects, and the number of objects."""
    total = {s.name: sum(s.box) + sum(s.click) for s in before}
    return {s.name: ((sum(s.box) + sum(s.click) - total[s.name]) / 2, len(s.box)) for s in after}


def mean_gates(scores: list[ImageScore]) -> Gates:
    """Mean of each gate over images."""
    if not scores:
        return []
    return [{m: float(np.mean([s.gates[i][m] for s in scores])) for m in layer} for i, layer in enumerate(scores[0].gates)]
