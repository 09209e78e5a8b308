"""Hidden test cases of question 6 of *Train and report*: how much a student's training gains on images of nobody's.

The images are those of photographs.py. A gain in dB depends on the images, so it is set against the gain of the shipped
weights on the same images.
"""

import functools
import math
import os
from collections.abc import Callable

import torch.nn.functional as F
from exercises.draw import Case, Draw, case
from exercises.training import photographs
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import srcnn
from srcnn import images, pretrained
from srcnn.checks.judging import NotYet
from srcnn.checks.training_weights import LITTLE, SCALE, form, judge_weights, network
from srcnn.leaves import dead_leaves

RIVAL = "srcnn-9-1-5-x3"
# shares of the rival's gain, for points of the table; photographs are harder for a short training than scenes
BANDS = {"scenes": (0.40, 0.65, 0.80, 0.88), "photographs": (0.20, 0.40, 0.55, 0.68)}
POINTS = (2, 2, 1, 1)
ALIKE = 0.8  # mean cosine of matched filters
SQUARES = 48_000  # the budget that the notebook states


@functools.lru_cache(maxsize=1)
def pictures(seed: int) -> tuple[list[Tensor], dict[str, Tensor]]:
    """The training images, with leaves that nobody has seen, and the test images."""
    first = Draw(seed, "pictures").between(10_000, 10_000_000)
    train = [srcnn.luma(images.sample(name)) for name in images.SAMPLE["train"]]
    return train + [dead_leaves(first + k, 150) for k in range(4)], photographs.held_out(seed)


def kind() -> str:
    """Which bands hold: those for ``scenes`` or for the instructor's ``photographs``."""
    return "photographs" if os.environ.get(photographs.FOLDER) else "scenes"


def share(weights: dict[str, Tensor], held_out: dict[str, Tensor]) -> float:
    """A network's mean gain over bicubic interpolation, as a share of the gain of the shipped weights."""
    rival = pretrained.load(RIVAL).model
    ours, theirs, bicubic = (
        srcnn.mean_scores(srcnn.evaluate(method, held_out.items(), scale=SCALE)).psnr
        for method in (srcnn.upscaler(network(weights)), srcnn.upscaler(rival), srcnn.enlarge)
    )
    return (ours - bicubic) / (theirs - bicubic)


def shipped(weights: dict[str, Tensor]) -> bool:
    """Whether these are the package's trained weights, or weights that training has moved a little from there.

    Hidden channels may stand in another order and have another scale, which a next layer can undo: first-layer filters
    are compared by their directions, and each with the one that is most like it.
    """
    ours = F.normalize(weights["extraction.weight"].flatten(1).double().cpu(), dim=1)
    for name in pretrained.names():
        theirs = pretrained.load(name).model.state_dict()
        if {n: w.shape for n, w in theirs.items()} != {n: w.shape for n, w in weights.items()}:
            continue
        known = theirs["extraction.weight"].flatten(1).double()
        likeness = F.normalize(known, dim=1) @ ours.T
        rows, columns = linear_sum_assignment(likeness.numpy(), maximize=True)
        used = theirs["mapping.weight"].flatten(1).double().norm(dim=0) * known.norm(dim=1)  # some filters never answer
        if (likeness[rows, columns] * used[rows]).sum() / used.sum() > ALIKE:
            return True
    return False


@functools.lru_cache(maxsize=1)
def result(train: Callable, seed: int) -> tuple[float, str | None]:
    """The share that an answer's training reaches, and a complaint; one training for all the test cases."""
    if train is None:
        return -math.inf, "there is no train in the notebook"
    train_images, held_out = pictures(seed)
    for squares in (Draw(seed, "result").between(60, LITTLE), SQUARES):
        try:
            weights = train([p.clone() for p in train_images], squares)
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
        complaint = judge_weights((train_images, squares), weights)
        if complaint:
            return -math.inf, complaint
    return share(weights, held_out), None


def _row(place: int) -> Case:
    """The case that what an answer trains has at least the share of one row of the notebook's table."""

    def row(train: Callable, draw: Draw) -> None:
        reached, complaint = result(train, draw.seed)
        assert complaint is None, complaint
        wanted = BANDS[kind()][place]
        assert reached > wanted, (
            f"on images that it has not seen its mean gain is less than {wanted:.0%} of that of the shipped weights"
        )

    return case(question=6, points=POINTS[place], title=f"row {place + 1} of the table")(row)


FIRST_ROW, SECOND_ROW, THIRD_ROW, FOURTH_ROW = map(_row, range(4))
