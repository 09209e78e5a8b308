"""Questions of the assignment *Three stages by hand*, chapters 3 to 5: what is asked, and the known mistakes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import pretrained
from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.checks.stages_patches import AVERAGE, CONVOLUTIONS, FILTER_IMAGE, PATCHES, numbers
from srcnn.model import SRCNN, conv2d_few_outputs

# Stage one


def _extract(patches: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(patches, weight.flatten(1), bias).relu()  # (N, n1)


def _scrambled(patches: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return (patches @ weight.reshape(-1, len(weight)) + bias).relu()


EXTRACT = Question(
    name="extract",
    examples=lambda: [numbers((7, 9), (4, 1, 3, 3), (4,)), numbers((5, 12), (3, 3, 2, 2), (3,))],
    reference=_extract,
    forbidden=CONVOLUTIONS,
    mistakes=(
        Mistake(
            "negative values are left; what does equation (3.2) do after adding the biases?",
            lambda p, w, b: F.linear(p, w.flatten(1), b),
        ),
        Mistake(
            "the biases come after the ReLU; equation (3.2) adds them before",
            lambda p, w, b: F.linear(p, w.flatten(1)).relu() + b,
        ),
        Mistake("the biases are missing", lambda p, w, b: _extract(p, w, 0 * b)),
        Mistake("the biases are subtracted", lambda p, w, b: _extract(p, w, -b)),
        Mistake(
            "the weights are reshaped until they fit, which mixes the filters; which weight belongs to which pixel?",
            _scrambled,
        ),
        Mistake("rows and columns of the filters are exchanged", lambda p, w, b: _extract(p, w.mT, b)),
        Mistake("each column has the activations of a patch; each row should", lambda p, w, b: _extract(p, w, b).T),
        Mistake(
            "negative values lose their sign; they should become zero",
            lambda p, w, b: F.linear(p, w.flatten(1), b).abs(),
        ),
    ),
)

# Stage two


def _mapping(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(features[None], weight, bias)[0].relu()  # (n2, H, W)


def _features_reshaped(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    pixels = features.reshape(-1, len(features))
    return F.linear(pixels, weight.flatten(1), bias).relu().T.reshape(-1, *features.shape[1:])


def _answers_reshaped(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    answers = F.linear(features.flatten(1).T, weight.flatten(1), bias).relu()  # (H * W, n2)
    return answers.reshape(-1, *features.shape[1:])


MAPPING = Question(
    name="mapping",
    examples=lambda: [numbers((4, 3, 5), (2, 4, 1, 1), (2,)), numbers((3, 4, 4), (3, 3, 1, 1), (3,))],
    reference=_mapping,
    forbidden=CONVOLUTIONS,
    mistakes=(
        Mistake(
            "negative values are left; what does equation (4.1) do last?",
            lambda f, w, b: F.conv2d(f[None], w, b)[0],
        ),
        Mistake(
            "the biases come after the ReLU; equation (4.1) adds them before",
            lambda f, w, b: F.conv2d(f[None], w)[0].relu() + b[:, None, None],
        ),
        Mistake("the biases are missing", lambda f, w, b: _mapping(f, w, 0 * b)),
        Mistake(
            "the features are reshaped, but should be transposed: a row must hold the activations of one pixel",
            _features_reshaped,
        ),
        Mistake(
            "the outputs are reshaped, but should be transposed: one map must hold the outputs of one filter",
            _answers_reshaped,
        ),
        Mistake(
            "the maps are the last axis; they should be the first",
            lambda f, w, b: _mapping(f, w, b).movedim(0, -1),
        ),
        Mistake(
            "the matrix should be transposed; which of its axes belongs to the input features?",
            lambda f, w, b: _mapping(f, w.transpose(0, 1), b),
        ),
        Mistake(
            "the maps are still lists of pixels; arrange them in rows and columns again",
            lambda f, w, b: _mapping(f, w, b).flatten(1),
        ),
    ),
)


def _descent(
    code: Tensor, patch: Tensor, dictionary: Tensor, price: float, eta: Tensor | float | None = None
) -> Tensor:
    """One step of gradient descent, before the ReLU."""
    eta = 1 / torch.linalg.matrix_norm(dictionary, 2) ** 2 if eta is None else eta
    return code - eta * (dictionary.T @ (dictionary @ code - patch) + price)


def _step(code: Tensor, patch: Tensor, dictionary: Tensor, price: float, eta: Tensor | float | None = None) -> Tensor:
    return _descent(code, patch, dictionary, price, eta).relu()


def _both_signs(code: Tensor, patch: Tensor, dictionary: Tensor, price: float) -> Tensor:
    threshold = price / torch.linalg.matrix_norm(dictionary, 2) ** 2
    return F.softshrink(_descent(code, patch, dictionary, 0), threshold.item())


def _sparse_cases() -> list[Arguments]:
    cases = []
    for seed, (pixels, atoms, price) in enumerate([(9, 6, 0.5), (4, 7, 0.4)]):
        dictionary, code, patch = numbers((pixels, atoms), (atoms,), (pixels,), seed=seed)
        cases.append((code.relu(), 2 * patch, F.normalize(dictionary, dim=0), price))
    return cases


SPARSE_STEP = Question(
    name="sparse_step",
    examples=_sparse_cases,
    reference=_step,
    mistakes=(
        Mistake(
            "the whole penalty is subtracted in one step; what is it multiplied by in equation (4.4)?",
            lambda a, x, d, p: (_descent(a, x, d, 0) - p).relu(),
        ),
        Mistake("the penalty is added; look at its sign", lambda a, x, d, p: _step(a, x, d, -p)),
        Mistake("the penalty is missing", lambda a, x, d, p: _step(a, x, d, 0)),
        Mistake("negative coefficients are left; what replaces them in equation (4.4)?", _descent),
        Mistake("this is the soft threshold, for coefficients of both signs; here none may be negative", _both_signs),
        Mistake(
            "the step follows the gradient instead of going against it; look at the signs",
            lambda a, x, d, p: _step(a, x, d, p, -1 / torch.linalg.matrix_norm(d, 2) ** 2),
        ),
        Mistake(
            "the step starts at zero; it should start at the given code",
            lambda a, x, d, p: _step(0 * a, x, d, p),
        ),
        Mistake(
            "the step is too short: the norm should be the largest singular value",
            lambda a, x, d, p: _step(a, x, d, p, 1 / d.square().sum()),
        ),
        Mistake(
            "the step has the wrong size; is the norm squared?",
            lambda a, x, d, p: _step(a, x, d, p, 1 / torch.linalg.matrix_norm(d, 2)),
        ),
        Mistake("the step size is missing; where is eta?", lambda a, x, d, p: _step(a, x, d, p, 1.0)),
    ),
)

# Stage three


def _reconstruct(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(features[None], weight, bias)[0]  # (c, H - f + 1, W - f + 1)


RECONSTRUCT = Question(
    name="reconstruct",
    examples=lambda: [numbers((4, 6, 7), (1, 4, 3, 3), (1,)), numbers((2, 5, 6), (3, 2, 2, 2), (3,))],
    reference=_reconstruct,
    forbidden=CONVOLUTIONS,
    tolerance=2e-5,
    mistakes=(
        Mistake(
            "there is a ReLU at the end; does equation (5.1) have one?", lambda f, w, b: _reconstruct(f, w, b).relu()
        ),
        Mistake("the filters are rotated by 180 degrees", lambda f, w, b: _reconstruct(f, w.flip(2, 3), b)),
        Mistake("rows and columns of the filters are exchanged", lambda f, w, b: _reconstruct(f, w.mT, b)),
        Mistake(
            "the maps' contributions are averaged; they should be added up",
            lambda f, w, b: _reconstruct(f / len(f), w, b),
        ),
        Mistake(
            "the bias is added once for each map; it should be added once for each output channel",
            lambda f, w, b: _reconstruct(f, w, len(f) * b),
        ),
        Mistake("the bias is missing", lambda f, w, b: _reconstruct(f, w, 0 * b)),
        Mistake(
            "it divides by the number of estimates; by equation (5.3) the filters already include that factor",
            lambda f, w, b: _reconstruct(f, w / w[0, 0].numel(), b),
        ),
        Mistake(
            "every map is convolved with the filter of the first map; each map has its own filter",
            lambda f, w, b: _reconstruct(f, w[:, :1].expand_as(w), b),
        ),
        Mistake(
            "it pads the maps; apply the filters only where they fit",
            lambda f, w, b: F.conv2d(f[None], w, b, padding=w.shape[-1] // 2)[0],
        ),
    ),
)

# The three in a row


def weights(kernels: tuple[int, int, int], widths: tuple[int, int], *, seed: int) -> dict[str, Tensor]:
    """Random weights of a small SRCNN whose output leaves 0..1 on both sides, by the names of its ``state_dict``."""
    shapes = {name: values.shape for name, values in SRCNN(kernels, widths).state_dict().items()}
    drawn = dict(zip(shapes, numbers(*shapes.values(), seed=seed), strict=True))
    return {n: 2 * v / v[0].numel() ** 0.5 if v.ndim > 1 else 0.3 * v for n, v in drawn.items()}


def _sharpen(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
    model = pretrained.from_state_dict(weights, "the weights")
    with torch.no_grad():
        return model(image[None, None])[0, 0]


def _varied(
    pad: str = "replicate",
    first: Callable[[Tensor], Tensor] = torch.relu,
    second: Callable[[Tensor], Tensor] = torch.relu,
    last: Callable[[Tensor], Tensor] = lambda x: x,
    change: Callable[[Tensor], Tensor] = lambda w: w,
) -> Callable[[Tensor, dict[str, Tensor]], Tensor]:
    """The network with something changed: the padding, what follows a stage, the filters."""

    def run(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
        x = image[None, None]
        for stage, end in (("extraction", first), ("mapping", second), ("reconstruction", last)):
            weight, bias = change(weights[f"{stage}.weight"]), weights[f"{stage}.bias"]
            side = weight.shape[-1] // 2
            x = end(F.conv2d(F.pad(x, [side] * 4, mode=pad) if pad and side else x, weight, bias))
        return x[0, 0]

    return run


def _padded_once(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
    border = sum(w.shape[-1] // 2 for w in weights.values() if w.ndim > 1)
    return _varied(pad="")(F.pad(image[None, None], [border] * 4, mode="replicate")[0, 0], weights)


SHARPEN = Question(
    name="sharpen",
    examples=lambda: [
        (numbers((12, 14))[0].sigmoid(), weights((5, 1, 3), (4, 3), seed=2)),
        (numbers((9, 10))[0].sigmoid(), weights((3, 3, 5), (3, 5), seed=2)),
    ],
    reference=_sharpen,
    forbidden=(*CONVOLUTIONS, SRCNN.forward, conv2d_few_outputs),
    tolerance=1e-4,
    mistakes=(
        Mistake("the input is padded with zeros; repeat the border pixels", _varied(pad="constant")),
        Mistake("the input is mirrored at the border; repeat the border pixels", _varied(pad="reflect")),
        Mistake("the image is padded once for all layers; pad the input of each layer", _padded_once),
        Mistake("nothing is padded, so the border is missing", _varied(pad="")),
        Mistake("there is a ReLU at the end; does equation (5.1) have one?", _varied(last=torch.relu)),
        Mistake(
            "the output is clipped to 0..1; the network itself does not do that",
            _varied(last=lambda x: x.clamp(0, 1)),
        ),
        Mistake("the ReLU after stage two is missing", _varied(second=lambda x: x)),
        Mistake("the ReLU after stage one is missing", _varied(first=lambda x: x)),
        Mistake("both ReLUs are missing, so this is one linear filter", _varied(first=lambda x: x, second=lambda x: x)),
        Mistake(
            "the feature maps are clipped to 0..1; a feature map is not an image",
            _varied(first=lambda x: x.clamp(0, 1), second=lambda x: x.clamp(0, 1)),
        ),
        Mistake("rows and columns of the filters are exchanged", _varied(change=lambda w: w.mT)),
        Mistake("the filters are rotated by 180 degrees", _varied(change=lambda w: w.flip(2, 3))),
    ),
)

QUESTIONS = {
    1: PATCHES,
    2: FILTER_IMAGE,
    3: EXTRACT,
    4: MAPPING,
    5: SPARSE_STEP,
    6: AVERAGE,
    7: RECONSTRUCT,
    8: SHARPEN,
}
