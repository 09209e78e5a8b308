"""Recipes: the settings of a training run, as the paper, the tutorial and this course have them. Chapter 9.

A run differs from its recipe by a visible list of changes, which :func:`command` writes as a command line.
"""

import shlex
from dataclasses import dataclass, fields, replace

from srcnn.files import InputError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that a training run depends on, besides its data and the machine.

    Attributes:
        recipe: the name it goes by.
        architecture: ``"9-1-5"`` and the like for SRCNN, ``"subpixel"`` for the tutorial's variant.
        widths: ``"64-32"``: the filters of all layers but the last.
        padding: see :class:`srcnn.model.SRCNN`. Weights trained with ``"valid"`` are used with ``"replicate"``.
        colour: what the network sees: ``"luma"``, or three channels at once, ``"rgb"`` or ``"ycbcr"``.
        scale: 2, 3 or 4.
        data: a registered set, ``sample``, ``leaves``, a folder, or several joined by ``+``.
        zooms: ``"1-0.9-0.8"``: the factors by which every photograph is also made smaller before pairs are cut, because
            the same things at other sizes teach too; ``"1"`` takes it as it is.
        pairs: how batches are cut: ``"crops"`` at random, ``"sub-images"`` on the paper's grid, or ``"tutorial"``.
        crop: side of the input crop in its own pixels.
        batch: pairs a step.
        steps: how many optimizer steps.
        loss: ``"mse"``, the paper's, or ``"l1"``, the mean absolute error.
        optimizer: ``"soap"``, ``"adam"`` or ``"sgd"`` (momentum 0.9).
        learning_rate: for the mean squared error over pixels 0..1.
        slow_factor: of the learning rate for the last layer and all biases; the paper's is 0.1.
        cosine: whether the learning rate falls to zero along half a cosine, after a warm-up.
        warm_up: steps over which the learning rate rises from zero where it follows the cosine. Large early steps push
            filters to where no input switches them on again; a long run has time to spare them (chapter 9).
        average: share of the steps so far over which the weights are averaged; 0 keeps the last weights.
        initialisation: see :func:`srcnn.model.initialise`.
        seed: of the weights, the crops and their turns.
        precision: ``"auto"`` (half precision on CUDA, float32 elsewhere), ``"float32"``, ``"bfloat16"``, ``"float16"``.
        exact: share of the steps, the last ones, that are computed in float32 whatever the precision, so that the small
            steps at the end are not rounded away; after 1,000 steps no difference is to be seen yet (chapter 11).
        shards: parts in which a batch is computed, one after the other. It needs less memory, and two parts in one
            process give, to the last bit, what two processes with one part each give.
        compile: whether torch.compile makes one program of the network and, on CUDA, one graph of its launches.
    """

    recipe: str
    architecture: str = "9-1-5"
    widths: str = "64-32"
    padding: str = "valid"
    colour: str = "luma"
    scale: int = 3
    data: str = "t91"
    zooms: str = "1"
    pairs: str = "crops"
    crop: int = 33
    batch: int
    steps: int
    loss: str = "mse"
    optimizer: str
    learning_rate: float
    slow_factor: float = 1.0
    cosine: bool = False
    warm_up: int = 20
    average: float = 0.0
    initialisation: str = "torch"
    seed: int = 0
    precision: str = "auto"
    exact: float = 0.0
    shards: int = 1
    compile: bool = False


def from_caffe(learning_rate: float, *, pixels: int) -> float:
    """A learning rate for Caffe's loss, translated to the mean squared error.

    Caffe's EuclideanLoss is the sum over pixels divided by twice the batch; PyTorch's MSELoss is the mean. The same
    step on outputs of ``pixels`` values needs ``pixels / 2`` times the rate. Whoever copies the paper's 1e-4 trains 220
    times too slowly: the usual reason why "SRCNN does not train".

    Example:
        >>> round(from_caffe(1e-4, pixels=21 * 21), 5)
        0.02205
    """
    return learning_rate * pixels / 2


RECIPES = {
    "paper": TrainConfig(
        recipe="paper",
        pairs="sub-images",
        batch=128,
        steps=6_250_000,  # about 8e8 backprops of one sub-image each; give --steps
        optimizer="sgd",
        learning_rate=from_caffe(1e-4, pixels=21 * 21),
        slow_factor=0.1,
        initialisation="paper",
        precision="float32",
    ),
    "tutorial": TrainConfig(
        recipe="tutorial",
        architecture="subpixel",
        padding="zeros",
        scale=4,
        data="bsds300",
        pairs="tutorial",
        crop=64,  # a quarter of its 256 x 256 squares
        batch=8,
        steps=20 * 25,  # 20 epochs of 200 photographs
        optimizer="adam",
        learning_rate=0.01,
        seed=123,
        precision="float32",
    ),
    "fast": TrainConfig(
        recipe="fast",
        batch=32,
        steps=8_000,
        optimizer="soap",
        learning_rate=1e-2,
        slow_factor=0.1,
        cosine=True,
        average=0.1,
        exact=0.3,
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
    return replace(RECIPES[recipe], **{k: v for k, v in changes.items() if v is not None})


_FLAGS = {"data": "--data", "scale": "--scale", "architecture": "--architecture", "steps": "--steps"}
_FLAGS |= {"batch": "--batch", "learning_rate": "--lr", "seed": "--seed", "precision": "--precision"}


def command(config: TrainConfig) -> str:
    """The command line that trains this configuration, as far as it differs from its recipe."""
    recipe, words = RECIPES[config.recipe], ["srcnn", "train", "--recipe", config.recipe]
    for name, flag in _FLAGS.items():
        value = getattr(config, name)
        if name in ("data", "scale") or value != getattr(recipe, name):
            words += [flag, f"{value}"]
    others = [f.name for f in fields(config) if f.name not in (*_FLAGS, "recipe")]
    changed = [f"{name}={getattr(config, name)}" for name in others if getattr(config, name) != getattr(recipe, name)]
    return shlex.join([*words, "--set", *changed] if changed else words)


def setting(text: str) -> tuple[str, object]:
    """One ``name=value`` of the command line, for a setting of :class:`TrainConfig` that has no flag of its own.

    Raises:
        InputError: there is no such setting, it has a flag of its own, or the value is not of its kind.
    """
    name, _, value = text.partition("=")
    if name in _FLAGS:
        raise InputError(f"{name} has a flag of its own; give {_FLAGS[name]}")
    others = [f.name for f in fields(TrainConfig) if f.name not in (*_FLAGS, "recipe")]
    kinds = {name: type(getattr(RECIPES["fast"], name)) for name in others}
    if name not in kinds or not value:
        raise InputError(f"{text!r} is no setting; give name=value, where the name is one of {', '.join(kinds)}")
    try:
        if kinds[name] is bool:
            return name, {"true": True, "false": False}[value.lower()]
        number = kinds[name](value)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kinds[name]]
        raise InputError(f"{name} must be {wanted}, not {value!r}") from None
    least = 1 if name in ("crop", "shards", "warm_up") else 0
    if kinds[name] is not str and not least <= number < 1e15:
        raise InputError(f"{name} must be {least} or more and below 1e15, not {value}")
    return name, number
