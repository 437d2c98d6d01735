"""IA³ (arXiv 2205.05638): scales keys, values and the hidden layer of the MLP, y += g · y · l (`src/peft/ia3`)."""

from collections.abc import Mapping

from torch import Tensor

from .method import Add, Method, Params, Size, Spec


def tensors(model: dict, _: Mapping[str, Size]) -> dict[str, Spec]:
    width, mlp = model["hidden_size"], model["mlp_dim"]
    return {name: Spec((length,), None, False) for name, length in {"ia3.k": width, "ia3.v": width, "ia3.ff": mlp}.items()}


def scaled(name: str) -> Add:
    def add(_: Tensor, y: Tensor, params: Params) -> Tensor:
        return y * params[name]

    return add


ia3 = Method(
    id="ia3",
    gate_reads="norm1",
    sizes=lambda _: {},
    tensors=tensors,
    adds={"k": scaled("ia3.k"), "v": scaled("ia3.v"), "gelu": scaled("ia3.ff")},
)
