r"""Write the chapters' quizzes for learning platforms: ``make quizzes``.

For each chapter ``_build/quizzes/qti/CHAPTER.zip``, a QTI 2.1 package (tools/qti.py), and
``_build/quizzes/h5p/CHAPTER.h5p``, an H5P question set (tools/h5p.py). Both have every answer's feedback. Formulas stay
TeX between ``\(`` and ``\)``, which the platforms' own MathJax sets.
"""

import argparse
import html
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import h5p
import qti
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from srcnn.files import write

ROOT = Path(__file__).resolve().parents[1]
RIGHT = "**Right.**"
ASKED = re.compile(r"^\*\*(\d+)\.\*\* ", re.M)
ANSWER = re.compile(r"<details><summary>([^\n]+)</summary>\n\n(.+?)\n\n</details>\s*", re.S)


@dataclass(frozen=True)
class Answer:
    """One answer of a question, and what somebody is told who chooses it; both HTML of a few words' markup."""

    text: str
    feedback: str
    right: bool


@dataclass(frozen=True)
class Question:
    """One question: its text as HTML, and its answers in the order of the book."""

    text: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Quiz:
    """A chapter's quiz.

    Attributes:
        name: of the chapter's file, such as ``01_super_resolution``.
        title: such as ``1. What super-resolution asks``.
        questions: in the order of the book.
    """

    name: str
    title: str
    questions: tuple[Question, ...]


def read(chapter: Path) -> Quiz:
    """The quiz of a chapter.

    Raises:
        ValueError: the chapter has none, or one that a reader of the book could not answer either.
    """
    cells = ["".join(cell["source"]) for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]]
    found = [cell for cell in cells if cell.startswith("## Quiz\n")]
    if len(found) != 1:
        raise ValueError(f"{chapter.name}: one cell that begins with '## Quiz' is wanted; there are {len(found)}")
    return Quiz(chapter.stem, cells[0].splitlines()[0].removeprefix("# "), questions(found[0], chapter.name))


def questions(quiz: str, where: str) -> tuple[Question, ...]:
    """The questions of a quiz's text.

    Args:
        quiz: Markdown, in the form of the chapters.
        where: it stands, for messages.

    Raises:
        ValueError: there are none, or one could not be answered.
    """
    _, *parts = ASKED.split(quiz)
    if not parts:
        raise ValueError(f"{where}: the quiz has no question; one begins with '**1.** '")
    numbered = zip(parts[::2], parts[1::2], strict=True)
    return tuple(_question(text, f"{where}, question {n}") for n, text in numbered)


def _question(text: str, where: str) -> Question:
    head, *rest = text.split("<details>", 1)
    answers = ANSWER.findall("<details>" + "".join(rest))
    if ANSWER.sub("", "<details>" + "".join(rest)).strip() or len(answers) < 2:
        raise ValueError(f"{where}: answers are <details> with a <summary> and a text, and nothing stands between them")
    made = tuple(Answer(inline(said), blocks(told), told.startswith(RIGHT)) for said, told in answers)
    if sum(answer.right for answer in made) != 1:
        raise ValueError(f"{where}: one answer's text begins with {RIGHT}; here {sum(a.right for a in made)} do")
    return Question(blocks(head), made)


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "xhtmlOut": True}).use(dollarmath_plugin)
    markdown.add_render_rule("math_inline", lambda self, tokens, k, *_: rf"\({html.escape(tokens[k].content)}\)")
    markdown.add_render_rule("math_block", lambda self, tokens, k, *_: rf"<p>\[{html.escape(tokens[k].content)}\]</p>")
    # an address inside the book leads nowhere from a learning platform
    markdown.add_render_rule("link_open", lambda *_: "")
    markdown.add_render_rule("link_close", lambda *_: "")
    return markdown


MARKDOWN = _markdown()


def inline(text: str) -> str:
    """Markdown of one line as HTML."""
    return MARKDOWN.renderInline(text.strip())


def blocks(text: str) -> str:
    """Markdown as HTML, paragraph by paragraph."""
    return MARKDOWN.render(text.strip()).strip()


def main(words: list[str] | None = None) -> int:
    """Write all quizzes, or none, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "quizzes", help="the folder (%(default)s)")
    out = parser.parse_args(words).out
    try:
        made = [read(chapter) for chapter in sorted((ROOT / "book").glob("[0-9]*.ipynb"))]
    except (OSError, ValueError) as problem:
        print(f"quizzes: {problem}", file=sys.stderr)
        return 2
    for kind in ("qti", "h5p"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    for quiz in made:
        write(out / "qti" / f"{quiz.name}.zip", qti.package(quiz))
        write(out / "h5p" / f"{quiz.name}.h5p", h5p.package(quiz))
    print(f"{len(made)} quizzes with {sum(len(q.questions) for q in made)} questions: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
