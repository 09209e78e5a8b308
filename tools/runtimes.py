"""Measure other runtimes beside the package on the same network: ``python tools/runtimes.py``.

It needs ``pip install onnx onnxruntime openvino ncnn``. Each runtime makes of the same luma of one megapixel what the
package makes of it at x2 and x3, in tiles of the size that suits it best, in turns, each in a process of its own. The
bicubic interpolation is inside the model; only ncnn is given its result, before the clock starts. Seconds a megapixel
of the result, bytes beyond the pictures and the largest difference in levels go into data/results/runtimes.json.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import torch

from srcnn import pretrained, results
from srcnn.color import luma
from srcnn.evaluation import upscaler
from srcnn.images import to_float
from srcnn.reproduce.upscaling import memory, tiled_sample

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "data" / "results" / "runtimes.json"
RUNTIMES = {"srcnn": "torch", "onnxruntime": "onnxruntime", "openvino": "openvino", "ncnn": "ncnn"}
TILES = (128, 256, 512, 1024)  # low-resolution pixels a side; the package chooses its own
SIDE, MARGIN = 1_000, 10  # of the picture; what a tile needs beside it: 4 of the interpolation, 6 of the network

Run = Callable[[np.ndarray], np.ndarray]  # (1, 1, h, w) to (1, 1, s*h, s*w)


def by_onnxruntime(model: Path, threads: int, _shape: tuple[int, int]) -> Run:
    """ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda low: session.run(None, {"low": low})[0]


def by_openvino(model: Path, threads: int, shape: tuple[int, int]) -> Run:
    """OpenVINO, which wants to know the size."""
    import openvino

    core = openvino.Core()
    read = core.read_model(model)
    read.reshape([1, 1, *shape])
    options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(read, "CPU", options)
    return lambda low: compiled(low)[0]


def by_ncnn(model: Path, threads: int, _shape: tuple[int, int]) -> Run:
    """ncnn, which is given the enlarged luma; its files stand beside the ONNX model."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_bf16_storage = False
    net.load_param(str(model.with_suffix(".param")))
    net.load_model(str(model.with_suffix(".bin")))

    def run(low: np.ndarray) -> np.ndarray:
        with net.create_extractor() as extractor:
            extractor.input("low", ncnn.Mat(low[0]))
            return np.array(extractor.extract("high")[1])[None]

    return run


def ncnn_files(weights: str, model: Path) -> None:
    """The network in ncnn's own format: three convolutions with their edges repeated."""
    network = pretrained.load(weights).model
    layers = (network.extraction, network.mapping, network.reconstruction)
    lines, blob, content = ["Input low 0 1 low"], "low", b""
    for n, layer in enumerate(layers):
        side, output = layer.kernel_size[0] // 2, "high" if n == 2 else f"out{n}"
        if side:
            lines.append(f"Padding pad{n} 1 1 {blob} pad{n} 0={side} 1={side} 2={side} 3={side} 4=1")
            blob = f"pad{n}"
        size = f"0={layer.out_channels} 1={layer.kernel_size[0]} 5=1 6={layer.weight.numel()}"
        lines.append(f"Convolution conv{n} 1 1 {blob} {output} {size} 9={int(n < 2)}")
        values = (layer.weight.detach().numpy().tobytes(), layer.bias.detach().numpy().tobytes())
        content += bytes(4) + values[0] + values[1]
        blob = output
    model.with_suffix(".param").write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n")
    model.with_suffix(".bin").write_bytes(content)


