"""Pretrained: weights in files, with a card that says where they come from. Chapters 8 and 12.

Weights are safetensors, which cannot carry code. What network they belong to is read from the tensors' shapes. The
authors' own MATLAB files can be read too; the course may not ship them, but a reader may have them. So can the PyTorch
files of other implementations; padding, range and color, which their state dictionaries do not tell, are tried.
"""

import itertools
import json
import math
import os
import platform
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from srcnn.color import channels, quantize, rgb_to_ycbcr, ycbcr_to_rgb
from srcnn.evaluation import Upscaler, upscaler
from srcnn.files import InputError, shipped, some, whole_zip, write
from srcnn.images import SAMPLE, sample
from srcnn.metrics import psnr
from srcnn.model import PADDINGS, SRCNN, SubPixelSRCNN
from srcnn.recipes import SCALES, current_names
from srcnn.resize import enlarge, modcrop, shrink

_MOST = 10_000_000  # weights of a network; the paper's largest has 57,281


@dataclass(frozen=True)
class Pretrained:
    """A network with its card.

    Attributes:
        model: with the padding that evaluation needs.
        card: the record kept in the file: scale, recipe, data, seed, steps, seconds, machine ...; empty for files
            from elsewhere.
    """

    model: SRCNN
    card: dict[str, Any] = field(default_factory=dict)


def names() -> list[str]:
    """The weights that come with the package."""
    return sorted(path.stem for path in shipped("weights").glob("*.safetensors"))


def load(weights: str | os.PathLike[str], *, scale: int | None = None) -> Pretrained:
    """Weights by name or from a file.

    Args:
        weights: one of :func:`names`, a ``.safetensors`` file, one of the authors' ``.mat`` files, or a ``.pth`` or
            ``.pt`` file of another implementation.
        scale: that they are wanted for, 2, 3 or 4; None takes them as they are.

    Raises:
        InputError: no such weights, a damaged file, tensors of another network, or weights for another scale or for
            YCbCr, which nothing but chapter 13 can use.
    """
    shelf = shipped("weights", f"{weights}.safetensors")
    path = shelf if str(weights) in names() else Path(weights)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is neither a file nor the name of shipped weights"
        if (path / "weights.safetensors").is_file():
            raise InputError(f"{weights} {what}; give {path / 'weights.safetensors'}")
        raise InputError(f"{weights} {what}; the shipped ones are {', '.join(names()) or 'none'}")
    if path.suffix.lower() in (".pth", ".pt"):
        loaded = from_pytorch(path, scale=scale or 3)
    else:
        loaded = Pretrained(from_matlab(path)) if path.suffix.lower() == ".mat" else _load_safetensors(path)
    if scale is not None:
        trained = loaded.model.scale or loaded.card.get("scale", scale)
        if trained not in SCALES:
            raise InputError(f"{weights} was trained for x{trained}; only 2, 3 and 4 can be used here")
        if trained != scale:
            raise InputError(f"{weights} was trained for x{trained}, not x{scale}; give --scale {trained}")
        if loaded.card.get("training", {}).get("color") == "ycbcr":
            raise InputError(f"{weights} was trained for YCbCr, which only chapter 13 does; train with --color rgb")
    return loaded


def _load_safetensors(path: Path) -> Pretrained:
    try:
        with safetensors.safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, it is no dictionary
            card = json.loads((file.metadata() or {}).get("card", "{}"))
    except (safetensors.SafetensorError, ValueError, RecursionError, OSError) as error:
        raise InputError(
            f"{path} is no whole safetensors file ({error}); .safetensors, .pth, .pt and .mat files are read"
        ) from None
    if not isinstance(card, dict):
        raise InputError(f"{path} carries a card that is no record; `srcnn export` writes a right one")
    if type(card.get("scale", 3)) is not int:
        raise InputError(f"{path} carries a card whose scale is no whole number; `srcnn export` writes a right one")
    if isinstance(card.get("training"), dict):
        card["training"] = current_names(card["training"])
    else:
        card.pop("training", None)
    return Pretrained(from_state_dict(tensors, path, trained_with=card.get("training", {}).get("padding")), card)


def save(model: SRCNN, path: str | os.PathLike[str], card: dict[str, Any]) -> None:
    """Write weights and card into one safetensors file, whole or not at all.

    Raises:
        InputError: the file cannot be written there.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    content = safetensors.torch.save(tensors, {"card": json.dumps(card)})
    write(path, content)


def hardware_name(device: torch.device | str = "cpu") -> str:
    """What computed: the GPU's name, or the processor's with the number of threads."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads, {device.type}"


