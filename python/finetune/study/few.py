"""Question 3: how much does it take? The first images of each set's training images, by the mixture and by what is simpler."""

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mopeft.methods import RECIPES
from mopeft.train.config import TrainConfig
from mopeft.train.images import LabelledImage
from mopeft.train.statistics import clustered

from ..config import Mopeft, of_seed
from ..data import DataSet
from ..jobs import Job
from ..run import run
from ..statistics import mean_over_sets, over_sets, paired
from ..table import base_of, gain_over, set_of
from ..tuned import open_tuned
from .budget import ALL, before
from .figure import Figure, Point

ARMS = ("mopeft", "lora", "late", "token")
"""`late`: MoPEFT's modules in the late half of the blocks, without gates; `token`: nothing in the encoder."""
MIXTURE = "mopeft"
KEYS = ("box", "click")
COUNTS = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class Few(DataSet):
    """A set of which a run sees the first `most` training images, in the split's order; it is tested as ever."""

    most: int = 1

    def split(self, seed: int, order: str = "shuffled") -> dict[str, list[LabelledImage]]:
        parts = super().split(seed, order)
        return {"train": parts["train"][: self.most], "val": [], "test": parts["test"]}


def jobs(
    model: Path, folders: list[Path], counts: list[int], arms: list[str], seeds: list[int], settings: list[str], out: Path
) -> list[Job]:
    """A job a run, seed by seed; the last weights are tested."""
    early = before(open_tuned(model, ALL, 0).modules(), len(base_of(model).image_encoder.sites), "late half")
    trained = {
        MIXTURE: Mopeft(RECIPES[MIXTURE]),
        "lora": Mopeft(("lora",)),
        "late": replace(ALL, dropped=early),
        "token": Mopeft((), "none", token=True),
    }
    return [
        partial(one, model, folder, most, arm, trained[arm], of_seed(seed, settings), out)
        for seed, folder, most, arm in itertools.product(seeds, folders, counts, arms)
    ]


def one(model: Path, folder: Path, most: int, arm: str, mopeft: Mopeft, config: TrainConfig, out: Path) -> str:
    whole = set_of(folder)
    few = Few(whole.key, whole.images, f"{whole.stamp} of {most}", most)
    where = out / folder.name / f"{arm} {most}" / f"seed{config.seed}"
    result = run(model, base_of(model), [few], mopeft, config, where, keep=False, validates=False)
    s = result["sets"][folder.name]
    text = ", ".join(f"{k} {s['before'][k]:.3f} -> {s['after'][k]:.3f}" for k in ("box", "click"))
    return f"{folder.name} {arm} of {most} images, seed {config.seed}: {text}"


def read(out: Path) -> dict[tuple[int, str], dict[str, list[dict]]]:
    """By number of images and arm: the results of each set."""
    found: dict[tuple[int, str], dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(out.glob("*/*/seed*/result.json")):
        name, arm, seed = path.relative_to(out).parts[:3]
        kind, most = arm.rsplit(" ", 1)
        found[int(most), kind][name].append(json.loads(path.read_text())["sets"][name] | {"seed": seed})
    return dict(sorted(found.items(), key=lambda entry: (entry[0][0], ARMS.index(entry[0][1]))))


def figure(out: Path) -> Figure:
    found = read(out)
    spreads = [(f"{n} images: {arm}", k, mean_over_sets([gain(p, k) for p in s.values()])) for (n, arm), s in found.items() for k in KEYS]
    points = [Point(row, key, *spread) for row, key, spread in spreads if spread]
    return Figure("Few images", "IoU over the base model, mean over sets ± two errors", points)


def table(out: Path) -> str:
    """By number of images and arm: the gain over the base and over the mixture, mean over sets ± two standard errors over sets."""
    found = read(out)
    lines = ["| images | arm | box over the base | click | box over the mixture | click | sets | runs |", "|---" * 8 + "|"]
    for (most, arm), sets in found.items():
        mixture = found.get((most, MIXTURE), {})
        over_base = [over_sets([gain(parts, key) for parts in sets.values()]) for key in KEYS]
        over_mixture = [over_sets([gain_over(mixture.get(n, []), p, key) for n, p in sets.items()]) for key in KEYS]
        cells = over_base + (["", ""] if arm == MIXTURE else over_mixture)
        lines.append(f"| {most} | {arm} | {' | '.join(cells)} | {len(sets)} | {sum(len(parts) for parts in sets.values())} |")
    return "\n".join(lines) + "\n"


def gain(parts: list[dict], key: str) -> float:
    return clustered([paired(s["before"]["images"], s["after"]["images"], key) for s in parts])[0]
