"""One figure a question, as SVG: a row an arm, values with their errors."""

from dataclasses import dataclass, field
from pathlib import Path

from mopeft.files import whole


@dataclass(frozen=True)
class Point:
    """row: its place on the vertical axis, series: its colour; error: half the length of its bar, nan for none."""

    row: str
    series: str
    value: float
    error: float


@dataclass(frozen=True)
class Figure:
    """lines: values of the rule, drawn across. The first point of a row decides where the row stands, from the top."""

    title: str
    axis: str
    points: list[Point]
    lines: list[float] = field(default_factory=lambda: [0.0])


COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Told apart by the colour-blind (Okabe and Ito)."""
APART = 0.18
"""Between series of a row, in rows."""


def draw(figure: Figure, path: Path) -> None:
    """The same figure gives the same file."""
    # Only figures need it, and it takes a second.
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "mopeft", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
    from matplotlib import pyplot

    rows, series = (list(dict.fromkeys(getattr(p, key) for p in figure.points)) for key in ("row", "series"))
    canvas, axes = pyplot.subplots(figsize=(7, 1.1 + 0.34 * len(rows)), layout="constrained")
    for value in figure.lines:
        axes.axvline(value, color="#777777", linewidth=0.8, linestyle="--" if value else "-")
    for k, name in enumerate(series):
        points = [p for p in figure.points if p.series == name]
        heights = [rows.index(p.row) + APART * (k - (len(series) - 1) / 2) for p in points]
        errors = [0 if p.error != p.error else p.error for p in points]
        axes.errorbar([p.value for p in points], heights, xerr=errors, fmt="o", markersize=4, color=COLOURS[k % len(COLOURS)], label=name)
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.set_xlabel(figure.axis)
    axes.set_title(figure.title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    with whole(path) as file:
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(canvas)
