"""explain --weights: each library's filter is that library's own, and the degradation behind a figure is found."""

import random

import numpy as np
import pytest
import skimage.transform
import torch
import torch.nn.functional as F
from PIL import Image
from test_explain import by_others, crop

from srcnn import images, metrics, pretrained
from srcnn.cli import degradations, explain
from srcnn.cli.degradations import CUTS, KINDS, Degradation, Way, kernels, pairs
from srcnn.cli.explain import Ruler, matching
from srcnn.color import quantize
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.files import InputError
from srcnn.images import Photograph, to_bytes
from srcnn.resize import enlarge, modcrop, shrink
from srcnn.upscale import upscale


def named(*words: str) -> str:
    """The kernel that has these words and the fewest letters."""
    return min((name for name in kernels() if all(word in name for word in words)), key=len)


def as_array(image: torch.Tensor) -> np.ndarray:
    """``(H, W, 3)`` bytes, as the libraries have an image."""
    return to_bytes(image).permute(1, 2, 0).numpy()


def by_pillow(array: np.ndarray, size: tuple[int, int], kernel: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(array).resize(size, kernel))


def by_torch(array: np.ndarray, size: tuple[int, int], antialias: bool) -> np.ndarray:
    batch = torch.from_numpy(array).permute(2, 0, 1)[None].float()
    result = F.interpolate(batch, size=size[::-1], mode="bicubic", antialias=antialias)
    return result[0].permute(1, 2, 0).numpy()


def by_skimage(array: np.ndarray, size: tuple[int, int], **options) -> np.ndarray:
    return skimage.transform.resize(array, (*size[::-1], 3), order=3, **options) * 255


# The words of a kernel's name, and the call of the library that shrinks; what enlarges is compared with the last call.
LIBRARIES = {
    ("Pillow",): lambda a, s: by_pillow(a, s, Image.Resampling.BICUBIC),
    ("Pillow", "BILINEAR"): lambda a, s: by_pillow(a, s, Image.Resampling.BILINEAR),
    ("torch", "with antialias"): lambda a, s: by_torch(a, s, True),
    ("torch", "without antialias"): lambda a, s: by_torch(a, s, False),
    ("scikit-image",): by_skimage,
    ("scikit-image", "without"): lambda a, s: by_skimage(a, s, anti_aliasing=False),
}
BY_OPENCV = {
    ("OpenCV", "INTER_CUBIC"): "INTER_CUBIC",
    ("OpenCV", "INTER_LINEAR"): "INTER_LINEAR",
    ("OpenCV", "INTER_AREA"): "INTER_AREA",
}
LARGE = {"Pillow": ("Pillow",), "OpenCV": ("OpenCV", "INTER_CUBIC"), "scikit-image": ("scikit-image",)}


def library(words: tuple[str, ...]):
    if words in BY_OPENCV:
        cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed; `pip install opencv-python-headless`")
        return lambda array, size: cv2.resize(array, size, interpolation=getattr(cv2, BY_OPENCV[words]))
    return LIBRARIES[words]


