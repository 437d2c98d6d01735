"""The one config file: read, checked, and kept in every checkpoint."""

import json
from pathlib import Path

SECTIONS = ("model", "data", "drawn", "train", "phases")


def load(path: Path) -> dict:
    config = json.loads(path.read_text())
    missing = [s for s in SECTIONS if s not in config]
    if missing:
        raise SystemExit(f"{path}: missing {', '.join(missing)}")
    both = set(config["data"]["train_sets"]) & set(config["data"]["held_out_sets"])
    if both:
        raise SystemExit(f"{path}: {', '.join(sorted(both))} are both in train_sets and in held_out_sets")
    return config


def phase_at(config: dict, step: int) -> dict:
    """The phase (size, batch, objects, losses …) that step belongs to, with `first` and `last` steps."""
    first = 0
    for phase in config["phases"]:
        last = first + phase["steps"]
        if step < last:
            return {**phase, "first": first, "last": last}
        first = last
    raise IndexError(step)


def total_steps(config: dict) -> int:
    return sum(phase["steps"] for phase in config["phases"])


def largest_size(config: dict, step: int) -> int:
    """The largest input size of the phases that begin before step."""
    first, largest = 0, 0
    for phase in config["phases"]:
        if first < step:
            largest = max(largest, phase["size"])
        first += phase["steps"]
    return largest


def micro_count(config: dict) -> int:
    """Micro-batches per step; every phase's batch is divided into that many equal pieces."""
    count = config["train"]["micro_batches"]
    if any(phase["batch"] % count for phase in config["phases"]):
        raise SystemExit(f"every phase's batch must be a multiple of {count}")
    return count
