"""The whole training step as one CUDA graph: gather, forward, backward, optimizer and average, a part of "gpu".

Launching the many small kernels of a step takes the processor longer than the GPU takes to run them. A graph records
them once and launches all of them at once. What a step depends on must then be tensors at fixed addresses: the choices
of the crops, the learning rate and the average's weight of the next hundred steps are put there at once, and a counter
on the device says which of them is meant. On a CPU the same step runs without a graph, which is how it is tested.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from srcnn.evaluation import ieee_float32
from srcnn.files import InputError
from srcnn.training import LOSSES, Learner, learning_rate

_WARM_UP = 3  # steps before the capture, which let the optimizer make its state and the libraries their workspaces


@contextlib.contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Within it, the network computes in this precision; float32 means float32.

    Raises:
        InputError: the precision is not among those that need no scaled gradients.
    """
    if precision == "bfloat16":
        # without its cache, which would hand tensors of one graph to another
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            yield
    elif precision in ("float32", "tf32"):
        with _float32(precision):
            yield
    else:
        raise InputError(f"a graph of a step cannot compute in {precision}; it can in float32, tf32 and bfloat16")


@contextlib.contextmanager
def _float32(precision: str) -> Iterator[None]:
    """How float32 is computed within it, gradients too: as it is, or in TF32, which cuDNN takes by itself."""
    if precision == "float32":
        with ieee_float32():
            yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def convolution_arithmetic(precision: str, device: torch.device) -> str:
    """What the convolutions of a precision are computed in, for float32 as cuDNN's own switch has it."""
    if precision in ("bfloat16", "float16"):
        return precision
    with arithmetic(precision, device):
        try:
            return "tf32" if torch.backends.cudnn.allow_tf32 else "ieee float32"
        except RuntimeError:  # the newer switch was used, and the old one cannot be read any more
            switches: Any = torch.backends.cudnn  # its newer ones are made when it is imported
            newer = str(switches.conv.fp32_precision)
            return {"ieee": "ieee float32"}.get(newer, newer)


class Gathered(Protocol):
    """Batches whose choice is one thing and whose pixels are another, so that a graph can hold the second."""

    def choose(self, step: int) -> Tensor:
        """What a step takes, numbers that :meth:`gather` understands."""

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Its inputs and targets."""


class GraphTrainer:
    """Trains a learner as :func:`srcnn.training.train` does, with one launch a step on CUDA.

    Args:
        learner: the state; changed in place. Its optimizer's learning rates become tensors.
        batches: on the learner's device, with ``choose`` and ``gather``.
        block: steps whose choices are drawn ahead and copied at once.
        networks: how many the model holds side by side; see :mod:`srcnn.reproduce.many`.

    Raises:
        InputError: the precision needs scaled gradients, or the gradient is accumulated.

    Attributes:
        loss: of the last step's batch, 0-dimensional, on the device.
        graphs: whether the step is computed in float32 -> its graph; empty on a CPU.
    """

    def __init__(self, learner: Learner, batches: Gathered, *, block: int = 100, networks: int = 1) -> None:
        config, device = learner.config, learner.device
        with arithmetic(learner.precision, device):  # refuses what a graph cannot do
            pass
        if learner.micro_batches > 1:
            raise InputError("a graph of a step cannot accumulate gradients; leave out micro_batches")
        self.learner, self.batches = learner, batches
        self._block, self._networks, self._warm = block, networks, 0
        full = learner.precision == "float32"
        self._full_from = 0 if full else (1 - config.full_precision_share) * config.steps
        self.graphs: dict[bool, torch.cuda.CUDAGraph] = {}
        self.optimizer: Any = _with_tensor_rates(learner.optimizer, device)
        learner.optimizer = self.optimizer
        self._soap = config.optimizer == "soap"
        self._choices = torch.zeros(block, *batches.choose(0).shape, dtype=torch.long, device=device)
        self._numbers = torch.zeros(block, 2, device=device)  # of each step: learning rate, the average's weight
        self._at = torch.zeros(1, dtype=torch.long, device=device)  # which of the block's steps is next
        self._filled: range = range(0)
        self.loss = torch.zeros((), device=device)
        learner.model.train()

    def advance(self, steps: int) -> Tensor:
        """Do so many steps, or as many as are left; nothing waits for the device.

        Returns:
            The last loss, a tensor that the next step overwrites.
        """
        learner = self.learner
        for _ in range(min(steps, learner.config.steps - learner.step)):
            if learner.step not in self._filled:
                self._fill()
            self._launch(learner.step >= self._full_from)
            learner.step += 1
            if self._soap:
                self.optimizer.refresh(learner.step)
        return self.loss

    def _fill(self) -> None:
        """Put on the device what the next steps depend on, all in one copy that nobody waits for."""
        config, first = self.learner.config, self.learner.step
        self._filled = range(first, min(first + self._block, config.steps))
        chosen = torch.stack([self.batches.choose(step) for step in self._filled])
        numbers = torch.tensor([self._of_step(step) for step in self._filled])
        for target, values in ((self._choices, chosen), (self._numbers, numbers)):
            if self.learner.device.type == "cuda":
                values = values.pin_memory()  # from other memory the copy would wait until the queue is empty
            target[: len(values)].copy_(values, non_blocking=True)
        self._at.zero_()

    def _of_step(self, step: int) -> tuple[float, float]:
        """The learning rate, with SOAP's correction of its young averages, and the weight of the average."""
        config = self.learner.config
        rate, share = learning_rate(config, step), config.ema_share
        if self._soap:
            first, second = self.optimizer.defaults["betas"]
            rate *= math.sqrt(1 - second**step) / (1 - first**step) if step else 0.0
        return rate, 1 / max(1.0, share * (step + 1))

    def _launch(self, full: bool) -> None:
        """One step: by itself on a CPU and while it warms up, later as a graph."""
        if self.learner.device.type != "cuda":
            self._step(full)
            return
        if self._warm < _WARM_UP:
            self._warm += 1
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):  # as torch's manual asks of what will be captured
                self._step(full)
            here.wait_stream(aside)
            return
        if full not in self.graphs:
            self.optimizer.zero_grad(set_to_none=True)  # the graph makes gradients in its own memory
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._step(full)
            self.graphs[full] = graph
        self.graphs[full].replay()

    def _step(self, full: bool) -> None:
        """Everything that a step does on the device."""
        learner, config, optimizer = self.learner, self.learner.config, self.optimizer
        rate, weight = self._numbers.index_select(0, self._at)[0]
        for group in optimizer.param_groups:
            group["lr"].copy_(rate * group["factor"])
        low, high = self.batches.gather(self._choices.index_select(0, self._at)[0])
        optimizer.zero_grad(set_to_none=True)
        precision = "float32" if full else learner.precision
        with _float32(precision):  # for the gradients as well; autocast is for the network alone
            with arithmetic(precision, learner.device):
                output = learner.model(low)
            # the mean over several networks' pixels would make each one's gradient smaller
            error = LOSSES[config.loss](output.float(), high) * self._networks
            error.backward()
        optimizer.step()
        with torch.no_grad():
            self.loss.copy_(error)
            if config.ema_share:
                means: list[Tensor] = list(learner.ema.parameters())
                values: list[Tensor] = list(learner.model.parameters())
                change = torch._foreach_sub(values, means)
                torch._foreach_mul_(change, weight)
                torch._foreach_add_(means, change)
            self._at.add_(1)


