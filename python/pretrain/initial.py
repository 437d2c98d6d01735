"""First weights of a model that is trained from scratch."""

import math

import torch

from mopeft.sam.model import Sam


def sincos(grid: int, dim: int) -> torch.Tensor:
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
