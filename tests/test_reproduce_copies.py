"""reproduce.copies: what was cut from another image is found, and nothing else."""

import numpy as np
import pytest
import torch
from skimage.feature import match_template

from srcnn.color import luma, quantize
from srcnn.images import sample
from srcnn.reproduce import copies
from srcnn.results import stored


@pytest.fixture(scope="module")
def photographs() -> dict:
    return {name: luma(sample(name))[0] for name in ("astronaut", "camera", "chelsea", "coffee", "coins")}


def test_the_correlation_is_scikit_images():
    image = torch.rand(40, 50, generator=torch.Generator().manual_seed(0))
    part = image[7:19, 20:35].contiguous()
    found = copies.correlation(part, image)
    np.testing.assert_allclose(found, match_template(image.double().numpy(), part.double().numpy()), atol=1e-9)
    assert divmod(int(found.argmax()), found.shape[1]) == (7, 20)


@pytest.mark.parametrize(
    ("cut", "change", "largest"),
    [
        ((slice(60, 211), slice(41, 320)), lambda part: part, 0),
        ((slice(61, 250), slice(42, 261)), lambda part: quantize(0.9 * part + 0.05), None),
        ((slice(3, 200), slice(150, 451)), lambda part: quantize(part + 4 / 255 * torch.rand(part.shape)), 4),
    ],
    ids=["as it is", "paler", "noisy"],
)
def test_a_cut_is_found_at_its_place(cut, change, largest, photographs):
    torch.manual_seed(0)
    of = photographs["chelsea"]
    (pair,) = copies.find(photographs | {"cut": change(of[cut])})
    assert {pair["image"], pair["of"]} == {"cut", "chelsea"}
    at = [cut[0].start, cut[1].start]
    assert pair["at"] == (at if pair["image"] == "cut" else [-place for place in at])
    assert pair["pixels"] == of[cut].numel()
    assert largest is None or pair["largest_difference"] <= largest


def test_two_cuts_that_overlap_are_found():
    of = luma(sample("coffee"))[0]
    one, other = of[:300, :400], of[60:360, 90:490]
    (pair,) = copies.find({"one": one, "other": other})
    assert (pair["at"], pair["pixels"], pair["largest_difference"]) == ([60, 90], 240 * 310, 0)


def test_strangers_and_flat_images_are_no_copies(photographs):
    flat = {"white": torch.ones(90, 90), "gray": torch.full((60, 70), 0.5)}
    assert list(copies.find(photographs | flat)) == []


def test_the_record_names_what_the_book_tells():
    record = stored("copies")
    assert record["images"] == 91 + 200 + 5 + 14 + 100 + 200
    found = {frozenset((pair["image"], pair["of"])): pair for pair in record["pairs"]}
    for one, other in (("Set14 face", "Set5 head"), ("Set5 butterfly", "Set14 monarch"), ("T91 t36", "T91 t65")):
        assert found[frozenset((one, other))]["largest_difference"] == 0
    between = {tuple(sorted(name.rpartition(" ")[0] for name in pair)) for pair in found}
    assert ("BSDS300 train", "BSD100") not in between
    assert {title for pair in between for title in pair if len(set(pair)) == 2} >= {"Set5", "Set14"}
