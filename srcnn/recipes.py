"""Recipes: the settings of a training run, as the paper, the tutorial and this course have them. Chapter 10.

A run differs from its recipe by a visible list of changes, which :func:`command_line` writes as a command.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from srcnn.files import InputError

SCALES = (2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that a training run depends on, besides its data and the machine.

    Attributes:
        recipe: the name it goes by.
        architecture: ``"9-1-5"`` and the like for SRCNN, ``"subpixel"`` for the tutorial's variant.
        widths: ``"64-32"``: the filters of all layers but the last.
        padding: see :class:`srcnn.model.SRCNN`. Weights trained with ``"valid"`` are used with ``"replicate"``.
        color: what the network sees: ``"luma"``, or three channels at once, ``"rgb"`` or ``"ycbcr"``.
        scale: 2, 3 or 4.
        data: a registered set, ``sample``, ``leaves``, a folder, or several joined by ``+``.
        scale_augmentation: ``"1-0.9-0.8"``: the factors by which every photograph is also downscaled before pairs are
            cut, because the same things at other sizes teach too; ``"1"`` takes it as it is.
        sampling: how batches are cut: ``"crops"`` at random, ``"sub-images"`` on the paper's grid, or ``"tutorial"``.
        patch_size: side of the input patch in its own pixels.
        batch_size: pairs a step.
        steps: how many optimizer steps.
        loss: ``"mse"``, the paper's, or ``"l1"``, the mean absolute error.
        optimizer: ``"soap"``, ``"adam"`` or ``"sgd"`` (momentum 0.9).
        learning_rate: for the mean squared error over pixels 0..1.
        last_layer_lr_factor: of the learning rate for the last layer and all biases; the paper's is 0.1.
        cosine: whether the learning rate falls to zero along half a cosine, after a warm-up.
        warmup_steps: steps over which the learning rate rises from zero where it follows the cosine. Large early steps
            push filters to where no input switches them on again; a long run has time to spare them (chapter 10).
        ema_share: share of the steps so far over which the weights are averaged, exponentially; 0 keeps the last ones.
        initialization: see :func:`srcnn.model.initialize`.
        seed: of the weights, the patches and their turns.
        precision: see :func:`srcnn.training.resolve_precision`.
        full_precision_share: share of the steps, the last ones, computed in float32 whatever the precision, so that
            the last gradients are not rounded; after 1,000 steps no difference is seen (chapters 11, 13).
        micro_batches: equal parts in which the gradient of a batch is accumulated, one after the other. It needs less
            memory, and two parts in one process give, to the last bit, what two processes with one part each give.
        compile: whether torch.compile makes one program of the network and, on CUDA, one graph of its launches.
        deterministic: whether PyTorch may only use algorithms that give the same bits every time, on one model of GPU
            and with one version of the libraries; a CPU gives them anyway (chapter 11).
    """

    recipe: str
    architecture: str = "9-1-5"
    widths: str = "64-32"
    padding: str = "valid"
    color: str = "luma"
    scale: int = 3
    data: str = "t91"
    scale_augmentation: str = "1"
    sampling: str = "crops"
    patch_size: int = 33
    batch_size: int
    steps: int
    loss: str = "mse"
    optimizer: str
    learning_rate: float
    last_layer_lr_factor: float = 1.0
    cosine: bool = False
    warmup_steps: int = 20
    ema_share: float = 0.0
    initialization: str = "torch"
    seed: int = 0
    precision: str = "auto"
    full_precision_share: float = 0.0
    micro_batches: int = 1
    compile: bool = False
    deterministic: bool = False


