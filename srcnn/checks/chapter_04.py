"""The exercises of chapter 4 that have a check: a piecewise linear function, and two layers merged into one."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question

# Exercise 4.1


def line(z: float, w: Tensor, b: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and offset of the piece of sum v max(0, wz + b) on which z lies."""
    on = (w * z + b > 0).to(w)
    return (v * on * w).sum(), (v * on * b).sum()


def _with(z: float, w: Tensor, b: Tensor, v: Tensor, on: Tensor) -> tuple[Tensor, Tensor]:
    return (v * on.to(w) * w).sum(), (v * on.to(w) * b).sum()


def _networks() -> list[Arguments]:
    draw = torch.Generator().manual_seed(41)
    cases: list[Arguments] = [
        (1.7, torch.tensor([1.0, -1, 1, -1]), torch.tensor([0.0, 0, -1, -1]), torch.tensor([1.0, -1, 1.5, -1.5]))
    ]
    for z in (0.6, -1.2, 2.5):
        cases.append((z, *(torch.randn(7, generator=draw) for _ in range(3))))
    return cases


LINE = Question(
    name="line",
    examples=_networks,
    reference=line,
    mistakes=(
        Mistake(
            "it counts all units, also those whose ReLU gives zero here",
            lambda z, w, b, v: _with(z, w, b, v, torch.ones_like(w)),
        ),
        Mistake(
            "it decides by w z alone which units are on; what else enters the ReLU?",
            lambda z, w, b, v: _with(z, w, b, v, w * z > 0),
        ),
        Mistake(
            "the slope is right, but the second number is the output at z; the offset is the value of the line at 0",
            lambda z, w, b, v: (line(z, w, b, v)[0], sum(line(z, w, b, v)[k] * (z, 1)[k] for k in (0, 1))),
        ),
        Mistake("slope and offset are exchanged", lambda z, w, b, v: line(z, w, b, v)[::-1]),
        Mistake(
            "it leaves out w: a unit that is on passes w z + b, not z",
            lambda z, w, b, v: ((v * (w * z + b > 0)).sum(), line(z, w, b, v)[1]),
        ),
        Mistake(
            "it leaves out the weights v of the output",
            lambda z, w, b, v: _with(z, w, b, torch.ones_like(v), w * z + b > 0),
        ),
        Mistake(
            "it multiplies by the activations; a unit that is on counts as 1",
            lambda z, w, b, v: _with(z, w, b, v, (w * z + b).relu()),
        ),
    ),
)

# Exercise 4.2


def join(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and bias of the one convolution that a convolution and a 1 x 1 convolution amount to."""
    matrix = w2[:, :, 0, 0]
    return torch.einsum("kj,jcuv->kcuv", matrix, w1), matrix @ b1 + b2


def _layers() -> list[Arguments]:
    draw = torch.Generator().manual_seed(42)
    return [
        tuple(torch.randn(shape, generator=draw) for shape in ((n, c, f, f), (n,), (m, n, 1, 1), (m,)))
        for n, m, c, f in ((64, 32, 1, 9), (5, 3, 2, 3))
    ]


JOIN = Question(
    name="join",
    examples=_layers,
    reference=join,
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "the weights are right, but the biases of the first layer are missing",
            lambda w1, b1, w2, b2: (join(w1, b1, w2, b2)[0], b2),
        ),
        Mistake(
            "the weights are right, but the biases of the second layer are missing",
            lambda w1, b1, w2, b2: (join(w1, b1, w2, b2)[0], w2[:, :, 0, 0] @ b1),
        ),
        Mistake(
            "the weights are right, but the first layer's biases do not pass through the matrix",
            lambda w1, b1, w2, b2: (join(w1, b1, w2, b2)[0], b1.sum() + b2),
        ),
        Mistake(
            "the filters are turned by 180 degrees; a 1 x 1 layer does not turn anything",
            lambda w1, b1, w2, b2: (join(w1, b1, w2, b2)[0].flip(-1, -2), join(w1, b1, w2, b2)[1]),
        ),
        Mistake(
            "rows and columns of the filters are exchanged",
            lambda w1, b1, w2, b2: (join(w1, b1, w2, b2)[0].mT, join(w1, b1, w2, b2)[1]),
        ),
    ),
)

QUESTIONS: dict[int, Question] = {1: LINE, 2: JOIN}
