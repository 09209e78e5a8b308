"""The live figure of the bootstrap: its resamples are the chapter's, its intervals and tests those of SciPy."""

import itertools
import re
from statistics import fmean, stdev

import numpy as np
import pytest
import scipy.stats
import torch
from browse import IN_CHROMIUM
from live_page import redrawn_in, slide, source, state, told

from srcnn.results import results

pytestmark = IN_CHROMIUM
SETS = {"Set5": "set5", "Set14": "set14", "BSD100": "bsds300"}
PAIRS = {f"{a} over {b}": (a, b) for a, b in [("9-1-5", "bicubic"), ("9-5-5", "bicubic"), ("9-3-5", "9-1-5")]}
PAIRS |= {f"{a} over {b}": (a, b) for a, b in [("9-5-5", "9-1-5"), ("9-5-5", "9-3-5"), ("subpixel", "9-1-5")]}


@pytest.fixture(scope="module")
def chapter() -> dict:
    """What the chapter's own cell defines: `bootstrap` and `t_interval`; the loop below them needs more, and is cut."""
    names = {"torch": torch, "scipy": scipy, "fmean": fmean, "stdev": stdev}
    exec(source("12_evaluating", "def bootstrap").partition("lines = ")[0], names)
    return names


@pytest.fixture
def page(live_figure):
    return live_figure("bootstrap")


def draw(page, count: str) -> None:
    page.get_by_role("button", name=f"Draw {count}", exact=True).click()


