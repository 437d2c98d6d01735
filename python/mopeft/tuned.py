"""A base model with modules: how it encodes and decodes, in use and in training."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from .config import MopeftConfig
from .gate_forms import Asked
from .modules import GateLayer, encode
from .sam.model import Sam
from .tensors import TOKEN, by_block


class TunedSam:
    """Encodes and decodes as `Sam` does, with modules in the encoder and a token for each dataset.

    The mask decoder of an adapter is `sam`'s own. tensors: what is trained besides, by name.
    """

    def __init__(self, sam: Sam, config: MopeftConfig, tensors: Mapping[str, Tensor]) -> None:
        self.sam = sam
        self.config = sam.config
        self.modules_config = config
        self.blocks = by_block(tensors, len(sam.image_encoder.sites))
        self.token = tensors.get(TOKEN)
        self.gates: list[GateLayer] = []
        """The gates of the last image; 1 for a method without a gate."""
        self.given_gates: list[GateLayer] | None = None
        """Gates to use instead of the computed ones, for experiments."""
        self.dataset = torch.zeros(1, dtype=torch.long, device=sam.device)
        """Index of the dataset that is asked for, of each image of the next batch or of all."""
        self.uniform: Callable[[str], Tensor] | None = None
        """In training what a step draws for a gate."""
        self.off: set[tuple[int, str]] = set()
        """Modules that are taken out although their tensors are there, by block and method."""

    @property
    def device(self) -> torch.device:
        return self.sam.device

    def image_encoder(self, image: Tensor) -> Tensor:
        """Normalised image [B, 3, S, S] -> embedding [B, G, G, D]; also sets `gates`."""
        asked = Asked(self.dataset.expand(len(image)), self.uniform)
        embedding, self.gates = encode(self.sam.image_encoder, image, self.modules_config, self.blocks, asked, self._given())
        return embedding

    def _given(self) -> list[GateLayer] | None:
        """Gates that are not computed: those given, and 0 for modules that were taken out."""
        if not self.off:
            return self.given_gates
        layers = self.given_gates or [{} for _ in self.blocks]
        return [layer | {m: torch.zeros(1, device=self.device) for b, m in self.off if b == i} for i, layer in enumerate(layers)]

    def decode(self, embeddings: Tensor, points: Tensor, labels: Tensor, size: int, *fed: Tensor | None) -> tuple[Tensor, Tensor]:
        """As the base model's, with the token of each object's dataset; it begins as the token that stands for no point."""
        if self.token is None:
            return self.sam.decode(embeddings, points, labels, size, *fed)
        token = self.sam.prompt_encoder.not_a_point_embed.weight + self.token[self.dataset]
        more = token.expand(len(points), -1)[:, None]
        return self.sam.decode(embeddings, points, labels, size, *(fed or (None, None)), more)

    def gate_values(self) -> list[dict[str, float]]:
        """The gates of the last image as numbers: by block and method, without modules that were taken out."""
        methods = self.modules_config.methods
        return [
            {m: float(layer[m].detach().mean()) for m in methods if m in layer and (i, m) not in self.off}
            for i, layer in enumerate(self.gates)
        ]
