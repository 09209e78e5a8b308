"""What assignments, their checks and the photo page say: they cite what the chapters have, in the field's words."""

import ast
import functools
import io
import json
import re
import tokenize
from pathlib import Path

import jupytext
import pytest
from bs4 import BeautifulSoup
from test_book import PRIVATE

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHAPTERS = {int(path.name[:2]): path for path in BOOK.glob("[0-9]*.ipynb")}
PAPER = range(1, 5)  # its equations
ASSIGNMENTS = [*BOOK.glob("exercises/*/assignment.py")]
PROGRAMS = [*BOOK.glob("exercises/*/hidden*.py"), *(ROOT / "srcnn" / "checks").glob("*.py")]
SPOKEN = sorted(ASSIGNMENTS) + sorted(PROGRAMS)
PHOTO = [BOOK / "_photo.html", *sorted(BOOK.glob("_static/photo/*.js"))]

# what is no prose: code, math, where a link leads
NOT_PROSE = re.compile(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|\bsrcnn\.\w+", re.S)
TOKEN = re.compile(
    r"\b[Cc]hapters? (?P<chapter>\d+)"
    r"|(?P<paper>\bpaper's )?\bequations? \(?(?P<bare>\d+)\)?(?![\d.]*\d)(?P<of> of the paper\b)?"
    r"|\((?P<equation>\d+\.\d+)\)(?: of chapter (?P<whose>\d+))?"
    r"|(?<!\*)\*(?=[^\s*])(?P<italic>[^*]+)(?<=\S)\*(?!\*)"
    r'|"(?P<quoted>[^"]+)"'
    r"|(?P<end>[.?!](?=[\s)]|$))"
)


@functools.cache
def sections(number: int) -> set[str]:
    """The titles in a chapter, its own among them."""
    return set(re.findall(r"^#{1,3} (?:\d+\. )?(.+)$", prose_of(number), flags=re.M))


def equations(number: int) -> set[str]:
    return set(re.findall(r"\\tag\{([\d.]+)\}", prose_of(number)))


@functools.cache
def prose_of(number: int) -> str:
    cells = json.loads(CHAPTERS[number].read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def faults(text: str) -> list[str]:
    """What a text cites that is not where it says: a chapter, a section in italics or quotation marks, an equation."""
    found, chapter = [], 0  # the one that the sentence names
    for token in TOKEN.finditer(" ".join(NOT_PROSE.sub(" ", text).split())):
        title, number = token["italic"] or token["quoted"], token["equation"]
        if token["end"]:
            chapter = 0
        elif token["chapter"]:
            chapter = int(token["chapter"])
            if chapter not in CHAPTERS:
                found.append(token[0])
                chapter = 0
        elif token["bare"]:
            if int(token["bare"]) not in PAPER or not (token["paper"] or token["of"]):
                found.append(token[0])
        elif number:
            home = int(number.split(".")[0])
            named = {home, chapter or home, int(token["whose"] or home)}
            if home in CHAPTERS and (len(named) > 1 or number not in equations(home)):
                found.append(token[0])
        elif chapter:
            if title not in sections(chapter):
                found.append(f"chapter {chapter}: {title}")
        elif token["italic"] and title[0].isupper() and title not in titles().union(*map(sections, CHAPTERS)):
            found.append(title)
    return found


@functools.cache
def titles() -> set[str]:
    """The titles of the assignments."""
    sources = [path.read_text(encoding="utf-8") for path in ASSIGNMENTS]
    return {re.search(r"^# # Assignment: (.+)$", source, flags=re.M)[1] for source in sources}


def said(path: Path) -> list[str]:
    """What a file says to people, piece by piece: prose, messages and comments, and not its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        page = BeautifulSoup(text, "html.parser")
        for code in page.find_all("code"):
            code.clear()
        labels = [tag[name] for tag in page.find_all() for name in ("aria-label", "alt", "title") if name in tag.attrs]
        return [page.get_text(" "), *labels]
    if path.suffix == ".js":
        text = re.sub(r"(^|\s)//.*$", "", text, flags=re.M)
        literals = re.findall(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`', text)
        return [re.sub(r"\$\{[^}]*\}", "", literal[1:-1]) for literal in literals if " " in literal]
    if path.name == "assignment.py":
        cells = jupytext.read(path).cells
        return [s for cell in cells for s in ([cell.source] if cell.cell_type == "markdown" else spoken(cell.source))]
    return [part for part in spoken(text) if " " in part]  # one word alone is a name


def spoken(source: str) -> list[str]:
    """Strings of a program, also those with fields, and its comments."""
    nodes = [*ast.walk(ast.parse(source))]
    strings = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inner = {id(part) for node in strings for part in ast.walk(node) if part is not node}
    texts = ["".join(getattr(part, "value", "") if isinstance(part, ast.Constant) else "..." for part in node.values)
             for node in strings if id(node) not in inner]  # fmt: skip
    texts += [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in inner]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return texts + [token.string for token in tokens if token.type == tokenize.COMMENT]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", SPOKEN, ids=named)
def test_what_it_cites_is_in_the_chapter_that_it_names(path):
    assert [fault for text in said(path) for fault in faults(text)] == []


def test_assignments_cite_sections_and_equations_of_every_chapter_that_they_need():
    for path in ASSIGNMENTS:
        if path.parent.name == "troubleshoot":
            continue  # where to read is part of what is asked
        text = " ".join(NOT_PROSE.sub(" ", "\n".join(said(path))).split())
        cited = [int(number) for number in re.findall(r"[Cc]hapter (\d+), \*", text)]
        assert len(cited) >= 6, path
        assert len(set(re.findall(r"\((\d+\.\d+)\)", text))) >= 3, path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(Chapter 7, *The protocol*.)", []),
        ("(Chapter 7, *The protocol, step\nby step*.)", ["chapter 7: The protocol, step by step"]),
        ("[chapter 6](../06.ipynb) (*How is it shrunk?*) and [chapter 7](b.ipynb) (*The protocol*)",
         ["chapter 6: How is it shrunk?"]),
        ("Chapter 3, *A filter bank is a matrix*, and *The protocol*.", ["chapter 3: The protocol"]),
        ("see chapter 6, \"Downsampling: first filter, then sample\"", []),
        ("see chapter 6, \"First filter\"", ["chapter 6: First filter"]),
        ("See chapter 3. The slip *A view* has it.", ["A view"]),
        ("*Restart* or *restart*; *Train and report*; *Cost*", ["Restart"]),
        ("see chapter 17", ["chapter 17"]),
        ("equation (4.4) of chapter 4; by (4.3)", []),
        ("equation (5.2) of chapter 4", ["(5.2) of chapter 4"]),
        ("(Chapter 10, *The loop*, equation (9.1).)", ["(9.1)"]),
        ("equation (4.9)", ["(4.9)"]),
        ("equation (1) of the paper and the paper's equation (2)", []),
        ("equation (5) of the paper", ["equation (5) of the paper"]),
        ("by equation (1), equation 2.", ["equation (1)", "equation 2"]),
        ("`*Chapter*` of $*x*$, (N, c * f * f), 0.5 (0.5) and **Guess first.**", []),
    ],
)  # fmt: skip
def test_a_citation_of_what_is_not_there_is_found(text, wanted):
    assert faults(text) == wanted


@pytest.mark.parametrize("path", SPOKEN + PHOTO, ids=named)
def test_it_says_it_in_the_fields_words(path):
    texts = [NOT_PROSE.sub(" ", text) for text in said(path)]
    found = [(word[0], text[:60]) for text in texts for term in PRIVATE for word in re.finditer(term, text, re.I)]
    assert found == []


def test_the_words_are_found_wherever_a_reader_meets_them(tmp_path):
    pieces = {
        "a.html": '<p>A picture. <code>enlarge</code></p><img alt="shrunk"><b aria-label="a lesson">x</b>',
        "a.js": 'say(`A picture of ${picture}`); // a ruler\nconst ruler = "A vote", picture = "opinion";',
        "a.py": 'def enlarge(x):\n    """A picture."""\n    return f"{x} has votes" + "picture"  # a ruler\n',
        "assignment.py": "# %% [markdown]\n# A picture, `enlarge`.\n\n# %%\nenlarge = 'an opinion'  # a ruler\n",
    }
    for name, text in pieces.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    met = {name: sorted(said(tmp_path / name)) for name in pieces}
    assert [" ".join(text.split()) for text in met["a.html"]] == ["A picture. x", "a lesson", "shrunk"]
    assert met["a.js"] == ["A picture of ", "A vote"]
    assert met["a.py"] == ["# a ruler", "... has votes", "A picture."]
    assert met["assignment.py"] == ["# a ruler", "A picture, `enlarge`.", "an opinion"]
