"""The bicubic laboratory of chapter 6: its images, weights, responses and scores are those of package and libraries."""

import math
import re
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from browse import IN_CHROMIUM
from live_page import slide, told
from PIL import Image
from playwright.sync_api import expect

import srcnn
from srcnn.checks.measure_bicubic import cubic
from srcnn.images import png, sample
from srcnn.resize import enlarge, modcrop, shrink

pytestmark = IN_CHROMIUM
SCALES = (2, 3, 4, 5, 6)
CLOSE = {"rtol": 0, "atol": 1e-6}  # the page's images are float32, its sums float64
READY = "document.querySelector('.live')?.result?.psnr"

side = torch.arange(216).double() - 107.5
RINGS = 0.5 + 0.5 * torch.cos(torch.pi * (side[:, None] ** 2 + side**2) / 216)  # the zone plate of Figure 6.1
KERNELS = {
    "cubic": cubic,
    "linear": lambda x, a: (1 - x.abs()).clamp(min=0),
    "box": lambda x, a: ((x.abs() < 0.5 - 1e-9).double() + (x.abs() < 0.5 + 1e-9).double()) / 2,
}


@pytest.fixture
def page(live_figure):
    page = live_figure("bicubic")
    page.wait_for_function(READY)
    return page


def choose(page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)


def result(page, name: str):
    return page.evaluate(f"document.querySelector('.live').result.{name}")


def low(page) -> torch.Tensor:
    """The downsampled zone plate as the page has it."""
    made = page.evaluate(
        "(({ h, w, values }) => [h, w, Array.from(values)])(document.querySelector('.live').result.low)"
    )
    return torch.tensor(made[2], dtype=torch.float64).reshape(made[:2])


