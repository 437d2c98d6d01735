"""Paired differences of IoUs, with errors clustered by image."""

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
