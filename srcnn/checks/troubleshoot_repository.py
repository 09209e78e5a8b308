"""Questions of the assignment *A broken repository*, chapters 6 to 12: what is found, what it costs, and the mending.

What is broken differs from variant to variant and is not told here: the first two checks look at the form alone, and
the third says whether all twelve functions do what their docstrings say, and not which of them does not.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import color, evaluation, metrics, resize
from srcnn.checks.judging import Arguments, Question, agrees
from srcnn.model import SRCNN

NAMES = (
    "luma",
    "modcrop",
    "degrade",
    "upsample",
    "pad",
    "forward",
    "quantize",
    "shave",
    "mse",
    "psnr",
    "average",
    "compare",
)
PLANTED, SCALE = 8, 3
FORM = (1, 2)  # questions of which the check sees the form alone
TOLERANCE = 1e-4


def _found(args: Arguments, answer: object) -> str | None:
    if not isinstance(answer, (list, tuple)) or not all(isinstance(name, str) for name in answer):
        return "it is no list of names"
    if strange := sorted(set(answer) - set(NAMES)):
        return f"{', '.join(strange)} is none of the twelve functions"
    if len(set(answer)) != PLANTED or len(answer) != PLANTED:
        return f"it has {len(set(answer))} names; {PLANTED} different ones are expected"
    return None


def _prices(args: Arguments, answer: object) -> str | None:
    if not isinstance(answer, dict):
        return "it is no dictionary from names to dB"
    complaint = _found(args, list(answer))
    if complaint:
        return complaint
    numbers = [value.item() if isinstance(value, Tensor) and value.numel() == 1 else value for value in answer.values()]
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
        return "a price is no finite number of dB"
    return None


def network(weights: dict[str, Tensor], image: Tensor) -> Tensor:
    """What the package's network makes of an image, without padding."""
    model = SRCNN(padding="valid")
    model.load_state_dict(weights)
    with torch.inference_mode():
        return model(image[None])[0]


def _score(rgb: Tensor, scale: int, weights: dict[str, Tensor]) -> float:
    target = resize.modcrop(color.luma(rgb), scale)
    upsampled = resize.enlarge(resize.shrink(target, scale), scale)
    output = color.quantize(network(weights, F.pad(upsampled[None], [6] * 4, mode="replicate")[0]))
    return metrics.psnr(output, target, peak=1, shave=scale)


REFERENCE: dict[str, Callable[..., object]] = {
    "luma": color.luma,
    "modcrop": resize.modcrop,
    "degrade": resize.shrink,
    "upsample": resize.enlarge,
    "pad": lambda image, border: F.pad(image[None], [border] * 4, mode="replicate")[0],
    "forward": network,
    "quantize": color.quantize,
    "shave": resize.shave,
    "mse": lambda output, target: metrics.mse(output, target, shave=0),
    "psnr": lambda output, target: metrics.psnr(output, target, peak=1, shave=0),
    "average": lambda scores: math.fsum(scores) / len(scores),
    "compare": _score,
}


def arguments(name: str, draw: torch.Generator) -> Arguments:
    """Random arguments for one of the twelve functions."""

    def image(channels: int, height: int, width: int) -> Tensor:
        return (torch.rand(channels, height, width, generator=draw) * 255).round() / 255

    output = (image(1, 31, 28) + 0.2 * torch.randn(1, 31, 28, generator=draw)).clamp(0, 1)
    sizes = {"extraction": (64, 1, 9, 9), "mapping": (32, 64, 1, 1), "reconstruction": (1, 32, 5, 5)}
    weights = {}
    for layer, size in sizes.items():
        weights[f"{layer}.weight"] = torch.randn(size, generator=draw) / math.sqrt(size[1] * size[2] * size[3])
        weights[f"{layer}.bias"] = 0.1 * torch.randn(size[0], generator=draw)
    return {
        "luma": (image(3, 11, 9),), "modcrop": (image(1, 40, 52), SCALE), "degrade": (image(1, 30, 24), SCALE),
        "upsample": (image(1, 9, 11), SCALE), "pad": (image(1, 9, 12), 3), "forward": (weights, image(1, 20, 23)),
        "quantize": (1.2 * torch.rand(1, 12, 9, generator=draw) - 0.1,), "shave": (image(1, 18, 27), 2),
        "mse": (output, image(1, 31, 28)), "psnr": (output, image(1, 31, 28)),
        "average": ([20 + 15 * torch.rand((), generator=draw).item() for _ in range(4)],),
        "compare": (image(3, 44, 41), SCALE, weights),
    }[name]  # fmt: skip


def _examples() -> list[Arguments]:
    draw = torch.Generator().manual_seed(0)
    return [(name, *arguments(name, draw)) for name in NAMES]


def _mended(args: Arguments, answer: object) -> str | None:
    name, *given = args
    right = agrees(answer, REFERENCE[name](*given), TOLERANCE)
    return None if right else "at least one of the twelve functions does not yet do what its docstring says"


QUESTIONS = {
    1: Question(name="found", examples=lambda: [()], accept=_found),
    2: Question(name="prices", examples=lambda: [()], accept=_prices),
    3: Question(
        name="mended", examples=_examples, accept=_mended, forbidden=(evaluation.evaluate, color.luma, metrics.psnr)
    ),
}
