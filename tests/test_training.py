"""training: a loop that does what the mathematics says, on every device."""

import copy
import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from devices import DEVICES

from srcnn import InputError
from srcnn.evaluation import ieee_float32
from srcnn.images import sample
from srcnn.model import SRCNN, initialize
from srcnn.pairs import RandomCrops
from srcnn.recipes import RECIPES, TrainConfig, from_caffe
from srcnn.training import LOSSES, Learner, learning_rate, make_model, make_optimizer, resolve_precision, train

TINY = TrainConfig(
    recipe="fast", patch_size=17, batch_size=4, steps=8, optimizer="adam", learning_rate=1e-3, precision="float32"
)


def crops(config: TrainConfig, *, border: int = 6, device: str = "cpu") -> RandomCrops:
    picture = sample("camera")[:, 100:200, 200:320]
    options = {"size": config.patch_size, "batch": config.batch_size, "seed": config.seed, "device": device}
    return RandomCrops([picture], scale=config.scale, border=border, enlarged=True, **options)


def trained(config: TrainConfig) -> Learner:
    learner = Learner(make_model(config), config)
    for _ in train(learner, crops(config)):
        pass
    return learner


def weights(model: SRCNN) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_a_step_on_caffes_loss_is_a_step_on_the_mean_at_the_translated_rate():
    generator = torch.Generator().manual_seed(0)
    output, target = torch.rand(2, 3, 1, 4, 5, generator=generator, dtype=torch.float64)

    def caffe(values):  # EuclideanLoss: the sum over pixels, divided by twice the batch
        return ((values - target) ** 2).sum().item() / (2 * len(values))

    mean_loss_output = output.clone().requires_grad_()
    F.mse_loss(mean_loss_output, target).backward()
    for place in ((0, 0, 0, 0), (1, 0, 3, 2), (2, 0, 1, 4)):
        moved = torch.zeros_like(output)
        moved[place] = 1e-4
        gradient = (caffe(output + moved) - caffe(output - moved)) / 2e-4  # exact for a parabola, but for rounding
        ours = from_caffe(1e-4, pixels=4 * 5) * mean_loss_output.grad[place].item()
        assert ours == pytest.approx(1e-4 * gradient, rel=1e-8)


def test_the_last_layer_and_every_bias_learn_at_a_tenth():
    config = replace(TINY, optimizer="sgd", learning_rate=0.1, last_layer_lr_factor=0.1, steps=1)
    model = make_model(config)
    before, batches = copy.deepcopy(model), crops(config)
    low, high = batches(0)
    F.mse_loss(before(low), high).backward()
    list(train(Learner(model, config), batches))
    slow = {"extraction.bias", "mapping.bias", "reconstruction.weight", "reconstruction.bias"}
    for (name, new), old in zip(model.named_parameters(), before.parameters(), strict=True):
        rate = 0.01 if name in slow else 0.1  # the first step of SGD with momentum is the plain one
        torch.testing.assert_close(new.detach(), (old - rate * old.grad).detach())


def test_the_cosine_begins_gently_and_ends_at_zero():
    config = replace(TINY, cosine=True, steps=200, learning_rate=0.5)
    rates = [learning_rate(config, step) for step in range(201)]
    assert rates[0] == pytest.approx(0.5 / 20)
    assert rates[100] == pytest.approx(0.25)
    assert rates[200] == 0
    assert max(rates) == rates[19] <= 0.5
    assert all(a > b for a, b in pairwise(rates[19:]))
    assert learning_rate(replace(config, cosine=False), 150) == 0.5
    longer = [learning_rate(replace(config, warmup_steps=100), step) for step in range(200)]
    assert [longer[k] / rates[k] for k in (19, 49, 99, 150)] == pytest.approx([0.2, 0.5, 1, 1])
    told = [step.learning_rate for step in train(Learner(make_model(config), replace(config, steps=5)), crops(config))]
    assert told == [learning_rate(replace(config, steps=5), step) for step in range(5)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "lion"}, "optimizer 'lion' is unknown; it is soap, adam or sgd"),
        ({"precision": "int8"}, "precision 'int8' is unknown; it is one of auto, float32, tf32, bfloat16, float16"),
        *(
            ({"architecture": a}, f"architecture '{a}' with widths '64-32' is unknown")
            for a in ("", "x", "9-1", "9-2-5", "9-1-5-0", "0-1-5")
        ),
        *(({"widths": w}, f"'9-1-5' with widths '{w}' is unknown") for w in ("", "x", "64", "64-0", "64-32-16")),
        ({"micro_batches": 3}, "a batch of 4 has no 3 equal micro-batches; give a divisor"),
        ({"loss": "l2"}, "loss 'l2' is unknown; it is mse or l1"),
        ({"color": "gray"}, "color 'gray' is unknown; it is one of luma, rgb, ycbcr"),
        (
            {"initialization": "identity", "widths": "64-1"},
            "initialization identity needs more than 1 filters in each layer; give wider ones",
        ),
        ({"initialization": "zeros"}, "initialization 'zeros' is unknown; it is one of paper"),
        ({"architecture": "subpixel", "patch_size": 12}, "subpixel leaves nothing of a patch of 12 pixels"),
        ({"architecture": "9-1-11"}, "9-1-11 leaves nothing of a patch of 17 pixels"),
    ],
)
def test_an_unknown_name_is_told(changes, told):
    config = replace(TINY, **changes)
    with pytest.raises(InputError, match=told):
        Learner(make_model(config), config)


