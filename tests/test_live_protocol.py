"""The live figure of the protocol: each step that is changed, alone and with others, scores as the package does."""

import math
import re
from statistics import fmean

import live
import pytest
import torch
import torch.nn.functional as F
from browse import IN_CHROMIUM
from live_page import told
from playwright.sync_api import expect

import srcnn
from srcnn import color, pretrained
from srcnn.evaluation import score_image, upscaler
from srcnn.resize import enlarge

pytestmark = IN_CHROMIUM
FIRST = {
    "Compared": "luma, studio range",
    "Original": "cropped to a multiple of 3",
    "Bicubic": "as MATLAB, antialiased",
    "LR image": "not rounded",
    "Output": "rounded to bytes",
    "Shaved": "3 pixels",
    "Peak": "255",
    "Score": "mean of the PSNRs",
}
FULL, RGB = {"Compared": "luma, full range"}, {"Compared": "R, G and B"}
RESIZED, TORCH = {"Original": "resized to a multiple of 3"}, {"Bicubic": "PyTorch's default"}
BYTES, FLOATS = {"LR image": "rounded to bytes"}, {"Output": "not rounded"}
NOTHING, SIX = {"Shaved": "nothing"}, {"Shaved": "6 pixels"}
MAXIMUM, ERRORS = {"Peak": "the original's maximum"}, {"Score": "PSNR of the mean MSE"}
ALONE = [FULL, RGB, RESIZED, TORCH, BYTES, FLOATS, NOTHING, SIX, MAXIMUM, ERRORS]
TOGETHER = [
    FULL | TORCH | NOTHING,
    RGB | RESIZED | FLOATS,
    RGB | TORCH | MAXIMUM | ERRORS,
    RESIZED | BYTES | SIX | ERRORS,
    RGB | RESIZED | TORCH | BYTES | FLOATS | NOTHING | MAXIMUM | ERRORS,
]


@pytest.fixture
def page(live_figure):
    page = live_figure("protocol")
    expect(page.get_by_role("status")).to_contain_text("By the protocol", timeout=30_000)
    return page


@pytest.fixture(scope="module")
def model():
    return pretrained.load("srcnn-9-1-5-x3").model


def ask(page, steps: dict) -> dict:
    """The figure's numbers after these steps, and no others, have been changed."""
    for label, words in (FIRST | steps).items():
        page.get_by_label(label, exact=True).select_option(words)
    page.wait_for_function(
        """() => {
          const { steps } = document.querySelector(".live").state;
          return [...document.querySelectorAll(".live select")].every((e, k) => e.value === Object.values(steps)[k]);
        }""",
        timeout=30_000,
    )
    return page.evaluate("document.querySelector('.live').state.scores")


def resampled(image: torch.Tensor, size: list[int], **how) -> torch.Tensor:
    return F.interpolate(image[None], size=size, mode="bicubic", **how)[0]


