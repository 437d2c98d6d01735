"""Write the project's own sets of vectors: `python -m reference.make OUT [SET …]` (a folder for each set)."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from segment_anything.modeling import Sam
from segment_anything_hq.modeling import ImageEncoderViT as ImageEncoderHQ
from torch import Tensor

from . import seeded
from .encoder import Case, make_params, site_configs
from .gates import price
from .hiera import Hiera
from .losses import adamw, supervised, terms, total
from .sam import build, decode, encode_image, grid_of, randomise, vit
from .sam2 import hugging_face_names, original_name

CONFIG = {
    "image_size": 64,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "mlp_dim": 64,
    "output_channels": 16,
    "window_size": 3,
    "global_attn_indexes": [1],
    "decoder_mlp_dim": 32,
    "decoder_heads": 2,
    "iou_hidden": 16,
    "mask_channels": 8,
    "rank": 3,
    "prefix_length": 2,
    "bottleneck": 8,
    "batch": 2,
    "adapter_activation": "gelu",
    "postprocess": {"input_size": [41, 64], "original_size": [45, 70]},
}
OPTIMIZER = {"name": "AdamW", "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01, "steps": 2}
TINY = {
    "image_size": 64,
    "stem_kernel": 3,
    "embed_dims": [8, 16, 24, 32],
    "depths": [1, 2, 1, 1],
    "num_heads": [1, 2, 3, 4],
    "window_sizes": [3, 3, 4, 3],
    "mlp_ratio": 2,
    "mbconv_expand_ratio": 2,
    **{name: CONFIG[name] for name in list(CONFIG)[list(CONFIG).index("decoder_mlp_dim") :]},
    "output_channels": 16,
}
SAM2 = {
    "image_size": 96,
    "blocks_per_stage": [1, 2, 3, 2],
    "embed_dim_per_stage": [8, 16, 32, 64],
    "num_attention_heads_per_stage": [1, 2, 4, 8],
    "window_size_per_stage": [4, 2, 4, 2],
    "global_attention_blocks": [4],
    "window_positional_embedding_background_size": [5, 5],
    "mlp_ratio": 2,
    "output_channels": 16,
    **{name: TINY[name] for name in list(CONFIG)[list(CONFIG).index("decoder_mlp_dim") :] if name != "postprocess"},
}
ALL = ("lora", "prefix", "adapter")
EVERY = (0, 1, 2)


def save(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path)
    path.chmod(0o644)


def describe(case: Case) -> dict:
    """A case for the json."""
    return {
        "methods": list(case.methods),
        "gated": case.gate != "none",
        "gate": case.gate,
        "blocks": list(case.blocks),
        "adapter_activation": case.activation,
        **({"datasets": case.datasets, "dataset": list(case.dataset), "token": case.token} if case.dataset else {}),
        **({} if case.budget is None else {"budget": case.budget}),
    }


def make_base(out: Path, name: str, seed: int, half: bool, settings: dict = CONFIG) -> tuple[dict, Sam]:
    """Build the model, write its weights (f16: the model itself takes the rounded ones)."""
    config = {**settings, "cases": {}, "optimizer": OPTIMIZER}
    sam = build(config)
    randomise(sam, seed)
    sam.requires_grad_(False)
    if half:
        for t in sam.state_dict().values():
            t.copy_(t.half().float())
    state = {k: v for k, v in sam.state_dict().items() if k not in ("pixel_mean", "pixel_std")}
    if isinstance(sam.image_encoder, Hiera):
        state = {original_name(k): v for k, v in state.items()}
    save(out / f"{name}.base.safetensors", {k: v.half() if half and v.is_floating_point() else v for k, v in state.items()})
    return config, sam


def smooth_image(g: torch.Generator, batch: int, size: int) -> Tensor:
    coarse = torch.randn(batch, 3, 8, 8, generator=g)
    fine = torch.randn(batch, 3, size, size, generator=g)
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear") + 0.3 * fine


def forward_file(out: Path, name: str, config: dict, sam: Sam, g: torch.Generator) -> tuple:
    """The frozen model's outputs, in the form of the given vectors; returns the images, points and labels."""
    size, n = config["image_size"], 2
    image = smooth_image(g, config["batch"], size)
    trace = encode_image(sam.image_encoder, image, {}, None)
    points, labels = torch.rand(n, 2, 2, generator=g) * size, torch.randint(0, 2, (n, 2), generator=g)
    corners = torch.rand(n, 2, 2, generator=g) * size
    boxes = torch.cat([corners.amin(1), corners.amax(1)], 1)
    side = 4 * grid_of(config)
    mask = 3 * torch.randn(n, 1, side, side, generator=g)
    tensors = {"input.image": image, "input.points": points, "input.labels": labels.to(torch.int32)}
    tensors |= {"input.boxes": boxes, "input.mask": mask, "encoder.embedding": trace.embedding}
    tensors |= {f"encoder.block.{i}": x for i, x in enumerate(trace.blocks)}
    tensors |= {f"encoder.high_res{i}": x for i, x in enumerate(trace.high_res or ())}
    tensors["prompt.dense_pe"] = sam.prompt_encoder.get_dense_pe()
    asks = {
        "points": (points, labels, None, None),
        "boxes": (None, None, boxes, None),
        "points_boxes": (points, labels, boxes, None),
        "points_mask": (points, labels, None, mask),
    }
    for tag, ask in asks.items():
        masks, iou, sparse, dense = decode(sam, trace.embedding[:1], *ask, **trace.beside(slice(1)))
        tensors |= {f"decode.{tag}.masks": masks, f"decode.{tag}.iou": iou}
        tensors |= {f"prompt.{tag}.sparse": sparse, f"prompt.{tag}.dense": dense}
    if p := config.get("postprocess"):
        masks = tensors["decode.points.masks"]
        tensors["postprocess.logits"] = sam.postprocess_masks(masks, tuple(p["input_size"]), tuple(p["original_size"]))
    save(out / f"{name}.forward.safetensors", tensors)
    return image, points, labels


