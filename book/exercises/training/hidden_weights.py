"""Hidden test cases of question 7 of *Train and report*: test images, and what beats bicubic interpolation on them.

The images are the two photographs that nobody trains on, and dead leaves that are drawn anew for each seed.
"""

import functools
import math
from collections.abc import Callable

import torch.nn.functional as F
from exercises.draw import Case, Draw, case
from torch import Tensor

import srcnn
from srcnn import images, pretrained
from srcnn.checks.judging import NotYet
from srcnn.checks.training_weights import LITTLE, SCALE, form, judge_weights, network
from srcnn.leaves import dead_leaves

SQUARES = 48_000  # the budget that the notebook states


@functools.lru_cache(maxsize=1)
def pictures(seed: int) -> tuple[list[Tensor], dict[str, Tensor]]:
    """The training images and the test images, both with leaves that nobody has seen."""
    draw = Draw(seed, "pictures")
    first = draw.between(10_000, 10_000_000)
    photographs = [srcnn.luma(images.sample(name)) for name in images.SAMPLE["train"]]
    held_out = {name: srcnn.luma(images.sample(name)) for name in images.SAMPLE["validation"]}
    held_out |= {f"leaves {k}": dead_leaves(first + k, 150) for k in range(4)}
    return photographs + [dead_leaves(first + 4 + k, 150) for k in range(4)], held_out


def mean_gain(weights: dict[str, Tensor], held_out: dict[str, Tensor]) -> float:
    """By how many dB a network is ahead of bicubic interpolation on average."""
    tables = [
        srcnn.evaluate(method, held_out.items(), scale=SCALE)
        for method in (srcnn.upscaler(network(weights)), srcnn.enlarge)
    ]
    return srcnn.mean_scores(tables[0]).psnr - srcnn.mean_scores(tables[1]).psnr


def shipped(weights: dict[str, Tensor]) -> bool:
    """Whether these are the package's trained weights, or weights that training has moved a little from there."""
    for name in pretrained.names():
        theirs = pretrained.load(name).model.state_dict()
        if {n: w.shape for n, w in theirs.items()} == {n: w.shape for n, w in weights.items()}:
            ours, known = (w["mapping.weight"].flatten().double() for w in (weights, theirs))
            if F.cosine_similarity(ours, known, dim=0) > 0.8:
                return True
    return False


@functools.lru_cache(maxsize=1)
def result(train: Callable, seed: int) -> tuple[float, str | None]:
    """The mean gain of what an answer trains, and a complaint; one training for all the test cases."""
    if train is None:
        return -math.inf, "there is no train in the notebook"
    photographs, held_out = pictures(seed)
    for squares in (Draw(seed, "result").between(60, LITTLE), SQUARES):
        try:
            weights = train([p.clone() for p in photographs], squares)
        except NotYet as refusal:
            return -math.inf, str(refusal)
        except Exception as error:  # whatever a student's code may raise
            return (
                -math.inf,
                f"with {squares:,} sub-images it stops with {type(error).__name__}: {error}",
            )
        if weights is ...:
            return -math.inf, "train has not been written yet"
        if form(weights) is None and shipped(weights):
            return (
                -math.inf,
                "these are the weights that the package ships, or nearly; train your own",
            )
        complaint = judge_weights((photographs, squares), weights)
        if complaint:
            return -math.inf, complaint
    return mean_gain(weights, held_out), None


def _ahead(band: float, points: float) -> Case:
    """The case that what an answer trains is ahead of bicubic by more than so many dB."""

    def ahead(train: Callable, draw: Draw) -> None:
        gain, complaint = result(train, draw.seed)
        assert complaint is None, complaint
        assert gain > band, (
            f"on images that it has not seen it is on average less than {band} dB ahead of bicubic interpolation"
        )

    return case(question=7, points=points, title=f"ahead by {band}")(ahead)


AHEAD_BY_02 = _ahead(0.2, points=2)
AHEAD_BY_05 = _ahead(0.5, points=2)
AHEAD_BY_08 = _ahead(0.8, points=1)
AHEAD_BY_09 = _ahead(0.9, points=1)
