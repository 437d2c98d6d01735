"""A model in training: the frozen base model with the tensors of a run."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pretrain.export import read_model
from pretrain.model import Sam

from .config import Mopeft
from .encoder import GateLayer, encode
from .tensors import Trained, trained_tensors


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
        embedding, self.gates = encode(self.sam.image_encoder, image, self.blocks, self.mopeft.form, self.given_gates)
        if self.key is not None and not self.mopeft.methods:
            self._known[self.key] = embedding
        return embedding

    def decode(self, *args: object) -> tuple[Tensor, Tensor]:
        return self.sam.decode(*args)

    def gate_values(self) -> list[dict[str, float]]:
        """The gates of the last image as numbers: one layer per block, methods in the registry's order."""
        return [{m: float(layer[m].mean()) for m in self.mopeft.methods} for layer in self.gates]

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