def trainable(sam: Sam, params: dict[str, Tensor], decoder: bool) -> dict[str, Tensor]:
    """All tensors that a case trains, by their names in the files."""
    sam.mask_decoder.requires_grad_(decoder)
    sam.mask_decoder.zero_grad()
    # No answer depends on SAM 2's logit of whether there is an object.
    own = {f"mask_decoder.{n}": p for n, p in sam.mask_decoder.named_parameters() if not n.startswith("pred_obj_score_head.")}
    return {**params, **own} if decoder else params


def results(params: dict[str, Tensor]) -> dict[str, Tensor]:
    """param.*, grad.* and adamw2.* of every trained tensor."""
    for p in params.values():
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
    out = {f"param.{n}": p for n, p in params.items()} | {f"grad.{n}": p.grad for n, p in params.items()}
    return out | {f"adamw2.{n}": p for n, p in adamw(params, OPTIMIZER).items()}


def blobs(g: torch.Generator, n: int, side: int) -> Tensor:
    """Binary targets [n, side, side]: random ellipses."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    c, r = side * (0.25 + 0.5 * torch.rand(n, 2, generator=g)), side * (0.12 + 0.2 * torch.rand(n, 2, generator=g))
    return torch.stack([(((y - c[i, 0]) / r[i, 0]) ** 2 + ((x - c[i, 1]) / r[i, 1]) ** 2 <= 1).float() for i in range(n)])


def with_ignored(target: Tensor, image: int) -> Tensor:
    """Targets [n, side, side] with -1 on a lattice, in the left half or everywhere, object by object; image: where that order begins."""
    side = target.shape[-1]
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    kinds = [(x * y) % 3 == 1, x < side // 2, torch.ones_like(x, dtype=torch.bool)]
    return torch.stack([torch.where(kinds[(image + i) % 3], -1.0, t) for i, t in enumerate(target)])


def single_case(sam: Sam, config: dict, image: Tensor, points: Tensor, labels: Tensor, case: Case, seed: int) -> tuple[dict, dict]:
    """A step in the given form: image b, its one prompt, token 0 against target.mask[b]."""
    g = torch.Generator().manual_seed(seed)
    target = blobs(g, config["batch"], 4 * grid_of(config))
    params = trainable(sam, make_params(config, case, seed + 1), False)
    if case.token:
        params["tokens.dataset"] = (0.3 * torch.randn(case.datasets, config["output_channels"], generator=g)).requires_grad_()
    asked = case.dataset or (0,) * config["batch"]
    draws = chances(params, g)
    trace = encode_image(sam.image_encoder, image, params, case, torch.tensor(asked), draws)
    tensors = {"target.mask": target, "encoder.embedding": trace.embedding, **trace.gates}
    loss = torch.zeros(())
    for b in range(config["batch"]):
        one = slice(b, b + 1)
        token = params["tokens.dataset"][asked[b]] if case.token else None
        prompt = (points[one], labels[one])
        masks, iou, _, _ = decode(sam, trace.embedding[one], *prompt, token=token, **trace.beside(one))
        three, _ = supervised(terms(masks, iou, target[one]), False)
        tensors |= {f"masks.{b}": masks, f"iou.{b}": iou, f"loss.{b}": three[0]}
        loss = loss + total(three).mean() / config["batch"]
    tensors["loss"] = loss[None]
    if case.budget is not None:
        params["gates.price"] = torch.tensor([0.7, -0.4]).requires_grad_()
        loss = loss + price(params, sizes(params), case.budget)
    loss.backward()
    if draws:
        tensors["input.draws"] = torch.cat(list(draws.values()))
        outside = encode_image(sam.image_encoder, image, params, case)
        tensors |= {"evaluation.embedding": outside.embedding, **outside.gates}
    return describe(case) | {"loss": tensors["loss"].item()}, tensors | results(params)


def chances(params: dict[str, Tensor], g: torch.Generator) -> dict[str, Tensor]:
    """A step's number in (0, 1) for each hard gate, by `blocks.0.gate.lora.`; some close their gate, some open it wholly."""
    gates = [name.removesuffix("alpha") for name in params if name.endswith(".alpha")]
    return {name: 0.02 + 0.96 * torch.rand(1, generator=g) for name in gates}


