"""Measure where networks stand on the live figure's held-out photographs when they pass published scores on Set5.

``python tools/live_marks.py`` (it needs the image sets, and some minutes) writes data/results/live-marks.json. The
scores of two sets cannot be compared; so a network is trained as the paper was, on the 91 images, and measured on both
every 25 steps until it passes a published figure.
"""

from statistics import fmean

from side_by_side import ROOT

from srcnn import data, pretrained, published, results
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.recipes import SCALES, command_line, with_changes
from srcnn.runs import start
from srcnn.training import train

OUT = ROOT / "data" / "results" / "live-marks.json"
SEEDS, EVERY, STEPS = 3, 25, 3_000


def wanted(scale: int) -> dict[str, float]:
    """The published figures on Set5, by the name that the figure shows."""
    marks = {"SRCNN in the paper": published.score("set5", scale, "9-1-5", "91 images").psnr}
    return marks | ({"sparse coding": published.score("set5", scale, "SC").psnr} if scale == 3 else {})


def passing(scale: int, seed: int) -> dict[str, float]:
    """The mean PSNR on the held-out photographs at which each figure is passed, between two measurements."""
    learner, batches = start(with_changes("fast", data="t91", scale=scale, steps=STEPS, seed=seed))
    sets = {name: list(data.photographs(name, "test")) for name in ("set5", "sample")}
    found, before = {}, None
    for step in train(learner, batches):
        if step.number % EVERY:
            continue
        now = {n: mean_scores(evaluate(upscaler(learner.final), s, scale=scale)).psnr for n, s in sets.items()}
        for name, mark in wanted(scale).items():
            if name not in found and before and now["set5"] >= mark:
                share = (mark - before["set5"]) / (now["set5"] - before["set5"])
                found[name] = before["sample"] + share * (now["sample"] - before["sample"])
        before = now
        if len(found) == len(wanted(scale)):
            break
    return found


def main() -> None:
    """Measure, and write the record."""
    scales = {}
    for scale in SCALES:
        runs = [passing(scale, seed) for seed in range(SEEDS)]
        scales[str(scale)] = {name: round(fmean(run[name] for run in runs), 3) for name in wanted(scale)}
        print(f"x{scale}: {scales[str(scale)]}", flush=True)
    recipe = command_line(with_changes("fast", data="t91", steps=STEPS))
    record = {"command": "python tools/live_marks.py", "training": recipe, "seeds": SEEDS, "scales": scales}
    results.write_json({**record, "machine": pretrained.hardware_name()}, OUT)


if __name__ == "__main__":
    main()
