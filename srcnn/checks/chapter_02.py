"""The exercises of chapter 2 that have a check: the number of parameters, and a network with a fourth layer."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from srcnn.checks.judging import Arguments, Mistake, Question

# Exercise 2.1


def _count(kernels: tuple[int, ...], widths: tuple[int, ...], channels: int) -> int:
    return _weights(kernels, widths, channels, channels) + sum(widths) + channels


def _weights(kernels: tuple[int, ...], widths: tuple[int, ...], inputs: int, outputs: int, power: int = 2) -> int:
    sides = [inputs, *widths, outputs]
    return sum(a * b * f**power for a, b, f in zip(sides[:-1], sides[1:], kernels, strict=True))


COUNT_PARAMETERS = Question(
    name="count_parameters",
    examples=lambda: [((9, 1, 5), (64, 32), 1), ((9, 5, 5), (64, 32), 3), ((7, 3, 3), (20, 10), 3)],
    reference=_count,
    mistakes=(
        Mistake("these are the weights alone; what else does a layer have?", lambda k, w, c: _weights(k, w, c, c)),
        Mistake(
            "the first layer reads all channels of the image; how many does the last one write?",
            lambda k, w, c: _weights(k, w, c, 1) + sum(w) + 1,
        ),
        Mistake(
            "the last layer writes all channels of the image; how many does the first one read?",
            lambda k, w, c: _weights(k, w, 1, c) + sum(w) + c,
        ),
        Mistake("the channels of the image do not enter", lambda k, w, c: _count(k, w, 1)),
        Mistake("the last layer has one bias for each channel that it writes", lambda k, w, c: _count(k, w, c) - c + 1),
        Mistake(
            "a filter is a square: how many weights does one of side f have for each input channel?",
            lambda k, w, c: _weights(k, w, c, c, power=1) + sum(w) + c,
        ),
        Mistake(
            "how many biases does a layer have: one for each filter, or one for each pair of channels?",
            lambda k, w, c: _weights(k, w, c, c) + _weights((1, 1, 1), w, c, c),
        ),
    ),
)

# Exercise 2.2

KERNELS, WIDTHS = (9, 1, 3, 5), (64, 32, 16)
NOT_SEEN = "the module does not see all of its layers, or a layer has the wrong size; is each assigned to self?"
PADDED = "its output has the wrong size; does a layer pad its input?"
NO_RELU = "the new layer has no ReLU"
LINEAR = "there is no ReLU at all"
LAST_RELU = "there is a ReLU after the last layer; may an output not be negative?"


class _Deeper(nn.Module):
    """The network, right or with one of the recognized mistakes.

    Args:
        channels: of the image.
        relus: for each of the four layers, whether a ReLU follows.
        padded: whether each layer keeps the size.
        listed: whether the layers are kept in a plain list, which hides them from the module.
    """

    def __init__(
        self,
        channels: int,
        relus: tuple[bool, ...] = (True, True, True, False),
        *,
        padded: bool = False,
        listed: bool = False,
    ) -> None:
        super().__init__()
        sides = [channels, *WIDTHS, channels]
        sizes = zip(sides[:-1], sides[1:], KERNELS, strict=True)
        layers = [nn.Conv2d(a, b, f, padding=f // 2 if padded else 0) for a, b, f in sizes]
        self.layers = layers if listed else nn.ModuleList(layers)
        self.relus = relus

    def forward(self, y: Tensor) -> Tensor:
        return _through(y, self.layers, self.relus)


def _through(y: Tensor, layers: Iterable[nn.Module], relus: tuple[bool, ...]) -> Tensor:
    for layer, relu in zip(layers, relus, strict=True):
        y = layer(y).relu() if relu else layer(y)
    return y


def _complaint(args: Arguments, network: object) -> str | None:
    """What is wrong with a network of four layers."""
    (channels,) = args
    if not isinstance(network, nn.Module):
        return "it returns no module; return a network, made by calling your class"
    y = torch.rand(2, channels, 20, 23, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            output = network(y)
    except RuntimeError as error:
        return f"it stops with {channels} x 20 x 23 pixels: {next(iter(str(error).splitlines()), '')[:200]}"
    sides = [channels, *WIDTHS, channels]
    shapes = [(b, a, f, f) for a, b, f in zip(sides[:-1], sides[1:], KERNELS, strict=True)]
    found = {tuple(layer.weight.shape): layer for layer in network.modules() if isinstance(layer, nn.Conv2d)}
    if not set(shapes) <= set(found):
        return NOT_SEEN
    if (count := sum(p.numel() for p in network.parameters())) != _count(KERNELS, WIDTHS, channels):
        return f"it has {count:,} parameters; how many did you count by hand?"
    if output.shape != (2, channels, 6, 9):
        return PADDED
    layers = [found[shape] for shape in shapes]
    with torch.inference_mode():
        for relus, hint in RELUS.items():
            if torch.allclose(output, _through(y, layers, relus), atol=1e-6):
                return hint
    return "its layers are right, but they are not applied one after the other with a ReLU between them"


RELUS = {
    (True, True, True, False): None,
    (True, True, False, False): NO_RELU,
    (False, False, False, False): LINEAR,
    (True, True, True, True): LAST_RELU,
}
DEEPER = Question(
    name="deeper",
    examples=lambda: [(1,), (3,)],
    reference=_Deeper,
    accept=_complaint,
    mistakes=(
        Mistake(NOT_SEEN, lambda channels: _Deeper(channels, listed=True)),
        Mistake(PADDED, lambda channels: _Deeper(channels, padded=True)),
        *(Mistake(hint, lambda channels, r=relus: _Deeper(channels, r)) for relus, hint in RELUS.items() if hint),
    ),
)

QUESTIONS: dict[int, Question] = {1: COUNT_PARAMETERS, 2: DEEPER}
