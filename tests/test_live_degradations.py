"""The live figure of degradations: blur, gamma, noise, network and PSNR equal the package's; JPEG is near Pillow's."""

import io
import re

import numpy as np
import pytest
import torch
from browse import IN_CHROMIUM
from live_page import defined, plane, redrawn_in, settled, slide, told
from PIL import Image
from playwright.sync_api import expect

import srcnn
from srcnn import images, pretrained

pytestmark = IN_CHROMIUM
SIDE = 108  # pixels of what is seen
NONE = 101  # the slider's position for no JPEG
DECIBELS = 0.011  # two digits are told
METHODS = {scale: srcnn.upscaler(pretrained.load(f"srcnn-9-1-5-x{scale}").model) for scale in (2, 3, 4)}
SLIDERS = {"blur": "Blur", "gamma": "Gamma", "noise": "Noise", "quality": "JPEG quality"}
blur = defined("16_photographs", "blur")


@pytest.fixture
def page(live_figure):
    page = live_figure("degradations")
    settled(page)
    return page


def set_to(page, *, name: str | None = None, scale: int | None = None, **values: float) -> tuple[float, float, float]:
    """Move controls, and give what is told: the PSNR of bicubic and of SRCNN, and the gain."""
    if name:
        page.get_by_label("Photograph", exact=True).select_option(name)
    if scale:
        page.get_by_label(f"x{scale}").check()
    for which, value in values.items():
        slide(page, SLIDERS[which], value)
    settled(page)
    return scores(told(page))


def scores(words: str) -> tuple[float, float, float]:
    bicubic, network = map(float, re.search(r": bicubic ([\d.]+) dB, SRCNN ([\d.]+) dB", words).groups())
    if "the two are equal" in words:
        return bicubic, network, 0.0
    verb, gain = re.search(r"SRCNN (gains|loses) ([\d.]+) dB\.$", words).groups()
    return bicubic, network, float(gain) * (1 if verb == "gains" else -1)


