"""The official modules, built from the config of a set of vectors."""

from functools import partial

import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything_hq.modeling import MaskDecoderHQ
from torch import Tensor, nn

from .encoder import Case, Trace, encode
from .hiera import Hiera, encode_hiera
from .methods.method import Params
from .sam2 import MaskDecoder2, PromptEncoder2
from .tiny_vit import TinyViT, encode_tiny


def grid_of(c: dict) -> int:
    """Cells on a side of the embedding."""
    if "blocks_per_stage" in c:
        return c["image_size"] // 16
    if "embed_dims" not in c:
        return c["image_size"] // c["patch_size"]
    return c["image_size"] // ((4 if c["stem_kernel"] == 3 else 1) * 2 ** (len(c["embed_dims"]) - 2))


def vit(c: dict, kind: type[nn.Module] = ImageEncoderViT) -> nn.Module:
    encoder = kind(
        img_size=c["image_size"],
        patch_size=c["patch_size"],
        embed_dim=c["hidden_size"],
        depth=c["num_hidden_layers"],
        num_heads=c["num_attention_heads"],
        mlp_ratio=c["mlp_dim"] / c["hidden_size"],
        out_chans=c["output_channels"],
        qkv_bias=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=c["window_size"],
        global_attn_indexes=tuple(c["global_attn_indexes"]),
    )
    for block, sizes in zip(encoder.blocks, c.get("block_sizes", ()), strict=False):
        prune(block, c["hidden_size"], sizes)
    return encoder


def build(c: dict) -> Sam:
    size, dim = c["image_size"], c["output_channels"]
    grid = (grid_of(c), grid_of(c))
    transformer = TwoWayTransformer(2, dim, c["decoder_heads"], c["decoder_mlp_dim"])
    if "blocks_per_stage" in c:
        prompt = PromptEncoder2(dim, grid, (size, size), mask_in_chans=c["mask_channels"])
        return Sam(Hiera(c), prompt, MaskDecoder2(dim, transformer, c["iou_hidden"])).eval()
    encoder = TinyViT(c) if "embed_dims" in c else vit(c)
    prompt = PromptEncoder(dim, grid, (size, size), mask_in_chans=c.get("mask_channels", 16))
    hq = {"vit_dim": c["embed_dims"][-2] if "embed_dims" in c else c["hidden_size"]} if c.get("hq") else {}
    decoder = (MaskDecoderHQ if hq else MaskDecoder)(
        transformer_dim=dim,
        transformer=transformer,
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=c["iou_hidden"],
        **hq,
    )
    return Sam(encoder, prompt, decoder).eval()


def prune(block: nn.Module, width: int, sizes: dict) -> None:
    """Give a block of the encoder other sizes inside, as SlimSAM's pruning leaves them."""
    attn, inner, heads = block.attn, sizes["attention_width"], sizes["num_attention_heads"]
    attn.qkv, attn.proj = nn.Linear(width, 3 * inner), nn.Linear(inner, width)
    attn.num_heads, attn.scale = heads, (inner // heads) ** -0.5
    attn.rel_pos_h, attn.rel_pos_w = (nn.Parameter(torch.zeros(len(t), inner // heads)) for t in (attn.rel_pos_h, attn.rel_pos_w))
    block.mlp.lin1, block.mlp.lin2 = nn.Linear(width, sizes["mlp_dim"]), nn.Linear(sizes["mlp_dim"], width)


HQ_NORMS = ("compress_vit_feat.1", "embedding_encoder.1", "embedding_maskfeature.1")


@torch.no_grad()
def randomise(model: nn.Module, seed: int) -> None:
    """Weights that make every part matter: no zeros, no two alike."""
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        if p.dim() == 1:
            is_norm = any(part in name for part in ("norm", ".neck.", ".bn.", *HQ_NORMS))
            base = 1.0 if is_norm and name.endswith("weight") else 0.0
            p.copy_(base + 0.1 * torch.randn(p.shape, generator=g))
        elif "rel_pos" in name or "pos_embed" in name:
            p.copy_(0.3 * torch.randn(p.shape, generator=g))
        else:
            fan = p.shape[0] if "output_upscaling" in name else max(1, p[0].numel())
            p.copy_(1.2 * fan**-0.5 * torch.randn(p.shape, generator=g))
    for name, b in sorted(model.named_buffers()):
        if name.endswith("running_mean"):
            b.copy_(0.3 * torch.randn(b.shape, generator=g))
        elif name.endswith("running_var"):
            b.copy_(0.5 + torch.rand(b.shape, generator=g))
    matrix = model.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    matrix.copy_(torch.randn(matrix.shape, generator=g))


def encode_image(
    encoder: nn.Module, image: Tensor, params: Params, case: Case | None, dataset: Tensor | None = None, draws: Params | None = None
) -> Trace:
    """`encode`, `encode_hiera` or `encode_tiny`, whichever the encoder asks for; dataset and draws are not for `encode_tiny`."""
    if isinstance(encoder, TinyViT):
        return encode_tiny(encoder, image, params, case)
    return (encode_hiera if isinstance(encoder, Hiera) else encode)(encoder, image, params, case, dataset, draws)


def decode(
    sam: Sam,
    embedding: Tensor,
    points: Tensor | None,
    labels: Tensor | None,
    boxes: Tensor | None = None,
    mask: Tensor | None = None,
    intermediate: Tensor | None = None,
    high_res: tuple[Tensor, Tensor] | None = None,
    token: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """embedding [1, D, G, G], N prompts -> masks [N, 4, 4G, 4G], iou [N, 4], sparse, dense.

    intermediate: [1, G, G, C] for HQ-SAM; high_res: the image's for SAM 2; token: [D], what a dataset adds to the token that stands for
    no point.
    """
    clicks = None if points is None else (points, labels)
    sparse, dense = sam.prompt_encoder(points=clicks, boxes=boxes, masks=mask)
    if token is not None:
        sparse = torch.cat([sparse, (sam.prompt_encoder.not_a_point_embed.weight + token).expand(len(sparse), 1, -1)], 1)
    pe = sam.prompt_encoder.get_dense_pe()
    if isinstance(sam.mask_decoder, MaskDecoderHQ):
        masks, iou = hq_masks(sam.mask_decoder, embedding, intermediate, pe, sparse, dense)
    elif isinstance(sam.mask_decoder, MaskDecoder2):
        masks, iou = sam.mask_decoder.predict_masks(embedding, pe, sparse, dense, high_res)
    else:
        masks, iou = sam.mask_decoder.predict_masks(embedding, pe, sparse, dense)
    return masks, iou, sparse, dense


def hq_masks(
    decoder: MaskDecoderHQ, embedding: Tensor, intermediate: Tensor, pe: Tensor, sparse: Tensor, dense: Tensor
) -> tuple[Tensor, Tensor]:
    """SAM's four masks, HQ-SAM's own added to each. The official forward pass gives one of the four, as is checked here."""
    features = decoder.embedding_encoder(embedding) + decoder.compress_vit_feat(intermediate.permute(0, 3, 1, 2))
    every, iou = decoder.predict_masks(embedding, pe, sparse, dense, features)
    masks = every[:, :4] + every[:, 4:]
    for several, token in ((False, torch.zeros(len(iou), dtype=torch.long)), (True, 1 + iou[:, 1:].argmax(1))):
        with torch.no_grad():
            theirs, score = decoder(embedding, pe, sparse, dense, several, False, [intermediate])
        rows = torch.arange(len(iou))
        assert torch.equal(theirs[:, 0], masks[rows, token]) and torch.equal(score[:, 0], iou[rows, token])
    return masks, iou
