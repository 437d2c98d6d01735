"""The whole model: a plain SAM whose state dict has the original SAM names."""

import torch
from torch import Tensor, nn

from .decoder import MaskDecoder, PromptEncoder
from .tiny_vit import TinyViT
from .vit import ImageEncoder


class Sam(nn.Module):
    """config: the model section, of a ViT or with `embed_dims` of a TinyViT (see `config.py`)."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        self.config = config
        d = config["output_channels"]
        self.image_encoder = TinyViT(config) if "embed_dims" in config else ImageEncoder(config)
        self.prompt_encoder = PromptEncoder(d, config["mask_channels"])
        self.mask_decoder = MaskDecoder(
            d,
            config["decoder_heads"],
            config["decoder_mlp_dim"],
            config["attention_downsample_rate"],
            config["iou_hidden"],
        )
        for module in self.mask_decoder.transformer.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = config.get("decoder_norm_eps", module.eps)

    @property
    def device(self) -> torch.device:
        return self.mask_decoder.iou_token.weight.device

    def decode(
        self,
        image: Tensor,
        points: Tensor,
        labels: Tensor,
        size: int,
        masks: Tensor | None = None,
        has_mask: Tensor | None = None,
        more: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """image [N, G, G, D], points [N, P, 2] in input pixels of a size² input -> masks [N, 4, 4G, 4G], IoU [N, 4].

        more: further prompt tokens [N, T, D].
        """
        grid = image.shape[1]
        prompt = self.prompt_encoder
        sparse = prompt.sparse(points, labels, size)
        if more is not None:
            sparse = torch.cat([sparse, more], 1)
        dense = prompt.no_mask_embed.weight if masks is None else prompt.dense(masks, has_mask)
        return self.mask_decoder(image.flatten(1, 2), prompt.grid(grid), sparse, dense)
