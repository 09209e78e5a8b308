"""Training: a loop that the caller steps through. Chapter 10.

The loop is a generator: it yields one plain record a step, and the caller prints, plots, saves or stops. All that a
checkpoint needs is in :class:`Learner`.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.evaluation import deterministic_algorithms, ieee_float32
from srcnn.files import InputError
from srcnn.model import INITIALIZATIONS, PADDINGS, SRCNN, SubPixelSRCNN, initialize
from srcnn.recipes import TrainConfig

#: A function of the step's number, from 0, that gives inputs ``(N, C, h, w)`` and their targets ``(N, C, H, W)``.
Batches = Callable[[int], tuple[Tensor, Tensor]]
PRECISIONS = ("auto", "float32", "tf32", "bfloat16", "float16")
EIGENVECTORS_EVERY = 10  # steps of SOAP between two looks for them
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
        config: names the architecture and its widths, the color, the scale, the padding, the initialization and the
            seed.

    Raises:
        InputError: the architecture, the widths, the color, the padding or the initialization is unknown, the
            widths are too small for the initialization, or the valid convolutions leave nothing of a patch.
    """
    known_values = {"color": ("luma", "rgb", "ycbcr"), "padding": PADDINGS, "initialization": INITIALIZATIONS}
    for name, known in known_values.items():
        if getattr(config, name) not in known:
            raise InputError(f"{name} {getattr(config, name)!r} is unknown; it is one of {', '.join(known)}")
    subpixel = config.architecture == "subpixel"
    kernels, widths = _numbers("9-1-5" if subpixel else config.architecture), _numbers(config.widths)
    if config.padding == "valid" and sum(kernels) - len(kernels) >= config.patch_size:  # or it may fill all memory
        raise InputError(f"architecture {config.architecture} leaves nothing of a patch of {config.patch_size} pixels")
    build = partial(SubPixelSRCNN, config.scale) if subpixel else SRCNN
    try:
        model = build(kernels, widths, channels=1 if config.color == "luma" else 3, padding=config.padding)
    except ValueError:
        raise InputError(
            f"architecture {config.architecture!r} with widths {config.widths!r} is unknown; give odd filter sizes "
            "such as 9-1-5, or subpixel, and one width less, such as 64-32"
        ) from None
    return initialize(model, config.initialization, seed=config.seed)


