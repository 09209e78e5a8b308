"""The open question of *Train and report*, chapters 9 to 12: weights that a student trained, and what may be wrong."""

import functools
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from srcnn import images, pretrained
from srcnn.checks.judging import Arguments, Question
from srcnn.color import luma
from srcnn.evaluation import upscaler
from srcnn.metrics import psnr
from srcnn.model import SRCNN
from srcnn.resize import enlarge, modcrop, shrink

SCALE = 3
_SHAPES = {name: tuple(values.shape) for name, values in SRCNN().state_dict().items()}
LITTLE = 100  # sub-images, from which nobody learns to beat bicubic
_FAR = 6.0  # dB below bicubic; after 4,000 sub-images any optimizer is nearer, unless its rate is far too small


def form(weights: object) -> str | None:
    """What is wrong with the look of an answer that should be the weights of 9-1-5 for luma."""
    if isinstance(weights, nn.Module):
        return "it returns the network; return its weights, as state_dict() gives them"
    if not isinstance(weights, dict) or not all(isinstance(values, Tensor) for values in weights.values()):
        return "it does not return a dictionary of tensors; return the weights, as state_dict() gives them"
    if set(weights) != set(_SHAPES):
        return f"these are weights of another network; 9-1-5 has the names {', '.join(_SHAPES)}"
    for name, shape in _SHAPES.items():
        if tuple(weights[name].shape) != shape:
            return (
                f"these are weights of another network: {name} has the shape {tuple(weights[name].shape)}, not {shape}"
            )
    if not all(values.isfinite().all() for values in weights.values()):
        return (
            "some weights are infinite or NaN: the training has diverged; what does that say about the learning rate?"
        )
    return None


def network(weights: dict[str, Tensor]) -> SRCNN:
    """SRCNN 9-1-5 with these weights."""
    model = SRCNN()
    model.load_state_dict({name: values.detach().float() for name, values in weights.items()})
    return model


@functools.cache
def _validation() -> tuple[Tensor, Tensor]:
    """A low-resolution image, and its original."""
    high = modcrop(luma(images.sample("coins")), SCALE)[:, 60:210, 120:300]
    return shrink(high, SCALE), high


def judge_weights(args: Arguments, weights: Any) -> str | None:
    """Judge the weights that came of a short training: their form, and whether they have begun to learn."""
    _, squares = args
    complaint = form(weights)
    if complaint:
        return complaint
    low, high = _validation()
    output, bicubic = upscaler(network(weights))(low, SCALE), enlarge(low, SCALE)
    behind = psnr(bicubic, high, peak=1, shave=SCALE) - psnr(output, high, peak=1, shave=SCALE)
    if squares <= LITTLE:
        return None if behind > 0 else f"{squares} sub-images cannot teach it that much; does it keep to its budget?"
    if _moved(output, high):
        return "the network shifts the image by some pixels; are input and target cut at the same position?"
    if behind > _FAR:
        return (
            f"after {squares:,} sub-images it has hardly learned anything: are there enough steps, does it return the "
            "trained weights, and does the learning rate fit the mean squared error?"
        )
    return None


def _moved(output: Tensor, original: Tensor) -> bool:
    """Whether the output is much more like the original moved by 6 pixels than like the original where it is."""
    middle = (..., slice(9, -9), slice(9, -9))
    likeness = {
        step: torch.corrcoef(torch.stack([p[middle].flatten() for p in (output, original.roll(step, (1, 2)))]))[0, 1]
        for step in product((-6, 0, 6), repeat=2)
    }
    best = max(likeness.values())
    return bool(best > 0.84 and best > likeness[0, 0] + 0.1)  # an untrained network is like nothing that much


def _photographs() -> list[Tensor]:
    """Parts of four photographs."""
    places = {"astronaut": (0, 150), "camera": (120, 180), "coffee": (60, 200), "rocket": (150, 240)}
    return [
        luma(images.sample(name))[:, top : top + 160, left : left + 160].clone() for name, (top, left) in places.items()
    ]


TRAIN = Question(
    name="train",
    examples=lambda: [(_photographs(), squares) for squares in (LITTLE, 4000)],
    accept=judge_weights,
    forbidden=(pretrained.load, pretrained.from_state_dict),
)