def weights(scale: int, kernel: str, a: float, share: float, phase: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights of LR pixel 4, over positions from -60 to 99."""
    at = torch.arange(-60, 100).double()
    center = 4.5 * scale - 0.5
    made = KERNELS[kernel]((at - center - phase) / (1 + share * (scale - 1)), a)
    return at - center, made / made.sum()


def matrix(old: int, scale: int, kernel: str, a: float, share: float, phase: float, border: str) -> torch.Tensor:
    """Downsampling along one axis as in which_bicubic.ipynb, with a phase: (old / scale, old)."""
    center = (torch.arange(old // scale).double()[:, None] + 0.5) * scale - 0.5 + phase
    taps = KERNELS[kernel]((torch.arange(-old, 2 * old) - center) / (1 + share * (scale - 1)), a)
    left, inside, right = (taps / taps.sum(1, keepdim=True)).split(old, dim=1)
    if border == "mirror":
        return inside + left.flip(1) + right.flip(1)
    if border == "drop":
        return inside / inside.sum(1, keepdim=True)
    inside[:, 0] += left.sum(1)
    inside[:, -1] += right.sum(1)
    return inside


def opencv(image: torch.Tensor, size: list[int]) -> torch.Tensor:
    import cv2  # not everybody has it

    return torch.from_numpy(cv2.resize(image.numpy(), size[::-1], interpolation=cv2.INTER_CUBIC))


def pillow(image: torch.Tensor, size: list[int]) -> torch.Tensor:
    old = Image.fromarray(image.float().numpy())
    return torch.from_numpy(np.array(old.resize(size[::-1], Image.Resampling.BICUBIC)))


def interpolate(**how):
    return lambda image, size: F.interpolate(image[None, None], size=size, **how)[0, 0]


def every(image: torch.Tensor, size: list[int]) -> torch.Tensor:
    scale = image.shape[0] // size[0]
    first = (scale - 1) // 2
    return image[first::scale, first::scale]


LIBRARIES = {
    "srcnn": ("package", lambda image, size: shrink(image, image.shape[0] // size[0])),
    "Pillow": ("pillow", pillow),
    "PyTorch, antialias=True": ("pillow", interpolate(mode="bicubic", antialias=True)),
    "PyTorch's default": ("default", interpolate(mode="bicubic")),
    "OpenCV": ("default", opencv),
    "PyTorch, bilinear": ("bilinear", interpolate(mode="bilinear", antialias=True)),
    "mean": ("mean", lambda image, size: F.avg_pool2d(image[None], image.shape[0] // size[0])[0]),
    "one pixel": ("one", every),
}


def test_each_preset_makes_of_the_zone_plate_what_the_library_makes_of_it(page):
    for library, (preset, resize) in LIBRARIES.items():
        if library == "OpenCV" and not find_spec("cv2"):
            continue
        choose(page, "Settings of", preset)
        for scale in SCALES:
            slide(page, "Scale", scale)
            high = modcrop(RINGS, scale)
            expected = resize(high, [length // scale for length in high.shape]).double()
            torch.testing.assert_close(
                low(page), expected, **CLOSE, msg=lambda m, who=library, s=scale: f"{who} x{s}: {m}"
            )
        assert page.get_by_label("Settings of").input_value() == preset  # a scale does not leave it


def test_the_zone_plate_is_the_chapters(page):
    """The chapter computes it in float32."""
    rings = (0.5 + 0.5 * torch.cos(torch.pi * (side.float()[:, None] ** 2 + side.float() ** 2) / 216))[None]
    torch.testing.assert_close(low(page), shrink(rings, 3)[0].double(), rtol=0, atol=5e-5)


OWN = [  # scale, kernel, a, share of the stretch, phase, border
    (2, "cubic", -1, 0, 0.5, "mirror"),
    (6, "cubic", 0, 1, -0.5, "drop"),
    (3, "cubic", -0.3, 0.5, 0.25, "repeat"),
    (5, "cubic", -0.75, 1, 0.1, "mirror"),
    (4, "linear", 0, 0, -0.35, "mirror"),
    (3, "linear", 0, 0.6, 0.5, "repeat"),
    (6, "box", 0, 0.35, 0.15, "drop"),
    (2, "box", 0, 0, 0, "mirror"),
    (3, "box", 0, 0.5, 0, "mirror"),  # the outer two of three pixels lie on the edge of the box
]


def set_all(page, scale, kernel, a, share, phase, border) -> None:
    choose(page, "Kernel", kernel)
    if kernel == "cubic":
        slide(page, "Parameter a", a)
    for label, value in {"Stretch": share, "Phase": phase, "Scale": scale}.items():
        slide(page, label, value)
    choose(page, "Border", border)


def test_any_settings_give_the_image_the_weights_and_the_response_of_their_kernel(page):
    for scale, kernel, a, share, phase, border in OWN:
        set_all(page, scale, kernel, a, share, phase, border)
        assert page.get_by_label("Settings of").input_value() == "own"
        high = modcrop(RINGS, scale)
        along = matrix(len(high), scale, kernel, a, share, phase, border)
        torch.testing.assert_close(low(page), along @ high @ along.T, **CLOSE)
        at, expected = weights(scale, kernel, a, share, phase)
        shown = dict(zip(result(page, "distances"), result(page, "weights"), strict=True))
        made = torch.tensor([shown.get(place, 0.0) for place in at.tolist()], dtype=torch.float64)
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-9)
        response = np.abs(np.fft.rfft(expected.numpy(), 500))
        np.testing.assert_allclose(result(page, "response"), response, rtol=0, atol=1e-9)


def aliased(row: np.ndarray, scale: int) -> float:
    """The share of the energy beyond the Nyquist frequency, from the means of fine FFT bins."""
    size = 2**14 * 60  # the Nyquist frequency of every scale is one of the bins
    energy = np.abs(np.fft.rfft(row, size)) ** 2
    edge = size // (2 * scale)
    below, above = (np.trapezoid(part) for part in (energy[: edge + 1], energy[edge:]))
    return above / (below + above)


def test_the_response_and_the_aliased_share_are_those_of_weights_that_the_package_makes(page):
    """An LR pixel's weights are what the package makes of the unit vectors."""
    for scale in SCALES:
        slide(page, "Scale", scale)
        row = shrink(torch.eye(20 * scale).double()[:, None].expand(-1, scale, -1), scale)[:, 0, 10].numpy()
        assert row.sum() == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(result(page, "response"), np.abs(np.fft.rfft(row, 500)), rtol=0, atol=1e-6)
        nyquist = abs(row @ np.exp(1j * np.pi / scale * np.arange(20 * scale)))
        assert result(page, "nyquist") == pytest.approx(nyquist, abs=1e-6)
        assert result(page, "aliased") == pytest.approx(aliased(row, scale), abs=1e-6)
        assert f"1/{2 * scale} period per HR pixel, the response is {nyquist:.2f}." in told(page)
        assert f"{100 * aliased(row, scale):.1f}% is aliased" in told(page)


def test_the_aliased_share_is_the_integral_and_where_every_frequency_passes_all_but_one_part_in_s(page):
    choose(page, "Settings of", "one")
    for scale in SCALES:
        slide(page, "Scale", scale)
        assert result(page, "aliased") == pytest.approx(1 - 1 / scale, abs=1e-9)
    for scale, kernel, a, share, phase, border in OWN:
        set_all(page, scale, kernel, a, share, phase, border)
        expected = aliased(weights(scale, kernel, a, share, phase)[1].numpy(), scale)
        assert result(page, "aliased") == pytest.approx(expected, abs=1e-6)


def bytes_of(name: str) -> torch.Tensor:
    return srcnn.quantize(srcnn.luma(sample(name)))[0]  # the page keeps luma in 8 bits


def score(down, up, high: torch.Tensor, scale: int) -> float:
    high = modcrop(high, scale)
    small = [length // scale for length in high.shape]
    output = srcnn.quantize(up(down(high, small), list(high.shape)))
    return srcnn.psnr(output[None], high[None], peak=1, shave=scale)


def package(image, size):
    scale = max(size[0] // image.shape[0], image.shape[0] // size[0])
    return (enlarge if size[0] > image.shape[0] else shrink)(image, scale)


def mean(image, size):
    scale = max(size[0] // image.shape[0], image.shape[0] // size[0])
    if size[0] > image.shape[0]:
        return image.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
    return F.avg_pool2d(image[None], scale)[0]


CYCLES = {
    "package": package,
    "pillow": interpolate(mode="bicubic", antialias=True),
    "default": interpolate(mode="bicubic"),
    "bilinear": interpolate(mode="bilinear", antialias=True),
    "mean": mean,
}


def test_a_photograph_scores_what_the_library_scores_by_the_packages_protocol(page):
    for name, scale in (("chelsea", 3), ("coins", 2), ("coins", 6)):
        choose(page, "Photograph", name)
        expect(page.get_by_role("status")).to_contain_text(name)
        slide(page, "Scale", scale)
        ours = score(package, package, bytes_of(name), scale)
        for preset, resize in CYCLES.items():
            choose(page, "Settings of", preset)
            expected = score(resize, resize, bytes_of(name), scale)
            assert result(page, "psnr") == pytest.approx(expected, abs=0.001), preset  # a rounding may differ
            words = re.search(rf"{name} scores ([\d.]+) dB, (?:([\d.]+) dB (below|above)|as with)", told(page))
            assert float(words[1]) == pytest.approx(expected, abs=0.0065)
            gap = float(words[2] or 0) * (-1 if words[3] == "below" else 1)
            assert gap == pytest.approx(expected - ours, abs=0.0065)


def test_a_phase_is_not_undone_and_lowers_the_score(page):
    """SRCNN's protocol upsamples by equation (6.4), whatever the LR image was made by."""
    high = modcrop(bytes_of("chelsea").double(), 3)
    for phase in (-0.5, 0.5):
        slide(page, "Phase", phase)
        rows, columns = (matrix(n, 3, "cubic", -0.5, 1, phase, "mirror") for n in high.shape)
        output = srcnn.quantize(enlarge(rows @ high @ columns.T, 3))
        expected = srcnn.psnr(output[None], high[None], peak=1, shave=3)
        assert result(page, "psnr") == pytest.approx(expected, abs=0.001)
        assert re.search(r"[\d.]+ dB below this package's settings", told(page))


def test_without_a_stretch_the_parameter_does_nothing_at_odd_scales_and_something_at_even_ones(page):
    """What the text lets a reader predict."""
    choose(page, "Settings of", "default")
    for scale in SCALES:
        slide(page, "Scale", scale)
        images, shares = [], []
        for a in (-1, -0.75, 0):
            slide(page, "Parameter a", a)
            images.append(low(page))
            shares.append(result(page, "aliased"))
        reach = max((image - images[0]).abs().max().item() for image in images)
        assert reach < 1e-9 if scale % 2 else reach > 0.05
        if scale % 2:
            assert shares == pytest.approx([1 - 1 / scale] * 3, abs=1e-9)


def test_at_x3_pytorchs_default_passes_everything_and_a_stretch_removes_its_false_centers(page):
    """What the text tells of the zone plate."""
    choose(page, "Settings of", "default")
    np.testing.assert_allclose(result(page, "response"), 1, rtol=0, atol=1e-9)
    ends = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        slide(page, "Stretch", share)
        image = low(page)
        false = [image[r - 6 : r + 6, c - 6 : c + 6] for r in (12, 36, 60) for c in (12, 36, 60) if (r, c) != (36, 36)]
        ends.append(max((patch - 0.5).abs().max().item() for patch in false))
    assert ends == sorted(ends, reverse=True)
    assert ends[0] > 0.49
    assert ends[-1] < 0.02


def test_a_scale_keeps_the_share_of_the_stretch(page):
    value = page.get_by_label("Stretch", exact=True)
    assert value.get_attribute("aria-valuetext") == "3.00"
    slide(page, "Scale", 6)
    assert value.get_attribute("aria-valuetext") == "6.00"
    slide(page, "Stretch", 0.5)
    slide(page, "Scale", 2)
    assert value.get_attribute("aria-valuetext") == "1.50"
    assert page.get_by_label("Settings of").input_value() == "own"
    choose(page, "Kernel", "box")
    expect(page.get_by_label("Parameter a", exact=True)).to_be_disabled()
    choose(page, "Settings of", "package")
    expect(page.get_by_label("Parameter a", exact=True)).to_be_enabled()
    assert value.get_attribute("aria-valuetext") == "2.00"


def give(page, name: str, content: bytes) -> None:
    page.get_by_label("or your own").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_a_file_of_the_readers_is_scored_in_its_middle_or_refused(page):
    before = result(page, "psnr")
    give(page, "text.png", b"no image")
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    give(page, "small.png", png(sample("camera")[:, :40, :40]))
    expect(page.get_by_role("status")).to_contain_text("small.png has 40 x 40 pixels; at least 132 x 132")
    slide(page, "Scale", 3)
    assert result(page, "psnr") == before  # the photograph stays
    large = sample("hubble_deep_field")  # 872 x 1000
    give(page, "large.png", png(large))
    expect(page.get_by_role("status")).to_contain_text("the middle of large.png (512 x 512 pixels) scores")
    middle = srcnn.quantize(srcnn.luma(large))[0, 180:692, 244:756]
    assert result(page, "psnr") == pytest.approx(score(package, package, middle, 3), abs=0.01)  # the page rounds luma
    give(page, "gray.png", png(torch.full((1, 140, 150), 0.5)))
    expect(page.get_by_role("status")).to_contain_text("Downsampled and upsampled, gray.png loses nothing.")


def test_a_file_that_is_read_slowly_does_not_take_the_place_of_a_later_choice(page):
    page.evaluate("""() => {
      const quick = createImageBitmap;
      window.createImageBitmap = (given) => new Promise((go) => { window.late = () => go(quick(given)); });
    }""")
    give(page, "slow.png", png(sample("camera")))
    choose(page, "Photograph", "coins")
    expect(page.get_by_role("status")).to_contain_text("coins scores")
    page.evaluate("async () => { late(); await new Promise((go) => setTimeout(go, 500)); }")
    slide(page, "Scale", 4)
    assert "coins scores" in told(page)


def test_it_obeys_the_keyboard_and_many_quick_changes(page):
    page.get_by_label("Scale", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert told(page).startswith("x4, ")
    page.evaluate("""() => {
      const inputs = [...document.querySelectorAll("input[type=range]")];
      for (let k = 0; k < 60; k++) {
        const input = inputs[k % 4];
        input.value = k % 8 < 4 ? input.min : input.max;
        input.dispatchEvent(new Event("input"));
      }
    }""")
    scale, a, share, phase = (float(page.get_by_label(name, exact=True).input_value()) for name in (
        "Scale", "Parameter a", "Stretch", "Phase"))  # fmt: skip
    along = matrix(216, int(scale), "cubic", a, share, phase, "mirror")  # 2 or 6
    torch.testing.assert_close(low(page), along @ RINGS @ along.T, **CLOSE)
    assert f"x{scale:.0f}, cubic kernel with a = {a:.2f}" in told(page)


def test_charts_are_drawn_anew_for_another_theme_or_width_and_tell_their_numbers(page):
    charts = "() => [...document.querySelectorAll('canvas.live-half')].map((chart) => chart.toDataURL())"
    light = page.evaluate(charts)
    page.evaluate("document.body.style.color = '#dddddd'; document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"(light) => ({charts})()[0] !== light", arg=light[0])
    wide = page.evaluate("document.querySelector('canvas.live-half').width")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function("(wide) => document.querySelector('canvas.live-half').width < wide", arg=wide)
    labels = [canvas.get_attribute("aria-label") for canvas in page.locator("canvas.live-half").all()]
    eleven = (-1, -2, 0, 9, 21, 27, 21, 9, 0, -2, -1)  # 81sts, chapter 6; at the ends of the reach are two zeros
    listed = [float(weight) for weight in re.findall(r"-?[\d.]+(?=,|$)", labels[0])]
    assert listed == [0, *(round(weight / 81, 3) for weight in eleven), 0]
    row = weights(3, "cubic", -0.5, 1, 0)
    at = (row[1] * torch.cos(2 * math.pi * 0.2 * row[0])).sum().item()
    assert f"{at:.2f} at 0.2," in labels[1]
