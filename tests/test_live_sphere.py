"""The live figure of five images with one PSNR: their damages, scores and orders are the package's and chapter 7's."""

import re

import numpy as np
import pytest
import torch
from browse import IN_CHROMIUM
from live_page import slide, told
from playwright.sync_api import expect
from scipy.fft import dctn, idctn
from scipy.ndimage import shift
from scipy.stats import spearmanr
from skimage.filters import gaussian

import srcnn
from srcnn.images import png, sample

pytestmark = IN_CHROMIUM
DAMAGES = {"lighter", "blurred", "blocks", "noise", "shifted"}
H, W = 160, 192
STATE = """() => {
  const { made, order, spearman, part } = document.querySelector(".live").state;
  return { order, spearman, part: [...part], made: Object.fromEntries(
    Object.entries(made).map(([name, one]) => [name, { ...one, image: [...one.image] }])) };
}"""


@pytest.fixture
def page(live_figure):
    page = live_figure("sphere")
    expect(page.get_by_role("status")).to_contain_text("Your order", timeout=30_000)
    return page


def reveal(page) -> None:
    page.get_by_role("button", name="Reveal the scores").click()


def state(page) -> dict:
    """What the figure has: the original and the five images as double planes, and its numbers."""
    now = page.evaluate(STATE)
    for holder, key in ((now, "part"), *((one, "image") for one in now["made"].values())):
        holder[key] = torch.tensor(holder[key], dtype=torch.float64).view(1, H, W)
    return now


def set_to(page, psnr: float) -> None:
    slide(page, "PSNR of all five", psnr)
    expect(page.get_by_role("status")).to_contain_text(f"PSNR of {psnr:.2f} dB")


def cat() -> torch.Tensor:
    """The part of the photograph that chapter 7 damages."""
    return srcnn.luma(sample("chelsea"))[:, 50:210, 92:284].double()


