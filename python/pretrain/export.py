"""A checkpoint to the folder that the studio and Hugging Face's SamModel load."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from mopeft.sam.model import Sam
from mopeft.sam.names import hugging_face_name

PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "SamImageProcessor",
    "image_std": [0.229, 0.224, 0.225],
    "processor_class": "SamProcessor",
    "resample": 2,
    "rescale_factor": 1 / 255,
}
SHARED = "shared_image_embedding.positional_embedding"
SHARED_COPY = "prompt_encoder.shared_embedding.positional_embedding"


def sam_config(c: dict) -> dict:
    """Hugging Face's SamConfig for a model section of the recipe."""
    size, patch, dim = c["image_size"], c["patch_size"], c["output_channels"]
    vision = {
        "hidden_act": "gelu",
        "hidden_size": c["hidden_size"],
        "image_size": size,
        "global_attn_indexes": c["global_attn_indexes"],
        "layer_norm_eps": 1e-6,
        "mlp_dim": c["mlp_dim"],
        "mlp_ratio": c["mlp_dim"] / c["hidden_size"],
        "model_type": "sam_vision_model",
        "num_attention_heads": c["num_attention_heads"],
        "num_channels": 3,
        "num_hidden_layers": c["num_hidden_layers"],
        "num_pos_feats": dim // 2,
        "output_channels": dim,
        "patch_size": patch,
        "qkv_bias": True,
        "use_abs_pos": True,
        "use_rel_pos": True,
        "window_size": c["window_size"],
    }
    prompt = {
        "hidden_act": "gelu",
        "hidden_size": dim,
        "image_embedding_size": size // patch,
        "image_size": size,
        "layer_norm_eps": 1e-6,
        "mask_input_channels": c["mask_channels"],
        "model_type": "sam_prompt_encoder",
        "num_point_embeddings": 4,
        "patch_size": patch,
    }
    decoder = {
        "attention_downsample_rate": c["attention_downsample_rate"],
        "hidden_act": "relu",
        "hidden_size": dim,
        "iou_head_depth": 3,
        "iou_head_hidden_dim": c["iou_hidden"],
        "layer_norm_eps": 1e-5,
        "mlp_dim": c["decoder_mlp_dim"],
        "model_type": "sam_mask_decoder",
        "num_attention_heads": c["decoder_heads"],
        "num_hidden_layers": 2,
        "num_multimask_outputs": 3,
    }
    return {
        "architectures": ["SamModel"],
        "mask_decoder_config": decoder,
        "model_type": "sam",
        "prompt_encoder_config": prompt,
        "vision_config": vision,
    }


def model_section(c: dict) -> dict:
    """The inverse of sam_config: the recipe's model section of a SamConfig."""
    v, p, d = c["vision_config"], c["prompt_encoder_config"], c["mask_decoder_config"]
    same = ("image_size", "patch_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "mlp_dim")
    return {k: v[k] for k in (*same, "output_channels", "window_size", "global_attn_indexes")} | {
        "mask_channels": p["mask_input_channels"],
        "decoder_heads": d["num_attention_heads"],
        "decoder_mlp_dim": d["mlp_dim"],
        "attention_downsample_rate": d["attention_downsample_rate"],
        "iou_hidden": d["iou_head_hidden_dim"],
    }


def write_model(state: dict[str, Tensor], c: dict, out: Path, note: str) -> int:
    """Write the folder; returns the bytes of the weights."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {hugging_face_name(k): v.to(torch.float16).contiguous() for k, v in state.items()}
    tensors[SHARED_COPY] = tensors[SHARED].clone()
    size = c["image_size"]
    grid = size // c["patch_size"] * 4
    sizes = {
        "size": {"longest_edge": size},
        "pad_size": {"height": size, "width": size},
        "mask_size": {"longest_edge": grid},
        "mask_pad_size": {"height": grid, "width": grid},
    }
    configs = {"config": sam_config(c), "preprocessor_config": PREPROCESSOR | sizes}
    # In the metadata too, so that the weights' file is complete alone.
    metadata = {"format": "pt", "note": note} | {k: json.dumps(v, sort_keys=True) for k, v in configs.items()}
    save_file(tensors, out / "model.safetensors", metadata=metadata)
    for name, value in configs.items():
        (out / f"{name}.json").write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    return (out / "model.safetensors").stat().st_size


def exported_step(folder: Path) -> int:
    """The step of the training run from which a model was exported."""
    with safe_open(folder / "model.safetensors", "pt") as f:
        return int(f.metadata()["note"].removeprefix("step "))


def exported(run: Path) -> Path:
    """The checkpoint that is exported: the calibrated one where there is one; SystemExit if its step is not that of last.pt."""
    last, calibrated = run / "last.pt", run / "calibrated.pt"
    if not calibrated.exists():
        return last
    now, then = (torch.load(p, map_location="cpu", weights_only=True, mmap=True)["step"] for p in (last, calibrated))
    if then != now:
        raise SystemExit(f"{calibrated} is from step {then}, last.pt from step {now}: calibrate again")
    return calibrated


def export(checkpoint: Path, out: Path) -> None:
    """Write the folder of a checkpoint. If Hugging Face's SamModel computes something else: SystemExit, and the old folder stays."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    section = state["config"]["model"]
    reference = Sam(section).eval()
    reference.load_state_dict({k: v.to(torch.float16).float() for k, v in state["ema"].items()})
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out) as aside:
        n = write_model(state["ema"], section, Path(aside), f"step {state['step']}")
        worst = compare_with_hugging_face(reference, Path(aside))
        print(f"step {state['step']}: {n / 2**20:.2f} MiB, largest difference to SamModel {worst:.1e}")
        if worst > 1e-3:
            raise SystemExit("the exported model differs from the trained one")
        for path in Path(aside).iterdir():
            os.replace(path, out / path.name)


@torch.inference_mode()
def compare_with_hugging_face(model: Sam, folder: Path) -> float:
    """Largest difference of embedding, masks (by their largest logit) and IoU, by click and by box."""
    from transformers import SamModel

    theirs, info = SamModel.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    if info["missing_keys"] or info["unexpected_keys"]:
        raise SystemExit(f"names differ: {info}")
    theirs.eval()
    size = model.config["image_size"]
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    click, box = torch.tensor([[[0.4 * size, 0.3 * size]]]), torch.tensor([[[10.0, 20.0, 0.5 * size, 0.7 * size]]])
    mine = model.image_encoder(image)
    embedding = mine.permute(0, 3, 1, 2)
    there = theirs.get_image_embeddings(image)
    worst = float((embedding - there).abs().max() / there.abs().max())
    by_click = {"input_points": click[:, None], "input_labels": torch.ones(1, 1, 1, dtype=torch.long)}
    asks = (
        (torch.cat([click, 0 * click], 1), [[1, -1]], slice(1, 4), by_click),
        (box.view(1, 2, 2), [[2, 3]], slice(0, 1), {"input_boxes": box}),
    )
    for points, labels, tokens, ask in asks:
        masks, iou = model.decode(mine, points, torch.tensor(labels), size)
        out = theirs(image_embeddings=there, multimask_output=tokens.start == 1, **ask)
        worst = max(worst, float((masks[:, tokens] - out.pred_masks[0]).abs().max() / masks.abs().max()))
        worst = max(worst, float((iou[:, tokens] - out.iou_scores[0]).abs().max()))
    return worst
