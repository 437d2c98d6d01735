"""The model section of a SAM, read off its tensors' shapes (`src/sam/checkpoint/infer-config.ts`)."""

import math
from collections.abc import Mapping

from ..errors import ModelError

Shapes = Mapping[str, tuple[int, ...]]
PUBLISHED_GRID = 64
"""Cells of the embedding's side of every published SAM with a TinyViT; no shape tells how large the images were."""
DECODER_HEADS = 8
"""Of every published SAM; no shape tells it."""

STUDIO_ONLY = {"an HQ-SAM": "mask_decoder.hf_", "a SAM 2": ".pos_embed_window"}
"""Models that the engine alone runs, by what some tensor's name has."""


class ShapeReader:
    """Shapes by original names. where: the file, for errors."""

    def __init__(self, shapes: Shapes, where: object) -> None:
        self.shapes, self.where = shapes, where

    def axis(self, name: str, axis: int) -> int:
        if name not in self.shapes:
            raise missing(name, self.where)
        shape = self.shapes[name]
        if axis >= len(shape):
            raise misfit(self.where, f"The tensor {name} is {list(shape)}, and SAM's has more axes.")
        return shape[axis]

    def count(self, start: str) -> int:
        """How many numbers follow `start` in names."""
        found = {n[len(start) :].partition(".")[0] for n in self.shapes if n.startswith(start)}
        return len(found)


def missing(name: str, where: object) -> ModelError:
    return ModelError("checkpoint/missing", f"The tensor {name} is missing.", where, "Use the weights of a whole SAM.")


def misfit(where: object, what: str) -> ModelError:
    return ModelError("checkpoint/shape", what, where, "Use the weights of a whole SAM, ViT or TinyViT.")


def section_of(shapes: Shapes, told: Mapping[str, object], where: object) -> dict:
    """The model section. told: what a config says that no shape tells: `image_size`, `decoder_heads`, `decoder_norm_eps`."""
    read = ShapeReader(shapes, where)
    for family, part in STUDIO_ONLY.items():
        if any(part in name for name in shapes):
            what = f"This is {family}, which the package does not run."
            raise ModelError("config/not-sam", what, where, "Segment with it in the studio or by its command line.")
    is_tiny = "image_encoder.patch_embed.seq.0.c.weight" in shapes
    encoder = tiny_vit(read, told) if is_tiny else vit(read)
    channels = read.axis("mask_decoder.iou_token.weight", 1)
    inner = read.axis("mask_decoder.transformer.final_attn_token_to_image.q_proj.weight", 0)
    heads = told.get("decoder_heads", DECODER_HEADS)
    if not isinstance(heads, int) or heads < 1 or inner % heads:
        raise misfit(where, f"The mask decoder's width of {inner} is not that of {heads} heads.")
    eps = told.get("decoder_norm_eps", 1e-5)
    return encoder | {
        "output_channels": channels,
        "mask_channels": read.axis("prompt_encoder.mask_downscaling.3.weight", 0),
        "decoder_heads": heads,
        "decoder_mlp_dim": read.axis("mask_decoder.transformer.layers.0.mlp.lin1.weight", 0),
        "attention_downsample_rate": channels // max(1, inner),
        "iou_hidden": read.axis("mask_decoder.iou_prediction_head.layers.0.weight", 0),
        **({} if eps == 1e-5 else {"decoder_norm_eps": eps}),
    }


def vit(read: ShapeReader) -> dict:
    width = read.axis("image_encoder.patch_embed.proj.weight", 0)
    patch = read.axis("image_encoder.patch_embed.proj.weight", 3)
    grid = read.axis("image_encoder.pos_embed", 1)
    blocks = [f"image_encoder.blocks.{i}" for i in range(read.count("image_encoder.blocks."))]
    sides = [(read.axis(f"{b}.attn.rel_pos_h", 0) + 1) // 2 for b in blocks]
    windows = {side for side in sides if side != grid}
    if not blocks or len(windows) > 1:
        raise misfit(read.where, f"The blocks' windows have sides of {sorted(windows)} tokens, and SAM's have one.")
    sizes = []
    for b in blocks:
        inner, head = read.axis(f"{b}.attn.qkv.weight", 0) // 3, read.axis(f"{b}.attn.rel_pos_h", 1)
        if inner % max(1, head):
            raise misfit(read.where, f"{b} has q, k and v of {inner}, which are not heads of {head}.")
        sizes.append(
            {"attention_width": inner, "num_attention_heads": inner // max(1, head), "mlp_dim": read.axis(f"{b}.mlp.lin1.weight", 0)}
        )
    is_even = all(s == sizes[0] for s in sizes) and sizes[0]["attention_width"] == width
    return {
        "image_size": grid * patch,
        "patch_size": patch,
        "hidden_size": width,
        "num_hidden_layers": len(blocks),
        "num_attention_heads": sizes[0]["num_attention_heads"],
        "mlp_dim": sizes[0]["mlp_dim"],
        "window_size": windows.pop() if windows else grid,
        "global_attn_indexes": [i for i, side in enumerate(sides) if side == grid],
        **({} if is_even else {"block_sizes": sizes}),
    }


def tiny_vit(read: ShapeReader, told: Mapping[str, object]) -> dict:
    stages = range(read.count("image_encoder.layers."))
    if len(stages) < 2:
        raise misfit(read.where, f"Its TinyViT has {len(stages)} stages.")
    names = [f"image_encoder.layers.{i}.blocks." for i in stages]
    first = read.axis("image_encoder.patch_embed.seq.2.c.weight", 0)
    # The first stage does not attend, and its entries are not used.
    biases = [f"{names[max(1, i)]}0.attn.attention_biases" for i in stages]
    dims = [first, *(read.axis(f"{name}0.attn.proj.weight", 0) for name in names[1:])]
    kernel = read.axis("image_encoder.patch_embed.seq.0.c.weight", 3)
    stride = (4 if kernel == 3 else 1) * 2 ** (len(stages) - 2)
    size = told.get("image_size", PUBLISHED_GRID * stride)
    if not isinstance(size, int) or size < stride or size % stride:
        raise misfit(read.where, f"The image size {size} is no multiple of {stride}.")
    return {
        "image_size": size,
        # Of a cell of the embedding, as in a ViT.
        "patch_size": stride,
        "stem_kernel": kernel,
        "embed_dims": dims,
        "depths": [read.count(name) for name in names],
        "num_heads": [read.axis(name, 0) for name in biases],
        "window_sizes": [math.isqrt(read.axis(name, 1)) for name in biases],
        "mlp_ratio": read.axis(f"{names[1]}0.mlp.fc1.weight", 0) / dims[1],
        "mbconv_expand_ratio": read.axis(f"{names[0]}0.conv1.c.weight", 0) / first,
    }
