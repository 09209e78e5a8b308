"""Many networks of one architecture trained in one batch, each from its own seed on its own crops, a part of "gpu".

One SRCNN is too small for a GPU. K of them side by side are one network with K times the channels, whose convolutions
have K groups that know nothing of each other; or K matrix products of the patches. Either way the optimizer and the
average work number by number, so that each network becomes what it would have become alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srcnn.color import luma, quantize
from srcnn.files import InputError
from srcnn.metrics import psnr
from srcnn.model import SRCNN
from srcnn.pairs import RandomCrops
from srcnn.recipes import TrainConfig
from srcnn.reproduce.gpu_graph import GraphTrainer
from srcnn.resize import enlarge, modcrop, shrink
from srcnn.training import Learner, make_model

FORMS = ("grouped", "matmul")


class ManySRCNN(SRCNN):
    """K networks of one architecture as one, whose layers have the names of :class:`~srcnn.model.SRCNN`.

    Args:
        networks: the K; their weights are copied.
        form: ``"grouped"``, convolutions with K groups, or ``"matmul"``, matrix products of their patches.

    Attributes:
        count: K.
    """

    def __init__(self, networks: Sequence[SRCNN], *, form: str = "grouped") -> None:
        first = networks[0]
        super().__init__(first.kernels, first.widths, channels=first.channels, padding=first.padding)
        self.count, self.form = len(networks), form
        for name, layer in list(self.named_modules()):
            if isinstance(layer, nn.Conv2d):
                parent, _, own = name.rpartition(".")
                layers = [network.get_submodule(name) for network in networks]
                setattr(self.get_submodule(parent), own, _side_by_side(layer, layers))

    def forward(self, y: Tensor) -> Tensor:
        """Inputs ``(N, K*c, H, W)``, network after network, to outputs ``(N, K*c, H', W')``."""
        convolve = _by_matmul if self.form == "matmul" else nn.Conv2d.forward
        layers = (self.extraction, self.mapping, *self.further)
        for layer in layers:
            y = F.relu(convolve(layer, self._pad(y, layer)))
        return convolve(self.reconstruction, self._pad(y, self.reconstruction))

    def network(self, number: int) -> SRCNN:
        """One of the K, on its own."""
        alone = SRCNN(self.kernels, self.widths, channels=self.channels, padding=self.padding)
        for name, value in alone.state_dict().items():
            value.copy_(self.get_parameter(name).detach().unflatten(0, (self.count, -1))[number])
        return alone


def _side_by_side(like: nn.Conv2d, layers: Sequence[nn.Module]) -> nn.Conv2d:
    count, states = len(layers), [layer.state_dict() for layer in layers]
    many = nn.Conv2d(count * like.in_channels, count * like.out_channels, like.kernel_size[0], groups=count)
    many.load_state_dict({name: torch.cat([state[name] for state in states]) for name in ("weight", "bias")})
    return many


def _by_matmul(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """What a layer with K groups makes of ``(N, K*c, H, W)``, by K matrix products."""
    side, count = layer.kernel_size[0], layer.groups
    height, width = x.shape[-2] - side + 1, x.shape[-1] - side + 1
    patches = x.flatten(2) if side == 1 else F.unfold(x, side)  # (N, K*c*f*f, places)
    patches = patches.unflatten(1, (count, -1))  # (N, K, c*f*f, places)
    filters = layer.weight.flatten(1).unflatten(0, (count, -1))  # (K, filters, c*f*f)
    assert layer.bias is not None  # a network's layers have one
    made = torch.matmul(filters, patches) + layer.bias.unflatten(0, (count, -1))[..., None]
    image: Tensor = made.flatten(1, 2).unflatten(2, (height, width))
    return image


class ManyCrops:
    """The batches of K networks, network after network in the channels; each sees what it would see alone.

    Args:
        crops: of any seed.
        seeds: of the K networks.
    """

    def __init__(self, crops: RandomCrops, seeds: Sequence[int]) -> None:
        self._crops, self._seeds = crops, tuple(seeds)

    def choose(self, step: int) -> Tensor:
        """Which crops a step takes, ``(4, K*N)``."""
        return self._crops.choose(step, self._seeds)

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The crops, ``(N, K*c, size, size)``, and their targets."""
        low, high = self._crops.gather(chosen)
        return self._in_channels(low), self._in_channels(high)

    def _in_channels(self, crops: Tensor) -> Tensor:
        joined: Tensor = crops.unflatten(0, (len(self._seeds), -1)).transpose(0, 1).flatten(1, 2)
        return joined


def many_trainer(
    config: TrainConfig,
    crops: RandomCrops,
    seeds: Sequence[int],
    *,
    device: torch.device | str = "cpu",
    form: str = "grouped",
    channels_last: bool = False,
) -> GraphTrainer:
    """A trainer of K networks of one configuration but for their seeds.

    Args:
        config: of each of them, with Adam or SGD.
        crops: of its data, on the device.
        seeds: of weights and crops, one a network.
        device: where it trains.
        form: see :class:`ManySRCNN`.
        channels_last: whether all channels of a pixel lie together in memory.

    Returns:
        The trainer; its loss is the sum of the networks' losses, and its learner's ``final`` the
        :class:`ManySRCNN`.

    Raises:
        InputError: the optimizer mixes the networks, or the form or the architecture is another.
    """
    if config.optimizer not in ("adam", "sgd"):
        raise InputError(f"{config.optimizer} would mix networks that are trained side by side; give adam or sgd")
    if form not in FORMS or config.architecture == "subpixel":
        raise InputError(f"many networks are {' or '.join(FORMS)}, of an architecture such as 9-1-5")
    networks = [make_model(replace(config, seed=seed)) for seed in seeds]
    learner = Learner(ManySRCNN(networks, form=form), config, device)
    if not channels_last:
        for model in (learner.model, learner.ema):
            model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # torch's types lack it
    return GraphTrainer(learner, ManyCrops(crops, seeds), networks=len(seeds))


@torch.inference_mode()
def psnr_of_each(many: ManySRCNN, images: Iterable[tuple[str, Tensor]], *, scale: int, chunk: int = 8) -> list[float]:
    """The mean PSNR of each network on a set, by the protocol of :mod:`srcnn.evaluation`.

    Args:
        many: on any device.
        images: name and original, ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        chunk: networks that compute at once.

    Returns:
        dB, in the order of the networks.
    """
    pairs = [(enlarge(shrink(target, scale), scale), target) for target in _targets(images, scale)]
    device, means = many.extraction.weight.device, []
    for first in range(0, many.count, chunk):
        numbers = range(first, min(first + chunk, many.count))
        few = ManySRCNN([many.network(number) for number in numbers]).to(device)
        few.padding = many.inference_padding
        scores = torch.zeros(len(numbers), len(pairs), dtype=torch.double)
        for column, (low, target) in enumerate(pairs):
            outputs = few(low[None].to(device).expand(-1, len(numbers), -1, -1))[0].cpu()
            for row, output in enumerate(outputs):
                scores[row, column] = psnr(quantize(output[None]), target, peak=1, shave=scale)
        means += scores.mean(1).tolist()
    return means


def _targets(images: Iterable[tuple[str, Tensor]], scale: int) -> Iterator[Tensor]:
    for _, image in images:
        yield modcrop(luma(image), scale)
