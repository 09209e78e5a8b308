"""Hidden test cases of *Train and report*; those of question 6 are in hidden_weights.py.

The oracles are PyTorch's own optimizer, scikit-image, NumPy, a search over what could be saved, and the bicubic
matrices of draw.py.
"""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from exercises.draw import Draw, agree, bicubic_matrix, case
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from srcnn.checks import variants
from srcnn.checks.training_profile import profile
from srcnn.checks.training_report import questions

# Question 1


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


@case(question=1, points=1, title="whole multiples")
def whole_multiples(cut_pair: Callable, draw: Draw) -> None:
    agree(questions(draw.variant)[1], cut_pair, _pictures(draw, ragged=False), _pair)


@case(question=1, points=1, title="images to be cropped")
def ragged_pictures(cut_pair: Callable, draw: Draw) -> None:
    agree(questions(draw.variant)[1], cut_pair, _pictures(draw, ragged=True), _pair)


# Question 2

_State = dict[str, Tensor]


def _torch_sgd(draw: Draw) -> Callable:
    """One step of PyTorch's own optimizer, every tensor in a group of its own; with the numbers of the variant."""
    numbers = variants.numbers("training", draw.variant)

    def step(weights: _State, gradients: _State, velocities: _State, rate: float) -> tuple[_State, _State]:
        new = {name: w.double().clone().requires_grad_() for name, w in weights.items()}
        slow = {name for name in new if name.split(".")[0] == "reconstruction" or name.split(".")[1] == "bias"}
        groups = [{"params": [w], "lr": rate * (numbers["slow"] if name in slow else 1)} for name, w in new.items()]
        optimizer = torch.optim.SGD(groups, lr=rate, momentum=numbers["momentum"])
        for name, w in new.items():
            w.grad = gradients[name].double()
            optimizer.state[w]["momentum_buffer"] = velocities[name].double().clone()
        optimizer.step()
        moved = {name: optimizer.state[w]["momentum_buffer"] for name, w in new.items()}
        return {name: w.detach() for name, w in new.items()}, moved

    return step


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


@case(question=2, points=1, title="with velocities of zero")
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
    agree(questions(draw.variant)[2], sgd_step, cases, _torch_sgd(draw))


@case(question=2, points=1, title="with other velocities")
def in_motion(sgd_step: Callable, draw: Draw) -> None:
    shapes = [_shapes(draw) for _ in range(2)]
    cases = [(*(_draw_state(draw, s) for _ in range(3)), draw.sizes.uniform(0.5, 3)) for s in shapes]
    agree(questions(draw.variant)[2], sgd_step, cases, _torch_sgd(draw))


@case(question=2, points=1, title="several steps")
def several_steps(sgd_step: Callable, draw: Draw) -> None:
    """The function gets its own results, and the rate changes on the way."""
    shapes = _shapes(draw)
    state = _draw_state(draw, shapes), _draw_state(draw, shapes)
    for _ in range(3):
        case = (state[0], _draw_state(draw, shapes), state[1], draw.sizes.uniform(0.1, 1))
        agree(questions(draw.variant)[2], sgd_step, [case], _torch_sgd(draw))
        weights, velocities = sgd_step(*case)
        state = dict(weights), dict(velocities)


# Question 3


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


@case(question=3, points=1, title="one image")
def one_picture(gain: Callable, draw: Draw) -> None:
    agree(questions(draw.variant)[3], gain, [_results(draw, 1) for _ in range(3)], _scikit_gain)


@case(question=3, points=1, title="several images")
def several_pictures(gain: Callable, draw: Draw) -> None:
    agree(
        questions(draw.variant)[3],
        gain,
        [_results(draw, n) for n in (2, 3, draw.between(4, 6))],
        _scikit_gain,
    )


@case(question=3, points=1, title="worse than bicubic")
def worse_than_bicubic(gain: Callable, draw: Draw) -> None:
    outputs, enlarged, targets, shave = _results(draw, 3)
    agree(questions(draw.variant)[3], gain, [(enlarged, outputs, targets, shave)], _scikit_gain)


# Question 4


def _numpy_interval(draw: Draw) -> Callable:
    level = variants.numbers("training", draw.variant)["level"]

    def interval(ours: Tensor, theirs: Tensor, draws: Tensor) -> tuple[float, float, float]:
        gains = ours.double().numpy() - theirs.double().numpy()
        means = [gains[row].mean() for row in draws.numpy()]
        low, high = np.percentile(means, [50 - level / 2, 50 + level / 2])
        return gains.mean().item(), low.item(), high.item()

    return interval


def _scores(draw: Draw, count: int, resamples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two methods' scores of the same images, one gain far from the others, and the resamples to take."""
    theirs = 22 + 8 * draw.uniform(count).double()
    gains = draw.sizes.uniform(-0.2, 0.6) + 0.4 * draw.normal(count).double()
    gains[draw.sizes.randrange(count)] += 2
    return theirs + gains, theirs, torch.randint(count, (resamples, count), generator=draw.generator)


@case(question=4, points=1, title="many images")
def many_images(interval: Callable, draw: Draw) -> None:
    cases = [_scores(draw, draw.between(30, 100), draw.between(200, 400)) for _ in range(3)]
    agree(questions(draw.variant)[4], interval, cases, _numpy_interval(draw))


@case(question=4, points=1, title="as few as Set5 has")
def few_images(interval: Callable, draw: Draw) -> None:
    cases = [_scores(draw, 5, draw.between(300, 600)) for _ in range(3)]
    agree(questions(draw.variant)[4], interval, cases, _numpy_interval(draw))


@case(question=4, points=1, title="a method that is worse")
def worse_method(interval: Callable, draw: Draw) -> None:
    theirs, ours, draws = _scores(draw, draw.between(14, 20), 500)
    agree(questions(draw.variant)[4], interval, [(ours, theirs, draws)], _numpy_interval(draw))


# Question 5


def _searched(rows: list[tuple], peak: float, bandwidth: float) -> tuple[str, float, float]:
    """Every operation is put at its bound in turn, and the whole is timed again."""

    def whole(fast: str | None = None) -> float:
        times = []
        for name, calls, microseconds, operations, moved in rows:
            seconds = microseconds / 1e6
            if name == fast:
                seconds = operations / peak if operations * bandwidth > moved * peak else moved / bandwidth
            times += [seconds] * calls
        return sum(times)

    names = [row[0] for row in rows]
    best = min(names, key=whole)
    row = rows[names.index(best)]
    return best, row[1] * row[2] / 1e6 / whole(), whole() / whole(best)


@case(question=5, points=2, title="two profiles")
def two_profiles(saving: Callable, draw: Draw) -> None:
    agree(
        questions(draw.variant)[5], saving, [profile(draw.sizes, waits) for waits in ("bytes", "operations")], _searched
    )


@case(question=5, points=1, title="several profiles")
def several_profiles(saving: Callable, draw: Draw) -> None:
    agree(
        questions(draw.variant)[5],
        saving,
        [profile(draw.sizes, waits) for waits in ("bytes", "operations") * 2],
        _searched,
    )
