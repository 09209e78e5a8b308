"""What of a chapter is shown in a lecture: slides, chosen from its stored notebook by rule.

A chapter gives its question, then in its own order a slide for each figure (figures that follow each other without a
word share one), each diagram, each markdown cell with numbered equations, and each section that has a table but no
figure; then its summary and its exercises. A slide says what the chapter says just before and just after, in whole
sentences, as few as will do. Nothing is written for the slides alone.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

GUESS = "**Guess first:**"
EXERCISES, SUMMARY = "Exercises", "Summary"
# what such sections show belongs to solutions
ASIDE = (EXERCISES, "Quiz", "Further reading")
# letters that a slide says beside a figure: in several sentences, and in one
FEW, MOST = 170, 300
TASK = 260  # letters of an exercise
STUB = 40  # so short a sentence says too little alone
ROWS, LETTERS = 9, 75  # a table with more or longer rows cannot be read from the last row
NOTEBOOK = re.compile(r"\b(cells?|divider)\b")
END = re.compile(r"[.?!][\"')*]*\s+(?=[\[A-Z0-9(*`$\"'])")


@dataclass(frozen=True)
class Block:
    """A piece of a chapter: a heading, paragraph, list, equation, picture, diagram or table.

    Attributes:
        kind: which of these.
        text: in Markdown; the alternative text of a picture; the formula of an equation; a diagram's HTML.
        section: the heading that it stands under.
        cell: the number of its cell.
        png: the bytes of a picture.
    """

    kind: str
    text: str
    section: str
    cell: int
    png: bytes = b""


@dataclass(frozen=True)
class Slide:
    """A slide; texts are Markdown without links.

    Attributes:
        kind: question, guess, figure, diagram, equations, table, summary or exercises.
        title: its headline.
        before: what leads to what is shown.
        after: what is to be seen in it.
        lines: goals, equations, sentences or tasks, one by one; of a table or a diagram that itself.
        pictures: PNG files, each with its alternative text.
    """

    kind: str
    title: str
    before: str = ""
    after: str = ""
    lines: tuple[str, ...] = ()
    pictures: tuple[tuple[bytes, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Chapter:
    """A chapter as a lecture: its number, its file's name, its subject, its question and its slides."""

    number: int
    name: str
    subject: str
    question: str
    slides: tuple[Slide, ...]


def parser() -> MarkdownIt:
    """A parser of what chapters are written in."""
    return MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)


def blocks(notebook: dict) -> Iterator[Block]:
    """A chapter's pieces in order, without code, printed lines, worked solutions and hidden cells."""
    section, hidden = "", {"hide-cell", "remove-cell"}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown":
            for block in pieces("".join(cell["source"]), section, number):
                section = block.section
                yield block
        elif not hidden & set(cell["metadata"].get("tags", [])):
            for output in cell.get("outputs", []):
                data = {kind: "".join(text) for kind, text in output.get("data", {}).items() if kind[-4:] != "json"}
                if "image/png" in data:
                    alt = cell["metadata"]["mystnb"]["image"]["alt"]
                    yield Block("picture", alt, section, number, png=base64.b64decode(data["image/png"]))
                elif 'class="diagram"' in data.get("text/html", ""):
                    yield Block("diagram", data["text/html"], section, number)
                elif data.get("text/markdown", "").startswith("|"):
                    yield Block("table", data["text/markdown"], section, number)


def pieces(text: str, section: str, cell: int) -> Iterator[Block]:
    """The pieces of a markdown cell; what is folded away is passed over."""
    tokens, folded, kinds = (parser().parse(text), 0, {"paragraph_open": "paragraph", "bullet_list_open": "list"})
    lines = text.splitlines()
    for place, token in enumerate(tokens):
        if token.level:
            continue
        if token.type == "html_block":
            folded += token.content.count("<details") - token.content.count("</details")
        elif folded:
            continue
        elif token.type == "heading_open":
            section = tokens[place + 1].content
            yield Block("heading", section, section, cell)
        elif token.type in kinds:
            source = "\n".join(lines[slice(*token.map)])
            yield Block(kinds[token.type], source, section, cell)
        elif token.type.startswith("math_block"):
            yield Block("equation", token.content.strip(), section, cell)


def sentences(text: str) -> list[str]:
    """Markdown cut into sentences, never within parentheses, mathematics, code or emphasis."""
    text, found, start = " ".join(text.split()), [], 0
    for match in END.finditer(text):
        piece = text[start : match.end()]
        pairs = (piece.count("("), piece.count(")")), (piece.count("["), piece.count("]"))
        if all(a == b for a, b in pairs) and not any(piece.count(mark) % 2 for mark in ("$", "`", "**")):
            found.append(piece.strip())
            start = match.end()
    return [*found, text[start:]] if text[start:] else found


def few(told: list[str], most: int = FEW) -> list[str]:
    """The first sentences, as many as stand easily on a slide: one at least unless too long, and no stub alone."""
    kept, letters = [], 0
    for sentence in told:
        room = most if letters > STUB else MOST
        letters += len(sentence) + 1
        if letters > room:
            break
        kept.append(sentence)
    return kept


