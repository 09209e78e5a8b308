"""optimizers: each is what it is said to be, each is given the same search, and nothing is trained twice."""

import json
import math
from dataclasses import asdict, replace
from statistics import fmean, stdev
from zlib import crc32

import numpy as np
import pytest
import torch
from scipy import stats

from srcnn import InputError
from srcnn.reproduce import optimizers
from srcnn.reproduce.methods import METHODS, RATES, near_edge, points, ranges, settings
from srcnn.reproduce.optimizers import BASE, SEARCH_SEED, SEEDS, Task, compare, run, summary, train_and_measure
from srcnn.training import Learner, learning_rate, make_model, train

TINY = replace(BASE, data="sample:1", widths="12-8", steps=4, batch_size=2)
RATE, FACTOR, BETAS = 0.01, 0.25, (0.9, 0.97)
TUNED = {"learning_rate": RATE, "last_layer_lr_factor": FACTOR, "warmup_steps": 2, "beta1": 0.9, "beta2": 0.97}


def walk(method: str, gradients: list[list[torch.Tensor]], widths: str = "12-8") -> list[list[np.ndarray]]:
    """The weights before the first and after every step along given gradients, as the training loop steps."""
    config = replace(BASE, widths=widths, learning_rate=RATE, last_layer_lr_factor=FACTOR)
    model = make_model(config)
    optimizer, path = METHODS[method](model, config, BETAS), []
    for step in [None, *gradients]:
        if step is not None:
            for parameter, gradient in zip(model.parameters(), step, strict=True):
                parameter.grad = gradient.clone()
            for group in optimizer.param_groups:
                group["lr"] = RATE * group["factor"]
            optimizer.step()
        path.append([p.detach().numpy().astype(np.float64) for p in model.parameters()])
    return path


def noise(steps: int, widths: str = "12-8") -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    shapes = [p.shape for p in make_model(replace(BASE, widths=widths)).parameters()]
    return [[torch.randn(shape, generator=generator) for shape in shapes] for _ in range(steps)]


def as_matrix(weights: np.ndarray) -> np.ndarray:
    return weights.reshape(len(weights), -1)


# What the methods are


