"""The question of *Train and report* about a step of the optimizer, chapter 10, with its known mistakes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question

_State = dict[str, Tensor]


def _slow(name: str) -> bool:
    return name.startswith("reconstruction") or name.endswith("bias")


def _sgd(
    weights: _State,
    gradients: _State,
    velocities: _State,
    rate: float,
    *,
    slow: Callable[[str], bool] = _slow,
    keep: float,
    slower: float,
    share: float = 1.0,
    sign: float = -1.0,
) -> tuple[_State, _State]:
    velocities = {name: keep * v + share * gradients[name] for name, v in velocities.items()}
    factors = {name: slower if slow(name) else 1.0 for name in weights}
    return {name: w + sign * rate * factors[name] * velocities[name] for name, w in weights.items()}, velocities


def _ahead(
    weights: _State, gradients: _State, velocities: _State, rate: float, **numbers: Any
) -> tuple[_State, _State]:
    """Nesterov's momentum."""
    velocities = _sgd(weights, gradients, velocities, rate, **numbers)[1]
    ahead = {name: gradients[name] + numbers["keep"] * v for name, v in velocities.items()}
    return _sgd(weights, ahead, ahead, rate, **numbers | {"keep": 0})[0], velocities


def _old_velocity(
    weights: _State, gradients: _State, velocities: _State, rate: float, **numbers: Any
) -> tuple[_State, _State]:
    old = _sgd(weights, velocities, velocities, rate, **numbers | {"keep": 0})[0]
    return old, _sgd(weights, gradients, velocities, rate, **numbers)[1]


def _slow_velocity(
    weights: _State, gradients: _State, velocities: _State, rate: float, **numbers: Any
) -> tuple[_State, _State]:
    """The smaller rate is taken of the gradient, so that the velocity has it already."""
    slowed = {name: g * (numbers["slower"] if _slow(name) else 1) for name, g in gradients.items()}
    return _sgd(weights, slowed, velocities, rate, **numbers, slow=lambda name: False)


def _states() -> list[Arguments]:
    shapes = {"extraction.weight": (3, 1, 3, 3), "extraction.bias": (3,), "mapping.weight": (2, 3, 1, 1)}
    shapes |= {"mapping.bias": (2,), "reconstruction.weight": (1, 2, 3, 3), "reconstruction.bias": (1,)}
    draw = torch.Generator().manual_seed(0)
    return [
        (*({name: torch.randn(shape, generator=draw) for name, shape in shapes.items()} for _ in range(3)), rate)
        for rate in (0.5, 2.0)
    ]


def question(momentum: float, slow: float) -> Question:
    """The question for a momentum, and for the share of the rate that the last layer and the biases use."""

    def step(*state: Any, **changed: Any) -> tuple[_State, _State]:
        return _sgd(*state, **{"keep": momentum, "slower": slow} | changed)

    numbers: dict[str, Any] = {"keep": momentum, "slower": slow}
    lost = round(1 - momentum, 2)
    return Question(
        name="sgd_step",
        examples=_states,
        reference=step,
        mistakes=(
            Mistake("the parameters follow the gradient; they should move against it", lambda *a: step(*a, sign=1.0)),
            Mistake(
                f"all parameters have the same rate; some should have {slow:g} of it",
                lambda *a: step(*a, slow=lambda name: False),
            ),
            Mistake(
                f"the last layer has {slow:g} of the rate, but the biases of the other layers do not",
                lambda *a: step(*a, slow=lambda name: name.startswith("reconstruction")),
            ),
            Mistake(
                f"the biases have {slow:g} of the rate, but the filters of the last layer do not",
                lambda *a: step(*a, slow=lambda name: name.endswith("bias")),
            ),
            Mistake("the two rates are exchanged", lambda *a: step(*a, slow=lambda name: not _slow(name))),
            Mistake(
                f"all parameters have {slow:g} of the rate; only the last layer and the biases should",
                lambda *a: step(*a, slow=lambda name: True),
            ),
            Mistake(
                f"there is no momentum: a velocity should keep {momentum:g} of itself", lambda *a: step(*a, keep=0.0)
            ),
            Mistake(
                f"only {lost:g} of the gradient enters the velocity; look at equation (10.2) again",
                lambda *a: step(*a, share=lost),
            ),
            Mistake(
                f"each velocity keeps {lost:g} of its value; it should lose that and keep {momentum:g}",
                lambda *a: step(*a, keep=lost),
            ),
            Mistake(
                "it uses the old velocity; use the one that includes this gradient",
                lambda *a: _old_velocity(*a, **numbers),
            ),
            Mistake("this is Nesterov's momentum; the paper uses plain momentum", lambda *a: _ahead(*a, **numbers)),
            Mistake(
                "the smaller factor belongs to the rate, not to the velocity", lambda *a: _slow_velocity(*a, **numbers)
            ),
            Mistake(
                "the numbers are those of another variant: read the question again",
                lambda *a: step(*a, **_others(momentum, slow)),
            ),
            Mistake(
                "the parameters are right; return the velocities too, because the next step needs them",
                lambda *a: step(*a)[0],
            ),
        ),
    )


def _others(momentum: float, slow: float) -> dict[str, float]:
    """The numbers of the notebook without a variant, or, there, ones that nobody has."""
    return {"keep": 0.9, "slower": 0.1} if (momentum, slow) != (0.9, 0.1) else {"keep": 0.97, "slower": 0.3}