def _numbers(text: str) -> tuple[int, ...]:
    """The whole numbers of ``"9-1-5"``; none where a part is none."""
    parts = text.split("-")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def make_optimizer(model: SRCNN, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of a configuration; the last layer and all biases in a group of their own.

    Raises:
        InputError: the optimizer is unknown, or does not work on the model's device.
    """
    last = {id(p) for p in model.reconstruction.parameters()}
    slow = [p for name, p in model.named_parameters() if id(p) in last or name.endswith("bias")]
    fast = [p for name, p in model.named_parameters() if not (id(p) in last or name.endswith("bias"))]
    groups = [{"params": fast, "factor": 1.0}, {"params": slow, "factor": config.last_layer_lr_factor}]
    rate = config.learning_rate
    fused = next(model.parameters()).is_cuda or None  # one launch for all weights; None lets torch choose
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, fused=fused)
    if config.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate, fused=fused)
    if config.optimizer == "soap":
        if next(model.parameters()).device.type == "mps":
            raise InputError("soap needs eigenvectors, which PyTorch does not compute on mps; give --device cpu")
        from pytorch_optimizer import SOAP  # here, because its import costs seconds that only training should pay

        return SOAP(groups, lr=rate, betas=(0.95, 0.95), weight_decay=0.0, precondition_frequency=EIGENVECTORS_EVERY)
    raise InputError(f"optimizer {config.optimizer!r} is unknown; it is soap, adam or sgd")


class Learner:
    """The state of a training run: the network, its averaged copy, the optimizer, and the step reached.

    Args:
        model: the network; it is moved to the device and trained in place.
        config: of the run.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``.
        wrap: what several processes put around the network, so that they share its gradients; see
            :meth:`srcnn.distributed.Group.wrap_ddp`.
        processes: how many train together.
        optimizer: makes it from network and configuration.

    Raises:
        InputError: the loss, the optimizer or the precision is unknown, the batch has no such micro-batches, or
            gradients are to be accumulated in a compiled network.

    Attributes:
        model: the network whose weights are kept.
        compiled: the same weights as the loop uses them, compiled or shared with other processes.
        ema: the copy with averaged weights.
        precision: the number format of the network's arithmetic: ``"float32"``, ``"tf32"``, ``"bfloat16"`` or
            ``"float16"``; never ``"auto"``.
        micro_batches: how many this process computes one after the other.
        step: how many steps are done.
    """

    def __init__(
        self,
        model: SRCNN,
        config: TrainConfig,
        device: torch.device | str = "cpu",
        *,
        wrap: Callable[[torch.nn.Module], torch.nn.Module] = lambda network: network,
        processes: int = 1,
        optimizer: Callable[[SRCNN, TrainConfig], torch.optim.Optimizer] = make_optimizer,
    ) -> None:
        if config.loss not in LOSSES:
            raise InputError(f"loss {config.loss!r} is unknown; it is {' or '.join(LOSSES)}")
        if config.batch_size % config.micro_batches:
            raise InputError(
                f"a batch of {config.batch_size} has no {config.micro_batches} equal micro-batches; give a divisor"
            )
        self.micro_batches = max(1, config.micro_batches // processes)
        if config.compile and self.micro_batches > 1:
            # PyTorch issues 96693 and 169545: one CUDA graph's gradients overwrite the other's
            raise InputError("a compiled network cannot accumulate gradients; leave out --compile or --micro-batches")
        self.config, self.device = config, torch.device(device)
        # channels_last, which torch's types lack, lets one matrix product read all channels of a pixel: twice the speed
        self.model: SRCNN = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = optimizer(self.model, config)
        self.precision = resolve_precision(config.precision, self.device)
        # several processes skip the same steps: an infinite gradient of one makes the mean of all infinite
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")
        self.step = 0
        network: Any = self.model
        if config.compile:
            # on CUDA as one graph, because launching its few small kernels takes longer than running them
            network = torch.compile(network, mode="reduce-overhead" if self.device.type == "cuda" else "default")
        self.compiled = wrap(network)

    def state_dict(self) -> dict[str, Any]:
        """All that has to be saved to go on later as if nothing had happened."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "ema", "optimizer", "scaler")}
        return {"step": self.step, "precision": self.precision, "method": self.config.optimizer, **parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a saved state, be it of another device or precision.

        Args:
            state: what :meth:`state_dict` gave, in this version or in 0.1.

        Raises:
            Exception: of whatever kind torch raises where the state is that of another run; part of it may be loaded.
        """
        state = {{"average": "ema"}.get(name, name): value for name, value in state.items()}  # as 0.1 called it
        if state.get("method", self.config.optimizer) != self.config.optimizer:  # torch would load it without a word
            raise ValueError(f"its optimizer is {state['method']}")
        for name in ("model", "ema", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        if state["scaler"] and self.scaler.is_enabled():  # else it begins anew with its usual scale
            self.scaler.load_state_dict(state["scaler"])
        if type(state["step"]) is not int:
            raise TypeError(f"its step is {state['step']!r}")
        self.step = state["step"]

    def has_diverged(self, loss: float) -> bool:
        """Whether a loss, or a weight, is no finite number any more."""
        weights = torch.stack([parameter.detach().sum() for parameter in self.model.parameters()])
        return not (math.isfinite(loss) and bool(weights.isfinite().all()))

    @torch.inference_mode()
    def predict(self, low: Tensor, *, batch: int) -> Tensor:
        """The network's outputs ``(N, C, H, W)`` for inputs ``(N, C, h, w)``, a batch at a time, on the CPU."""
        return torch.cat([self.final(part.to(self.device)).cpu() for part in low.split(batch)])

    @property
    def final(self) -> SRCNN:
        """The network to keep, which is the averaged one, or the last where nothing is averaged."""
        return self.ema if self.config.ema_share else self.model


def train(learner: Learner, batches: Batches) -> Iterator[Step]:
    """Train from the step reached to the last one of the configuration, yielding a record after each.

    The loss is the paper's: the mean squared error between output and original (equation 4).

    Args:
        learner: the state; changed in place.
        batches: gives the inputs and targets of a step; see :mod:`srcnn.pairs`.

    Yields:
        One :class:`Step` per optimizer step.
    """
    learner.compiled.train()
    while learner.step < learner.config.steps:
        with deterministic_algorithms() if learner.config.deterministic else nullcontext():
            step = _take_step(learner, *batches(learner.step))
        yield step


def _take_step(learner: Learner, low: Tensor, high: Tensor) -> Step:
    config, optimizer = learner.config, learner.optimizer
    rate = learning_rate(config, learner.step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
    full_from = 0 if learner.precision == "float32" else (1 - config.full_precision_share) * config.steps
    full = learner.step >= full_from
    loss: Any = 0.0  # from the first micro-batch on a tensor
    optimizer.zero_grad()
    with ieee_float32() if full else nullcontext():
        for first in range(learner.micro_batches):  # the whole batch, unless its gradient is accumulated
            part = slice(first, None, learner.micro_batches)
            with nullcontext() if full else _autocast(learner):
                output = learner.compiled(low[part])
            error = LOSSES[config.loss](output.float(), high[part]) / learner.micro_batches
            learner.scaler.scale(error).backward()
            loss += error.detach()
    learner.scaler.step(optimizer)
    learner.scaler.update()

    learner.step += 1
    _update_ema(learner)
    return Step(learner.step, loss, rate)


def _autocast(learner: Learner) -> AbstractContextManager[object]:
    """The reduced precision of the run. TF32 is no type of tensor, but what cuDNN does with float32 by itself."""
    if learner.precision == "tf32":
        return nullcontext()
    return torch.autocast(learner.device.type, getattr(torch, learner.precision))


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of a step (from 0): constant, or a warm-up and half a cosine down to zero."""
    if not config.cosine:
        return config.learning_rate
    # the optimizer's first statistics come from too few batches to be trusted
    warm_up = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warm_up * (1 + math.cos(math.pi * step / config.steps)) / 2


@torch.no_grad()
def _update_ema(learner: Learner) -> None:
    """Exponential average whose memory grows with the run: a fixed one would still remember the random start."""
    if not learner.config.ema_share:
        return
    weight = 1 / max(1.0, learner.config.ema_share * learner.step)
    for mean, value in zip(learner.ema.parameters(), learner.model.parameters(), strict=True):
        mean.lerp_(value, weight)


def resolve_precision(precision: str, device: torch.device) -> str:
    """The number format of the network's arithmetic on a device.

    Args:
        precision: ``"auto"``: bfloat16 on a CUDA GPU that has it, float16 on one that has not (a T4), float32
            elsewhere. ``"float32"`` is that everywhere, ``"tf32"`` the GPU's shorter one (float32 on a CPU), and
            ``"bfloat16"`` and ``"float16"`` are autocast.
        device: of the network.

    Raises:
        InputError: the precision is unknown.
    """
    if precision == "auto":
        if device.type != "cuda":
            return "float32"
        native = torch.cuda.is_bf16_supported(including_emulation=False)  # a T4 would only imitate bfloat16
        return "bfloat16" if native else "float16"
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown; it is one of {', '.join(PRECISIONS)}")
    return precision