# What the settings were called in version 0.1: in the cards of weights, in runs to resume and in recorded commands.
_FORMER = {
    "colour": "color",
    "zooms": "scale_augmentation",
    "pairs": "sampling",
    "crop": "patch_size",
    "batch": "batch_size",
    "slow_factor": "last_layer_lr_factor",
    "warm_up": "warmup_steps",
    "average": "ema_share",
    "initialisation": "initialization",
    "exact": "full_precision_share",
    "shards": "micro_batches",
}


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under their names of today, in whatever version they were written.

    Args:
        settings: names of :class:`TrainConfig`, of today or of version 0.1, with their values.
    """
    return {_FORMER.get(name, name): value for name, value in settings.items()}


def read_settings(file: Path) -> dict[str, object]:
    """The settings of a run from its ``config.json``, under their names of today.

    Raises:
        InputError: the file is damaged.
    """
    try:
        return current_names(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, AttributeError, RecursionError):
        raise InputError(f"{file} is damaged; begin anew in another --out") from None


def from_caffe(learning_rate: float, *, pixels: int) -> float:
    """A learning rate for Caffe's loss, translated to the mean squared error.

    Caffe's EuclideanLoss is the sum over pixels divided by twice the batch; PyTorch's MSELoss is the mean. The same
    step on outputs of ``pixels`` values needs ``pixels / 2`` times the rate; with the paper's 1e-4 as it is printed a
    training is 220 times too slow.

    Example:
        >>> round(from_caffe(1e-4, pixels=21 * 21), 5)
        0.02205
    """
    return learning_rate * pixels / 2


RECIPES = {
    "paper": TrainConfig(
        recipe="paper",
        sampling="sub-images",
        batch_size=128,
        steps=6_250_000,  # about 8e8 backprops of one sub-image each; give --steps
        optimizer="sgd",
        learning_rate=from_caffe(1e-4, pixels=21 * 21),
        last_layer_lr_factor=0.1,
        initialization="paper",
        precision="float32",
    ),
    "tutorial": TrainConfig(
        recipe="tutorial",
        architecture="subpixel",
        padding="zeros",
        scale=4,
        data="bsds300",
        sampling="tutorial",
        patch_size=64,  # a quarter of its 256 x 256 squares
        batch_size=8,
        steps=20 * 25,  # 20 epochs of 200 photographs
        optimizer="adam",
        learning_rate=0.01,
        seed=123,
        precision="float32",
    ),
    "fast": TrainConfig(
        recipe="fast",
        batch_size=32,
        steps=8_000,
        optimizer="soap",
        learning_rate=1e-2,
        last_layer_lr_factor=0.1,
        cosine=True,
        ema_share=0.1,
        full_precision_share=0.3,
    ),
}


def with_changes(recipe: str, **changes: object) -> TrainConfig:
    """A recipe with some settings changed: a run differs from its recipe by a visible list.

    Args:
        recipe: ``paper``, ``tutorial`` or ``fast``.
        changes: settings of :class:`TrainConfig`; those that are None stay as they are.

    Raises:
        InputError: the recipe is unknown.
    """
    if recipe not in RECIPES:
        raise InputError(f"recipe {recipe!r} is unknown; it is one of {', '.join(RECIPES)}")
    return replace(RECIPES[recipe], **{k: v for k, v in current_names(changes).items() if v is not None})


_SHORT = {"batch_size": "--batch", "learning_rate": "--lr"}
_AT_LEAST_ONE = ("batch_size", "patch_size", "steps", "micro_batches", "warmup_steps")


def kinds() -> dict[str, type]:
    """Every setting that a command line can change, with the type of its value."""
    hints = get_type_hints(TrainConfig)
    return {field.name: hints[field.name] for field in fields(TrainConfig) if field.name != "recipe"}


def flag(name: str) -> str:
    """The word of the command line that changes a setting.

    Example:
        >>> flag("batch_size"), flag("patch_size")
        ('--batch', '--patch-size')
    """
    return _SHORT.get(name, "--" + name.replace("_", "-"))


def command_line(config: TrainConfig) -> str:
    """The command that trains this configuration: data, scale, and whatever differs from its recipe."""
    recipe, words = RECIPES[config.recipe], ["srcnn", "train", "--recipe", config.recipe]
    for name, kind in kinds().items():
        value = getattr(config, name)
        if name not in ("data", "scale") and value == getattr(recipe, name):
            continue
        if kind is bool:
            words.append(flag(name) if value else flag(name).replace("--", "--no-", 1))
        else:
            words += [flag(name), f"{value}"]
    return shlex.join(words)


def parse_setting(name: str, text: str) -> object:
    """The value of one setting, from a word of the command line.

    Args:
        name: of :class:`TrainConfig`, of today or of version 0.1.
        text: the value.

    Raises:
        InputError: there is no such setting, or the value is not of its kind or too small or large.
    """
    name = _FORMER.get(name, name)
    if name not in kinds():
        raise InputError(f"{name!r} is no setting; the settings are {', '.join(kinds())}")
    kind = kinds()[name]
    try:
        if kind is int and not (text.isascii() and text.isdigit()):  # int() takes 1_000 as well
            raise ValueError
        value = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise InputError(f"{name} must be {wanted}, not {text!r}") from None
    if name == "scale" and value not in SCALES:
        raise InputError(f"scale must be 2, 3 or 4, not {text}")
    if kind is str or kind is bool:
        return value
    least, most = int(name in _AT_LEAST_ONE), 65_536 if name == "batch_size" else 10**15  # a larger one would be killed
    most = 1 if name.endswith("_share") else most
    if name == "learning_rate" and not 0 < value < 1e3:
        raise InputError(f"learning_rate must be a number above 0 and below 1000, such as 0.005, not {text!r}")
    if not least <= value <= most:
        raise InputError(f"{name} must be {least} or more and at most {most:,}, not {text}")
    return value
