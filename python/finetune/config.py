"""What a run of the twin trains, and its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mopeft.config import MopeftConfig
from mopeft.errors import AskError
from mopeft.fields import Value
from mopeft.methods import METHODS, RECIPES
from mopeft.sam.site import Site
from mopeft.train import config as settings
from mopeft.train.config import TrainConfig


@dataclass(frozen=True)
class Mopeft:
    """What is trained. gate None: `unipelt` for two methods or more, else `none`; sizes: settings other than the methods' defaults.

    sets: how many datasets train together; token: whether each has a learned token beside the prompt's, for forms and methods that
    tell datasets apart; budget: the share of the modules' parameters that `hard` and `budget` may keep; budget_by: `validation` where
    validation images choose for `budget` what goes.
    """

    methods: tuple[str, ...]
    gate: str | None = None
    train_decoder: bool = True
    sizes: Mapping[str, Value] = field(default_factory=dict)
    sets: int = 1
    token: bool = False
    budget: float = 1
    budget_by: str | None = None
    dropped: tuple[tuple[int, str], ...] = ()
    """Modules that are not there, by block and method."""

    @property
    def form(self) -> str:
        return self.gate or ("unipelt" if len(self.methods) > 1 else "none")

    def on(self, sites: Sequence[Site]) -> MopeftConfig:
        """The config for a model's blocks; datasets are named by their index."""
        methods = {}
        for id in self.methods:
            defaults = {name: field.default for name, field in METHODS[id].fields(sites).items()}
            methods[id] = defaults | {name: value for name, value in self.sizes.items() if name in defaults}
        names = tuple(str(i) for i in range(self.sets))
        blocks = tuple(range(len(sites))) if methods else ()
        return MopeftConfig(methods, self.form, blocks, self.train_decoder, self.token, names, self.budget, self.budget_by)


def parse_method(name: str) -> tuple[str, ...]:
    """A recipe's name, or ids of methods joined by +; in the registry's order."""
    asked = set(RECIPES.get(name, name.split("+")))
    if asked - set(METHODS):
        raise SystemExit(f"no method {name}: use {', '.join(RECIPES)}, or {', '.join(METHODS)} joined by +")
    return tuple(m for m in METHODS if m in asked)


def with_settings(config: TrainConfig, pairs: list[str]) -> TrainConfig:
    """As the package's, with SystemExit for a wrong name or value."""
    try:
        return settings.with_settings(config, pairs)
    except AskError as error:
        raise SystemExit(str(error)) from None


def of_seed(seed: int, pairs: list[str]) -> TrainConfig:
    """The settings of one of several runs that differ in their seeds."""
    if any(pair.partition("=")[0] == "seed" for pair in pairs):
        raise SystemExit("seed is a setting of every run here: give --seeds and --first-seed in place of it")
    return with_settings(TrainConfig(seed=seed), pairs)
