"""The page that enlarges the reader's own photograph: what `srcnn upscale` gives, in the browser and nowhere else."""

import base64
import io
import struct
import tempfile
import zlib
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import photo
import pytest
import safetensors.numpy
import torch
from browse import PAGES, in_the_browser
from lanes import one_in
from PIL import Image, ImageCms
from playwright.sync_api import expect

from srcnn import images, pretrained
from srcnn.files import InputError
from srcnn.images import read_photograph, to_bytes
from srcnn.model import SRCNN
from srcnn.upscale import upscale

ROOT = Path(__file__).resolve().parents[1]
PAGE = PAGES / "book" / "photo.html"

PIXELS = """name => {
  const canvas = document.getElementById("photo-" + name);
  const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return [canvas.height, canvas.width, btoa(text)];
}"""


class Desk:
    """The page as a reader has it open, with all that went wrong and all that was asked for."""

    def __init__(self, browser, url: str, **options) -> None:
        # without motion: while a page still scrolls, a place is another when the pointer gets there
        still = {"viewport": {"width": 1400, "height": 900}, "reduced_motion": "reduce"}
        self.page = browser.new_page(**still | options)
        self.troubles, self.asked, self.workers, self.ended = [], [], [], []
        self.page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("requestfailed", lambda request: self.troubles.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("worker", self._watch)
        self.page.goto(url, wait_until="load")
        self.opening = [address for address in self.asked if not address.startswith("data:")]
        self.asked.clear()

    def _watch(self, worker) -> None:
        self.workers.append(worker)
        worker.on("close", lambda worker: self.ended.append(worker))

    def give(self, content: bytes, name: str = "mine.png") -> None:
        self.page.set_input_files("#photo-file", {"name": name, "mimeType": "", "buffer": content})

    def try_sample(self, name: str) -> None:
        self.page.click(f"[data-sample={name}]")

    def scale(self, scale: int) -> None:
        self.page.check(f"input[name=photo-scale][value='{scale}']")

    def finish(self) -> None:
        """Wait for the end of a run, a good one."""
        self.page.wait_for_selector("#photo-save:visible, #photo .photo-trouble", timeout=120_000)
        expect(self.page.locator("#photo-save")).to_be_visible()

    def refused(self) -> None:
        """Wait for the end of a run, a bad one."""
        self.page.wait_for_selector("#photo-save:visible, #photo .photo-trouble", timeout=120_000)
        expect(self.page.locator("#photo .photo-trouble")).to_have_count(1)

    def told(self) -> str:
        return self.page.locator("#photo [role=status]").inner_text()

    def shown(self, name: str) -> torch.Tensor:
        """The pixels of a canvas, ``(4, H, W)``."""
        height, width, text = self.page.evaluate(PIXELS, name)
        pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1)


@pytest.fixture(scope="module", params=["http", "file"])
def shared(request, browser, address):
    """One page for many files, one after another, as it comes from a server and from a disk."""
    home = address if request.param == "http" else PAGES.as_uri()
    opened = Desk(browser, f"{home}/book/photo.html")
    assert [url for url in opened.opening if not url.startswith(home)] == []
    assert [url for url in opened.opening if url.endswith(("data.js", "code.js"))] == []
    yield opened
    # blob: the Workers' own text, which is in the page already
    asked = {url for url in opened.asked if not url.startswith("blob:") and not url.endswith("favicon.svg")}
    late = ("photo/data.js", "live/code.js")  # with the first photograph
    assert asked == {f"{home}/_static/{name}" for name in late}
    assert opened.troubles == []
    opened.page.close()


@pytest.fixture
def desk(browser, address):
    """A page of its own, for a test that changes it or looks at how it works."""
    opened = Desk(browser, f"{address}/book/photo.html")
    yield opened
    assert opened.troubles == []
    opened.page.close()


