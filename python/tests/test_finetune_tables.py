import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from finetune import gates, jobs, sweep, table
from finetune.config import Mopeft
from finetune.data import read_set, splits_of
from finetune.statistics import paired
from finetune.tuned import tuned_of
from mopeft.sam.open import read_model
from mopeft.train.config import TrainConfig
from mopeft.train.images import LabelledImage
from mopeft.train.loop import Trainer
from mopeft.train.scoring import USUAL_SPREAD, ImageScore, gain_error, sums_of
from mopeft.train.statistics import clustered
from tests.test_finetune import TWIN

MODEL = TWIN / "model"
QUICK = ["steps=1", "corrections=0", "objectsPerImage=1", "evalObjects=1"]


def record(name: str, *box: float) -> dict:
    return {"name": name, "box": list(box)}


def sums(scores: dict[str, list[ImageScore]]) -> dict[str, list[dict]]:
    return {key: sums_of(images) for key, images in scores.items()}


def test_a_clustered_error_sees_whole_images() -> None:
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
    """An image an entry, an object a value: its IoU by box and by click."""
    return [ImageScore(f"{i}", list(values), list(values), [], []) for i, values in enumerate(ious)]


def test_the_error_of_a_gain_is_clustered_by_image_and_averaged_over_sets() -> None:
    before = {"a": images((0.5, 0.5), (0.4,)), "b": images((0.5,), (0.5,)), "empty": []}
    after = {"a": images((0.7, 0.7), (0.4,)), "b": images((0.5,), (0.7,)), "empty": []}
    a, b = np.sqrt(2 * 2 * (0.4 / 3) ** 2) / 3, 0.1
    assert gain_error(sums(before), after) == pytest.approx(np.sqrt(a**2 + b**2) / 2)
    assert gain_error({}, {}) == 0


def test_a_single_image_has_the_error_of_the_usual_spread() -> None:
    assert gain_error(sums({"a": images((0.5,) * 4)}), {"a": images((0.6,) * 4)}) == pytest.approx(USUAL_SPREAD / 2)
    before = {"b": images((0.5,), (0.5,)), "c": images((0.5,))}
    after = {"b": images((0.5,), (0.7,)), "c": images((0.5,))}
    assert gain_error(sums(before), after) == pytest.approx(np.sqrt(0.1**2 + USUAL_SPREAD**2) / 2)


def test_the_first_weights_give_way_only_to_a_gain_beyond_its_error() -> None:
    small, clear, higher = images((0.5,), (0.54,)), images((0.56,), (0.54,)), images((0.56,), (0.545,))
    trainer = Trainer(
        tuned_of(read_model(MODEL), Mopeft(()), 0), splits_of([read_set(TWIN / "blobs")], TrainConfig()), TrainConfig(), lambda _: None
    )
    kept = []
    for step, scores in enumerate([images((0.5,), (0.5,)), small, clear, higher, clear]):
        trainer.evaluator.all = lambda *_, scores=scores: [scores] * 9
        trainer.validate(step)
        kept.append((trainer.result.best_step, trainer.since_best))
    assert kept == [(0, 0), (0, 1), (2, 0), (3, 0), (3, 1)]


@pytest.mark.parametrize(("objects", "threshold"), [((15, 14), 0), ((16, 14), 1)])
def test_a_threshold_is_chosen_with_thirty_objects_over_all_sets(objects: tuple[int, ...], threshold: float) -> None:
    """As `src/train/mask-threshold.test.ts`: of objects that are best at 1."""
    sets = [read_set(TWIN / "blobs"), read_set(TWIN / "stripes")]
    trainer = Trainer(tuned_of(read_model(MODEL), Mopeft(()), 0), splits_of(sets, TrainConfig()), TrainConfig(), lambda _: None)
    asked = iter(objects * 2)

    def scores(_tuned: object, _images: object, thresholds: tuple[float, ...], _most: int) -> list[list[ImageScore]]:
        n = next(asked)
        return [images((0.6 if at == 1 else 0.5,) * n) for at in thresholds]

    trainer.evaluator.all = scores
    trainer.validate(0)
    assert (trainer.result.threshold, trainer.result.best_score) == (0, 0.5)
    trainer.result.best_score = 0.4  # so that what is found now is the best
    trainer.validate(1)
    assert (trainer.result.threshold, trainer.result.best_score) == (threshold, pytest.approx(0.6 if threshold else 0.5))