def sizes(params: dict[str, Tensor]) -> dict[str, int]:
    """By the name of a hard gate's α: the number of its module's parameters."""
    gates = [name for name in params if name.endswith(".alpha")]
    owners = [name.replace(".gate", "").removesuffix("alpha") for name in gates]
    return {a: sum(t.numel() for n, t in params.items() if n.startswith(owner)) for a, owner in zip(gates, owners, strict=True)}


def rounds_case(
    sam: Sam,
    config: dict,
    image: Tensor,
    case: Case,
    firsts: list[str],
    rounds: int,
    objects: int,
    decoder: bool,
    seed: int,
    ignores: bool = False,
) -> tuple[dict, dict]:
    """A step of several objects and rounds an image; firsts[b] is "click" or "box"; ignores: some cells take no part."""
    g = torch.Generator().manual_seed(seed)
    size, side = config["image_size"], 4 * grid_of(config)
    params = trainable(sam, make_params(config, case, seed + 1), decoder)
    trace = encode_image(sam.image_encoder, image, params, case)
    tensors = {"encoder.embedding": trace.embedding, **trace.gates}
    loss = torch.zeros(())
    for b, first in enumerate(firsts):
        whole = blobs(g, objects, side)
        target = with_ignored(whole, b) if ignores else whole
        tensors[f"target.{b}"] = target
        points = torch.zeros(objects, 0, 2)
        labels = torch.zeros(objects, 0, dtype=torch.long)
        boxes = fed = None
        if first == "box":
            boxes = torch.stack([torch.cat([m.nonzero().amin(0).flip(0), m.nonzero().amax(0).flip(0) + 1]) * (size / side) for m in whole])
            boxes = boxes + torch.randn(boxes.shape, generator=g)
        for k in range(rounds):
            if k or first == "click":
                wrong = target > 0 if fed is None else ((fed[:, 0] > 0) != (target > 0)) & (target >= 0)
                # Where no cell takes part there is no error, and any cell will do.
                wrong = torch.where(wrong.any((1, 2), keepdim=True), wrong, whole > 0)
                cell = torch.stack([w.nonzero()[int(torch.randint(len(w.nonzero()), (1,), generator=g))] for w in wrong])
                sign = whole[torch.arange(objects), cell[:, 0], cell[:, 1]].long()
                points = torch.cat([points, (cell.flip(1)[:, None] + 0.5) * (size / side)], 1)
                labels = torch.cat([labels, sign[:, None]], 1)
            clicks = (points, labels) if points.shape[1] else (None, None)
            one = slice(b, b + 1)
            masks, iou, _, _ = decode(sam, trace.embedding[one], *clicks, boxes, fed, **trace.beside(one))
            three, token = supervised(terms(masks, iou, target), candidates=k == 0 and first == "click")
            key = f"{b}.{k}"
            if points.shape[1]:
                tensors |= {f"input.points.{key}": points, f"input.labels.{key}": labels.to(torch.int32)}
            if boxes is not None:
                tensors[f"input.boxes.{key}"] = boxes
            if fed is not None:
                tensors[f"input.mask.{key}"] = fed
            tensors |= {f"masks.{key}": masks, f"iou.{key}": iou, f"loss.{key}": three, f"token.{key}": token.to(torch.int32)}
            loss = loss + total(three).mean() / (rounds * len(firsts))
            fed = masks.detach()[torch.arange(objects), token][:, None]
    loss.backward()
    tensors["loss"] = loss[None]
    extra = {"form": "rounds", "first": firsts, "rounds": rounds, "objects": objects, "decoder": decoder, "loss": loss.item()}
    return describe(case) | extra, tensors | results(params)


