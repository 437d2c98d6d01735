"""What may be set about a run: the engine's settings by their own names (`src/config/train.ts`), and the method."""

from dataclasses import dataclass, fields, replace
from typing import get_type_hints

METHODS = ("lora", "prefix", "adapter")
SPLIT_ORDERS = ("shuffled", "name")


@dataclass(frozen=True)
class TrainConfig:
    """The engine's TRAIN_FIELDS with their defaults, which a test holds equal; `checkpointEvery` and `objectsPerPass` mean nothing here."""

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
    minArea: float = 0.002
    patience: int = 0


@dataclass(frozen=True)
class Mopeft:
    """What is trained. gate None: `unipelt` for two methods or more, else `none`; sizes None: the engine's defaults."""

    methods: tuple[str, ...]
    gate: str | None = None
    train_decoder: bool = True
    rank: int = 8
    length: int | None = None
    bottleneck: int | None = None

    @property
    def form(self) -> str:
        return self.gate or ("unipelt" if len(self.methods) > 1 else "none")

    def sizes(self, model: dict) -> dict[str, int]:
        """Rank, prefix length and bottleneck for a model section of the recipe (see `src/peft`)."""
        grid = model["image_size"] // model["patch_size"]
        layers = range(model["num_hidden_layers"])
        sides = [grid if i in model["global_attn_indexes"] else model["window_size"] for i in layers]
        return {
            "rank": self.rank,
            "length": self.length or max(1, min(10, min(sides) ** 2 // 16)),
            "bottleneck": self.bottleneck or max(8, model["hidden_size"] // 16),
        }


def parse_method(name: str) -> tuple[str, ...]:
    """`mopeft`, `decoder` (no method), or ids joined by +; in the registry's order."""
    asked = {"mopeft": set(METHODS), "decoder": set()}.get(name, set(name.split("+")))
    if asked - set(METHODS):
        raise SystemExit(f"no method {name}: use mopeft, decoder, or {', '.join(METHODS)} joined by +")
    return tuple(m for m in METHODS if m in asked)


def with_settings(config: TrainConfig, pairs: list[str]) -> TrainConfig:
    """`name=value` pairs put over a config."""
    kinds = get_type_hints(TrainConfig)
    changes: dict[str, object] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in {f.name for f in fields(TrainConfig)}:
            raise SystemExit(f"no setting {name}: settings are {', '.join(kinds)}")
        changes[name] = parse_setting(name, value, kinds[name])
    return replace(config, **changes)


def parse_setting(name: str, value: str, kind: type) -> object:
    """Booleans are `true` or `false`, as in the engine's settings."""
    allowed = {"true": True, "false": False} if kind is bool else {v: v for v in SPLIT_ORDERS} if kind is str else None
    try:
        return allowed[value] if allowed else kind(value)
    except (KeyError, ValueError):
        wanted = " or ".join(allowed) if allowed else {int: "a whole number", float: "a number"}[kind]
        raise SystemExit(f"{name} is {value!r}: give {wanted}") from None
