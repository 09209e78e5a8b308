"""data: fetching and finding, with tiny sets from a server on this machine; and the real registry."""

import re
import sys

import pytest
import torch
from tiny_sets import LEARN, TINY, fingerprint, picture, write_files

from srcnn import data, images
from srcnn.data import paths, photographs
from srcnn.files import InputError


def test_roots_are_searched_in_their_order(root, tmp_path, monkeypatch):
    monkeypatch.setenv("SRCNN_DATA", str(tmp_path / "variable"))
    places = [root, tmp_path / "variable", tmp_path / "data", tmp_path / "cache"]
    for place in reversed(places):
        write_files(place, TINY)
        assert [path.absolute() for path in paths("tiny", "test")] == [place / path for path in TINY]


def test_photographs_come_in_order_with_their_names(root):
    write_files(root, TINY | LEARN)
    found = dict(photographs("tiny+learn", "test"))
    assert list(found) == ["a", "b", "c", "d", "y"]
    assert torch.equal(found["a"], images.read(root / "Tiny/a.bmp"))
    assert [name for name, _ in photographs("LEARN", "train")] == ["x"]


def test_so_many_of_a_set_are_spread_evenly_over_it(tmp_path):
    assert [n for n, _ in data.photographs("leaves:4+sample:1", "train")] == [
        "leaves-0", "leaves-10", "leaves-20", "leaves-30", next(iter(images.SAMPLE["train"]))
    ]  # fmt: skip
    folder = tmp_path / "of:7"  # a folder may have a colon
    folder.mkdir()
    images.write_photograph(folder / "a.png", images.Photograph(images.to_bytes(images.sample("camera")[:, :9, :9])))
    assert [n for n, _ in data.photographs(str(folder), "train")] == ["a"]
    for spec in ("leaves:0", "leaves:41"):
        with pytest.raises(InputError, match=f"{spec} asks for .* images; there are 40, so give 1 to 40"):
            list(data.photographs(spec, "train"))


def test_a_folder_of_ones_own_is_a_set(root, tmp_path):
    write_files(tmp_path, {"mine/q.bmp": TINY["Tiny/a.bmp"]})
    for use in ("train", "test"):
        assert [name for name, _ in photographs(str(tmp_path / "mine"), use)] == ["q"]
        assert [name for name, _ in photographs("mine", use)] == ["q"]


def test_sample_and_leaves_need_no_file_and_never_test_on_what_was_trained_on(root, monkeypatch):
    monkeypatch.setattr(data, "dead_leaves", lambda seed: torch.full((1, 2, 2), float(seed)))  # drawing takes seconds
    for name in data.GENERATED:
        train, test = ({n for n, _ in photographs(name, use)} for use in ("train", "test"))
        assert train
        assert test
        assert train.isdisjoint(test)


@pytest.mark.parametrize(
    ("spec", "use", "message"),
    [
        ("sett5", "test", "no data set 'sett5'; there are tiny, learn, sample, leaves, or a folder"),
        ("learn+", "train", "no data set ''"),
        ("no/such/folder", "test", "no/such/folder is no folder of images"),
        ("tiny", "train", "Tiny is a test set: a model trained on it has no honest score"),
        ("tiny", "test", r"Tiny is not here; `srcnn data fetch tiny` downloads it, or set SRCNN_DATA .* holds Tiny/"),
        ("learn", "train", r"Learn is not here; .* holds Learn/train/"),
    ],
)
def test_what_is_not_there_is_told_with_the_next_step(root, spec, use, message):
    write_files(root, LEARN if spec == "learn+" else {})
    with pytest.raises(InputError, match=message):
        list(photographs(spec, use))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are Unicode")
def test_a_name_that_is_no_utf8_has_a_fingerprint(root):
    write_files(root, {"mine/a\udcff.bmp": TINY["Tiny/a.bmp"], "yours/a.bmp": TINY["Tiny/a.bmp"]})
    assert fingerprint(photographs(str(root / "mine"), "test")) != fingerprint(photographs(str(root / "yours"), "test"))


def test_a_set_that_is_there_in_part_is_told(root):
    write_files(root, dict(list(TINY.items())[:3]))
    with pytest.raises(InputError, match=r"Tiny in .*root/Tiny lacks 1 of its 4 files; `srcnn data fetch tiny` comp"):
        paths("tiny", "test")


def test_the_fingerprint_knows_names_and_pixels(root):
    write_files(root, {"p/a.bmp": TINY["Tiny/a.bmp"], "q/a.png": picture(0, "PNG"), "r/b.bmp": TINY["Tiny/a.bmp"]})
    write_files(root, {"s/a.bmp": TINY["Tiny/b.bmp"]})
    one, same, renamed, other = (fingerprint(photographs(str(root / folder), "test")) for folder in "pqrs")
    assert one == same
    assert len({one, renamed, other}) == 3


def test_every_registered_set_is_described_and_has_a_checksum_for_each_file():
    counts = {"t91": 91, "bsds300": 300, "bsds500-test": 200, "set5": 5, "set14": 14}
    assert {name: len(entry.files) for name, entry in data.registry().items()} == counts
    for entry in data.registry().values():
        assert entry.title
        assert entry.what
        assert entry.license
        assert entry.mirrors
        assert set(entry.folders) <= {"train", "test"}
        for url in (url for mirror in entry.mirrors for url in mirror):
            # the authors' own address has no https; what comes from it is checked all the same
            assert url.startswith(("https://", "http://mmlab.ie.cuhk.edu.hk/")), url
        for path, (sha, pixels) in entry.files.items():
            assert re.fullmatch("[0-9a-f]{64}", sha), path
            assert (pixels is None) == path.endswith(".jpg"), path
            assert pixels is None or re.fullmatch("[0-9a-f]{64}", pixels), path


def test_the_fields_names_for_the_bsds_test_images_are_understood():
    assert data.lookup("bsd100").name == "bsds300"
    assert data.lookup("bsd200").name == "bsds500-test"


def test_listing_takes_images_alone_in_alphabetical_order(tmp_path):
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in data.listing(tmp_path)] == ["a.jpg", "b.PNG"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty holds no image file \(\.bmp"):
        data.listing(tmp_path / "empty")
    with pytest.raises(InputError, match="is no folder of images"):
        data.listing(tmp_path / "a.jpg")