def finish(out: Path, name: str, config: dict, made: dict[str, tuple[dict, dict]]) -> None:
    for case, (info, tensors) in made.items():
        config["cases"][case] = info
        save(out / f"{name}.{case}.safetensors", tensors)
    (out / f"{name}.json").write_text(json.dumps(config, indent=1) + "\n")


def gates_set(out: Path) -> None:
    """f16 weights; single-prompt steps: every gate form but `none`, a relu adapter, modules in the late block only, a token."""
    config, sam = make_base(out, "gates", 5, half=True)
    g = torch.Generator().manual_seed(6)
    image, points, labels = forward_file(out, "gates", config, sam, g)
    cases = {
        "mass": Case(ALL, "mass", EVERY),
        "mass_prefix_late": Case(("prefix",), "mass", (1, 2)),
        "relu": Case(("lora", "adapter"), "unipelt", (0, 1), "relu"),
        "late": Case(ALL, "unipelt", (2,)),
        "task": Case(ALL, "task", (0, 2), datasets=3, dataset=(2, 0)),
        "token": Case(("lora",), "none", (2,), datasets=2, dataset=(1, 0), token=True),
        "hard": Case(ALL, "hard", EVERY, budget=0.4),
        "budget": Case(ALL, "budget", (2,)),
    }
    made = {n: single_case(sam, config, image, points, labels, c, 10 * i) for i, (n, c) in enumerate(cases.items(), 1)}
    finish(out, "gates", config, made)