# The loop


@pytest.mark.parametrize("optimizer", ["soap", "adam", "sgd"])
def test_one_seed_means_one_network_bit_for_bit(optimizer):
    config = replace(TINY, optimizer=optimizer, steps=12, ema_share=0.5)
    torch.manual_seed(1)
    first = trained(config)
    torch.manual_seed(2)  # the global generator has no part in it
    second = trained(config)
    assert torch.equal(weights(first.model), weights(second.model))
    assert torch.equal(weights(first.ema), weights(second.ema))
    assert not torch.equal(weights(first.model), weights(trained(replace(config, seed=1)).model))


@pytest.mark.parametrize("name", ["fast", "paper"])
def test_the_loss_falls(name):
    config = replace(RECIPES[name], steps=80, batch_size=8)
    losses = [float(step.loss) for step in train(Learner(make_model(config), config), crops(config))]
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])


def test_a_step_reports_its_number_and_the_loss_before_it():
    model = make_model(TINY)
    before, batches = copy.deepcopy(model), crops(TINY)
    steps = train(Learner(model, TINY), batches)
    first = next(steps)
    low, high = batches(0)
    torch.testing.assert_close(first.loss, F.mse_loss(before(low), high).detach())
    assert [first.number, *(step.number for step in steps)] == list(range(1, 9))
    assert not first.loss.requires_grad


def test_the_loss_is_the_one_asked_for():
    output, target = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 0.0])
    assert {name: loss(output, target).item() for name, loss in LOSSES.items()} == {"mse": 0.625, "l1": 0.75}
    config = replace(TINY, loss="l1", steps=1)
    low, high = crops(config)(0)
    expected = F.l1_loss(make_model(config)(low), high).detach()
    step = next(train(Learner(make_model(config), config), crops(config)))
    torch.testing.assert_close(step.loss, expected)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_the_average_is_the_naive_one(share):
    config = replace(TINY, ema_share=share, steps=6)
    learner = Learner(make_model(config), config)
    history = [weights(learner.model).double() for _ in train(learner, crops(config))]
    naive = torch.zeros_like(history[0])
    for number, value in enumerate(history, 1):
        part = 1 / max(1, share * number)
        naive = part * value + (1 - part) * naive
    if share == 1:
        torch.testing.assert_close(naive, sum(history) / len(history))  # over everything it is the plain mean
    torch.testing.assert_close(weights(learner.final).double(), naive, rtol=0, atol=1e-6)


def test_without_an_average_the_last_weights_are_kept():
    learner = trained(TINY)
    assert learner.final is learner.model
    assert not torch.equal(weights(learner.model), weights(learner.ema))


def test_predictions_come_batch_by_batch_from_the_network_that_is_kept():
    learner = trained(replace(TINY, ema_share=1.0))
    low = torch.rand(5, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(learner.predict(low, batch=2), learner.ema(low))


def test_a_known_linear_filter_is_learnt():
    generator = torch.Generator().manual_seed(0)
    filter_ = torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])[None, None]  # sharpens

    def batches(step):
        low = torch.rand(16, 1, 9, 9, generator=generator)
        return low, F.conv2d(low, filter_)

    config = replace(TINY, steps=600, learning_rate=1e-2, cosine=True)
    model = initialize(SRCNN((1, 1, 3), (8, 8)), "torch", seed=0)
    losses = [float(step.loss) for step in train(Learner(model, config), batches)]
    assert losses[0] > 1
    low, high = batches(0)  # fresh, as every batch was
    assert F.mse_loss(model(low), high) < 1e-3  # the targets' own variance is about 2


