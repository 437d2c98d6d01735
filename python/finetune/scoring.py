"""Evaluation of a tuned or a base model: `pretrain.measure.score` with the gates that each picture drew."""

from dataclasses import asdict, dataclass, field

import numpy as np

from pretrain.measure import Scores, score
from pretrain.model import Sam

from .data import Picture, masks_of
from .tuned import Tuned

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
    """Evaluates pictures; the objects that are asked for are found once a picture."""

    def __init__(self, objects: int, least: float) -> None:
        self.objects = objects
        self.least = least
        self._masks: dict[int, list[np.ndarray]] = {}

    def masks(self, picture: Picture) -> list[np.ndarray]:
        key = id(picture)
        if key not in self._masks:
            self._masks[key] = masks_of(picture, self.least, self.objects)
        return self._masks[key]

    def picture(self, model: Tuned | Sam, picture: Picture) -> ImageScore | None:
        """None without objects."""
        masks = self.masks(picture)
        if not masks:
            return None
        if isinstance(model, Tuned):
            model.key = f"{id(picture)}"
        s: Scores = score(model, picture.image, masks, model.config["image_size"])
        gates = model.gate_values() if isinstance(model, Tuned) else []
        return ImageScore(picture.name, s.box, s.click, s.best, s.picked, gates)

    def all(self, model: Tuned | Sam, pictures: list[Picture]) -> list[ImageScore]:
        return [s for picture in pictures if (s := self.picture(model, picture))]


def mean_of(scores: list[ImageScore], key: str) -> float:
    """Mean over objects; 0 without any."""
    values = [v for s in scores for v in getattr(s, key)]
    return float(np.mean(values)) if values else 0.0


def mean_gates(scores: list[ImageScore]) -> Gates:
    """Mean of each gate over pictures."""
    if not scores:
        return []
    return [{m: float(np.mean([s.gates[i][m] for s in scores])) for m in layer} for i, layer in enumerate(scores[0].gates)]
