import math


def half_up(x: float) -> int:
    """The nearest whole number, the larger of two: JavaScript's `Math.round`."""
    return math.floor(x + 0.5)
