"""The settings of a run, with the engine's names (`src/config/train.ts`)."""

from dataclasses import dataclass, replace
from typing import get_type_hints

from ..errors import AskError
from ..preprocessing import input_shape

SPLIT_ORDERS = ("shuffled", "name")
LIMITS = {
    "steps": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
    "lrPeft": (0, 1),
    "lrGate": (0, 1),
    "lrDecoder": (0, 1),
    "warmup": (0, 1),
    "weightDecay": (0, 1),
    "clip": (0, 1000),
    "imagesPerStep": (1, 64),
    "objectsPerImage": (1, 64),
    "corrections": (0, 8),
    "boxJitter": (0, 0.5),
    "minCrop": (0.1, 1),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "evalEvery": (1, 1_000_000),
    "evalImages": (0, 100_000),
    "evalObjects": (1, 1000),
    "minSize": (0, 1024),
    "minArea": (0, 1),
    "patience": (0, 10_000),
}
"""Minimum and maximum of each number; a test compares them with the engine's."""


@dataclass(frozen=True)
class TrainConfig:
    """The engine's TRAIN_FIELDS with their defaults, except for three; a test compares them.

    `checkpointEvery`, `memory` and `weights` have no meaning here. Nor has `objectsPerPass`: all objects of an image share a pass. If an
    image has more objects than that, the engine draws all rounds of the first pass before those of the second, so its clicks
    differ.
    """

    steps: int = 300
    seed: int = 0
    lrPeft: float = 2e-3
    lrGate: float = 1e-3
    lrDecoder: float = 1e-4
    warmup: float = 0.05
    weightDecay: float = 0.01
    clip: float = 1.0
    imagesPerStep: int = 3
    objectsPerImage: int = 5
    corrections: int = 2
    clickPrompts: bool = True
    boxPrompts: bool = True
    wholePrompts: bool = False
    boxJitter: float = 0.1
    flips: bool = True
    quarterTurns: bool = True
    minCrop: float = 0.6
    brightness: float = 0.1
    contrast: float = 0.2
    splitOrder: str = "shuffled"
    evalEvery: int = 50
    evalImages: int = 0
    evalObjects: int = 5
    minSize: float = 4
    minArea: float = 0
    patience: int = 0


def least_area(config: TrainConfig, shape: tuple[int, int], size: int, aspect: str = "keep") -> float:
    """The fewest pixels of an object in an image [H, W] for a model of that size (`src/data/object-sizes.ts`)."""
    h, w = shape
    fh, fw = input_shape(shape, size, aspect)
    return max(config.minArea * w * h, config.minSize * config.minSize / (fw / w * (fh / h)))


def with_settings(config: TrainConfig, pairs: list[str]) -> TrainConfig:
    """A config changed by `name=value` pairs. AskError `config/invalid` for a wrong name or value, in the config as well."""
    kinds = get_type_hints(TrainConfig)
    changes: dict[str, object] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in kinds:
            raise AskError("config/invalid", "There is no such setting.", name, f"Settings are {', '.join(kinds)}.")
        changes[name] = parse_setting(name, value, kinds[name])
    return checked(replace(config, **changes))


def checked(config: TrainConfig) -> TrainConfig:
    """The same. AskError `config/invalid` for a number outside of its limits."""
    for name, (least, most) in LIMITS.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise AskError("config/invalid", f"The value is {value}.", name, f"Give a number from {least} to {most}.")
    return config


def parse_setting(name: str, value: str, kind: type) -> object:
    """Booleans are `true` or `false`, as in the engine's settings."""
    allowed = {"true": True, "false": False} if kind is bool else {v: v for v in SPLIT_ORDERS} if kind is str else None
    try:
        return allowed[value] if allowed else kind(value)
    except (KeyError, ValueError):
        wanted = " or ".join(allowed) if allowed else {int: "a whole number", float: "a number"}[kind]
        raise AskError("config/invalid", f"The value is {value!r}.", name, f"Give {wanted}.") from None
