"""The whole model: a plain SAM whose state dict has the original SAM names."""

import math

import torch
from torch import Tensor, nn

from .decoder import MaskDecoder, PromptEncoder
from .encoder import ImageEncoder


class Sam(nn.Module):
    def __init__(self, config: dict) -> None:
        super().__init__()
        self.config = config
        d = config["output_channels"]
        self.image_encoder = ImageEncoder(config)
        self.prompt_encoder = PromptEncoder(d, config["mask_channels"])
        self.mask_decoder = MaskDecoder(
            d,
            config["decoder_heads"],
            config["decoder_mlp_dim"],
            config["attention_downsample_rate"],
            config["iou_hidden"],
        )

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
        """image [N, G, G, D], points [N, P, 2] in input pixels of a size² input -> masks, IoU.

        more: further prompt tokens [N, T, D].
        """
        grid = image.shape[1]
        prompt = self.prompt_encoder
        sparse = prompt.sparse(points, labels, size)
        if more is not None:
            sparse = torch.cat([sparse, more], 1)
        dense = prompt.no_mask_embed.weight if masks is None else prompt.dense(masks, has_mask)
        return self.mask_decoder(image.flatten(1, 2), prompt.grid(grid), sparse, dense)


def sincos(grid: int, dim: int) -> Tensor:
    """Smooth 2-D position table [grid, grid, dim] in [-1, 1]."""
    axis = torch.arange(grid, dtype=torch.float32)
    freq = torch.exp(-math.log(200.0) * torch.arange(dim // 4) / (dim // 4))
    one = torch.cat([(axis[:, None] * freq).sin(), (axis[:, None] * freq).cos()], 1)
    rows, cols = one[:, None].expand(-1, grid, -1), one[None].expand(grid, -1, -1)
    return torch.cat([rows, cols], -1)


@torch.no_grad()
def initialise(model: Sam, seed: int) -> None:
    """Random weights, from the seed alone."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if name.endswith("bias") or "rel_pos" in name:
            p.zero_()
        elif p.dim() == 1:
            p.fill_(1.0)
        elif "pos_embed" in name:
            p.copy_(0.1 * sincos(p.shape[1], p.shape[3])[None])
        elif ("embed" in name and p.shape[0] == 1) or "token.weight" in name or "mask_tokens" in name:
            p.normal_(0, 0.3, generator=g)
        else:
            fan_in = p.shape[0] if "output_upscaling" in name else p[0].numel()
            p.normal_(0, fan_in**-0.5, generator=g)
        if name.endswith(("attn.proj.weight", "lin2.weight")) and "image_encoder" in name:
            p.mul_(0.3)
    pe = model.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    pe.copy_(torch.randn(pe.shape, generator=g))
    model.mask_decoder.iou_prediction_head.layers[2].weight.mul_(0.1)
    model.mask_decoder.iou_prediction_head.layers[2].bias.fill_(0.5)


def extend_tables(model: Sam, trained_grid: int) -> None:
    """Give the relative offsets that a smaller grid never used the value of the furthest used one."""
    for block in model.image_encoder.blocks:
        for table in (block.attn.rel_pos_h, block.attn.rel_pos_w):
            mid = table.shape[0] // 2
            low, high = mid - trained_grid + 1, mid + trained_grid - 1
            if low > 0:
                with torch.no_grad():
                    table[:low] = table[low]
                    table[high + 1 :] = table[high]
