import json
from functools import partial
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import nn

from mopeft.sam.model import Sam
from pretrain.export import compare_with_hugging_face, model_section, sam_config, write_model
from pretrain.flat import Layout
from pretrain.initial import initialise
from pretrain.optim import orthogonalise, share_out

SMALL = {
    "image_size": 64,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "mlp_dim": 64,
    "output_channels": 16,
    "window_size": 3,
    "global_attn_indexes": [1],
    "mask_channels": 8,
    "decoder_heads": 2,
    "decoder_mlp_dim": 32,
    "attention_downsample_rate": 2,
    "iou_hidden": 16,
}


@pytest.fixture
def model() -> Sam:
    model = Sam(SMALL)
    initialise(model, 0)
    for p in model.parameters():
        nn.init.normal_(p, 0, 0.1) if p.abs().max() == 0 else None
    return model.requires_grad_(False)


def test_it_is_the_official_sam(model: Sam) -> None:
    encoder = ImageEncoderViT(
        64, 8, 3, 32, 2, 2, 2.0, 16, norm_layer=partial(nn.LayerNorm, eps=1e-6), use_rel_pos=True, window_size=3, global_attn_indexes=(1,)
    )
    prompt = PromptEncoder(16, (8, 8), (64, 64), 8)
    decoder = MaskDecoder(transformer_dim=16, transformer=TwoWayTransformer(2, 16, 2, 32), iou_head_hidden_dim=16)
    for name, part in (("image_encoder", encoder), ("prompt_encoder", prompt), ("mask_decoder", decoder)):
        part.load_state_dict(getattr(model, name).state_dict())
    image, points, labels = torch.randn(1, 3, 64, 64), torch.rand(3, 1, 2) * 64, torch.tensor([[1], [0], [1]])
    fed = torch.randn(3, 1, 32, 32)
    with torch.no_grad():
        mine, theirs = model.image_encoder(image), encoder(image)
        sparse, dense = prompt((points, labels), None, fed)
        masks, iou = decoder.predict_masks(theirs, prompt.get_dense_pe(), sparse, dense)
        padded, signs = torch.cat([points, 0 * points], 1), torch.cat([labels, -torch.ones_like(labels)], 1)
        got = model.decode(mine.expand(3, -1, -1, -1), padded, signs, 64, fed[:, 0], torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(mine.permute(0, 3, 1, 2), theirs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(got[0], masks, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(got[1], iou, atol=1e-5, rtol=1e-5)


def test_the_export_is_hugging_faces_sam(model: Sam, tmp_path: Path) -> None:
    for t in model.state_dict().values():
        t.copy_(t.half().float())
    write_model(model.state_dict(), SMALL, tmp_path, "test")
    assert compare_with_hugging_face(model, tmp_path) < 1e-5
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == sam_config(SMALL)
    assert model_section(config) == SMALL


def test_parameters_share_one_vector(model: Sam) -> None:
    layout = Layout({"model": model})
    flat = torch.randn(layout.total)
    layout.bind({"model": model}, flat)
    assert sum(p.numel() for p in model.parameters()) == layout.total
    flat.zero_()
    assert all(p.abs().max() == 0 for p in model.parameters())
    owned = sorted(i for part in share_out(layout, 3) for i in part)
    assert owned == list(range(len(layout.entries)))


def test_orthogonalised_matrices_have_unit_singular_values() -> None:
    m = torch.randn(2, 8, 24, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(m))
    assert ((values > 0.6) & (values < 1.3)).all()