def slim_set(out: Path) -> None:
    """f16 weights of a pruned model: attention narrower and wider than the tokens, heads and MLPs of other sizes in every block."""
    sizes = [(24, 3, 40), (12, 2, 64), (40, 4, 13)]
    change = {
        "image_size": 32,
        "postprocess": {"input_size": [21, 32], "original_size": [23, 35]},
        "block_sizes": [{"attention_width": a, "num_attention_heads": h, "mlp_dim": m} for a, h, m in sizes],
    }
    config, sam = make_base(out, "slim", 51, half=True, settings={**CONFIG, **change})
    image, points, labels = forward_file(out, "slim", config, sam, torch.Generator().manual_seed(52))
    cases = {"all": Case((*ALL, "bias_norm"), "unipelt", EVERY), "mass": Case(("prefix", "bias_norm"), "mass", EVERY)}
    made = {n: single_case(sam, config, image, points, labels, c, 600 + 10 * i) for i, (n, c) in enumerate(cases.items(), 1)}
    finish(out, "slim", config, made)


def bias_norm_set(out: Path) -> None:
    """f16 weights; bias and norm tuning alone and ungated, gated beside LoRA, and beside all others in form `mass`."""
    config, sam = make_base(out, "bias_norm", 31, half=True)
    image, points, labels = forward_file(out, "bias_norm", config, sam, torch.Generator().manual_seed(32))
    cases = {
        "alone": Case(("bias_norm",), "none", EVERY),
        "lora": Case(("lora", "bias_norm"), "unipelt", EVERY),
        "mass": Case((*ALL, "bias_norm"), "mass", (1, 2)),
    }
    made = {n: single_case(sam, config, image, points, labels, c, 400 + 10 * i) for i, (n, c) in enumerate(cases.items(), 1)}
    finish(out, "bias_norm", config, made)


def beside_set(out: Path) -> None:
    """f16 weights; methods that the paper lacks alone and ungated, and gated beside the others."""
    config, sam = make_base(out, "beside", 61, half=True)
    image, points, labels = forward_file(out, "beside", config, sam, torch.Generator().manual_seed(62))
    cases = {
        "conv_pass": Case(("conv_pass",), "none", EVERY),
        "adaptformer": Case(("adaptformer",), "none", EVERY),
        "all": Case((*ALL, "bias_norm", "conv_pass", "adaptformer"), "unipelt", (0, 2)),
        "full": Case(("full",), "none", (2,)),
        "ssf": Case(("ssf",), "none", EVERY),
        "ia3": Case(("ia3",), "none", EVERY),
        "scaled": Case(("lora", "prefix", "full", "ssf", "ia3"), "mass", (1,)),
    }
    made = {n: single_case(sam, config, image, points, labels, c, 900 + 10 * i) for i, (n, c) in enumerate(cases.items(), 1)}
    finish(out, "beside", config, made)


def rounds_set(out: Path) -> None:
    """f32 weights; steps of several objects and rounds: candidates, boxes, fed masks; with and without the decoder."""
    config, sam = make_base(out, "rounds", 21, half=False)
    image = smooth_image(torch.Generator().manual_seed(8), config["batch"], config["image_size"])
    embedding = encode_image(sam.image_encoder, image, {}, None).embedding
    save(out / "rounds.forward.safetensors", {"input.image": image, "encoder.embedding": embedding})
    del config["postprocess"]
    late = Case(ALL, "unipelt", (2,))
    made = {
        "candidates": rounds_case(sam, config, image, late, ["click", "click"], 1, 3, False, 100),
        "box_rounds": rounds_case(sam, config, image, late, ["box", "click"], 3, 2, True, 200),
        "mass_rounds": rounds_case(sam, config, image, Case(ALL, "mass", (1, 2)), ["click", "box"], 2, 2, False, 300),
    }
    finish(out, "rounds", config, made)


