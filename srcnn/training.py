"""Training: three recipes, and a loop that the caller steps through. Chapter 9.

The loop is a generator: it yields one plain record a step, and the caller prints, plots, saves or stops. All that a
checkpoint needs is in :class:`Learner`.
"""

import copy
import math
import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.files import InputError
from srcnn.model import SRCNN, SubPixelSRCNN, initialise

Batches = Callable[[int], tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that a training run depends on, besides its data and the machine.

    Attributes:
        recipe: the name it goes by.
        architecture: ``"9-1-5"`` and the like for SRCNN, ``"subpixel"`` for the tutorial's variant.
        scale: 2, 3 or 4.
        data: a registered set, ``sample``, ``leaves``, a folder, or several joined by ``+``.
        pairs: how batches are cut: ``"crops"`` at random, ``"sub-images"`` on the paper's grid, or ``"tutorial"``.
        crop: side of the input crop in its own pixels.
        batch: pairs a step.
        steps: how many optimizer steps.
        optimizer: ``"soap"``, ``"adam"`` or ``"sgd"`` (momentum 0.9).
        learning_rate: for the mean squared error over pixels 0..1.
        slow_factor: of the learning rate for the last layer and all biases; the paper's is 0.1.
        cosine: whether the learning rate falls to zero along half a cosine, after a short warm-up.
        average: share of the steps so far over which the weights are averaged; 0 keeps the last weights.
        initialisation: see :func:`srcnn.model.initialise`.
        seed: of the weights, the crops and their turns.
        precision: ``"auto"`` (half precision on CUDA, float32 elsewhere), ``"float32"``, ``"bfloat16"``, ``"float16"``.
    """

    recipe: str
    architecture: str = "9-1-5"
    scale: int = 3
    data: str = "t91"
    pairs: str = "crops"
    crop: int = 33
    batch: int
    steps: int
    optimizer: str
    learning_rate: float
    slow_factor: float = 1.0
    cosine: bool = False
    average: float = 0.0
    initialisation: str = "torch"
    seed: int = 0
    precision: str = "auto"


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
        steps=3_000,
        optimizer="soap",
        learning_rate=1e-2,
        slow_factor=0.1,
        cosine=True,
        average=0.1,
    ),
}


@dataclass(frozen=True)
class Step:
    """What one optimizer step reports.

    Attributes:
        number: of the step, from 1.
        loss: mean squared error of its batch before the step; a 0-dimensional tensor, because ``float(loss)`` makes
            the CPU wait for a GPU, which the caller may not want at every step.
        learning_rate: of the step.
    """

    number: int
    loss: Tensor
    learning_rate: float


def make_model(config: TrainConfig, *, padding: str | None = None) -> SRCNN:
    """The network of a configuration, its weights drawn from the seed.

    Args:
        config: names the architecture, the scale, the initialisation and the seed.
        padding: see :class:`srcnn.model.SRCNN`; the class's own where it is None.

    Raises:
        InputError: the architecture is unknown, or its valid convolutions leave nothing of a crop.
    """
    options = {} if padding is None else {"padding": padding}
    try:
        if config.architecture == "subpixel":
            model = SubPixelSRCNN(config.scale, **options)
        else:
            kernels = tuple(int(f) for f in config.architecture.split("-"))
            if padding in (None, "valid") and sum(kernels) - len(kernels) >= config.crop:
                raise InputError(f"architecture {config.architecture} leaves nothing of a crop of {config.crop} pixels")
            model = SRCNN(kernels, **options)
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"architecture {config.architecture!r} is unknown; give three odd filter sizes such as 9-1-5, or subpixel"
        ) from None
    return initialise(model, config.initialisation, seed=config.seed)


def make_optimizer(model: SRCNN, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of a configuration; the last layer and all biases in a group of their own.

    Raises:
        InputError: the optimizer is unknown.
    """
    last = {id(p) for p in model.reconstruction.parameters()}
    slow = [p for name, p in model.named_parameters() if id(p) in last or name.endswith("bias")]
    fast = [p for name, p in model.named_parameters() if not (id(p) in last or name.endswith("bias"))]
    groups = [{"params": fast, "factor": 1.0}, {"params": slow, "factor": config.slow_factor}]
    rate = config.learning_rate
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9)
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate)
    if config.optimizer == "soap":
        from pytorch_optimizer import SOAP  # here, because its import costs seconds that only training should pay

        return SOAP(groups, lr=rate, betas=(0.95, 0.95), weight_decay=0.0, precondition_frequency=10)
    raise InputError(f"optimizer {config.optimizer!r} is unknown; it is soap, adam or sgd")


