"""Images: good files come through whole, bad ones end in one sentence."""

import errno
import hashlib
import io
import random
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from srcnn import images
from srcnn.files import InputError
from srcnn.images import Photograph, pixel_hash, read, read_photograph, write_photograph

MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def _picture(mode: str = "RGB", height: int = 24, width: int = 20) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, MODES[mode]), dtype=np.uint8)
    return Image.fromarray(values.squeeze())


def _encoded(kind: str, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    _picture(mode).save(stream, kind, **options)
    return stream.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a camera"
    return exif


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_reading_gives_the_files_bytes_as_floats(tmp_path, mode, suffix):
    path = tmp_path / f"picture{suffix}"
    _picture(mode).save(path)
    expected = np.asarray(_picture(mode)).reshape(24, 20, -1).transpose(2, 0, 1).astype(np.float32) / 255
    assert torch.equal(read(path), torch.from_numpy(expected))


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def _saved(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _animation(kind: str) -> bytes:
    return _saved(_picture(), kind, save_all=True, append_images=[ImageOps.invert(_picture())])


def _rgb16() -> bytes:
    rows = b"".join(b"\0" + bytes(range(12)) for _ in range(2))  # 2 x 2 pixels of 3 x 2 bytes
    return _png(
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    )


def _tiff16() -> bytes:
    """An RGB TIFF of 16 bits per channel, which Pillow reads but cannot write."""
    tags = [(256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14)]
    tags += [(277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, 24)]
    data = struct.pack("<HHH", 16, 16, 16) + bytes(range(24))
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags) + bytes(4)


def _bomb(side: int) -> bytes:
    return _png((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", b"x"), (b"IEND", b""))


GRAY16 = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8))
WRONG = {
    "text.png": (lambda: b"no picture at all", "holds no image that can be read"),
    "empty.jpg": (lambda: b"", "holds no image that can be read"),
    "page.eps": (lambda: _saved(_picture(), "EPS"), "holds no image that can be read"),
    "float.tif": (lambda: _saved(Image.new("F", (4, 4)), "TIFF"), "signed or floating-point numbers"),
    "cmyk.jpg": (lambda: _saved(_picture().convert("CMYK"), "JPEG"), "printing colors CMYK.*; save it as RGB"),
    "moving.gif": (lambda: _animation("GIF"), "holds no image that can be read"),
    "moving.webp": (lambda: _animation("WEBP"), "holds 2 pictures"),
    "moving.png": (lambda: _animation("PNG"), "holds 2 pictures"),
    "pages.tif": (lambda: _animation("TIFF"), "holds 2 pictures"),
    "cut.jpg": (lambda: _encoded("JPEG")[:-200], "is damaged or cut short"),
    "head.jpg": (lambda: _encoded("JPEG")[:100], "(is damaged or cut short|holds no image that can be read)"),
    "cut.png": (lambda: _encoded("PNG")[:-200], "is damaged or cut short"),
    "head.png": (lambda: _encoded("PNG")[:20], "(is damaged or cut short|holds no image that can be read)"),
    "large.png": (lambda: _bomb(11_000), "has 11000 x 11000 pixels; at most 100 megapixels"),
    "huge.png": (lambda: _bomb(60_000), "is too large: at most 100 megapixels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_of_the_wrong_kind_ends_in_one_sentence_with_its_name(tmp_path, name):
    content, message = WRONG[name]
    path = tmp_path / name
    path.write_bytes(content())
    for use in (read, read_photograph, pixel_hash, images.full_range_luma):
        with pytest.raises(InputError, match=f"{path}.*{message}") as error:
            use(path)
        assert "\n" not in str(error.value)


DEEP = {
    "gray16.png": lambda: _saved(GRAY16, "PNG"),
    "gray16.tif": lambda: _saved(GRAY16, "TIFF"),
    "rgb16.png": _rgb16,
    "rgb16.tif": _tiff16,
}


@pytest.mark.parametrize("name", DEEP)
def test_the_protocol_has_8_bits_and_refuses_16(tmp_path, name):
    (tmp_path / name).write_bytes(DEEP[name]())
    for use in (read, pixel_hash, images.full_range_luma):
        with pytest.raises(
            InputError, match=f"{name} has more than 8 bits per channel, the protocol has 8; save it as 8"
        ):
            use(tmp_path / name)
    assert read_photograph(tmp_path / name).pixels.dtype == torch.uint16


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(InputError, match=rf"there is no file {tmp_path}/gone\.png"):
        read(tmp_path / "gone.png")
    with pytest.raises(InputError, match="is a folder; one image file is expected"):
        read(tmp_path)


def test_transparency_has_no_psnr(tmp_path):
    _picture("LA").save(tmp_path / "a.png")
    with pytest.raises(InputError, match="has transparency, which has no PSNR"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_no_damage_raises_anything_else(tmp_path, kind):
    """Cuts and changed bytes of small files, by a fixed seed: an image or an InputError, and no warning."""
    options = {} if kind in ("BMP", "TIFF") else {"exif": _exif(6)}
    good, chance, path = _encoded(kind, **options), random.Random(kind), tmp_path / "damaged"
    outcomes = set()
    for trial in range(200):
        bad = bytearray(good[: chance.randrange(len(good))] if trial % 4 == 0 else good)
        for _ in range(chance.choice((1, 2, 8)) if trial % 4 and bad else 0):
            reach = min(len(bad), chance.choice((60, 300, len(bad))))  # headers are where the trouble is
            bad[chance.randrange(reach)] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        path.write_bytes(bad)
        for use in (read_photograph, pixel_hash):
            try:
                use(path)
                outcomes.add("image")
            except InputError:
                outcomes.add("sentence")
    assert outcomes == {"image", "sentence"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_photograph_is_turned_as_the_camera_was_held(tmp_path, suffix, orientation):
    path = tmp_path / f"photo{suffix}"
    _picture().save(path, exif=_exif(orientation), **({"lossless": True} if suffix == ".webp" else {}))
    upright = _picture()
    upright.getexif()[0x0112] = orientation
    expected = torch.from_numpy(np.array(ImageOps.exif_transpose(upright))).permute(2, 0, 1)
    photograph = read_photograph(path)
    assert torch.equal(photograph.pixels, expected)
    assert photograph.exif is None or b"\x12\x01" not in photograph.exif[:60], "it would be turned again"


def test_the_first_picture_of_a_telephones_jpeg_is_the_photograph(tmp_path):
    (tmp_path / "phone.jpg").write_bytes(_animation("MPO"))
    (tmp_path / "plain.jpg").write_bytes(_encoded("JPEG"))
    assert torch.equal(read(tmp_path / "phone.jpg"), read(tmp_path / "plain.jpg"))


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [(s, m) for s in (".png", ".tif", ".webp") for m in MODES if (s, m[0]) != (".webp", "L")]  # WebP knows no gray
    + [(".jpg", "L"), (".jpg", "RGB")],
)
def test_alpha_exif_and_profile_survive_reading_and_writing(tmp_path, suffix, mode):
    source, target = tmp_path / "in.png", tmp_path / f"out{suffix}"
    _picture(mode).save(source, exif=_exif(1), icc_profile=b"a profile")
    photograph = read_photograph(source)
    write_photograph(target, photograph)
    with Image.open(target) as written:
        assert dict(written.getexif())[0x010F] == "a camera"
        assert 0x0112 not in written.getexif()
        assert written.info["icc_profile"] == b"a profile"
    back = read_photograph(target)
    assert (back.alpha is None) == (not mode.endswith("A"))
    if suffix != ".jpg":
        assert torch.equal(back.pixels, photograph.pixels)
    if back.alpha is not None:
        assert torch.equal(back.alpha, photograph.alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_exif_block_of_a_tiff_goes_along_and_its_layout_does_not(tmp_path, suffix, orientation):
    exif = _exif(orientation)
    exif[0x8769], exif[0x8825] = {0x9003: "2014:09:06 12:00:00"}, {1: "N", 2: (47.0, 22.0, 7.0)}
    _picture().save(tmp_path / "in.tif", exif=exif.tobytes())
    write_photograph(tmp_path / f"out{suffix}", read_photograph(tmp_path / "in.tif"))
    with Image.open(tmp_path / f"out{suffix}") as written:
        tags = written.getexif()
        assert tags[0x010F] == "a camera"
        assert tags.get_ifd(0x8769) == {0x9003: "2014:09:06 12:00:00"}
        assert tags.get_ifd(0x8825) == {1: "N", 2: (47.0, 22.0, 7.0)}
        assert 0x0112 not in tags
        if suffix != ".tif":
            assert 0x0111 not in tags, "offsets into another file"


def test_an_exif_block_too_long_for_jpeg_is_told_and_the_older_file_stays(tmp_path):
    exif = _exif(1)
    exif[0x013B] = "d" * 70_000  # the artist
    _picture().save(tmp_path / "in.png", exif=exif)
    (tmp_path / "out.jpg").write_text("old")
    with pytest.raises(InputError, match=r"out\.jpg cannot hold the photograph's EXIF block of \d+ bytes; take \.png"):
        write_photograph(tmp_path / "out.jpg", read_photograph(tmp_path / "in.png"))
    assert (tmp_path / "out.jpg").read_text() == "old"


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_not_dropped_in_silence(tmp_path, suffix):
    alpha = torch.zeros(1, 2, 2, dtype=torch.uint8)
    with pytest.raises(
        InputError, match=r"cannot hold the photograph's transparency; end it in \.png, \.tif or \.webp"
    ):
        write_photograph(tmp_path / f"out{suffix}", Photograph(torch.zeros(3, 2, 2, dtype=torch.uint8), alpha))


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("out.gif", 5, "names no file type that can be written"),
        ("out", 5, "names no file type"),
        ("out.webp", 16_384, "more than the 16383 of WEBP"),
        ("out.jpg", 65_536, "more than the 65535 of JPEG"),
        ("no/out.png", 5, "there is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path, name, width, message):
    with pytest.raises(InputError, match=message):
        images.check_output(tmp_path / name, Photograph(torch.zeros(1, 1, 1, dtype=torch.uint8).expand(1, 5, width)))


def test_a_full_disk_leaves_the_old_file_untouched(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def save(self, stream, *args, **options):
        stream.write(b"half of a picture")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(OSError, match="No space left"):
        write_photograph(path, Photograph(torch.zeros(3, 2, 2, dtype=torch.uint8)))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_pixel_hash_knows_the_picture_and_not_the_file_type(tmp_path):
    hashes = set()
    for name in ("a.png", "a.bmp", "a.tif"):
        _picture().save(tmp_path / name)
        hashes.add(pixel_hash(tmp_path / name))
    assert hashes == {hashlib.sha256(b"RGB 20 24\n" + _picture().tobytes()).hexdigest()}
    _picture("RGB", 20, 24).save(tmp_path / "other.png")
    assert pixel_hash(tmp_path / "other.png") not in hashes


def test_bytes_to_floats_and_back_is_exact_and_rounds_and_clips():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(images.to_bytes(images.to_float(every)), every)
    assert images.to_bytes(torch.tensor([-0.1, 0.6 / 255, 1.1])).tolist() == [0, 1, 255]


def test_sample_photographs_are_there_and_no_other(tmp_path):
    shapes = {name: tuple(images.sample(name).shape) for names in images.SAMPLE.values() for name in names}
    assert shapes["chelsea"] == (3, 300, 451)
    assert shapes["camera"] == (1, 512, 512)
    assert set(images.SAMPLE["train"]).isdisjoint(images.SAMPLE["validation"])
    with pytest.raises(InputError, match="'lenna' is no sample photograph; they are astronaut"):
        images.sample("lenna")
