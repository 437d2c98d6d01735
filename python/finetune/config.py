"""The settings of a run, with the engine's names (`src/config/train.ts`), and what is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import get_type_hints

from mopeft.config import MopeftConfig
from mopeft.fields import Value
from mopeft.methods import METHODS, RECIPES
from mopeft.preprocessing import input_shape
from mopeft.sam.site import Site

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


def least_area(config: TrainConfig, shape: tuple[int, int], size: int) -> float:
    """The fewest pixels of an object in an image [H, W] for a model of that size (`src/data/object-sizes.ts`)."""
    h, w = shape
    fh, fw = input_shape(shape, size)
    return max(config.minArea * w * h, config.minSize * config.minSize / (fw / w * (fh / h)))


@dataclass(frozen=True)
class Mopeft:
    """What is trained. gate None: `unipelt` for two methods or more, else `none`; sizes: settings other than the methods' defaults.

    sets: how many datasets train together; token: whether each has a learned token beside the prompt's, for forms and methods that
    tell datasets apart; budget: the share of the modules' parameters that `hard` and `budget` may keep.
    """

    methods: tuple[str, ...]
    gate: str | None = None
    train_decoder: bool = True
    sizes: Mapping[str, Value] = field(default_factory=dict)
    sets: int = 1
    token: bool = False
    budget: float = 1
    dropped: tuple[tuple[int, str], ...] = ()
    """Modules that are not there, by block and method."""

    @property
    def form(self) -> str:
        return self.gate or ("unipelt" if len(self.methods) > 1 else "none")

    def on(self, sites: Sequence[Site]) -> MopeftConfig:
        """The config for a model's blocks; datasets are named by their index."""
        methods = {}
        for id in self.methods:
            defaults = {name: field.default for name, field in METHODS[id].fields(sites).items()}
            methods[id] = defaults | {name: value for name, value in self.sizes.items() if name in defaults}
        names = tuple(str(i) for i in range(self.sets))
        blocks = tuple(range(len(sites))) if methods else ()
        return MopeftConfig(methods, self.form, blocks, self.train_decoder, self.token, names)


def parse_method(name: str) -> tuple[str, ...]:
    """A recipe's name, or ids of methods joined by +; in the registry's order."""
    asked = set(RECIPES.get(name, name.split("+")))
    if asked - set(METHODS):
        raise SystemExit(f"no method {name}: use {', '.join(RECIPES)}, or {', '.join(METHODS)} joined by +")
    return tuple(m for m in METHODS if m in asked)


def with_settings(config: TrainConfig, pairs: list[str]) -> TrainConfig:
    """A config changed by `name=value` pairs; SystemExit for a wrong name or value, in the config as well."""
    kinds = get_type_hints(TrainConfig)
    changes: dict[str, object] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in {f.name for f in fields(TrainConfig)}:
            raise SystemExit(f"no setting {name}: settings are {', '.join(kinds)}")
        changes[name] = parse_setting(name, value, kinds[name])
    changed = replace(config, **changes)
    for name, (least, most) in LIMITS.items():
        value = getattr(changed, name)
        if not least <= value <= most:
            raise SystemExit(f"{name} is {value}: give a number from {least} to {most}")
    return changed


def of_seed(seed: int, pairs: list[str]) -> TrainConfig:
    """The settings of one of several runs that differ in their seeds."""
    if any(pair.partition("=")[0] == "seed" for pair in pairs):
        raise SystemExit("seed is a setting of every run here: give --seeds and --first-seed in place of it")
    return with_settings(TrainConfig(seed=seed), pairs)


def parse_setting(name: str, value: str, kind: type) -> object:
    """Booleans are `true` or `false`, as in the engine's settings."""
    allowed = {"true": True, "false": False} if kind is bool else {v: v for v in SPLIT_ORDERS} if kind is str else None
    try:
        return allowed[value] if allowed else kind(value)
    except (KeyError, ValueError):
        wanted = " or ".join(allowed) if allowed else {int: "a whole number", float: "a number"}[kind]
        raise SystemExit(f"{name} is {value!r}: give {wanted}") from None
