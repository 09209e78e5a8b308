"""The command ``srcnn``: words in, one call to the package, lines out.

A wrong word ends in one sentence and status 2.
"""

import argparse
import sys
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from srcnn import data, distributed, experiments, images, recipes, shipping
from srcnn.arguments import fastest_device, parser
from srcnn.download import Progress
from srcnn.files import InputError, shipped, writable
from srcnn.progress import counter, output, progress
from srcnn.reproduce import EXPERIMENTS
from srcnn.runs import Run, tutorial_epochs
from srcnn.upscale import check_size, upscale


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its words; those of the command line where it is None.

    Returns:
        0, or 2 after one sentence on standard error about what was wrong, or 1 when a process of several was lost,
        or 130 when interrupted, or 141 when nobody reads what it prints any more.
    """
    try:
        with output():
            given = parser().parse_args(argv)
            _COMMANDS[given.command](given)
        return 0
    except BrokenPipeError:  # no fault: `srcnn data list | head -1`
        return 141
    except (InputError, OSError, MemoryError, torch.OutOfMemoryError) as error:
        if distributed.speaks() or not isinstance(error, InputError):
            print(f"srcnn: {_sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if distributed.speaks():
            print("srcnn: interrupted; a training run goes on with --out and --resume", file=sys.stderr)
        return 130
    except distributed.Lost as error:
        print(f"srcnn: {error}", file=sys.stderr)
        return 1
    except RuntimeError as error:
        if type(error).__module__.startswith(("torch._inductor", "torch._dynamo")):
            cause = str(error).partition("\n")[0][:200]
            print(f"srcnn: torch.compile cannot work here; leave out --set compile=true ({cause})", file=sys.stderr)
            return 2
        if "allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        print(f"srcnn: {_sentence(MemoryError())}", file=sys.stderr)  # torch has no class of its own for a CPU's
        return 2


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return " ".join(f"{error.filename}: {error.strerror}".removeprefix("None: ").split())
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "there is not enough memory for this; a smaller picture or batch needs less"
    return " ".join(str(error).split())


def _data(arguments: argparse.Namespace) -> None:
    entries = [data.lookup(name) for name in arguments.sets or data.registry()]
    if arguments.action == "list":
        for entry in entries:
            state = Counter(data.verify(entry.name, arguments.root).values())
            here = "here" if state["ok"] == len(entry.files) else f"{state['ok']} of {len(entry.files)} files here"
            print(f"{entry.name:14}{here:24}{entry.what} Licence: {entry.licence}.")
        if not arguments.sets:
            print(f"{'sample':14}{'here':24}Photographs of scikit-image that may be shown and shared.")
            print(f"{'leaves':14}{'here':24}Dead-leaves pictures, made from a seed.")
    elif arguments.action == "fetch":
        for entry in entries:
            with ExitStack() as bars:

                def bar(url: str, bars: ExitStack = bars) -> Progress:
                    bars.close()  # one after another
                    return bars.enter_context(counter("B", unit_scale=True, desc=url.rsplit("/", 1)[-1]))

                place = data.fetch(entry.name, arguments.root, bar)
            print(f"{entry.title}: all {len(entry.files)} files are right, in {place}")
    else:
        wrong = 0
        for entry in entries:
            states = data.verify(entry.name, arguments.root)
            bad = {path: state for path, state in states.items() if state != "ok"}
            wrong += len(bad)
            print(f"{entry.name}: {len(states) - len(bad)} of {len(states)} files are right")
            for path, state in list(bad.items())[:10]:
                print(f"  {path}: {state}")
        if wrong:
            raise InputError(f"{wrong} files are missing or damaged; `srcnn data fetch` mends that")


def _train(arguments: argparse.Namespace) -> None:
    if arguments.resume and not arguments.out:
        raise InputError("--resume needs --out, the folder of the run to go on with")
    with distributed.join(arguments.device or fastest_device()) as group:
        with group.together():
            config = _configuration(arguments)
            folder = arguments.out or _new_folder(config)
        config, folder = group.share((config, folder))
        run = Run(config, folder, device=group.device, root=arguments.root, resume=arguments.resume, group=group)
        if group.rank == 0:
            _follow(run, arguments)
        else:
            steps, options = iter(run), {"batch": arguments.testBatchSize, "root": arguments.root}
            deque(tutorial_epochs(run, steps, **options) if config.pairs == "tutorial" else steps, maxlen=0)


def _configuration(arguments: argparse.Namespace) -> recipes.TrainConfig:
    """The recipe with what the command line changes of it."""
    config = recipes.with_changes(
        arguments.recipe,
        data=arguments.data,
        scale=arguments.scale,
        architecture=arguments.architecture,
        steps=arguments.steps,
        batch=arguments.batch,
        learning_rate=arguments.lr,
        seed=arguments.seed,
        precision=arguments.precision,
        **dict(arguments.set),
    )
    tutorial = config.pairs == "tutorial"
    if tutorial:
        config = replace(config, crop=256 // config.scale)
    if arguments.nEpochs:
        if arguments.steps or not tutorial:
            raise InputError("--nEpochs goes with --recipe tutorial and without --steps; the other recipes count steps")
        count = len(data.paths(config.data, "train", arguments.root))
        config = replace(config, steps=-(-arguments.nEpochs * count // config.batch))
    return config


def _follow(run: Run, arguments: argparse.Namespace) -> None:
    """Train, and tell how it goes."""
    config = run.learner.config
    if run.warning:
        print(f"srcnn: {run.warning}", file=sys.stderr)
    print(recipes.command(config))
    steps = progress(run, config.steps, start=run.learner.step, text=lambda step: f"loss {float(step.loss):.6f}")
    if config.pairs == "tutorial":
        batch = arguments.testBatchSize
        for epoch in tutorial_epochs(run, steps, batch=batch, root=arguments.root):
            tqdm.write(
                f"epoch {epoch['epoch']:2} of {epoch['epochs']}: average loss {epoch['loss']:.4f}, "
                f"average PSNR {epoch['psnr']:.2f} dB (bicubic {epoch['bicubic']:.2f} dB)"
            )
        print(
            f"Both PSNRs are the tutorial's: of the mean error of {batch} images at once, full-range luma, no shave. "
            "Another --testBatchSize moves them; compare them with nothing but each other."
        )
    else:
        deque(steps, maxlen=0)
    weights = run.folder / "weights.safetensors"
    print(f"{config.steps:,} steps in {run.card()['seconds']:.0f} s; measure them with")
    print(f"srcnn evaluate --weights {weights} --data set5 --scale {config.scale}")


def _new_folder(config: recipes.TrainConfig) -> Path:
    """A folder under ``runs/`` that is not there yet."""
    name = f"{config.recipe}-{config.architecture}-x{config.scale}"
    numbered = (Path("runs") / f"{name}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder for folder in numbered if not folder.exists())


def _evaluate(arguments: argparse.Namespace) -> None:
    if arguments.json:
        writable(arguments.json)
    options = {"grey": arguments.grey, "device": arguments.device or fastest_device(), "root": arguments.root}
    record = experiments.measure(arguments.weights, arguments.data, arguments.scale, **options)
    columns = {arguments.weights: record}
    if arguments.weights != "bicubic":
        columns = {"bicubic": experiments.measure("bicubic", arguments.data, arguments.scale, **options), **columns}
    print("\n".join(_table(columns)))
    if arguments.json:
        experiments.write_json(record, arguments.json)


def _table(columns: dict[str, dict]) -> list[str]:
    """One line per image and one for the mean; PSNR in dB and SSIM of each method side by side."""
    records = list(columns.values())
    wide = max(len(name) for name in ("mean", *records[0]["images"])) + 2
    widths = [max(len(Path(name).name), 14) + 2 for name in columns]
    lines = [" " * wide + "".join(f"{Path(n).name:>{w}}" for n, w in zip(columns, widths, strict=True))]
    for name in records[0]["images"]:
        rows = [record["images"][name] for record in records]
        lines.append(f"{name:{wide}}" + _cells(rows, widths))
    return [*lines, f"{'mean':{wide}}" + _cells([record["mean"] for record in records], widths)]


def _cells(rows: list[dict], widths: list[int]) -> str:
    return "".join(f"{row['psnr']:.2f} {row['ssim']:.4f}".rjust(w) for row, w in zip(rows, widths, strict=True))


def _upscale(arguments: argparse.Namespace) -> None:
    scale, photo, output = arguments.scale, Path(arguments.photo), Path(arguments.output)
    if output.exists() and photo.exists() and output.samefile(photo):
        raise InputError(f"{arguments.output} is the photograph itself; give another name for the result")
    photograph = images.read_photograph(arguments.photo)
    height, width = photograph.pixels.shape[-2:]
    check_size(height, width, scale)
    images.check_output(
        arguments.output, height=height * scale, width=width * scale, alpha=photograph.alpha is not None
    )
    model = None
    if arguments.weights != "bicubic":
        weights = arguments.weights or f"srcnn-9-1-5-x{scale}"
        model = experiments.network(weights, scale).model
    with counter("tile") as count:
        device = arguments.device or fastest_device()
        result = upscale(photograph, model, scale=scale, device=device, progress=count)
    images.write_photograph(arguments.output, result)
    print(f"{arguments.output}: {width * scale} x {height * scale} pixels")


def _export(arguments: argparse.Namespace) -> None:
    output = Path(arguments.output)
    if output.suffix != ".safetensors":
        raise InputError(f"{output} must end in .safetensors; the card and the log are put beside it")
    for path in (output, output.with_suffix(".md"), output.with_suffix(".jsonl")):
        writable(path)
    for path in shipping.export(Path(arguments.folder), output, arguments.data, arguments.root):
        print(path)


def _reproduce(arguments: argparse.Namespace) -> None:
    kind = "weights" if arguments.experiment == "weights" else "results"
    folder = Path(arguments.out) if arguments.out else shipped(kind)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; make it first")
    for record in EXPERIMENTS[arguments.experiment](folder, arguments.root):
        print(record["line"], flush=True)


_COMMANDS = {
    "data": _data,
    "train": _train,
    "evaluate": _evaluate,
    "upscale": _upscale,
    "export": _export,
    "reproduce": _reproduce,
}
