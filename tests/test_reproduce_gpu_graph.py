"""The step that a CUDA graph captures: the same weights as the package's own loop."""

from dataclasses import replace

import pytest
import torch
from devices import DEVICES

from srcnn import InputError
from srcnn.images import sample
from srcnn.pairs import RandomCrops, Shuffled
from srcnn.recipes import TrainConfig
from srcnn.reproduce import gpu_graph
from srcnn.reproduce.gpu_graph import GraphTrainer, arithmetic, convolution_arithmetic
from srcnn.training import Learner, learning_rate, make_model, make_optimizer, train

TINY = TrainConfig(
    recipe="fast",
    architecture="5-1-3",
    widths="6-4",
    patch_size=13,
    batch_size=4,
    steps=37,
    optimizer="adam",
    learning_rate=3e-3,
    last_layer_lr_factor=0.1,
    cosine=True,
    warmup_steps=5,
    ema_share=0.2,
    precision="float32",
)


def crops(config: TrainConfig, device: str = "cpu") -> RandomCrops:
    options = {"size": config.patch_size, "batch": config.batch_size, "seed": config.seed, "device": device}
    picture = sample("camera")[:, 100:200, 200:320]
    return RandomCrops([picture, picture[:, :60]], scale=config.scale, border=3, enlarged=True, **options)


def flat(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().cpu().flatten() for p in model.parameters()])


def by_the_loop(config: TrainConfig, batches, device: str = "cpu") -> tuple[Learner, float]:
    learner = Learner(make_model(config), config, device)
    losses = [float(step.loss) for step in train(learner, batches)]
    return learner, losses[-1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 3e-3), ("sgd", 0.05)])
def test_the_graphs_step_gives_the_weights_of_the_loop(optimizer, rate, device):
    config = replace(TINY, optimizer=optimizer, learning_rate=rate)
    expected, loss = by_the_loop(config, crops(config, device), device)
    learner = Learner(make_model(config), config, device)
    trainer = GraphTrainer(learner, crops(config, device), block=8)
    for steps in (1, 20, 100):  # in lots, and more than there are
        trainer.advance(steps)
    assert learner.step == config.steps
    begun = flat(make_model(config))
    # a GPU adds up in an order of its own; the weights have moved a hundred times as far
    tolerance = 2e-5 if device == "cpu" else 2e-3
    assert (flat(expected.model) - begun).abs().max() > 0.02
    torch.testing.assert_close(flat(learner.model), flat(expected.model), atol=tolerance, rtol=0)
    torch.testing.assert_close(flat(learner.ema), flat(expected.ema), atol=tolerance, rtol=0)
    assert float(trainer.loss) == pytest.approx(loss, rel=0.01)
    assert len(trainer.graphs) == (device == "cuda")


@pytest.mark.parametrize("device", DEVICES)
def test_soap_in_two_halves_is_soap(device):
    """In float64 and with given gradients: SOAP makes of a last digit another path, as chapter 10 tells."""
    config = replace(TINY, optimizer="soap", learning_rate=1e-2, ema_share=0.0, cosine=False)
    models = [make_model(config).double().to(device) for _ in range(2)]
    expected, given = make_optimizer(models[0], config), make_optimizer(models[1], config)
    learner = Learner(models[1], config, device)
    learner.optimizer = given
    trainer = GraphTrainer(learner, crops(config, device))
    generator = torch.Generator().manual_seed(0)
    begun = flat(models[0])
    for step in range(35):  # the bases are turned after steps 11, 21 and 31
        for one, other in zip(*(model.parameters() for model in models), strict=True):
            drawn = torch.randn(one.shape, generator=generator, dtype=torch.double).to(device)
            one.grad, other.grad = drawn, drawn.clone()
        for group in expected.param_groups:
            group["lr"] = learning_rate(config, step) * group["factor"]
        expected.step()
        for group in trainer.optimizer.param_groups:
            group["lr"] = torch.tensor(trainer._of_step(step)[0] * group["factor"], dtype=torch.double, device=device)
        addresses = [
            basis.data_ptr() for state in trainer.optimizer.state.values() for basis in state["Q"] if len(basis)
        ]
        trainer.optimizer.step()
        trainer.optimizer.refresh(step + 1)
        bases = [basis for state in trainer.optimizer.state.values() for basis in state["Q"] if len(basis)]
        assert step == 0 or [basis.data_ptr() for basis in bases] == addresses  # a graph would look there
        # its QR is in float32
        torch.testing.assert_close(flat(models[1]), flat(models[0]), atol=1e-10 if step < 11 else 1e-5, rtol=0)
    assert (flat(models[0]) - begun).abs().max() > 0.02


@pytest.mark.parametrize("device", DEVICES)
def test_soap_in_two_halves_trains_as_well(device):
    config = replace(TINY, optimizer="soap", learning_rate=1e-2)
    _, loss = by_the_loop(config, crops(config, device), device)
    learner = Learner(make_model(config), config, device)
    assert float(GraphTrainer(learner, crops(config, device)).advance(37)) == pytest.approx(loss, rel=0.1)


