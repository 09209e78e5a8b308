"""The exercises of chapter 3: a layer as one matrix product, and two networks that only look different."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.checks.stages_patches import CONVOLUTIONS, numbers

# Exercise 3.1


def _layer(image: Tensor, filters: Tensor, biases: Tensor) -> Tensor:
    return F.conv2d(image[None], filters, biases)[0].relu()


def _scrambled(image: Tensor, filters: Tensor, biases: Tensor) -> Tensor:
    """The right values in the order of the patches, read as if they stood in the order of the filters."""
    right = _layer(image, filters, biases)
    return right.flatten(1).T.reshape(right.shape)


LAYER_BY_MATRIX = Question(
    name="layer_by_matrix",
    examples=lambda: [numbers((1, 7, 9), (4, 1, 3, 3), (4,)), numbers((3, 6, 8), (5, 3, 2, 2), (5,), seed=1)],
    reference=_layer,
    forbidden=CONVOLUTIONS,
    mistakes=(
        Mistake(
            "the values are right, but most are at the wrong position: which axis does reshape read first?",
            _scrambled,
        ),
        Mistake("the ReLU is missing", lambda y, w, b: F.conv2d(y[None], w, b)[0]),
        Mistake("the biases are missing", lambda y, w, b: F.conv2d(y[None], w)[0].relu()),
        Mistake(
            "the biases come after the ReLU; equation (3.2) adds them before",
            lambda y, w, b: F.conv2d(y[None], w)[0].relu() + b[:, None, None],
        ),
        Mistake(
            "the filters are rotated by 180 degrees; does a layer do that?",
            lambda y, w, b: _layer(y, w.flip(-1, -2), b),
        ),
        Mistake("rows and columns of the filters are exchanged", lambda y, w, b: _layer(y, w.mT, b)),
        Mistake(
            "each patch still has a column of activations; turn each row into a feature map",
            lambda y, w, b: _layer(y, w, b).flatten(1),
        ),
        Mistake(
            "only the first channel is used; a patch has the pixels of all channels",
            lambda y, w, b: _layer(y[:1], w[:, :1], b),
        ),
    ),
)

# Exercise 3.2


def _layers() -> tuple[Tensor, Tensor, Tensor]:
    """Weights and biases of a layer of six filters, and the weights of the six that read it."""
    weights, biases, readers = numbers((6, 1, 3, 3), (6,), (6, 6, 1, 1), seed=2)
    return weights, biases, readers


def _twin(W1: Tensor, B1: Tensor, W2: Tensor, order: Tensor, factor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return W1[order] * factor[:, None, None, None], B1[order] * factor, W2[:, order] / factor[:, None, None]


def _twins() -> list[Arguments]:
    factors = numbers((6,), seed=3)[0].abs() + 0.5
    orders = torch.tensor([2, 0, 1, 5, 3, 4]), torch.arange(6)
    return [(*_layers(), order, factors) for order in orders]


TWIN = Question(
    name="twin",
    examples=_twins,
    reference=_twin,
    mistakes=(
        Mistake(
            "layer 2 still reads the feature maps in their old order",
            lambda w, b, w2, o, f: (*_twin(w, b, w2, o, f)[:2], w2 / f[:, None, None]),
        ),
        Mistake(
            "the filters are multiplied, and layer 2 does not compensate for it",
            lambda w, b, w2, o, f: (*_twin(w, b, w2, o, f)[:2], w2[:, o]),
        ),
        Mistake(
            "layer 2 multiplies by the factors a second time",
            lambda w, b, w2, o, f: (*_twin(w, b, w2, o, f)[:2], w2[:, o] * f[:, None, None]),
        ),
        Mistake(
            "the biases keep their size; what happens to w . p + b when only w is multiplied?",
            lambda w, b, w2, o, f: (w[o] * f[:, None, None, None], b[o], w2[:, o] / f[:, None, None]),
        ),
        Mistake(
            "the biases keep their order",
            lambda w, b, w2, o, f: (w[o] * f[:, None, None, None], b * f, w2[:, o] / f[:, None, None]),
        ),
        Mistake(
            "factor[k] belongs to the filter at the new position k, and not to the one that had index k before",
            lambda w, b, w2, o, f: _twin(w, b, w2, o, f[o]),
        ),
        Mistake(
            "the filters of layer 2 are reordered, but only the maps that they read have moved",
            lambda w, b, w2, o, f: (*_twin(w, b, w2, o, f)[:2], w2[o] / f[:, None, None]),
        ),
    ),
)

QUESTIONS = {1: LAYER_BY_MATRIX, 2: TWIN}
