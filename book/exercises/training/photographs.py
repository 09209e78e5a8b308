"""Test images of *Train and report* that no student has: scenes drawn from the seed, or a folder of photographs."""

import hashlib
import math
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from exercises.draw import Draw
from torch import Tensor

import srcnn
from srcnn import images
from srcnn.files import InputError
from srcnn.leaves import dead_leaves

FOLDER = "SRCNN_PHOTOGRAPHS"  # the environment's variable that names the instructor's folder; `make grade` sets it
SCENES, SIDE = 8, 180
SMALLEST, LARGEST = 60, 360  # pixels of a side; the middle of a larger photograph is used, which keeps the time short
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm")


def held_out(seed: int) -> dict[str, Tensor]:
    """The test images by name, luma ``(1, H, W)``: those of the instructor's folder, or scenes of the seed."""
    folder = os.environ.get(FOLDER)
    return load(Path(folder)) if folder else {f"scene {k}": scene(Draw(seed, f"scene {k}")) for k in range(SCENES)}


def load(folder: Path) -> dict[str, Tensor]:
    """The photographs of a folder, luma, their middle parts.

    Raises:
        InputError: there are none, or one cannot be used; the message names it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one with photographs")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    if len(files) < 2:
        raise InputError(f"{folder} has {len(files)} photographs; at least 2 are wanted ({', '.join(ENDINGS)})")
    return {path.name: _middle(path) for path in files}


def _middle(path: Path) -> Tensor:
    try:
        luma = srcnn.luma(images.read(path))
    except (OSError, ValueError) as why:
        raise InputError(f"{path} cannot be read as a photograph: {why}") from None
    height, width = luma.shape[-2:]
    if min(height, width) < SMALLEST:
        raise InputError(f"{path} has {width} x {height} pixels; at least {SMALLEST} on each side are wanted")
    top, left = (max(0, side - LARGEST) // 2 for side in (height, width))
    return luma[..., top : top + LARGEST, left : left + LARGEST].clone()


def digest(folder: Path) -> str:
    """Changes when the photographs of a folder do."""
    found = hashlib.sha256()
    for name, values in load(folder).items():
        found.update(name.encode() + b"\0" + values.numpy().tobytes())
    return found.hexdigest()


def scene(draw: Draw) -> Tensor:
    """An image that has of a photograph what dead leaves lack: texture, shading, and edges of different sharpness."""
    leaves = dead_leaves(draw.between(10_000, 10_000_000), SIDE, leaves=draw.between(400, 4_000))
    sharp = _blurred(leaves, draw.sizes.uniform(0.4, 0.7))
    soft = _blurred(leaves, draw.sizes.uniform(1.0, 2.0))
    focus = (_cloud(draw, 2.0) * 2 + 1).clamp(0, 1)  # part of the image is out of focus
    made = focus * sharp + (1 - focus) * soft
    made = made + draw.sizes.uniform(0.01, 0.03) * _cloud(draw, 0.8)  # texture
    made = made * (1 + 0.25 * _cloud(draw, 2.5))  # light and shade
    return srcnn.quantize(made.clamp(16 / 255, 235 / 255))


def _blurred(image: Tensor, sigma: float) -> Tensor:
    reach = torch.arange(-6, 7).float()
    taps = torch.exp(-(reach**2) / (2 * sigma**2))
    taps = taps / taps.sum()
    padded = F.pad(image[None], [6] * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))[0]


def _cloud(draw: Draw, power: float) -> Tensor:
    """Noise of mean 0 and standard deviation 1/3 whose amplitude falls with that power of the frequency."""
    frequency = torch.hypot(torch.fft.fftfreq(SIDE)[:, None], torch.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = math.inf
    spectrum = torch.fft.rfft2(draw.normal(SIDE, SIDE)) / frequency**power
    values = torch.fft.irfft2(spectrum, (SIDE, SIDE))
    return (values / (3 * values.std()))[None]