def spoken(text: str) -> list[str]:
    """The sentences of a text that can be said in a lecture: no asides, nothing about what only the notebook has."""
    return [told for told in sentences(text) if not told.startswith("(") and not NOTEBOOK.search(told)]


def leads(block: Block) -> bool:
    """Whether it is shown, so that a paragraph in front of it leads to it."""
    return block.kind in ("picture", "diagram", "table", "equation")


def around(found: list[Block], start: int, end: int) -> tuple[str, str, str]:
    """What is said about the blocks from ``start`` to ``end``: before them, the guess that is asked for, and after."""
    before, _, guess = said(found[start - 1]).partition(GUESS)
    told = spoken(before)
    if start > 1 and leads(found[start - 2]):
        told = told[-1:]  # the first sentences speak of what was shown before
    before = " ".join(few(told[::-1])[::-1])
    told = spoken(said(found[end]).partition(GUESS)[0]) if end < len(found) else []
    if end + 1 < len(found) and leads(found[end + 1]) and GUESS not in found[end].text:
        told = told[:-1]  # the last sentence leads to what is shown next
    return before, guess.strip(), " ".join(few(told))


def said(block: Block) -> str:
    """The text of a paragraph; of anything else nothing."""
    return block.text if block.kind == "paragraph" else ""


def fits(table: str) -> bool:
    """Whether a table is small enough to be read from afar."""
    lines = table.strip().splitlines()
    return len(lines) - 2 <= ROWS and max(map(len, lines)) <= LETTERS


def shown(found: list[Block]) -> Iterator[Slide]:
    """The slides of a chapter's body."""
    drawn = {block.section for block in found if block.kind == "picture"}
    done = 0
    for place, block in enumerate(found):
        if place < done or block.section in ASIDE:
            continue
        rest = found[place:]
        if block.kind == "picture":
            run = list(takewhile(lambda b: b.kind == "picture", rest))
            done = place + len(run)
            pictures = tuple((b.png, b.text) for b in run)
            yield from after_a_guess(found, place, done, Slide("figure", block.section, pictures=pictures))
        elif block.kind == "diagram":
            yield from after_a_guess(found, place, place + 1, Slide("diagram", block.section, lines=(block.text,)))
        elif block.kind == "table" and block.section not in drawn and fits(block.text):
            drawn.add(block.section)
            yield from after_a_guess(found, place, place + 1, Slide("table", block.section, lines=(block.text,)))
        elif numbered(block):
            here = block.cell, block.section
            run = list(takewhile(lambda b, here=here: (b.cell, b.section) == here, rest))
            size = max(k for k, b in enumerate(run) if numbered(b)) + 1
            done = place + size
            before, _, after = around(found, place, done)
            lines = tuple(b.text for b in run[:size] if numbered(b))
            closing = after if len(lines) < 3 and len(run) > size else ""
            yield Slide("equations", block.section, before, closing, lines)


def numbered(block: Block) -> bool:
    """Whether it is an equation that the chapter numbers, and so comes back to."""
    return block.kind == "equation" and r"\tag" in block.text


def after_a_guess(found: list[Block], start: int, end: int, slide: Slide) -> Iterator[Slide]:
    """The slide of what is shown by some blocks, after a slide that lets the class guess where the chapter does."""
    before, guess, after = around(found, start, end)
    if guess:
        yield Slide("guess", slide.title, before, lines=(" ".join(guess.split()),))
        before = ""
    yield replace(slide, before=before, after=after)


def read(path: Path) -> Chapter:
    """A chapter as a lecture.

    Raises:
        ValueError: the chapter lacks its title, its goals or its summary.
    """
    found = list(blocks(json.loads(path.read_text(encoding="utf-8"))))
    title = re.match(r"(\d+)\. (.+)", found[0].text if found else "")
    asked = re.fullmatch(r"\*([^*]+\?)\*", found[1].text if found[1:] else "")
    goals = next((block.text for block in found if block.kind == "list"), "")
    known = [sentence for b in found if b.section == SUMMARY for sentence in sentences(said(b))]
    if not (title and asked and goals and known):
        raise ValueError(
            f"{path}: a chapter begins with '# N. Subject' and '*Question?*', lists its goals and ends with {SUMMARY!r}"
        )
    goals = re.split(r"^- ", goals, flags=re.M)[1:]
    told = [block.text for block in found if block.section == EXERCISES]
    tasks = [re.match(r"\*\*Exercise [^*]+\*\* (.+)", text, re.S) for text in told]
    wanted = [spoken(task[1]) for task in tasks if task]
    slides = (
        Slide("question", title[2], asked[1], lines=tuple(" ".join(goal.split()) for goal in goals)),
        *shown(found),
        Slide("summary", SUMMARY, lines=tuple(known)),
        Slide("exercises", EXERCISES, lines=tuple(" ".join(few(told, TASK) or told[:1]) for told in wanted)),
    )
    return Chapter(int(title[1]), path.stem, title[2], asked[1], slides)
