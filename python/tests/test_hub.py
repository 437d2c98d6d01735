"""What the engine exports for Hugging Face, opened by Hugging Face's own code: `tests/vectors/export` (src/engine/export)."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file
from segment_anything.utils.onnx import SamOnnxModel
from transformers import Sam2Model, Sam2Processor, SamModel, SamProcessor

from mopeft.sam.decoder import PAD
from mopeft.sam.open import open_base, sam_of
from reference.sam import build

FOLDER = Path(__file__).parents[2] / "tests" / "vectors" / "export"
# As in src/engine/export/export-vectors.test.ts, in pixels of the model's square.
POINTS, LABELS, BOX = [[9.0, 20.0], [25.5, 6.0]], [1, 0], [4.0, 6.0, 21.0, 29.0]


def compare(model: torch.nn.Module, expected: dict[str, torch.Tensor]) -> None:
    """Holds a SamModel, however it is wrapped, against the engine's answers."""
    asked = {
        "points": {"input_points": torch.tensor([[POINTS]]), "input_labels": torch.tensor([[LABELS]])},
        "box": {"input_boxes": torch.tensor([[BOX]])},
    }
    for name, prompts in asked.items():
        with torch.no_grad():
            # One mask and three: together SAM's four tokens.
            parts = [model(pixel_values=expected["input.image"], multimask_output=many, **prompts) for many in (False, True)]
        got = {
            "masks": torch.cat([part.pred_masks[0, 0] for part in parts]),
            "iou": torch.cat([part.iou_scores[0, 0] for part in parts]),
        }
        for kind, value in got.items():
            want = expected[f"{name}.{kind}"]
            assert value.shape == want.shape
            assert float((value - want).abs().max() / want.abs().max()) < 1e-4, (name, kind)


