"""Slides show what the chapters have, whole and to be read from afar; the instructor's pages agree with the course."""

import base64
import hashlib
import io
import json
import re
from pathlib import Path

import lecture
import pytest
import slides
from browse import NEEDS, PAGES, visit, watch
from bs4 import BeautifulSoup
from lanes import one_in
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.ipynb"))
PARTS = {
    "the-question-and-the-network": (1, 2),
    "inside-the-network": (3, 4, 5),
    "baseline-and-metrics": (6, 7),
    "building-and-training": (8, 9, 10, 11),
    "results": (12, 13),
    "beyond-the-paper": (14, 15, 16),
}

INSTRUCTORS = [
    "teaching.md",
    *(f"teaching/{name}.md" for name in ("plans", "outcomes", "term", "marks", "evidence", "running")),
]

DECKS = {deck.name: deck for deck in slides.decks(ROOT)}
RENDERED = {name: slides.render(deck, "mathjax.js", "../book") for name, deck in DECKS.items()}


def notebook(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [{**cell, "text": "".join(cell["source"])} for cell in cells]


def write(path: Path, *cells: str | dict) -> Path:
    """A small chapter: strings are markdown cells, dictionaries the data of a cell's output."""
    made = []
    for cell in cells:
        if isinstance(cell, str):
            made.append({"cell_type": "markdown", "metadata": {}, "source": [cell]})
        else:
            metadata = {"mystnb": {"image": {"alt": "A square."}}, "tags": cell.pop("tags", [])}
            made.append({"cell_type": "code", "metadata": metadata, "source": ["x"], "outputs": [{"data": cell}]})
    path.write_text(json.dumps({"cells": made}), encoding="utf-8")
    return path


HEAD = "# 14. Reasons\n\n*Why?*\n\nBecause.\n\n- *see* it"
TAIL = (
    "## Exercises\n\n**Exercise 14.1 (check).** Why? Count.\n\n<details><summary>Hint</summary>\n\n2.\n\n</details>",
    "## Summary\n\nIt is so. It was so.",
)


def picture(width: int = 40, height: int = 20) -> dict:
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return {"image/png": base64.b64encode(header).decode()}


# What is chosen


def test_every_chapter_is_in_the_deck_of_its_part():
    assert {name: tuple(c.number for c in deck.chapters) for name, deck in DECKS.items()} == PARTS


@pytest.mark.parametrize("name", PARTS)
def test_a_deck_asks_each_chapters_question_and_ends_it_with_its_summary_and_its_exercises(name):
    page = BeautifulSoup(RENDERED[name][0], "html.parser")
    assert page.h1.get_text() == DECKS[name].title
    for chapter, number in zip(DECKS[name].chapters, PARTS[name], strict=True):
        title = next(cell["text"] for cell in notebook(BOOK / f"{chapter.name}.ipynb")).splitlines()[0]
        slide = page.find(id=chapter.name)
        assert f"# {number}. {slide.h2.get_text()}" == title
        assert [s.kind for s in chapter.slides[-2:]] == ["summary", "exercises"]
        assert 3 <= len(chapter.slides[-1].lines) <= 5
    links = [a["href"] for a in page.select(".last a")]
    assert links == [f"../book/{chapter.name}.html#exercises" for chapter in DECKS[name].chapters]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_figure_of_the_text_is_shown_once_with_its_alternative_text(path):
    wanted = {}
    for cell in notebook(path):
        if re.search(r"^## Exercises$", cell["text"], re.M):
            break
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                png = base64.b64decode("".join(output["data"]["image/png"]))
                wanted[hashlib.sha256(png).hexdigest()] = cell["metadata"]["mystnb"]["image"]["alt"]
    page = BeautifulSoup("".join(text for text, _ in RENDERED.values()), "html.parser")
    shown = [(Path(i["src"]).stem, i["alt"]) for i in page.select(".figure img") if Path(i["src"]).stem in wanted]
    assert shown == list(wanted.items())


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_slide_says_only_what_its_chapter_says_little_of_it_and_nothing_twice(path):
    told = " ".join(" ".join(cell["text"] for cell in notebook(path) if cell["cell_type"] == "markdown").split())
    said = []
    for slide in lecture.read(path).slides:
        for text in (slide.before, slide.after, *(slide.lines if slide.kind in ("guess", "summary") else ())):
            found = [" ".join(sentence.split()) for sentence in lecture.sentences(text)]
            assert [sentence for sentence in found if sentence not in told] == []
            said += found
        assert max(len(slide.before), len(slide.after)) <= lecture.MOST
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("It is 1.5 dB, e.g. here. So.", ["It is 1.5 dB, e.g. here.", "So."]),
        ("A (see. There.) is. B", ["A (see. There.) is.", "B"]),
        ("Take $a. B$ and `x. Y`. Then", ["Take $a. B$ and `x. Y`.", "Then"]),
        ("**Bold. It is.** Plain.", ["**Bold. It is.**", "Plain."]),
        ('He said "no." She did.', ['He said "no."', "She did."]),
        ("Line\nbreaks. Are\nblanks.", ["Line breaks.", "Are blanks."]),
        ("", []),
    ],
)
def test_sentences_end_where_they_end(text, wanted):
    assert lecture.sentences(text) == wanted


