"""Evaluation: the protocol of the published tables, one line per step. Chapters 7 and 12.

Luma, rounded to bytes -> cropped to a multiple of the scale -> shrunk by bicubic -> enlarged by the method -> rounded
-> shaved by the scale -> PSNR and SSIM of each image -> mean over images.
"""

import contextlib
import copy
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from srcnn.color import channels, gray, luma, quantize
from srcnn.files import InputError
from srcnn.metrics import psnr, ssim
from srcnn.model import SRCNN
from srcnn.resize import enlarge, modcrop, shrink

PROTOCOL = (
    "luma (BT.601 studio range, 8-bit; a gray file as it is), modcrop, bicubic a=-0.5 with antialiasing both ways, "
    "network with replicate padding, rounded to 8 bits, shaved by the scale, mean over images"
)
GRAY_PROTOCOL = PROTOCOL.replace("luma (BT.601 studio range, 8-bit; a gray file as it is)", "full-range gray (8-bit)")
_SSIM_WINDOW = 11
_BLOCK = 160  # pixels a side of what a network is given at once on a CPU: its 64 feature maps take 6.5 MB

#: A function of a low-resolution image ``(C, h, w)`` and the scale s that gives ``(C, s*h, s*w)``.
Upscaler = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Scores:
    """PSNR in dB and SSIM of one image, or the means of a set."""

    psnr: float
    ssim: float


@contextlib.contextmanager
def ieee_float32() -> Iterator[None]:
    """Within it, float32 means float32 on a GPU too.

    cuDNN computes float32 convolutions in TF32, with 10 bits of the 23, unless it is told not to. The book's tables are
    float32; TF32 is used where ``precision="tf32"`` asks for it, and nowhere else.
    """
    cudnn: Any = torch.backends.cudnn  # its switches are made when it is imported
    full: bool | str
    try:
        where, name, full, before = cudnn, "allow_tf32", False, cudnn.allow_tf32
    except RuntimeError:  # who has set the newer switch of PyTorch 2.9 can no longer read the old one
        where, name, full, before = cudnn.conv, "fp32_precision", "ieee", cudnn.conv.fp32_precision
    setattr(where, name, full)
    try:
        yield
    finally:
        setattr(where, name, before)


