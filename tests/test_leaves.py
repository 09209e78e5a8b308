"""Leaves: what dead-leaves pictures have in common with photographs, held by their statistics."""

import pytest
import torch
import torch.nn.functional as F

from srcnn.leaves import _radius, dead_leaves


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Six pictures, (6, 1, 256, 256)."""
    return torch.stack([dead_leaves(seed) for seed in range(6)])


def test_one_seed_is_one_picture_and_another_seed_another():
    torch.manual_seed(1)
    first = dead_leaves(3, 48, leaves=300)
    torch.manual_seed(2)
    assert torch.equal(dead_leaves(3, 48, leaves=300), first)
    assert not torch.equal(dead_leaves(4, 48, leaves=300), first)


def test_statistics_of_a_picture_have_not_changed():
    """Our own earlier output, rounded, so that another processor's last digits do not matter."""
    picture = dead_leaves(0, 64, leaves=1000).double()
    assert [round(v.item(), 3) for v in (picture.mean(), picture.std(), picture[0, 0, 0], picture[0, 40, 20])] == [
        0.464,
        0.244,
        0.638,
        0.833,
    ]


def test_pictures_are_luma_of_the_asked_size(pictures):
    assert pictures.shape == (6, 1, 256, 256)
    assert pictures.dtype is torch.float32
    in_bytes = pictures * 255
    assert 16 <= in_bytes.min() < 20  # thousands of uniform grays come close to both ends
    assert 231 < in_bytes.max() <= 235 + 1e-4
    assert dead_leaves(0, 40, leaves=10).shape == (1, 40, 40)


def test_nine_tenths_of_the_ground_are_covered(pictures):
    ground = ((pictures * 255 - (16 + 219 / 2)).abs() < 1e-3).double().mean()  # the gray that was there first
    assert ground < 0.1


def test_sizes_follow_the_power_law():
    """Evenly spread u, so the share of radii above r must be the integral of r^-3, to 1 / count."""
    radii = torch.tensor([_radius((k + 0.5) / 10_000) for k in range(10_000)])
    assert 1.5 <= radii.min() < 1.501
    assert 50 < radii.max() <= 100
    for r in (2.0, 3.0, 6.0, 12.0, 40.0):
        expected = (r**-2 - 100.0**-2) / (1.5**-2 - 100.0**-2)
        assert (radii > r).double().mean().item() == pytest.approx(expected, abs=2e-4)


def _gradients(pictures: torch.Tensor) -> torch.Tensor:
    return (pictures[..., 1:] - pictures[..., :-1]).square().flatten()


def _halved(pictures: torch.Tensor) -> float:
    """The root mean square of the gradients after a shrink by two, as a share of that before."""
    return (_gradients(F.avg_pool2d(pictures, 2)).mean() / _gradients(pictures).mean()).sqrt().item()


def test_pictures_have_no_scale_of_their_own(pictures):
    """Shrunk by two, gradients stay as strong, within 25 %: edges of every size are there.

    Noise, all of it fine, loses half; large squares with nothing fine between their edges gain a factor of sqrt(2).
    """
    assert _halved(pictures) == pytest.approx(1, abs=0.25)
    assert _halved(F.avg_pool2d(pictures, 2)) == pytest.approx(1, abs=0.25)
    noise = torch.rand(pictures.shape, generator=torch.Generator().manual_seed(0))
    assert _halved(noise) == pytest.approx(0.5, abs=0.01)
    squares = noise[..., :8, :8].repeat_interleave(32, -1).repeat_interleave(32, -2)
    assert _halved(squares) == pytest.approx(2**0.5, abs=0.01)


def test_rows_and_columns_and_the_border_are_no_different(pictures):
    """Edges lie in every direction, and as many at the border as in the middle, within 25 % over six pictures."""
    across, down = _gradients(pictures).mean(), _gradients(pictures.mT).mean()
    assert (across / down).item() == pytest.approx(1, rel=0.25)
    frame = torch.cat([_gradients(pictures[..., :24, :]), _gradients(pictures[..., -24:, :])]).mean()
    assert (frame / _gradients(pictures[..., 24:-24, :]).mean()).item() == pytest.approx(1, rel=0.25)