def test_a_merged_model_is_a_sam_model_that_answers_as_the_engine() -> None:
    expected = load_file(FOLDER / "merged.expected.safetensors")
    model, report = SamModel.from_pretrained(FOLDER / "merged", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    compare(model, expected)
    embedding = model.get_image_embeddings(expected["input.image"])
    want = expected["embedding"].permute(2, 0, 1)[None]
    assert float((embedding - want).abs().max() / want.abs().max()) < 1e-4


def test_the_processor_of_a_merged_model_prepares_images_as_the_record_says() -> None:
    processor = SamProcessor.from_pretrained(FOLDER / "merged")
    image = np.full((16, 32, 3), 200, np.uint8)
    pixels = processor(images=image, return_tensors="pt")["pixel_values"]
    assert pixels.shape == (1, 3, 32, 32)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    assert torch.allclose(pixels[0, :, 3, 3], (200 - mean) / std, atol=1e-5)
    assert float(pixels[0, :, 20:].abs().max()) == 0


def test_a_merged_sam_2_is_a_sam_2_model_that_answers_as_the_engine() -> None:
    expected = load_file(FOLDER / "merged-sam2.expected.safetensors")
    model, report = Sam2Model.from_pretrained(FOLDER / "merged-sam2", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    # It may give a candidate in place of the mask for prompts that leave no doubt, which the engine does not.
    model.mask_decoder.dynamic_multimask_via_stability = False
    compare(model, expected)
    embedding = model.get_image_embeddings(expected["input.image"])[-1]
    want = expected["embedding"].permute(2, 0, 1)[None]
    assert float((embedding - want).abs().max() / want.abs().max()) < 1e-4
    processor = Sam2Processor.from_pretrained(FOLDER / "merged-sam2")
    pixels = processor(images=np.full((16, 32, 3), 200, np.uint8), return_tensors="pt")["pixel_values"]
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    assert pixels.shape == (1, 3, 96, 96)
    assert torch.allclose(pixels[0].permute(1, 2, 0), (200 - mean) / std, atol=1e-5)


def test_a_merged_tiny_vit_answers_as_the_engine() -> None:
    expected = load_file(FOLDER / "sam-tiny.expected.safetensors")
    told = {"image_size": expected["input.image"].shape[-1], "decoder_heads": 2}
    sam = sam_of(load_file(FOLDER / "sam-tiny" / "model.safetensors"), told, "sam-tiny")
    with torch.no_grad():
        embedding = sam.image_encoder(expected["input.image"])
        # A box is two points with labels of their own; clicks alone get SAM's padding point.
        asked = {"points": ([*POINTS, [0.0, 0.0]], [*LABELS, PAD]), "box": ([BOX[:2], BOX[2:]], [2, 3])}
        for name, (points, labels) in asked.items():
            masks, iou = sam.decode(embedding, torch.tensor([points]), torch.tensor([labels]), told["image_size"])
            for kind, value in {"masks": masks[0], "iou": iou[0]}.items():
                assert relative(value.numpy(), expected[f"{name}.{kind}"].numpy()) < 1e-4, (name, kind)
    assert relative(embedding[0].numpy(), expected["embedding"].numpy()) < 1e-4


@pytest.mark.parametrize("name", ["peft-lora", "peft-lora-qv", "peft-ia3"])
def test_a_peft_adapter_answers_as_the_engine(name: str) -> None:
    expected = load_file(FOLDER / f"{name}.expected.safetensors")
    base = SamModel.from_pretrained(FOLDER / "base")
    with warnings.catch_warnings():
        # PEFT warns of keys that its model has and the file lacks, and of settings that it does not know.
        warnings.filterwarnings("error", category=UserWarning)
        model = PeftModel.from_pretrained(base, str(FOLDER / name))
    compare(model, expected)
    # It is the adapter that does it.
    with torch.no_grad(), model.disable_adapter():
        plain = model(pixel_values=expected["input.image"], input_boxes=torch.tensor([[BOX]]), multimask_output=False).pred_masks[0, 0]
    assert float((plain - expected["box.masks"][:1]).abs().max()) > 1e-2
    saved = set(load_file(FOLDER / name / "adapter_model.safetensors"))
    assert saved == set(get_peft_model_state_dict(model, save_embedding_layers=False))


@pytest.mark.parametrize("name", ["onnx", "onnx-merged", "onnx-token", "onnx-tiny"])
def test_onnx_files_answer_as_the_engine(name: str) -> None:
    expected = {key: value.numpy() for key, value in load_file(FOLDER / f"{name}.expected.safetensors").items()}
    encoder, decoder = (
        onnxruntime.InferenceSession(FOLDER / name / "onnx" / f"{file}.onnx") for file in ("vision_encoder", "prompt_encoder_mask_decoder")
    )
    image, positions = encoder.run(None, {"pixel_values": expected["input.image"]})
    assert relative(image[0].transpose(1, 2, 0), expected["embedding"]) < 1e-4
    # A box is two points with labels of their own.
    asked = {"points": (POINTS, LABELS), "box": ([BOX[:2], BOX[2:]], [2, 3])}
    for prompt, (points, labels) in asked.items():
        for objects in (1, 3):
            inputs = {
                "image_embeddings": image,
                "image_positional_embeddings": positions,
                "input_points": np.array([[points] * objects], np.float32),
                "input_labels": np.array([[labels] * objects], np.int64),
            }
            scores, masks, score, mask = decoder.run(None, inputs)
            assert masks.shape[:3] == (1, objects, 3)
            for each in range(objects):
                assert relative(np.concatenate([mask[0, each], masks[0, each]]), expected[f"{prompt}.masks"]) < 1e-4
                assert relative(np.concatenate([score[0, each], scores[0, each]]), expected[f"{prompt}.iou"]) < 1e-4
    side = expected["points.masks"].shape[-1]
    decoder = onnxruntime.InferenceSession(FOLDER / name / "onnx" / "segment_anything_decoder.onnx")
    # Three points, the last one SAM's padding, are answered by token 0; two by the best candidate.
    padded, best = ([*POINTS, [0.0, 0.0]], [*LABELS, PAD]), 1 + int(expected["box.iou"][1:].argmax())
    for prompt, (points, labels), token in (("points", padded, 0), ("box", asked["box"], best)):
        inputs = {
            "image_embeddings": image,
            "point_coords": np.array([points], np.float32),
            "point_labels": np.array([labels], np.float32),
            "mask_input": np.ones((1, 1, side, side), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([20, 50], np.float32),
        }
        [low_res, iou] = decoder.run(["low_res_masks", "iou_predictions"], inputs)
        assert relative(low_res[0, 0], expected[f"{prompt}.masks"][token]) < 1e-4
        assert relative(iou[0, 0], expected[f"{prompt}.iou"][token]) < 1e-4


def test_onnx_files_of_a_sam_2_answer_as_the_engine() -> None:
    expected = {key: value.numpy() for key, value in load_file(FOLDER / "onnx-sam2.expected.safetensors").items()}
    encoder, decoder = (
        onnxruntime.InferenceSession(FOLDER / "onnx-sam2" / "onnx" / f"{file}.onnx")
        for file in ("vision_encoder", "prompt_encoder_mask_decoder")
    )
    features = encoder.run(None, {"pixel_values": expected["input.image"]})
    # Channels first, the finest grid first.
    assert [feature.shape for feature in features] == [(1, 2, 24, 24), (1, 4, 12, 12), (1, 16, 6, 6)]
    assert relative(features[2][0].transpose(1, 2, 0), expected["embedding"]) < 1e-4

    def ask(points: list, labels: list, boxes: list) -> tuple[np.ndarray, np.ndarray]:
        """Masks and IoU of SAM's four tokens for each object."""
        prompts = {
            "input_points": np.array([points], np.float32).reshape(1, len(points), -1, 2),
            "input_labels": np.array([labels], np.int64).reshape(1, len(labels), -1),
            "input_boxes": np.array([boxes], np.float32).reshape(1, len(boxes), 4),
        }
        images = {f"image_embeddings.{i}": feature for i, feature in enumerate(features)}
        scores, masks, score, mask = decoder.run(None, {**images, **prompts})
        return np.concatenate([mask, masks], 2)[0], np.concatenate([score, scores], 2)[0]

    def hold(got: tuple[np.ndarray, np.ndarray], want: tuple[np.ndarray, np.ndarray]) -> None:
        for own, other in zip(got, want, strict=True):
            assert relative(own, other) < 1e-4

    engine = {prompt: (expected[f"{prompt}.masks"], expected[f"{prompt}.iou"]) for prompt in ("points", "box")}
    other = [20.0, 2.0, 90.0, 50.0]
    for objects in (1, 3):
        # What is not given has no entries, as transformers.js has it: no boxes, or points of one object that are none.
        masks, iou = ask([POINTS] * objects, [LABELS] * objects, [])
        for each in range(objects):
            hold((masks[each], iou[each]), engine["points"])
        # Objects have boxes of their own, the last one ours.
        masks, iou = ask([[]], [[]] * objects, [*[other] * (objects - 1), BOX])
        hold((masks[-1], iou[-1]), engine["box"])
        for each in range(objects - 1):
            assert relative(masks[each], masks[-1]) > 1e-3
    # Clicks in a box: its corners are points with labels of their own, and their order tells nothing.
    corners = [BOX[:2], BOX[2:]]
    hold(ask([[*POINTS, *corners]], [[*LABELS, 2, 3]], []), ask([POINTS], [LABELS], [BOX]))
    assert relative(ask([POINTS], [LABELS], [BOX])[0][0], engine["box"][0]) > 1e-3


@pytest.mark.parametrize("shape", [(20, 32), (32, 32), (32, 9)])
def test_the_encoder_for_anylabeling_prepares_an_image_itself(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.float32)
    prepared = np.zeros((1, 3, 32, 32), np.float32)
    mean, std = np.array([123.675, 116.28, 103.53], np.float32), np.array([58.395, 57.12, 57.375], np.float32)
    prepared[0, :, : shape[0], : shape[1]] = ((image - mean) / std).transpose(2, 0, 1)
    [want, _] = onnxruntime.InferenceSession(FOLDER / "onnx-merged" / "onnx" / "vision_encoder.onnx").run(None, {"pixel_values": prepared})
    encoder = onnxruntime.InferenceSession(FOLDER / "raw_image_encoder.onnx")
    # These programs take the only input, whatever its name is, and the first output.
    [[given], [output]] = encoder.get_inputs(), encoder.get_outputs()
    assert given.type == "tensor(float)"
    assert relative(encoder.run([output.name], {given.name: image})[0], want) < 1e-4


# In pixels of the model's square; −1 is the padding point of a prompt without a box.
PROMPTS = {
    "click": ([[9.0, 20.0], [0.0, 0.0]], [1, -1]),
    "clicks": ([*POINTS, [14.0, 11.5], [0.0, 0.0]], [*LABELS, 1, -1]),
    "box": ([BOX[:2], BOX[2:]], [2, 3]),
    "click in a box": ([POINTS[0], BOX[:2], BOX[2:]], [1, 2, 3]),
}


@pytest.mark.parametrize("shape", [(37, 61), (96, 40)])
@pytest.mark.parametrize("has_mask", [False, True])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_decoder_in_segment_anythings_layout_is_its_own_export(prompt: str, has_mask: bool, shape: tuple[int, int]) -> None:
    base = open_base(FOLDER / "merged").sam
    official = build({**base.config, "mask_channels": 8})
    for part in ("prompt_encoder", "mask_decoder"):
        getattr(official, part).load_state_dict(getattr(base, part).state_dict())
    embedding = load_file(FOLDER / "onnx-merged.expected.safetensors")["embedding"].permute(2, 0, 1)[None]
    points, labels = PROMPTS[prompt]
    inputs = {
        "image_embeddings": embedding.contiguous(),
        "point_coords": torch.tensor([points]),
        "point_labels": torch.tensor([labels], dtype=torch.float32),
        "mask_input": 4 * torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(1)),
        "has_mask_input": torch.tensor([float(has_mask)]),
        "orig_im_size": torch.tensor(shape, dtype=torch.float32),
    }
    wanted = SamOnnxModel(official, return_single_mask=True)(**inputs)
    decoder = onnxruntime.InferenceSession(FOLDER / "onnx-merged" / "onnx" / "segment_anything_decoder.onnx")
    assert [each.name for each in decoder.get_inputs()] == list(inputs)
    names = ["masks", "iou_predictions", "low_res_masks"]
    got = decoder.run(names, {name: value.numpy() for name, value in inputs.items()})
    assert got[0].shape == (1, 1, *shape)
    # Tools take pixels above 0, so the threshold, 0.25, is taken off.
    for name, own, want in zip(names, got, (wanted[0] - 0.25, *wanted[1:]), strict=True):
        assert relative(own, want.numpy()) < 1e-4, name


def relative(got: np.ndarray, want: np.ndarray) -> float:
    assert got.shape == want.shape
    return float(np.abs(got - want).max() / np.abs(want).max())
