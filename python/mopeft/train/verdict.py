"""What a run brought: tuned against base on the test images, in numbers and words (`src/engine/run/verdict.ts` and `verdict-words.ts`)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from ..rounding import half_up
from .scoring import ImageScore, gain_error, gain_variances

SEEN = 0.02
"""A change of an image's mean IoU that a person sees."""
MANY_IMAGES = 30
USUAL_GAIN = 0.065
"""Mean gain of ten real sets, IoU (docs/measurements/methods.md)."""

Pair = tuple[ImageScore, ImageScore]
"""An image by the base model and by the tuned one."""


@dataclass(frozen=True)
class Pairs:
    """A dataset's test images that have objects."""

    id: str
    name: str
    images: Sequence[Pair]


@dataclass(frozen=True)
class Measure:
    base: float
    tuned: float
    gainLow: float
    gainHigh: float
    n: int
    images: int

    @property
    def says_nothing(self) -> bool:
        return (self.gainLow, self.gainHigh) == (-1, 1)


@dataclass(frozen=True)
class Validated:
    """objects: of the validation; base: the base model's IoU there; best_gain: the best that a check found; None: not measured."""

    objects: int
    base: float | None
    best_gain: float | None


@dataclass(frozen=True)
class Left:
    """Modules and their parameters that are left of those that the run began with."""

    left: int
    of: int
    parameters: int
    of_parameters: int


@dataclass(frozen=True)
class Context:
    """What the words look at besides the numbers. steps: done."""

    train_images: int
    steps: int
    best_step: int | None
    validation: Validated | None
    modules: Left | None = None


def verdict_of(datasets: Sequence[Pairs], context: Context) -> dict:
    """As `verdict.json` has it. A dataset without an object on its test images is left out of the means."""
    counted = [d for d in datasets if d.images]
    box, click = measure(counted, "box"), measure(counted, "click")
    each = [(d.id, d.name, measure([d], "box"), measure([d], "click")) for d in counted]
    said = kept_sentence(box, click, context) if context.best_step == 0 else sentence(box, click, context)
    advice = [suggestion(box, click, each, context), worse_images(counted)]
    return {
        "box": asdict(box),
        "click": asdict(click),
        "both": asdict(measure(counted, "both")),
        "perDataset": [{"datasetId": id, "name": name, "box": asdict(b), "click": asdict(c)} for id, name, b, c in each],
        "sentence": said,
        "suggestion": " ".join(part for part in advice if part),
    }


def ious(score: ImageScore, kind: str) -> list[float]:
    if kind == "both":
        return [(b + c) / 2 for b, c in zip(score.box, score.click, strict=True)]
    return score.box if kind == "box" else score.click


def measure(datasets: Sequence[Pairs], kind: str) -> Measure:
    def means(pick: Callable[[Pair], ImageScore]) -> float:
        return mean([mean([v for pair in d.images for v in ious(pick(pair), kind)]) for d in datasets])

    low, high = interval(datasets, kind)
    n = sum(len(tuned.box) for d in datasets for _, tuned in d.images)
    return Measure(means(lambda pair: pair[0]), means(lambda pair: pair[1]), low, high, n, sum(len(d.images) for d in datasets))


def interval(datasets: Sequence[Pairs], kind: str) -> tuple[float, float]:
    """Student's t around the mean gain, with whole images as clusters."""

    def of(score: ImageScore) -> ImageScore:
        return ImageScore(score.name, ious(score, kind), ious(score, kind), [], [])

    before = {d.id: [{"name": b.name, "sum": sum(ious(b, kind)), "n": len(b.box)} for b, _ in d.images] for d in datasets}
    after = {d.id: [of(tuned) for _, tuned in d.images] for d in datasets}
    gains = [[sum(ious(tuned, kind)) - sum(ious(base, kind)) for base, tuned in d.images] for d in datasets]
    if all(gain == 0 for own in gains for gain in own):
        return 0, 0
    freedom = degrees_of_freedom(gain_variances(before, after))
    if freedom is None:
        return -1, 1
    gain = mean([sum(own) / sum(len(t.box) for _, t in d.images) for own, d in zip(gains, datasets, strict=True)])
    half = t95(freedom) * gain_error(before, after)
    return max(-1, gain - half), min(1, gain + half)