def test_a_sweep_counts_a_set_once_and_none_without_objects(tmp_path: Path) -> None:
    def part(n: int, gain: float) -> dict:
        return {"n": n, "before": dict.fromkeys(sweep.KEYS, 0.5), "after": dict.fromkeys(sweep.KEYS, 0.5 + gain)}

    for group, seed, sets in (
        ("a+b+c", 0, {"a": part(10, 0.4), "b": part(10, 0.1), "c": part(0, -0.5)}),
        ("a+b+c", 1, {"a": part(30, 0.0), "b": part(10, 0.3), "c": part(0, -0.5)}),
        ("a+d", 0, {"a": part(10, 0.1), "d": part(10, -0.24)}),
        ("c+e", 0, {"c": part(0, 0.0), "e": part(0, 0.0)}),
    ):
        folder = tmp_path / group / "lora" / "lrPeft=1" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"sets": sets}))
    gains = [0.1, 0.2, -0.24]  # of a by objects, of b, of d
    error = np.std(gains, ddof=1) / 3**0.5
    cell = f"+0.020 ± {error:.3f}"
    assert sweep.table(tmp_path).splitlines()[2:] == [f"| lora | lrPeft=1 | {cell} | {cell} | {cell} | -0.240 | 4 | 3 | 80 |"]


def test_a_sweep_is_refused_before_its_first_run(tmp_path: Path) -> None:
    for groups, axes, why in (
        (["blobs+blobs"], ["lrPeft=1e-3"], "two sets are named blobs"),
        (["blobs"], ["lrPeft=1e-3,2"], "lrPeft: The value is 2"),
        (["blobs"], ["seed=1,2"], "give --seeds"),
    ):
        with pytest.raises(SystemExit, match=why):
            sweep.sweep(MODEL, TWIN, tmp_path, groups, ["lora"], axes, QUICK, [0])
    assert not list(tmp_path.iterdir())


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


class Threads(ThreadPoolExecutor):
    """In this process, in place of processes that take seconds to start."""

    def __init__(self, at_a_time: int, *_: object) -> None:
        super().__init__(at_a_time)


def test_a_failure_ends_a_table_without_its_other_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def one(*of: object) -> str:
        started.append(of)
        time.sleep(0.05)
        raise SystemExit("the first run fails")

    monkeypatch.setattr(jobs, "ProcessPoolExecutor", Threads)
    monkeypatch.setattr(table, "one", one)
    for at_a_time in (1, 2):
        started.clear()
        with pytest.raises(SystemExit, match="the first run fails"):
            table.fill(MODEL, [TWIN / "blobs", TWIN / "stripes"], list(table.ROWS), [0, 1], QUICK, tmp_path, at_a_time)
        assert len(started) < 6 < 20


def test_a_table_is_refused_before_its_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "one", lambda *_: pytest.fail("a run was begun"))
    sets = [TWIN / "blobs", TWIN / "stripes"]
    last = tmp_path / "stripes/decoder/seed1"
    last.mkdir(parents=True)
    (last / "result.json").write_text("{}")
    with pytest.raises(SystemExit, match=r"stripes/decoder/seed1.*earlier version"):
        table.fill(MODEL, sets, ["lora", "decoder"], [0, 1], QUICK, tmp_path)
    with pytest.raises(SystemExit, match="two sets are named blobs"):
        table.fill(MODEL, [TWIN / "blobs", tmp_path / "blobs"], ["lora"], [0], QUICK, tmp_path)
    with pytest.raises(SystemExit, match="no set lungs to split by name: the sets are blobs, stripes"):
        table.fill(MODEL, sets, ["lora"], [0], QUICK, tmp_path, by_name=["lungs"])
    with pytest.raises(SystemExit, match="give --seeds"):
        table.fill(MODEL, sets, ["lora"], [0], [*QUICK, "seed=3"], tmp_path)


def test_a_set_of_slices_alone_is_split_by_name(tmp_path: Path) -> None:
    table.fill(MODEL, [TWIN / "blobs", TWIN / "stripes"], ["decoder"], [0], QUICK, tmp_path, by_name=["stripes"])
    orders = {}
    for key in ("blobs", "stripes"):
        result = json.loads((tmp_path / key / "decoder/seed0/result.json").read_text())
        orders[key] = result["config"]["splitOrder"]
        tested = [image["name"] for image in result["sets"][key]["after"]["images"]]
        assert (tested == ["6.png", "7.png"]) == (key == "stripes")
    assert orders == {"blobs": "shuffled", "stripes": "name"}