@pytest.mark.parametrize("method", METHODS)
def test_every_method_steps_as_the_loop_says_with_the_settings_that_it_was_given(method):
    config = replace(TINY, learning_rate=RATE, last_layer_lr_factor=FACTOR)
    model = make_model(config)
    learner = Learner(model, config, optimizer=lambda *given: METHODS[method](*given, BETAS))
    low = torch.rand(2, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    for step in train(learner, lambda step: (low, low[..., 6:-6, 6:-6])):
        rates = {id(p): group["lr"] for group in learner.optimizer.param_groups for p in group["params"]}
        rate = learning_rate(config, step.number - 1)
        for name, parameter in model.named_parameters():
            slow = name.endswith("bias") or name.startswith("reconstruction")
            assert rates.pop(id(parameter)) == rate * (FACTOR if slow else 1), name
        assert not rates
    for group in learner.optimizer.param_groups:
        assert not group.get("weight_decay")
        given = {"momentum": BETAS[0]} if method == "sgd" or group.get("use_muon") else {"betas": BETAS}
        assert {name: group[name] for name in given} == given
    assert all(p.isfinite().all() for p in model.parameters())


def test_soap_without_rotation_is_adam_by_hand_that_leaves_out_the_first_gradient():
    """In float64; 1e-6: fifteen steps of at most 0.02, rounded to float32."""
    gradients = noise(15)
    path = walk("soap-without-rotation", gradients)
    factors = [1, FACTOR, 1, FACTOR, FACTOR, FACTOR]  # weights and biases of three layers
    for k, factor in enumerate(factors):
        weights, mean, square = path[0][k], 0.0, 0.0
        np.testing.assert_array_equal(path[1][k], weights)
        for t, step in enumerate(gradients[1:], 1):
            gradient = step[k].numpy().astype(np.float64)
            mean = BETAS[0] * mean + (1 - BETAS[0]) * gradient
            square = BETAS[1] * square + (1 - BETAS[1]) * gradient**2
            expected = (mean / (1 - BETAS[0] ** t)) / np.sqrt(square / (1 - BETAS[1] ** t))
            weights = weights - RATE * factor * expected
            np.testing.assert_allclose(path[t + 1][k], weights, rtol=0, atol=1e-6)


def test_soap_and_soap_without_rotation_differ_in_the_eigenvectors_alone(monkeypatch):
    """With the axes themselves in the place of eigenvectors they step alike, but for rounding."""
    from pytorch_optimizer import SOAP

    config = replace(BASE, learning_rate=RATE, last_layer_lr_factor=FACTOR)
    groups = []
    for method in ("soap", "soap-without-rotation"):
        found = METHODS[method](make_model(config), config, BETAS).param_groups
        groups.append([{**g, "params": [p.shape for p in g["params"]], "max_precondition_dim": 0} for g in found])
    assert groups[0] == groups[1]

    gradients = noise(12)  # beyond the tenth step, at which eigenvectors are looked for again
    plain, turned = walk("soap-without-rotation", gradients), walk("soap", gradients)
    axes = lambda factors: [torch.eye(len(f)) if len(f) else [] for f in factors]  # noqa: E731
    monkeypatch.setattr(SOAP, "get_orthogonal_matrix", staticmethod(axes))
    monkeypatch.setattr(SOAP, "get_orthogonal_matrix_qr", lambda self, state, *_: axes(state["GG"]))
    straight = walk("soap", gradients)
    for k in range(6):
        np.testing.assert_allclose(straight[-1][k], plain[-1][k], rtol=0, atol=1e-6)
    assert all(np.abs(turned[-1][k] - plain[-1][k]).max() > RATE * FACTOR for k in (0, 2, 4))


def test_soap_merged_takes_signs_along_the_singular_vectors_of_a_whole_filter_bank():
    """Its first step is the second gradient's signs in the first one's singular vectors, which NumPy finds anew.

    Where the first gradient has no singular value a basis is anybody's choice: only its own are compared. 0.03: of
    float32 in eigenvectors of squares.
    """
    gradients = noise(2, "64-32")
    first, second = walk("soap-merged", gradients, "64-32"), walk("soap", gradients, "64-32")
    for k, factor, shape in ((0, 1, (64, 81)), (2, 1, (32, 64)), (4, FACTOR, (32, 25))):
        u, _, vt = np.linalg.svd(gradients[0][k].numpy().reshape(shape).astype(np.float64), full_matrices=False)
        turned, unmerged = (u.T @ ((path[2][k] - path[1][k]).reshape(shape) / (RATE * factor)) @ vt.T
                            for path in (first, second))  # fmt: skip
        np.testing.assert_allclose(np.abs(turned), 1, atol=0.03)
        if k != 2:  # which has two axes anyway
            assert np.abs(np.abs(unmerged) - 1).mean() > 0.2


def test_muon_steps_by_nearly_orthogonal_matrices_and_biases_by_adam():
    gradients = noise(1, "64-32")
    before, after = walk("muon", gradients, "64-32")
    for k in (0, 2, 4):
        gradient = as_matrix(gradients[0][k].numpy().astype(np.float64))
        step = as_matrix(before[k] - after[k]) / (RATE * (FACTOR if k == 4 else 1))
        u, spread, vt = np.linalg.svd(gradient, full_matrices=False)
        found = np.linalg.svd(step, compute_uv=False)
        assert found.max() < 1.3  # five steps of Newton and Schulz come no nearer to 1, nor mean to
        assert found.min() > 0.6
        assert (u.T @ step @ vt.T).trace() / np.linalg.norm(step) / math.sqrt(len(found)) > 0.95  # the gradient's own
        assert k == 4 or spread.max() / spread.min() > 3
    for k in (1, 3, 5):
        sign = np.sign(gradients[0][k].numpy())
        np.testing.assert_allclose(before[k] - after[k], RATE * FACTOR * sign, rtol=0, atol=1e-7)


# The search


def test_every_method_is_given_the_same_points():
    found = {method: [settings(method, point) for point in points(24)] for method in METHODS}
    for method, tried in found.items():
        low, high = RATES[method]
        assert high / low == pytest.approx(100)
        for ours, soap in zip(tried, found["soap"], strict=True):
            assert ours["learning_rate"] / low == pytest.approx(soap["learning_rate"] / RATES["soap"][0], rel=1e-3)
            others = {name: value for name, value in soap.items() if name in ours and name != "learning_rate"}
            assert {name: ours[name] for name in others} == others
            assert soap.keys() - ours.keys() == ({"beta2"} if method == "sgd" else set())
    assert points(8) == points(24)[:8]  # more trials go on from fewer


def test_sixteen_points_lie_in_the_sixteen_parts_of_every_range():
    tried = [settings("soap", point) for point in points(16)]
    distance = {name: math.log if name[:4] != "beta" else lambda x: -math.log(1 - x) for name in tried[0]}
    for name, (low, high) in ranges("soap").items():
        at = distance[name]
        shares = [(at(found[name]) - at(low)) / (at(high) - at(low)) for found in tried]
        if name == "warmup_steps":  # whole numbers
            assert all(type(found[name]) is int and 0 <= share <= 1 for found, share in zip(tried, shares, strict=True))
        else:
            assert sorted(int(16 * share) for share in shares) == list(range(16)), name


def test_what_lies_near_the_end_of_its_range_is_named():
    assert near_edge("soap", [0.04, 0.5, 0.96, 0.94, 0.06]) == ["learning_rate", "warmup_steps"]
    assert near_edge("sgd", [0.5, 0.5, 0.5, 0.5, 0.01]) == []  # it has no beta2


# One training


def tuned(method: str = "adam", **changes: object) -> Task:
    return Task(method, TUNED | changes, TINY, "sample:1", (), TINY.steps)


@pytest.mark.parametrize(
    ("method", "rate", "steps"), [("sgd", 1e6, 4), ("adam", 1e37, 1), ("muon", 1e30, 1)]
)  # the loss, an output, and a weight that are no finite numbers
def test_a_training_that_diverges_has_no_score(method, rate, steps, folder):
    task = replace(tuned(method, learning_rate=rate, warmup_steps=1), validation=str(folder), tests=(str(folder),))
    result = train_and_measure(replace(task, config=replace(TINY, steps=steps)))
    assert result["psnr"] == {"validation": None, str(folder): None}


def test_a_training_that_diverges_ends_there(monkeypatch, folder):
    seen, make = [], optimizers.make_batches

    def watched_batches(*given):
        batches = make(*given)
        return lambda step: seen.append(step) or batches(step)

    monkeypatch.setattr(optimizers, "make_batches", watched_batches)
    task = replace(tuned("sgd", learning_rate=1e6), validation=str(folder), config=replace(TINY, steps=60), every=60)
    assert train_and_measure(task)["psnr"] == {"validation": None}
    assert len(seen) < 10


def test_the_clock_stands_still_while_scores_are_measured(monkeypatch, folder):
    now, make = [0.0], optimizers.make_batches
    monkeypatch.setattr(optimizers.time, "perf_counter", lambda: now[0])

    def tick(seconds, value):
        now[0] += seconds
        return value

    def slow_batches(*given):
        batches = make(*given)
        return lambda step: tick(1, batches(step))

    measure = optimizers.evaluate
    monkeypatch.setattr(optimizers, "make_batches", slow_batches)
    monkeypatch.setattr(optimizers, "evaluate", lambda *given, **more: tick(100, measure(*given, **more)))
    result = train_and_measure(replace(tuned(), validation=str(folder), tests=(str(folder),), every=3))
    assert (result["curve"]["steps"], result["curve"]["seconds"]) == ([3, 4], [3, 4])
    assert result["seconds"] == 1
    assert result["psnr"]["validation"] == result["psnr"][str(folder)] == result["curve"]["psnr"][-1]


# The run


@pytest.fixture
def asked(monkeypatch) -> list[Task]:
    """The tasks that were trained, truly, by a clock that stands still."""
    tasks, truly = [], optimizers.train_and_measure
    monkeypatch.setattr(optimizers.time, "perf_counter", lambda: 0.0)
    monkeypatch.setattr(optimizers, "train_and_measure", lambda task: tasks.append(task) or truly(task))
    return tasks


def test_an_interrupted_run_gives_the_same_record_and_trains_nothing_twice(asked, tmp_path, folder):
    given = {"base": TINY, "trials": 2, "seeds": (0, 1), "validation": str(folder), "tests": (str(folder),), "every": 2}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    lines = [record["line"] for record in run(whole, **given)]
    count = len(METHODS) * (2 + 2)
    assert len(lines) == count + len(METHODS)
    assert len(asked) == len({json.dumps(asdict(task)) for task in asked}) == count
    assert [path.name for path in whole.iterdir()] == ["optimizers.json"]

    expected, journal = list(asked), parts / "optimizers.jsonl"
    asked.clear()
    for stop in (5, 15):
        steps = run(parts, **given)
        for _ in range(stop):
            next(steps)
        steps.close()
        text = journal.read_text()
        assert text.count("\n") == stop
        journal.write_text(text[:-25])  # a kill may cut the last line short
    list(run(parts, **given))
    assert asked == expected[:5] + expected[4:15] + expected[14:]  # but for the lines that were cut
    assert (parts / "optimizers.json").read_text() == (whole / "optimizers.json").read_text()
    assert not journal.exists()


def test_only_the_best_see_other_seeds_and_the_test_sets(asked, tmp_path, folder):
    list(run(tmp_path, base=TINY, trials=2, seeds=(0, 1), validation=str(folder), tests=(str(folder),), every=2))
    record = json.loads((tmp_path / "optimizers.json").read_text())
    assert SEARCH_SEED not in SEEDS
    assert all((task.config.seed == SEARCH_SEED) == (not task.tests) for task in asked)
    assert all(task.config == replace(TINY, seed=task.config.seed) for task in asked)
    for method, found in record["methods"].items():
        best = max(found["trials"], key=lambda trial: trial["validation"])
        assert found["best"] == best["settings"]
        finals = [task for task in asked if task.method == method and task.tests]
        assert [(task.config.seed, task.settings) for task in finals] == [(0, found["best"]), (1, found["best"])]
        for result in found["seeds"].values():
            assert result["curve"]["steps"] == [2, 4]
            assert result["curve"]["psnr"][-1] == result["psnr"]["validation"] == result["psnr"][str(folder)]
        assert found["ranges"].keys() == found["best"].keys()
    assert record["comparisons"].keys() == METHODS.keys() - {"soap"}
    assert {"command", "machine", "torch", "srcnn", "pytorch-optimizer"} < record.keys()


@pytest.fixture
def pretended(monkeypatch):
    """No training: the PSNR falls with the learning rate, and Adam diverges where that is low."""

    def pretend(task):
        rate, low = task.settings["learning_rate"], RATES[task.method][0]
        luck = crc32(f"{task.method} {task.config.seed}".encode()) % 100 / 100
        psnr = 40 - rate / low + luck
        lost = task.method == "adam" and rate < 3 * low
        return {"psnr": {"validation": None if lost else psnr}, "curve": {}, "seconds": 0.5, "machine": "a machine"}

    monkeypatch.setattr(optimizers, "train_and_measure", pretend)


def test_a_trial_that_diverged_is_kept_as_null_and_never_chosen(pretended, tmp_path):
    list(run(tmp_path, base=TINY, trials=8, validation="sample:1", tests=()))
    found = json.loads((tmp_path / "optimizers.json").read_text())["methods"]["adam"]
    lost = [trial for trial in found["trials"] if trial["settings"]["learning_rate"] < 3 * RATES["adam"][0]]
    assert lost
    assert all((trial["validation"] is None) == (trial in lost) for trial in found["trials"])
    rates = [trial["settings"]["learning_rate"] for trial in found["trials"] if trial not in lost]
    assert found["best"]["learning_rate"] == min(rates)
    assert "NaN" not in (tmp_path / "optimizers.json").read_text()


def test_a_method_of_which_every_setting_diverged_is_named_and_nothing_is_lost(monkeypatch, tmp_path):
    lost = {"psnr": {"validation": None}, "curve": {}, "seconds": 0.5, "machine": "a machine"}
    monkeypatch.setattr(optimizers, "train_and_measure", lambda task: lost)
    with pytest.raises(InputError, match="every setting of adam diverged"):
        list(run(tmp_path, base=TINY, trials=2, validation="sample:1", tests=()))
    assert (tmp_path / "optimizers.jsonl").read_text().count("\n") == 2 * len(METHODS)


def test_a_set_that_is_not_there_is_told_before_anything_is_trained(asked, tmp_path):
    for given in ({"base": replace(TINY, data="nope")}, {"validation": "nope"}, {"tests": ("nope",)}):
        with pytest.raises(InputError, match="there is no data set 'nope'"):
            list(run(tmp_path, **({"base": TINY, "validation": "sample:1", "tests": ()} | given)))
    assert not asked
    assert not list(tmp_path.iterdir())


# The statistics


def test_intervals_and_paired_tests_are_students():
    soap = [32.31, 32.05, 32.44, 32.18, 32.27]
    worse, as_good = (0.31, 0.26, 0.35, 0.22, 0.3), (0.03, -0.02, 0.01, -0.03, 0.01)
    table = {"soap": soap} | {
        method: [a - b for a, b in zip(soap, apart, strict=True)]
        for method, apart in (("adam", worse), ("muon", as_good))
    }
    for values in table.values():
        found = summary([{"psnr": {"set5": value}, "seconds": 1 + k} for k, value in enumerate(values)])
        half = stats.t.ppf(0.975, 4) * stdev(values) / math.sqrt(5)
        assert found["mean"]["set5"] == pytest.approx(fmean(values), abs=1e-4)
        assert found["interval"]["set5"] == pytest.approx([fmean(values) - half, fmean(values) + half], abs=1e-4)
        assert found["seconds"] == 3
    compared = compare({method: [{"set5": value} for value in values] for method, values in table.items()})
    assert list(compared) == ["adam", "muon"]
    for method, found in compared.items():
        apart = [a - b for a, b in zip(table["soap"], table[method], strict=True)]
        t = fmean(apart) / (stdev(apart) / math.sqrt(5))
        p = 2 * stats.t.sf(abs(t), 4)
        assert found["set5"]["difference"] == pytest.approx(fmean(apart), abs=1e-4)
        assert found["set5"]["p"] == pytest.approx(p, rel=5e-3)
        assert found["set5"]["p"] == pytest.approx(stats.ttest_rel(table["soap"], table[method]).pvalue, rel=5e-3)
        assert found["set5"]["corrected"] == pytest.approx(min(1, 2 * p), rel=5e-3)
    assert compared["muon"]["set5"]["corrected"] == 1
    assert compared["adam"]["set5"]["corrected"] < 0.05


def test_a_seed_that_diverged_leaves_no_mean_and_no_test():
    scores = {"soap": [{"set5": 32.0}, {"set5": 32.1}], "adam": [{"set5": 31.0}, {"set5": None}]}
    assert compare(scores) == {"adam": {"set5": None}}
    found = summary([{"psnr": psnr, "seconds": 1.0} for psnr in scores["adam"]])
    assert (found["mean"], found["interval"]) == ({"set5": None}, {"set5": None})
