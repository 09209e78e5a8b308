"""Model: the paper's three convolutions, its sub-pixel variant, and the ways to start their weights.

The three stages keep the paper's names: patch extraction, non-linear mapping, reconstruction (section 3.1). Chapter 2.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srcnn.files import InputError

PADDINGS = ("valid", "replicate", "zeros")
INITIALIZATIONS = ("paper", "tutorial", "torch", "centered", "identity")
_MEAN = 0.45  # of the 91 training images' luma, about
_GAIN = 3  # of first filters that see no brightness: of 1 to 9 the best in short trainings, on validation photographs


class SRCNN(nn.Module):
    """Sharpens an image that was already enlarged to its final size (section 3.1 of the paper, equations 1 to 3).

    Args:
        kernels: the sides f1, f2, f3 of the three layers' filters, odd. (9, 1, 5) is the paper's network. More than
            three put further mapping layers before the last (chapter 13).
        widths: n1 and n2, the numbers of filters of all layers but the last.
        channels: c, of the image: 1 for luma, 3 for color.
        padding: what stands beyond the edge before each layer. ``"valid"``: nothing, and the output is smaller by
            ``border`` on each side (training); ``"replicate"``: the edge pixel again (the evaluation protocol);
            ``"zeros"``: black, which costs dB (chapter 8).
        out_channels: of the last layer, where it is not ``channels``.

    Raises:
        ValueError: a kernel is even or below 1, a width or ``channels`` is below 1, their numbers do not fit, or the
            padding is unknown.
    """

    scale: int | None = None  # any: the input has its final size already
    __call__: Callable[..., Tensor]  # what torch leaves open: calling a network gives a tensor

    def __init__(
        self,
        kernels: tuple[int, ...] = (9, 1, 5),
        widths: tuple[int, ...] = (64, 32),
        *,
        channels: int = 1,
        padding: str = "valid",
        out_channels: int | None = None,
    ) -> None:
        super().__init__()
        if len(kernels) < 3 or any(f < 1 or f % 2 == 0 for f in kernels):
            raise ValueError(f"three odd filter sizes expected, such as 9-1-5, got {'-'.join(map(str, kernels))}")
        if len(widths) != len(kernels) - 1 or min(*widths, channels) < 1:
            raise ValueError(
                f"{len(kernels) - 1} widths and the channels must be at least 1, got {tuple(widths)} and {channels}"
            )
        if padding not in PADDINGS:
            raise ValueError(f"padding {padding!r} is unknown; it is one of {', '.join(PADDINGS)}")
        self.kernels, self.widths, self.channels, self.padding = tuple(kernels), tuple(widths), channels, padding
        self.extraction = nn.Conv2d(channels, widths[0], kernels[0])  # patch extraction and representation
        self.mapping = nn.Conv2d(widths[0], widths[1], kernels[1])  # non-linear mapping
        further = zip(widths[1:-1], widths[2:], kernels[2:-1], strict=True)  # none in the paper's network
        self.further = nn.ModuleList(nn.Conv2d(*sizes) for sizes in further)
        self.reconstruction = nn.Conv2d(widths[-1], out_channels or channels, kernels[-1])

    @property
    def inference_padding(self) -> str:
        """The padding with which trained weights are used, ``"replicate"`` where they were trained with ``"valid"``.

        Repeating the edge keeps the image's size; zeros in its place cost decibels (chapter 8).
        """
        return "replicate" if self.padding == "valid" else self.padding

    @property
    def border(self) -> int:
        """Pixels that valid convolutions lose on each side, half the receptive field (6 for 9-1-5)."""
        return sum(f - 1 for f in self.kernels) // 2

    def forward(self, y: Tensor) -> Tensor:
        """Enlarged images ``(N, c, H, W)`` in 0..1 to sharper ones, smaller by ``border`` on each side where valid."""
        x = F.relu(self.extraction(self._pad(y, self.extraction)))  # (N, 64, H-8,  W-8) valid, (N, 64, H, W) padded
        for layer in (self.mapping, *self.further):
            x = F.relu(layer(self._pad(x, layer)))  # (N, 32, H-8,  W-8)
        x = self._pad(x, self.reconstruction)
        return conv2d_few_outputs(x, self.reconstruction)  # (N, 1,  H-12, W-12) = (N, 1, H-2b, W-2b)

    def _pad(self, x: Tensor, layer: nn.Conv2d) -> Tensor:
        side = layer.kernel_size[0] // 2
        if self.padding == "valid" or side == 0:
            return x
        return F.pad(x, [side] * 4, mode="replicate" if self.padding == "replicate" else "constant")


def conv2d_few_outputs(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """The layer's output for ``x``, faster on a CPU where the layer has at most three filters.

    A CPU's convolution computes 4, 8 or 16 filters at once, and would throw all but one away. A filter of f x f is the
    sum of its f rows, so each row becomes a filter of its own: f times as many results, which are shifted and added.

    Args:
        x: ``(N, C, H, W)``.
        layer: without padding.

    Returns:
        ``(N, filters, H-f+1, W-f+1)``.
    """
    filters, channels, f, _ = layer.weight.shape
    if filters > 3 or layer.bias is None or x.device.type != "cpu":
        output: Tensor = layer(x)
        return output
    rows = layer.weight.permute(2, 0, 1, 3).reshape(f * filters, channels, 1, f)
    each = F.conv2d(x, rows)  # (N, f * filters, H, W-f+1)
    height = x.shape[-2] - f + 1
    shifted = [each[:, k * filters : (k + 1) * filters, k : k + height] for k in range(f)]
    return sum(shifted) + layer.bias[:, None, None]


class SubPixelSRCNN(SRCNN):
    """The tutorial's variant: works on the small image and rearranges s^2 channels into pixels at the end.

    This is not the network of the paper: no bicubic enlargement comes first, and the last layer has
    ``scale**2`` times as many filters, which :func:`torch.nn.functional.pixel_shuffle` lays out as pixels. Chapter 14.

    Args:
        scale: s, 2, 3 or 4.
        kernels: as for :class:`SRCNN`.
        widths: as for :class:`SRCNN`.
        channels: as for :class:`SRCNN`.
        padding: ``"zeros"`` as in the tutorial, ``"replicate"`` or ``"valid"``.

    Raises:
        ValueError: as for :class:`SRCNN`, or a scale below 1.
    """

    scale: int

    def __init__(
        self,
        scale: int,
        kernels: tuple[int, ...] = (9, 1, 5),
        widths: tuple[int, ...] = (64, 32),
        *,
        channels: int = 1,
        padding: str = "zeros",
    ) -> None:
        if scale < 1:
            raise ValueError(f"the scale must be at least 1, got {scale}")
        super().__init__(kernels, widths, channels=channels, padding=padding, out_channels=channels * scale**2)
        self.scale = scale

    def forward(self, low: Tensor) -> Tensor:
        """Small images ``(N, c, H, W)`` in 0..1 to ``(N, c, sH, sW)``; with valid padding ``2*border*s`` less."""
        x = super().forward(low)  # (N, c*s*s, H, W)
        return F.pixel_shuffle(x, self.scale)  # (N, c, sH, sW)


def initialize(model: SRCNN, scheme: str, *, seed: int) -> SRCNN:
    """Draw all weights anew from a generator of their own, so that one seed means one network.

    Args:
        model: the network; changed in place.
        scheme: ``"paper"``: weights N(0, 0.001), biases 0; ``"tutorial"``:
            weights N(0, 0.01), biases 0, what the tutorial's text asks for and its code never does; ``"torch"``:
            PyTorch's own, uniform within 1 / sqrt(fan in), what the tutorial's code really starts from; ``"centered"``:
            the same, but with biases of the first layer that cancel what a flat patch of medium brightness gives. Else
            half of the filters are silent at first on nearly every patch, and some of them stay so; ``"identity"``:
            one path through the layers leaves the image as it is, and the last layer takes nothing else at first, so
            that SRCNN begins as bicubic interpolation. The other first filters are torch's, less their mean and three
            times as large, because a patch differs less from its mean than from black.
        seed: any whole number of 0 or more; the global generator of torch is neither read nor moved.

    Returns:
        The model.

    Raises:
        ValueError: the scheme is unknown.
        InputError: a layer has no room for the image beside anything else, which ``"identity"`` needs.
    """
    if scheme not in INITIALIZATIONS:
        raise ValueError(f"initialization {scheme!r} is unknown; it is one of {', '.join(INITIALIZATIONS)}")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (model.extraction, model.mapping, *model.further, model.reconstruction):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for values in (layer.weight, layer.bias):
                drawn = torch.empty(values.shape)  # on the CPU: the same numbers whatever device the model is on
                if scheme in ("torch", "centered", "identity"):
                    drawn.uniform_(-bound, bound, generator=generator)
                elif values is layer.bias:
                    drawn.zero_()
                else:
                    drawn.normal_(0, {"paper": 0.001, "tutorial": 0.01}[scheme], generator=generator)
                values.copy_(drawn)
        if scheme == "centered" and model.extraction.bias is not None:
            model.extraction.bias.sub_(_MEAN * model.extraction.weight.sum((1, 2, 3)))
        if scheme == "identity":
            _begin_as_identity(model)
    return model


def _begin_as_identity(model: SRCNN) -> None:
    """Give each channel of the image a path through the layers, and the last layer nothing else; see initialize."""
    first, last, channels = model.extraction, model.reconstruction, model.channels
    if min(model.widths) <= channels:
        raise InputError(f"initialization identity needs more than {channels} filters in each layer; give wider ones")
    if first.kernel_size[0] > 1:  # of one pixel nothing would be left
        first.weight.sub_(first.weight.mean((1, 2, 3), keepdim=True))
    first.weight.mul_(_GAIN)
    last.weight.zero_()
    for layer in (first, model.mapping, *model.further, last):
        if layer.bias is not None:  # the mapping's other biases stay: 0 would cost 0.02 dB in a short run
            layer.bias[: channels if layer not in (first, last) else None] = 0.0
        center = layer.kernel_size[0] // 2
        for filter_ in range(layer.out_channels if layer is last else channels):
            source = filter_ * channels // layer.out_channels if layer is last else filter_  # s^2 filters for each
            layer.weight[filter_] = 0.0
            layer.weight[filter_, source, center, center] = 1.0
