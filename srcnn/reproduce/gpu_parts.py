"""The parts of "gpu": what each asks, how long it may take, with what settings, and the shape of what it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from srcnn import published
from srcnn.recipes import RECIPES
from srcnn.reproduce import gpu_long, gpu_same, gpu_speed
from srcnn.reproduce.gpu_place import Rows

_TARGET = published.score("set5", 3, "9-1-5", "91 images").psnr  # dB, the paper's
_T91 = {"data": "t91"}
_TINY = {"data": "sample:1", "architecture": "3-1-3", "widths": "4-4", "patch_size": 9, "batch_size": 2}
_ADAM = {"optimizer": "adam", "learning_rate": 3e-3, "last_layer_lr_factor": 1.0}
_STEPS = RECIPES["paper"].steps
_TIMES = "turns median mean per_second"


@dataclass(frozen=True)
class Part:
    """A part.

    Attributes:
        name: in the table.
        asks: the question.
        work: what measures it.
        limit: seconds after which it is ended.
        settings: of the measurement.
        dry: those of a dry run, which differ.
        row: the keys of each row, separated by blanks.
        summary: the keys of the summary, beside ``line``.
    """

    name: str
    asks: str
    work: Callable[..., Rows]
    limit: float
    settings: dict[str, Any]
    dry: dict[str, Any]
    row: str
    summary: str


PARTS: dict[int, Part] = {
    1: Part(
        name="tests",
        asks="Do the tests pass that need a CUDA device?",
        work=gpu_same.tests,
        limit=150,
        settings={},
        dry={},
        row="test outcome seconds told",
        summary="passed failed skipped",
    ),
    2: Part(
        name="tables",
        asks="Are the tables the same as on a CPU, with TF32 and without?",
        work=gpu_same.tables,
        limit=150,
        settings={"test": "set5", "weights": [], "scales": [2, 3, 4]},
        dry={"test": "sample:1", "weights": ["srcnn-9-1-5-x3"], "scales": [3]},
        row="weights scale precision arithmetic psnr from_cpu from_book",
        summary="data largest",
    ),
    3: Part(
        name="same bits",
        asks="Does one seed give the same bits twice, and what does it cost to make it?",
        work=gpu_same.same_bits,
        limit=120,
        settings={"training": _T91, "optimizers": ["soap", "adam"], "steps": 200},
        dry={"training": _TINY, "optimizers": ["adam"], "steps": 3},
        row="optimizer deterministic steps same seconds sha256 seed arithmetic error",
        summary="same",
    ),
    4: Part(
        name="resuming",
        asks="Does a run that is killed on a CPU go on on CUDA, and back again?",
        work=gpu_same.resuming,
        limit=180,
        settings={
            "training": {**_T91, "batch_size": 8},
            "precisions": ["float32", "bfloat16", "float16"],
            "stops": [250, 450, 600],
            "checkpoint": 100,
        },
        dry={
            "training": _TINY,
            "precisions": ["float32", "bfloat16", "float16"],
            "stops": [25, 35, 40],
            "checkpoint": 10,
        },
        row="precision legs lines seed loss loss_whole difference",
        summary="precisions",
    ),
    5: Part(
        name="steps a second",
        asks="How many steps a second does each way to train make?",
        work=gpu_speed.steps_a_second,
        limit=500,
        settings={
            "training": _T91,
            "cells": [
                {
                    "kind": ["graph", "eager"],
                    "optimizer": ["adam", "soap", "sgd"],
                    "precision": ["float32", "tf32", "bfloat16"],
                    "batch": [32, 128, 512, 2_048, 8_192],
                },
                *(
                    {
                        "kind": ["compiled"],
                        "optimizer": ["adam", "soap", "sgd"],
                        "precision": precisions,
                        "batch": batches,
                    }
                    for precisions, batches in (
                        (["float32", "bfloat16"], [32, 2_048]),
                        (["tf32"], [32, 128, 512, 2_048, 8_192]),
                        (["float32", "bfloat16"], [128, 512, 8_192]),
                    )
                ),
            ],
            "turns": 5,
            "turn_seconds": 0.25,
        },
        dry={
            "training": _TINY,
            "cells": [
                {
                    "kind": ["graph", "eager", "compiled"],
                    "optimizer": ["adam", "sgd"],
                    "precision": ["float32", "tf32"],
                    "batch": [2],
                },
                {"kind": ["graph"], "optimizer": ["soap"], "precision": ["bfloat16", "float16"], "batch": [2]},
            ],
            "turns": 2,
            "turn_seconds": 0.001,
            "least": 2,
            "compiler": False,
        },
        row=f"kind optimizer precision batch seed arithmetic steps crops_per_second error {_TIMES}",
        summary="crops_per_second left_out",
    ),
    6: Part(
        name="to the target",
        asks="How many seconds of training reach the paper's score on Set5 at x3?",
        work=gpu_speed.seconds_to_target,
        limit=300,
        settings={
            "training": _T91,
            "test": "set5",
            "validation": [("bsds300:20", "train"), ("sample", "test")],
            "target": _TARGET,
            "reference": {"steps": 1_500},
            "candidates": [
                *(
                    {"batch_size": batch, "precision": precision}
                    for batch in (32, 128, 512)
                    for precision in ("bfloat16", "tf32")
                ),
                *(
                    {**_ADAM, "batch_size": batch, "learning_rate": rate, "precision": "tf32"}
                    for batch in (32, 128, 512, 2_048)
                    for rate in (3e-3, 6e-3)
                ),
            ],
            "ladder": [200, 400, 800, 1_500, 3_000, 6_000],
            "seeds": 3,
        },
        dry={
            "training": _TINY,
            "test": "sample:1",
            "validation": [("none", "train"), ("sample:1", "test")],
            "target": 1.0,
            "reference": {"steps": 4},
            "candidates": [{**_ADAM, "batch_size": 4}, {"batch_size": 3}],
            "ladder": [3, 60],
            "seeds": 2,
        },
        row="run training seed steps seconds validation psnr reached arithmetic",
        summary="target validation goal test reference best",
    ),
    7: Part(
        name="a step's time",
        asks="What does a step's time go into?",
        work=gpu_speed.where_time_goes,
        limit=90,
        settings={
            "training": _T91,
            "kinds": ["eager", "graph"],
            "batches": [32, 2_048],
            "warm_up": 32,
            "steps": 10,
        },
        dry={"training": _TINY, "kinds": ["eager", "graph"], "batches": [2], "warm_up": 1, "steps": 2},
        row="kind batch optimizer arithmetic error steps trace launches kernels operators span busy share top",
        summary="busy",
    ),
    8: Part(
        name="many networks",
        asks="How many networks train at once, and how are their scores distributed over seeds?",
        work=gpu_long.many_networks,
        limit=540,
        settings={
            "training": {**_T91, **_ADAM, "precision": "tf32"},
            "counts": [1, 4, 16, 64, 256, 1_024],
            "layouts": [False, True],
            "turns": 3,
            "turn_seconds": 0.5,
            "distribution": 256,
            "test": "set5",
        },
        dry={
            "training": {**_TINY, **_ADAM, "steps": 5},
            "counts": [1, 3],
            "layouts": [False, True],
            "turns": 2,
            "turn_seconds": 0.001,
            "distribution": 3,
            "test": "sample:1",
        },
        row=f"networks form channels_last precision error steps networks_per_second {_TIMES}",
        summary="networks seeds mean deviation quantiles lowest highest psnr seconds test fastest training arithmetic",
    ),
    9: Part(
        name="the paper's run",
        asks="Does the paper's own training reach its score, and where?",
        work=gpu_long.papers_run,
        limit=540,
        settings={
            "training": _T91,
            "test": "set5",
            "target": _TARGET,
            "marks": [min(_STEPS, round(781.25 * 10 ** (k / 4))) for k in range(17)],  # 1e5 to 8e8 backprops
            "lot": 2_000,
            "every": 30.0,
        },
        dry={
            "training": {**_TINY, "patch_size": 21, "steps": 12},
            "test": "sample:1",
            "target": 1.0,
            "marks": [3, 7],
            "lot": 2,
            "every": 0.0,
        },
        row="steps backprops seconds psnr loss seed machine",
        summary="steps seconds reached highest target test training arithmetic",
    ),
    10: Part(
        name="photographs",
        asks="How long does `srcnn upscale` take for 12 and 48 megapixels, and how much memory?",
        work=gpu_long.photographs,
        limit=180,
        settings={"sizes": [(1_500, 2_000), (3_000, 4_000)], "scale": 2, "turns": 3},
        dry={"sizes": [(30, 40)], "scale": 2, "turns": 1},
        row="device photograph megapixels scale weights arithmetic seconds turns memory device_memory",
        summary="sizes",
    ),
}
