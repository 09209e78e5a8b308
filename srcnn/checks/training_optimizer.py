"""Questions of *Train and report* about a step of the optimizer, chapter 10, with their known mistakes."""

import math

import torch
from torch import Tensor

from srcnn import training
from srcnn.checks.judging import Mistake, Question

# Question 4


def _rate(step: int, steps: int, peak: float, *, warm_up: float | None = None, turn: float = math.pi) -> float:
    warm_up = min(1.0, (step + 1) / 20) if warm_up is None else warm_up
    return peak * warm_up * (1 + math.cos(turn * step / steps)) / 2


LEARNING_RATE = Question(
    name="learning_rate",
    examples=lambda: [(step, steps, 0.01 * k) for k, steps in ((1, 400), (3, 90)) for step in (0, 4, 19, 20, 45, 80)],
    reference=_rate,
    tolerance=1e-6,
    forbidden=(training.learning_rate,),
    mistakes=(
        Mistake("the warm-up is missing", lambda k, n, p: _rate(k, n, p, warm_up=1)),
        Mistake(
            "the first step has the rate 0 and changes nothing; steps are counted from 0",
            lambda k, n, p: _rate(k, n, p, warm_up=min(1, k / 20)),
        ),
        Mistake("it stays at its peak; the cosine is missing", lambda k, n, p: p * min(1, (k + 1) / 20)),
        Mistake(
            "the cosine goes down and up again; how much of a period is needed?",
            lambda k, n, p: _rate(k, n, p, turn=2 * math.pi),
        ),
        Mistake(
            "it ends halfway down; how much of a period is needed?", lambda k, n, p: _rate(k, n, p, turn=math.pi / 2)
        ),
        Mistake(
            "it falls below zero; in what range are the values of a cosine?",
            lambda k, n, p: 2 * _rate(k, n, p) - p * min(1, (k + 1) / 20),
        ),
        Mistake(
            "it falls linearly; the decay should be half a cosine",
            lambda k, n, p: p * min(1, (k + 1) / 20) * (1 - k / n),
        ),
        Mistake("the cosine gets degrees, but needs radians", lambda k, n, p: _rate(k, n, p, turn=180.0)),
        Mistake(
            "the cosine is one step ahead; only the warm-up counts from 1",
            lambda k, n, p: p * min(1, (k + 1) / 20) * (1 + math.cos(math.pi * (k + 1) / n)) / 2,
        ),
        Mistake(
            "the cosine waits until the warm-up has ended; both should begin at step 0",
            lambda k, n, p: p * (k + 1) / 20 if k < 20 else p * (1 + math.cos(math.pi * (k - 20) / (n - 20))) / 2,
        ),
    ),
)

# Question 5

_State = dict[str, Tensor]


def _slow(name: str) -> bool:
    return name.startswith("reconstruction") or name.endswith("bias")


def _sgd(
    weights: _State,
    gradients: _State,
    velocities: _State,
    rate: float,
    *,
    slow=_slow,
    keep: float = 0.9,
    share: float = 1.0,
    sign: float = -1.0,
) -> tuple[_State, _State]:
    velocities = {name: keep * v + share * gradients[name] for name, v in velocities.items()}
    factors = {name: 0.1 if slow(name) else 1.0 for name in weights}
    return {name: w + sign * rate * factors[name] * velocities[name] for name, w in weights.items()}, velocities


def _nesterov(weights: _State, gradients: _State, velocities: _State, rate: float) -> tuple[_State, _State]:
    _, velocities = _sgd(weights, gradients, velocities, rate)
    ahead = {name: gradients[name] + 0.9 * v for name, v in velocities.items()}
    return _sgd(weights, ahead, ahead, rate, keep=0)[0], velocities


def _old_velocity(weights: _State, gradients: _State, velocities: _State, rate: float) -> tuple[_State, _State]:
    return _sgd(weights, velocities, velocities, rate, keep=0)[0], _sgd(weights, gradients, velocities, rate)[1]


def _slow_velocity(weights: _State, gradients: _State, velocities: _State, rate: float) -> tuple[_State, _State]:
    """The tenth is taken of the gradient, so that the velocity has it already."""
    slowed = {name: g * (0.1 if _slow(name) else 1) for name, g in gradients.items()}
    return _sgd(weights, slowed, velocities, rate, slow=lambda name: False)


def _states() -> list[tuple]:
    shapes = {"extraction.weight": (3, 1, 3, 3), "extraction.bias": (3,), "mapping.weight": (2, 3, 1, 1)}
    shapes |= {"mapping.bias": (2,), "reconstruction.weight": (1, 2, 3, 3), "reconstruction.bias": (1,)}
    draw = torch.Generator().manual_seed(0)
    return [
        (*({name: torch.randn(shape, generator=draw) for name, shape in shapes.items()} for _ in range(3)), rate)
        for rate in (0.5, 2.0)
    ]


SGD_STEP = Question(
    name="sgd_step",
    examples=_states,
    reference=_sgd,
    mistakes=(
        Mistake("the parameters follow the gradient; they should move against it", lambda *a: _sgd(*a, sign=1.0)),
        Mistake(
            "all parameters have the same rate; some should have a tenth of it",
            lambda *a: _sgd(*a, slow=lambda name: False),
        ),
        Mistake(
            "the last layer has a tenth of the rate, but the biases of the other layers do not",
            lambda *a: _sgd(*a, slow=lambda name: name.startswith("reconstruction")),
        ),
        Mistake(
            "the biases have a tenth of the rate, but the filters of the last layer do not",
            lambda *a: _sgd(*a, slow=lambda name: name.endswith("bias")),
        ),
        Mistake("the two rates are exchanged", lambda *a: _sgd(*a, slow=lambda name: not _slow(name))),
        Mistake(
            "all parameters have a tenth of the rate; only the last layer and the biases should",
            lambda *a: _sgd(*a, slow=lambda name: True),
        ),
        Mistake(
            "there is no momentum: each velocity should keep nine tenths of its value", lambda *a: _sgd(*a, keep=0.0)
        ),
        Mistake(
            "only a tenth of the gradient enters the velocity; look at equation (10.2) again",
            lambda *a: _sgd(*a, share=0.1),
        ),
        Mistake("it uses the old velocity; use the one that includes this gradient", _old_velocity),
        Mistake("this is Nesterov's momentum; the paper uses plain momentum", _nesterov),
        Mistake("the factor of a tenth belongs to the rate; here it is in the velocity", _slow_velocity),
        Mistake(
            "the parameters are right; return the velocities too, because the next step needs them",
            lambda *a: _sgd(*a)[0],
        ),
    ),
)