def expected(steps: dict, model) -> dict:
    """The same steps with the package and PyTorch: the PSNR of each photograph and the score, for both methods."""
    asked = FIRST | steps
    errors: dict[str, list[float]] = {"bicubic": [], "srcnn": []}
    for name in live.COLOR_PARTS:
        photo = live.color_part(name)
        measured = {"luma, studio range": srcnn.luma, "luma, full range": color.gray, "R, G and B": lambda x: x}
        truth = measured[asked["Compared"]](photo)
        size = [side // 3 * 3 for side in photo.shape[-2:]]
        small = [side // 3 for side in size]
        if "Original" in steps:
            truth = srcnn.quantize(resampled(truth, size, antialias=True))
        else:
            truth = srcnn.modcrop(truth, 3)
        low = srcnn.shrink(truth, 3) if "Bicubic" not in steps else resampled(truth, small)
        low = srcnn.quantize(low) if "LR image" in steps else low
        bicubic = enlarge(low, 3) if "Bicubic" not in steps else resampled(low, size)
        if len(bicubic) == 3:
            ycbcr = srcnn.rgb_to_ycbcr(bicubic)
            sharpened = srcnn.ycbcr_to_rgb(torch.cat([network(model, ycbcr[:1]), ycbcr[1:]]))
        else:
            sharpened = network(model, bicubic)
        for method, output in (("bicubic", bicubic), ("srcnn", sharpened)):
            output = output if "Output" in steps else srcnn.quantize(output)
            shave = {"3 pixels": 3, "nothing": 0, "6 pixels": 6}[asked["Shaved"]]
            peak = truth.max().item() if "Peak" in steps else 1
            errors[method].append(10 ** (-srcnn.psnr(output, truth, peak=peak, shave=shave) / 10))
    each = {method: [-10 * math.log10(error) for error in found] for method, found in errors.items()}
    return {
        method: {
            "each": each[method],
            "score": -10 * math.log10(fmean(errors[method])) if "Score" in steps else fmean(each[method]),
        }
        for method in errors
    }


@torch.inference_mode()
def network(model, image: torch.Tensor) -> torch.Tensor:
    """SRCNN on an image that is upsampled already, with the padding that the protocol has."""
    padding, model.padding = model.padding, model.inference_padding
    try:
        return model(image[None])[0]
    finally:
        model.padding = padding


def test_by_the_protocol_it_scores_as_the_package_evaluates(page, model):
    scores = ask(page, {})
    for method, method_of in (("bicubic", enlarge), ("srcnn", upscaler(model))):
        package = [score_image(method_of, live.color_part(name), scale=3).psnr for name in live.COLOR_PARTS]
        assert scores[method]["each"] == pytest.approx(package, abs=0.002)
        assert scores[method]["score"] == pytest.approx(fmean(package), abs=0.002)
        assert expected({}, model)[method]["each"] == pytest.approx(package, abs=1e-4)  # so that others can be trusted


@pytest.mark.parametrize("kind", ["alone", "together"])
def test_every_step_scores_as_in_the_package_alone_and_with_others(page, model, kind):
    first = ask(page, {})
    for steps in ALONE if kind == "alone" else TOGETHER:
        scores, package = ask(page, steps), expected(steps, model)
        for method in ("bicubic", "srcnn"):
            assert scores[method]["each"] == pytest.approx(package[method]["each"], abs=0.002), steps
            assert scores[method]["score"] == pytest.approx(package[method]["score"], abs=0.002), steps
        bicubic, srcnn_ = (scores[method]["score"] for method in ("bicubic", "srcnn"))
        words = told(page)
        assert all(f"({option})" in words for option in steps.values())
        assert words.count("(") == len(steps)
        assert f"Bicubic interpolation scores {bicubic:.2f} dB, {apart(bicubic - first['bicubic']['score'])}" in words
        assert f"and SRCNN {srcnn_:.2f} dB, {apart(srcnn_ - first['srcnn']['score'])} the protocol's" in words
        assert f"SRCNN is {apart(srcnn_ - bicubic)} bicubic" in words
        assert f"SRCNN would seem {apart(srcnn_ - first['bicubic']['score'])} it" in words
        cells = page.get_by_role("row").nth(5).locator("td").all_inner_texts()
        assert cells == [f"{bicubic:.2f}", f"{srcnn_:.2f}", f"{srcnn_ - bicubic:.2f}"]


def apart(value: float) -> str:
    return f"{abs(value):.2f} dB {'below' if value < 0 else 'above'}"


def test_what_the_text_says(page):
    """Three mistakes cost more than SRCNN gains; PyTorch's bicubic costs SRCNN most."""
    first = {method: of["score"] for method, of in ask(page, {}).items()}
    for steps in (FULL, RGB, TORCH):
        assert ask(page, steps)["srcnn"]["score"] < first["bicubic"]
        assert "SRCNN would seem" in told(page)
        assert re.search(r"would seem [\d.]+ dB below it", told(page))
    now = ask(page, TORCH)
    assert all(now["srcnn"]["score"] < ask(page, steps)["srcnn"]["score"] for steps in ALONE if steps != TORCH)
    assert first["srcnn"] - now["srcnn"]["score"] > 2 * (first["bicubic"] - now["bicubic"]["score"]) > 2
    assert now["srcnn"]["score"] < now["bicubic"]["score"]
    resized = ask(page, RESIZED)
    assert all(resized[method]["score"] > first[method] + 0.5 for method in first)


def test_the_last_of_many_quick_changes_holds_and_one_button_leads_back(page):
    before = page.evaluate("document.querySelector('.live').state.scores")
    page.evaluate("""() => {
      const selects = [...document.querySelectorAll(".live select")];
      for (let k = 0; k < 60; k++) {
        const one = selects[k % 8];
        one.selectedIndex = (one.selectedIndex + 1) % one.options.length;
        one.dispatchEvent(new Event("change"));
      }
      for (const one of selects) { one.selectedIndex = 0; one.dispatchEvent(new Event("change")); }
      selects[5].value = "0";
      selects[5].dispatchEvent(new Event("change"));
    }""")
    expect(page.get_by_role("status")).to_contain_text("Changed: shaved (nothing).", timeout=30_000)
    page.wait_for_timeout(500)
    assert "Changed: shaved (nothing)." in told(page)
    page.get_by_role("button", name="Follow the protocol").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("By the protocol", timeout=30_000)
    assert page.evaluate("document.querySelector('.live').state.scores") == before
    assert page.locator(".live-changed").count() == 0
    page.get_by_label("Peak", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("status")).to_contain_text("Changed: peak (the original's maximum).")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
