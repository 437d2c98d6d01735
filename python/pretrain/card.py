"""The model card, from the run's log, its packs, and the evaluation beside them."""

import itertools
import json
from collections import Counter
from pathlib import Path

import torch

from mopeft.sam.model import Sam

from .export import exported
from .packs import Pack

SOURCES = json.loads((Path(__file__).parent / "sources.json").read_text())
"""For each open set: its authors, the repositories its copy comes from, its licence and where that is stated."""

HEAD = """# {name}

A plain SAM (ViT encoder, prompt encoder, two-way mask decoder) of {millions:.1f} M parameters for images of {size} px, trained from random weights by the recipe in `python/pretrain`.
The studio opens with it so that there is nothing to download. It is a small model: it is here to be fine-tuned on a domain, not to segment anything.
Click, clicks of both signs, box, box with clicks, a mask fed back; three candidates after a click, ranked by predicted IoU. Hugging Face's `SamModel` loads this folder too.

Files: `config.json`, `preprocessor_config.json`, `model.safetensors` (f16, {mebibytes:.1f} MiB).
"""

REMAKE = """## Make it again

`python/README.md` has the commands. The run is seeded, resumable (on a CPU to the bit; a GPU adds in another order each time), and can be continued with more steps, more images or a GPU; its settings are `python/pretrain/tiny.json`.
"""


def seen(rows: list[dict], phases: list[dict]) -> tuple[int, list[str]]:
    """The number of images seen, and one line per phase."""
    last, first, total, lines = rows[-1]["step"], 0, 0, []
    for p in phases:
        steps = max(0, min(p["steps"], last - first))
        total += steps * p["batch"]
        if steps:
            lines.append(f"| {p['size']} px | {steps} | {p['batch']} | {p['objects']} | {steps * p['batch']:,} |")
        first += p["steps"]
    return total, lines


def of_type(log: list[dict], kind: str, last: int) -> list[dict]:
    """The rows of a type until step last; of a step that a resumed run made twice, the later one."""
    return list({r["step"]: r for r in log if r["type"] == kind and r["step"] <= last}.values())


def clock(rows: list[dict]) -> str:
    """Wall clock of all sittings: `seconds` counts from the start, and anew where a run began with an exported model."""
    ends = [a["seconds"] for a, b in itertools.pairwise(rows) if b["seconds"] < a["seconds"]]
    minutes = (sum(ends) + rows[-1]["seconds"]) / 60
    return f"{minutes:.1f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"


def sets_table(run: Path, train_sets: list[str], held_out: list[str]) -> list[str]:
    pack = Pack(run / "open")
    lines = [
        "| set | authors, and where the copy comes from | licence, and where it is stated | images | objects | use |",
        "|---" * 6 + "|",
    ]
    for name in [*train_sets, *held_out]:
        index, source = pack.of_set(name), SOURCES[name]
        objects = int((pack.object_end[index + 1] - pack.object_end[index]).sum())
        copies = ", ".join(f"[{r}](https://github.com/{r})" for r in source["repositories"])
        use = "validation" if name in held_out else "training"
        lines.append(f"| {name} | {source['authors']}: {copies} | {source['licence']} | {len(index)} | {objects:,} | {use} |")
    return lines


def curves(rows: list[dict], validations: list[dict]) -> list[str]:
    lines = ["| step | loss of first prompts | images a second |", "|---|---|---|"]
    every = max(1, len(rows) // 12)
    lines += [f"| {r['step']} | {r['first']:.3f} | {r['images_per_second']:.1f} |" for r in rows[every - 1 :: every]]
    lines += [
        "",
        "Held-out sets (mean over the sets):",
        "",
        "| step | input | box IoU | click IoU | best candidate |",
        "|---|---|---|---|---|",
    ]
    for v in validations:
        m = v["mean"]
        lines.append(f"| {v['step']} | {v['size']} px | {m['box']:.3f} | {m['click']:.3f} | {m['best']:.3f} |")
    return lines


def figures(evaluation: list[dict]) -> list[str]:
    lines = ["| set | box IoU | click IoU | best candidate's IoU | best picked | n |", "|---|---|---|---|---|---|"]
    for r in evaluation:
        lines.append(f"| {r['set']} | {r['box']:.3f} | {r['click']:.3f} | {r['best']:.3f} | {r['picked']:.0%} | {r['n']} |")
    return lines


def write_card(run: Path, folder: Path, notes: Path) -> None:
    """folder/README.md; the evaluation is RUN/evaluation.json; notes: an optional text."""
    state = torch.load(exported(run), map_location="cpu", weights_only=True)
    config = state["config"]
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    rows, validations = (of_type(log, kind, state["step"]) for kind in ("step", "validation"))
    total, phases = seen(rows, config["phases"])
    model = Sam(config["model"])
    drawn = Pack(run / "drawn")
    scenes = Counter(drawn.sets[k] for k in drawn.rows[:, 3])
    head = HEAD.format(
        name=config["name"],
        millions=sum(p.numel() for p in model.parameters()) / 1e6,
        size=config["model"]["image_size"],
        mebibytes=(folder / "model.safetensors").stat().st_size / 2**20,
    )
    data, share = config["data"], config["data"]["drawn_share"]
    parts = [
        head,
        "## How good\n",
        "`python -m evaluate` over ten public sets that are not part of the repository (listed in `docs/measurements/methods.md`): the first 24 images of each, at most 5 objects, least area 0.002. These sets were never used for training or for any choice.\n",
        *figures(json.loads((run / "evaluation.json").read_text())),
        "",
        notes.read_text() if notes.exists() else "",
        "## What it was trained on\n",
        f"{total:,} views of images in {state['step']} steps, {clock(rows)} of wall clock. {1 - share:.0%} of the views come from the sets, {share:.0%} are drawn.\n",
        "| input | steps | images a step | objects an image | views |",
        "|---|---|---|---|---|",
        *phases,
        "",
        *sets_table(run, data["train_sets"], data["held_out_sets"]),
        "",
        "A licence is what the source states of its data; where photos were gathered from the web, their owners may see it differently. "
        "The images were made smaller (at most 320 px), and every object got a number.\n",
        f"Drawn by `python/pretrain/draw` (seed {config['drawn']['seed']}, {len(drawn):,} images, {len(drawn.id_end) - 1:,} objects): "
        + ", ".join(f"{k} {n}" for k, n in scenes.most_common())
        + ".\n",
        "## Curves\n",
        *curves(rows, validations),
        "",
        REMAKE,
    ]
    (folder / "README.md").write_text("\n".join(parts))
