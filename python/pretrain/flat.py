"""All parameters in one flat vector, so that processes can share them and a checkpoint is a few vectors."""

from torch import Tensor, nn


class Layout:
    """Names, shapes and places of the parameters of some modules."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.entries: list[tuple[str, tuple[int, ...], int, int]] = []
        self.total = 0
        for prefix, module in modules.items():
            for name, p in module.named_parameters():
                self.entries.append((f"{prefix}.{name}", tuple(p.shape), self.total, p.numel()))
                self.total += p.numel()

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Each parameter's piece of a flat vector, by name."""
        return {name: flat[first : first + n].view(shape) for name, shape, first, n in self.entries}

    def bind(self, modules: dict[str, nn.Module], flat: Tensor) -> None:
        """Make the modules' parameters pieces of `flat`."""
        views = self.views(flat)
        for prefix, module in modules.items():
            for name, p in module.named_parameters():
                p.data = views[f"{prefix}.{name}"]

    def bind_grads(self, modules: dict[str, nn.Module], flat: Tensor) -> None:
        """Make the modules' gradients pieces of `flat`."""
        views = self.views(flat)
        for prefix, module in modules.items():
            for name, p in module.named_parameters():
                p.grad = views[f"{prefix}.{name}"]