def once(runtime: str, scale: int, tile: int, threads: int, model: Path, output: Path) -> dict:
    """Seconds a megapixel and bytes beyond the two pictures, after a first small picture."""
    torch.set_num_threads(threads)
    low = luma(to_float(tiled_sample(SIDE, SIDE).pixels))
    work = upscaler(pretrained.load(f"srcnn-9-1-5-x{scale}").model)
    if runtime == "srcnn":
        before = memory()[0]
        work(low[:, :40, :40], scale)
        began = time.perf_counter()
        large = work(low, scale)
    else:
        from srcnn.resize import enlarge

        factor = scale
        if runtime == "ncnn":
            low, factor, tile = enlarge(low, scale), 1, tile * scale
        side = min(tile, low.shape[-1])
        shape = (min(side + 2 * MARGIN, low.shape[-2]), min(side + 2 * MARGIN, low.shape[-1]))
        run = {"onnxruntime": by_onnxruntime, "openvino": by_openvino, "ncnn": by_ncnn}[runtime](model, threads, shape)
        given, before = low[None].numpy(), memory()[0]
        large = np.empty((1, factor * low.shape[-2], factor * low.shape[-1]), np.float32)
        run(np.ascontiguousarray(given[..., : shape[0], : shape[1]]))
        began = time.perf_counter()
        for top in range(0, low.shape[-2], side):
            for left in range(0, low.shape[-1], side):
                # every tile has the same size: the last ones reach back
                y, x = (
                    max(0, min(at - MARGIN, whole - n))
                    for at, whole, n in zip((top, left), low.shape[1:], shape, strict=True)
                )
                made = run(np.ascontiguousarray(given[..., y : y + shape[0], x : x + shape[1]]))[0]
                bottom, right = min(top + side, low.shape[-2]), min(left + side, low.shape[-1])
                large[:, factor * top : factor * bottom, factor * left : factor * right] = made[
                    :, factor * (top - y) : factor * (bottom - y), factor * (left - x) : factor * (right - x)
                ]
        large = torch.from_numpy(large)
    seconds = time.perf_counter() - began
    pictures = 4 * SIDE**2 * (1 + scale**2)
    np.save(output, large.numpy())
    return {"seconds": seconds / (SIDE**2 * scale**2 / 1e6), "peak": memory()[1] - before - pictures}


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--once", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        runtime, scale, tile, model, output = given.once
        print(json.dumps(once(runtime, int(scale), int(tile), given.threads, Path(model), Path(output))))
        return
    record = {"command": "python tools/runtimes.py", "machine": pretrained.hardware_name(), "weights": "srcnn-9-1-5"}
    for scale in (2, 3):
        record[f"x{scale}"] = measured(scale, given.repeats, given.threads)
    results.write_json(record, OUT)


def measured(scale: int, repeats: int, threads: int) -> dict:
    """The table of one scale."""
    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / "model.onnx"
        export = [sys.executable, "-m", "srcnn", "export", "--onnx", f"srcnn-9-1-5-x{scale}", "-o", str(model)]
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
        ncnn_files(f"srcnn-9-1-5-x{scale}", model)

        def turn(runtime: str, tile: int) -> dict:
            words = ["--once", runtime, str(scale), str(tile), str(model), str(Path(place) / f"{runtime}.npy")]
            done = subprocess.run(
                [sys.executable, __file__, "--threads", str(threads), *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            # ncnn dies of tiles that are too large for it: such a tile is not the best one
            return json.loads(done.stdout) if done.returncode == 0 else {"seconds": math.inf}

        tiles = {"srcnn": 0}
        for runtime in list(RUNTIMES)[1:]:
            tiles[runtime] = min(TILES, key=lambda tile, runtime=runtime: turn(runtime, tile)["seconds"])
        seen = {runtime: [] for runtime in RUNTIMES}
        for number in range(repeats):
            for runtime, tile in tiles.items():
                seen[runtime].append(turn(runtime, tile))
                print(f"x{scale}, turn {number + 1} of {repeats}, {runtime}: {seen[runtime][-1]}", flush=True)
        ours = np.load(Path(place) / "srcnn.npy")
        table = {}
        for runtime, turns in seen.items():
            theirs = np.load(Path(place) / f"{runtime}.npy").reshape(ours.shape)
            table[runtime] = {
                "version": version(RUNTIMES[runtime]),
                "tile": tiles[runtime],
                "seconds_per_megapixel": round(median(each["seconds"] for each in turns), 4),
                "peak": max(each["peak"] for each in turns),
                "levels": round(float(np.abs(theirs - ours).max() * 255), 4),
            }
        return table


if __name__ == "__main__":
    main()
