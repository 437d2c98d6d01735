"""What is put on a base model: methods with their settings, blocks, gate form (`src/config/mopeft.ts`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .errors import AdapterError
from .fields import Values, parse
from .gate_forms import FORMS, GateForm
from .methods import METHODS
from .methods.method import Method
from .sam.site import Site


@dataclass(frozen=True)
class MopeftConfig:
    """Everything decided, as an adapter's record holds it.

    methods: settings by method id, in the registry's order. blocks: ascending indices of those that have modules. datasets: names of
    what it tells apart. budget: the share of the modules' parameters that was to be kept. pruned: blocks by method id whose modules
    are left out.
    """

    methods: Mapping[str, Values]
    gate: str = "none"
    blocks: Sequence[int] = ()
    train_decoder: bool = True
    token: bool = False
    datasets: Sequence[str] = ()
    budget: float | None = None
    budget_by: str | None = None
    pruned: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def form(self) -> GateForm:
        return FORMS[self.gate]

    @property
    def tells_datasets_apart(self) -> bool:
        """Whether the masks of an image depend on the dataset that is asked for."""
        return self.token or (bool(self.methods) and self.form.is_by_dataset)

    @property
    def dataset_count(self) -> int:
        return max(1, len(self.datasets))

    def in_block(self, block: int) -> list[Method]:
        """The methods that have a module in a block."""
        if block not in self.blocks:
            return []
        chosen = [METHODS[m] for m in METHODS if m in self.methods and block not in self.pruned.get(m, ())]
        return [method for method in chosen if method.is_in(self.methods[method.id], block)]


def checked(config: MopeftConfig, sites: Sequence[Site], where: str) -> MopeftConfig:
    """The config with every setting filled in. AdapterError or AskError for what this version or this model does not have."""
    methods = {}
    for id, values in config.methods.items():
        if id not in METHODS:
            raise AdapterError(
                "adapter/no-method",
                f"The method {id!r} is unknown here, where there are {', '.join(METHODS)}.",
                where,
                "Update the package mopeft, or train again.",
            )
        methods[id] = parse(METHODS[id].fields(sites), values, f"{where}, {id}")
    if config.gate not in FORMS:
        raise AdapterError(
            "adapter/no-gate-form",
            f"The gate form {config.gate!r} is unknown here, where there are {', '.join(FORMS)}.",
            where,
            "Update the package mopeft, or train again.",
        )
    outside = [block for block in config.blocks if block >= len(sites)]
    if outside:
        raise AdapterError(
            "adapter/not-an-adapter",
            f"There are modules in block {outside[0]}, and the model has {len(sites)} blocks.",
            where,
            "Open it with the model that it was trained on.",
        )
    ordered = {id: methods[id] for id in METHODS if id in methods}
    return MopeftConfig(**(vars(config) | {"methods": ordered}))
