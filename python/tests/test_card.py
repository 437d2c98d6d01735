import json
from pathlib import Path

import pytest
import torch

from pretrain.card import write_card
from pretrain.draw import draw
from pretrain.packs import write_pack
from tests.test_resume import recipe


@pytest.fixture
def card(tmp_path: Path) -> str:
    """The card of a run of 40 steps that was cut off after the row of step 40 and went on from step 20; a fifth of its views is drawn."""
    config = {**recipe(), "name": "tiny", "drawn": {"seed": 1, "count": 2}}
    config["data"] = {"train_sets": ["pets"], "held_out_sets": ["potholes"], "drawn_share": 0.2}
    items = [draw(1, i, [], []) for i in range(2)]
    write_pack(tmp_path / "drawn", items)
    write_pack(tmp_path / "open", [(*item[:3], name) for item, name in zip(items, ("pets", "potholes"), strict=True)])
    torch.save({"config": config, "step": 40}, tmp_path / "last.pt")
    log = []
    for step, first in ((20, 3.0), (40, 2.5), (40, 2.0)):
        log.append({"type": "step", "step": step, "first": first, "images_per_second": 1.0, "seconds": step})
        log.append({"type": "validation", "step": step, "size": 64, "mean": {"box": first / 10, "click": 0.1, "best": 0.1}})
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    (tmp_path / "evaluation.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"")
    write_card(tmp_path, tmp_path, tmp_path / "notes.md")
    return (tmp_path / "README.md").read_text()


def test_a_step_that_was_made_twice_is_shown_as_it_was_made_last(card: str) -> None:
    curves = card.split("## Curves")[1].splitlines()
    assert [line for line in curves if line.startswith(("| 20 ", "| 40 "))] == [
        "| 20 | 3.000 | 1.0 |",
        "| 40 | 2.000 | 1.0 |",
        "| 20 | 64 px | 0.300 | 0.100 | 0.100 |",
        "| 40 | 64 px | 0.200 | 0.100 | 0.100 |",
    ]


def test_the_shares_of_the_views_are_the_configs(card: str) -> None:
    assert "80% of the views come from the sets, 20% are drawn." in card


def test_the_shipped_card_says_what_a_card_says_of_the_final_evaluation(card: str) -> None:
    shipped = Path(__file__).parents[2] / "public" / "models" / "mopeft-sam-tiny" / "README.md"
    said = next(line for line in card.splitlines() if line.startswith("`python -m evaluate`"))
    assert "shared/" not in said
    assert said in shipped.read_text().splitlines()