def test_the_papers_recipe_learns_at_the_translated_rate_and_hardly_at_the_printed_one():
    config = replace(RECIPES["paper"], steps=60, batch_size=8)

    def share_left(rate):
        run = replace(config, learning_rate=rate)
        losses = [float(step.loss) for step in train(Learner(make_model(run), run), crops(run))]
        return sum(losses[-5:]) / sum(losses[:5])

    assert share_left(0.02205) < 0.5
    assert share_left(1e-4) > 0.95  # PyTorch's mean with Caffe's number


def test_channels_last_changes_neither_output_nor_gradient():
    plain = make_model(TINY)
    laid_out = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    low, high = crops(TINY)(0)
    results = []
    for model in (plain, laid_out):
        output = model(low)
        F.mse_loss(output, high).backward()
        results.append((output.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])))
    # float32 sums in another order; assert_close's own tolerance
    torch.testing.assert_close(results[0], results[1])


# Number formats and devices


def test_bfloat16_on_the_processor_stays_near_float32():
    config = replace(TINY, steps=20)
    exact, half = trained(config), trained(replace(config, precision="bfloat16"))
    assert half.precision == "bfloat16"
    assert next(half.model.parameters()).dtype is torch.float32  # the weights themselves stay exact
    assert not torch.equal(weights(exact.model), weights(half.model))
    # Adam moves a weight by at most about its rate a step, whatever the gradient's size
    assert (weights(exact.model) - weights(half.model)).abs().mean() < 0.1 * 20 * config.learning_rate


@pytest.mark.parametrize("shards", [2, 4])
def test_a_batch_in_micro_batches_has_the_loss_and_takes_the_step_of_the_whole(shards):
    config = replace(TINY, optimizer="sgd", learning_rate=0.1, steps=3)
    results = []
    for part in (config, replace(config, micro_batches=shards)):
        learner, seen = Learner(make_model(part), part), []
        learner.model.register_forward_hook(lambda module, given, output, seen=seen: seen.append(len(output)))
        losses = [step.loss for step in train(learner, crops(part))]
        assert set(seen) == {part.batch_size // part.micro_batches}
        results.append((torch.stack(losses), weights(learner.model)))
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-7)  # sums in another order


def test_the_last_steps_are_computed_in_float32():
    config = replace(TINY, precision="bfloat16", full_precision_share=0.25)
    learner, formats = Learner(make_model(config), config), []
    learner.model.mapping.register_forward_hook(lambda module, given, output: formats.append(output.dtype))
    for _ in train(learner, crops(config)):
        pass
    assert formats == 6 * [torch.bfloat16] + 2 * [torch.float32]
    assert torch.equal(weights(trained(replace(config, full_precision_share=1.0)).model), weights(trained(TINY).model))


@pytest.mark.parametrize(
    ("precision", "on"), [("float32", False), ("auto", False), ("bfloat16", False), ("float16", True)]
)
def test_only_float16_needs_its_gradients_scaled(precision, on):
    config = replace(TINY, precision=precision)
    assert Learner(make_model(config), config).scaler.is_enabled() is on


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_a_whole_step_stays_on_its_device(average):
    # torch's meta device computes shapes alone, and refuses any tensor that was left on the processor
    config = replace(TINY, ema_share=average, steps=2, cosine=True)
    learner = Learner(make_model(config), config, "meta")
    steps = list(train(learner, crops(config, device="meta")))
    assert [step.loss.device.type for step in steps] == ["meta", "meta"]
    assert all(p.device.type == "meta" for p in learner.final.parameters())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", ["soap", "adam", "sgd"])