def _with_tensor_rates(optimizer: torch.optim.Optimizer, device: torch.device) -> torch.optim.Optimizer:
    """The optimizer as a graph can hold it: its learning rates are tensors, its counters are on the device."""
    if type(optimizer).__name__ == "SOAP":
        groups = [{name: group[name] for name in ("params", "factor")} for group in optimizer.param_groups]
        optimizer = _graph_soap()(groups, **optimizer.defaults)
    for group in optimizer.param_groups:
        group["lr"] = torch.zeros((), device=device)
        if "capturable" in group:
            group["capturable"] = device.type == "cuda"
    return optimizer


def _graph_soap() -> type[torch.optim.Optimizer]:
    """SOAP in two halves: a step whose kernels are the same every time, and the refresh of its eigenbases beside it."""
    from pytorch_optimizer import SOAP  # as in srcnn.training: its import costs seconds

    class GraphSoap(SOAP):
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                begun = all(parameter in self.state for parameter in group["params"])
                self.init_group(group)
                if begun:  # the first step makes the bases and changes no weight
                    for parameter in group["params"]:
                        self._update(parameter, group)

        def _update(self, parameter: Any, group: dict[str, Any]) -> None:
            grad, state, (first, second) = parameter.grad, self.state[parameter], group["betas"]
            state["exp_avg"].lerp_(grad, weight=1 - first)
            state["exp_avg_sq"].lerp_(self.project(grad, state).square(), weight=1 - second)
            projected = self.project(state["exp_avg"], state) / state["exp_avg_sq"].sqrt().add_(group["eps"])
            # the group's rate has the correction of young averages in it
            parameter.sub_(self.project(projected, state, project_type="backward") * group["lr"])
            self.update_pre_conditioner(grad, state, step=0)  # 0: without its own refresh

        @torch.no_grad()
        def refresh(self, done: int) -> None:
            """Turn the eigenbases to the newest statistics, after every tenth step; in place, where the graph looks."""
            for group in self.param_groups:
                if done < 2 or (done - 1) % group["precondition_frequency"]:
                    continue
                for state in (self.state[parameter] for parameter in group["params"]):
                    squares = state["exp_avg_sq"]
                    for basis, turned in zip(state["Q"], self.get_orthogonal_matrix_qr(state), strict=True):
                        if len(basis):
                            basis.copy_(turned)
                    state["exp_avg_sq"] = squares.copy_(state["exp_avg_sq"])  # its columns come in a new order

    return GraphSoap
