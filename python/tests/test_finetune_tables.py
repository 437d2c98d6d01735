import json
from pathlib import Path

import numpy as np
import pytest

from finetune import gates, sweep, table
from finetune.config import Mopeft, TrainConfig
from finetune.data import Picture, read_set
from finetune.loop import Trainer
from finetune.scoring import ImageScore, gain_error
from finetune.statistics import clustered, paired
from finetune.tuned import Tuned
from pretrain.export import read_model
from tests.test_finetune import TWIN

MODEL = TWIN / "model"
QUICK = ["steps=1", "corrections=0", "objectsPerImage=1", "evalObjects=1"]


def record(name: str, *box: float) -> dict:
    return {"name": name, "box": list(box)}


def test_a_clustered_error_sees_whole_pictures() -> None:
    before = [record("a", 0.5, 0.5), record("b", 0.4)]
    after = [record("a", 0.7, 0.7), record("b", 0.4)]
    mean, error, n = clustered([paired(before, after, "box")])
    assert (mean, n) == (pytest.approx(0.4 / 3), 3)
    off = [0.4 - 2 * mean, -mean]
    assert error == pytest.approx(np.sqrt(sum(v * v for v in off) * 2) / 3)
    twice, again, _ = clustered([paired(before, after, "box")] * 2)
    assert (twice, again) == (pytest.approx(mean), pytest.approx(error))
    assert np.isnan(clustered([paired(before[:1], after[:1], "box")])[1])


def images(*ious: tuple[float, ...]) -> list[ImageScore]:
    """A picture an entry, an object a value: its IoU by box and by click."""
    return [ImageScore(f"{i}", list(values), list(values), [], []) for i, values in enumerate(ious)]


def test_the_error_of_a_gain_is_clustered_by_picture_and_averaged_over_sets() -> None:
    before = {"a": images((0.5, 0.5), (0.4,)), "b": images((0.5,), (0.5,)), "empty": []}
    after = {"a": images((0.7, 0.7), (0.4,)), "b": images((0.5,), (0.7,)), "empty": []}
    a, b = np.sqrt(2 * 2 * (0.4 / 3) ** 2) / 3, 0.1
    assert gain_error(before, after) == pytest.approx(np.sqrt(a**2 + b**2) / 2)
    assert gain_error({"a": images((0.5,))}, {"a": images((0.6,))}) == 0
    assert gain_error({}, {}) == 0


def test_the_first_weights_give_way_only_to_a_gain_beyond_its_error() -> None:
    small, clear, higher = images((0.5,), (0.54,)), images((0.56,), (0.54,)), images((0.56,), (0.545,))
    trainer = Trainer(Tuned(read_model(MODEL), Mopeft(()), 0), [read_set(TWIN / "blobs")], TrainConfig(), lambda _: None)
    kept = []
    for step, scores in enumerate([images((0.5,), (0.5,)), small, clear, higher, clear]):
        trainer.evaluator.all = lambda *_, scores=scores: [scores] * 9
        trainer.validate(step)
        kept.append((trainer.result.best_step, trainer.since_best))
    assert kept == [(0, 0), (0, 1), (2, 0), (3, 0), (3, 1)]


def test_a_sweep_runs_every_combination_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert sweep.grid(["lrPeft=1,2", "lrGate=3"]) == [["lrPeft=1", "lrGate=3"], ["lrPeft=2", "lrGate=3"]]
    for _ in range(2):
        sweep.sweep(MODEL, TWIN, tmp_path, ["blobs+stripes"], ["mopeft-frozen"], ["lrPeft=1e-3,2e-3"], QUICK, [0])
    assert len(capsys.readouterr().out.splitlines()) == 2
    result = json.loads(next(tmp_path.glob("*/*/*/*/result.json")).read_text())
    assert not result["trainDecoder"]
    assert set(result["sets"]) == {"blobs", "stripes"}
    rows = sweep.table(tmp_path).splitlines()[2:]
    assert [row.split(" | ")[1] for row in rows] == ["lrPeft=1e-3", "lrPeft=2e-3"]


def test_a_table_holds_every_set_and_method(tmp_path: Path) -> None:
    table.fill(MODEL, [TWIN / "blobs", TWIN / "stripes"], ["lora", "decoder"], [0], QUICK, tmp_path)
    rows = (tmp_path / "table.md").read_text().splitlines()
    assert sum(row.startswith("| blobs |") for row in rows) == 2
    assert next(row for row in rows if row.startswith("| decoder |")).split(" | ")[-3:-1] == ["2", "2"]


def test_means_of_several_runs_weigh_objects_as_gains_do() -> None:
    def part(n: int, before: float, after: float) -> dict:
        images = {when: [record(f"{k}", iou, *[iou] * (n - 1)) for k in range(2)] for when, iou in (("before", before), ("after", after))}
        return {"n": 2 * n, **{when: {"box": iou, "images": images[when]} for when, iou in (("before", before), ("after", after))}}

    cells = table.row([part(1, 0.2, 0.4), part(3, 0.6, 0.6)], "box")
    assert cells.startswith("0.500 → 0.550 | +0.050")


def test_the_mixture_is_compared_on_the_same_pictures_and_seeds() -> None:
    def run(seed: str, *images: dict) -> dict:
        return {"seed": seed, "after": {"images": [image | {"click": image["box"]} for image in images]}}

    found = {
        "mopeft": {
            "x": [run("seed0", record("a", 0.7, 0.7), record("b", 0.6)), run("seed1", record("c", 0.1))],
            "y": [run("seed0", record("d", 0.5))],
        },
        "lora": {"x": [run("seed0", record("a", 0.5, 0.5), record("b", 0.4))], "y": [run("seed0", record("d", 0.6))]},
        "prefix": {"x": [run("seed2", record("a", 0.5))]},
    }
    rows = table.against(found, ["lora", "prefix"])[2:]
    assert rows == ["| lora | +0.050 ± 0.300 | +0.050 ± 0.300 | 1, 0 | 1, 0 | 2 |"]  # one picture has no error to be beyond


def test_squares_are_cut_from_the_middle() -> None:
    image = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    labels = np.arange(32).reshape(4, 8)
    cut = gates.square(Picture("a", image, labels, "ids", labels))
    np.testing.assert_array_equal(cut.image, image[:, 2:6])
    np.testing.assert_array_equal(cut.labels, labels[:, 2:6])


def test_the_nearest_mean_tells_apart_what_is_apart() -> None:
    near, far = np.zeros((4, 3)), np.ones((4, 3))
    assert gates.nearest_mean({"a": near, "b": far}, {"a": near, "b": far}) == {"plain": 1, "scaled": 1}
    assert gates.nearest_mean({"a": near, "b": far}, {"a": near, "b": near})["plain"] == 0.5


def test_the_gates_experiment_compares_own_gates_with_others(tmp_path: Path) -> None:
    report = gates.experiment(MODEL, [TWIN / "blobs", TWIN / "stripes"], "mopeft", [*QUICK, "lrGate=0.1"], 0, tmp_path)
    names = {"half", "one", "mean", "other", "without lora", "without prefix", "without adapter"}
    assert set(report["paired"]) == names
    for name in names:
        box = report["paired"][name]["box"]
        assert set(box["bySet"]) == {"blobs", "stripes"}
        assert box["objects"] > 0
    assert max(report["moved"].values()) >= 0
    assert len(report["gates"]["after"]["blobs"]) == 9
    assert gates.experiment(MODEL, [], "mopeft", [*QUICK, "lrGate=0.1"], 0, tmp_path) == report
    assert "nearest mean" in gates.text(report)
