"""SAM-HQ as others write it: Hugging Face's names, and Light HQ-SAM's official encoder. Skipped where their packages are not installed."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

hq = pytest.importorskip("segment_anything_hq", reason="segment-anything-hq is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from reference.sam import build, encode_image, randomise  # noqa: E402
from reference.tiny_vit import TinyViT  # noqa: E402

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/hq"

HF_NAMES = (
    (r"^image_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"^image_encoder\.blocks\.(\d+)\.norm(\d)\.", r"vision_encoder.layers.\1.layer_norm\2."),
    (r"^image_encoder\.blocks\.", "vision_encoder.layers."),
    (r"^image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
    (r"^image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
    (r"^image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
    (r"^image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
    (r"^image_encoder\.", "vision_encoder."),
    (r"^prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", "shared_image_embedding.positional_embedding"),
    (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."),
    (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
    (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."),
    (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
    (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
    (r"\.point_embeddings\.", ".point_embed."),
    (r"(transformer\.layers\.\d+)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."),
    (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
    (r"\.hf_token\.", ".hq_token."),
    (r"\.hf_mlp\.", ".hq_mask_mlp."),
    (r"\.compress_vit_feat\.0\.", ".compress_vit_conv1."),
    (r"\.compress_vit_feat\.1\.", ".compress_vit_norm."),
    (r"\.compress_vit_feat\.3\.", ".compress_vit_conv2."),
    (r"\.embedding_encoder\.0\.", ".encoder_conv1."),
    (r"\.embedding_encoder\.1\.", ".encoder_norm."),
    (r"\.embedding_encoder\.3\.", ".encoder_conv2."),
    (r"\.embedding_maskfeature\.0\.", ".mask_conv1."),
    (r"\.embedding_maskfeature\.1\.", ".mask_norm."),
    (r"\.embedding_maskfeature\.3\.", ".mask_conv2."),
    (r"((?:hypernetworks_mlps\.\d|iou_prediction_head|hq_mask_mlp)\.)layers\.0\.", r"\1proj_in."),
    (r"((?:hypernetworks_mlps\.\d|iou_prediction_head|hq_mask_mlp)\.)layers\.2\.", r"\1proj_out."),
    (r"((?:hypernetworks_mlps\.\d|iou_prediction_head|hq_mask_mlp)\.)layers\.1\.", r"\1layers.0."),
)


def hf_name(name: str) -> str:
    for pattern, replacement in HF_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def run(script: str, *args: str) -> dict:
    done = subprocess.run(["node", "scripts/cli.mjs", script, *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_engine_reads_hugging_faces_names(tmp_path: Path) -> None:
    c = json.loads((VECTORS / "hq.json").read_text())
    state = {hf_name(name): t.float() for name, t in load_file(VECTORS / "hq.base.safetensors").items()}
    expected = load_file(VECTORS / "hq.forward.safetensors")
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size", "window_size", "mlp_dim")
    shared = {"hidden_size": c["output_channels"], "image_size": c["image_size"], "patch_size": c["patch_size"]}
    vision = {name: c[name] for name in (*sizes, "global_attn_indexes", "output_channels")} | {"num_pos_feats": c["output_channels"] // 2}
    decoder = {"mlp_dim": c["decoder_mlp_dim"], "num_attention_heads": c["decoder_heads"], "iou_head_hidden_dim": c["iou_hidden"]}
    decoder |= {"hidden_size": c["output_channels"], "vit_dim": c["hidden_size"], "layer_norm_eps": 1e-5}
    config = transformers.SamHQConfig(
        vision_config=vision,
        prompt_encoder_config={**shared, "mask_input_channels": c["mask_channels"]},
        mask_decoder_config=decoder,
    )
    model = transformers.SamHQModel(config).eval()
    copy = {"prompt_encoder.shared_embedding.positional_embedding": state["shared_image_embedding.positional_embedding"]}
    model.load_state_dict(state | copy, strict=True)
    # Its tensors fit under these names, and each part answers as the official one with the same tensors. Its masks as a whole
    # do not: transformers 5.24 upscales the image as it was before the two-way transformer.
    with torch.no_grad():
        asked = model(pixel_values=expected["input.image"][:1], input_boxes=expected["input.boxes"][None], multimask_output=False)
        torch.testing.assert_close(asked.iou_scores[0, :, 0], expected["decode.boxes.iou"][:, 0])
        theirs, ours = model.mask_decoder, build(c).mask_decoder
        own = {n.removeprefix("mask_decoder."): t.float() for n, t in load_file(VECTORS / "hq.base.safetensors").items()}
        ours.load_state_dict({n: t for n, t in own.items() if n in ours.state_dict()})
        for part, x in {"compress_vit": (1, 32, 8, 8), "encoder": (1, 16, 8, 8), "mask": (1, 2, 32, 32)}.items():
            x = torch.randn(x)
            first, norm, second = (getattr(theirs, f"{part}_{layer}") for layer in ("conv1", "norm", "conv2"))
            official = {"compress_vit": ours.compress_vit_feat, "encoder": ours.embedding_encoder, "mask": ours.embedding_maskfeature}
            torch.testing.assert_close(second(theirs.activation(norm(first(x)))), official[part](x))
        x = torch.randn(1, 16)
        torch.testing.assert_close(theirs.hq_mask_mlp(x), ours.hf_mlp(x))
    # What it saves is read here under its own names.
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "hf.base.safetensors")
    (tmp_path / "config.json").rename(tmp_path / "hf.json")
    save_file({n: t for n, t in expected.items() if n != "postprocess.logits"}, tmp_path / "hf.forward.safetensors")
    errors = run("src/cli/conformance.ts", str(tmp_path), "--json")["sets"]["hf"]["forward"]
    assert "decode.points_mask.masks" in errors
    assert max(errors.values()) < 1e-4


def test_light_hq_sam_gives_its_features_and_is_told_by_its_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    official = hq.sam_model_registry["vit_tiny"]()
    randomise(official, 3)
    official.train().eval()  # spreads the attention biases again
    save_file({n: t.contiguous() for n, t in official.state_dict().items()}, tmp_path / "sam_hq_vit_tiny.safetensors")
    report = run("src/cli/main.ts", "inspect", "--model", str(tmp_path / "sam_hq_vit_tiny.safetensors"), "--json")
    assert (report["family"], report["unused"]) == ("sam-hq", [])

    sizes = {"image_size": 1024, "stem_kernel": 3, "output_channels": 256, "mlp_ratio": 4, "mbconv_expand_ratio": 4}
    sizes |= {"embed_dims": [64, 128, 160, 320], "depths": [2, 2, 6, 2], "num_heads": [2, 4, 5, 10], "window_sizes": [7, 7, 14, 7]}
    ours = TinyViT(sizes)
    state = official.image_encoder.state_dict()
    ours.load_state_dict({n: t for n, t in state.items() if "attention_bias_idxs" not in n and not re.match(r"(norm_)?head\.", n)})
    image = torch.nn.functional.interpolate(torch.randn(1, 3, 32, 32), (1024, 1024), mode="bicubic")
    with torch.no_grad():
        embedding, features = official.image_encoder(image)
        trace = encode_image(ours.eval(), image, {}, None)
    torch.testing.assert_close(trace.embedding, embedding, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(trace.intermediate, features[0], rtol=1e-3, atol=1e-4)