def slides_of(tmp_path, *cells) -> list[lecture.Slide]:
    return [*lecture.read(write(tmp_path / "14_why.ipynb", HEAD, *cells, *TAIL)).slides[1:-2]]


def test_a_guess_is_asked_before_the_figure_that_answers_it(tmp_path):
    guess, figure = slides_of(
        tmp_path, "## Here\n\nWe look. **Guess first:** which\nis it?", picture(), "The left. (Or so.)"
    )
    assert (guess.kind, guess.title, guess.before, guess.lines) == ("guess", "Here", "We look.", ("which is it?",))
    assert (figure.kind, figure.before, figure.after) == ("figure", "", "The left.")


def test_figures_without_a_word_between_them_share_a_slide_and_solutions_have_none(tmp_path):
    solution = picture(42) | {"tags": ["hide-cell"]}
    cells = "## Here\n\nLook.", picture(), picture(41), "So. Now this.", solution, picture(43), TAIL[0], picture(44)
    shown = slides_of(tmp_path, *cells)
    assert [len(slide.pictures) for slide in shown] == [2, 1]
    assert [slide.before for slide in shown] == ["Look.", "Now this."]
    assert [slide.after for slide in shown] == ["So.", ""]


def test_a_table_is_shown_where_there_is_no_figure_and_it_can_be_read(tmp_path):
    small, large = ("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * rows for rows in (3, 12))
    wide = f"| a | b |\n|---|---|\n| 1 | {'x' * 80} |\n"
    assert [s.kind for s in slides_of(tmp_path, "## Here", {"text/markdown": small})] == ["table"]
    assert slides_of(tmp_path, "## Here", {"text/markdown": large}) == []
    assert slides_of(tmp_path, "## Here", {"text/markdown": wide}) == []
    assert [s.kind for s in slides_of(tmp_path, "## Here", {"text/markdown": small}, picture())] == ["figure"]


def test_numbered_equations_of_a_cell_share_a_slide_and_others_have_none(tmp_path):
    text = "## Here\n\n$$ a = b $$\n\nso\n\n$$ c = d \\tag{1} $$\n\nand\n\n$$ e = f \\tag{2} $$\n\nwhich is it. Fine."
    (slide,) = slides_of(tmp_path, text)
    assert (slide.kind, slide.before, slide.after) == ("equations", "so", "which is it. Fine.")
    assert slide.lines == ("c = d \\tag{1}", "e = f \\tag{2}")


@pytest.mark.parametrize("cells", [(), ("# Notes\n\nNothing.",), ("# 14. Why?\n\n- *see*",)])
def test_a_notebook_that_is_no_chapter_is_named(tmp_path, cells):
    with pytest.raises(ValueError, match=r"14_why\.ipynb: a chapter begins with"):
        lecture.read(write(tmp_path / "14_why.ipynb", *cells))


def test_pictures_that_the_pages_have_are_shared_and_others_are_written(tmp_path):
    deck = slides.Deck("One part", (lecture.read(write(tmp_path / "14_why.ipynb", HEAD, picture(), *TAIL)),))
    slides.write(deck, tmp_path, "m.js", "../book")
    (image,) = (tmp_path / "_images").iterdir()
    assert image.read_bytes() == base64.b64decode(picture()["image/png"])
    image.write_bytes(b"the book's")
    slides.write(deck, tmp_path, "m.js", "../book")
    assert image.read_bytes() == b"the book's"
    page = BeautifulSoup((tmp_path / "slides" / "one-part.html").read_text(encoding="utf-8"), "html.parser")
    assert page.img["src"] == f"../_images/{image.name}"
    assert page.img["alt"] == "A square."


def test_words_from_a_chapter_cannot_break_a_page(tmp_path):
    cells = "## A < B & C\n\nIs `<b>` $a<b$? See [there](x.ipynb).", picture()
    deck = slides.Deck("P", (lecture.read(write(tmp_path / "14_why.ipynb", HEAD, *cells, *TAIL)),))
    page = BeautifulSoup(slides.render(deck, "m.js", "../book")[0], "html.parser")
    figure = page.select_one(".figure")
    assert figure.h2.get_text() == "A < B & C"
    assert figure.select_one(".before").get_text() == "Is <b> \\(a<b\\)? See there."
    assert figure.find("a") is None


# What is seen

CUT_OFF = """() => [...document.querySelectorAll(".slide")].flatMap((slide, number) => {
  const wrong = [], find = (within, selector) => [...within?.querySelectorAll(selector) ?? []];
  const tell = (what, element) => wrong.push(`slide ${number + 1}: ${what} ${element.tagName}`);
  const keep = (elements, box, what) => elements.forEach(element => {
    const r = element.getBoundingClientRect(), small = r.width < 4 || r.height < 4;
    const out = r.top < box.top - 2 || r.bottom > box.bottom + 2 || r.left < box.left - 2 || r.right > box.right + 2;
    if (small || out) tell(what, element);
  });
  const { top, bottom, left, right } = slide.getBoundingClientRect(), style = getComputedStyle(slide);
  const foot = parseFloat(style.paddingBottom), side = parseFloat(style.paddingLeft);
  const room = { top, bottom: bottom - foot, left: left + side, right: right - side };
  keep(find(slide, "h1, h2, p, ul, ol, table, img, mjx-math"), room, "off the slide");
  const shown = slide.querySelector(".shown");
  if (shown) keep(find(shown, "img, table, p, mjx-math"), shown.getBoundingClientRect(), "over the words");
  const over = Math.max(slide.scrollHeight - slide.clientHeight, slide.scrollWidth - slide.clientWidth);
  if (over > 1) tell("too much on", slide);
  find(slide, "img").filter(image => !image.naturalWidth).forEach(image => tell("nothing in", image));
  find(slide, "mjx-merror, .formula:not(:has(mjx-math))").forEach(formula => tell("not set:", formula));
  return wrong;
})"""


@pytest.fixture(params=PARTS)
def deck(request, browser):
    """A deck as it is opened from a disk in a lecture room, and what goes wrong with it."""
    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light", reduced_motion="reduce")
    troubles = watch(page, "file://")
    visit(page, (PAGES / "slides" / f"{request.param}.html").as_uri())
    yield page, troubles
    page.close()


def in_the_browser(test):
    """Mark a test that needs Chromium and the built book."""
    for mark in NEEDS:
        test = mark(test)
    return test


@in_the_browser
def test_nothing_is_cut_off_and_nothing_comes_from_elsewhere(deck):
    page, troubles = deck
    assert page.evaluate(CUT_OFF) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate(CUT_OFF) == []
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert page.evaluate(CUT_OFF) == []
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.evaluate(CUT_OFF) == []
    assert troubles == []


@in_the_browser
def test_a_slide_that_is_too_full_would_be_found(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    visit(page, (PAGES / "slides" / "results.html").as_uri())
    page.add_style_tag(content=".summary li { font-size: 200%; }")
    assert any("off the slide" in wrong for wrong in page.evaluate(CUT_OFF))
    page.close()


@in_the_browser
def test_keys_turn_the_slides_and_the_button_changes_the_light(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
    visit(page, (PAGES / "slides" / "the-question-and-the-network.html").as_uri())
    number = page.locator(".slide").count()

    def at(place: int) -> None:
        page.wait_for_function(f"document.getElementById('count').textContent === '{place} / {number}'")
        top = page.evaluate(f"document.querySelectorAll('.slide')[{place - 1}].getBoundingClientRect().top")
        assert abs(top) < 1

    at(1)
    for key, place in (("ArrowRight", 2), (" ", 3), ("PageDown", 4), ("ArrowLeft", 3), ("Shift+ ", 2), ("End", number),
                       ("ArrowRight", number), ("Home", 1), ("ArrowLeft", 1)):  # fmt: skip
        page.keyboard.press(key)
        at(place)
    page.get_by_role("button", name="Next slide").click()
    at(2)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.close()


@in_the_browser
@pytest.mark.parametrize("deck", one_in(3, PARTS), indirect=True)
def test_printed_a_slide_is_a_page(deck):
    page, _ = deck
    number = page.locator(".slide").count()
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True))).pages
    assert len(printed) == number
    assert {(round(float(p.mediabox.width)), round(float(p.mediabox.height))) for p in printed} == {(960, 540)}