def test_a_run_that_tested_no_object_is_in_no_table(tmp_path: Path) -> None:
    image = {**record("a", 0.6), "click": [0.6]}
    whole = {"n": 1, **{when: {"box": 0.6, "click": 0.6, "best": 0.6, "images": [image]} for when in ("before", "after")}}
    none = {"n": 0, **{when: {"box": 0.0, "click": 0.0, "best": 0.0, "images": []} for when in ("before", "after")}}
    for name, method, part in (("x", "mopeft", whole), ("x", "lora", whole), ("y", "mopeft", none), ("y", "lora", none)):
        folder = tmp_path / name / method / "seed0"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"sets": {name: part}}))
    rows = table.table(tmp_path).splitlines()
    assert "| mopeft | 0.600 | 0.600 | 0.600 | 0.600 | 0.600 | 1 | 1 | 1 |" in rows
    assert next(row for row in rows if row.startswith("| lora | +")).endswith("| 1 |")
    assert not any(row.startswith("| y |") for row in rows)


def test_means_of_several_runs_weigh_objects_as_gains_do() -> None:
    def part(n: int, before: float, after: float) -> dict:
        images = {when: [record(f"{k}", iou, *[iou] * (n - 1)) for k in range(2)] for when, iou in (("before", before), ("after", after))}
        return {"n": 2 * n, **{when: {"box": iou, "images": images[when]} for when, iou in (("before", before), ("after", after))}}

    cells = table.row([part(1, 0.2, 0.4), part(3, 0.6, 0.6)], "box")
    assert cells.startswith("0.500 → 0.550 | +0.050")


def test_the_mixture_is_compared_on_the_same_images_and_seeds() -> None:
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
    assert rows == ["| lora | +0.050 ± 0.300 | +0.050 ± 0.300 | 1, 0 | 1, 0 | 2 |"]  # one image has no error to be beyond


def test_squares_are_cut_from_the_middle() -> None:
    image = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    labels = np.arange(32).reshape(4, 8)
    middle = gates.square(LabelledImage("a", image, labels, "ids", labels))
    np.testing.assert_array_equal(middle.image, image[:, 2:6])
    np.testing.assert_array_equal(middle.labels, labels[:, 2:6])


def test_the_nearest_mean_tells_apart_what_is_apart() -> None:
    near, far = np.zeros((4, 3)), np.ones((4, 3))
    assert gates.nearest_mean({"a": near, "b": far}, {"a": near, "b": far}) == {"plain": 1, "scaled": 1}
    assert gates.nearest_mean({"a": near, "b": far}, {"a": near, "b": near})["plain"] == 0.5


def test_the_gates_experiment_compares_own_gates_with_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rising = itertools.count()
    monkeypatch.setattr("mopeft.train.loop.mean_score", lambda _: float(next(rising)))  # so that what was learned is kept
    sets, settings = [TWIN / "blobs", TWIN / "stripes"], [*QUICK, "lrGate=0.1"]
    report = gates.experiment(MODEL, sets, "mopeft", settings, 0, tmp_path)
    names = {"half", "one", "mean", "other", "without lora", "without prefix", "without adapter"}
    assert set(report["paired"]) == names
    for name in names:
        box = report["paired"][name]["box"]
        assert set(box["bySet"]) == {"blobs", "stripes"}
        assert box["objects"] > 0
    assert report["bestStep"] == 1
    for key, moved in report["moved"].items():
        before, after = (report["gates"][when][key] for when in ("before", "after"))
        assert moved == pytest.approx(max(abs(after[name] - before[name]) for name in before), abs=1e-4)
        assert moved > 0.05  # AdamW's first step is as large as the rate, whatever the gradient
    assert len(report["gates"]["after"]["blobs"]) == 9
    assert "nearest mean" in gates.text(report)
    assert not (tmp_path / "gates.tmp").exists()
    assert gates.experiment(MODEL, sets, "mopeft", settings, 0, tmp_path) == report
    with pytest.raises(SystemExit, match="another data"):
        gates.experiment(MODEL, sets[::-1], "mopeft", settings, 0, tmp_path)


def test_gates_of_a_run_that_was_deleted_are_measured_anew(tmp_path: Path) -> None:
    (tmp_path / "gates.json").write_text('{"of": "a run that was deleted"}')
    sets = [TWIN / "blobs", TWIN / "stripes"]
    assert "paired" in gates.experiment(MODEL, sets, "lora", QUICK, 0, tmp_path, "unipelt")
    (tmp_path / "result.json").unlink()
    for folders, settings, why in (
        (sets[:1], QUICK, "at least two sets"),
        ([sets[0], sets[0]], QUICK, "two sets are named blobs"),
        (sets, [*QUICK, "seed=1"], "give --seeds"),
    ):
        with pytest.raises(SystemExit, match=why):
            gates.experiment(MODEL, folders, "lora", settings, 0, tmp_path, "unipelt")