class Learner:
    """The state of a training run: the network, its averaged copy, the optimizer, and the step reached.

    Args:
        model: the network; it is moved to the device and trained in place.
        config: of the run.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``.

    Raises:
        InputError: the optimizer or the precision is unknown.
    """

    def __init__(self, model: SRCNN, config: TrainConfig, device: torch.device | str = "cpu") -> None:
        self.config, self.device = config, torch.device(device)
        # channels_last lets one matrix product read all channels of a pixel: twice the speed on a CPU
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = make_optimizer(self.model, config)
        self.dtype = _dtype(config.precision, self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)
        self.step = 0

    def state_dict(self) -> dict:
        """All that has to be saved to go on later as if nothing had happened."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimizer", "scaler")}
        return {"step": self.step, **parts}

    def load_state_dict(self, state: dict) -> None:
        """Go back to a saved state."""
        for name in ("model", "average", "optimizer", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]

    @torch.inference_mode()
    def outputs(self, low: Tensor, *, batch: int) -> Tensor:
        """The network's answers to inputs ``(N, C, h, w)``, a batch at a time, on the CPU."""
        return torch.cat([self.result(part.to(self.device)).cpu() for part in low.split(batch)])

    @property
    def result(self) -> SRCNN:
        """The network to keep, which is the averaged one, or the last where nothing is averaged."""
        return self.average if self.config.average else self.model


def train(learner: Learner, batches: Batches) -> Iterator[Step]:
    """Train from the step reached to the last one of the configuration, yielding a record after each.

    The loss is the paper's: the mean squared error between output and original (equation 4).

    Args:
        learner: the state; changed in place.
        batches: gives the inputs and targets of a step; see :mod:`srcnn.pairs`.

    Yields:
        One :class:`Step` per optimizer step.
    """
    config, model, optimizer = learner.config, learner.model, learner.optimizer
    cuda_like = learner.dtype is not torch.float32
    model.train()
    while learner.step < config.steps:
        low, high = batches(learner.step)
        rate = learning_rate(config, learner.step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]

        with torch.autocast(learner.device.type, learner.dtype) if cuda_like else nullcontext():
            output = model(low)
        loss = F.mse_loss(output.float(), high)
        optimizer.zero_grad()
        learner.scaler.scale(loss).backward()
        learner.scaler.step(optimizer)
        learner.scaler.update()

        learner.step += 1
        _update_average(learner)
        yield Step(learner.step, loss.detach(), rate)


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of a step (from 0): constant, or a warm-up and half a cosine down to zero."""
    if not config.cosine:
        return config.learning_rate
    warm_up = min(1.0, (step + 1) / 20)  # the optimizer's first statistics come from too few batches to be trusted
    return config.learning_rate * warm_up * (1 + math.cos(math.pi * step / config.steps)) / 2


@torch.no_grad()
def _update_average(learner: Learner) -> None:
    """Exponential average whose memory grows with the run: a fixed one would still remember the random start."""
    if not learner.config.average:
        return
    weight = 1 / max(1.0, learner.config.average * learner.step)
    for mean, value in zip(learner.average.parameters(), learner.model.parameters(), strict=True):
        mean.lerp_(value, weight)


def _dtype(precision: str, device: torch.device) -> torch.dtype:
    """The number format of the network's arithmetic."""
    if precision == "auto":
        if device.type != "cuda":
            return torch.float32
        native = torch.cuda.is_bf16_supported(including_emulation=False)  # a T4 would only imitate bfloat16
        return torch.bfloat16 if native else torch.float16
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision not in names:
        raise InputError(f"precision {precision!r} is unknown; it is auto, {', '.join(names)}")
    return names[precision]


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


def command(config: TrainConfig) -> str:
    """The command line that trains this configuration, as far as it differs from its recipe."""
    flags = {"data": "--data", "scale": "--scale", "architecture": "--architecture", "steps": "--steps"}
    flags |= {"batch": "--batch", "learning_rate": "--lr", "seed": "--seed", "precision": "--precision"}
    recipe, words = RECIPES[config.recipe], ["srcnn", "train", "--recipe", config.recipe]
    for name, flag in flags.items():
        value = getattr(config, name)
        if name in ("data", "scale") or value != getattr(recipe, name):
            words += [flag, f"{value}"]
    return shlex.join(words)
