"""Paired differences of IoUs, with errors clustered by image."""

from collections import defaultdict

import numpy as np


def paired(before: list[dict], after: list[dict], key: str) -> dict[str, tuple[float, int]]:
    """By image: the sum of (after − before) over its objects, and their number. Both are ImageScore records of the same images."""
    first = {s["name"]: s[key] for s in before}
    return {s["name"]: (float(np.sum(s[key]) - np.sum(first[s["name"]])), len(s[key])) for s in after}


def mean_of_runs(parts: list[dict], when: str, key: str) -> float:
    """The mean over the objects of all runs, as for gains, so that a gain is the difference of the means beside it.

    parts: one set's part of several results, with at least one object.
    """
    return float(np.average([s[when][key] for s in parts], weights=[s["n"] for s in parts]))


def standard_error(values: np.ndarray) -> float:
    """Of the mean of independent values; nan for a single one."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def mean_over_sets(values: list[float | None]) -> tuple[float, float] | None:
    """The mean of what is known of each set, and two standard errors over sets; None if nothing is known."""
    known = np.array([v for v in values if v is not None])
    return (float(known.mean()), 2 * standard_error(known)) if len(known) else None


def over_sets(values: list[float | None]) -> str:
    """`mean_over_sets` in words."""
    spread = mean_over_sets(values)
    return f"{spread[0]:+.4f} ± {spread[1]:.4f}" if spread else ""


def clustered(parts: list[dict[str, tuple[float, int]]]) -> tuple[float, float, int]:
    """Mean difference over objects, its standard error with whole images as clusters (nan for one), and the number of objects.

    parts: results of `paired` for several runs; an image tested in several of them is one cluster.
    """
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for part in parts:
        for name, (total, n) in part.items():
            sums[name] += total
            counts[name] += n
    objects = sum(counts.values())
    mean = sum(sums.values()) / max(1, objects)
    off = np.array([sums[name] - mean * counts[name] for name in sums])
    m = len(off)
    error = float(np.sqrt((off**2).sum() * m / (m - 1))) / objects if m > 1 and objects else float("nan")
    return mean, error, objects
