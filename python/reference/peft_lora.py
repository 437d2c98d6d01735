"""LoRA of Hugging Face's PEFT on the tiny SamModel of `tests/vectors/hf`: `python -m reference.peft_lora ../tests/vectors/peft`.

Needs the package `peft` (0.21) beside requirements.txt, for this script alone. Writes a folder for each case as PEFT
saves it, and `expected.safetensors`: the embedding of hf's image, and the masks of its points, with PEFT's own
forward (float32 on a CPU). `whole` is `decoder` as the state of the whole model.
"""

import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import SamModel

HF = Path(__file__).parents[2] / "tests/vectors/hf"
CASES = {
    "fused": LoraConfig(r=3, lora_alpha=6, target_modules=["qkv"]),
    # Ranks and scales that differ, one block alone, every layer, and a trained mask decoder.
    "every_layer": LoraConfig(
        r=2,
        lora_alpha=3,
        use_rslora=True,
        target_modules=r"vision_encoder\.layers\.\d+\.(attn\.qkv|attn\.proj|mlp\.lin1|mlp\.lin2)",
        rank_pattern={"layers.1.attn.proj": 4, "lin2": 1},
        alpha_pattern={"mlp.lin1": 5},
        modules_to_save=["mask_decoder"],
    ),
    # Layers of the mask decoder too, heads among them.
    "decoder": LoraConfig(
        r=2,
        lora_alpha=3,
        target_modules=r"(vision_encoder\.layers\.\d+\.attn\.qkv|mask_decoder\..*\.(q_proj|out_proj|lin2|proj_out))",
        rank_pattern={"proj_out": 1},
    ),
    "late": LoraConfig(r=2, lora_alpha=-1, target_modules=r"vision_encoder\.layers\.1\.(attn\.proj|mlp\.lin2)"),
}


def hf_model() -> SamModel:
    model = SamModel.from_pretrained(HF, dtype=torch.float32)
    return model.eval()


@torch.no_grad()
def randomise(model: PeftModel, seed: int) -> None:
    """Adapter tensors that matter, of values that f16 holds exactly."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if "lora_" in name:
            p.copy_((0.4 * torch.randn(p.shape, generator=g)).half())
        elif "modules_to_save" in name:
            p.add_(0.1 * torch.randn(p.shape, generator=g)).copy_(p.half())


@torch.no_grad()
def main(out: Path) -> None:
    asked = load_file(HF / "expected.safetensors")
    image, points, labels = asked["input.image"], asked["input.points"][None], asked["input.labels"].long()[None]
    expected = {}
    for seed, (case, config) in enumerate(CASES.items()):
        model = get_peft_model(hf_model(), config)
        randomise(model, seed)
        model.peft_config["default"].base_model_name_or_path = "tests/vectors/hf"
        model.save_pretrained(out / case)
        (out / case / "README.md").unlink()
        weights = out / case / "adapter_model.safetensors"
        save_file({k: v.half() for k, v in load_file(weights).items()}, weights)
        weights.chmod(0o644)
        if case == "late":
            # As older versions save it.
            torch.save(load_file(weights), out / case / "adapter_model.bin")
        if case == "decoder":
            # The same as the state of the whole model, nothing merged.
            (out / "whole").mkdir(exist_ok=True)
            state = {k: v.clone() for k, v in model.state_dict().items()}
            save_file(state, out / "whole/model.safetensors")
            (out / "whole/model.safetensors").chmod(0o644)
            for file in (HF / "config.json", out / case / "adapter_config.json"):
                shutil.copy(file, out / "whole" / file.name)
        again = PeftModel.from_pretrained(hf_model(), out / case).eval()
        expected[f"{case}.embedding"] = again.get_image_embeddings(image)
        parts = [again(pixel_values=image, input_points=points, input_labels=labels, multimask_output=m) for m in (False, True)]
        expected[f"{case}.masks"] = torch.cat([p.pred_masks[0] for p in parts], 1)
    save_file({k: v.contiguous() for k, v in expected.items()}, out / "expected.safetensors")
    (out / "expected.safetensors").chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
