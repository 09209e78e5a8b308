"""Many networks in one batch: each becomes what it would have become alone."""

from dataclasses import replace

import pytest
import torch
from devices import DEVICES
from test_reproduce_gpu_graph import TINY, crops, flat

from srcnn import InputError, evaluate, mean_scores, upscaler
from srcnn.images import sample
from srcnn.reproduce.many import FORMS, ManySRCNN, many_trainer, psnr_of_each
from srcnn.training import Learner, make_model, train

SEEDS = (5, 0, 17)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 3e-3), ("sgd", 0.05)])
def test_each_network_becomes_what_it_would_alone(optimizer, rate, form, device):
    config = replace(TINY, optimizer=optimizer, learning_rate=rate, architecture="5-1-1-3", widths="6-4-4")
    trainer = many_trainer(config, crops(config, device), SEEDS, device=device, form=form)
    trainer.advance(config.steps)
    tolerance, total = 1e-5 if device == "cpu" else 1e-3, 0.0
    for number, seed in enumerate(SEEDS):
        own = replace(config, seed=seed)
        alone = Learner(make_model(own), own, device)
        *_, last = train(alone, crops(own, device))
        total += float(last.loss)
        begun = flat(make_model(own))
        for kind in ("model", "ema"):
            found, expected = getattr(trainer.learner, kind).network(number), getattr(alone, kind)
            assert (flat(expected) - begun).abs().max() > 0.01
            torch.testing.assert_close(flat(found), flat(expected), atol=tolerance, rtol=0)
    assert float(trainer.loss) == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_the_outputs_are_those_of_each(channels, form):
    configs = [replace(TINY, seed=seed, color="luma" if channels == 1 else "rgb") for seed in SEEDS]
    networks = [make_model(config) for config in configs]
    y = torch.rand(2, len(SEEDS), channels, 20, 18)
    for padding in ("valid", "replicate"):
        for network in networks:
            network.padding = padding
        expected = torch.stack([network(y[:, k]) for k, network in enumerate(networks)], dim=1)
        found = ManySRCNN(networks, form=form)(y.flatten(1, 2))
        torch.testing.assert_close(found.unflatten(1, (len(SEEDS), channels)), expected, atol=1e-5, rtol=0)


def test_each_is_measured_by_the_protocol():
    networks = [make_model(replace(TINY, architecture="9-1-5", seed=seed)) for seed in range(5)]
    images = [("coins", sample("coins")[:, :61, :70]), ("coffee", sample("coffee")[:, 90:150, 200:271])]
    found = psnr_of_each(ManySRCNN(networks), images, scale=3, chunk=2)
    expected = [mean_scores(evaluate(upscaler(network), images, scale=3)).psnr for network in networks]
    assert found == pytest.approx(expected, abs=2e-3)  # a pixel on the edge between two bytes may fall to either


def test_what_cannot_be_side_by_side_is_told():
    for change, told in (
        ({"optimizer": "soap"}, "soap would mix networks"),
        ({"architecture": "subpixel"}, "such as 9-1-5"),
    ):
        with pytest.raises(InputError, match=told):
            many_trainer(replace(TINY, **change), crops(TINY), SEEDS)
    with pytest.raises(InputError, match="many networks are grouped or matmul"):
        many_trainer(TINY, crops(TINY), SEEDS, form="vmap")
