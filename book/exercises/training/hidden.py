"""Hidden test cases of *Train and report*; those of question 7 are in hidden_weights.py.

The oracles are PyTorch's own layers, schedulers and optimizers, scikit-image, and the bicubic matrices of draw.py.
"""

import statistics
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from exercises.draw import Draw, agree, bicubic_matrix, case
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor, nn

from srcnn.checks.training_report import QUESTIONS

# Question 1


def _count(kernels: tuple, widths: tuple, channels: int) -> int:
    """PyTorch's own layers, without memory for their parameters."""
    sizes = (channels, *widths, channels)
    layers = [nn.Conv2d(*size, device="meta") for size in zip(sizes, sizes[1:], kernels, strict=False)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def _networks(draw: Draw, layers: int) -> list[tuple]:
    cases = []
    for channels in (1, 3, draw.between(4, 9)):
        kernels = tuple(draw.sizes.choice((1, 3, 5, 7, 9)) for _ in range(layers - 1))
        widths = tuple(draw.between(2, 80) for _ in range(layers - 1))
        cases.append(((draw.sizes.choice((3, 5, 7, 9)), *kernels), widths, channels))
    return cases


@case(question=1, points=1, title="three layers")
def three_layers(parameters: Callable, draw: Draw) -> None:
    agree(QUESTIONS[1], parameters, _networks(draw, 3), _count)


@case(question=1, points=1, title="other depths")
def other_depths(parameters: Callable, draw: Draw) -> None:
    cases = _networks(draw, 2) + _networks(draw, 4) + _networks(draw, draw.between(5, 9))
    agree(QUESTIONS[1], parameters, cases, _count)


# Question 2


def _probed(kernels: tuple) -> tuple[int, int]:
    """What a stack of filters of ones does to a square, and which pixels its middle output depends on."""
    side = sum(kernels) + 2
    square = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    out = square
    for f in kernels:
        out = F.conv2d(out, torch.ones(1, 1, f, f, dtype=torch.float64) / f**2)
    out[0, 0, out.shape[-2] // 2, out.shape[-1] // 2].backward()
    return (side - out.shape[-1]) // 2, int((square.grad[0, 0] > 0).any(0).sum())


def _kernels(draw: Draw, layers: int) -> tuple:
    return *(draw.sizes.choice((1, 3, 5, 7, 9)) for _ in range(layers - 1)), 3


@case(question=2, points=1, title="one layer")
def one_layer(reach: Callable, draw: Draw) -> None:
    agree(
        QUESTIONS[2],
        reach,
        [((f,),) for f in draw.sizes.sample((1, 3, 5, 7, 9, 11), 4)],
        _probed,
    )


@case(question=2, points=1, title="stacks")
def stacks(reach: Callable, draw: Draw) -> None:
    agree(QUESTIONS[2], reach, [(_kernels(draw, n),) for n in (2, 3, 3, 4, 5, 6)], _probed)


# Question 3


def _pair(image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    height, width = (side // scale * scale for side in image.shape[-2:])
    high = image[..., :height, :width].double().numpy()
    down, across = (bicubic_matrix(n // scale, n) @ bicubic_matrix(n, n // scale) for n in (height, width))
    inner = high[..., border : height - border, border : width - border]
    return torch.from_numpy(down @ high @ across.T), torch.from_numpy(inner.copy())


def _pictures(draw: Draw, ragged: bool) -> list[tuple]:
    cases = []
    for scale, channels in zip(draw.sizes.sample((2, 3, 4), 3), (1, 3, 1), strict=True):
        sides = [scale * k for k in draw.sizes.sample(range(6, 12), 2)]
        if ragged:
            sides = [side + draw.between(1, scale - 1) for side in sides]
        cases.append((draw.uniform(channels, *sides), scale, draw.between(1, 4)))
    return cases


@case(question=3, points=1, title="whole multiples")
def whole_multiples(cut_pair: Callable, draw: Draw) -> None:
    agree(QUESTIONS[3], cut_pair, _pictures(draw, ragged=False), _pair)


@case(question=3, points=1, title="images to be cropped")
def ragged_pictures(cut_pair: Callable, draw: Draw) -> None:
    agree(QUESTIONS[3], cut_pair, _pictures(draw, ragged=True), _pair)


# Question 4


def _scheduled(step: int, steps: int, peak: float) -> float:
    """PyTorch's schedulers, walked to the step: half a cosine times a linear warm-up."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(step):
        optimizer.step()
        cosine.step()
    (falling,) = cosine.get_last_lr()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 20, total_iters=19)
    for _ in range(step):
        optimizer.step()
        warm_up.step()
    return falling * warm_up.get_last_lr()[0]


def _run(draw: Draw) -> tuple[int, float]:
    return draw.between(60, 200), draw.sizes.uniform(0.5, 2)


@case(question=4, points=1, title="during warm up")
def during_warm_up(learning_rate: Callable, draw: Draw) -> None:
    steps, peak = _run(draw)
    early = sorted({0, 18, 19, *draw.sizes.sample(range(1, 18), 3)})
    agree(QUESTIONS[4], learning_rate, [(step, steps, peak) for step in early], _scheduled)


@case(question=4, points=1, title="after warm up")
def after_warm_up(learning_rate: Callable, draw: Draw) -> None:
    steps, peak = _run(draw)
    late = sorted({20, steps - 1, *draw.sizes.sample(range(21, steps - 1), 4)})
    agree(QUESTIONS[4], learning_rate, [(step, steps, peak) for step in late], _scheduled)


# Question 5

_State = dict[str, Tensor]


def _torch_sgd(weights: _State, gradients: _State, velocities: _State, rate: float) -> tuple[_State, _State]:
    """One step of PyTorch's own optimizer, every tensor in a group of its own."""
    new = {name: w.double().clone().requires_grad_() for name, w in weights.items()}
    slow = {name for name in new if name.split(".")[0] == "reconstruction" or name.split(".")[1] == "bias"}
    groups = [{"params": [w], "lr": rate / 10 if name in slow else rate} for name, w in new.items()]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9)
    for name, w in new.items():
        w.grad = gradients[name].double()
        optimizer.state[w]["momentum_buffer"] = velocities[name].double().clone()
    optimizer.step()
    moved = {name: optimizer.state[w]["momentum_buffer"] for name, w in new.items()}
    return {name: w.detach() for name, w in new.items()}, moved


def _draw_state(draw: Draw, shapes: dict[str, tuple]) -> _State:
    return {name: draw.normal(*shape) for name, shape in shapes.items()}


def _shapes(draw: Draw) -> dict[str, tuple]:
    a, b, f = draw.between(2, 5), draw.between(2, 5), draw.sizes.choice((1, 3, 5))
    shapes = {
        "extraction.weight": (a, 1, f, f),
        "extraction.bias": (a,),
        "mapping.weight": (b, a, 1, 1),
    }
    return shapes | {
        "mapping.bias": (b,),
        "reconstruction.weight": (1, b, f, f),
        "reconstruction.bias": (1,),
    }


@case(question=5, points=1, title="with velocities of zero")
def from_rest(sgd_step: Callable, draw: Draw) -> None:
    cases = []
    for _ in range(2):
        shapes = _shapes(draw)
        rest = {name: torch.zeros(shape) for name, shape in shapes.items()}
        cases.append(
            (
                _draw_state(draw, shapes),
                _draw_state(draw, shapes),
                rest,
                draw.sizes.uniform(0.5, 3),
            )
        )
    agree(QUESTIONS[5], sgd_step, cases, _torch_sgd)


@case(question=5, points=1, title="with other velocities")
def in_motion(sgd_step: Callable, draw: Draw) -> None:
    shapes = [_shapes(draw) for _ in range(2)]
    cases = [(*(_draw_state(draw, s) for _ in range(3)), draw.sizes.uniform(0.5, 3)) for s in shapes]
    agree(QUESTIONS[5], sgd_step, cases, _torch_sgd)


@case(question=5, points=1, title="several steps")
def several_steps(sgd_step: Callable, draw: Draw) -> None:
    """The function gets its own results, and the rate changes on the way."""
    shapes = _shapes(draw)
    state = _draw_state(draw, shapes), _draw_state(draw, shapes)
    for _ in range(3):
        case = (state[0], _draw_state(draw, shapes), state[1], draw.sizes.uniform(0.1, 1))
        agree(QUESTIONS[5], sgd_step, [case], _torch_sgd)
        weights, velocities = sgd_step(*case)
        state = dict(weights), dict(velocities)


# Question 6


def _bytes(image: Tensor, shave: int) -> np.ndarray:
    levels = np.rint(np.clip(image.double().numpy() * 255, 0, 255)).astype(np.uint8)
    return levels[..., shave : levels.shape[-2] - shave, shave : levels.shape[-1] - shave]


def _scikit_gain(outputs: list, enlarged: list, targets: list, shave: int) -> float:
    """The PSNR of scikit-image, over bytes."""
    means = [
        statistics.fmean(
            peak_signal_noise_ratio(_bytes(t, shave), _bytes(p, shave), data_range=255)
            for p, t in zip(pictures, targets, strict=True)
        )
        for pictures in (outputs, enlarged)
    ]
    return means[0] - means[1]


def _results(draw: Draw, count: int) -> tuple:
    """Images of several sizes, near white too; their values keep away from the middle between two gray levels."""
    outputs, enlarged, targets = [], [], []
    for number in range(count):
        size = (1, draw.between(13, 20), draw.between(13, 20))
        target = (draw.uniform(*size) * 200 + 55).round()
        for pictures, strength in ((outputs, 2), (enlarged, 4)):
            error = draw.normal(*size) * strength * (1 + 2 * number)
            error[..., (0, -1), :] *= 4  # a border that is worse than the rest
            pictures.append(((target + error).round() + 0.8 * draw.uniform(*size) - 0.4) / 255)
        targets.append(target / 255)
    return outputs, enlarged, targets, draw.between(1, 4)


@case(question=6, points=1, title="one image")
def one_picture(gain: Callable, draw: Draw) -> None:
    agree(QUESTIONS[6], gain, [_results(draw, 1) for _ in range(3)], _scikit_gain)


@case(question=6, points=1, title="several images")
def several_pictures(gain: Callable, draw: Draw) -> None:
    agree(
        QUESTIONS[6],
        gain,
        [_results(draw, n) for n in (2, 3, draw.between(4, 6))],
        _scikit_gain,
    )


@case(question=6, points=1, title="worse than bicubic")
def worse_than_bicubic(gain: Callable, draw: Draw) -> None:
    outputs, enlarged, targets, shave = _results(draw, 3)
    agree(QUESTIONS[6], gain, [(enlarged, outputs, targets, shave)], _scikit_gain)
