"""Original SAM parameter names and Hugging Face's SamModel names for the same tensors."""

import re

_HEADS = ("mask_decoder.output_hypernetworks_mlps.{}", "mask_decoder.iou_prediction_head")
_PAIRS = [
    ("image_encoder.patch_embed.proj.", "vision_encoder.patch_embed.projection."),
    ("image_encoder.blocks.{}.norm{}.", "vision_encoder.layers.{}.layer_norm{}."),
    ("image_encoder.blocks.{}.", "vision_encoder.layers.{}."),
    ("image_encoder.neck.0.", "vision_encoder.neck.conv1."),
    ("image_encoder.neck.1.", "vision_encoder.neck.layer_norm1."),
    ("image_encoder.neck.2.", "vision_encoder.neck.conv2."),
    ("image_encoder.neck.3.", "vision_encoder.neck.layer_norm2."),
    ("image_encoder.", "vision_encoder."),
    ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", "shared_image_embedding.positional_embedding"),
    ("prompt_encoder.point_embeddings.", "prompt_encoder.point_embed."),
    ("prompt_encoder.mask_downscaling.0.", "prompt_encoder.mask_embed.conv1."),
    ("prompt_encoder.mask_downscaling.1.", "prompt_encoder.mask_embed.layer_norm1."),
    ("prompt_encoder.mask_downscaling.3.", "prompt_encoder.mask_embed.conv2."),
    ("prompt_encoder.mask_downscaling.4.", "prompt_encoder.mask_embed.layer_norm2."),
    ("prompt_encoder.mask_downscaling.6.", "prompt_encoder.mask_embed.conv3."),
    ("mask_decoder.transformer.layers.{}.norm{}.", "mask_decoder.transformer.layers.{}.layer_norm{}."),
    ("mask_decoder.transformer.norm_final_attn.", "mask_decoder.transformer.layer_norm_final_attn."),
    ("mask_decoder.output_upscaling.0.", "mask_decoder.upscale_conv1."),
    ("mask_decoder.output_upscaling.1.", "mask_decoder.upscale_layer_norm."),
    ("mask_decoder.output_upscaling.3.", "mask_decoder.upscale_conv2."),
    *((f"{head}.layers.0.", f"{head}.proj_in.") for head in _HEADS),
    *((f"{head}.layers.1.", f"{head}.layers.0.") for head in _HEADS),
    *((f"{head}.layers.2.", f"{head}.proj_out.") for head in _HEADS),
]
"""What names begin with, first match wins; {} is a number."""


def _rules(pairs: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(re.escape(a).replace(r"\{\}", r"(\d+)")), b) for a, b in pairs]


_TO_HUGGING_FACE = _rules(_PAIRS)
_TO_ORIGINAL = _rules([(b, a) for a, b in _PAIRS])


def _renamed(name: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, to in rules:
        if match := pattern.match(name):
            return to.format(*match.groups()) + name[match.end() :]
    return name


def hugging_face_name(name: str) -> str:
    return _renamed(name, _TO_HUGGING_FACE)


def original_name(name: str) -> str:
    """Of a Hugging Face name; an original one may mean something else there."""
    return _renamed(name, _TO_ORIGINAL)


def original_names(names: list[str]) -> dict[str, str]:
    """Hugging Face name -> original name, for the given original names."""
    return {hugging_face_name(n): n for n in names}