def test_the_same_code_trains_on_a_gpu_in_half_precision(optimizer, device):
    config = replace(TINY, optimizer=optimizer, precision="auto", steps=60, batch_size=16, ema_share=0.1)
    learner = Learner(make_model(config), config, device)
    losses = [float(step.loss) for step in train(learner, crops(config, device=device))]
    assert learner.precision in (("bfloat16", "float16") if device == "cuda" else ("float32",))
    assert all(map(math.isfinite, losses))
    assert sum(losses[-5:]) < sum(losses[:5])
    assert learner.predict(torch.rand(2, 1, 20, 20), batch=1).device.type == "cpu"


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda"])
def test_auto_is_float32_but_on_cuda_what_the_gpu_has(device, monkeypatch):
    for native, wanted in ((True, "bfloat16"), (False, "float16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        found = resolve_precision("auto", torch.device(device))
        assert found == (wanted if device == "cuda" else "float32")
    assert resolve_precision("tf32", torch.device(device)) == "tf32"


@pytest.fixture
def tf32():
    """TF32 allowed in cuDNN, as PyTorch has it; a switch that can be read without a GPU."""
    torch.backends.cudnn.allow_tf32 = True
    yield lambda: torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True


@pytest.mark.parametrize(
    ("precision", "share", "seen_by_the_network"),
    [("float32", 0.0, [False] * 4), ("tf32", 0.0, [True] * 4), ("tf32", 0.5, [True, True, False, False]),
     ("bfloat16", 0.5, [True, True, False, False])],
)  # fmt: skip
def test_float32_is_never_tf32_and_the_switch_is_set_back(precision, share, seen_by_the_network, tf32, monkeypatch):
    config = replace(TINY, precision=precision, full_precision_share=share, steps=4)
    learner, inside, outside = Learner(make_model(config), config), [], []
    forward = learner.model.forward
    monkeypatch.setattr(learner.model, "forward", lambda low: (inside.append(tf32()), forward(low))[1])
    backward = torch.Tensor.backward
    monkeypatch.setattr(torch.Tensor, "backward", lambda *a, **k: (inside.append(tf32()), backward(*a, **k))[1])
    for _ in train(learner, crops(config)):
        outside.append(tf32())
    assert inside == [allowed for allowed in seen_by_the_network for _ in range(2)]
    assert outside == [True] * 4


def test_a_program_that_uses_the_newer_switch_of_pytorch_is_not_stopped(tf32):
    conv = getattr(torch.backends.cudnn, "conv", None)
    if not hasattr(conv, "fp32_precision"):
        pytest.skip("this PyTorch has the older switch alone")
    for value in ("ieee", "tf32"):
        conv.fp32_precision = value
        with ieee_float32():
            pass
        assert conv.fp32_precision == value


def test_a_deterministic_training_refuses_what_may_give_other_bits_and_leaves_the_setting_to_the_caller(monkeypatch):
    plain, config = trained(TINY), replace(TINY, deterministic=True)
    learner, found = Learner(make_model(config), config), []

    def batches(step):
        found.append(torch.are_deterministic_algorithms_enabled())
        return crops(config)(step)

    for _ in train(learner, batches):
        found.append(torch.are_deterministic_algorithms_enabled())
    assert found == [True, False] * TINY.steps
    assert weights(learner.model).equal(weights(plain.model))  # a CPU gives the same bits anyway

    def unordered(output, high):  # PyTorch has no deterministic algorithm for it, on no device
        return output.mean() + torch.zeros(4).put_(torch.zeros(2, dtype=torch.long), torch.ones(2)).sum()

    monkeypatch.setitem(LOSSES, "mse", unordered)
    trained(TINY)
    with pytest.raises(RuntimeError, match="does not have a deterministic implementation"):
        trained(config)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("optimizer", ["adam", "soap"])
@pytest.mark.parametrize("device", DEVICES)
def test_a_deterministic_training_gives_the_same_bits_twice(device, optimizer):
    config = replace(TINY, optimizer=optimizer, deterministic=True, steps=20)
    found = []
    for _ in range(2):
        learner = Learner(make_model(config), config, device)
        assert len(list(train(learner, crops(config, device=device)))) == config.steps
        found.append(weights(learner.model).cpu())
    assert found[0].equal(found[1])


def test_gradients_are_not_accumulated_in_a_compiled_network(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network, mode: network)  # what it does is tested elsewhere
    config = replace(TINY, compile=True, micro_batches=2)
    with pytest.raises(
        InputError, match="a compiled network cannot accumulate gradients; leave out --compile or --micr"
    ):
        Learner(make_model(config), config)
    Learner(make_model(config), config, processes=2)  # each process has one of the two, and accumulates nothing


def test_soap_is_not_begun_where_pytorch_has_no_eigenvectors():
    model = make_model(TINY)
    with pytest.raises(
        InputError, match="soap needs eigenvectors, which PyTorch does not compute on mps; give --device"
    ):
        make_optimizer(_OnMps(model), replace(TINY, optimizer="soap"))


class _OnMps:
    """A model that says that it is on a Mac's GPU, which this machine has not."""

    def __init__(self, model: SRCNN) -> None:
        self.reconstruction, self.named_parameters = model.reconstruction, model.named_parameters
        self._parameter = SimpleNamespace(is_cuda=False, device=torch.device("mps"))

    def parameters(self):
        return iter([self._parameter])
