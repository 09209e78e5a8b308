"""evaluation: the protocol against the published tables, and against a second program written from its description."""

import copy
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.signal import convolve2d
from skimage.metrics import peak_signal_noise_ratio

from srcnn import InputError, data, published
from srcnn.color import gray, luma, quantize
from srcnn.evaluation import Scores, _in_blocks, evaluate, evaluate_all, mean_scores, upscaler
from srcnn.images import sample
from srcnn.model import PADDINGS, SRCNN, SubPixelSRCNN, initialize
from srcnn.resize import enlarge, modcrop, shrink


@pytest.mark.data
def test_bicubic_reads_what_is_printed_for_each_image_of_set5(data_root):
    table = evaluate(enlarge, data.photographs("set5", "test"), scale=3)
    assert {name: quality.psnr for name, quality in table.items()} == pytest.approx(
        published.PER_IMAGE["bicubic"], abs=0.01
    )  # half of the last digit, and as much again for the edge rule: the MATLAB of then repeated edges, ours mirrors


def by_hand(image: np.ndarray, scale: int) -> tuple[float, float]:
    """PSNR and SSIM of bicubic for bytes (H, W) or (H, W, 3): numpy and Pillow's float bicubic, none of our code."""
    luma = image.astype(float)
    if image.ndim == 3:
        luma = np.round(16 + luma @ [65.481 / 255, 128.553 / 255, 24.966 / 255])
    height, width = luma.shape
    luma = luma[: height // scale * scale, : width // scale * scale]
    low = pillow_bicubic(luma, 4 * scale, (luma.shape[0] // scale, luma.shape[1] // scale), 4)
    output = np.clip(np.round(pillow_bicubic(low, 4, luma.shape, 4 * scale)), 0, 255)
    ours, original = (values[scale:-scale, scale:-scale] for values in (output, luma))
    psnr = 20 * math.log10(255 / math.sqrt(((ours - original) ** 2).mean()))
    return psnr, naive_ssim(ours, original)


def pillow_bicubic(values: np.ndarray, margin: int, size: tuple[int, int], cut: int) -> np.ndarray:
    padded = Image.fromarray(np.pad(values, margin, mode="symmetric").astype(np.float32))
    large = padded.resize((size[1] + 2 * cut, size[0] + 2 * cut), Image.Resampling.BICUBIC)
    return np.asarray(large, dtype=float)[cut:-cut, cut:-cut]


def naive_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, equation 13, over every window of 11 x 11."""
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def local(values: np.ndarray) -> np.ndarray:
        return convolve2d(values, window, mode="valid")

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = local(a), local(b)
    variance = local(a * a) - mean_a**2 + local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    return float(
        ((2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (variance + c2))).mean()
    )


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["chelsea", "coins"], ids=["color", "gray"])
def test_the_whole_protocol_agrees_with_a_second_program(name, scale):
    image = sample(name)[:, 60:113, 100:171]  # 53 x 71: no multiple of any scale
    table = evaluate(enlarge, [(name, image)], scale=scale)
    array = (image * 255).round().byte().permute(1, 2, 0).squeeze(-1).numpy()
    psnr, ssim = by_hand(array, scale)
    # of some 3,000 pixels one may round to the other side of .5 in Pillow's float32: 0.001 dB
    assert table[name].psnr == pytest.approx(psnr, abs=2e-3)
    assert table[name].ssim == pytest.approx(ssim, abs=2e-5)


def test_a_perfect_method_reads_infinity_and_one_and_one_gray_level_48_13_db():
    original = (torch.arange(24 * 24).reshape(1, 24, 24) % 200 + 20) / 255

    def perfect(low, scale):
        return original

    assert evaluate(perfect, [("a", original)], scale=2)["a"] == Scores(math.inf, 1.0)
    off = evaluate(lambda low, scale: original + 1.3 / 255, [("a", original)], scale=2)["a"]
    assert off.psnr == pytest.approx(20 * math.log10(255), abs=1e-4)  # 1.3 levels were rounded to 1


def test_the_edge_of_a_scales_width_is_shaved():
    original = torch.full((1, 32, 32), 100 / 255)
    spoilt = torch.zeros_like(original)
    spoilt[:, 4:-4, 4:-4] = original[:, 4:-4, 4:-4]
    assert evaluate(lambda low, scale: spoilt, [("a", original)], scale=4)["a"].psnr == math.inf
    spoilt[:, 4, 4] += 1 / 255
    assert evaluate(lambda low, scale: spoilt, [("a", original)], scale=4)["a"].psnr < 100


def test_the_score_of_a_set_is_the_mean_of_its_psnrs():
    original = torch.full((1, 24, 24), 100 / 255)
    levels = iter((1, 16))
    table = evaluate(lambda low, scale: original + next(levels) / 255, [("a", original), ("b", original)], scale=2)
    assert list(table) == ["a", "b"]
    assert mean_scores(table).psnr == pytest.approx(20 * math.log10(255) - 10 * math.log10(16), abs=1e-4)
    assert mean_scores({"a": Scores(20, 0.5), "b": Scores(30, 0.75)}) == Scores(25, 0.625)


@pytest.mark.parametrize(("scale", "side"), [(2, 17), (3, 20), (4, 23)])
def test_an_image_too_small_is_refused_and_the_smallest_is_measured(scale, side):
    image = torch.rand(1, side, 40, generator=torch.Generator().manual_seed(0))
    assert math.isfinite(evaluate(enlarge, [("a", image)], scale=scale)["a"].psnr)
    with pytest.raises(InputError, match=rf"tiny has 40 x {side - 1} pixels; at x{scale} at least {side} x {side}"):
        evaluate(enlarge, [("tiny", image[:, 1:])], scale=scale)


def test_two_images_of_one_name_are_refused_because_the_table_would_lose_one():
    image = sample("coins")[:, :40, :40]
    with pytest.raises(InputError, match="two images have the name a; rename one of them"):
        evaluate(enlarge, [("a", image), ("b", image), ("a", image.flip(1))], scale=2)


def test_no_image_at_all_is_refused():
    with pytest.raises(InputError, match="no image to measure"):
        evaluate(enlarge, [], scale=2)


def test_an_upscaler_gives_the_full_size_by_repeating_edges_and_leaves_the_model_alone():
    model = initialize(SRCNN((5, 3, 3), (4, 3)), "torch", seed=0).train()
    padded = SRCNN((5, 3, 3), (4, 3), padding="replicate")
    padded.load_state_dict(model.state_dict())
    low = torch.rand(1, 9, 7, generator=torch.Generator().manual_seed(0))
    large = upscaler(model)(low, 3)
    assert large.shape == (1, 27, 21)
    torch.testing.assert_close(large, padded(enlarge(low, 3)[None])[0].detach())
    assert model.padding == "valid"
    assert model.training
    assert not large.requires_grad


def test_an_upscaler_of_the_sub_pixel_variant_takes_the_small_image_and_its_own_scale_only():
    model = initialize(SubPixelSRCNN(4, (3, 1, 3), (4, 3)), "torch", seed=0)
    low = torch.rand(1, 9, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(upscaler(model)(low, 4), model(low[None])[0].detach())
    with pytest.raises(InputError, match="enlarges by 4, not by 3"):
        upscaler(model)(low, 3)


@pytest.mark.parametrize("size", [(161, 400), (333, 20), (13, 500), (12, 350), (1, 330), (160, 160)])
@pytest.mark.parametrize(
    "model",
    [
        *(SRCNN((9, 1, 5), (6, 4), padding=padding) for padding in PADDINGS),
        SRCNN((3, 3, 1, 5), (6, 4, 2), channels=3),
        SRCNN((1, 1, 1), (6, 4)),
        *(SubPixelSRCNN(scale, (5, 1, 3), (6, 4), padding=padding) for scale, padding in ((2, "zeros"), (3, "valid"))),
    ],
    ids=lambda model: f"{model.kernels} {model.padding} {model.scale}",
)
def test_blocks_leave_no_trace_and_no_network_sees_more_than_one(monkeypatch, model, size):
    whole = copy.deepcopy(model)
    whole.padding = model.inference_padding
    image = torch.rand(1, model.channels, *size)
    seen, forward = [], type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda self, x: (seen.append(x.shape[-2:]), forward(self, x))[1])
    with torch.no_grad():
        torch.testing.assert_close(_in_blocks(whole, image), forward(whole, image), rtol=0, atol=1e-6)
    assert all(max(shape) <= 160 + 2 * model.border or min(shape) <= 2 * model.border for shape in seen)


def test_a_network_that_copies_its_input_scores_as_bicubic():
    model = SRCNN((9, 1, 5), (2, 2))
    with torch.no_grad():
        for layer in (model.extraction, model.mapping, model.reconstruction):
            layer.weight.zero_()
            layer.bias.zero_()
            layer.weight[0, 0, layer.weight.shape[2] // 2, layer.weight.shape[3] // 2] = 1
    image = [("cat", sample("chelsea")[:, :60, :80])]
    assert evaluate(upscaler(model), image, scale=3) == evaluate(enlarge, image, scale=3)


def test_the_luma_of_a_network_for_rgb_is_measured():
    """Against the steps written out, with scikit-image's PSNR."""
    original, scale = sample("coffee")[:, 100:163, 50:131], 3
    image = modcrop(original, scale)
    table = evaluate(enlarge, [("cup", original)], scale=scale, color_space="rgb")
    output = luma(quantize(enlarge(shrink(image, scale), scale)))[..., scale:-scale, scale:-scale]
    target = luma(image)[..., scale:-scale, scale:-scale]
    expected = peak_signal_noise_ratio(target.double().numpy(), output.double().numpy(), data_range=1)
    assert table["cup"].psnr == pytest.approx(expected, abs=1e-9)
    assert abs(table["cup"].psnr - evaluate(enlarge, [("cup", original)], scale=scale)["cup"].psnr) < 0.2


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("color_space", ["luma", "rgb", "gray"])
def test_a_gray_image_has_the_same_score_whatever_the_upscaler_is_given(color_space, scale):
    """Bicubic works on each channel alone; a studio-range luma beside the gray file would be 20 levels off."""
    image = [("coins", sample("coins")[:, 40:103, 50:131])]
    assert evaluate(enlarge, image, scale=scale, color_space=color_space) == evaluate(enlarge, image, scale=scale)


def test_gray_is_measured_as_an_image_that_was_gray_before():
    original = sample("coffee")[:, 100:163, 50:131]
    table = evaluate(enlarge, [("cup", original)], scale=2, color_space="gray")
    assert table == evaluate(enlarge, [("cup", gray(original))], scale=2)
    # the levels are stretched by 255 / 219, and all errors with them
    stretch = 20 * math.log10(255 / 219)
    assert table["cup"].psnr == pytest.approx(
        evaluate(enlarge, [("cup", original)], scale=2)["cup"].psnr - stretch, abs=0.1
    )


def test_an_upscaler_computes_in_float32_and_leaves_the_gpus_switch_as_it_was(monkeypatch):
    """cuDNN's switch for TF32 can be read on any machine; PyTorch allows it unless told not to."""
    seen, forward = [], SRCNN.forward
    monkeypatch.setattr(SRCNN, "forward", lambda *a: (seen.append(torch.backends.cudnn.allow_tf32), forward(*a))[1])
    assert torch.backends.cudnn.allow_tf32
    upscaler(SRCNN())(torch.zeros(1, 8, 8), 2)
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32


def test_several_upscalers_on_the_same_images_score_as_each_alone_and_read_each_image_once():
    originals = [(name, sample(name)[:, :60, :60]) for name in ("coffee", "coins")]
    upscalers = {"bicubic": enlarge, "network": upscaler(SRCNN())}
    spaces = {"bicubic": "luma", "network": "gray"}
    tables = evaluate_all(upscalers, iter(originals), scale=2, color_spaces=spaces)  # an iterator gives each but once
    for name, method in upscalers.items():
        assert tables[name] == evaluate(method, originals, scale=2, color_space=spaces[name])
