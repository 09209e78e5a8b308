"""ONNX: a network as a file for other runtimes, with the bicubic interpolation that comes before it inside. Chapter 16.

What runs the file needs no Python: it is given a low-resolution image and answers with the large one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from srcnn.files import InputError
from srcnn.model import SRCNN

if TYPE_CHECKING:
    import onnx

_OPSET, _IR = 17, 8  # of 2022; every runtime of today reads them
_MARGIN = 4  # low-resolution pixels that the interpolation looks at beyond the image, with room to spare


def onnx_model(model: SRCNN, *, scale: int) -> "onnx.ModelProto":
    """The model as ONNX: ``low`` ``(N, C, h, w)`` to ``high`` ``(N, C, s*h, s*w)``, both float32 in 0..1, not clipped.

    SRCNN's bicubic interpolation (a = -0.5, the image mirrored at its border, as :func:`srcnn.resize.enlarge`) is part
    of it; so is the padding of evaluation. One channel is studio-range luma, three are RGB.

    Args:
        model: SRCNN or the sub-pixel variant.
        scale: s, 2, 3 or 4; of the sub-pixel variant its own.

    Raises:
        InputError: the package ``onnx`` is not installed, or the scale is another than the network's.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ModuleNotFoundError:
        raise InputError("ONNX files need the package onnx: pip install onnx") from None
    if model.scale not in (None, scale):
        raise InputError(f"this network enlarges by {model.scale}, not by {scale}")
    graph = _Graph(channels=model.channels)
    if model.scale is None:
        graph.enlarge(scale)
    layers = (model.extraction, model.mapping, *model.further, model.reconstruction)
    mode = {"valid": None, "replicate": "edge", "zeros": "constant"}[model.inference_padding]
    for layer in layers:
        side = layer.kernel_size[0] // 2
        if side and mode:
            graph.add("Pad", [0, 0, side, side] * 2, mode=mode)
        weights = [values.detach().cpu().float().contiguous().numpy() for values in (layer.weight, layer.bias)]
        graph.add("Conv", *weights)
        if layer is not model.reconstruction:
            graph.add("Relu")
    if model.scale is not None:
        graph.add("DepthToSpace", blocksize=scale, mode="CRD")
    graph.add("Identity", output="high")
    sizes = {"low": ("height", "width"), "high": (f"{scale}*height", f"{scale}*width")}
    low, high = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", model.channels, *size])
        for name, size in sizes.items()
    )
    made = helper.make_model(
        helper.make_graph(graph.nodes, "srcnn", [low], [high], graph.constants),
        producer_name="srcnn",
        ir_version=_IR,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    colors = "luma of 16/255 to 235/255 (ITU-R BT.601)" if model.channels == 1 else "RGB of 0 to 1"
    made.doc_string = f"{type(model).__name__}, enlarges by {scale}; low and high are {colors}; high is not clipped"
    checker.check_model(made, full_check=True)
    return made


class _Graph:
    """Nodes one after the other: each takes the last one's output first."""

    def __init__(self, *, channels: int) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "low"
        self.channels = channels

    def add(self, kind: str, *further: np.ndarray | Sequence[float] | str, output: str = "", **options: Any) -> str:
        """A node with further inputs: arrays and lists of numbers become constants, a name is another node's output."""
        from onnx import helper, numpy_helper

        names: list[Any] = []
        for value in further:
            if isinstance(value, list):
                value = np.array(value, np.float32 if any(isinstance(each, float) for each in value) else np.int64)
            if isinstance(value, np.ndarray):
                self.constants.append(numpy_helper.from_array(value, f"constant{len(self.constants)}"))
                value = self.constants[-1].name
            names.append(value)
        output = output or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.last, *names], [output], **options))
        self.last = output
        return output

    def enlarge(self, scale: int) -> None:
        """Bicubic interpolation of an image that is mirrored beyond its border, the border pixel twice."""
        for axis in (2, 3):
            image = self.last
            before = self.add("Slice", [_MARGIN - 1], [-(2**31)], [axis], [-1])
            self.last = image
            behind = self.add("Slice", [-1], [-_MARGIN - 1], [axis], [-1])
            self.last = before
            self.add("Concat", image, behind, axis=axis)
        options: dict[str, Any] = {
            "mode": "cubic",
            "cubic_coeff_a": -0.5,
            "coordinate_transformation_mode": "half_pixel",
        }
        self.add("Resize", "", [1.0, 1.0, float(scale), float(scale)], **options)
        margin = _MARGIN * scale
        self.add("Slice", [margin, margin], [-margin, -margin], [2, 3])
