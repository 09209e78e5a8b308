"""The page that explains a PSNR: what `srcnn explain` tells, in the browser and nowhere else."""

import base64
import io
import math
import random
from pathlib import Path

import pytest
import torch
from browse import NARROW, PAGES, WIDE, in_the_browser, watch
from lanes import one_in
from PIL import Image
from playwright.sync_api import expect
from test_explain import by_others, crop, enlarged

from srcnn import cli, images
from srcnn.cli import explain
from srcnn.cli.explain import Ruler
from srcnn.images import to_bytes

PAGE = PAGES / "book" / "explain.html"
STUDIO = next(iter(explain.VALUES))


@pytest.fixture
def page(browser, address):
    opened = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    troubles = watch(opened, address)
    opened.goto(f"{address}/book/explain.html", wait_until="load")
    yield opened
    assert troubles == []
    opened.close()


def png(image: torch.Tensor, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(to_bytes(image).permute(1, 2, 0).squeeze(-1).numpy()).save(stream, kind, **options)
    return stream.getvalue()


def file(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "", "buffer": content}


def ask(page, outputs: list[dict], originals: list[dict], claimed: str, scale: int = 3) -> None:
    page.set_input_files("#explain-output", outputs)
    page.set_input_files("#explain-original", originals)
    page.check(f"input[name=explain-scale][value='{scale}']")
    page.fill("#explain-claimed", claimed)
    page.press("#explain-claimed", "Enter")


def told(page) -> list[str]:
    """The lines of an answer, once it is there."""
    page.wait_for_selector("#explain blockquote, #explain .explain-trouble", timeout=60_000)
    return page.locator("#explain [role=status] :is(p, li, blockquote)").all_inner_texts()


def by_the_command(capsys, output: str, original: str, claimed: str, scale: int = 3) -> list[str]:
    """The lines that the command prints, without those of a folder's name."""
    capsys.readouterr()
    assert cli.main(["explain", output, original, "--claimed", claimed, "--scale", str(scale)]) == 0
    return [line.strip().removeprefix(f"{output}/") for line in capsys.readouterr().out.splitlines()]


# A case: what went wrong with an output, beside its method.
FAULTS = {
    "none": lambda output: output,
    "smaller": lambda output: output[:, 6:-6, 6:-6],
    "shifted": lambda output: output.roll((1, -1), (1, 2)),
    "cropped to a multiple of 12": lambda output: output[:, :48, :48],
    "swapped": lambda output: output.flip(0),
    "studio range": lambda output: output * 219 / 255 + 16 / 255,
    "gamma": lambda output: output ** (1 / 2.2),
}
ASK = """async ([outputs, originals, claimed, scale]) => {
  const open = (given) => Promise.all(Object.entries(given).map(
    ([name, text]) => explainRead(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name))));
  const [theirs, ours] = [await open(outputs), await open(originals)];
  const pairs = theirs.map((output, k) => [output, explainAligned(output, ours[k], scale)[0]]);
  const { troubles, answer, ways, tables, statement } = await explainTell(theirs, ours, claimed, scale);
  const metric = Number(claimed) <= 1 ? "SSIM" : "PSNR";
  const values = await explainMeasure(pairs, scale, metric);
  return [[...troubles, answer, ...ways, tables, statement], values.map((way) => [explainWay(way), way.value])];
}"""


@in_the_browser
@pytest.mark.parametrize("cases", one_in(2, [15, 45]))
def test_in_random_cases_the_page_tells_what_the_command_tells(page, tmp_path, capsys, monkeypatch, cases):
    monkeypatch.chdir(tmp_path)
    seen = set()
    for case in range(cases):
        chance = random.Random(case)
        scale, count, gray = chance.choice((2, 3, 4)), chance.choice((1, 1, 3)), chance.random() < 0.2
        fault = chance.choice([*FAULTS] if not gray else [name for name in FAULTS if name != "swapped"])
        truths = [crop(chance, 61)[: 1 if gray else 3] for _ in range(count)]
        outputs = [FAULTS[fault](enlarged(truth[:, : 60 - 60 % scale, : 60 - 60 % scale], scale)) for truth in truths]
        height, width = {"smaller": (60, 61), "cropped to a multiple of 12": (59, 58)}.get(fault, (60, 60))
        truths = [truth[:, :height, :width] for truth in truths]
        folders = [Path(f"{kind}{case}") for kind in ("outputs", "originals")]
        for folder, content in zip(folders, (outputs, truths), strict=True):
            folder.mkdir()
            for k, image in enumerate(content):
                (folder / f"{k}.png").write_bytes(png(image))
        pairs = []
        for k in range(count):
            output, truth = (images.read(folder / f"{k}.png") for folder in folders)
            pairs.append((output, explain.aligned(output, truth, scale)[0]))
        metric = chance.choice(("PSNR", "PSNR", "SSIM"))
        values = explain.measure(pairs, scale=scale, metric=metric)
        ruler = chance.choice(list(values))
        if metric == "PSNR" and count == 1 and not gray:  # the figure by NumPy and scikit-image
            claimed = f"{by_others(*pairs[0], ruler.values, ruler.shave):.{chance.choice((1, 2, 3))}f}"
        else:
            claimed = f"{values[ruler]:.{chance.choice((2, 3, 4))}f}"
        if chance.random() < 0.1:
            claimed = "0.01" if metric == "SSIM" else "99.9"  # which nothing gives
        given = [
            {path.name: base64.b64encode(path.read_bytes()).decode() for path in sorted(folder.iterdir())}
            for folder in folders
        ]
        lines, got = page.evaluate(ASK, [*given, claimed, scale])
        wanted = by_the_command(capsys, str(folders[0]), str(folders[1]), claimed, scale)
        assert lines == wanted, (case, fault)
        assert [way for way, _ in got] == [str(each) for each in values]
        assert [value for _, value in got] == pytest.approx(
            list(values.values()), abs=1e-4 if metric == "PSNR" else 1e-6
        ), case
        if claimed not in ("0.01", "99.9"):
            assert f"{metric} of {ruler}" in lines, (case, lines)
        seen |= {fault, metric, count, "gray" if gray else "color"}
    assert seen >= {*(FAULTS if cases == 45 else []), "PSNR", "SSIM", 1, 3, "gray", "color"}


@in_the_browser
@pytest.mark.parametrize("place", ["http", "file"])
def test_a_reader_asks_from_a_server_or_from_a_disk_and_nobody_else_is_asked(
    browser, address, tmp_path, capsys, monkeypatch, place
):
    monkeypatch.chdir(tmp_path)
    home = address if place == "http" else PAGES.as_uri()
    page = browser.new_page(viewport=WIDE)
    troubles = watch(page, home)
    page.goto(f"{home}/book/explain.html", wait_until="load")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    truth = crop(random.Random(1), 90)
    for name, content in {"mine.png": png(enlarged(truth)), "theirs.jpg": png(truth, "JPEG", quality=100)}.items():
        Path(name).write_bytes(content)
    output, original = images.read("mine.png"), images.read("theirs.jpg")
    claimed = f"{explain.measure([(output, original)], scale=3)[Ruler('PSNR', 'RGB', 0)]:.3f}"
    ask(
        page,
        [file(n, Path(n).read_bytes()) for n in ("mine.png",)],
        [file("t.jpg", Path("theirs.jpg").read_bytes())],
        claimed,
    )
    assert told(page) == by_the_command(capsys, "mine.png", "theirs.jpg", claimed)
    expect(page.locator("#explain progress")).to_be_hidden()
    assert [url for url in requests if not url.endswith("favicon.svg")] == []
    page.check("input[name=explain-scale][value='2']")  # another question has no answer yet
    assert page.locator("#explain [role=status]").inner_text() == ""
    assert troubles == []
    page.close()


@in_the_browser
def test_several_images_belong_together_by_their_names(page):
    truths = {name: crop(random.Random(k)) for k, name in enumerate(("b", "a", "c"))}
    outputs = [file(f"{name}.png", png(enlarged(truth))) for name, truth in truths.items()]
    originals = [file(f"{name}.webp", png(truth, "WEBP", lossless=True)) for name, truth in reversed(truths.items())]
    values = explain.measure([(enlarged(truth), truth) for truth in truths.values()], scale=3)
    claimed = f"{values[explain.protocol(3)]:.4f}"
    ask(page, outputs, originals, claimed)
    assert f"PSNR of {explain.protocol(3)}" in told(page)
    ask(page, outputs, originals[1:], claimed)
    assert told(page) == ["c.png has no original of that name"]


@in_the_browser
def test_equal_images_have_an_infinite_psnr_and_an_ssim_of_one(page, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(png(crop(random.Random(0))))
    given = [file("a.png", Path("a.png").read_bytes())]
    for claimed in ("30.00", "1.000"):
        ask(page, given, given, claimed)
        assert told(page) == by_the_command(capsys, "a.png", "a.png", claimed)
    assert math.isinf(explain.measure([(images.read("a.png"),) * 2], scale=3)[explain.protocol(3)])


TRUTH = crop(random.Random(0), 61)
GOOD = png(TRUTH)
GLASS = Image.new("RGBA", (61, 61), (9, 9, 9, 99))
REFUSED = {
    "no figure": (GOOD, "28,43", "'28,43' is no figure that can be claimed; give one such as 28.43 or 0.8215"),
    "nothing claimed": (GOOD, "", "'' is no figure that can be claimed"),
    "another size": (png(TRUTH[:, 1:]), "28", "an output of 61 x 60 pixels is not of an original of 60 x 60"),
    "gray": (png(TRUTH[:1]), "28", "1 channels cannot be compared with 3; save both as RGB or as gray"),
    "gray JPEG": (png(TRUTH[:1], "JPEG"), "28", "1 channels cannot be compared with 3; save both as RGB or as gray"),
    "small": (png(TRUTH[:, 20:-21, 20:-21]), "28", "an image of 20 x 20 pixels is too small for every border"),
    "no image": (b"text", "28", "mine.png is not an image that this page can read; choose a PNG, JPEG"),
    "cut": (GOOD[:900], "28", "mine.png is damaged or cut short; get a whole copy."),
    "empty": (b"", "28", "mine.png is empty"),
    "transparent": (b"", "28", "mine.png has transparency, which has no PSNR; save it as RGB or gray without alpha"),
    "large": (b"", "28", "mine.png has 3000 x 2000 pixels; this page compares at most 5 megapixels"),
}
for _name, _image in {"transparent": GLASS, "large": Image.new("L", (3000, 2000))}.items():
    _stream = io.BytesIO()
    _image.save(_stream, "PNG")
    REFUSED[_name] = (_stream.getvalue(), *REFUSED[_name][1:])


@in_the_browser
def test_what_will_not_do_gets_a_sentence_and_the_page_goes_on(page):
    page.click("#explain button")
    assert told(page) == ["Give an output and its original first."]
    for content, claimed, wanted in REFUSED.values():
        ask(page, [file("mine.png", content)], [file("original.png", png(TRUTH[:, :61]))], claimed)
        (sentence,) = told(page)
        assert sentence.startswith(wanted)
    ask(page, [file("mine.png", GOOD)], [file("original.png", GOOD)], "30")
    assert len(told(page)) > 3


@in_the_browser
def test_a_browser_that_changes_what_a_page_reads_is_told_of(page):
    page.evaluate("""() => {
      const read = CanvasRenderingContext2D.prototype.getImageData;
      CanvasRenderingContext2D.prototype.getImageData = function (...where) {
        const got = read.apply(this, where);
        got.data[0] ^= 1;
        return got;
      };
    }""")
    ask(page, [file("mine.png", GOOD)], [file("original.png", GOOD)], "30")
    (sentence,) = told(page)
    assert sentence.startswith("Your browser changes the pixels")
    assert sentence.endswith("or use the command srcnn explain.")


@in_the_browser
def test_files_can_be_dropped_anywhere_and_the_first_is_the_output(page):
    dropped = page.evaluate(
        """() => ["mine.png", "original.png"].map((name) => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], name));
          const tell = (kind) => document.querySelector("h1").dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
          return [tell("dragover"), tell("drop")]; // true: the browser would leave the page
        })"""
    )
    assert dropped == [[False, False], [False, False]]
    assert page.locator(".explain-names").all_inner_texts() == ["mine.png", "original.png"]


@in_the_browser
def test_of_two_questions_the_second_is_answered(page):
    given = [file("a.png", GOOD)]
    page.evaluate("""() => {
      const read = explainRead;
      let waits = 400;
      explainRead = async (file) => {
        const wait = waits;
        waits = 0;
        await new Promise((go) => setTimeout(go, wait));
        return read(file);
      };
    }""")
    ask(page, given, given, "11.11")
    page.fill("#explain-claimed", "22.22")
    page.press("#explain-claimed", "Enter")
    assert "22.22" in told(page)[0]
    page.wait_for_timeout(900)
    assert "22.22" in told(page)[0]


@in_the_browser
def test_everything_has_a_name_and_can_be_reached_by_keys(page):
    page.locator("#explain-output").focus()
    reached = []
    for _ in range(5):
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        page.keyboard.press("Tab")
    assert reached[:3] == ["explain-output", "explain-original", "explain-claimed"]
    assert reached[4] == "Explain"
    for label, kind in {
        "Drop the output here": "file",
        "Drop the original here": "file",
        "PSNR or SSIM": "text",
    }.items():
        expect(page.get_by_label(label)).to_have_attribute("type", kind)
    for scale in ("2", "3", "4"):
        expect(page.locator("#explain").get_by_role("radio", name=scale, exact=True)).to_be_visible()
    expect(page.get_by_role("group", name="Upsampled by")).to_be_visible()


@in_the_browser
def test_an_answer_fits_a_telephone(browser, address):
    page = browser.new_page(viewport=NARROW)
    page.goto(f"{address}/book/explain.html", wait_until="load")
    given = [file("a-name-that-is-long-and-has-no-blank-" * 4 + ".png", GOOD)]
    ask(page, given, given, "30.00")
    assert len(told(page)) > 3
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.close()


@in_the_browser
def test_without_javascript_it_says_so(browser, address):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/book/explain.html")
    expect(page.locator("noscript p", has_text="srcnn explain")).to_be_visible()
    expect(page.locator("#explain")).to_be_hidden()
    page.close()


@in_the_browser
def test_no_other_page_loads_its_scripts():
    others = [path for path in PAGES.glob("book/**/*.html") if path != PAGE]
    assert len(others) > 10
    assert [path.name for path in others if "_static/explain/" in path.read_text(encoding="utf-8")] == []


def test_page_and_command_have_the_same_words():
    script = (Path(__file__).parents[1] / "book" / "_static" / "explain" / "explain.js").read_text(encoding="utf-8")
    for name in (*explain.VALUES, explain.GRAY, explain._PER_CHANNEL, *explain.WINDOWS):
        assert name in script
