"""Hidden test cases of *Three stages by hand* on the network's stages; the oracles are NumPy's and SciPy's."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import scipy.ndimage
import scipy.optimize
import scipy.signal
import torch
from exercises.draw import TOLERANCE, Draw, agree, case, double, telling, tensor
from torch import Tensor

import srcnn
from srcnn import images, pretrained
from srcnn.checks.judging import agrees, recognize
from srcnn.checks.stages_layers import QUESTIONS, weights
from srcnn.pairs import pair

# Question 3


def _patch_cases(draw: Draw, values: Callable[..., Tensor]) -> list[tuple]:
    cases = []
    for channels in (1, 3, draw.between(1, 4)):
        filters, size, places = draw.between(2, 6), draw.between(2, 4), draw.between(2, 12)
        shapes = (places, channels * size**2), (filters, channels, size, size), (filters,)
        cases.append(tuple(values(*shape) for shape in shapes))
    return cases


@case(question=3, points=0.5, title="black patches which leave the biases")
def black_patches(extract: Callable, draw: Draw) -> None:
    cases = [(0 * p, w, b) for p, w, b in _patch_cases(draw, draw.normal)]
    agree(QUESTIONS[3], extract, cases, lambda p, w, b: b.clamp(min=0).repeat(len(p), 1))


@case(question=3, points=0.5, title="products that are positive everywhere")
def positive_products(extract: Callable, draw: Draw) -> None:
    agree(QUESTIONS[3], extract, _patch_cases(draw, draw.uniform), _described)


@case(question=3, points=1, title="any filters one channel or three")
def stage_one(extract: Callable, draw: Draw) -> None:
    agree(QUESTIONS[3], extract, _patch_cases(draw, draw.normal), _described)


def _described(patches: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    patches, weight, bias = double(patches, weight, bias)
    products = np.einsum("pcij,ncij->pn", patches.reshape(-1, *weight.shape[1:]), weight)
    return tensor(np.maximum(products + bias, 0))


# Question 4


def _map_cases(draw: Draw, values: Callable[..., Tensor], sides: Iterable[tuple[int, int]]) -> list[tuple]:
    cases = []
    for height, width in sides:
        before, after = draw.sizes.sample(range(2, 8), 2)
        cases.append((values(before, height, width), values(after, before, 1, 1), values(after)))
    return cases


@case(question=4, points=0.5, title="a single pixel")
def single_pixel(mapping: Callable, draw: Draw) -> None:
    agree(QUESTIONS[4], mapping, _map_cases(draw, draw.normal, [(1, 1)] * 3), _mapped)


@case(question=4, points=0.5, title="shuffled pixels give shuffled outputs")
def shuffled_pixels(mapping: Callable, draw: Draw) -> None:
    cases = _map_cases(draw, draw.uniform, [draw.sides(2) for _ in range(3)])  # positive: the ReLU changes nothing
    agree(QUESTIONS[4], mapping, cases, _mapped)
    for features, weight, bias in cases:
        order = torch.randperm(features[0].numel(), generator=draw.generator)
        before, after = features, torch.as_tensor(mapping(features, weight, bias))
        before, after = (maps.flatten(1)[:, order].view_as(maps) for maps in (before, after))
        moved = agrees(mapping(before, weight, bias), after, TOLERANCE)
        assert moved, "when the pixels are shuffled, the outputs are not shuffled in the same way"


@case(question=4, points=1, title="any maps any weights")
def stage_two(mapping: Callable, draw: Draw) -> None:
    cases = _map_cases(draw, draw.normal, [draw.sides(2), draw.sides(2), (4, 4), (1, 6)])
    many = draw.between(3, 6)
    cases.append((draw.normal(many, 3, 5), draw.normal(many, many, 1, 1), draw.normal(many)))
    agree(QUESTIONS[4], mapping, cases, _mapped)


def _mapped(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    features, weight, bias = double(features, weight, bias)
    return tensor(np.maximum(np.einsum("nk,khw->nhw", weight[:, :, 0, 0], features) + bias[:, None, None], 0))


# Question 5


@case(question=5, points=0.5, title="atoms at right angles from zero")
def right_angles(sparse_step: Callable, draw: Draw) -> None:
    cases = []
    for _ in range(3):
        atoms = draw.between(3, 7)
        pixels = atoms + draw.between(0, 5)
        dictionary = torch.linalg.qr(draw.normal(pixels, atoms).double()).Q.float()
        cases.append(
            (
                torch.zeros(atoms),
                2 * draw.normal(pixels),
                dictionary,
                0.1 + 0.2 * draw.uniform(1).item(),
            )
        )
    agree(
        QUESTIONS[5],
        sparse_step,
        cases,
        lambda code, x, d, price: (d.T @ x - price).clamp(min=0),
    )


@case(question=5, points=0.5, title="the best code stays where it is")
def best_code(sparse_step: Callable, draw: Draw) -> None:
    """The code with the smallest objective (4.3) is found by another method, and no step may leave it."""

    def case() -> tuple:
        atoms = draw.between(3, 6)
        _, patch, dictionary, price = _sparse_case(draw, atoms + draw.between(1, 5), atoms)
        d, x = double(dictionary, patch)
        # with z such that D'z = 1 the penalty moves into the patch, and non-negative least squares remain
        z = np.linalg.pinv(d).T @ np.ones(atoms)
        best, _ = scipy.optimize.nnls(d, x - price * z)
        return torch.from_numpy(best).float(), patch, dictionary, price

    def tells(case: tuple) -> bool:
        """Some atoms are used, and others clearly are not worth their penalty."""
        code, patch, dictionary, price = case
        slope = dictionary.T @ (dictionary @ code - patch) + price
        return bool(code.max() > 0.3 and slope.max() > 0.3)

    agree(QUESTIONS[5], sparse_step, telling(case, tells), lambda code, x, d, price: code)


@case(question=5, points=1, title="any step")
def any_step(sparse_step: Callable, draw: Draw) -> None:
    cases = [_sparse_case(draw, draw.between(3, 12), draw.between(3, 12)) for _ in range(4)]
    agree(QUESTIONS[5], sparse_step, cases, _stepped)


def _sparse_case(draw: Draw, pixels: int, atoms: int) -> tuple[Tensor, Tensor, Tensor, float]:
    dictionary = torch.nn.functional.normalize(draw.normal(pixels, atoms), dim=0)
    return (
        draw.normal(atoms).relu(),
        2 * draw.normal(pixels),
        dictionary,
        0.3 + 0.4 * draw.uniform(1).item(),
    )


def _stepped(code: Tensor, patch: Tensor, dictionary: Tensor, price: float) -> Tensor:
    code, patch, dictionary = double(code, patch, dictionary)
    eta = 1 / np.linalg.svd(dictionary, compute_uv=False)[0] ** 2
    return tensor(np.maximum(0, code - eta * (dictionary.T @ (dictionary @ code - patch) + price)))


# Question 7


@case(question=7, points=1, title="one map one channel")
def one_map(reconstruct: Callable, draw: Draw) -> None:
    cases = []
    for size in (1, 3, draw.between(2, 5)):
        cases.append(
            (
                draw.normal(1, *draw.sides(size + 1)),
                draw.normal(1, 1, size, size),
                2 + draw.uniform(1),
            )
        )
    agree(QUESTIONS[7], reconstruct, cases, _reconstructed)


@case(question=7, points=1, title="a single 1 in one of many maps")
def single_ones(reconstruct: Callable, draw: Draw) -> None:
    cases = []
    for size in (2, 3, draw.between(3, 5)):
        maps = draw.between(2, 5)
        height, width = draw.sides(2 * size)
        features = torch.zeros(maps, height, width)
        row, column = (draw.between(size - 1, side - size) for side in (height, width))
        features[draw.between(0, maps - 1), row, column] = 1  # far enough from the edge for the whole filter
        cases.append((features, draw.normal(1, maps, size, size), torch.zeros(1)))
    agree(QUESTIONS[7], reconstruct, cases, _painted)


def _painted(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    (which, row, column), size = features.nonzero()[0].tolist(), weight.shape[-1]
    picture = torch.zeros(1, features.shape[1] - size + 1, features.shape[2] - size + 1)
    for i in range(size):
        for j in range(size):
            picture[0, row - i, column - j] = weight[0, which, i, j]
    return picture


@case(question=7, points=1, title="many maps one channel or three")
def stage_three(reconstruct: Callable, draw: Draw) -> None:
    cases = []
    for channels in (1, 3, draw.between(1, 3)):
        maps, size = draw.between(2, 6), draw.between(2, 5)
        features, weight = (
            draw.normal(maps, *draw.sides(size + 1)),
            draw.normal(channels, maps, size, size),
        )
        cases.append((features, weight, draw.normal(channels)))
    agree(QUESTIONS[7], reconstruct, cases, _reconstructed)


def _reconstructed(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    features, weight, bias = double(features, weight, bias)
    answers = [
        sum(scipy.signal.correlate2d(f, w, mode="valid") for f, w in zip(features, filters, strict=True))
        for filters in weight
    ]
    return tensor(np.stack(answers) + bias[:, None, None])


# Question 8


@case(question=8, points=1, title="the image without its border")
def inside(sharpen: Callable, draw: Draw) -> None:
    """Right where no filter reaches beyond the edge; an output without its border will do."""
    question = QUESTIONS[8]

    def accept(args: tuple, got: object) -> str | None:
        border = sum(w.shape[-1] // 2 for w in args[1].values() if w.ndim > 1)
        cut = (slice(border, -border), slice(border, -border))
        middle = got[cut] if getattr(got, "shape", None) == args[0].shape else got
        if agrees(middle, _sharpened(*args)[cut], TOLERANCE):
            return None
        known = recognize(replace(question, tolerance=TOLERANCE), [(args, got)], [(args, got)])
        return known or "it differs from the network where no filter reaches beyond the edge"

    agree(question, sharpen, _networks(draw, (1,)), None, accept=accept)


@case(question=8, points=1, title="the whole image with its border")
def whole_picture(sharpen: Callable, draw: Draw) -> None:
    agree(QUESTIONS[8], sharpen, _networks(draw, (1,)), _sharpened)


@case(question=8, points=1, title="a mapping that looks at neighbors")
def larger_mapping(sharpen: Callable, draw: Draw) -> None:
    agree(QUESTIONS[8], sharpen, _networks(draw, (3, 5)), _sharpened)


@case(question=8, points=1, title="the trained network on a photograph")
def trained_network(sharpen: Callable, draw: Draw) -> None:
    trained = dict(pretrained.load("srcnn-9-1-5-x3").model.state_dict())
    name = draw.sizes.choice([name for names in images.SAMPLE.values() for name in names])
    low, _ = pair(srcnn.luma(images.sample(name)), 3, enlarged=True)
    top, left = draw.between(0, low.shape[1] - 18), draw.between(0, low.shape[2] - 20)
    agree(
        QUESTIONS[8],
        sharpen,
        [(low[0, top : top + 18, left : left + 20].clone(), trained)],
        _sharpened,
    )


def _networks(draw: Draw, mappings: tuple[int, ...]) -> list[tuple]:
    """Small images and networks in whose output every known mistake is seen."""

    def case() -> tuple:
        kernels = tuple(draw.sizes.choice(some) for some in ((3, 5, 7), mappings, (3, 5)))
        widths = draw.between(3, 6), draw.between(3, 6)
        image = draw.uniform(*draw.sides(sum(kernels)))
        return image, weights(kernels, widths, seed=draw.sizes.getrandbits(31))

    def tells(case: tuple) -> bool:
        right = _sharpened(*case)
        wrong = (mistake.wrong(*case) for mistake in QUESTIONS[8].mistakes)
        seen = not any(agrees(answer, right, 10 * TOLERANCE) for answer in wrong)
        return bool(seen and right.max() > 1.05)  # or clipping would look like a ReLU

    return telling(case, tells)


def _sharpened(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
    maps = image.double().numpy()[None]
    for stage in ("extraction", "mapping", "reconstruction"):
        weight, bias = double(weights[f"{stage}.weight"], weights[f"{stage}.bias"])
        answers = [
            sum(scipy.ndimage.correlate(m, w, mode="nearest") for m, w in zip(maps, filters, strict=True))
            for filters in weight
        ]
        maps = np.stack(answers) + bias[:, None, None]
        maps = maps if stage == "reconstruction" else np.maximum(maps, 0)
    return tensor(maps[0])
