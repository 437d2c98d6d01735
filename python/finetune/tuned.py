"""A model in training: the frozen base model with the tensors of a run."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pretrain.export import read_model
from pretrain.model import Sam

from .config import Mopeft
from .encoder import GateLayer, encode
from .gate_forms import FORMS, Asked
from .tensors import Trained, trained_tensors

Module = tuple[int, str, int]
"""Block, method and number of parameters, without its gate's."""


class Tuned:
    """Encodes and decodes as `pretrain.model.Sam` does, with modules in the encoder.

    sam must belong to this run alone, since training changes its mask decoder.
    """

    def __init__(self, sam: Sam, mopeft: Mopeft, seed: int) -> None:
        self.sam = sam
        self.config = sam.config
        self.mopeft = mopeft
        self.trained: dict[str, Trained] = trained_tensors(mopeft, sam, seed)
        self.blocks = [
            {name.removeprefix(f"blocks.{i}."): t.value for name, t in self.trained.items() if name.startswith(f"blocks.{i}.")}
            for i in range(sam.config["num_hidden_layers"])
        ]
        self.gates: list[GateLayer] = []
        """The gates of the last image; 1 for a method without a gate."""
        self.given_gates: list[GateLayer] | None = None
        """Gates to use instead of the computed ones, for experiments."""
        self.dataset = torch.zeros(1, dtype=torch.long)
        """Index of the dataset that is asked for, of each image of the next batch or of all."""
        self.uniform: Callable[[str], Tensor] | None = None
        """In training what a step draws for a gate."""
        self.off = set(mopeft.dropped)
        """Modules that were taken out, by block and method."""
        self.key: str | None = None
        """Identifies the next image if it will come again unchanged: a frozen encoder then keeps its embedding."""
        self._known: dict[str, Tensor] = {}

    @property
    def device(self) -> torch.device:
        return self.sam.device

    def image_encoder(self, image: Tensor) -> Tensor:
        """Normalised image [B, 3, S, S] -> embedding [B, G, G, D]; also sets `gates`."""
        if self.key in self._known:
            return self._known[self.key]
        asked = Asked(self.dataset.expand(len(image)), self.uniform)
        embedding, self.gates = encode(self.sam.image_encoder, image, self.blocks, self.mopeft.form, self._given(), asked)
        if self.key is not None and not self.mopeft.methods:
            self._known[self.key] = embedding
        return embedding

    def _given(self) -> list[GateLayer] | None:
        """Gates that are not computed: those given, and 0 for modules that were taken out."""
        if not self.off:
            return self.given_gates
        layers = self.given_gates or [{} for _ in self.blocks]
        return [layer | {m: torch.zeros(1) for b, m in self.off if b == i} for i, layer in enumerate(layers)]

    def decode(self, embeddings: Tensor, points: Tensor, labels: Tensor, size: int, *fed: Tensor | None) -> tuple[Tensor, Tensor]:
        """As the base model's, with the token of each object's dataset; it begins as the token that stands for no point."""
        if "tokens.dataset" not in self.trained:
            return self.sam.decode(embeddings, points, labels, size, *fed)
        token = self.sam.prompt_encoder.not_a_point_embed.weight + self.trained["tokens.dataset"].value[self.dataset]
        more = token.expand(len(points), -1)[:, None]
        return self.sam.decode(embeddings, points, labels, size, *(fed or (None, None)), more)

    def modules(self) -> list[Module]:
        """Every module that is there."""
        found = [
            (i, m, sum(t.numel() for name, t in params.items() if name.startswith(f"{m}.")))
            for i, params in enumerate(self.blocks)
            for m in self.mopeft.methods
        ]
        return [(i, m, n) for i, m, n in found if n and (i, m) not in self.off]

    def left(self) -> list[Module]:
        """The modules that are there outside of training."""
        if not FORMS[self.mopeft.form].is_there:
            return self.modules()
        return [(i, m, n) for i, m, n in self.modules() if float(self.blocks[i][f"gate.{m}.alpha"].detach()) > 0]

    def kept(self) -> Tensor:
        """The expected share of the modules' parameters that is kept, where gates have a price."""
        is_there = FORMS[self.mopeft.form].is_there
        total, kept = 0, torch.zeros(())
        for i, m, n in self.modules():
            start = f"gate.{m}."
            own = {name.removeprefix(start): value for name, value in self.blocks[i].items() if name.startswith(start)}
            kept = kept + n * (is_there(own).sum() if is_there else 1)
            total += n
        return kept / max(1, total)

    def price(self, budget: float) -> Tensor | None:
        """λ₁ (C − B) + λ₂ (C − B)² with C of `kept` and the budget B; None where gates have no price."""
        if "gates.price" not in self.trained:
            return None
        over = self.kept() - budget
        return (self.trained["gates.price"].value * torch.stack([over, over**2])).sum()

    def gate_values(self) -> list[dict[str, float]]:
        """The gates of the last image as numbers: by block and method, without modules that were taken out."""
        return [
            {m: float(layer[m].detach().mean()) for m in self.mopeft.methods if m in layer and (i, m) not in self.off}
            for i, layer in enumerate(self.gates)
        ]

    def state(self) -> dict[str, Tensor]:
        """A copy of every trained tensor."""
        return {name: tensor.value.detach().clone() for name, tensor in self.trained.items()}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.trained.items():
            tensor.value.copy_(state[name])

    def save(self, path: Path) -> None:
        save_file({name: value.contiguous() for name, value in self.state().items()}, path)


def open_tuned(model: Path, mopeft: Mopeft, seed: int, weights: Path | None = None) -> Tuned:
    """A base model from its folder, with fresh modules or with those of a finished run."""
    tuned = Tuned(read_model(model), mopeft, seed)
    if weights:
        tuned.load(load_file(weights))
    return tuned