def original(name: str, scale: int) -> torch.Tensor:
    """What the page measures of a photograph: all of it, or the middle of a wide one."""
    high = srcnn.luma(images.sample(name))
    used = [min(side, 512) - min(side, 512) % scale for side in high.shape[-2:]]
    top, left = (((side - use) // 2 if side > 512 else 0) for side, use in zip(high.shape[-2:], used, strict=True))
    return high[:, top : top + used[0], left : left + used[1]]


def downsampled(high: torch.Tensor, scale: int, sigma: float, gamma: float) -> torch.Tensor:
    light = (blur(high, sigma) if sigma else high) ** gamma
    return srcnn.shrink(light, scale).clamp(min=0) ** (1 / gamma)


def measured(low: torch.Tensor, high: torch.Tensor, scale: int) -> tuple[float, float, float]:
    psnr = [
        srcnn.psnr(srcnn.quantize(method(low, scale)), high, peak=1, shave=scale)
        for method in (srcnn.enlarge, METHODS[scale])
    ]
    return *psnr, psnr[1] - psnr[0]


def through_pillow(low: torch.Tensor, quality: int) -> torch.Tensor:
    stream = io.BytesIO()
    Image.fromarray(images.to_bytes(low)[0].numpy()).save(stream, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(stream)))[None] / 255


def lr(page, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(plane(page, "low").copy()).reshape(shape)


# photograph, scale, blur, gamma, noise: each alone, all together, and the ends of the sliders
SETTINGS = [
    ("camera", 3, 0, 1, 0),
    ("coins", 3, 3, 1, 0),
    ("coins", 2, 0.1, 1, 0),
    ("chelsea", 4, 0, 2.6, 0),
    ("chelsea", 3, 0, 2.2, 0),
    ("chelsea", 3, 0, 1, 20),
    ("coffee", 2, 1.3, 1.8, 2.5),
    ("coins", 4, 3, 2.6, 20),
]


def test_degraded_images_and_scores_are_the_packages(page):
    for name, scale, sigma, gamma, noise in SETTINGS:
        found = set_to(page, name=name, scale=scale, blur=sigma, gamma=gamma, noise=noise)
        high = original(name, scale)
        shape = (1, *(side // scale for side in high.shape[-2:]))
        draws = torch.from_numpy(plane(page, "grain").copy()).reshape(shape)  # the page's own
        low = srcnn.quantize(downsampled(high, scale, sigma, gamma) + noise / 255 * draws)
        off = 255 * (lr(page, shape) - low).abs()
        assert off.max() < 1.01
        assert (off > 0.01).float().mean() < 1e-3  # a value near a half may be rounded to either side
        assert found == pytest.approx(measured(low, high, scale), abs=DECIBELS), (name, scale, sigma, gamma, noise)


def test_the_part_that_is_seen_is_that_of_the_outputs(page):
    """At the corners and within, bicubic, SRCNN and the original, from the LR image that the page has made."""
    high = original("camera", 3)
    low = srcnn.quantize(srcnn.shrink(high, 3))
    planes = (srcnn.enlarge(low, 3), METHODS[3](low, 3), high)
    for down, across in ((16, 46), (0, 100), (100, 0)):
        slide(page, "Part, down", down)
        slide(page, "Part, across", across)
        settled(page)
        top, left = (round(share / 100 * (510 - SIDE)) for share in (down, across))
        for k, wanted in enumerate(planes):
            seen = plane(page, f"views[{k}]").reshape(SIDE, SIDE)
            np.testing.assert_allclose(seen, wanted[0, top : top + SIDE, left : left + SIDE], atol=2e-5)


def test_the_part_is_the_same_before_the_whole_is_computed(page):
    """What is painted first comes from the part alone, what comes last from the whole output; both are one image."""
    painted = page.evaluate("""async () => {
      const root = document.querySelector('.live'), canvas = root.querySelectorAll('canvas')[1];
      const context = canvas.getContext('2d'), put = context.putImageData.bind(context), seen = [];
      context.putImageData = (image, ...place) => { seen.push(Array.from(image.data).join()); put(image, ...place); };
      const input = [...root.querySelectorAll('input[type=range]')][2];
      input.value = 4;
      input.dispatchEvent(new Event('input'));
      while (root.ariaBusy === 'true') await new Promise((next) => setTimeout(next, 5));
      return [seen.length, new Set(seen).size];
    }""")
    assert painted == [2, 1]


def test_the_noise_is_normal_white_and_the_same_each_time(page):
    draws = plane(page, "grain").astype(np.float64)
    count = draws.size
    assert count == 170 * 170
    assert abs(draws.mean()) < 4 / count**0.5
    assert draws.std() == pytest.approx(1, abs=4 / (2 * count) ** 0.5)
    assert (draws**3).mean() == pytest.approx(0, abs=4 * (15 / count) ** 0.5)
    assert (draws**4).mean() == pytest.approx(3, abs=4 * (96 / count) ** 0.5)
    for step in (1, 2, 170, 171):
        assert abs((draws[step:] * draws[:-step]).mean()) < 4 / count**0.5
    first = set_to(page, noise=10)
    set_to(page, noise=4)
    assert set_to(page, noise=10) == first
    high = original("camera", 3)
    grain = torch.randn(1, 170, 170, generator=torch.Generator().manual_seed(0))
    chapters = measured(srcnn.quantize(srcnn.shrink(high, 3) + 10 / 255 * grain), high, 3)
    assert first == pytest.approx(chapters, abs=0.05)  # other draws of the same noise


@pytest.mark.parametrize("name", ["camera", "coins"])
def test_jpeg_is_close_to_pillows_and_turns_the_gain_into_a_loss(page, name):
    """Each browser has its own encoder; Chromium's tables for a quality are those of Pillow."""
    high = original(name, 3)
    clean = srcnn.shrink(high, 3)
    gains = {}
    for quality in (10, 20, 60, 90, 100):
        found = set_to(page, name=name, quality=quality)
        low = through_pillow(clean, quality)
        assert found == pytest.approx(measured(low, high, 3), abs=0.05)
        assert 255 * (lr(page, low.shape) - low).square().mean().sqrt() < 1
        gains[quality] = found[2]
    assert max(gains[10], gains[20]) < 0 < gains[60] < gains[90] < gains[100]
    assert set_to(page, quality=NONE)[2] == pytest.approx(measured(srcnn.quantize(clean), high, 3)[2], abs=DECIBELS)


def test_noise_turns_the_gain_into_a_loss_while_blur_and_gamma_only_reduce_it(page):
    gains = [set_to(page, noise=sigma)[2] for sigma in (0, 2, 4, 10)]
    assert gains == sorted(gains, reverse=True)
    assert gains[2] > 0 > gains[3]
    none, slight, more, most = (set_to(page, noise=0, blur=sigma)[2] for sigma in (0, 0.7, 1.5, 3))
    assert slight > none > more > most > 0
    assert "SRCNN gains" in told(page)
    gains = [set_to(page, blur=0, gamma=gamma)[2] for gamma in (1, 2.2, 2.6)]
    assert gains == sorted(gains, reverse=True)
    assert gains[2] > 0


def test_a_click_takes_every_degradation_back(page):
    words = told(page)
    set_to(page, noise=20, quality=5, blur=3, gamma=2.6)
    assert all(each in told(page) for each in ("blur of 3", "gamma 2.6", "noise of 20", "JPEG of quality 5"))
    page.get_by_role("button", name="No degradation").click()
    settled(page)
    assert told(page) == words


def test_an_image_that_loses_nothing_gets_no_gain_that_is_no_number(page):
    flat = {"name": "flat.png", "mimeType": "image/png", "buffer": images.png(torch.full((1, 200, 200), 0.5))}
    page.get_by_label("or your own").set_input_files(flat)
    expect(page.get_by_role("status")).to_contain_text("flat.png", timeout=30_000)
    settled(page)
    assert "NaN" not in told(page)
    assert told(page).endswith("the two are equal.")


def test_the_last_of_many_requests_is_what_stays(page):
    page.evaluate("""async () => {
      const inputs = [...document.querySelectorAll('.live input[type=range]')].slice(0, 4);
      for (let k = 0; k < 120; k++) {
        const input = inputs[k % 4];
        input.value = Number(input.min) + (k * 7) % 20;
        input.dispatchEvent(new Event('input'));
        if (k % 10 === 0) await new Promise((next) => setTimeout(next, 20));
      }
    }""")
    page.get_by_role("button", name="No degradation").click()
    page.get_by_label("x4").check()
    last = set_to(page, scale=2, noise=3)
    page.wait_for_timeout(300)
    assert scores(told(page)) == last
    assert told(page).startswith("camera, x2, noise of 3 gray levels: ")


def test_scores_that_come_after_a_newer_request_are_not_told(page):
    """The page is kept busy until the first request is answered; the answer comes after the second was made."""
    before, between, busy = page.evaluate("""async () => {
      const root = document.querySelector('.live'), input = root.querySelectorAll('input[type=range]')[2];
      const words = () => root.querySelector('[role=status]').textContent;
      const before = words();
      const ask = (value) => { input.value = value; input.dispatchEvent(new Event('input')); };
      ask(10);
      const start = performance.now();
      while (performance.now() - start < 1500);
      ask(2);
      for (let k = 0; k < 3; k++) await new Promise((next) => setTimeout(next));
      return [before, words(), root.ariaBusy];
    }""")
    assert busy == "true"
    assert between == before
    settled(page)
    assert "noise of 2 gray levels" in told(page)


def test_the_part_is_seen_at_once(page):
    """From an input to a new image, before its scores are there."""
    page.evaluate("""() => {
      const context = document.querySelectorAll('.live canvas')[1].getContext('2d');
      const put = context.putImageData.bind(context);
      window.painted = 1;
      context.putImageData = (...all) => { put(...all); painted++; };
    }""")
    for control in page.locator(".live input[type=range]").all()[:4]:
        first = float(control.get_attribute("min")) + 1
        assert redrawn_in(control, [first + k / 2 for k in range(6)], "painted") < 10
    settled(page)


def test_it_takes_the_readers_own_photograph_or_says_why_not(page):
    words = told(page)
    choose = page.get_by_label("or your own")
    choose.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    for name, shape, sentence in (("small", (60, 200), "at least 132"), ("huge", (2200, 2000), "at most 4 megapixels")):
        buffer = images.png(torch.zeros(1, *shape))
        choose.set_input_files({"name": f"{name}.png", "mimeType": "image/png", "buffer": buffer})
        expect(page.get_by_role("status")).to_contain_text(sentence)
    slide(page, "Noise", 0)
    settled(page)
    assert told(page) == words
    wide = images.sample("rocket")[:, :200]  # 640 pixels wide
    choose.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": images.png(wide)})
    expect(page.get_by_role("status")).to_contain_text("mine.png, its middle 510 x 198 pixels, x3")
    settled(page)
    high = srcnn.luma(wide)[:, :198, 65:575]
    low = srcnn.quantize(srcnn.shrink(high, 3))
    assert scores(told(page)) == pytest.approx(measured(low, high, 3), abs=DECIBELS)


def test_it_works_with_the_keyboard_alone(page):
    page.get_by_label("JPEG quality", exact=True).focus()
    page.keyboard.press("Home")
    expect(page.get_by_role("status")).to_contain_text("JPEG of quality 5: ")
    expect(page.get_by_role("status")).to_contain_text("SRCNN loses")
    assert page.get_by_label("JPEG quality", exact=True).get_attribute("aria-valuetext") == "5"
