"""Which image comes next (`src/train/sampler.ts`): datasets in equal shares, every image once per epoch."""

from ..random import Random


class Sampler:
    """sizes: the number of training images of each dataset."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        self.sizes = sizes
        self.random = Random(seed, "sampler")
        self.turn: list[int] = []
        self.epochs: list[list[int]] = [[] for _ in sizes]

    def state(self) -> dict:
        """What determines the draws to come, as a checkpoint has it."""
        return {"random": self.random.state, "turn": list(self.turn), "epochs": [list(epoch) for epoch in self.epochs]}

    def resume(self, state: dict) -> None:
        self.random = Random.of_state(state["random"])
        self.turn = list(state["turn"])
        self.epochs = [list(epoch) for epoch in state["epochs"]]

    def next(self) -> tuple[int, int]:
        """Index of the dataset, index of its image."""
        if not self.turn:
            self.turn = self.random.shuffled(range(len(self.sizes)))
        dataset = self.turn.pop()
        epoch = self.epochs[dataset]
        if not epoch:
            epoch += self.random.shuffled(range(self.sizes[dataset]))
        return dataset, epoch.pop()
