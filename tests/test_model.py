"""Model, against published counts, gradients and the convolutions of SciPy."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from srcnn.color import luma
from srcnn.images import sample
from srcnn.model import INITIALIZATIONS, PADDINGS, SRCNN, SubPixelSRCNN, conv2d_few_outputs, initialize
from srcnn.published import PARAMETERS


def _count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def _noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("kernels", "with_biases"), [((9, 1, 5), 8_129), ((9, 3, 5), 24_513), ((9, 5, 5), 57_281)])
def test_parameter_counts_are_the_published_ones(kernels, with_biases):
    model = SRCNN(kernels)
    weights = _count(model) - sum(p.numel() for name, p in model.named_parameters() if name.endswith("bias"))
    assert _count(model) == with_biases
    assert PARAMETERS["-".join(map(str, kernels))] == (weights, with_biases)


def test_the_tutorials_network_at_x4_has_20_144_parameters():
    assert _count(SubPixelSRCNN(4)) == 20_144


@pytest.mark.parametrize(("kernels", "side"), [((9, 1, 5), 13), ((9, 5, 5), 17), ((3, 3, 3), 7)])
def test_receptive_field_is_where_one_output_pixel_has_a_gradient(kernels, side):
    model = SRCNN(kernels, (2, 2))
    with torch.no_grad():
        for values in model.parameters():
            values.fill_(0.1)  # positive, so that no path is cut off by ReLU or cancels another
    image = torch.ones(1, 1, 31, 31, requires_grad=True)
    output = model(image)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    rows, columns = image.grad[0, 0].nonzero().T
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (15 - side // 2, 15 + side // 2)
    assert len(rows) == side**2
    assert model.border == side // 2


def _naive(model: SRCNN, image: torch.Tensor) -> torch.Tensor:
    """F1, F2 and F of section 3.1 with SciPy's valid correlations, in double precision."""
    x = image.double().numpy()
    layers = (model.extraction, model.mapping, *model.further, model.reconstruction)
    for layer, side in zip(layers, model.kernels, strict=True):
        weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
        if model.padding != "valid":
            mode = {"replicate": "edge", "zeros": "constant"}[model.padding]
            x = np.pad(x, ((0, 0), (side // 2, side // 2), (side // 2, side // 2)), mode)
        maps = []
        for filters, b in zip(weight, bias, strict=True):
            maps.append(sum(correlate(c, f, "valid", "direct") for c, f in zip(x, filters, strict=True)) + b)
        x = np.stack(maps) if layer is model.reconstruction else np.maximum(0, maps)
    return torch.from_numpy(x).float()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("kernels", "widths"), [((5, 3, 3), (4, 3)), ((3, 1, 1, 3, 5), (4, 3, 5, 2))])
def test_forward_is_the_papers_three_equations(kernels, widths, channels, padding):
    model = initialize(SRCNN(kernels, widths, channels=channels, padding=padding), "torch", seed=0)
    image = _noise(channels, 14, 17)
    torch.testing.assert_close(model(image[None])[0], _naive(model, image))


@pytest.mark.parametrize("filters", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_few_filters_row_by_row_equal_the_plain_convolution_in_output_and_gradients(filters, side, layout):
    """In double precision, to 1e-12: only the order of the sums differs."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(6, filters, side).double().to(memory_format=layout)
    x = _noise(2, 6, 9, 11).double().to(memory_format=layout).requires_grad_()
    results = []
    for function in (layer, lambda image: conv2d_few_outputs(image, layer)):
        output = function(x)
        grads = torch.autograd.grad((output * _noise(*output.shape)).sum(), (x, layer.weight, layer.bias))
        results.append((output.detach(), *grads))
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)


def test_few_filters_leaves_other_devices_to_their_own_convolution(monkeypatch):
    layer, seen = torch.nn.Conv2d(2, 1, 3, device="meta"), []
    monkeypatch.setattr(layer, "forward", lambda x: seen.append(x.shape))
    conv2d_few_outputs(torch.empty(1, 2, 5, 5, device="meta"), layer)
    assert seen == [(1, 2, 5, 5)]


def test_the_three_paddings_agree_away_from_the_border_and_differ_at_it():
    outputs = {}
    for padding in ("valid", "replicate", "zeros"):
        model = initialize(SRCNN(widths=(6, 4), padding=padding), "torch", seed=0)
        outputs[padding] = model(_noise(1, 1, 24, 26) + 1)
    inner = (..., slice(6, -6), slice(6, -6))
    assert outputs["valid"].shape == (1, 1, 12, 14)
    assert outputs["replicate"].shape == outputs["zeros"].shape == (1, 1, 24, 26)
    torch.testing.assert_close(outputs["replicate"][inner], outputs["valid"])
    torch.testing.assert_close(outputs["zeros"][inner], outputs["valid"])
    assert (outputs["zeros"] - outputs["replicate"]).abs().max() > 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_pixel_shuffle_lays_the_channels_out_as_pixels(channels):
    scale = 3
    model = SubPixelSRCNN(scale, (3, 1, 3), (4, 4), channels=channels)
    low = _noise(2, channels, 5, 6)
    maps, output = SRCNN.forward(model, low), model(low)
    assert maps.shape == (2, channels * 9, 5, 6)
    assert output.shape == (2, channels, 15, 18)
    for c in range(channels):
        for row in range(scale):
            for column in range(scale):
                channel = maps[:, c * 9 + row * scale + column]
                assert torch.equal(output[:, c, row::scale, column::scale], channel)


def test_valid_sub_pixel_output_loses_the_border_times_the_scale():
    model = SubPixelSRCNN(2, padding="valid")
    assert model(_noise(1, 1, 20, 22)).shape == (1, 1, 2 * (20 - 12), 2 * (22 - 12))


def _weights(scheme: str, seed: int) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in initialize(SRCNN(), scheme, seed=seed).parameters()])


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_one_seed_is_one_network_whatever_the_global_generator_does(scheme):
    torch.manual_seed(1)
    first, state = _weights(scheme, 7), torch.get_rng_state()
    initialize(SRCNN(), scheme, seed=7)
    model = SRCNN()
    before = torch.get_rng_state()
    initialize(model, scheme, seed=7)
    assert torch.equal(torch.get_rng_state(), before), "initialize moved torch's global generator"
    assert not torch.equal(before, state), "the check above means nothing: making a model moves it"
    assert torch.equal(_weights(scheme, 7), first)
    assert not torch.equal(_weights(scheme, 8), first)


@pytest.mark.parametrize(("scheme", "deviation"), [("paper", 0.001), ("tutorial", 0.01)])
def test_gaussian_schemes_have_their_deviation_and_no_bias(scheme, deviation):
    model = initialize(SRCNN((9, 5, 5)), scheme, seed=0)
    for layer in (model.extraction, model.mapping, model.reconstruction):
        # the deviation of n normal numbers is known to 1 / sqrt(2n); four times that
        n = layer.weight.numel()
        assert layer.weight.std().item() == pytest.approx(deviation, rel=4 / (2 * n) ** 0.5)
        assert abs(layer.weight.mean().item()) < 4 * deviation / n**0.5
        assert not layer.bias.any()


def test_torch_scheme_is_uniform_within_one_over_the_root_of_the_fan_in():
    model = initialize(SRCNN(), "torch", seed=0)
    for layer, fan_in in ((model.extraction, 81), (model.mapping, 64), (model.reconstruction, 32 * 25)):
        bound = fan_in**-0.5
        assert 0.98 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.06)  # 800 weights: 4 / sqrt(5n)
        assert layer.bias.any()
        assert layer.bias.abs().max() <= bound


def test_centered_is_torchs_with_filters_that_a_flat_patch_leaves_where_their_biases_were():
    drawn, centered = (initialize(SRCNN(), scheme, seed=0) for scheme in ("torch", "centered"))
    flat = torch.full((1, 1, 9, 9), 0.45)
    with torch.no_grad():
        torch.testing.assert_close(centered.extraction(flat).flatten(), drawn.extraction.bias)
        for layer in ("mapping", "reconstruction"):
            assert torch.equal(getattr(centered, layer).bias, getattr(drawn, layer).bias)
        for ours, theirs in zip(centered.parameters(), drawn.parameters(), strict=True):
            assert ours.ndim == 1 or torch.equal(ours, theirs)
        patches = torch.nn.functional.unfold(luma(sample("chelsea"))[None], 9, stride=7)[0].T.reshape(-1, 1, 9, 9)
        silent = [(model.extraction(patches) <= 0).double().mean((0, 2, 3)) > 0.99 for model in (drawn, centered)]
    assert silent[0].sum() > 2 * silent[1].sum()


@pytest.mark.parametrize(
    ("network", "shape", "scale"),
    [
        (SRCNN(padding="replicate"), (2, 1, 20, 23), 1),
        (SRCNN((9, 3, 1, 5), (16, 8, 4), channels=3, padding="replicate"), (2, 3, 20, 23), 1),
        (SubPixelSRCNN(3, widths=(16, 8), channels=3, padding="replicate"), (1, 3, 9, 8), 3),
        (SRCNN((1, 1, 5), padding="replicate"), (1, 1, 9, 8), 1),
    ],
)
def test_identity_leaves_an_image_as_it_is_until_it_is_trained(network, shape, scale):
    """SRCNN begins as bicubic interpolation, the sub-pixel variant as the nearest neighbor."""
    image = torch.rand(shape)
    with torch.no_grad():
        got = initialize(network, "identity", seed=0)(image)
    assert torch.equal(got, image.repeat_interleave(scale, -1).repeat_interleave(scale, -2))
    assert network.extraction.weight.flatten(1).std(0).min() > 0  # the other filters are there, and differ


def test_identitys_other_filters_are_torchs_without_brightness_and_three_times_as_large():
    drawn, identity = (initialize(SRCNN(), scheme, seed=0) for scheme in ("torch", "identity"))
    expected = 3 * (drawn.extraction.weight - drawn.extraction.weight.mean((1, 2, 3), keepdim=True))
    torch.testing.assert_close(identity.extraction.weight[1:], expected[1:])
    assert torch.equal(identity.mapping.weight[1:], drawn.mapping.weight[1:])
    assert torch.equal(identity.mapping.bias[1:], drawn.mapping.bias[1:])
    assert not (identity.extraction.bias.any())
    assert not (identity.mapping.bias[0])
    assert not (identity.reconstruction.bias.any())
    # what the last layer leaves out at first it can learn: its weights get a gradient
    torch.nn.functional.mse_loss(identity(torch.rand(2, 1, 33, 33)), torch.rand(2, 1, 21, 21)).backward()
    assert (identity.reconstruction.weight.grad.abs().sum((0, 2, 3)) > 0).sum() > 16


@pytest.mark.parametrize("widths", [(1, 32), (64, 1)])
def test_identity_needs_room_beside_the_image(widths):
    with pytest.raises(ValueError, match="identity needs more than 1 filters in each layer; give wider ones"):
        initialize(SRCNN(widths=widths), "identity", seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernels": (9, 2, 5)}, "three odd filter sizes expected, such as 9-1-5, got 9-2-5"),
        ({"kernels": (9, -1, 5)}, "three odd filter sizes expected"),
        ({"kernels": (9, 5)}, "got 9-5"),
        ({"kernels": (9, 1, 1, 5)}, r"3 widths and the channels must be at least 1, got \(64, 32\)"),
        ({"widths": (64, 0)}, r"must be at least 1, got \(64, 0\) and 1"),
        ({"channels": 0}, "must be at least 1"),
        ({"padding": "same"}, "padding 'same' is unknown; it is one of valid, replicate, zeros"),
    ],
)
def test_what_is_no_network_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SRCNN(**options)


def test_a_scale_below_one_and_an_unknown_initialization_are_refused():
    with pytest.raises(ValueError, match="scale must be at least 1, got 0"):
        SubPixelSRCNN(0)
    with pytest.raises(ValueError, match="'xavier' is unknown; it is one of paper, tutorial, torch"):
        initialize(SRCNN(), "xavier", seed=0)