def choose(page, pair: str, images: str, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Set the figure, and return the scores of both from the package's records."""
    for label in (pair, images, f"x{scale}"):
        page.get_by_label(label, exact=True).check()
    tables = []
    for method in PAIRS[pair]:
        weights = {"bicubic": method, "subpixel": f"subpixel-x{scale}"}.get(method, f"srcnn-{method}-x{scale}")
        tables.append({k: q["psnr"] for k, q in results(weights, SETS[images], scale)["images"].items()})
    a, b = (np.array([table[image] for image in tables[1]]) for table in tables)
    return a, b


def far_share(a: np.ndarray, b: np.ndarray, signs: np.ndarray) -> float:
    """The share of sign patterns whose sum is at least as far from zero, in the scores' last digit."""
    gains = np.rint(1e4 * (a - b)).astype(int)
    return float(np.mean(abs(signs @ gains) >= abs(gains.sum())))


def test_ten_thousand_resamples_give_the_chapters_table(page, chapter):
    """The figure draws what torch draws from the same seed, so that nothing is left to chance."""
    for images, n in (("Set14", 14), ("BSD100", 100)):
        a, b = choose(page, "9-1-5 over bicubic", images, 3)
        draw(page, "10,000")
        found = state(page)
        assert found["n"] == n == len(found["gains"])
        assert found["gains"] == pytest.approx(list(a - b), abs=1e-9)
        low, high = chapter["bootstrap"](list(a - b))
        # the chapter's 0.025 and 0.975 are float32
        assert [found["bootstrap"]["low"], found["bootstrap"]["high"]] == pytest.approx([low, high], abs=1e-6)
        assert [found["t"]["low"], found["t"]["high"]] == pytest.approx(chapter["t_interval"](list(a - b)), abs=1e-9)
        assert f"bootstrap interval of {low:.3f} to {high:.3f} dB (10,000 resamples)" in told(page)
        page.get_by_role("button", name="Start over").click()
        assert "no resample yet" in told(page)


@pytest.mark.parametrize(
    ("pair", "images", "scale"),
    [
        ("9-1-5 over bicubic", "Set5", 2),
        ("9-5-5 over 9-1-5", "Set5", 4),
        ("9-5-5 over 9-3-5", "Set14", 3),
        ("9-3-5 over 9-1-5", "Set14", 2),
        ("9-5-5 over bicubic", "BSD100", 2),  # p is smallest
        ("subpixel over 9-1-5", "BSD100", 4),  # and largest, but for Set5
    ],
)
def test_intervals_and_p_values_are_scipys(page, pair, images, scale):
    a, b = choose(page, pair, images, scale)
    n, found = len(a), state(page)
    paired = scipy.stats.ttest_rel(a, b)
    interval = paired.confidence_interval()
    assert [found["t"][k] for k in ("mean", "low", "high")] == pytest.approx([(a - b).mean(), *interval], rel=1e-6)
    assert found["t"]["p"] == pytest.approx(paired.pvalue, rel=1e-6)
    signs = scipy.stats.binomtest(int(sum(a > b)), n)
    assert found["signs"] == {"wins": signs.k, "p": pytest.approx(signs.pvalue, rel=1e-6)}
    permutation = found["permutation"]
    assert permutation["exact"] == (n <= 14)
    if n <= 14:
        every = np.array(list(itertools.product((1, -1), repeat=n)))
        assert permutation["p"] == far_share(a, b, every)
        assert f"(all {2**n:,})" in told(page)
    else:
        words = np.random.RandomState(0).randint(0, 2**32, (9999, -(-n // 32)), dtype=np.uint32)
        bits = (words[:, :, None] >> np.arange(32, dtype=np.uint32)) & 1
        flips = 2 * bits.reshape(9999, -1)[:, :n].astype(int) - 1
        assert permutation["p"] == pytest.approx((1 + 9999 * far_share(a, b, flips)) / 10_000, abs=1e-12)
    words = re.search(
        r"of (\d+) images is (-?[\d.]+) dB, with a t interval of (-?[\d.]+) to (-?[\d.]+) dB", told(page)
    ).groups()
    assert [float(word) for word in words] == pytest.approx([n, (a - b).mean(), *interval], abs=5.1e-4)
    values = re.search(
        r"t test ([\d.e-]+), sign flips ([\d.e-]+) .*sign test ([\d.e-]+) \((\d+) of", told(page)
    ).groups()
    expected = [paired.pvalue, permutation["p"], signs.pvalue, signs.k]
    assert [float(value) for value in values] == pytest.approx(expected, rel=0.06)


def test_five_images_prove_little_however_large_the_gain(page):
    choose(page, "9-1-5 over bicubic", "Set5", 3)
    draw(page, "10,000")
    found = state(page)
    assert found["permutation"]["p"] == found["signs"]["p"] == 2 / 32
    reach = {kind: found[kind]["high"] - found[kind]["low"] for kind in ("t", "bootstrap")}
    assert reach["t"] > 1.5 * reach["bootstrap"]


def test_random_sign_flips_come_near_to_scipys(page):
    """Two samples of 9,999: within four standard errors of their difference."""
    a, b = choose(page, "subpixel over 9-1-5", "BSD100", 4)
    other = scipy.stats.permutation_test(
        (a, b), lambda x, y: (x - y).mean(), permutation_type="samples", n_resamples=9999, vectorized=False, rng=1
    ).pvalue
    p = state(page)["permutation"]["p"]
    assert p == pytest.approx(other, abs=4 * (2 * max(p, other) / 9999) ** 0.5)


def test_forgetting_the_pairs_makes_a_sure_gain_unsure(page):
    a, b = choose(page, "9-5-5 over 9-1-5", "BSD100", 3)
    draw(page, "100")
    before = state(page)
    page.get_by_label("Pretend the images are not paired").check()
    found = state(page)
    welch = scipy.stats.ttest_ind(a, b, equal_var=False)
    interval = welch.confidence_interval()
    assert [found["t"][k] for k in ("mean", "low", "high")] == pytest.approx([(a - b).mean(), *interval], rel=1e-6)
    assert found["t"]["p"] == pytest.approx(welch.pvalue, rel=1e-6)
    assert before["t"]["low"] > 0 > found["t"]["low"]
    assert before["bootstrap"]["low"] > 0 > found["bootstrap"]["low"]
    assert before["t"]["p"] < 1e-10
    assert found["t"]["p"] > 0.5
    assert found["permutation"]["p"] > 0.5
    assert "as if not paired, which is a mistake" in told(page)
    assert f"Paired, the t interval is {before['t']['low']:.3f} to {before['t']['high']:.3f} dB." in told(page)
    index = np.random.RandomState(0).randint(0, 2**32, (100, 2, 100), dtype=np.uint32) % 100
    assert found["means"] == pytest.approx(list((a[index[:, 0]] - b[index[:, 1]]).mean(1)), abs=1e-9)


def test_forgetting_the_pairs_makes_both_intervals_about_eighty_times_as_wide(page):
    choose(page, "9-5-5 over 9-1-5", "BSD100", 3)
    draw(page, "10,000")
    paired = state(page)
    page.get_by_label("Pretend the images are not paired").check()
    for kind in ("t", "bootstrap"):
        narrow, wide = (found[kind]["high"] - found[kind]["low"] for found in (paired, state(page)))
        assert 75 < wide / narrow < 85


def test_exchanged_labels_are_numpys(page):
    a, b = choose(page, "subpixel over 9-1-5", "Set5", 3)
    page.get_by_label("Pretend the images are not paired").check()
    slide(page, "Seed", 3)
    scores, far = np.rint(1e4 * np.concatenate([a, b])).astype(int), 1
    total, observed, stream = scores.sum(), abs(2 * scores[:5].sum() - scores.sum()), np.random.RandomState(3)
    words = stream.randint(0, 2**32, (9999, 5), dtype=np.uint32).tolist()
    scores = scores.tolist()
    for row in words:
        for i, word in enumerate(row):
            j = i + word % (10 - i)
            scores[i], scores[j] = scores[j], scores[i]
        far += abs(2 * sum(scores[:5]) - total) >= observed
    assert state(page)["permutation"]["p"] == pytest.approx(far / 10_000, abs=1e-12)
    exact = scipy.stats.permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf).pvalue
    assert far / 10_000 == pytest.approx(exact, abs=4 * (exact / 9999) ** 0.5)


@pytest.mark.parametrize("seed", [0, 99])
def test_resamples_are_numpys_and_so_are_their_quantiles(page, seed):
    a, b = choose(page, "9-3-5 over 9-1-5", "Set5", 2)
    slide(page, "Seed", seed)
    index = np.random.RandomState(seed).randint(0, 2**32, (10_000, 5), dtype=np.uint32) % 5
    means = (a - b)[index].mean(1)
    drawn = 0
    for count in ("1", "1", "100", "10,000"):
        draw(page, count)
        drawn = min(drawn + int(count.replace(",", "")), 10_000)  # the chapter's number is the most
        found = state(page)
        assert found["means"] == pytest.approx(list(means[:drawn]), abs=1e-9)
        assert f"{drawn:,} resample" in told(page)
        if drawn < 100:
            assert found["bootstrap"] is None
            assert f"the last of mean {means[drawn - 1]:.3f} dB" in told(page)
        else:
            low, high = np.quantile(means[:drawn], [0.025, 0.975])
            assert [found["bootstrap"]["low"], found["bootstrap"]["high"]] == pytest.approx([low, high], abs=1e-9)
    for count in ("1", "100", "10,000"):
        assert page.get_by_role("button", name=f"Draw {count}", exact=True).is_disabled()
    page.get_by_role("button", name="Start over").click()
    assert page.get_by_role("button", name="Draw 1", exact=True).is_enabled()


def test_a_change_draws_as_many_again_and_is_quick(page):
    """The largest of the settings."""
    choose(page, "9-5-5 over 9-1-5", "BSD100", 3)
    page.get_by_label("Pretend the images are not paired").check()
    draw(page, "10,000")
    assert redrawn_in(page.get_by_label("Seed"), range(15)) < 15
    many = state(page)["means"]
    assert len(many) == 10_000
    slide(page, "Seed", 3)
    assert state(page)["means"] != many
    slide(page, "Seed", 14)
    assert state(page)["means"] == many


def test_it_is_used_by_keyboard_and_drawn_anew_in_the_colors_and_the_size_of_the_page(page):
    page.get_by_role("button", name="Draw 100", exact=True).focus()
    page.keyboard.press("Enter")
    assert "100 resamples" in told(page)
    page.get_by_label("Set14").focus()
    page.keyboard.press("ArrowRight")
    assert "BSD100 at x3" in told(page)
    assert "100 resamples" in told(page)
    for canvas in page.locator("canvas").all():
        before = canvas.evaluate("c => c.toDataURL()")
        page.add_style_tag(content="[data-theme=dark] { color: rgb(200, 210, 220); }")
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.wait_for_timeout(100)
        assert canvas.evaluate("c => c.toDataURL()") != before
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        page.wait_for_timeout(100)
        assert canvas.evaluate("c => c.toDataURL()") == before
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("() => { const c = document.querySelector('canvas'); return c.width === c.clientWidth; }")