def from_state_dict(tensors: dict[str, Tensor], source: object, *, trained_with: object = None) -> SRCNN:
    """The network that fits the shapes: filter sizes, widths, channels, and the scale of the sub-pixel variant.

    Args:
        tensors: a state dictionary.
        source: named in the error.
        trained_with: the padding of the training, which tensors do not tell. Where it is unknown: ``"valid"`` for
            SRCNN, ``"zeros"`` for the sub-pixel variant, as the paper and the tutorial train them.

    Returns:
        The network with the padding that evaluation needs, :attr:`~srcnn.model.SRCNN.inference_padding`.

    Raises:
        InputError: the tensors are those of another network.
    """
    further = sum(name.startswith("further.") for name in tensors) // 2
    stages = ("extraction", "mapping", *(f"further.{k}" for k in range(further)), "reconstruction")
    wanted = {f"{stage}.{kind}" for stage in stages for kind in ("weight", "bias")}
    if set(tensors) != wanted or not all(value.is_floating_point() for value in tensors.values()):
        raise InputError(f"{source} holds another network: {some(sorted(wanted), 12)} expected, of floats")
    shapes = [tuple(tensors[f"{stage}.weight"].shape) for stage in stages]
    try:
        widths, inputs, kernels, _ = zip(*shapes, strict=True)
        fitting = inputs[1:] == widths[:-1] and all(a == b for *_, a, b in shapes)
        if not fitting or sum(value.numel() for value in tensors.values()) > _MOST:
            raise ValueError  # before a network is made of sizes that are only stated
        given, out = inputs[0], widths[-1]
        scale = math.isqrt(out // given)
        padding = trained_with if trained_with in PADDINGS else ("valid" if out == given else "zeros")
        options = {"channels": given, "padding": padding}
        if out == given:
            model = SRCNN(kernels, widths[:-1], **options)
        else:
            model = SubPixelSRCNN(scale, kernels, widths[:-1], **options)
        model.load_state_dict(tensors)
        model.padding = model.inference_padding
    except (LookupError, ValueError, RuntimeError, ZeroDivisionError):
        raise InputError(f"{source} holds another network: its filters have the shapes {some(shapes, 12)}") from None
    if not all(value.isfinite().all() for value in model.parameters()):
        raise InputError(f"{source} holds weights that are not finite numbers")
    return model.eval()


def from_pytorch(path: str | os.PathLike[str], *, scale: int) -> Pretrained:
    """A state dictionary of another implementation, whatever it calls its layers.

    The layers are the four-dimensional tensors in the order in which they stand. Whether the network pads by zeros,
    whether its values go to 1 or to 255, and which colors its three channels are, a state dictionary does not tell;
    what does best on the sample photographs counts.

    Args:
        path: of the file; it is read as tensors alone, so that it cannot run a program.
        scale: at which it is tried; a sub-pixel network has its own.

    Returns:
        The network, and a card whose ``"found"`` says how it was read and how it did.

    Raises:
        InputError: the file is damaged, holds a whole pickled network instead of its state, or another network.
    """
    tensors = _state_dict(Path(path))
    readings = {}
    for padding, peak in itertools.product(("valid", "zeros"), (1, 255)):
        # ReLU only scales, so that a network for 0..255 is one for 0..1 with smaller biases
        scaled = {name: value / peak if name.endswith("bias") else value for name, value in tensors.items()}
        model = from_state_dict(scaled, path, trained_with=padding)
        if model.channels not in (1, 3):
            raise InputError(f"{path} works on {model.channels} channels; one for luma or three for RGB can be tried")
        for color in ("RGB", "BGR", "YCbCr") if model.channels == 3 else ("luma",):
            if color == "BGR":
                model = from_state_dict(_reversed(scaled), path, trained_with=padding)
            readings[padding, peak, color] = _on_samples(upscaler(model), model, scale, color), model
    (padding, peak, color), (score, model) = max(readings.items(), key=lambda reading: reading[1][0])
    bicubic = _on_samples(enlarge, model, scale, color)
    how = {"valid": "edges repeated (valid convolutions)", "zeros": "zeros around every layer's input"}[padding]
    did = f"{score:.2f} dB on the sample photographs, bicubic {bicubic:.2f} dB"
    card = {"found": f"{how}, values of 0 to {peak}, {color}: {did}"}
    return Pretrained(model, card | ({"training": {"color": "ycbcr"}} if color == "YCbCr" else {}))


def _reversed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A network that takes and gives RGB, from one for BGR, OpenCV's order, and the reverse."""
    last = {name: tensors[name].unflatten(0, (3, -1)).flip(0).flatten(0, 1) for name in tensors if "reconst" in name}
    return tensors | last | {"extraction.weight": tensors["extraction.weight"].flip(1)}


def _on_samples(method: Upscaler, model: SRCNN, scale: int, color: str) -> float:
    """Mean PSNR over the validation photographs, edges included, for they tell the padding."""
    scale, scores = model.scale or scale, []
    for name in SAMPLE["validation"]:
        high = modcrop(channels(sample(name), "rgb" if model.channels == 3 else "luma"), scale)
        low = shrink(high, scale)
        output = ycbcr_to_rgb(method(rgb_to_ycbcr(low), scale)) if color == "YCbCr" else method(low, scale)
        scores.append(psnr(quantize(output), high, peak=1, shave=0))
    return sum(scores) / len(scores)


def _state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file under our own names."""
    try:
        if zipfile.is_zipfile(path) and not whole_zip(path):
            raise ValueError
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of every kind, where the file is damaged or would run code
        what = "a whole pickled network, which could run a program; save model.state_dict() instead"
        with path.open("rb") as stream:
            known = stream.read(2) in (b"PK", b"\x80\x02") and "weights_only" in str(error)
        what = what if known else "no PyTorch file that can be read"
        raise InputError(f"{path} holds {what}") from None
    for name in ("state_dict", "model_state_dict", "model", "params_ema", "params", "net", "weights"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        raise InputError(f"{path} holds no state dictionary; save model.state_dict()")
    layers = [name.removesuffix(".weight") for name, value in content.items() if value.ndim == 4]
    wanted = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    if len(layers) < 3 or set(content) != wanted or sum(v.numel() for v in content.values()) > _MOST:
        told = some(list(content), 8)
        raise InputError(f"{path} holds another network: three convolutions or more with biases expected, found {told}")
    stages = ("extraction", "mapping", *(f"further.{k}" for k in range(len(layers) - 3)), "reconstruction")
    return {
        f"{stage}.{kind}": content[f"{layer}.{kind}"].float()
        for stage, layer in zip(stages, layers, strict=True)
        for kind in ("weight", "bias")
    }


def from_matlab(path: str | os.PathLike[str]) -> SRCNN:
    """The authors' published layout: one ``.mat`` per scale.

    ``weights_conv1`` (f1^2, n1), ``weights_conv2`` (n1, f2^2, n2), ``weights_conv3`` (n2, f3^2), ``biases_conv1`` to
    ``3``. Each filter is a column of MATLAB's, so it runs down the columns first; reading it along the rows instead
    transposes every filter, which PSNR hardly shows (32.45 for 32.39 dB) and pixels do.

    Raises:
        InputError: the file is damaged or holds something else.
    """
    import scipy.io  # here, because hardly anybody has such a file, and its import takes as long as torch's

    try:
        content = scipy.io.loadmat(path)
        weights = [_real(content[f"weights_conv{k}"]) for k in (1, 2, 3)]
        biases = [torch.from_numpy(_real(content[f"biases_conv{k}"]).ravel()) for k in (1, 2, 3)]
        w1, w3 = weights[0].reshape(-1, weights[0].shape[-1]), np.atleast_2d(weights[2])
        w2 = weights[1].reshape(w1.shape[1], -1, w3.shape[0])  # (n1, f2*f2, n2)
        # (..., f*f) in column order -> (..., f, f); then the output channel first, the input channel second
        square = [_square(w1.T)[:, None], _square(w2.transpose(2, 0, 1)), _square(w3)[None]]
    except Exception as error:  # of every kind, where the file is damaged
        raise InputError(f"{path} has not the authors' layout (weights_conv1 ... biases_conv3): {error}") from None
    stages = zip(("extraction", "mapping", "reconstruction"), square, biases, strict=True)
    tensors = {}
    for stage, weight, bias in stages:
        tensors[f"{stage}.weight"] = torch.from_numpy(np.ascontiguousarray(weight))
        tensors[f"{stage}.bias"] = bias
    return from_state_dict(tensors, path)


def _real(values: np.ndarray) -> np.ndarray:
    if np.iscomplexobj(values):
        raise ValueError("its numbers are complex")
    return np.asarray(values, dtype=np.float32)


def _square(filters: np.ndarray) -> np.ndarray:
    """``(..., f*f)`` that runs down the columns to ``(..., f, f)``."""
    side = math.isqrt(filters.shape[-1])
    return filters.reshape(*filters.shape[:-1], side, side).swapaxes(-1, -2)