@pytest.mark.parametrize("words", [*LIBRARIES, *BY_OPENCV], ids=" ".join)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_kernel_is_the_librarys_own(words, scale):
    by_library = library(words)
    image = crop(random.Random(scale))[:, :48]
    small, large = kernels()[named(*words)]
    low = small(image, 48 // scale, 60 // scale)
    wanted = by_library(as_array(image), (60 // scale, 48 // scale))
    np.testing.assert_allclose(low.permute(1, 2, 0).numpy() * 255, wanted, atol=2e-3)  # float32 against float64
    low = quantize(low)
    wanted = library(LARGE.get(words[0], words))(as_array(low), (60, 48))
    np.testing.assert_allclose(large(low, 48, 60).permute(1, 2, 0).numpy() * 255, wanted, atol=2e-3)


def test_matlabs_kernel_is_the_protocols_own():
    image = crop(random.Random(0))
    small, large = kernels()["MATLAB's imresize"]
    assert torch.equal(small(image, 20, 20), shrink(image, 3))
    assert torch.equal(large(image, 180, 180), enlarge(image, 3))


def test_no_two_kernels_are_one():
    image = crop(random.Random(0))
    made = {name: quantize(large(small(image, 15, 15), 60, 60)) for name, (small, large) in kernels().items()}
    assert [(a, b) for a in made for b in made if a < b and torch.equal(made[a], made[b])] == []


def test_without_opencv_the_answer_says_so(monkeypatch):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(degradations, "import_module", missing)
    kernels.cache_clear()
    try:
        assert degradations.untried() == ["OpenCV was not tried, because it is not installed."]
        assert len(kernels()) == 7
    finally:
        kernels.cache_clear()


def test_how_the_original_was_cut_is_tried_only_where_it_matters():
    def tried(height: int, width: int) -> set[str]:
        found = degradations.degradations([torch.zeros(3, height, width)], 3, None)
        return {how.cut for how in found}

    first, by_12, resized = CUTS
    assert tried(60, 72) == {first}
    assert tried(63, 72) == {first, by_12}
    assert tried(61, 72) == {first, by_12, resized}


@pytest.mark.parametrize("case", range(40))
def test_the_degradation_is_among_the_answers(case):
    chance = random.Random(case)
    scale = chance.choice((2, 3, 4))
    original = crop(chance, 61)
    how = chance.choice(degradations.degradations([original], scale, None))
    ((output, truth),) = pairs([original], scale, how, None)
    if how.kind == "luma":
        ruler = Ruler("PSNR", next(iter(explain.VALUES)), chance.choice((0, scale, scale + 6)))
        claimed = metrics.psnr(output, truth, peak=1, shave=ruler.shave)
    else:
        ruler = Ruler("PSNR", chance.choice([*explain.VALUES]), chance.choice((0, scale, scale + 6)))
        claimed = by_others(output, truth, ruler.values, ruler.shave)
    values = degradations.measure([original], scale=scale, model=None)
    assert Way(how, ruler) in matching(values, f"{claimed:.3f}")
    assert len(matching(values, f"{claimed:.3f}")) <= 8


@pytest.mark.parametrize("weights", ["bicubic", "srcnn-9-1-5-x3", "srcnn-9-1-5-rgb-x3"])
def test_the_published_way_is_what_evaluate_measures_and_a_file_is_what_upscale_makes(weights):
    original = images.sample("coffee")[:, :91, :90]
    model = None if weights == "bicubic" else pretrained.load(weights, scale=3).model
    rgb = model is not None and model.channels == 3
    values = degradations.measure([original], scale=3, model=model)
    method = enlarge if model is None else upscaler(model)
    scores = evaluate(method, [("", original)], scale=3, color_space="rgb" if rgb else "luma")
    paper = degradations.protocol(3, model=model)
    # a network for RGB is given what it measures as a file, and its input is rounded
    assert values[paper] == pytest.approx(mean_scores(scores).psnr, abs=0.1 if rgb else 1e-4)
    truth = modcrop(original, 3)
    low = quantize(shrink(truth, 3))
    large = (
        quantize(enlarge(low, 3)) if model is None else upscale(Photograph(to_bytes(low)), model, scale=3).pixels / 255
    )
    way = Way(Degradation("MATLAB's imresize", KINDS[1]), Ruler("PSNR", "RGB", 0))
    assert values[way] == pytest.approx(metrics.psnr(large, truth, peak=1, shave=0), abs=1e-6)


def test_a_gray_original_is_taken_for_luma():
    original = images.sample("coins")[:, :90, :90]
    values = degradations.measure([original], scale=3, model=None)
    ((_, scores),) = evaluate(enlarge, [("", original)], scale=3).items()
    assert values[degradations.protocol(3)] == pytest.approx(scores.psnr, abs=1e-6)
    model = pretrained.load("srcnn-9-1-5-rgb-x3").model
    values = degradations.measure([original], scale=3, model=model)
    assert degradations.protocol(3, model=model) in values


def test_too_small_an_original_is_refused():
    with pytest.raises(InputError, match="an original of 30 x 60 pixels is too small to be measured"):
        degradations.measure([torch.zeros(3, 60, 30)], scale=3, model=None)
