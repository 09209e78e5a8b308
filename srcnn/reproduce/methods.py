"""The optimizers that are compared, and where each one's settings are searched, a part of "optimizers".

All of them step in the training loop of the package, which sets each group's learning rate to that of the step times
the group's ``factor``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.optim import Optimizer
from torch.quasirandom import SobolEngine

from srcnn.model import SRCNN
from srcnn.recipes import TrainConfig
from srcnn.training import EIGENVECTORS_EVERY, make_optimizer

# Learning rates, two decades a method, around the best of short trials. What they mean differs: that of SGD multiplies
# gradients, that of Muon orthogonal matrices, the others' numbers of about 1.
RATES = dict.fromkeys(("adam", "soap", "soap-without-rotation", "soap-merged", "muon"), (3e-3, 3e-1))
RATES["sgd"] = (2e-2, 2e0)
RANGES = {"last_layer_lr_factor": (0.03, 1.0), "warmup_steps": (10, 200), "beta1": (0.8, 0.98), "beta2": (0.9, 0.999)}
_EDGE = 0.05  # of a range's width

Betas = tuple[float, float | None]


def _packaged(name: str, model: SRCNN, config: TrainConfig, betas: Betas) -> Optimizer:
    """An optimizer of the package, with other decay rates; SGD's momentum is the first."""
    optimizer = make_optimizer(model, replace(config, optimizer=name))
    for group in optimizer.param_groups:
        group.update({"momentum": betas[0]} if name == "sgd" else {"betas": betas})
    return optimizer


def _without_rotation(model: SRCNN, config: TrainConfig, betas: Betas) -> Optimizer:
    """SOAP in the coordinates that the weights have: the eigenvectors are all that it lacks."""
    optimizer = _packaged("soap", model, config, betas)
    for group in optimizer.param_groups:
        group["max_precondition_dim"] = 0  # every axis is longer, and keeps its own; the constructor would refuse it
    return optimizer


def _merged(model: SRCNN, config: TrainConfig, betas: Betas) -> Optimizer:
    """SOAP with two factors a layer, outputs and all taps of a filter, as of a matrix: 64 x 81, 32 x 64, 32 x 25."""
    from pytorch_optimizer import SOAP  # here, because its import costs seconds

    groups = _filters_apart(model, config)
    for group in groups:
        group.update(merge_dims=group.pop("filters"), max_precondition_dim=81)  # a bias has nothing to merge
    given: dict[str, Any] = {"betas": betas, "weight_decay": 0.0, "precondition_frequency": EIGENVECTORS_EVERY}
    return SOAP(groups, lr=config.learning_rate, **given)


def _muon(model: SRCNN, config: TrainConfig, betas: Betas) -> Optimizer:
    """Muon for filters, each layer's a matrix of outputs by taps; Adam, which comes with it, for biases."""
    from pytorch_optimizer import Muon

    groups = _filters_apart(model, config)
    for group in groups:
        group["use_muon"] = group.pop("filters")
        group.update({"momentum": betas[0]} if group["use_muon"] else {"betas": betas})
    return Muon(groups, lr=config.learning_rate, adamw_lr=config.learning_rate)


def _filters_apart(model: SRCNN, config: TrainConfig) -> list[dict[str, Any]]:
    """The package's groups of parameters with their factors, filters and biases in groups of their own."""
    return [
        {"params": found, "factor": group["factor"], "filters": filters}
        for group in make_optimizer(model, replace(config, optimizer="sgd")).param_groups
        for filters in (True, False)
        if (found := [p for p in group["params"] if (p.ndim > 1) == filters])
    ]


#: Name -> a function of network, configuration and decay rates that makes the optimizer. Each of its groups has a
#: ``factor``, as :func:`srcnn.training.make_optimizer` has it.
METHODS: dict[str, Callable[..., Optimizer]] = {
    "adam": partial(_packaged, "adam"),
    "sgd": partial(_packaged, "sgd"),
    "soap": partial(_packaged, "soap"),
    "soap-without-rotation": _without_rotation,
    "soap-merged": _merged,
    "muon": _muon,
}


def ranges(method: str) -> dict[str, tuple[float, float]]:
    """The least and the largest value of everything that is searched for a method, in the order of a point's numbers.

    Args:
        method: a name from ``METHODS``; SGD has no second decay rate.
    """
    found = {"learning_rate": RATES[method], **RANGES}
    return {name: ends for name, ends in found.items() if (method, name) != ("sgd", "beta2")}


def points(count: int) -> list[list[float]]:
    """The first points of one Sobol sequence, five numbers in 0..1 each: the same for every method."""
    return SobolEngine(1 + len(RANGES), scramble=True, seed=0).draw(count, dtype=torch.float64).tolist()


def settings(method: str, point: Sequence[float]) -> dict[str, float]:
    """A method's settings at a point: even in the logarithm, for a decay rate in that of its distance from 1."""
    found: dict[str, float] = {}
    for (name, (low, high)), share in zip(ranges(method).items(), point, strict=False):
        if name.startswith("beta"):
            found[name] = round(1 - (1 - low) * ((1 - high) / (1 - low)) ** share, 5)
        else:
            value = low * (high / low) ** share
            found[name] = round(value) if name == "warmup_steps" else float(f"{value:.4g}")
    return found


def near_edge(method: str, point: Sequence[float]) -> list[str]:
    """The settings whose range may be too narrow: the point lies within 5 % of one of its ends, in the logarithm."""
    return [name for name, share in zip(ranges(method), point, strict=False) if not _EDGE <= share <= 1 - _EDGE]
