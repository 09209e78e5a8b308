"""Export: a finished run becomes weights to share, with a model card and the log of its training. Chapter 10."""

from collections.abc import Sequence
from pathlib import Path

from srcnn import pretrained
from srcnn.files import InputError, write
from srcnn.model import SRCNN
from srcnn.results import measure


def export(run: Path, output: Path, datasets: Sequence[str] = ("set5",)) -> list[Path]:
    """Turn a finished run into weights to share: a safetensors file, its card in Markdown, and the log beside it.

    Args:
        run: the folder of the run.
        output: the ``.safetensors`` file.
        datasets: sets whose scores the card tells, beside bicubic's.

    Returns:
        The files written.

    Raises:
        InputError: the run is not finished, or a set is not there.
    """
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{run} holds no finished run; `srcnn train --resume --out {run}` ends it")
    loaded = pretrained.load(weights)
    history = run / "history.jsonl"
    if not history.is_file() or not {"scale", "training", "command"} <= set(loaded.card):
        raise InputError(f"{run} lacks its history or the record in its weights; train anew in another --out")
    scale = loaded.card["scale"]
    scores = {}
    for dataset in datasets:
        ours, bicubic = (record["mean"] for record in measure([str(weights), "bicubic"], dataset, scale).values())
        scores[dataset] = {"psnr": ours["psnr"], "ssim": ours["ssim"], "bicubic_psnr": bicubic["psnr"]}
    card = {**loaded.card, "scores": scores}
    card_file, log = output.with_suffix(".md"), output.with_suffix(".jsonl")
    told = model_card(output.stem, loaded.model, card)
    pretrained.save(loaded.model, output, card)
    write(card_file, told)
    write(log, history.read_text(encoding="utf-8"))
    return [output, card_file, log]


def model_card(name: str, model: SRCNN, card: dict) -> str:
    """The model card, as Markdown: what a reader should know before using these weights."""
    training = card["training"]
    weights = sum(p.numel() for p in model.parameters())
    made = [training["data"], f"{training['steps']:,}", training["batch_size"], training["seed"]]
    made += [f"{card['seconds']:.0f} s", card["machine"]]
    rows = [f"| {d} | {s['psnr']:.2f} | {s['ssim']:.4f} | {s['bicubic_psnr']:.2f} |" for d, s in card["scores"].items()]
    return f"""# {name}

{type(model).__name__} {"-".join(map(str, model.kernels))}, {weights:,} numbers, enlarges by {card["scale"]}.

| trained on | steps | pairs a step | seed | time | machine |
|---|---|---|---|---|---|
| {" | ".join(map(str, made))} |

Made by `{card["command"]}` with {", ".join(f"{k} {v}" for k, v in card["versions"].items())};
the log is {name}.jsonl.

| set | PSNR, dB | SSIM | bicubic, dB |
|---|---|---|---|
{chr(10).join(rows)}

Measured on luma by the protocol of the published tables. For photographs that were shrunk by bicubic interpolation:
on noise, JPEG blocks or another blur the network sharpens those too. It restores what is likely, not what was there,
so its detail is no evidence of anything.

License: MIT, as the code. The training images may not be redistributed; no pixel of them is in these weights.
"""