def ignored_set(out: Path) -> None:
    """f32 weights; steps of several objects and rounds in which cells take no part; of one object none does."""
    config, sam = make_base(out, "ignored", 41, half=False)
    image = smooth_image(torch.Generator().manual_seed(42), config["batch"], config["image_size"])
    embedding = encode_image(sam.image_encoder, image, {}, None).embedding
    save(out / "ignored.forward.safetensors", {"input.image": image, "encoder.embedding": embedding})
    del config["postprocess"]
    late = Case(("lora",), "unipelt", (2,))
    made = {
        "candidates": rounds_case(sam, config, image, late, ["click", "click"], 1, 3, False, 500, ignores=True),
        "box_rounds": rounds_case(sam, config, image, late, ["box", "click"], 2, 3, False, 600, ignores=True),
    }
    finish(out, "ignored", config, made)


def hq_set(out: Path) -> None:
    """f16 weights; HQ-SAM behind a ViT, frozen, with modules and with its decoder trained; and Light HQ-SAM, behind a TinyViT."""
    config, sam = make_base(out, "hq", 81, half=True, settings={**CONFIG, "hq": True})
    image, points, labels = forward_file(out, "hq", config, sam, torch.Generator().manual_seed(82))
    check_hq_encoder(config, sam, image)
    cases = {
        "mopeft": single_case(sam, config, image, points, labels, Case(ALL, "unipelt", EVERY), 810),
        "late": single_case(sam, config, image, points, labels, Case(("adapter",), "unipelt", (2,)), 815),
        "decoder": rounds_case(sam, config, image, Case(("lora",), "unipelt", (0, 2)), ["box", "click"], 2, 2, True, 820),
        "candidates": rounds_case(sam, config, image, Case(("lora",), "mass", (1,)), ["click", "click"], 1, 2, False, 830),
    }
    finish(out, "hq", config, cases)

    config, sam = make_base(out, "light", 83, half=True, settings={**TINY, "hq": True})
    image, points, labels = forward_file(out, "light", config, sam, torch.Generator().manual_seed(84))
    finish(out, "light", config, {"lora": single_case(sam, config, image, points, labels, Case(("lora",), "unipelt", (0, 3)), 840)})

    seeded_set(out, "wide_hq", {"image_size": 128, "num_hidden_layers": 2, "global_attn_indexes": [0], "hq": True}, 85)


def check_hq_encoder(config: dict, sam: Sam, image: Tensor) -> None:
    """The official encoder of HQ-SAM gives the same embedding and, first of its features, the same intermediate ones."""
    official = vit(config, ImageEncoderHQ)
    official.load_state_dict(sam.image_encoder.state_dict())
    trace = encode_image(sam.image_encoder, image, {}, None)
    with torch.no_grad():
        embedding, features = official(image)
    torch.testing.assert_close(trace.embedding, embedding)
    torch.testing.assert_close(trace.intermediate, features[0])


def tiny_vit_set(out: Path) -> None:
    """f16 weights; a TinyViT with a strided stem and modules of unequal width, and one without stride of the frozen model alone."""
    config, sam = make_base(out, "tiny_vit", 51, half=True, settings=TINY)
    image, points, labels = forward_file(out, "tiny_vit", config, sam, torch.Generator().manual_seed(52))
    every = tuple(range(4))
    cases = {
        "unipelt": Case(ALL, "unipelt", every),
        "mass": Case(ALL, "mass", (1, 3)),
        "bias_norm": Case(("bias_norm",), "none", every),
    }
    made = {n: single_case(sam, config, image, points, labels, c, 700 + 10 * i) for i, (n, c) in enumerate(cases.items(), 1)}
    finish(out, "tiny_vit", config, made)

    lite = {**TINY, "image_size": 20, "stem_kernel": 1, "embed_dims": [4, 8, 8, 8], "num_heads": [1, 1, 2, 4], "batch": 1}
    del lite["postprocess"]
    config, sam = make_base(out, "lite", 53, half=True, settings=lite)
    image = smooth_image(torch.Generator().manual_seed(54), 1, lite["image_size"])
    embedding = encode_image(sam.image_encoder, image, {}, None).embedding
    save(out / "lite.forward.safetensors", {"input.image": image, "encoder.embedding": embedding})
    finish(out, "lite", config, {})


