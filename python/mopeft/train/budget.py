"""Taking out modules while a run trains, until a share of their parameters is left (gate form `budget`).

The schedule is AdaLoRA's (arXiv 2303.10512) over whole modules: all of them for the first 30 % of the steps, then fewer along a
cubic, and the last 30 % train what is left. What goes first is worth the least for its number of parameters.
"""

from collections.abc import Callable

from .tuned import Module, Tuned

FIRST, LAST = 0.3, 0.7
REMOVALS = 8
"""Times that modules are taken out, evenly spaced: what is left is planned anew each time."""
SMOOTHING = 0.85

Worth = Callable[[int, str], float]
"""What a module is worth, by block and method."""


def share_at(progress: float, budget: float) -> float:
    """The share that may be kept at a progress of 0 to 1."""
    left = 1 - min(1, max(0, (progress - FIRST) / (LAST - FIRST)))
    return budget + (1 - budget) * left**3


def is_settled(progress: float) -> bool:
    """Whether no module is taken out any more, so that a validation is of what will be kept."""
    return progress >= LAST


def beyond(modules: list[Module], most: float) -> list[tuple[int, str]]:
    """The first modules, to be taken out so that the others have at most that many parameters; the last one stays."""
    kept, out = sum(n for _, _, n in modules), []
    for i, m, n in modules[:-1]:
        if kept <= most + 0.5:
            break
        out.append((i, m))
        kept -= n
    return out


class Budget:
    """Scores modules by their gates' gradients at 1 (a Taylor estimate of what the loss would lose), and takes modules out."""

    def __init__(self, tuned: Tuned, budget: float, steps: int) -> None:
        self.tuned, self.budget, self.steps = tuned, budget, steps
        self.mean: dict[tuple[int, str], float] = {}
        self.spread: dict[tuple[int, str], float] = {}
        self.every = max(1, round((LAST - FIRST) * steps / REMOVALS))
        self.total = sum(n for _, _, n in tuned.modules())

    def score(self) -> None:
        """Called when the gradients of a step are there."""
        for i, m, _ in self.tuned.modules():
            score = abs(float(self.tuned.blocks[i][f"gate.{m}.open"].grad))
            mean = SMOOTHING * self.mean.get((i, m), score) + (1 - SMOOTHING) * score
            off = abs(score - mean)
            self.spread[i, m] = SMOOTHING * self.spread.get((i, m), off) + (1 - SMOOTHING) * off
            self.mean[i, m] = mean

    def sensitivity(self, block: int, method: str) -> float:
        """What a module is worth by its scores."""
        return self.mean[block, method] * self.spread[block, method]

    def remove(self, step: int, measure: Callable[[], Worth | None]) -> bool:
        """Called after update `step` (from 0); whether modules were taken out, those of least worth for their size first.

        measure: gives what says a module's worth, or None where its scores do; called only where something has to go.
        """
        progress = (step + 1) / self.steps
        if progress <= FIRST or not ((step + 1 - round(FIRST * self.steps)) % self.every == 0 or is_settled(progress)):
            return False
        modules, most = self.tuned.modules(), share_at(progress, self.budget) * self.total
        if not beyond(modules, most):
            return False
        worth = measure() or self.sensitivity
        self.tuned.off |= set(beyond(sorted(modules, key=lambda module: worth(*module[:2]) / module[2]), most))
        return True