@contextlib.contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """Within it, PyTorch takes only algorithms that give the same bits every time, and refuses what has none.

    cuBLAS needs a fixed workspace for that, which it takes when it begins: enter this before the GPU computes.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def upscaler(
    model: SRCNN,
    device: torch.device | str = "cpu",
    *,
    arithmetic: Callable[[], AbstractContextManager[None]] = ieee_float32,
) -> Upscaler:
    """A network as a function of a low-resolution image and the scale, computed in float32.

    The network gets its :attr:`~srcnn.model.SRCNN.inference_padding`, so that the output has the full size. The model
    itself is not changed.

    Args:
        model: SRCNN, or the sub-pixel variant, which knows its own scale.
        device: where it computes.
        arithmetic: what it computes within; float32 unless one asks what another precision would give.

    Returns:
        A function of ``(C, h, w)`` and the scale s that gives ``(C, s*h, s*w)``, on the device that has the argument.
    """
    # torch's types lack the memory format
    model = copy.deepcopy(model).to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    model.padding = model.inference_padding

    @torch.inference_mode()
    def upscale(low: Tensor, scale: int) -> Tensor:
        if model.scale not in (None, scale):
            raise InputError(f"this network enlarges by {model.scale}, not by {scale}")
        small = low.to(device)  # before it is enlarged: at x3 it has a ninth of the bytes
        small = (small if model.scale else enlarge(small, scale))[None]
        with arithmetic():
            return (_in_blocks(model, small) if small.device.type == "cpu" else model(small))[0].to(low.device)

    return upscale


def _in_blocks(model: SRCNN, image: Tensor) -> Tensor:
    """A network's output for an image ``(1, C, H, W)``, block by block, so that a CPU's cache holds the feature maps.

    A large image's maps would go to memory and back after every layer, which takes longer than to compute them. Only
    the frame of the result depends on what stands beyond the image; inside it every convolution is valid.
    """
    height, width = image.shape[-2:]
    margin, factor = model.border, model.scale or 1
    if min(height, width) <= 2 * margin or max(height, width) <= _BLOCK:
        return model(image)
    inside = copy.copy(model)  # the same weights
    inside.padding = "valid"
    rows = (
        torch.cat([inside(image[..., top:bottom, left:right]) for left, right in _blocks(width, margin)], -1)
        for top, bottom in _blocks(height, margin)
    )
    if not margin:  # filters of 1 x 1 alone see nothing beyond
        return torch.cat(list(rows), -2)
    rim, reach = factor * margin, 2 * margin
    above, below = model(image[..., :reach, :])[..., :rim, :], model(image[..., -reach:, :])[..., -rim:, :]
    before, behind = model(image[..., :reach])[..., rim:-rim, :rim], model(image[..., -reach:])[..., rim:-rim, -rim:]
    middle = torch.cat([before, torch.cat(list(rows), -2), behind], -1)
    return torch.cat([above, middle, below], -2)


def _blocks(length: int, margin: int) -> Iterator[tuple[int, int]]:
    """Where the blocks of one direction begin and end, with the margin that a valid convolution takes from them."""
    whole = length - 2 * margin
    count = -(-whole // _BLOCK)
    for k in range(count):
        yield whole * k // count, whole * (k + 1) // count + 2 * margin


def score_image(upscaler: Upscaler, original: Tensor, *, scale: int, color_space: str = "luma") -> Scores:
    """Measure one image by the protocol.

    Args:
        upscaler: :func:`srcnn.resize.enlarge` for bicubic, or :func:`upscaler` of a network.
        original: ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        color_space: ``"luma"``, the protocol. ``"rgb"``: the upscaler is given RGB, and the luma of its output is
            measured, or its gray where the original is gray. ``"gray"``: full-range gray in the place of luma, as the
            journal version's BSD200 has it.

    Raises:
        ValueError: the image is too small to be measured.
    """
    # a gray file is measured in gray, which begins at 0, and not in luma, which begins at 16
    measured = gray if color_space == "gray" or original.shape[0] == 1 else luma
    target = modcrop(measured(original), scale)
    source = modcrop(channels(original, "rgb"), scale) if color_space == "rgb" else target
    output = measured(quantize(upscaler(shrink(source, scale), scale)))
    return Scores(psnr(output, target, peak=1, shave=scale), ssim(output, target, peak=1, shave=scale))


def evaluate(
    upscaler: Upscaler, images: Iterable[tuple[str, Tensor]], *, scale: int, color_space: str = "luma"
) -> dict[str, Scores]:
    """Measure a set of images by the protocol; see :func:`score_image`.

    Args:
        upscaler: :func:`srcnn.resize.enlarge` for bicubic, or :func:`upscaler` of a network.
        images: name and original, ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        color_space: ``"luma"``, ``"rgb"`` or ``"gray"``.

    Returns:
        Name -> scores, in the given order.

    Raises:
        InputError: an image is too small to be measured, two have one name, or there is none.
    """
    return evaluate_all({"": upscaler}, images, scale=scale, color_spaces={"": color_space})[""]


def evaluate_all(
    upscalers: dict[str, Upscaler],
    images: Iterable[tuple[str, Tensor]],
    *,
    scale: int,
    color_spaces: dict[str, str],
) -> dict[str, dict[str, Scores]]:
    """Measure several upscalers on the same images, each of which is read once.

    Args:
        upscalers: by name.
        images: as for :func:`evaluate`.
        scale: 2, 3 or 4.
        color_spaces: of each upscaler; see :func:`score_image`.

    Returns:
        Name of the upscaler -> name of the image -> scores, in the given orders.

    Raises:
        InputError: as for :func:`evaluate`.
    """
    tables: dict[str, dict[str, Scores]] = {method: {} for method in upscalers}
    smallest = _SSIM_WINDOW + 3 * scale  # what modcrop and shaving may take, and the window that must remain
    for name, original in images:
        if min(original.shape[-2:]) < smallest:
            size = f"{original.shape[-1]} x {original.shape[-2]}"
            raise InputError(f"{name} has {size} pixels; at x{scale} at least {smallest} x {smallest} are needed")
        for method, table in tables.items():
            if name in table:
                raise InputError(f"two images have the name {name}; rename one of them, or the table would lose it")
            table[name] = score_image(upscalers[method], original, scale=scale, color_space=color_spaces[method])
    if not all(tables.values()):
        raise InputError("there is no image to measure")
    return tables


def mean_scores(table: dict[str, Scores]) -> Scores:
    """The mean over images: of the PSNRs, never the PSNR of a mean error."""
    return Scores(fmean(s.psnr for s in table.values()), fmean(s.ssim for s in table.values()))