# What the instructor's pages say


@pytest.mark.parametrize("page", INSTRUCTORS)
def test_the_commands_and_files_that_a_page_names_exist(page):
    text = (BOOK / page).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^ *|`)make ([a-z]+)", text, flags=re.M)) <= set(
        re.findall(r"^([a-z]+):", makefile, re.M)
    )
    given = set(re.findall(r"\b([A-Z]+)=", text))
    assert [v for v in given if f"$({v})" not in makefile and f"OPTION,{v}," not in makefile] == []
    named = set(re.findall(r"(?<![\w/.-])(?:book|srcnn|tests)/[\w./*-]*\w", text))
    missing = []
    for name in named:
        files = [name.replace("NAME", each) for each in ("measure", "stages", "training")] if "NAME" in name else [name]
        missing += [file for file in files if not list(ROOT.glob(file))]
    assert missing == []
    decks = re.findall(r'href="\.\./slides/([\w-]+)\.html"', text)
    assert page != "teaching.md" or decks == list(PARTS)


def test_no_chapter_took_longer_than_the_instructors_are_told():
    told = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8").replace("\n", " ")
    seconds, gigabytes = re.search(
        r"none took longer than (\d+) seconds or more memory than ([\d.]+) GB", told
    ).groups()
    ran = json.loads((ROOT / "data" / "results" / "chapters.json").read_text(encoding="utf-8"))["chapters"].values()
    assert 0.7 * int(seconds) < max(chapter["seconds"] for chapter in ran) < int(seconds)
    assert 0.7 * float(gigabytes) < max(chapter["megabytes"] for chapter in ran) / 1000 < float(gigabytes)


@pytest.mark.parametrize("chapter", sorted((ROOT / "book").glob("[01]*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_tells_the_seconds_that_it_took_when_last_run(chapter):
    (told,) = re.findall(r"runs in about (\d+) s on two", chapter.read_text(encoding="utf-8"))
    ran = json.loads((ROOT / "data" / "results" / "chapters.json").read_text(encoding="utf-8"))["chapters"]
    assert abs(int(told) - ran[chapter.stem]["seconds"]) < 4
