"""Slides for each part of the book, made from its chapters at every build: ``slides/the-question.html`` and so on.

lecture.py chooses what is shown; here it becomes one page a part. A figure is the picture that the chapter shows; the
look is book/_static/slides.css, the keys are book/_static/slides.js, the page around them book/_templates/slides.html.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from html import escape
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

import lecture
from srcnn import files

FOLDER = "slides"
TEMPLATES = Path(__file__).parents[1] / "_templates"
WIDE = 2.5  # two pictures wider than this stand better one above the other
TALL = 1.3  # beside a picture narrower than this there is room for words


@dataclass(frozen=True)
class Deck:
    """The slides of one part.

    Attributes:
        title: the part's caption in the table of contents.
        chapters: its chapters as lectures.
    """

    title: str
    chapters: tuple[lecture.Chapter, ...]

    @property
    def name(self) -> str:
        """What its file is called."""
        return re.sub(r"\W+", "-", self.title.lower())


def decks(root: Path) -> list[Deck]:
    """A deck for every part of the table of contents that has chapters."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found = []
    for part in contents["parts"]:
        files = [root / f"{entry['file']}.ipynb" for entry in part["chapters"]]
        chapters = [lecture.read(file) for file in files if re.match(r"\d", file.name)]
        if chapters:
            found.append(Deck(part["caption"], tuple(chapters)))
    return found


def markdown():
    """What turns a slide's Markdown into HTML; mathematics is left to MathJax, and links become plain words."""
    parser = lecture.parser()

    def inline(renderer, tokens, place, options, env) -> str:
        return f"\\({escape(tokens[place].content)}\\)"

    def nothing(renderer, tokens, place, options, env) -> str:
        return ""

    parser.add_render_rule("math_inline", inline)
    for side in ("link_open", "link_close"):
        parser.add_render_rule(side, nothing)
    return parser


def aspect(png: bytes) -> float:
    """The width of a PNG file over its height, from its header."""
    width, height = struct.unpack(">II", png[16:24])
    return width / height


def render(deck: Deck, mathjax: str, book: str) -> tuple[str, dict[str, bytes]]:
    """A deck as a page, and its pictures by the names that the page knows them by.

    Args:
        deck: the slides.
        mathjax: the address of MathJax.
        book: the folder of the chapters' pages.
    """
    parser, pictures = markdown(), {}

    def words(text: str) -> Markup:
        return Markup(parser.renderInline(" ".join(text.split())))

    def sentence(text: str) -> Markup:
        return words(text[:1].upper() + text[1:])

    def table(text: str) -> Markup:
        return Markup(parser.render(text))

    def picture(png: bytes) -> str:
        name = f"{hashlib.sha256(png).hexdigest()}.png"  # as myst-nb names it, so the chapter and its slide share it
        pictures[name] = png
        return name

    def ratio(png: bytes) -> str:
        return f"{aspect(png):.4f}"

    def stacked(slide: lecture.Slide) -> bool:
        return len(slide.pictures) > 1 and min(aspect(png) for png, _ in slide.pictures) > WIDE

    def beside(slide: lecture.Slide) -> bool:
        return len(slide.pictures) == 1 and aspect(slide.pictures[0][0]) < TALL

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"words": words, "sentence": sentence, "table": table, "picture": picture, "ratio": ratio}
    environment.tests |= {"stacked": stacked, "beside": beside}
    page = environment.get_template("slides.html").render(deck=deck, mathjax=mathjax, book=book)
    return page, pictures


def write(deck: Deck, out: Path, mathjax: str, book: str) -> None:
    """Write a deck, and those of its pictures that the book's pages have not brought already."""
    page, pictures = render(deck, mathjax, book)
    (out / FOLDER).mkdir(exist_ok=True)
    files.write(out / FOLDER / f"{deck.name}.html", page)
    for name, png in pictures.items():
        target = out / "_images" / name
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            files.write(target, png)


def setup(app) -> dict:
    """Write the decks when the pages are there."""

    def finish(app, error: Exception | None) -> None:
        if error or app.builder.format != "html":
            return
        mathjax = getattr(app.config, "mathjax_path", "")
        where = mathjax if "://" in mathjax else f"../_static/{mathjax}"
        for deck in decks(Path(app.srcdir)):
            write(deck, Path(app.outdir), where, f"../{Path(app.config.root_doc).parent.as_posix()}")

    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
