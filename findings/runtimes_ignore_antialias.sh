#!/usr/bin/env bash
# Guess: a runtime that reads an ONNX Resize either does what its attributes say or refuses the model.
# Seen with OpenVINO 2026.4.1 and OpenCV 5.0.0 (dnn): both read antialias=1 (opset 18) without a word and leave it out, so a
# downsampling by 2 gives what antialias=0 gives, and aliases. OpenVINO leaves out exclude_outside=1 in the same way, which
# changes the border. ONNX Runtime 1.32.0 and onnx's own reference do both, and agree with Pillow. A model that makes its
# low-resolution input itself has another input, and another PSNR, in each runtime.
#
# Output seen (the largest difference from Pillow's bicubic, of a value range of 1, image of noise):
#   antialias=1, exclude_outside=1: onnxruntime 0.0000, reference 0.0000, openvino 0.2876, opencv 0.2876
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "onnx==1.23.2" "onnxruntime==1.32.0" \
    "openvino==2026.4.1" "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "numpy==2.4.6"
cat >"$folder/resize.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from PIL import Image

image = np.random.default_rng(0).random((1, 1, 24, 30)).astype(np.float32)
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def model(antialias: int, exclude: int, scale: float) -> object:
    shapes = [1, 1, 24, 30], [1, 1, int(24 * scale), int(30 * scale)]
    ends = [helper.make_tensor_value_info(*each) for each in zip("xy", [TensorProto.FLOAT] * 2, shapes)]
    scales = helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, scale, scale])
    said = {"mode": "cubic", "cubic_coeff_a": -0.5, "coordinate_transformation_mode": "half_pixel"}
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], antialias=antialias, exclude_outside=exclude, **said)
    graph = helper.make_graph([node], "resize", ends[:1], ends[1:], [scales])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def opencv(made: object) -> np.ndarray:
    network = cv2.dnn.readNetFromONNX(np.frombuffer(made.SerializeToString(), np.uint8))
    network.setInput(image, "x")
    return network.forward()


def in_openvino(made: object) -> np.ndarray:
    core = openvino.Core()
    return core.compile_model(core.read_model(made.SerializeToString()), "CPU", EXACT)(image)[0]


RUNTIMES = {
    "onnxruntime": lambda made: onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": image})[0],
    "reference": lambda made: ReferenceEvaluator(made).run(None, {"x": image})[0],
    "openvino": in_openvino,
    "opencv": opencv,
}


def differ(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(np.squeeze(one) - np.squeeze(other)).max())


print("OpenVINO", openvino.__version__, "OpenCV", cv2.__version__)
half = np.asarray(Image.fromarray(image[0, 0]).resize((15, 12), Image.Resampling.BICUBIC))
seen = {name: differ(run(model(1, 1, 0.5)), half) for name, run in RUNTIMES.items()}
print("antialias=1, exclude_outside=1:", ", ".join(f"{name} {error:.4f}" for name, error in seen.items()))
assert seen["onnxruntime"] < 1e-5 > seen["reference"]
assert min(seen["openvino"], seen["opencv"]) > 0.1
for name, run in RUNTIMES.items():
    without = differ(run(model(1, 0, 0.5)), run(model(0, 0, 0.5)))
    assert (without < 1e-6) is (name in ("openvino", "opencv")), (name, without)
    border = differ(run(model(0, 1, 2.0)), run(model(0, 0, 2.0)))
    print(f"{name}: antialias changes {without:.4f}, exclude_outside {border:.4f}")
    if name != "opencv":
        assert (border < 1e-6) is (name == "openvino"), (name, border)
PYTHON
"$folder/env/bin/python" "$folder/resize.py"
echo "as described"
