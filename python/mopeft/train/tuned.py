"""A model in training: the frozen base model with the tensors of a run."""

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ..config import MopeftConfig
from ..sam.model import Sam
from ..tuned import TunedSam
from .images import LabelledImage
from .tensors import Trained, trained_tensors

Module = tuple[int, str, int]
"""Block, method and number of parameters, without its gate's."""


class Tuned(TunedSam):
    """A `TunedSam` with fresh modules. sam must belong to this run alone, since training changes its mask decoder."""

    def __init__(self, sam: Sam, config: MopeftConfig, seed: int) -> None:
        self.trained: dict[str, Trained] = trained_tensors(config, sam, seed)
        super().__init__(sam, config, {name: t.value for name, t in self.trained.items()})
        self.form = config.form
        self.key: LabelledImage | None = None
        """The next image if it will come again unchanged: a frozen encoder then keeps its embedding while the image is kept."""
        self._known: WeakKeyDictionary[LabelledImage, Tensor] = WeakKeyDictionary()

    def image_encoder(self, image: Tensor) -> Tensor:
        if self.key is not None and self.key in self._known:
            return self._known[self.key]
        embedding = super().image_encoder(image)
        if self.key is not None and not self.modules_config.methods:
            self._known[self.key] = embedding
        return embedding

    def modules(self) -> list[Module]:
        """Every module that is there."""
        found = [
            (i, m, sum(t.numel() for name, t in params.items() if name.startswith(f"{m}.")))
            for i, params in enumerate(self.blocks)
            for m in self.modules_config.methods
        ]
        return [(i, m, n) for i, m, n in found if n and (i, m) not in self.off]

    def left(self) -> list[Module]:
        """The modules that are there outside of training."""
        if not self.form.is_there:
            return self.modules()
        return [(i, m, n) for i, m, n in self.modules() if float(self.blocks[i][f"gate.{m}.alpha"].detach()) > 0]

    def names_left(self) -> list[str]:
        """Of the tensors, without those of modules that were taken out."""
        out = tuple(f"blocks.{i}.{start}{m}." for i, m in self.off for start in ("", "gate."))
        return [name for name in self.trained if not name.startswith(out)]

    def kept(self) -> Tensor:
        """The expected share of the modules' parameters that is kept, where gates have a price."""
        is_there = self.form.is_there
        total, kept = 0, torch.zeros(())
        for i, m, n in self.modules():
            start = f"gate.{m}."
            own = {name.removeprefix(start): value for name, value in self.blocks[i].items() if name.startswith(start)}
            kept = kept + n * (is_there(own).sum() if is_there else 1)
            total += n
        return kept / max(1, total)

    def price(self, budget: float) -> Tensor | None:
        """λ₁ o + λ₂ o², o = max(0, C − B) with C of `kept` and the budget B; None where gates have no price."""
        if "gates.price" not in self.trained:
            return None
        over = torch.relu(self.kept() - budget)
        return (self.trained["gates.price"].value * torch.stack([over, over**2])).sum()

    def state(self) -> dict[str, Tensor]:
        """A copy of every trained tensor."""
        return {name: tensor.value.detach().clone() for name, tensor in self.trained.items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.trained.items():
            tensor.value.copy_(state[name])
