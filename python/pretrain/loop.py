"""The training loop: resumable (on a CPU to the bit), logged, with an exponential average of the weights."""

import copy
import json
import signal
import sys
import time
from pathlib import Path
from threading import BrokenBarrierError

import torch
import torch.multiprocessing as mp

from mopeft.files import whole
from mopeft.sam.model import Sam
from mopeft.sam.open import read_model

from .config import largest_size, micro_count, phase_at, total_steps
from .export import exported_step
from .feed import feed
from .flat import Layout
from .initial import extend_tables, initialise
from .losses import Helper
from .objective import objective
from .optim import Optimizer, share_out
from .packs import Pack
from .team import LOGGED, Team
from .validate import validate


class Member:
    """One process of the run: it computes micro-batches and updates its share of the parameters."""

    def __init__(self, config: dict, run: Path, team: Team, rank: int) -> None:
        self.config, self.run, self.team, self.rank = config, run, team, rank
        self.device = team.device
        self.model = Sam(config["model"])
        initialise(self.model, config["train"]["seed"])
        torch.manual_seed(config["train"]["seed"])
        self.helper = Helper(config["model"]["output_channels"])
        self.modules = {"model": self.model, "helper": self.helper}
        self.layout = Layout(self.modules)
        if rank == 0:
            for name, view in self.layout.views(team.vectors["params"]).items():
                part, _, rest = name.partition(".")
                with torch.no_grad():
                    view.copy_(self.modules[part].get_parameter(rest))
            team.vectors["ema"].copy_(team.vectors["params"])
        for m in self.modules.values():
            m.to(self.device)
        self.layout.bind(self.modules, team.vectors["params"])
        mine = share_out(self.layout, team.ranks)[rank]
        self.optimizer = Optimizer(self.layout, mine, config["train"], team.vectors)
        self.data = feed(config, run, self.device)

    def rate(self, step: int, phase: dict) -> float:
        """Factor of the learning rates: warm-up (of the run, of a phase), then constant, or a straight line to zero."""
        factor = min(1.0, (step + 1) / self.config["train"]["warmup"]) * phase.get("rate", 1.0)
        if "warmup" in phase:
            factor *= min(1.0, (step + 1 - phase["first"]) / phase["warmup"])
        if phase["decay"]:
            factor *= (phase["last"] - step) / (phase["last"] - phase["first"])
        return factor

    def micro_batch(self, step: int, phase: dict, k: int) -> None:
        batch = self.data.batch(step, k).to(self.device)
        grads = self.team.grads[k]
        grads.zero_()
        self.layout.bind_grads(self.modules, grads)
        g = torch.Generator().manual_seed((self.config["train"]["seed"] * 1_000_003 + step) * 64 + k)
        bf16 = self.device.type == "cuda" or self.config["train"].get("bf16", False)
        losses = objective(self.model, self.helper, batch, phase, g, bf16)
        (losses["loss"] / self.team.micro).backward()
        none = torch.zeros((), device=self.device)
        row = {n: losses.get(n, none).detach() for n in LOGGED} | {"rounds": none + float("second" in losses)}
        self.team.metrics[k] = torch.stack([row[n] for n in LOGGED])

    def step(self, step: int) -> torch.Tensor:
        """All ranks call this together; returns the gradient's norm."""
        team, phase = self.team, phase_at(self.config, step)
        if self.rank == 0:
            team.next.value = 0
            self.enter(step, phase)
        team.wait()
        while (k := team.take()) >= 0:
            self.micro_batch(step, phase, k)
        team.wait()
        team.squares[self.rank] = self.optimizer.gather(team.grads)
        team.wait()
        norm = team.squares.sum().sqrt()
        ema = min(self.config["train"]["ema"], (step + 1) / (step + 10))
        self.optimizer.step(norm, self.rate(step, phase), step + 1, ema)
        team.wait()
        return norm

    def enter(self, step: int, phase: dict) -> None:
        """At the first step on a grid larger than all before, extend the relative position tables."""
        if step and step == phase["first"]:
            before = largest_size(self.config, step)
            if before < phase["size"]:
                for vector in ("params", "ema"):
                    self.layout.bind(self.modules, self.team.vectors[vector])
                    extend_tables(self.model, before // self.config["model"]["patch_size"])
                self.layout.bind(self.modules, self.team.vectors["params"])


class Leader(Member):
    """Rank 0 also saves, validates and writes the log."""

    seconds = 0.0

    def averaged(self) -> Sam:
        """A copy of the model with the averaged weights."""
        self.layout.bind(self.modules, self.team.vectors["ema"])
        model = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.layout.bind(self.modules, self.team.vectors["params"])
        return model

    def save(self, step: int) -> None:
        vectors = {k: v.cpu() for k, v in self.team.vectors.items() if k != "grad"}
        names = [e[0] for e in self.layout.entries]
        state = {"config": self.config, "step": step, "seconds": self.seconds, "names": names, "vectors": vectors}
        state["ema"] = self.averaged().cpu().state_dict()
        with whole(self.run / "last.pt") as path:
            torch.save(state, path)

    def require_seed(self, weights: dict[str, torch.Tensor], source: Path) -> None:
        """The position matrix is not a parameter: every rank draws it from the seed. SystemExit if the weights have another one."""
        for name, buffer in self.model.named_buffers():
            if not torch.allclose(weights[name], buffer.cpu(), rtol=1e-2):
                raise SystemExit(f"{source}: {name} was made with another seed than the config's")

    def resume(self) -> int:
        """Take the state of RUN/last.pt and return its step, 0 without one; SystemExit if it is of another model or seed."""
        path = self.run / "last.pt"
        if not path.exists():
            return 0
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["names"] != [e[0] for e in self.layout.entries]:
            raise SystemExit(f"{path}: its parameters are not those of the config's model")
        self.require_seed(state["ema"], path)
        for name, vector in state["vectors"].items():
            self.team.vectors[name].copy_(vector)
        self.seconds = state["seconds"]
        return state["step"]

    def start_from(self, folder: Path) -> int:
        """Take the weights of an exported model, at the step that its file names; the optimizer starts afresh."""
        weights, step = read_model(folder).state_dict(), exported_step(folder)
        self.require_seed(weights, folder)
        for vector in ("params", "ema"):
            for name, view in self.layout.views(self.team.vectors[vector]).items():
                part, _, rest = name.partition(".")
                if part == "model":
                    view.copy_(weights[rest])
        self.save(step)
        return step

    def validation(self, step: int) -> dict:
        size = phase_at(self.config, step - 1)["size"]
        sets, images = self.config["data"]["held_out_sets"], self.config["train"]["validate_images"]
        scores = validate(self.averaged(), Pack(self.run / "open"), sets, size, images)
        mean = {k: round(sum(s[k] for s in scores.values()) / len(scores), 4) for k in ("box", "click", "best")}
        return {"type": "validation", "step": step, "size": size, "mean": mean, "sets": scores}

    def fit(self, first: int, last: int) -> None:
        """The steps from first to last, after the validation of step first if the last session was interrupted in it."""
        settings = self.config["train"]
        path = self.run / "log.jsonl"
        log = path.open("a", buffering=1)

        def validates(step: int) -> bool:
            return step % settings["validate_every"] == 0 or step == last

        if 0 < first <= last and validates(first) and not has_validation(path, first):
            log.write(json.dumps(self.validation(first)) + "\n")
        mark, aside, window, images = time.time(), 0.0, [], 0
        for done in range(first + 1, last + 1):
            norm = self.step(done - 1)
            window.append(torch.cat([self.team.metrics.mean(0), norm[None].float()]))
            images += phase_at(self.config, done - 1)["batch"]
            if done % 20 == 0 or done == last:
                values = dict(zip((*LOGGED, "norm"), torch.stack(window).mean(0).tolist(), strict=True))
                now = time.time()
                self.seconds += now - mark
                values["second"] /= max(values.pop("rounds"), 1e-6)
                speed = {"images_per_second": images / (now - mark - aside), "seconds": self.seconds}
                row = {k: round(v, 4) for k, v in (values | speed).items()}
                log.write(json.dumps({"type": "step", "step": done, **row}) + "\n")
                mark, aside, window, images = now, 0.0, [], 0
            trained = time.time()
            if done % settings["checkpoint_every"] == 0 or done == last:
                self.save(done)
            if validates(done):
                log.write(json.dumps(self.validation(done)) + "\n")
            aside += time.time() - trained  # counted by the wall clock, but not in images per second


def has_validation(log: Path, step: int) -> bool:
    rows = map(json.loads, log.read_text().splitlines())
    return any(row["type"] == "validation" and row["step"] == step for row in rows)


def follow(config: dict, run: Path, team: Team, rank: int, threads: int, last: int) -> None:
    """What every rank but the first does. A rank that fails breaks the barrier, so that the others do not wait for ever."""
    torch.set_num_threads(threads)
    try:
        member = Member(config, run, team, rank)
        team.wait()
        for step in range(team.start.value, last):
            member.step(step)
    except BaseException:
        team.barrier.abort()
        raise


def train(config: dict, run: Path, device: str, ranks: int, threads: int, stop_after: int, start: Path | None = None) -> None:
    """Continue from RUN/last.pt, or begin, with the weights of the exported model `start` if one is given."""
    torch.set_num_threads(threads)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit ends the other ranks too; a kill would leave them waiting
    ranks = ranks if device == "cpu" else 1
    last = min(total_steps(config), stop_after or total_steps(config))
    modules = {"model": Sam(config["model"]), "helper": Helper(config["model"]["output_channels"])}
    team = Team(ranks, Layout(modules).total, micro_count(config), torch.device(device))
    leader = Leader(config, run, team, 0)
    first = leader.resume()
    if not first and start:
        first = leader.start_from(start)
    team.start.value = first
    others = [
        mp.get_context("spawn").Process(target=follow, args=(config, run, team, r, threads, last), daemon=True) for r in range(1, ranks)
    ]
    for p in others:
        p.start()
    try:
        team.wait()
        leader.fit(first, last)
    except BrokenBarrierError:
        raise SystemExit("another process of the run failed: see its error above") from None
    for p in others:
        p.join()
