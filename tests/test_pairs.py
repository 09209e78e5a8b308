"""Pairs, against plain slicing and turning of the whole images."""

import pytest
import torch

from srcnn import data
from srcnn.color import luma
from srcnn.files import InputError
from srcnn.pairs import RandomCrops, Shuffled, downscaled, pair, sub_images
from srcnn.resize import enlarge, shrink


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def _crops(pictures: list[torch.Tensor], **changes) -> RandomCrops:
    options = {"scale": 3, "size": 13, "batch": 64, "border": 6, "enlarged": True, "seed": 0}
    return RandomCrops(pictures, **(options | changes))


@pytest.mark.parametrize("enlarged", [True, False])
def test_a_pair_is_the_cropped_original_and_what_bicubic_makes_of_it(enlarged):
    image = _noise(1, 20, 25)
    low, high = pair(image, 3, enlarged=enlarged)
    small = shrink(image[:, :18, :24], 3)
    assert torch.equal(high, image[:, :18, :24])
    assert torch.equal(low, enlarge(small, 3) if enlarged else small)


def _turns(square: torch.Tensor) -> list[torch.Tensor]:
    return [torch.rot90(s, k, (-2, -1)) for s in (square, square.flip(-1)) for k in range(4)]


@pytest.mark.parametrize(
    ("enlarged", "border", "scale", "size"), [(True, 6, 3, 17), (True, 0, 2, 9), (False, 0, 4, 5), (False, 2, 2, 7)]
)
def test_each_crop_is_one_square_of_one_image_in_one_of_eight_turns(enlarged, border, scale, size):
    """Found by search: the input must equal a naive cut somewhere, and the target the same place of the original."""
    pictures = [_noise(2, 31, 26, seed=1), _noise(2, 28, 34, seed=2)]
    lows, highs = _crops(pictures, enlarged=enlarged, border=border, scale=scale, size=size)(step=5)
    ratio, inner = (1 if enlarged else scale), size - 2 * border
    naive = {}
    for picture in pictures:
        low, high = pair(picture, scale, enlarged=enlarged)
        for row in range(low.shape[1] - size + 1):
            for column in range(low.shape[2] - size + 1):
                top, left = (row + border) * ratio, (column + border) * ratio
                target = high[:, top : top + inner * ratio, left : left + inner * ratio]
                cut = low[:, row : row + size, column : column + size]
                for turn, (c, t) in enumerate(zip(_turns(cut), _turns(target), strict=True)):
                    naive[c[0].numpy().tobytes()] = (turn, c, t)
    seen = set()
    for low, high in zip(lows, highs, strict=True):
        turn, cut, target = naive[low[0].contiguous().numpy().tobytes()]
        assert torch.equal(low, cut)
        assert torch.equal(high, target)
        seen.add(turn)
    assert seen == set(range(8))


def test_every_position_of_every_image_is_equally_likely():
    """Chi-square over 3 x 4 + 2 x 2 + 1 places with a fixed seed; 32.0 is its 1 % point for 16 degrees of freedom.

    Each input pixel is a number of its own, so the least of a crop tells which place it is, however it is turned.
    """
    sizes, start, places, pictures = [(10, 11), (9, 9), (8, 8)], 0, {}, []
    for height, width in sizes:
        pictures.append(torch.arange(start, start + height * width).view(1, height, width).double())
        places |= {start + r * width + c: 0 for r in range(height - 7) for c in range(width - 7)}
        start += height * width
    crops = _crops(pictures, scale=1, size=8, border=0, batch=500)  # at scale 1 the input is the image
    for step in range(20):
        for crop in crops(step)[1]:
            places[round(crop.min().item())] += 1
    expected = 10_000 / len(places)
    assert len(places) == 17
    assert sum((count - expected) ** 2 / expected for count in places.values()) < 32.0


def test_a_batch_is_a_function_of_the_seed_and_the_step_alone():
    picture = _noise(1, 40, 40)
    crops = _crops([picture])
    third = crops(3)
    crops(4)
    torch.manual_seed(99)
    for again in (crops(3), _crops([picture])(3)):
        assert all(torch.equal(a, b) for a, b in zip(third, again, strict=True))
    for other in (crops(4), _crops([picture], seed=1)(3)):
        assert not torch.equal(third[0], other[0])


def test_images_too_small_for_a_crop_are_passed_over():
    large, small = _noise(1, 20, 20), torch.full((1, 20, 12), 2.0)
    crops = _crops([small, large, torch.ones(1, 1, 2)])
    assert crops(0)[0].max() < 1.5, "a crop of the small picture"
    assert torch.equal(crops(0)[0], _crops([large])(0)[0])