@pytest.mark.parametrize("device", DEVICES)
def test_the_papers_fixed_pairs_and_its_constant_rate_go_the_same_way(device):
    config = replace(TINY, optimizer="sgd", learning_rate=0.05, cosine=False, ema_share=0.0)
    generator = torch.Generator().manual_seed(3)
    low = torch.rand(10, 1, 13, 13, generator=generator).to(device)
    pairs = Shuffled(low, low[:, :, 3:-3, 3:-3], batch=4, seed=1)
    expected, _ = by_the_loop(config, pairs, device)
    learner = Learner(make_model(config), config, device)
    GraphTrainer(learner, pairs, block=7).advance(config.steps)
    tolerance = 1e-5 if device == "cpu" else 1e-4
    torch.testing.assert_close(flat(learner.model), flat(expected.model), atol=tolerance, rtol=0)


@pytest.mark.parametrize("device", DEVICES)
def test_the_last_steps_are_computed_in_full_precision(device):
    config = replace(TINY, precision="bfloat16", full_precision_share=0.5)
    expected, _ = by_the_loop(config, crops(config, device), device)
    learner = Learner(make_model(config), config, device)
    trainer = GraphTrainer(learner, crops(config, device))
    trainer.advance(config.steps)
    # bfloat16 has three digits, and what it rounds differently Adam turns into a step
    torch.testing.assert_close(flat(learner.model), flat(expected.model), atol=5e-3, rtol=0)
    assert not torch.equal(
        flat(learner.model), flat(by_the_loop(replace(config, precision="float32"), crops(config))[0].model)
    )
    assert set(trainer.graphs) == ({False, True} if device == "cuda" else set())


def test_a_step_is_captured_after_three_and_then_only_replayed(monkeypatch):
    """The launches on a device that says it is CUDA, with the runtime's calls counted instead of made."""
    learner = Learner(make_model(TINY), TINY)
    trainer, calls = GraphTrainer(learner, crops(TINY)), []

    class Stream:
        def wait_stream(self, other):
            calls.append("wait")

    class Graph:
        def replay(self):
            calls.append("replay")

    class Within:
        def __init__(self, what):
            self.what = what

        def __enter__(self):
            calls.append(type(self.what).__name__)

        def __exit__(self, *_):
            calls.append("end")

    class Device:
        type = "cuda"

    names = {"current_stream": Stream, "Stream": Stream, "CUDAGraph": Graph, "stream": Within, "graph": Within}
    for name, value in names.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(trainer, "_step", lambda full: calls.append("step"))
    monkeypatch.setattr(learner, "device", Device())
    aside = ["wait", "Stream", "step", "end", "wait"]
    for _ in range(5):
        trainer._launch(True)
    assert calls == [*aside * 3, "Graph", "step", "end", "replay", "replay"]
    calls.clear()
    trainer._launch(False)
    assert calls == ["Graph", "step", "end", "replay"]


@pytest.mark.parametrize("average", [0.0, 0.2])
def test_the_step_asks_nothing_of_the_device(average, monkeypatch):
    """What waits for a GPU needs a value; torch's meta device has none, and refuses. Its optimizers wait."""
    config = replace(TINY, ema_share=average)
    learner = Learner(make_model(config), config, "meta")
    trainer = GraphTrainer(learner, crops(config, "meta"))
    monkeypatch.setattr(trainer.optimizer, "step", lambda: None)
    trainer.advance(3)
    assert trainer.loss.device.type == "meta"


def test_what_a_graph_cannot_do_is_told():
    learner = Learner(make_model(TINY), replace(TINY, precision="float16"))
    with pytest.raises(InputError, match="cannot compute in float16; it can in float32, tf32 and bfloat16"):
        GraphTrainer(learner, crops(TINY))
    learner = Learner(make_model(TINY), replace(TINY, micro_batches=2))
    with pytest.raises(InputError, match="leave out micro_batches"):
        GraphTrainer(learner, crops(TINY))


def test_the_arithmetic_is_told_as_the_switch_has_it():
    cpu = torch.device("cpu")
    told = {precision: convolution_arithmetic(precision, cpu) for precision in ("float32", "tf32", "bfloat16")}
    assert told == {"float32": "ieee float32", "tf32": "tf32", "bfloat16": "bfloat16"}
    with arithmetic("bfloat16", cpu):
        assert torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).dtype == torch.bfloat16
    with arithmetic("float32", cpu):
        assert gpu_graph.torch.backends.cudnn.allow_tf32 is False


@pytest.mark.parametrize(("precision", "matrices"), [("float32", "highest"), ("tf32", "high"), ("bfloat16", "highest")])
def test_the_gradients_are_computed_as_the_outputs_are(precision, matrices):
    config, seen = replace(TINY, precision=precision), []
    learner = Learner(make_model(config), config)

    def see(*_) -> None:
        autocast = torch.is_autocast_enabled("cpu")
        seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32, autocast))

    learner.model.register_forward_pre_hook(see)
    learner.model.reconstruction.bias.register_hook(see)
    GraphTrainer(learner, crops(config)).advance(1)
    wanted = (matrices, precision != "float32")
    assert seen == [(*wanted, precision == "bfloat16"), (*wanted, False)]
    assert torch.get_float32_matmul_precision() == "highest"
