"""Evaluation: the protocol of the published tables, one line per step. Chapters 3 and 10.

Luma, rounded to bytes -> cropped to a multiple of the scale -> shrunk by bicubic -> enlarged by the method -> rounded
-> shaved by the scale -> PSNR and SSIM of each image -> mean over images.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from srcnn.color import channels, grey, luma, quantize
from srcnn.files import InputError
from srcnn.metrics import psnr, ssim
from srcnn.model import SRCNN
from srcnn.resize import enlarge, modcrop, shrink

PROTOCOL = (
    "luma (BT.601 studio range, 8-bit; a grey file as it is), modcrop, bicubic a=-0.5 with antialiasing both ways, "
    "network with replicate padding, rounded to 8 bits, shaved by the scale, mean over images"
)
GREY_PROTOCOL = PROTOCOL.replace("luma (BT.601 studio range, 8-bit; a grey file as it is)", "full-range grey (8-bit)")
_SSIM_WINDOW = 11

Upscaler = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Quality:
    """PSNR in dB and SSIM of one image, or the means of a set."""

    psnr: float
    ssim: float


def upscaler(model: SRCNN, device: torch.device | str = "cpu") -> Upscaler:
    """A network as a function of a small image and the scale.

    Valid convolutions become padded ones that repeat the edge before every layer, so that the output has the full
    size; zeros instead would cost 3.9 dB on Set5. The model itself is not changed.

    Args:
        model: SRCNN, or the sub-pixel variant, which knows its own scale.
        device: where it computes.

    Returns:
        A function of ``(C, h, w)`` and the scale s that gives ``(C, s*h, s*w)``, on the CPU.
    """
    model = copy.deepcopy(model).to(device, memory_format=torch.channels_last).eval()
    if model.padding == "valid":
        model.padding = "replicate"

    @torch.inference_mode()
    def upscale(low: Tensor, scale: int) -> Tensor:
        if model.scale not in (None, scale):
            raise InputError(f"this network enlarges by {model.scale}, not by {scale}")
        small = low if model.scale else enlarge(low, scale)
        return model(small[None].to(device))[0].cpu()

    return upscale


def evaluate(
    method: Upscaler, images: Iterable[tuple[str, Tensor]], *, scale: int, view: str = "luma"
) -> dict[str, Quality]:
    """Measure a method by the protocol.

    Args:
        method: :func:`srcnn.resize.enlarge` for bicubic, or :func:`upscaler` of a network.
        images: name and original, ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        view: ``"luma"``, the protocol. ``"rgb"``: the method is given RGB, and the luma of its result is measured.
            ``"grey"``: full-range grey in the place of luma, as the journal version's BSD200 has it.

    Returns:
        Name -> quality, in the given order.

    Raises:
        InputError: an image is too small to be measured, two have one name, or there is none.
    """
    table = {}
    for name, original in images:
        if name in table:
            raise InputError(f"two images have the name {name}; rename one of them, or the table would lose it")
        smallest = _SSIM_WINDOW + 3 * scale  # what modcrop and shaving may take, and the window that must remain
        if min(original.shape[-2:]) < smallest:
            size = f"{original.shape[-1]} x {original.shape[-2]}"
            raise InputError(f"{name} has {size} pixels; at x{scale} at least {smallest} x {smallest} are needed")
        high = modcrop(grey(original) if view == "grey" else luma(original), scale)
        seen = modcrop(channels(original, "rgb"), scale) if view == "rgb" else high
        output = quantize(method(shrink(seen, scale), scale))
        output = luma(output) if view == "rgb" else output
        table[name] = Quality(psnr(output, high, peak=1, shave=scale), ssim(output, high, peak=1, shave=scale))
    if not table:
        raise InputError("there is no image to measure")
    return table


def mean(table: dict[str, Quality]) -> Quality:
    """The mean over images: of the PSNRs, never the PSNR of a mean error."""
    return Quality(fmean(q.psnr for q in table.values()), fmean(q.ssim for q in table.values()))


def tutorial_psnr(outputs: Tensor, targets: Tensor, *, batch: int) -> float:
    """The tutorial's measure, mistakes included: the PSNR of each batch's mean error, averaged over batches.

    It moves by 1 dB with the batch size alone, so it can be compared with nothing but itself. Chapter 3.

    Args:
        outputs: ``(N, 1, H, W)``, in 0..1, neither rounded nor shaved.
        targets: the originals, same shape.
        batch: images a batch.

    Returns:
        dB.
    """
    errors = [
        (o.double() - t.double()).square().mean()
        for o, t in zip(outputs.split(batch), targets.split(batch), strict=True)
    ]
    return fmean(-10 * error.log10().item() for error in errors)
