"""Training: a loop that the caller steps through. Chapter 9.

The loop is a generator: it yields one plain record a step, and the caller prints, plots, saves or stops. All that a
checkpoint needs is in :class:`Learner`.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.distributed import Group
from srcnn.files import InputError
from srcnn.model import INITIALISATIONS, PADDINGS, SRCNN, SubPixelSRCNN, initialise
from srcnn.recipes import TrainConfig

Batches = Callable[[int], tuple[Tensor, Tensor]]
LOSSES = {"mse": F.mse_loss, "l1": F.l1_loss}


@dataclass(frozen=True)
class Step:
    """What one optimizer step reports.

    Attributes:
        number: of the step, from 1.
        loss: the mean error of its batch before the step (of this process's share of it, where several train); a
            0-dimensional tensor, because ``float(loss)`` makes the CPU wait for a GPU, which the caller may not want
            at every step.
        learning_rate: of the step.
    """

    number: int
    loss: Tensor
    learning_rate: float


def make_model(config: TrainConfig) -> SRCNN:
    """The network of a configuration, its weights drawn from the seed.

    Args:
        config: names the architecture and its widths, the colour, the scale, the padding, the initialisation and the
            seed.

    Raises:
        InputError: the architecture, the widths, the colour, the padding or the initialisation is unknown, or the valid
            convolutions leave nothing of a crop.
    """
    if config.colour not in ("luma", "rgb", "ycbcr"):
        raise InputError(f"colour {config.colour!r} is unknown; it is luma, rgb or ycbcr")
    if config.padding not in PADDINGS:
        raise InputError(f"padding {config.padding!r} is unknown; it is one of {', '.join(PADDINGS)}")
    options = {"channels": 1 if config.colour == "luma" else 3, "padding": config.padding}
    try:
        options["widths"] = tuple(int(n) for n in config.widths.split("-"))
        subpixel = config.architecture == "subpixel"
        kernels = tuple(int(f) for f in ("9-1-5" if subpixel else config.architecture).split("-"))
        if config.padding == "valid" and sum(kernels) - len(kernels) >= config.crop:
            raise InputError(f"architecture {config.architecture} leaves nothing of a crop of {config.crop} pixels")
        model = SubPixelSRCNN(config.scale, kernels, **options) if subpixel else SRCNN(kernels, **options)
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"architecture {config.architecture!r} with widths {config.widths!r} is unknown; give odd filter sizes "
            "such as 9-1-5, or subpixel, and one width less, such as 64-32"
        ) from None
    if config.initialisation not in INITIALISATIONS:
        raise InputError(
            f"initialisation {config.initialisation!r} is unknown; it is one of {', '.join(INITIALISATIONS)}"
        )
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
    fused = next(model.parameters()).is_cuda or None  # one launch for all weights; None lets torch choose
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, fused=fused)
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate, fused=fused)
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
        group: the processes that train together; this one alone where it is None.

    Raises:
        InputError: the loss, the optimizer or the precision is unknown, or the batch has no such shards.

    Attributes:
        model: the network whose weights are kept.
        network: the same weights as the loop uses them, compiled or shared with other processes.
        average: the copy with averaged weights.
        size: how many processes train together.
        step: how many steps are done.
    """

    def __init__(
        self,
        model: SRCNN,
        config: TrainConfig,
        device: torch.device | str = "cpu",
        group: Group | None = None,
    ) -> None:
        if config.loss not in LOSSES:
            raise InputError(f"loss {config.loss!r} is unknown; it is {' or '.join(LOSSES)}")
        if config.batch % config.shards:
            raise InputError(f"a batch of {config.batch} has no {config.shards} equal shards; give a divisor of it")
        self.config, self.device = config, torch.device(device)
        # channels_last lets one matrix product read all channels of a pixel: twice the speed on a CPU
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = make_optimizer(self.model, config)
        self.dtype = _dtype(config.precision, self.device)
        # several processes skip the same steps: an infinite gradient of one makes the mean of all infinite
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)
        self.step = 0
        network: torch.nn.Module = self.model
        if config.compile:
            # on CUDA as one graph, because launching its few small kernels takes longer than running them
            network = torch.compile(network, mode="reduce-overhead" if self.device.type == "cuda" else "default")
        group = group or Group()
        self.network, self.size = group.spread(network), group.size

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
    config, network, optimizer = learner.config, learner.network, learner.optimizer
    exact_from = 0 if learner.dtype is torch.float32 else (1 - config.exact) * config.steps
    parts = max(1, config.shards // learner.size)
    network.train()
    while learner.step < config.steps:
        low, high = batches(learner.step)
        rate = learning_rate(config, learner.step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]

        half = learner.step < exact_from
        loss = 0.0
        optimizer.zero_grad()
        for part in (slice(k, None, parts) for k in range(parts)):  # the whole batch, unless it is given in shards
            with torch.autocast(learner.device.type, learner.dtype) if half else nullcontext():
                output = network(low[part])
            error = LOSSES[config.loss](output.float(), high[part]) / parts
            learner.scaler.scale(error).backward()
            loss += error.detach()
        learner.scaler.step(optimizer)
        learner.scaler.update()

        learner.step += 1
        _update_average(learner)
        yield Step(learner.step, loss, rate)


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of a step (from 0): constant, or a warm-up and half a cosine down to zero."""
    if not config.cosine:
        return config.learning_rate
    # the optimizer's first statistics come from too few batches to be trusted
    warm_up = min(1.0, (step + 1) / config.warm_up)
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
