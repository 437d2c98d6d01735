"""Replay the given conformance vectors with this witness: both must agree."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from .encoder import Case, site_configs
from .losses import adamw, supervised, terms, total
from .sam import build, decode, encode_image


def error(mine: Tensor, theirs: Tensor) -> float:
    return float((mine.detach() - theirs).abs().max() / theirs.abs().max().clamp(min=1e-2))


def check(folder: Path) -> float:
    """The largest relative error over every set and case of a folder in the form of the conformance vectors."""
    worst = 0.0
    for path in sorted(folder.glob("*.json")):
        c, name = json.loads(path.read_text()), path.stem
        sam = build(c)
        sam.load_state_dict(load_file(folder / f"{name}.base.safetensors"), strict=False)
        forward = load_file(folder / f"{name}.forward.safetensors")
        trace = encode_image(sam.image_encoder, forward["input.image"], {}, None)
        errors = {"encoder.embedding": error(trace.embedding, forward["encoder.embedding"])}
        for case_name, k in c["cases"].items():
            v = load_file(folder / f"{name}.{case_name}.safetensors")
            params = {n[6:]: t.clone().requires_grad_() for n, t in v.items() if n.startswith("param.")}
            decoder = {n[13:]: t for n, t in params.items() if n.startswith("mask_decoder.")}
            sam.mask_decoder.load_state_dict(decoder, strict=False)
            sam.mask_decoder.requires_grad_(bool(decoder)).zero_grad()
            blocks = tuple(range(len(site_configs(c))))
            case = Case(tuple(k["methods"]), "unipelt" if k["gated"] else "none", blocks, c["adapter_activation"])
            trace = encode_image(sam.image_encoder, forward["input.image"], params, case)
            loss = torch.zeros(())
            for b in range(c["batch"]):
                one = slice(b, b + 1)
                masks, iou, _, _ = decode(sam, trace.embedding[one], forward["input.points"][one], forward["input.labels"][one])
                three, _ = supervised(terms(masks, iou, v["target.mask"][one]), False)
                errors[f"{case_name}.loss.{b}"] = error(three[0], v[f"loss.{b}"])
                loss = loss + total(three).mean() / c["batch"]
            loss.backward()
            for n, p in sam.mask_decoder.named_parameters():
                if n in decoder:
                    params[f"mask_decoder.{n}"].grad = p.grad
            errors |= {f"{case_name}.{n}": error(g, v[n]) for n, g in trace.gates.items()}
            errors |= {f"{case_name}.grad.{n}": error(p.grad, v[f"grad.{n}"]) for n, p in params.items()}
            with torch.no_grad():
                given = {n: p.detach().clone() for n, p in params.items()}
                for n, p in given.items():
                    p.grad = v[f"grad.{n}"]
            errors |= {f"{case_name}.adamw2.{n}": error(x, v[f"adamw2.{n}"]) for n, x in adamw(given, c["optimizer"]).items()}
        for key, e in sorted(errors.items(), key=lambda kv: -kv[1])[:4]:
            print(f"{name}: {key} {e:.1e}")
        worst = max(worst, *errors.values())
    return worst


if __name__ == "__main__":
    import sys

    raise SystemExit(check(Path(sys.argv[1])) > 1e-3)
