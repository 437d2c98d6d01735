"""A tiny Hugging Face SamModel with its answers: `python make.py` writes beside itself (transformers 5, torch, safetensors).

The second naming of SAM's tensors, checked against the code that owns it. f16 weights; all values are float32 from those.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import SamConfig, SamModel

HERE = Path(__file__).parent
VISION = {
    "hidden_size": 24,
    "output_channels": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": 48,
    "patch_size": 8,
    "window_size": 4,
    "global_attn_indexes": [1],
    "mlp_dim": 40,
    "num_pos_feats": 8,
}
PROMPT = {"hidden_size": 16, "image_size": 48, "patch_size": 8, "mask_input_channels": 8}
DECODER = {"hidden_size": 16, "mlp_dim": 24, "num_attention_heads": 2, "iou_head_hidden_dim": 16, "iou_head_depth": 4}


def main() -> None:
    torch.manual_seed(3)
    config = SamConfig(vision_config=VISION, prompt_encoder_config=PROMPT, mask_decoder_config=DECODER)
    model = SamModel(config).eval()
    state = model.state_dict()
    for name, tensor in state.items():
        noise = torch.randn_like(tensor)
        if name.endswith("layer_norm.weight") or "layer_norm" in name and name.endswith("weight"):
            tensor.copy_(1 + 0.1 * noise)
        elif tensor.dim() > 1 and "embed" not in name and "token" not in name:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)
        else:
            tensor.copy_(0.3 * noise)
        tensor.copy_(tensor.half().float())
    state["prompt_encoder.shared_embedding.positional_embedding"].copy_(state["shared_image_embedding.positional_embedding"])
    config.save_pretrained(HERE)
    save_file({k: v.half().contiguous().clone() for k, v in state.items()}, HERE / "model.safetensors")
    image = torch.randn(1, 3, 48, 48)
    points = torch.rand(1, 2, 2, 2) * 48
    labels = torch.tensor([[[1, 0], [1, 1]]])
    boxes = torch.tensor([[[4.0, 6.0, 30.0, 41.0], [10.0, 2.0, 44.0, 20.0]]])
    out = {"input.image": image, "input.points": points[0], "input.labels": labels[0].float(), "input.boxes": boxes[0]}
    with torch.no_grad():
        # One mask and three: together SAM's four tokens.
        for tag, ask in {"points": {"input_points": points, "input_labels": labels}, "boxes": {"input_boxes": boxes}}.items():
            parts = [model(pixel_values=image, multimask_output=many, **ask) for many in (False, True)]
            out[f"decode.{tag}.masks"] = torch.cat([p.pred_masks[0] for p in parts], 1)
            out[f"decode.{tag}.iou"] = torch.cat([p.iou_scores[0] for p in parts], 1)
        out["encoder.embedding"] = model.get_image_embeddings(image)
    save_file({k: v.contiguous() for k, v in out.items()}, HERE / "expected.safetensors")


if __name__ == "__main__":
    main()
