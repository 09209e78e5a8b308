"""The live figure that trains SRCNN in the page: what it learns, what it shows, and what it lets a reader break."""

import re

import pytest
from browse import IN_CHROMIUM
from live_page import slide, told
from playwright.sync_api import expect

from srcnn import cli, data, pretrained
from srcnn.evaluation import evaluate, mean_scores
from srcnn.images import png, sample
from srcnn.resize import enlarge

pytestmark = IN_CHROMIUM
SOON = 60_000  # milliseconds; what never comes ends a test


@pytest.fixture
def page(live_figure):
    return live_figure("train")


def train(page, steps: int, *, wait: bool = True) -> None:
    slide(page, "Steps", steps)
    page.get_by_role("button", name="Train", exact=True).click()
    if wait:
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled(timeout=3 * SOON)


def stop(page) -> None:
    """Stop a training as soon as its first steps are seen."""
    expect(page.get_by_role("status")).to_contain_text("Step ", timeout=SOON)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("Stopped", timeout=SOON)


def decibels(page) -> float:
    return float(re.search(r": ([\d.]+) dB on the held-out", told(page))[1])


def test_it_learns_more_than_bicubic_and_its_weights_are_those_that_the_command_measures(page, tmp_path, capsys):
    train(page, 200)
    assert told(page).startswith("Done: ")
    gain = re.search(r"([\d.]+) dB above bicubic", told(page))
    assert gain, told(page)
    assert float(gain[1]) > 0.5
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the weights").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert cli.main(["evaluate", "--weights", str(path), "--data", "sample", "--scale", "3"]) == 0
    mean = re.search(r"^mean +([\d.]+) +[\d.]+ +([\d.]+)", capsys.readouterr().out, flags=re.M)
    assert decibels(page) == pytest.approx(float(mean[2]), abs=0.02)  # the page keeps luma in 8 bits
    assert decibels(page) - float(gain[1]) == pytest.approx(float(mean[1]), abs=0.02)


@pytest.mark.release
def test_a_seed_gives_the_same_training_twice(page):
    scores = []
    for seed in (1, 1, 2):
        slide(page, "Seed", seed)
        train(page, 200)
        scores.append(told(page))
    assert scores[0] == scores[1] != scores[2]


def test_it_pauses_goes_on_and_stops(page):
    train(page, 5000, wait=False)
    expect(page.get_by_role("status")).to_contain_text("Step 10", timeout=SOON)
    page.get_by_role("button", name="Pause").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    page.wait_for_timeout(1500)
    before = told(page)
    page.wait_for_timeout(1000)
    assert told(page) == before
    resume.click()
    expect(page.get_by_role("status")).not_to_have_text(before, timeout=SOON)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("Stopped", timeout=SOON)
    expect(page.get_by_role("link", name="Save the weights")).to_be_visible()


def test_a_learning_rate_that_is_too_large_is_seen_to_break_it(page):
    page.get_by_label("Adam").check()
    train(page, 5000, wait=False)
    expect(page.get_by_role("status")).to_contain_text("Step ", timeout=SOON)
    slide(page, "Learning rate", 0)
    page.wait_for_function(
        "/below bicubic|diverged/.test(document.querySelector('[role=status]').textContent)", timeout=SOON
    )
    if "diverged" not in told(page):
        page.get_by_role("button", name="Stop").click()


def test_it_trains_on_the_readers_own_photographs_or_says_why_not(page, tmp_path):
    choose = page.get_by_label("Train on")
    choose.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    small, right = (png(sample("coffee")[:, :side, :side]) for side in (30, 200))
    choose.set_input_files({"name": "small.png", "mimeType": "image/png", "buffer": small})
    expect(page.get_by_role("status")).to_contain_text("small.png has 30 x 30 pixels; at least 36 x 36")
    choose.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": right})
    expect(page.get_by_text("1 of your photographs")).to_be_visible()
    train(page, 200, wait=False)
    stop(page)
    assert page.get_by_role("link", name="Save the weights").is_visible()


def test_figures_are_told_in_words_and_everything_has_a_name(page):
    controls = page.locator("input, button")
    for k in range(controls.count()):
        assert controls.nth(k).evaluate("e => (e.labels?.[0] ?? e).textContent.trim()")
    for canvas in page.locator("canvas").all():
        assert len(canvas.get_attribute("aria-label")) > 15
    page.get_by_label("Seed", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Seed", exact=True).input_value() == "1"


def test_bicubic_and_psnr_of_the_page_are_the_packages(page):
    """The held-out photographs as the page scores them before a step: the package's bicubic, from luma in 8 bits."""
    train(page, 200, wait=False)
    expect(page.get_by_role("status")).to_contain_text("bicubic", timeout=SOON)
    words = told(page)
    page.get_by_role("button", name="Stop").click()
    score, gap, side = re.search(r": ([\d.]+) dB on .+, ([\d.]+) dB (below|above)", words).groups()
    bicubic = float(score) + float(gap) * (1 if side == "below" else -1)
    held = list(data.photographs("sample", "test"))
    assert bicubic == pytest.approx(mean_scores(evaluate(enlarge, held, scale=3)).psnr, abs=0.02)


def test_a_scale_chosen_while_it_trains_is_for_the_next_training(page, tmp_path):
    train(page, 200, wait=False)
    page.get_by_label("x2").check()
    stop(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the weights").click()
    assert download.value.suggested_filename == "srcnn-9-1-5-x3-trained-here.safetensors"
    download.value.save_as(tmp_path / "it.safetensors")
    assert pretrained.load(tmp_path / "it.safetensors").card["scale"] == 3


def test_before_it_trains_there_is_no_empty_chart_and_no_file_means_the_samples(page):
    assert page.locator("canvas:visible").count() == 0
    page.get_by_label("Train on").set_input_files([])
    page.get_by_label("Train on").evaluate("input => input.dispatchEvent(new Event('change'))")
    expect(page.get_by_text("the 8 sample photographs")).to_be_visible()
    train(page, 200, wait=False)
    stop(page)
    assert page.locator("canvas:visible").count() == 6
