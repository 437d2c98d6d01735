"""The committed vectors are those of the code in `reference` as it is."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from reference.encoder import Case
from reference.sam import build, encode_image
from reference.sam2 import original_name

VECTORS = Path(__file__).parents[2] / "tests/vectors"


@pytest.mark.parametrize(
    ("set_name", "case_name"),
    [("hq/hq", "mopeft"), ("hq/light", "lora"), ("tiny_vit/tiny_vit", "mass"), ("sam2/sam2", "mopeft"), ("sam2/sam2", "mass")],
)
def test_a_case_is_encoded_again_as_it_is_written(set_name: str, case_name: str) -> None:
    stored = [load_file(VECTORS / f"{set_name}.{part}.safetensors") for part in ("base", "forward", case_name)]
    base, forward, wanted = stored
    config = json.loads((VECTORS / f"{set_name}.json").read_text())
    sam = build(config)
    own = {name: base.get(name, base.get(original_name(name))) for name in sam.state_dict() if name not in ("pixel_mean", "pixel_std")}
    sam.load_state_dict({name: t.float() for name, t in own.items()}, strict=True)
    told = config["cases"][case_name]
    case = Case(tuple(told["methods"]), told["gate"], tuple(told["blocks"]), told["adapter_activation"])
    params = {name.removeprefix("param."): t for name, t in wanted.items() if name.startswith("param.")}
    with torch.no_grad():
        trace = encode_image(sam.image_encoder, forward["input.image"], params, case)
    found = {"encoder.embedding": trace.embedding, **trace.gates}
    assert {name for name in wanted if name.startswith("gates.")} == set(trace.gates)
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=2e-5 * wanted[name].abs().max().item())
