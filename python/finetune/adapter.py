"""Opens an adapter that the engine wrote (docs/formats.md), pruned modules and all."""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file

from pretrain.export import read_model

from .config import Mopeft
from .methods import METHODS
from .methods.method import Size
from .tuned import Tuned

UNKNOWN_HERE = {("lora", "alpha"): 0, ("adapter", "activation"): "gelu"}
"""Settings of the engine that the twin lacks, with the value that it has."""


def open_adapter(model: Path, weights: Path) -> tuple[Tuned, dict]:
    """A base model with an `adapter.safetensors`, and the record in it. SystemExit for what the twin lacks."""
    with safe_open(weights, "pt") as file:
        record = json.loads((file.metadata() or {}).get("record") or (weights.parent / "adapter.json").read_text())
    sam = read_model(model)
    tuned = Tuned(sam, mopeft_of(record["mopeft"], sam.config["num_hidden_layers"]), 0)
    tensors = load_file(weights)
    tuned.load(tuned.state() | tensors)
    missing = [name for name in needed(tuned) if name not in tensors]
    if missing:
        raise SystemExit(f"{weights}: the tensor {missing[0]} is missing")
    return tuned, record


def needed(tuned: Tuned) -> list[str]:
    """The names of all tensors but those of modules that are not there."""
    off = tuple(f"blocks.{i}.{start}{m}." for i, m in tuned.off for start in ("", "gate."))
    return [name for name in tuned.trained if not name.startswith(off)]


def mopeft_of(record: dict, blocks: int) -> Mopeft:
    """What a record's `mopeft` says, for a model of so many blocks."""
    sizes: dict[str, Size] = {}
    for method, settings in record["methods"].items():
        if method not in METHODS:
            raise SystemExit(f"the adapter has the method {method}, which the twin does not have")
        for name, value in settings.items():
            usual = UNKNOWN_HERE.get((method, name))
            if usual is None and sizes.setdefault(name, value) != value:
                raise SystemExit(f"the adapter's methods differ in {name}, and the twin has one for all")
            if usual is not None and value != usual:
                raise SystemExit(f"the adapter's {method} has {name} {value}, and the twin has {usual}")
    left_out = {m: set(range(blocks)) - set(record["blocks"]) | set(record.get("pruned", {}).get(m, ())) for m in record["methods"]}
    return Mopeft(
        tuple(m for m in METHODS if m in record["methods"]),
        record["gate"],
        record["trainDecoder"],
        sizes,
        max(1, len(record.get("datasets", ()))),
        budget=record.get("budget", 1),
        dropped=tuple((i, m) for m, out in left_out.items() for i in sorted(out)),
    )