def degrees_of_freedom(each: Sequence[tuple[float, int]]) -> float | None:
    """Of the error of a mean over datasets (Welch and Satterthwaite); None where they tell no error.

    each: of a dataset the variance of its mean gain, and its images.
    """
    most = sum(images - 1 for _, images in each)
    if most < 2 or any(images < 2 for _, images in each):
        return None
    squares = sum(variance**2 / (images - 1) for variance, images in each)
    return most if squares == 0 else sum(variance for variance, _ in each) ** 2 / squares


T95 = (12.706, 4.303, 3.182)
"""Quantiles for 1, 2 and 3 degrees of freedom, where the expansion is off."""


def t95(n: float) -> float:
    """The 97.5 % quantile of Student's t with n degrees of freedom, at least 1 (Cornish and Fisher's expansion from 3 on)."""
    if n <= 1:
        return T95[0]
    if n < 2:
        return T95[1] + (T95[0] - T95[1]) * (2 / n - 1)
    if n <= 3:
        return T95[2] + (T95[1] - T95[2]) * (6 / n - 2)
    z = 1.959964
    z3, z5, z7, z9 = z**3, z**5, z**7, z**9
    return (
        z
        + (z3 + z) / (4 * n)
        + (5 * z5 + 16 * z3 + 3 * z) / (96 * n**2)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n**3)
        + (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * n**4)
    )


def sentence(box: Measure, click: Measure, context: Context) -> str:
    unchecked = "" if context.validation else "Without a validation object the last weights were kept, better or not. "
    modules = context.modules
    left = ""
    if modules:
        share = half_up(100 * modules.parameters / modules.of_parameters)
        are = "is" if modules.left == 1 else "are"
        left = f" {modules.left} of {count(modules.of, 'module')} {are} left, with {share} % of their parameters."
    if box.n == 0:
        return f"{unchecked}There is no object on the test images, so nothing can be said about the gain.{left}"
    text = change(box)
    tested = f"on {count(box.images, 'test image')} with {count(box.n, 'object')}"
    return f"{unchecked}{text[0].upper()}{text[1:]} by box and {change(click)} by click, {tested}.{left}"


def kept_sentence(box: Measure, click: Measure, context: Context) -> str:
    """Says first that nothing was taken over, and why."""
    found = context.validation or Validated(0, None, None)
    on = f"on {count(found.objects, 'validation object')}"
    if found.best_gain is None:
        unsettled = "the run ended before it was settled which modules are left"
        why = unsettled if context.modules else "nothing was checked after the first step"
    elif found.best_gain > 0:
        why = f"the best check gained {signed(found.best_gain, 3)} IoU {on}, which is within its error"
    else:
        why = f"no check was better than it {on}"
    images = count(box.images, "test image")
    measured = f" It has IoU {fixed(box.base, 2)} by box and {fixed(click.base, 2)} by click on {images}." if box.n else ""
    return f"The base model was kept: {why}.{measured}"


def change(m: Measure) -> str:
    """ "better: IoU 0.61 → 0.72 (+0.11, 95 % between +0.08 and +0.14)"; an interval that holds 0 is called unclear."""
    gain = m.tuned - m.base
    digits = 3 if abs(gain) < 0.02 or abs(m.gainLow) < 0.005 or abs(m.gainHigh) < 0.005 else 2
    told = f"IoU {fixed(m.base, digits)} → {fixed(m.tuned, digits)}"
    if m.says_nothing:
        few = "so few images of a dataset" if m.images > 2 else count(m.images, "image")
        return f"{told} ({signed(gain, digits)}, which {few} cannot tell from chance)"
    verb = "better" if m.gainLow > 0 else "worse" if m.gainHigh < 0 else "no clear change"
    return f"{verb}: {told} ({signed(gain, digits)}, 95 % between {signed(m.gainLow, digits)} and {signed(m.gainHigh, digits)})"