def stored(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def crop(name: str, width: int, height: int, left: int = 130, top: int = 60) -> Image.Image:
    pixels = to_bytes(images.sample(name)).permute(1, 2, 0).squeeze(-1).numpy()
    return Image.fromarray(pixels[top : top + height, left : left + width].copy())


def large() -> bytes:
    """So large that two idle processors are not done with it before a test has looked."""
    pixels = to_bytes(images.sample("astronaut")).permute(1, 2, 0).numpy()
    return stored(Image.fromarray(pixels).resize((800, 800)))


def oriented(by: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = by
    return exif.tobytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def written(width: int, height: int, depth: int, color: int, rows: bytes = b"", interlaced: bool = False) -> bytes:
    """A PNG byte by byte, of a kind that Pillow does not write."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def interlaced(image: Image.Image) -> bytes:
    """A PNG whose rows come in the seven passes of Adam7."""
    pixels, rows = np.asarray(image), b""
    for y, x, dy, dx in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[y::dy, x::dx])
    return written(*image.size, 8, 2, rows, interlaced=True)


def within(content: bytes, kind: bytes, more: bytes) -> bytes:
    """A PNG with one more chunk before its pixels."""
    return content[:33] + chunk(kind, more) + content[33:]


def bmp(depth: int, rows: bytes, palette: bytes = b"", old: bool = False) -> bytes:
    """A BMP of 16 x 16 pixels, byte by byte; ``old``: with the header of OS/2."""
    head = struct.pack("<IHHHH", 12, 16, 16, 1, depth) if old else struct.pack("<IiiHH24x", 40, 16, 16, 1, depth)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + palette + rows


def top_row_first(content: bytes) -> bytes:
    """A BMP whose height is below 0."""
    width, height = struct.unpack_from("<ii", content, 18)
    row = -(-3 * width // 4) * 4
    pixels = content[-height * row :]
    rows = b"".join(pixels[k * row :][:row] for k in reversed(range(height)))
    return content[:22] + struct.pack("<i", -height) + content[26 : -height * row] + rows


@lru_cache
def by_the_command(content: bytes, scale: int, method: str = "srcnn") -> torch.Tensor:
    """What `srcnn upscale` makes of the file, as ``(1 or 3, H, W)`` bytes."""
    model = pretrained.load(f"srcnn-9-1-5-x{scale}").model if method == "srcnn" else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given"
        path.write_bytes(content)
        return upscale(read_photograph(path), model, scale=scale).pixels


def assert_within_one(shown: torch.Tensor, wanted: torch.Tensor) -> None:
    *colors, alpha = shown
    got = torch.stack(colors)
    assert got.shape[1:] == wanted.shape[1:]
    difference = (got.int() - wanted.int()).abs()
    assert difference.max() <= 1, torch.bincount(difference.flatten())
    assert difference.float().mean() < 0.001  # one level apart only where a value lies between two
    assert alpha.min() == 255


COLOR, GRAY = crop("astronaut", 18, 25, 200, 100), crop("coins", 17, 21)  # more than one block of a JPEG, and quick
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OTHER = SRGB.replace(b"rXYZ", b"?XYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"?XYZ", b"gXYZ", 1)  # red means green
NONSENSE = b"MM\0*" + bytes(range(60))  # an EXIF block that nobody can read
LONG = b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0112, 4, 1, 6) + bytes(4)  # an orientation of four bytes, not two
TURNED = (  # an orientation in XMP alone, which browsers do not follow
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)
NOISE = np.random.default_rng(0).integers(0, 256, 1024, dtype=np.uint8).tobytes()


def wrongly_checked(kind: bytes, content: bytes) -> bytes:
    """A PNG with a note whose checksum is wrong."""
    png = within(stored(COLOR), kind, content)
    at = png.index(kind) + len(kind + content)
    return png[:at] + bytes(4) + png[at + 4 :]


def jpeg(**options) -> bytes:
    return stored(COLOR, "JPEG", **{"quality": 80} | options)


def webp(**options) -> bytes:
    return stored(COLOR, "WEBP", **options)


GOOD = {
    "color.png": stored(COLOR),
    "gray.png": stored(GRAY),
    "opaque.png": stored(COLOR.convert("RGBA")),
    "gray-opaque.png": stored(GRAY.convert("LA")),
    "palette.png": stored(COLOR.quantize(16)),
    "bits.png": stored(COLOR.convert("1")),
    "two-bits.png": written(8, 6, 2, 0, bytes(b for y in range(6) for b in (0, 0b00011011 + y, 0b11100100))),
    "unused-key.png": stored(COLOR, transparency=(1, 2, 3)),
    "interlaced.png": interlaced(COLOR),
    "turned.png": stored(COLOR, exif=oriented(6)),
    "xmp-turned.png": within(stored(COLOR), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + TURNED),
    "nonsense.png": within(stored(COLOR), b"eXIf", NONSENSE),
    "wrong-time.png": wrongly_checked(b"tIME", struct.pack(">H5B", 2014, 9, 6, 12, 0, 0)),
    "wrong-text.png": wrongly_checked(b"tEXt", b"Comment\0somewhere"),
    "megabytes-of-text.png": within(stored(COLOR), b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))),
    "srgb.png": stored(COLOR, icc_profile=SRGB),
    "dark.png": within(stored(COLOR), b"gAMA", struct.pack(">I", 100_000)),
    "one-frame.png": stored(COLOR, save_all=True),
    "smallest.png": stored(crop("astronaut", 4, 4, 200, 100)),
    "long.png": stored(crop("astronaut", 300, 5, 0, 300)),
    "high.png": stored(crop("astronaut", 5, 300, 250, 0)),
    "odd.png": stored(crop("astronaut", 31, 17)),
    **{f"orientation-{by}.jpg": jpeg(exif=oriented(by)) for by in range(1, 10)},
    **{f"{name}.jpg": jpeg(subsampling=kind) for kind, name in enumerate(("444", "422", "420"))},
    "gray.jpg": stored(GRAY, "JPEG", quality=90),
    "progressive.jpg": jpeg(progressive=True),
    "coarse.jpg": jpeg(quality=10),
    "restarts.jpg": jpeg(restart_marker_blocks=2),
    "rgb.jpg": jpeg(keep_rgb=True),
    "srgb.jpg": jpeg(icc_profile=SRGB),
    "other-colors.jpg": jpeg(icc_profile=OTHER),
    "xmp-turned.jpg": jpeg(xmp=TURNED),
    "nonsense.jpg": jpeg(exif=b"Exif\0\0" + NONSENSE),
    "comment.jpg": jpeg(comment=b"?" * 60_000),
    "two-views.jpg": stored(COLOR, "MPO", quality=80, save_all=True, append_images=[COLOR.rotate(180)]),
    "lossy.webp": webp(quality=80),
    "lossless.webp": webp(lossless=True, exif=oriented(1)),
    "gray.webp": stored(GRAY, "WEBP", quality=80),
    "opaque.webp": stored(COLOR.convert("RGBA"), "WEBP", lossless=True),
    "xmp-turned.webp": webp(lossless=True, xmp=TURNED),
    "nonsense.webp": webp(exif=NONSENSE),
    "cut-exif.webp": webp(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "orientation-9.webp": webp(exif=oriented(9)),
    "other-colors.webp": webp(icc_profile=OTHER),
    "color.bmp": stored(COLOR, "BMP"),
    "top-row-first.bmp": top_row_first(stored(COLOR, "BMP")),
    "gray.bmp": stored(GRAY, "BMP"),
    "palette.bmp": bmp(4, NOISE[:128], NOISE[-64:]),
    "bits.bmp": stored(COLOR.convert("1"), "BMP"),
    "four-bytes.bmp": bmp(32, NOISE),
    "old.bmp": bmp(24, NOISE[:768], old=True),
}
RECOLORED = ("dark.png", "other-colors.jpg", "other-colors.webp")


@in_the_browser
@pytest.mark.parametrize(
    ("name", "scale"),
    one_in(4, [*product(GOOD, [2]), *product(("color.png", "gray.png"), (3, 4))]),
)
def test_every_pixel_is_within_one_of_what_the_command_gives(shared, name, scale):
    # Chromium and Pillow decode JPEG and WebP by the same libraries, so that needs no tolerance of its own
    shared.scale(scale)
    shared.give(GOOD[name], name)
    shared.finish()
    for method in ("bicubic", "srcnn"):
        wanted = by_the_command(GOOD[name], scale, method)
        assert_within_one(shared.shown(method), wanted)
    assert (shared.shown("srcnn").int() - shared.shown("bicubic").int()).abs().max() > 2
    assert f"{name}: {wanted.shape[2]} x {wanted.shape[1]} pixels" in shared.told()
    assert ("Its color profile is left out" in shared.told()) == (name in RECOLORED)


@in_the_browser
@pytest.mark.parametrize("sample", photo.SAMPLES)
def test_the_samples_are_there_from_a_server_and_from_a_disk(shared, sample):
    shared.scale(2)
    shared.try_sample(sample)
    shared.finish()
    assert_within_one(shared.shown("srcnn"), by_the_command(photo.photograph(sample), 2))


@in_the_browser
def test_no_page_but_the_first_loads_its_scripts_too():
    assert "_static/photo/" in (PAGES / "book" / "intro.html").read_text(encoding="utf-8")
    others = [path for path in PAGES.glob("book/**/*.html") if path.name not in ("photo.html", "intro.html")]
    assert len(others) > 10
    assert [path.name for path in others if "_static/photo/" in path.read_text(encoding="utf-8")] == []


# What is no photograph

LARGER = crop("astronaut", 53, 71)
CUT = stored(LARGER)[:2000]
BAD = {  # also refused by the command
    "text.png": (b"This is a text, not a picture.", "not an image"),
    "drawing.gif": (stored(COLOR.convert("P"), "GIF"), "PNG, JPEG, WebP or BMP"),
    "telephone.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "is HEIC, AVIF, a raw file or a video"),
    "empty.png": (b"", "empty"),
    "one.png": (stored(crop("coins", 1, 1)), "1 x 1 pixels; at least 4 x 4"),
    "flat.png": (stored(crop("coins", 50, 3)), "50 x 3 pixels; at least 4 x 4"),
    "line.png": (stored(crop("coins", 1, 40)), "1 x 40 pixels; at least 4 x 4"),
    "huge.png": (written(20_000, 20_000, 8, 2), "at most 100 megapixels"),
    "cut.png": (CUT, "damaged or cut short"),
    "head.png": (CUT[:20], "damaged or cut short"),
    "cut.jpg": (stored(LARGER, "JPEG")[:1200], "damaged or cut short"),
    "tail.jpg": (jpeg()[:-60], "damaged or cut short"),
    "head.jpg": (jpeg()[:30], "damaged or cut short"),
    "cut.webp": (stored(LARGER, "WEBP")[:400], "damaged or cut short"),
    "head.webp": (webp()[:20], "damaged or cut short"),
    "cut.bmp": (stored(COLOR, "BMP")[:-300], "damaged or cut short"),
    "head.bmp": (stored(COLOR, "BMP")[:20], "damaged or cut short"),
    "moving.png": (stored(COLOR, save_all=True, append_images=[COLOR.rotate(180)]), "animation"),
    "moving.webp": (webp(save_all=True, append_images=[COLOR.rotate(180)]), "animation"),
    "print.jpg": (stored(COLOR.convert("CMYK"), "JPEG"), "CMYK"),
    # by its header alone: nothing here writes a whole one
    "lossless.jpg": (
        jpeg().replace(b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"),
        "a lossless JPEG, which browsers do not read",
    ),
    "deep.jpg": (jpeg().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"), "a JPEG of 12 bits per channel"),
}
BEYOND = {  # the command takes these
    "large.png": (
        stored(Image.new("RGB", (2001, 900))),
        "would become 6003 x 2700 pixels at x3. This page makes at most 16",
    ),
    "wide.png": (stored(Image.new("RGB", (6000, 4))), "at most 16384 pixels a side"),
    "glass.png": (stored(Image.new("RGBA", (30, 30), (200, 100, 50, 254))), "transparency"),
    "glass.webp": (stored(Image.new("RGBA", (30, 30), (200, 100, 50, 254)), "WEBP", lossless=True), "transparency"),
    "hole.png": (stored(COLOR, transparency=COLOR.getpixel((3, 4))), "transparency"),
    "lying.webp": (webp(exif=oriented(6)), "orientation tag"),
    "lying-long.webp": (webp(exif=LONG), "orientation tag"),
    "scan.tif": (stored(COLOR, "TIFF"), "is a TIFF or a camera's raw file, which browsers do not read"),
    "five-bits.bmp": (bmp(16, bytes(512)), "has 5 or 6 bits per channel"),
}
DEEP = {  # a canvas has 8 bits, so there is nothing to compare
    "deep.png": (written(4, 4, 16, 2, bytes(4 * 25)), "more than 8 bits"),
    "deep-gray.png": (written(4, 4, 16, 0, bytes(4 * 9)), "more than 8 bits"),
}
ALL_BAD = BAD | BEYOND | DEEP


@in_the_browser
@pytest.mark.parametrize("name", ALL_BAD)
def test_a_file_that_will_not_do_gets_a_sentence(shared, name):
    content, wanted = ALL_BAD[name]
    if name in BAD:
        with pytest.raises(InputError):
            by_the_command(content, 3, "bicubic")
    elif name in BEYOND:
        assert by_the_command(content, 3, "bicubic").numel()
    shared.scale(3)
    shared.give(content, name)
    shared.refused()
    assert wanted in shared.told()
    assert shared.told().startswith(f"{name} ")
    assert shared.told().endswith(".")
    for part in (".photo-stage", "progress", "#photo-stop", "#photo-save"):
        assert shared.page.locator(f"#photo {part}").is_hidden()
    assert shared.page.locator("#photo-middle").is_visible() == (name in ("large.png", "wide.png"))


@in_the_browser
@pytest.mark.parametrize("name", ["text.png", "large.png"])
def test_a_bad_file_ends_the_run_before_it_and_the_page_goes_on(desk, name):
    desk.try_sample("coins")
    desk.give(ALL_BAD[name][0], name)
    desk.refused()
    desk.page.wait_for_timeout(300)  # what the run before still had to say would have come
    assert desk.told().startswith(f"{name} ")
    desk.give(GOOD["smallest.png"], "smallest.png")
    desk.finish()
    assert desk.page.locator("#photo .photo-trouble").count() == 0
    assert desk.page.locator("#photo-middle").is_hidden()
    assert desk.told().startswith("smallest.png: 12 x 12 pixels")


@in_the_browser
def test_a_browser_that_changes_what_a_page_reads_is_told_of(desk):
    desk.page.evaluate("""() => {
      const read = CanvasRenderingContext2D.prototype.getImageData;
      CanvasRenderingContext2D.prototype.getImageData = function (...where) {
        const got = read.apply(this, where);
        got.data[0] ^= 1;
        return got;
      };
    }""")
    desk.give(GOOD["color.png"], "color.png")
    expect(desk.page.locator("#photo .photo-trouble")).to_contain_text("Your browser changes the pixels")


@in_the_browser
def test_of_too_large_a_photograph_the_middle_can_be_taken_at_every_scale(desk):
    desk.give(stored(Image.new("RGB", (20, 6000))), "tall.png")
    desk.page.click("#photo-middle")
    for scale, size in ((3, "60 x 1200"), (4, "80 x 1200")):
        desk.scale(scale)
        desk.finish()
        assert desk.told().startswith(f"tall.png: {size} pixels")


@in_the_browser
def test_the_middle_is_the_middle(desk):
    large = Image.effect_noise((611, 700), 90).convert("RGB")
    large.paste(crop("astronaut", 300, 300, 0, 0), (100, 200))
    size, text = desk.page.evaluate(
        """async text => {
          const { width, height, bytes } = await photoRead(new File([photoBytes(text)], "large.png"), 4, true);
          return [[width, height], btoa(Array.from(bytes, (v) => String.fromCharCode(v)).join(""))];
        }""",
        base64.b64encode(stored(large)).decode(),
    )
    assert size == [300, 300]
    middle = large.crop((155, 200, 455, 500)).convert("RGBA")  # 155.5 pixels on either side would be the middle
    assert base64.b64decode(text) == middle.tobytes()


# While it runs


@in_the_browser
def test_the_page_answers_while_workers_compute(desk):
    desk.page.evaluate("""() => {
      window.frames = [];
      const note = (time) => { frames.push(time); requestAnimationFrame(note); };
      requestAnimationFrame(note);
      window.shares = [];
      const bar = document.querySelector("#photo progress");
      new MutationObserver(() => shares.push(bar.value)).observe(bar, { attributes: true });
    }""")
    desk.scale(4)
    desk.give(large())
    desk.page.wait_for_function("document.querySelector('#photo progress').value > 0.2")
    first = desk.page.evaluate("frames.length")
    desk.page.wait_for_function("document.querySelector('#photo progress').value > 0.8")
    times = np.array(desk.page.evaluate("frames"))[first:]
    desk.finish()
    assert len(desk.workers) == desk.page.evaluate("Math.max(2, Math.min(navigator.hardwareConcurrency, 8))")
    assert all(worker.url.startswith("blob:") for worker in desk.workers)
    # ms; beside other work a frame in ten may be late, but a page that computes itself has hardly one
    late = np.diff(times)
    assert len(late) > 10
    assert np.quantile(late, 0.9) < 150, f"one frame in ten came after {np.quantile(late, 0.9):.0f} ms"
    assert late.max() < 1000, f"{late.max():.0f} ms without an answer"
    shares = desk.page.evaluate("shares")
    assert shares == sorted(shares)
    assert len(set(shares)) > 15


@in_the_browser
def test_a_part_that_does_not_load_is_told_and_the_next_photograph_tries_again(desk):
    desk.page.route("**/photo/data.js", lambda route: route.abort())
    desk.try_sample("coins")
    desk.refused()
    assert "data.js, did not load" in desk.told()
    desk.page.unroute("**/photo/data.js")
    desk.try_sample("coins")
    desk.finish()
    desk.troubles.clear()  # the browser's own words about the request


@in_the_browser
@pytest.mark.parametrize("second", ["sample", "scale", "file"])
def test_a_new_choice_ends_the_old_run(desk, second):
    desk.scale(4)
    desk.try_sample("astronaut")
    desk.page.wait_for_function("document.querySelector('#photo progress').value > 0")
    old = list(desk.workers)
    if second == "sample":
        desk.try_sample("chelsea")
        content, scale = photo.photograph("chelsea"), 4
    elif second == "scale":
        desk.scale(2)
        content, scale = photo.photograph("astronaut"), 2
    else:
        content, scale = GOOD["color.png"], 4
        desk.give(content, "color.png")
    desk.finish()
    desk.page.wait_for_timeout(300)  # what the old run still had to say would have come
    assert old
    assert set(old) <= set(desk.ended)
    assert_within_one(desk.shown("srcnn"), by_the_command(content, scale))


@in_the_browser
def test_of_two_choices_made_at_once_the_second_counts_though_it_is_read_first(desk):
    desk.page.evaluate("""() => {
      const read = photoRead;
      photoRead = async (file, ...rest) => {
        const picture = await read(file, ...rest);
        if (file.name === "astronaut.png") await new Promise((go) => setTimeout(go, 400));
        return picture;
      };
      for (const name of ["astronaut", "coins"]) document.querySelector(`[data-sample=${name}]`).click();
    }""")
    desk.finish()
    desk.page.wait_for_timeout(600)
    assert desk.told().startswith("coins.png: 384 x 303 pixels")
    assert desk.shown("srcnn").shape == (4, 303, 384)


@in_the_browser
def test_a_run_can_be_stopped_and_begun_again(desk):
    desk.scale(4)
    desk.give(large())
    desk.page.click("#photo-stop")
    assert desk.told() == "Stopped."
    expect(desk.page.locator("#photo progress")).to_be_hidden()
    desk.scale(2)
    desk.finish()
    assert ": 1600 x 1600 pixels in " in desk.told()


@in_the_browser
def test_where_a_worker_fails_the_reader_is_told(desk):
    desk.page.evaluate("photoWorker.toString = () => '() => { throw new Error(\"no memory\") }'")
    desk.try_sample("coins")
    expect(desk.page.locator("#photo .photo-trouble")).to_contain_text("no memory")
    desk.troubles.clear()  # the error that was made


# What the reader sees and saves


def cut(desk) -> float:
    """How many pixels of the view's width show bicubic."""
    return desk.page.evaluate("""() => {
      const canvas = document.getElementById("photo-bicubic");
      const right = parseFloat(getComputedStyle(canvas).clipPath.match(/^inset\\(\\S+ calc\\(100% - (\\S+)px/)[1]);
      return right - document.querySelector(".photo-view").scrollLeft;
    }""")


@in_the_browser
@pytest.mark.parametrize("width", [390, 1400])
def test_the_divider_moves_by_keys_and_by_pointer(browser, address, width):
    desk = Desk(browser, f"{address}/book/photo.html", viewport={"width": width, "height": 900})
    desk.try_sample("astronaut")
    desk.finish()
    slider = desk.page.get_by_role("slider", name="bicubic")
    seen = desk.page.evaluate("document.querySelector('.photo-view').clientWidth")
    assert seen <= min(width, 510)
    assert cut(desk) == pytest.approx(0.5 * seen, abs=0.1)
    for _ in range(10):
        slider.press("ArrowLeft")
    assert slider.input_value() == "40"
    assert slider.get_attribute("aria-valuetext") == "40% bicubic, 60% SRCNN"
    assert cut(desk) == pytest.approx(0.4 * seen, abs=0.1)
    assert desk.page.url.endswith("photo.html"), "an arrow key turned the page"
    slider.press("End")
    assert cut(desk) == pytest.approx(seen, abs=0.1)

    for full in (False, True):
        desk.page.set_checked("#photo-full", full)
        slider.press("Home")
        slider.press("PageUp")  # a tenth of the width
        box = desk.page.locator(".photo-view").bounding_box()
        desk.page.evaluate("document.querySelector('.photo-view').scrollLeft = 60")
        y = box["y"] + 40
        desk.page.mouse.move(box["x"] + 0.1 * seen, y)
        desk.page.mouse.down()
        desk.page.mouse.move(box["x"] + 0.7 * seen, y)
        desk.page.mouse.up()
        assert cut(desk) == pytest.approx(0.7 * seen, abs=0.01 * seen)
    assert desk.page.evaluate("document.querySelector('#photo-srcnn').clientWidth") == 510
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= width
    assert desk.troubles == []
    desk.page.close()


@in_the_browser
def test_what_is_saved_is_what_is_seen(desk, tmp_path):
    desk.scale(2)
    desk.give(GOOD["orientation-6.jpg"], "my holiday.v2.jpg")
    desk.finish()
    with desk.page.expect_download() as saving:
        desk.page.click("#photo-save")
    assert saving.value.suggested_filename == "my holiday.v2-x2.png"
    saving.value.save_as(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as image:
        assert (image.format, image.size, image.info) == ("PNG", (50, 36), {})
        saved = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(saved, desk.shown("srcnn")[:3].permute(1, 2, 0).numpy())


@in_the_browser
def test_a_file_can_be_dropped_anywhere_and_two_are_told_where_to_go(desk):
    drop = """([text, count]) => {
      const data = new DataTransfer();
      for (let k = 0; k < count; k++) data.items.add(new File([photoBytes(text)], `color${k || ""}.png`));
      const told = (kind) => document.querySelector("h1").dispatchEvent(
        new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
      return [told("dragover"), told("drop")]; // true: the browser would leave the page
    }"""
    text = base64.b64encode(GOOD["color.png"]).decode()
    assert desk.page.evaluate(drop, [text, 1]) == [False, False]
    desk.finish()
    assert desk.told().startswith("color.png: 54 x 75 pixels")
    desk.try_sample("coins")
    assert desk.page.evaluate(drop, [text, 2]) == [False, False]
    desk.refused()
    assert desk.told() == "These are 2 files, and this page takes one; the command srcnn upscale takes many."


@in_the_browser
def test_everything_has_a_name_and_can_be_reached_by_keys(desk):
    desk.try_sample("coins")
    desk.finish()
    desk.page.locator("#photo-file").focus()
    reached = []
    for _ in range(8):
        reached.append(desk.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        desk.page.keyboard.press("Tab")
    samples = ["an astronaut", "a cat", "coins, in gray"]
    assert reached[:4] == ["photo-file", *samples]
    assert reached[5:8] == ["photo-divider", "photo-full", "photo-save"]  # 4: the scale that is chosen
    for role, names in {"button": samples, "radio": ["2", "3", "4"], "img": ["coins.png, upsampled by SRCNN"]}.items():
        for name in names:
            expect(desk.page.locator("#photo").get_by_role(role, name=name, exact=True)).to_be_visible()
    expect(desk.page.get_by_label("Drop a photograph here")).to_have_attribute("type", "file")


@in_the_browser
def test_without_javascript_it_says_so(browser, address):
    desk = Desk(browser, f"{address}/book/photo.html", java_script_enabled=False)
    expect(desk.page.locator("noscript p", has_text="srcnn upscale")).to_be_visible()
    expect(desk.page.locator("#photo")).to_be_hidden()
    desk.page.close()


# The build step


@pytest.mark.parametrize("scale", photo.SCALES)
def test_the_page_gets_the_numbers_of_the_shipped_file(scale):
    tensors = safetensors.numpy.load_file(ROOT / "data" / "weights" / f"srcnn-9-1-5-x{scale}.safetensors")
    order = [f"{layer}.{kind}" for layer in ("extraction", "mapping", "reconstruction") for kind in ("weight", "bias")]
    got = np.frombuffer(photo.numbers(scale), "<f4")
    np.testing.assert_array_equal(got, np.concatenate([tensors[name].ravel() for name in order]))
    assert f"{got.size:,} parameters" in (ROOT / "book" / "photo.md").read_text(encoding="utf-8")


def test_another_network_than_the_page_computes_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "load", lambda name: pretrained.Pretrained(SRCNN((9, 3, 5))))
    with pytest.raises(ValueError, match="another network"):
        photo.numbers(3)
