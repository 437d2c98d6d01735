"""Evaluation of a tuned or a base model: `measure`, with the gates of each image."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from ..preprocessing import IMAGENET, Preprocessing
from ..sam.model import Sam
from .config import TrainConfig, least_area
from .crops import View, seen_shape, views_of
from .images import LabelledImage
from .measure import Scores, joined, scores_at
from .objects import IGNORED
from .statistics import clustered
from .team import ALONE, Team
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
    is_reduced: bool = False
    """Whether its masks were measured at a smaller size than the image's."""

    def record(self) -> dict:
        """For a JSON file, rounded to four digits."""
        rounded = {k: [round(float(x), 4) for x in getattr(self, k)] for k in ("box", "click", "best")}
        gates = [{m: round(g, 5) for m, g in layer.items()} for layer in self.gates]
        kept = {k: v for k, v in asdict(self).items() if k != "is_reduced"}
        return kept | rounded | {"gates": gates}


class Evaluator:
    """Evaluates images. The objects of an image are found once and remembered."""

    def __init__(self, config: TrainConfig, size: int, how: Preprocessing = IMAGENET, team: Team = ALONE) -> None:
        """size: side of the model's input; how: its preprocessing."""
        self.config, self.size, self.how, self.team = config, size, how, team
        self.limits = (config.evalObjects, config.minSize, config.minArea, size, how)
        self._views: WeakKeyDictionary[LabelledImage, list[View]] = WeakKeyDictionary()

    def views(self, image: LabelledImage) -> list[View]:
        """What a model sees of an image, one after the other: nothing of one without objects."""
        if image not in self._views:
            least = least_area(self.config, seen_shape(image.labels.shape, image.side), self.size, self.how.aspect)
            self._views[image] = views_of(image, least, self.config.evalObjects)
        return self._views[image]

    def image(
        self, model: Tuned | Sam, image: LabelledImage, thresholds: Sequence[float] = (0,), most: int | None = None
    ) -> list[ImageScore]:
        """One entry per threshold; empty for an image without objects. most: as for `scores_at`."""
        views = self.views(image)
        if not views:
            return []
        found: list[list[Scores]] = []
        gates: list[Gates] = []
        is_reduced = False
        for view in views:
            seen = view.crop or image
            if isinstance(model, Tuned):
                model.key = seen
            each = scores_at(model, seen.image, view.masks, model.config["image_size"], thresholds, seen.labels == IGNORED, most, self.how)
            found.append(each)
            gates += [model.gate_values()] if isinstance(model, Tuned) else []
            is_reduced |= most is not None and max(seen.labels.shape) > most
        own = [joined(each) for each in zip(*found, strict=True)]
        return [ImageScore(image.name, s.box, s.click, s.best, s.picked, mean_layers(gates), is_reduced) for s in own]

    def all(
        self, model: Tuned | Sam, images: Sequence[LabelledImage], thresholds: Sequence[float] = (0,), most: int | None = None
    ) -> list[list[ImageScore]]:
        """For each threshold the images that have objects."""
        own = [self.image(model, images[i], thresholds, most) for i in self.team.spread(range(len(images)))]
        rows = [row for row in self.team.joined(own, len(images)) if row]
        return [[row[k] for row in rows] for k in range(len(thresholds))]


def mean_of(scores: list[ImageScore], key: str) -> float:
    """Mean over objects; 0 if there are none."""
    values = [v for s in scores for v in getattr(s, key)]
    return float(np.mean(values)) if values else 0.0


def mean_score(sets: list[list[ImageScore]]) -> float | None:
    """The mean of box and click IoU, averaged over the sets that have objects; None if none has."""
    values = [(mean_of(s, "box") + mean_of(s, "click")) / 2 for s in sets if any(i.box for i in s)]
    return sum(values) / len(values) if values else None


StartSums = dict[str, list[dict]]
"""By dataset: for each image its `name`, `sum` (over its objects, of the mean of box and click IoU) and `n`, as a checkpoint has it."""


def sums_of(scores: list[ImageScore]) -> list[dict]:
    return [{"name": s.name, "sum": (sum(s.box) + sum(s.click)) / 2, "n": len(s.box)} for s in scores]


def gain_variances(before: StartSums, after: dict[str, list[ImageScore]]) -> list[tuple[float, int]]:
    """Of each set the variance of its mean gain, clustered by image, and its images; sets without an object are left out.

    A single image tells no error: a set of one has that of as many objects with `USUAL_SPREAD`.
    """
    each = [gains(before.get(key, []), scores) for key, scores in after.items() if any(s.box for s in scores)]
    found = [(*clustered([own])[1:], len(own)) for own in each]
    return [(USUAL_SPREAD**2 / n if np.isnan(error) else error**2, images) for error, n, images in found]


def gain_error(before: StartSums, after: dict[str, list[ImageScore]]) -> float:
    """Standard error of the gain in `mean_score`."""
    variances = [variance for variance, _ in gain_variances(before, after)]
    return float(np.sqrt(np.sum(variances))) / max(1, len(variances))


def gains(before: list[dict], after: list[ImageScore]) -> dict[str, tuple[float, int]]:
    """By image: the gain in the mean of box and click IoU, summed over its objects, and the number of objects."""
    total = {image["name"]: image["sum"] for image in before}
    return {image["name"]: (image["sum"] - total.get(image["name"], image["sum"]), image["n"]) for image in sums_of(after)}


def mean_gates(scores: list[ImageScore]) -> Gates:
    """Mean of each gate over images."""
    return mean_layers([s.gates for s in scores])


def mean_layers(each: Sequence[Gates]) -> Gates:
    if not each:
        return []
    return [{m: float(np.mean([layers[i][m] for layers in each])) for m in layer} for i, layer in enumerate(each[0])]
