#!/usr/bin/env bash
# Guess: ONNX Runtime's cubic Resize is as exact at the right end of a wide image as at the left one; in float32 its error
# stays near 1e-7 of the value range everywhere.
# Seen with 1.32.0 on the CPU: at x2 and x4 it is. At x3 and x5 the error grows in proportion to the distance from the
# left edge: of 255 levels 0.0002 near it, 0.006 at a width of 1,024 pixels, 0.05 at 8,192 and 0.4 at 65,536. The place of
# a sample is computed in float32, where a third has no exact value, and its error is that of the interpolation's
# weights. So a model that carries its own x3 interpolation should be given a wide image in tiles.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
cat >"$folder/drift.py" <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def keys(t: np.ndarray, a: float = -0.5) -> np.ndarray:
    t = np.abs(t)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t < 1, near, np.where(t < 2, far, 0.0))


def model(scale: int) -> bytes:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None]) for name in "xy"]
    scales = helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, 1, scale])
    node = helper.make_node(
        "Resize", ["x", "", "s"], ["y"], mode="cubic", cubic_coeff_a=-0.5, coordinate_transformation_mode="half_pixel"
    )
    graph = helper.make_graph([node], "resize", ends[:1], ends[1:], [scales])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return made.SerializeToString()


def worst(scale: int, width: int) -> float:
    """The largest error in levels of 255, against the same formula in float64, a few pixels from the edges."""
    row = np.random.default_rng(0).random((1, 1, 4, width)).astype(np.float32)
    session = onnxruntime.InferenceSession(model(scale), providers=["CPUExecutionProvider"])
    got = session.run(None, {"x": row})[0][0, 0, 0]
    place = (np.arange(width * scale) + 0.5) / scale - 0.5
    left = np.floor(place).astype(int)
    taps = [(left + k, keys(place - (left + k))) for k in range(-1, 3)]
    exact = sum(w * row[0, 0, 0].astype(np.float64)[np.clip(i, 0, width - 1)] for i, w in taps)
    return 255 * float(np.abs(got - exact)[8:-8].max())


seen = {scale: [worst(scale, width) for width in (1024, 8192, 65536)] for scale in (2, 3, 4, 5)}
print("onnxruntime", onnxruntime.__version__, {s: [f"{e:.4f}" for e in errors] for s, errors in seen.items()})
for scale in (2, 4):
    assert max(seen[scale]) < 0.0002
for scale in (3, 5):
    narrow, wide, widest = seen[scale]
    assert 0.003 < narrow < 0.02 < 0.03 < wide < 0.1 < 0.2 < widest < 1
PYTHON
"$folder/env/bin/python" "$folder/drift.py"
