"""Model: the paper's three convolutions, its sub-pixel variant, and the ways to start their weights.

The three stages keep the paper's names: patch extraction, non-linear mapping, reconstruction (section 3.1). Chapter 7.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PADDINGS = ("valid", "replicate", "zeros")
INITIALISATIONS = ("paper", "tutorial", "torch")


class SRCNN(nn.Module):
    """Sharpens an image that was already enlarged to its final size (section 3.1 of the paper, equations 1 to 3).

    Args:
        kernels: the sides f1, f2, f3 of the three layers' filters, odd. (9, 1, 5) is the paper's network.
        widths: n1 and n2, the numbers of filters of the first two layers.
        channels: c, of the image: 1 for luma, 3 for colour.
        padding: what stands beyond the edge before each layer. ``"valid"``: nothing, and the output is smaller by
            ``border`` on each side (training); ``"replicate"``: the edge pixel again (the evaluation protocol);
            ``"zeros"``: black, which costs dB (chapter 7).
        out_channels: of the last layer, where it is not ``channels``.

    Raises:
        ValueError: a kernel is even or below 1, a width or ``channels`` is below 1, or the padding is unknown.
    """

    scale: int | None = None  # any: the input has its final size already

    def __init__(
        self,
        kernels: tuple[int, int, int] = (9, 1, 5),
        widths: tuple[int, int] = (64, 32),
        *,
        channels: int = 1,
        padding: str = "valid",
        out_channels: int | None = None,
    ) -> None:
        super().__init__()
        if len(kernels) != 3 or any(f < 1 or f % 2 == 0 for f in kernels):
            raise ValueError(f"three odd filter sizes expected, such as 9-1-5, got {'-'.join(map(str, kernels))}")
        if len(widths) != 2 or min(*widths, channels) < 1:
            raise ValueError(f"two widths and the channels must be at least 1, got {tuple(widths)} and {channels}")
        if padding not in PADDINGS:
            raise ValueError(f"padding {padding!r} is unknown; it is one of {', '.join(PADDINGS)}")
        (f1, f2, f3), (n1, n2) = kernels, widths
        self.kernels, self.widths, self.channels, self.padding = tuple(kernels), tuple(widths), channels, padding
        self.extraction = nn.Conv2d(channels, n1, f1)  # patch extraction and representation
        self.mapping = nn.Conv2d(n1, n2, f2)  # non-linear mapping
        self.reconstruction = nn.Conv2d(n2, out_channels or channels, f3)

    @property
    def border(self) -> int:
        """Pixels that valid convolutions lose on each side, half the receptive field (6 for 9-1-5)."""
        return sum(f - 1 for f in self.kernels) // 2

    def forward(self, y: Tensor) -> Tensor:
        """Enlarged images ``(N, c, H, W)`` in 0..1 to sharper ones; with ``b = border``, for 9-1-5 and c = 1:"""
        x = F.relu(self.extraction(self._pad(y, 0)))  # (N, 64, H-8,  W-8) valid, (N, 64, H, W) padded
        x = F.relu(self.mapping(self._pad(x, 1)))  # (N, 32, H-8,  W-8)
        return self.reconstruction(self._pad(x, 2))  # (N, 1,  H-12, W-12) = (N, 1, H-2b, W-2b)

    def _pad(self, x: Tensor, layer: int) -> Tensor:
        side = self.kernels[layer] // 2
        if self.padding == "valid" or side == 0:
            return x
        return F.pad(x, [side] * 4, mode="replicate" if self.padding == "replicate" else "constant")


class SubPixelSRCNN(SRCNN):
    """The tutorial's variant: works on the small image and rearranges s^2 channels into pixels at the end.

    This is not the network of the paper: no bicubic enlargement comes first, and the last layer has
    ``scale**2`` times as many filters, which :func:`torch.nn.functional.pixel_shuffle` lays out as pixels. Chapter 7.

    Args:
        scale: s, 2, 3 or 4.
        kernels: as for :class:`SRCNN`.
        widths: as for :class:`SRCNN`.
        channels: as for :class:`SRCNN`.
        padding: ``"zeros"`` as in the tutorial, ``"replicate"`` or ``"valid"``.

    Raises:
        ValueError: as for :class:`SRCNN`, or a scale below 1.
    """

    def __init__(
        self,
        scale: int,
        kernels: tuple[int, int, int] = (9, 1, 5),
        widths: tuple[int, int] = (64, 32),
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


def initialise(model: SRCNN, scheme: str, *, seed: int) -> SRCNN:
    """Draw all weights anew from a generator of their own, so that one seed means one network.

    Args:
        model: the network; changed in place.
        scheme: ``"paper"``: weights N(0, 0.001), biases 0; ``"tutorial"``:
            weights N(0, 0.01), biases 0, what the tutorial's text asks for and its code never does; ``"torch"``:
            PyTorch's own, uniform within 1 / sqrt(fan in), what the tutorial's code really starts from.
        seed: any whole number of 0 or more; the global generator of torch is neither read nor moved.

    Returns:
        The model.

    Raises:
        ValueError: the scheme is unknown.
    """
    if scheme not in INITIALISATIONS:
        raise ValueError(f"initialisation {scheme!r} is unknown; it is one of {', '.join(INITIALISATIONS)}")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (model.extraction, model.mapping, model.reconstruction):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for values in (layer.weight, layer.bias):
                drawn = torch.empty(values.shape)  # on the CPU: the same numbers whatever device the model is on
                if scheme == "torch":
                    drawn.uniform_(-bound, bound, generator=generator)
                elif values is layer.bias:
                    drawn.zero_()
                else:
                    drawn.normal_(0, {"paper": 0.001, "tutorial": 0.01}[scheme], generator=generator)
                values.copy_(drawn)
    return model