@pytest.mark.parametrize(("enlarged", "pixels"), [(True, 13), (False, 39)])
def test_where_no_image_is_large_enough_the_size_is_told(enlarged, pixels):
    with pytest.raises(InputError, match=f"no image is large enough for one crop of {pixels} pixels"):
        _crops([_noise(1, 12, 50), _noise(1, 2, 2)], enlarged=enlarged)


@pytest.mark.parametrize(("count", "batch"), [(12, 4), (10, 4), (3, 8), (1, 2)])
def test_shuffled_gives_each_pair_once_an_epoch_in_a_new_order(count, batch):
    low = torch.arange(count).view(-1, 1, 1, 1)
    batches = Shuffled(low, low * 10, batch=batch, seed=0)
    drawn = [batches(step) for step in range(3 * count)]
    assert all(len(first) == batch and torch.equal(first * 10, second) for first, second in drawn)
    order = torch.cat([first for first, _ in drawn]).flatten().tolist()
    epochs = [order[k : k + count] for k in range(0, len(order), count)]
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert count < 3 or epochs[0] != epochs[1]
    assert torch.equal(batches(1)[0], drawn[1][0]), "a later call must give the same batch"


def test_sub_images_are_the_squares_of_a_grid():
    pictures = [_noise(1, 52, 63, seed=1), _noise(1, 47, 33, seed=2)]
    low, high = sub_images(pictures, scale=3, border=6)
    expected = []
    for picture in pictures:
        small, original = pair(picture, 3, enlarged=True)
        for row in range(0, original.shape[1] - 33 + 1, 14):
            for column in range(0, original.shape[2] - 33 + 1, 14):
                cut = (slice(None), slice(row, row + 33), slice(column, column + 33))
                expected.append((small[cut], original[cut][:, 6:27, 6:27]))
    assert len(low) == len(high) == len(expected) == 2 * 3 + 1
    for ours, naive in zip(zip(low, high, strict=True), expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, naive, strict=True))


@pytest.mark.parametrize(("height", "width", "count"), [(33, 100, 5), (100, 34, 5), (32, 100, 0), (35, 33, 1)])
def test_an_image_gives_sub_images_if_what_modcrop_leaves_is_large_enough(height, width, count):
    pictures = [torch.zeros(1, height, width), torch.zeros(1, 33, 33)]
    assert len(sub_images(pictures, scale=3, border=6)[0]) == count + 1


def test_no_image_large_enough_for_a_sub_image_is_refused():
    with pytest.raises(InputError, match="no image is large enough for one sub-image of 33 x 33 pixels"):
        sub_images([torch.zeros(1, 34, 34), torch.zeros(1, 1, 1)], scale=4, border=6)


@pytest.mark.data
@pytest.mark.parametrize(("scale", "count"), [(2, 21_910), (3, 21_884), (4, 21_772)])
def test_t91_gives_as_many_sub_images_as_the_authors_script(data_root, scale, count):
    pictures = (luma(image) for _, image in data.photographs("t91", "train"))
    low, high = sub_images(pictures, scale=scale, border=6)
    assert low.shape == (count, 1, 33, 33)
    assert high.shape == (count, 1, 21, 21)


def test_zoomed_gives_every_picture_at_every_size_and_the_first_untouched():
    picture = _noise(3, 40, 30)
    whole, half, third = downscaled([picture], "1-0.5-0.3")
    assert torch.equal(whole, picture)
    assert (half.shape, third.shape) == ((3, 20, 15), (3, 12, 9))
    inner = slice(4, -4)  # where neither edge rule reaches
    torch.testing.assert_close(half[:, inner, 4:11], shrink(picture, 2).clamp(0, 1)[:, inner, 4:11])
    assert 0 <= third.min() < third.max() <= 1


@pytest.mark.parametrize("factors", ["", "1-", "0.5-2", "0", "-0.5", "nan", "a"])
def test_factors_that_are_none_are_refused(factors):
    with pytest.raises(InputError, match="its factors are above 0 and at most 1"):
        list(downscaled([_noise(1, 8, 8)], factors))


def test_the_order_of_an_epoch_is_drawn_once_and_not_at_every_step(monkeypatch):
    drawn, randperm = [], torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *a, **k: (drawn.append(a), randperm(*a, **k))[1])
    batches = Shuffled(torch.zeros(10, 1, 2, 2), torch.zeros(10, 1, 2, 2), batch=3, seed=0)
    for step in range(10):  # three epochs, whose borders lie within a batch
        batches(step)
    assert len(drawn) == 3