def sam2_set(out: Path) -> None:
    """f16 weights; SAM 2, frozen, with modules and with its decoder trained, and the names that Hugging Face has for its tensors."""
    config, sam = make_base(out, "sam2", 91, half=True, settings=SAM2)
    names = hugging_face_names(list(load_file(out / "sam2.base.safetensors")))
    (out / "hf_names.json").write_text(json.dumps(names, indent=1, sort_keys=True) + "\n")
    image, points, labels = forward_file(out, "sam2", config, sam, torch.Generator().manual_seed(92))
    last = len(site_configs(config)) - 1
    cases = {
        "mopeft": single_case(sam, config, image, points, labels, Case(ALL, "unipelt", tuple(range(last + 1))), 910),
        "late": single_case(sam, config, image, points, labels, Case(("adapter",), "unipelt", (last,)), 920),
        "mass": single_case(sam, config, image, points, labels, Case(ALL, "mass", (1, last)), 930),
        "decoder": rounds_case(sam, config, image, Case(("lora",), "unipelt", (0, last)), ["box", "click"], 2, 2, True, 940),
    }
    finish(out, "sam2", config, cases)


def image_set(out: Path) -> None:
    """A non-square file to a mask of its own size: resize, pad, normalise, encode, decode, resize back, threshold."""
    config, sam = make_base(out, "image", 12, half=True)
    g = torch.Generator().manual_seed(10)
    h, w, size = 77, 118, 64
    coarse = torch.randn(1, 3, 9, 13, generator=g)
    image = torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic")[0].permute(1, 2, 0) * 50 + 128
    pixels = (image + 12 * torch.randn(image.shape, generator=g)).clamp(0, 255).to(torch.uint8).numpy()
    Image.fromarray(pixels).save(out / "image.png", optimize=True)
    nh, nw = int(h * size / w + 0.5), size
    resized = np.array(Image.fromarray(pixels).resize((nw, nh), Image.Resampling.BILINEAR))
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    x = (torch.from_numpy(resized).float() / 255 - torch.tensor(mean)) / torch.tensor(std)
    x = torch.nn.functional.pad(x.permute(2, 0, 1), (0, size - nw, 0, size - nh))[None]
    embedding = encode_image(sam.image_encoder, x, {}, None).embedding
    by = torch.tensor([nw / w, nh / h])
    click, box = [40.5, 60.5], [22.0, 11.0, 97.0, 66.0]
    asks = {
        "click": ((torch.tensor([[click]]) * by, torch.ones(1, 1, dtype=torch.long), None, None), True),
        "box": ((None, None, torch.tensor([box]) * by.repeat(2), None), False),
    }
    tensors = {"input.resized": torch.from_numpy(resized).to(torch.int32), "input.image": x, "encoder.embedding": embedding}
    prompts = {"click": {"points": [click], "labels": [1]}, "box": {"box": box}}
    for tag, (ask, candidates) in asks.items():
        masks, iou, _, _ = decode(sam, embedding, *ask)
        token = 1 + int(iou[0, 1:].argmax()) if candidates else 0
        logits = sam.postprocess_masks(masks[:, token : token + 1], (nh, nw), (h, w))[0, 0]
        assert 0.1 < (logits > 0).float().mean() < 0.9, "a mask that says nothing: take another seed"
        prompts[tag]["token"] = token
        tensors |= {f"decode.{tag}.masks": masks, f"decode.{tag}.iou": iou, f"final.{tag}.logits": logits}
        Image.fromarray((logits > 0).numpy()).save(out / f"image.{tag}.png", optimize=True)
    save(out / "image.forward.safetensors", tensors)
    config |= {
        "form": "image",
        "image": "image.png",
        "original_size": [h, w],
        "input_size": [nh, nw],
        "preprocess": {"image_mean": mean, "image_std": std, "rescale_factor": 1 / 255},
        "prompts": prompts,
    }
    del config["postprocess"]
    finish(out, "image", config, {})