def worse_images(datasets: Sequence[Pairs]) -> str:
    """How many test images got worse, and which most; empty where none did."""
    changes = [((mean(t.box) + mean(t.click) - mean(b.box) - mean(b.click)) / 2, t.name) for dataset in datasets for b, t in dataset.images]
    worse = sorted((c for c in changes if c[0] < -SEEN), key=lambda c: c[0])
    if not worse:
        return ""
    which = f"{worse[0][1]} ({signed(worse[0][0], 2)})"
    are = "is worse than with the base model:" if len(worse) == 1 else "are worse than with the base model, most of all"
    return f"{len(worse)} of {count(len(changes), 'test image')} {are} {which}. Label more images like it."


def suggestion(box: Measure, click: Measure, each: list[tuple[str, str, Measure, Measure]], context: Context) -> str:
    if box.n == 0:
        return "Add masks: a quarter of the labelled images is kept for the test."
    if context.best_step == 0:
        return kept_advice(context)
    is_worse, is_better = box.gainHigh < 0 or click.gainHigh < 0, box.gainLow > 0 or click.gainLow > 0
    if box.says_nothing:
        fewest = min(each, key=lambda d: d[2].images)
        images = count(fewest[2].images, "test image")
        return (
            f"{fewest[1]} has only {images}: label more of its images, to be sure of the gain."
            if len(each) > 1
            else only_few(fewest[2].images)
        )
    if is_worse and not is_better:
        return "The base model is better here: lower the learning rates, or label more images before training again."
    if context.validation is None:
        return "Label more images, so that validation has objects to choose the weights by."
    if context.best_step is not None and context.best_step >= 0.9 * context.steps:
        return "The best weights are among the last: train again with more steps."
    if box.images < 5:
        return only_few(box.images)
    if not is_better:
        return "Train again with more steps or higher learning rates, or label more images first."
    if len(each) > 1:
        worst = min(each, key=lambda d: d[2].tuned + d[3].tuned)
        return f"{worst[1]} is the weakest dataset: label more of its images, with the tuned model in Segment."
    if click.tuned < box.tuned - 0.15:
        return "Boxes work much better than single clicks here: prefer boxes, or add a second click in Segment."
    used = count(context.train_images, "training image")
    return f"Label more than the {used} used here, with the tuned model in Segment, and train again."


def only_few(images: int) -> str:
    return f"Only {count(images, 'test image')}: label more images, both to train and to be sure of the gain."


def kept_advice(context: Context) -> str:
    """What would help, by the figures."""
    found = context.validation or Validated(0, None, None)
    if found.base is not None and found.base > 1 - USUAL_GAIN:
        return (
            f"On the validation objects the base model has IoU {fixed(found.base, 2)} already, so they can show no gain: label images in "
            "which it is wrong, and correct its masks where they were accepted as they are."
        )
    few = f"{count(found.objects, 'validation object')} and {count(context.train_images, 'training image')}"
    if found.best_gain is not None and found.best_gain > 0:
        return f"There may be a gain that so few objects do not show ({few}): label more images, then train again."
    if found.best_gain is not None and found.best_gain < -USUAL_GAIN:
        loss = fixed(-found.best_gain, 2)
        return f"Every check was worse than the base model, by {loss} IoU or more: train again with lower learning rates."
    if context.train_images < MANY_IMAGES:
        return f"Label more images (there are {few}), then train again."
    return "Train again with more steps or half the learning rate; where the base model is good already, nothing may be left to gain."


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def fixed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"


def signed(value: float, digits: int) -> str:
    """A gain with its sign, and without one when it rounds to nothing."""
    text = fixed(abs(value), digits)
    return text if float(text) == 0 else f"{'−' if value < 0 else '+'}{text}"


def count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
