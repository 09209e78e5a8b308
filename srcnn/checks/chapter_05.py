"""The exercises of chapter 5 that have a check: from filters to a decoder, and a layer without unused maps."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.checks.stages_patches import numbers

# Exercise 5.1


def _decoder(weight: Tensor) -> Tensor:
    return weight.shape[-1] ** 2 * weight[0].flip(1, 2).flatten(1).T


DECODER = Question(
    name="decoder",
    examples=lambda: [numbers((1, 6, 5, 5)), numbers((1, 4, 3, 3), seed=1)],
    reference=_decoder,
    mistakes=(
        Mistake(
            "the patches are not rotated; compare the signs on the two sides of equation (5.3)",
            lambda w: w.shape[-1] ** 2 * w[0].flatten(1).T,
        ),
        Mistake(
            "the average divides by the number of estimates; where is that undone?",
            lambda w: w[0].flip(1, 2).flatten(1).T,
        ),
        Mistake(
            "the patches are divided once more; in which direction do you read equation (5.3) here?",
            lambda w: w[0].flip(1, 2).flatten(1).T / w.shape[-1] ** 2,
        ),
        Mistake(
            "it multiplies by 25, whatever the size of the filters",
            lambda w: 25 * w[0].flip(1, 2).flatten(1).T,
        ),
        Mistake(
            "only the rows are reversed; a rotation by 180 degrees does more",
            lambda w: w.shape[-1] ** 2 * w[0].flip(1).flatten(1).T,
        ),
        Mistake(
            "only the columns are reversed; a rotation by 180 degrees does more",
            lambda w: w.shape[-1] ** 2 * w[0].flip(2).flatten(1).T,
        ),
        Mistake(
            "rows and columns are exchanged; this is a transposition, not a rotation",
            lambda w: w.shape[-1] ** 2 * w[0].mT.flatten(1).T,
        ),
        Mistake(
            "there is a patch in each row; E has one in each column",
            lambda w: _decoder(w).T,
        ),
        Mistake(
            "reshape has mixed the maps: each column must hold the weights of one filter",
            lambda w: w.shape[-1] ** 2 * w[0].flip(1, 2).reshape(w.shape[-1] ** 2, -1),
        ),
    ),
)

# Exercise 5.2


def _pruned(W2: Tensor, B2: Tensor, W3: Tensor, keep: Tensor) -> list[Tensor]:
    return [W2[keep], B2[keep], W3[:, keep]]


def _others(W2: Tensor, B2: Tensor, W3: Tensor, keep: Tensor) -> list[Tensor]:
    removed = torch.ones(len(B2), dtype=torch.bool)
    removed[keep] = False
    return [W2[removed], B2[removed], W3[:, removed]]


def _zeroed(W2: Tensor, B2: Tensor, W3: Tensor, keep: Tensor) -> list[Tensor]:
    kept = torch.zeros(len(B2))
    kept[keep] = 1
    return [W2 * kept[:, None, None, None], B2 * kept, W3 * kept[:, None, None]]


def _layers() -> list[Arguments]:
    cases = ((6, [0, 2, 5]), (8, [1, 2, 4, 6, 7]))
    return [
        (*numbers((n, 5, 1, 1), (n,), (1, n, 3, 3), seed=seed), torch.tensor(keep))
        for seed, (n, keep) in enumerate(cases)
    ]


PRUNE = Question(
    name="prune",
    examples=_layers,
    reference=_pruned,
    mistakes=(
        Mistake("the maps in keep are removed and the others are kept; it should be the other way round", _others),
        Mistake("the maps are set to zero; the tensors should become smaller", _zeroed),
        Mistake(
            "layer three still expects all maps; which axis of its weights counts them?",
            lambda w2, b2, w3, keep: [w2[keep], b2[keep], w3],
        ),
        Mistake("the removed maps still have their biases", lambda w2, b2, w3, keep: [w2[keep], b2, w3[:, keep]]),
        Mistake("layer two still computes all maps", lambda w2, b2, w3, keep: [w2, b2, w3[:, keep]]),
        Mistake("the right tensors, but in another order", lambda *a: [_pruned(*a)[i] for i in (2, 0, 1)]),
    ),
)

QUESTIONS = {1: DECODER, 2: PRUNE}
