"""Errors of mean gains, clustered by image."""

from collections import defaultdict

import numpy as np


def clustered(parts: list[dict[str, tuple[float, int]]]) -> tuple[float, float, int]:
    """Mean difference over objects, its standard error with whole images as clusters (nan for one), and the number of objects.

    parts: by image the sum over its objects and their number, of several runs; an image tested in several of them is one cluster.
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