def blocks(image: np.ndarray, step: float) -> np.ndarray:
    """Chapter 7's blocks."""
    tiles = image.reshape(H // 8, 8, W // 8, 8).transpose(0, 2, 1, 3)
    rounded = step * np.round(dctn(tiles, axes=(-2, -1), norm="ortho") / step)
    return idctn(rounded, axes=(-2, -1), norm="ortho").transpose(0, 2, 1, 3).reshape(H, W)


def lanczos(by: float) -> np.ndarray:
    """The chelsea part, shifted to the right by Lanczos interpolation with eight taps."""
    photo = srcnn.luma(sample("chelsea"))[0].double().numpy()
    columns = np.arange(92, 284)[:, None] - by - np.arange(photo.shape[1])  # (192, 451): distances
    weights = np.where(abs(columns) < 4, np.sinc(columns) * np.sinc(columns / 4), 0)
    return photo[50:210] @ (weights / weights.sum(1, keepdims=True)).T


@pytest.mark.parametrize("psnr", [22, 26, 31.5, 36])
def test_all_five_have_the_psnr_and_the_packages_ssim(page, psnr):
    reveal(page)
    set_to(page, psnr)
    now = state(page)
    torch.testing.assert_close(now["part"], cat(), rtol=0, atol=1e-6)
    assert set(now["made"]) == DAMAGES
    words, scores = told(page), {}
    for name, one in now["made"].items():
        assert srcnn.psnr(one["image"], cat(), peak=1, shave=0) == pytest.approx(psnr, abs=0.01)
        assert one["psnr"] == pytest.approx(psnr, abs=0.01)
        scores[name] = srcnn.ssim(one["image"], cat(), peak=1, shave=0)
        assert one["ssim"] == pytest.approx(scores[name], abs=1e-4)
        assert f"{name} ({one['ssim']:.3f})" in words
        assert 0 <= one["image"].min() <= one["image"].max() <= 1
    best_first = sorted(scores, key=scores.get, reverse=True)
    assert re.findall(r"(\w+) \(0\.\d+\)", words) == best_first
    assert best_first[0] == "lighter"  # the caption says so, and what is worst
    assert best_first[-1] == {22: "shifted", 26: "blocks"}.get(psnr, best_first[-1])


@pytest.mark.parametrize("psnr", [22, 26, 36])
def test_each_damage_is_what_its_name_says(page, psnr):
    """Blur, blocks and shift by the strength that the figure found; scaled by a few percent at most."""
    reveal(page)
    set_to(page, psnr)
    made, image = state(page)["made"], cat()[0].numpy()
    oracles = {
        "blurred": gaussian(image, made["blurred"]["amount"]),
        "blocks": blocks(image, made["blocks"]["amount"]),
        "shifted": lanczos(made["shifted"]["amount"]),
        "lighter": image + 0.08,
    }
    for name, damaged in oracles.items():
        factor = made[name]["factor"]
        assert name == "lighter" or factor == pytest.approx(1, abs=0.06), name
        expected = np.clip(image + factor * (damaged - image), 0, 1)
        np.testing.assert_allclose(made[name]["image"][0].numpy(), expected, atol=2e-6, err_msg=name)
    noise = (made["noise"]["image"][0].numpy() - image) / (0.08 * made["noise"]["factor"])
    inside = noise[(image > 0.35) & (image < 0.65)]  # where nothing was clipped
    assert abs(inside.mean()) < 0.03
    assert inside.std() == pytest.approx(1, abs=0.02)
    assert np.mean(abs(inside) > 2) == pytest.approx(0.0455, abs=0.01)  # normal
    for axis in (0, 1):
        one, other = (np.take(noise, range(k, noise.shape[axis] - 1 + k), axis).ravel() for k in (0, 1))
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.03  # neighbors know nothing of each other


def test_at_26_decibels_the_blur_and_the_blocks_are_the_chapters(page):
    reveal(page)
    now = state(page)["made"]
    for name, amount, damaged in (
        ("blurred", 3.7, gaussian(cat()[0].numpy(), 3.7)),
        ("blocks", 0.6, blocks(cat()[0].numpy(), 0.6)),
    ):
        assert now[name]["amount"] == pytest.approx(amount, rel=0.02)
        error = torch.from_numpy(damaged)[None] - cat()
        chapters = cat() + error * (10**-2.6 / error.square().mean()).sqrt()
        assert now[name]["ssim"] == pytest.approx(srcnn.ssim(chapters, cat(), peak=1, shave=0), abs=0.01)
    spline = shift(srcnn.luma(sample("chelsea"))[0].double().numpy(), (0, now["shifted"]["amount"]), order=5)
    spline = torch.from_numpy(spline[50:210, 92:284])[None]
    assert srcnn.psnr(spline, cat(), peak=1, shave=0) == pytest.approx(26, abs=0.1)
    assert now["shifted"]["ssim"] == pytest.approx(srcnn.ssim(spline, cat(), peak=1, shave=0), abs=0.01)


def test_a_reader_ranks_by_keyboard_and_nothing_is_told_before_the_reveal(page):
    assert not re.search(r"\d\.\d|dB|SSIM", page.locator(".live").inner_text())
    expect(page.get_by_label("PSNR of all five", exact=True)).to_be_hidden()
    better = page.get_by_role("button", name="Better: blurred")
    better.focus()
    for _ in range(6):  # one more than there are places
        page.keyboard.press("Enter")
        expect(better).to_be_focused()
    assert state(page)["order"] == ["blurred", "noise", "shifted", "lighter", "blocks"]
    assert page.locator("figcaption b").all_inner_texts()[0] == "1. blurred"
    page.get_by_role("button", name="Worse: noise").focus()
    page.keyboard.press("Space")
    assert "Your order, best first: blurred, shifted, noise, lighter, blocks." in told(page)
    reveal(page)
    now = state(page)
    names = now["order"]
    expected = spearmanr(range(5), [-now["made"][name]["ssim"] for name in names]).statistic
    assert now["spearman"] == pytest.approx(expected, abs=1e-9)
    assert f"correlation is {expected:.1f}" in told(page)
    by_ssim = sorted(names, key=lambda name: -now["made"][name]["ssim"])
    for place, name in enumerate(by_ssim):
        for _ in range(4):
            page.get_by_role("button", name=f"Better: {name}").click()
        for _ in range(place):
            page.get_by_role("button", name=f"Worse: {name}").click()
    assert state(page)["order"] == by_ssim
    assert "You and SSIM agree: Spearman's rank correlation is 1." in told(page)
    page.get_by_role("button", name="Hide the scores").click()
    assert not re.search(r"\d\.\d|dB|SSIM", page.locator(".live").inner_text())


def test_other_photographs_have_equal_scores_too_and_what_cannot_be_used_is_told(page):
    choose = page.get_by_label("or your own")
    choose.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    flat, small = torch.full((1, 220, 220), 0.5), sample("coins")[:, :150, :150]
    choose.set_input_files({"name": "small.png", "mimeType": "image/png", "buffer": png(small)})
    expect(page.get_by_role("status")).to_contain_text("small.png has 150 x 150 pixels; at least 200 x 200")
    choose.set_input_files({"name": "flat.png", "mimeType": "image/png", "buffer": png(flat)})
    expect(page.get_by_role("status")).to_contain_text("too flat or too bright")
    torch.testing.assert_close(state(page)["part"], cat(), rtol=0, atol=1e-6)  # the former photograph stays
    mine = sample("rocket")[:, 150:390, 200:460]
    choose.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": png(mine)})
    expect(page.get_by_role("status")).to_contain_text("Your order")
    equal_scores(page, srcnn.luma(mine)[:, 40:200, 34:226].double())
    page.get_by_label("Photograph", exact=True).select_option("coffee")
    expect(page.get_by_role("button", name="Reveal the scores")).to_be_visible()  # the scores of another are hidden
    equal_scores(page, srcnn.luma(sample("coffee"))[:, 120:280, 200:392].double())


def equal_scores(page, original: torch.Tensor) -> None:
    reveal(page)
    now = state(page)
    torch.testing.assert_close(now["part"], original, rtol=0, atol=1e-6)
    for one in now["made"].values():
        assert srcnn.psnr(one["image"], original, peak=1, shave=0) == pytest.approx(26, abs=0.01)
        assert one["ssim"] == pytest.approx(srcnn.ssim(one["image"], original, peak=1, shave=0), abs=1e-4)


def test_a_file_that_is_slow_to_decode_does_not_replace_what_was_chosen_after_it(page):
    page.evaluate("""() => {
      const real = createImageBitmap;
      const later = new Promise((go) => setTimeout(go, 500));
      globalThis.createImageBitmap = async (file) => { await later; return real(file); };
    }""")
    mine = {"name": "mine.png", "mimeType": "image/png", "buffer": png(sample("coins")[:, :240, :260])}
    page.get_by_label("or your own").set_input_files(mine)
    page.get_by_label("Photograph", exact=True).select_option("brick")
    page.wait_for_timeout(1500)
    torch.testing.assert_close(state(page)["part"], sample("brick")[:, 100:260, 100:292].double(), rtol=0, atol=1e-6)


def test_the_last_of_many_quick_changes_holds(page):
    reveal(page)
    page.get_by_label("PSNR of all five", exact=True).evaluate("""input => {
      for (let k = 0; k < 200; k++) { input.value = 22 + k % 15; input.dispatchEvent(new Event("input")); }
      input.value = 24; input.dispatchEvent(new Event("input"));
    }""")
    expect(page.get_by_role("status")).to_contain_text("PSNR of 24.00 dB")
    page.wait_for_timeout(300)
    assert state(page)["made"]["blocks"]["psnr"] == pytest.approx(24, abs=0.01)
