"""SAM 2's image part around its encoder: the official modules of SAM where they are the same, and its own names."""

import re

import torch
import torch.nn.functional as F
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn


class PromptEncoder2(PromptEncoder):
    """Every prompt has one padding point, one with a box too: points, corners, padding point."""

    def forward(self, points: tuple[Tensor, Tensor] | None, boxes: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        sparse, dense = super().forward(points, boxes, masks)
        if boxes is not None:
            sparse = torch.cat([sparse, self.not_a_point_embed.weight.expand(len(sparse), 1, -1)], 1)
        return sparse, dense


class MaskDecoder2(MaskDecoder):
    """Has a token for whether there is an object, adds features of finer grids as it upscales, and predicts IoU by a sigmoid."""

    def __init__(self, transformer_dim: int, transformer: TwoWayTransformer, iou_head_hidden_dim: int) -> None:
        super().__init__(transformer_dim=transformer_dim, transformer=transformer, iou_head_hidden_dim=iou_head_hidden_dim)
        self.obj_score_token = nn.Embedding(1, transformer_dim)
        self.pred_obj_score_head = MLP(transformer_dim, transformer_dim, 1, 3)

    def predict_masks(
        self, embedding: Tensor, pe: Tensor, sparse: Tensor, dense: Tensor, high_res: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """embedding [1, D, G, G], high_res channels last -> masks [N, 4, 4G, 4G], IoU [N, 4]."""
        n = len(sparse)
        own = torch.cat([self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(n, -1, -1), sparse], 1)
        seen, image = self.transformer(embedding + dense, pe.expand(n, -1, -1, -1), tokens)
        fine, finer = (x.permute(0, 3, 1, 2) for x in reversed(high_res))
        first, norm, _, second, _ = self.output_upscaling
        pixels = F.gelu(norm(first(image.transpose(1, 2).view(n, *embedding.shape[1:])) + fine))
        pixels = F.gelu(second(pixels) + finer)
        kernels = torch.stack([mlp(seen[:, 2 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1)
        return torch.einsum("nkc,nchw->nkhw", kernels, pixels), self.iou_prediction_head(seen[:, 1]).sigmoid()


ORIGINAL_NAMES = (
    (r"^image_encoder\.(conv_s\d)\.", r"sam_mask_decoder.\1."),
    (r"^image_encoder\.no_mem_embed$", "no_mem_embed"),
    (r"^(mask_decoder\.transformer\.layers\.\d)\.mlp\.lin1\.", r"\1.mlp.layers.0."),
    (r"^(mask_decoder\.transformer\.layers\.\d)\.mlp\.lin2\.", r"\1.mlp.layers.1."),
    (r"^(mask_decoder|prompt_encoder)\.", r"sam_\1."),
)
HF_NAMES = (
    (r"^image_encoder\.trunk\.patch_embed\.proj\.", "vision_encoder.backbone.patch_embed.projection."),
    (r"^image_encoder\.trunk\.(blocks\.\d+)\.norm(\d)\.", r"vision_encoder.backbone.\1.layer_norm\2."),
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.(convs\.\d)\.conv\.", r"vision_encoder.neck.\1."),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^sam_prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", "shared_image_embedding.positional_embedding"),
    (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."),
    (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
    (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."),
    (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
    (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
    (r"\.point_embeddings\.\d\.", ".point_embed."),
    (r"(transformer\.layers\.\d)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.out_proj\.", ".o_proj."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."),
    (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
    (r"((?:blocks|transformer\.layers)\.\d+\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"((?:blocks|transformer\.layers)\.\d+\.mlp)\.layers\.1\.", r"\1.proj_out."),
    (r"((?:mlps\.\d|iou_prediction_head|pred_obj_score_head)\.)layers\.0\.", r"\1proj_in."),
    (r"((?:mlps\.\d|iou_prediction_head|pred_obj_score_head)\.)layers\.2\.", r"\1proj_out."),
    (r"((?:mlps\.\d|iou_prediction_head|pred_obj_score_head)\.)layers\.1\.", r"\1layers.0."),
    (r"^sam_", ""),
)


def renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def original_name(name: str) -> str:
    """A tensor's name in SAM 2's own files, by its name in `reference.sam.build`."""
    return renamed(name, ORIGINAL_NAMES)


def hugging_face_names(names: list[str]) -> dict[str, str | list[str]]:
    """By each name in a Sam2Model the original one; the four tensors of points are rows of one there, and one tensor is there twice."""
    found: dict[str, str | list[str]] = {}
    for name in names:
        hf = renamed(name, HF_NAMES)
        found[hf] = [*found.get(hf, []), name] if ".point_embed." in hf else name
    matrix = found["shared_image_embedding.positional_embedding"]
    return found | {"prompt_encoder.shared_embedding.positional_embedding": matrix}


def hugging_face_config(c: dict) -> dict:
    """The arguments of transformers' Sam2Config for the config of a set. Masks are not chosen by their stability."""
    grid, size, dim, widths = c["image_size"] // 16, c["image_size"], c["output_channels"], c["embed_dim_per_stage"]
    per_stage = ("blocks", "embed_dim", "num_attention_heads", "window_size")
    backbone = {f"{name}_per_stage": c[f"{name}_per_stage"] for name in per_stage} | {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": widths[0],
        "num_attention_heads": c["num_attention_heads_per_stage"][0],
        "image_size": [size, size],
        "global_attention_blocks": c["global_attention_blocks"],
        "window_positional_embedding_background_size": c["window_positional_embedding_background_size"],
        "mlp_ratio": float(c["mlp_ratio"]),
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": widths[::-1],
        "backbone_feature_sizes": [[times * grid, times * grid] for times in (4, 2, 1)],
        "fpn_hidden_size": dim,
    }
    decoder = {
        "hidden_size": dim,
        "mlp_dim": c["decoder_mlp_dim"],
        "num_attention_heads": c["decoder_heads"],
        "iou_head_hidden_dim": c["iou_hidden"],
        "dynamic_multimask_via_stability": False,
    }
    prompt = {"hidden_size": dim, "image_size": size, "patch_size": 16, "mask_input_channels": c["mask_channels"]}
    return {"vision_config": vision, "prompt_encoder_config": prompt, "mask_decoder_config": decoder}
