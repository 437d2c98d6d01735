import numpy as np
import torch

from mopeft.sam.decoder import BOX_FIRST, BOX_SECOND, PAD, POSITIVE
from pretrain.batches import low_res, pick_objects
from pretrain.prompts import add_click, box_of, corrective_click, first_prompt, inner_click, jittered


def rectangle(h: int, w: int, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((h, w), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_box_ends_one_past_the_last_pixel() -> None:
    assert box_of(rectangle(20, 30, 3, 5, 11, 9)).tolist() == [3, 5, 11, 9]


def test_inner_click_is_the_deepest_pixel_first_in_row_order() -> None:
    assert inner_click(rectangle(20, 30, 3, 5, 8, 10)) == (5, 7)
    assert inner_click(rectangle(20, 30, 2, 4, 8, 7)) == (3, 5)


def test_the_images_edge_is_outside() -> None:
    assert inner_click(np.ones((5, 5), bool)) == (2, 2)
    assert inner_click(rectangle(9, 9, 0, 0, 3, 9)) == (1, 1)


def test_first_prompts_are_clicks_inside_or_boxes_around() -> None:
    mask = rectangle(64, 64, 10, 20, 30, 50)
    low = low_res(mask, 32)
    kinds = set()
    for seed in range(40):
        points, labels = first_prompt(np.random.default_rng(seed), mask, low)
        kinds.add(int(labels[0]))
        if labels[0] == POSITIVE:
            x, y = points[0].astype(int)
            assert mask[y, x]
            assert labels[1] == PAD
        else:
            assert labels.tolist() == [BOX_FIRST, BOX_SECOND]
    assert kinds == {POSITIVE, BOX_FIRST}


def test_jitter_stays_within_a_fifth_of_the_sides() -> None:
    box = np.array([10, 20, 60, 100], np.float32)
    for seed in range(50):
        off = np.abs(jittered(np.random.default_rng(seed), box) - box)
        assert (off <= np.array([10, 16, 10, 16]) + 1e-3).all()


def test_low_res_keeps_thin_lines() -> None:
    assert low_res(rectangle(64, 64, 5, 0, 6, 64), 32).sum() == 32
    assert low_res(rectangle(64, 64, 8, 8, 24, 24), 32).sum() == 64


def test_objects_come_again_when_there_are_too_few() -> None:
    label = rectangle(32, 32, 4, 4, 20, 20).astype(np.uint8)
    label[8:14, 8:14] = 2
    objects = [np.array([1, 2]), np.array([2])]
    masks = pick_objects(np.random.default_rng(0), label, objects, 5)
    assert len(masks) == 5
    assert {int(m.sum()) for m in masks} == {256, 36}


def test_corrective_click_takes_the_larger_error() -> None:
    target = torch.zeros(2, 8, 8)
    target[:, :4] = 1
    logits = torch.where(target > 0, 1.0, -1.0)
    logits[0, 0, :] = -1.0
    logits[1, 7, :] = 1.0
    points, labels = corrective_click(logits, target, 2.0, torch.Generator().manual_seed(0))
    assert labels.tolist() == [1, 0]
    assert points[0, 1] == 1.0
    assert points[1, 1] == 15.0


def test_added_clicks_stand_where_sam_puts_them() -> None:
    points = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[2.0, 2.0], [9.0, 9.0]]])
    labels = torch.tensor([[POSITIVE, PAD], [BOX_FIRST, BOX_SECOND]])
    p, s = add_click(points, labels, torch.tensor([[5.0, 5.0], [6.0, 6.0]]), torch.tensor([0, 1]))
    assert s.tolist() == [[1, 0, -1], [1, 2, 3]]
    assert p[0, 1].tolist() == [5.0, 5.0]
    assert p[1].tolist() == [[6.0, 6.0], [2.0, 2.0], [9.0, 9.0]]