SAM_VIT_B = {
    **CONFIG,
    "image_size": 1024,
    "patch_size": 16,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "mlp_dim": 3072,
    "output_channels": 256,
    "window_size": 14,
    "global_attn_indexes": [2, 5, 8, 11],
    "decoder_mlp_dim": 2048,
    "decoder_heads": 8,
    "iou_hidden": 256,
    "mask_channels": 16,
    "rank": 1,
    "prefix_length": 1,
    "bottleneck": 2,
    "batch": 1,
}
SAMPLED = 4096
"""Values that are kept of a larger tensor."""


def sampled(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every n-th value of what is large and compared in no other way, under a name that says so."""
    out = {}
    for name, t in tensors.items():
        whole = name.startswith(("input.", "target.", "param.", "grad.", "adamw")) or t.numel() <= SAMPLED
        # Odd, so that it falls on all channels, whose number is even in every tensor here.
        every = 1 if whole else t.numel() // SAMPLED | 1
        out[name if whole else f"{name}.every.{every}"] = t if whole else t.detach().flatten()[::every]
    return out


def seeded_set(out: Path, name: str, sizes: dict, seed: int) -> None:
    """Weights and image drawn from the seed, which the json names in place of files; MoPEFT in every block."""
    config = {**SAM_VIT_B, **sizes, "seed": seed, "cases": {}, "optimizer": OPTIMIZER}
    del config["postprocess"]
    sam = build(config)
    seeded.fill(sam, seed)
    sam.requires_grad_(False)
    size = config["image_size"]
    image = seeded.image(seed, 1, size)
    g = torch.Generator().manual_seed(seed)
    points, labels = torch.rand(2, 2, 2, generator=g) * size, torch.tensor([[1, 0], [1, 1]])
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.3, 0.3, 0.5, 0.7]]) * size
    with torch.no_grad():
        trace = encode_image(sam.image_encoder, image, {}, None)
    tensors = {"input.points": points, "input.labels": labels.to(torch.int32), "input.boxes": boxes}
    tensors |= {"encoder.embedding": trace.embedding, "prompt.dense_pe": sam.prompt_encoder.get_dense_pe()}
    tensors |= {f"encoder.block.{i}": x for i, x in enumerate(trace.blocks)}
    for tag, ask in {"points": (points, labels), "boxes": (None, None, boxes)}.items():
        masks, iou, sparse, _ = decode(sam, trace.embedding, *ask, **trace.beside(slice(None)))
        tensors |= {f"decode.{tag}.masks": masks, f"decode.{tag}.iou": iou, f"prompt.{tag}.sparse": sparse}
    save(out / f"{name}.forward.safetensors", sampled(tensors))
    case = Case(ALL, "unipelt", tuple(range(config["num_hidden_layers"])))
    info, tensors = single_case(sam, config, image, points, labels, case, seed)
    tensors["target.mask"] = tensors["target.mask"].to(torch.uint8)
    finish(out, name, config, {"mopeft": (info, sampled(tensors))})


def wide_set(out: Path) -> None:
    """SAM ViT-B's widths at 256 px: a windowed and a global block."""
    seeded_set(out, "wide", {"image_size": 256, "num_hidden_layers": 2, "global_attn_indexes": [1]}, 61)


def vit_b_set(out: Path) -> None:
    """SAM ViT-B at its full size."""
    seeded_set(out, "vit_b", {}, 71)


def main(out: Path, only: list[str]) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # several threads sum in another order
    sets = {
        "gates": gates_set,
        "bias_norm": bias_norm_set,
        "beside": beside_set,
        "slim": slim_set,
        "rounds": rounds_set,
        "ignored": ignored_set,
        "image": image_set,
        "wide": wide_set,
        "vit_b": vit_b_set,
        "tiny_vit": tiny_vit_set,
        "hq": hq_set,
        "sam2": sam2_set,
    }
    for name in only or sets:
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        sets[name](folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
