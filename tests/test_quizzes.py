"""The quizzes for learning platforms, read back by readers that share nothing with what wrote them."""

import html
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
import quizzes
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
QTI, PACKAGE = "{http://www.imsglobal.org/xsd/imsqti_v2p1}", "{http://www.imsglobal.org/xsd/imscp_v1p1}"
# what H5P.MultiChoice allows in its texts (semantics.json), and code, of which it keeps the text
ALLOWED = {"p", "strong", "em", "sub", "sup", "code", "br"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """Where the command has written everything."""
    out = tmp_path_factory.mktemp("quizzes")
    assert quizzes.main(["--out", str(out)]) == 0
    return out


def words(text: str) -> str:
    """The words of a text, without Markdown's signs and those around formulas."""
    return " ".join(re.sub(r"\\[()\[\]]|[*`$]", "", html.unescape(text)).split())


def plain(markup: str) -> str:
    """The words of HTML."""
    return words(BeautifulSoup(markup, "html.parser").get_text())


def of_the_book(chapter: Path) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """For each question its words, and of each answer its words, the feedback's, and whether it is right."""
    cells = ["".join(cell["source"]) for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]]
    (quiz,) = [cell for cell in cells if cell.startswith("## Quiz\n")]
    found = []
    for line in re.split(r"\n(?=\*\*\d\.\*\* )", quiz)[1:]:
        head, *answers = line.split("<details><summary>")
        told = [(*answer.replace("</details>", "").split("</summary>"),) for answer in answers]
        found.append((words(head.split("** ", 1)[1]), [(words(a), words(f), "**Right.**" in f) for a, f in told]))
    return found


class Item:
    """An item of QTI 2.1, and what its own response processing makes of an answer."""

    def __init__(self, data: bytes) -> None:
        self.root = ET.fromstring(data)
        assert self.root.tag == f"{QTI}assessmentItem"
        self.body = self.root.find(f"{QTI}itemBody")
        (self.choice,) = self.body.iter(f"{QTI}choiceInteraction")

    def text(self) -> str:
        return words("".join("".join(part.itertext()) for part in self.body if part is not self.choice))

    def answers(self) -> list[tuple[str, str]]:
        return [(choice.get("identifier"), words("".join(choice.itertext()))) for choice in self.choice]

    def process(self, response: str) -> dict[str, str]:
        """The outcomes after somebody has given this response."""
        declared = self.root.find(f"{QTI}responseDeclaration")
        known = {"RESPONSE": response}
        for outcome in self.root.iter(f"{QTI}outcomeDeclaration"):
            known[outcome.get("identifier")] = outcome.findtext(f"{QTI}defaultValue/{QTI}value")

        def value(expression: ET.Element) -> str | bool | None:
            kind = expression.tag.removeprefix(QTI)
            if kind == "variable":
                return known[expression.get("identifier")]
            if kind == "baseValue":
                return expression.text
            if kind == "correct":
                assert expression.get("identifier") == declared.get("identifier")
                return declared.findtext(f"{QTI}correctResponse/{QTI}value")
            assert kind == "match"
            left, right = map(value, expression)
            return left == right

        def run(rules: list[ET.Element]) -> None:
            for rule in rules:
                if rule.tag == f"{QTI}setOutcomeValue":
                    known[rule.get("identifier")] = value(rule[0])
                    continue
                assert rule.tag == f"{QTI}responseCondition"
                for branch in rule:
                    if branch.tag == f"{QTI}responseElse":
                        run(list(branch))
                    elif value(branch[0]):
                        run(list(branch)[1:])
                        break

        run(list(self.root.find(f"{QTI}responseProcessing")))
        return known

    def shown(self, outcomes: dict[str, str]) -> str:
        return " ".join(
            words("".join(told.itertext()))
            for told in self.root.iter(f"{QTI}modalFeedback")
            if (outcomes[told.get("outcomeIdentifier")] == told.get("identifier")) == (told.get("showHide") == "show")
        )


def items(package: Path) -> list[Item]:
    """The items in the order of the test, found as a platform finds them: from the manifest on."""
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        manifest = ET.fromstring(archive.read("imsmanifest.xml"))
        resources = {r.get("identifier"): r for r in manifest.iter(f"{PACKAGE}resource")}
        files = {file.get("href") for r in resources.values() for file in r.iter(f"{PACKAGE}file")}
        assert files | {"imsmanifest.xml"} == set(archive.namelist())
        (test,) = [r for r in resources.values() if r.get("type") == "imsqti_test_xmlv2p1"]
        depends = [resources[d.get("identifierref")] for d in test.iter(f"{PACKAGE}dependency")]
        assert {r.get("type") for r in depends} == {"imsqti_item_xmlv2p1"}
        asked = [ref.get("href") for ref in ET.fromstring(archive.read("test.xml")).iter(f"{QTI}assessmentItemRef")]
        assert asked == [r.get("href") for r in depends]
        return [Item(archive.read(name)) for name in asked]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_qti_asks_scores_and_explains_as_the_book_does(exported, chapter):
    wanted, found = of_the_book(chapter), items(exported / "qti" / f"{chapter.stem}.zip")
    assert [item.text() for item in found] == [question for question, _ in wanted]
    assert len({item.root.get("identifier") for item in found}) == len(found)
    for item, (_, answers) in zip(found, wanted, strict=True):
        assert [text for _, text in item.answers()] == [text for text, *_ in answers]
        for (letter, _), (_, told, right) in zip(item.answers(), answers, strict=True):
            outcomes = item.process(letter)
            assert float(outcomes["SCORE"]) == right
            assert item.shown(outcomes) == told
        assert item.shown(item.process("")) == ""


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_h5p_asks_and_explains_as_the_book_does(exported, chapter):
    with zipfile.ZipFile(exported / "h5p" / f"{chapter.stem}.h5p") as archive:
        about, content = (json.loads(archive.read(name)) for name in ("h5p.json", "content/content.json"))
    assert {"title", "mainLibrary", "language", "preloadedDependencies", "embedTypes"} <= set(about)
    needed = {f"{d['machineName']} {d['majorVersion']}.{d['minorVersion']}" for d in about["preloadedDependencies"]}
    assert about["mainLibrary"] in {name.split()[0] for name in needed}
    found = []
    for question in content["questions"]:
        assert question["library"] in needed
        answers = [
            (plain(a["text"]), plain(a["tipsAndFeedback"]["chosenFeedback"]), a["correct"])
            for a in question["params"]["answers"]
        ]
        found.append((plain(question["params"]["question"]), answers))
        markup = json.dumps(question["params"], ensure_ascii=False)
        assert {tag.name for tag in BeautifulSoup(markup, "html.parser").find_all()} <= ALLOWED
    assert found == of_the_book(chapter)
    assert len({question["subContentId"] for question in content["questions"]}) == len(found)


def test_the_same_quiz_makes_the_same_files(exported, tmp_path):
    assert quizzes.main(["--out", str(tmp_path)]) == 0
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    assert len(made) == 2 * len(CHAPTERS)
    assert all((tmp_path / name).read_bytes() == (exported / name).read_bytes() for name in made)


def chapter_with(place: Path, quiz: str) -> Path:
    place.write_text(json.dumps({"cells": [{"source": ["# 1. A < B"]}, {"source": [quiz]}]}), encoding="utf-8")
    return place


GOOD = (
    "## Quiz\n\n**1.** Is `a<b` & $a_1 < b_*$ so?\n\n"
    "<details><summary>[Yes](x.ipynb), *always* & $x<1$</summary>\n\n**Right.** One.\n\nTwo.\n\n</details>\n"
    "<details><summary>No & never</summary>\n\nWhy not? `<b>`\n\n</details>\n"
)


def test_signs_that_mean_something_to_xml_and_formulas_come_through(tmp_path):
    quiz = quizzes.read(chapter_with(tmp_path / "01_x.ipynb", GOOD))
    path = tmp_path / "x.zip"
    path.write_bytes(quizzes.qti.package(quiz))
    (item,) = items(path)
    assert "".join(item.body[0].itertext()) == "Is a<b & \\(a_1 < b_*\\) so?"
    assert [text for _, text in item.answers()] == ["Yes, always & x<1", "No & never"]
    assert item.shown(item.process("A")) == "Right. One. Two."
    assert item.shown(item.process("B")) == "Why not? <b>"
    with zipfile.ZipFile(io.BytesIO(quizzes.h5p.package(quiz))) as archive:
        (question,) = json.loads(archive.read("content/content.json"))["questions"]
    told = [a["tipsAndFeedback"]["chosenFeedback"] for a in question["params"]["answers"]]
    assert told == ["<strong>Right.</strong> One. Two.", "Why not? <code>&lt;b&gt;</code>"]


@pytest.mark.parametrize(
    ("quiz", "said"),
    [
        ("## Notes\n", "one cell that begins with '## Quiz' is wanted; there are 0"),
        ("## Quiz\n\nNothing.", "the quiz has no question"),
        (GOOD.replace("**Right.**", "Right."), "question 1: one answer's text begins with .*; here 0 do"),
        (GOOD.replace("Why not?", "**Right.**"), "question 1: one answer's text begins with .*; here 2 do"),
        (GOOD.replace("</details>\n<", "</details>\nAnd\n<"), "question 1: answers are <details>"),
        (GOOD.split("<details><summary>No")[0], "question 1: answers are <details>"),
    ],
)
def test_a_quiz_that_cannot_be_answered_is_named_and_nothing_is_written(tmp_path, monkeypatch, capsys, quiz, said):
    (tmp_path / "book").mkdir()
    chapter_with(tmp_path / "book" / "01_x.ipynb", quiz)
    monkeypatch.setattr(quizzes, "ROOT", tmp_path)
    assert quizzes.main(["--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(rf"quizzes: 01_x\.ipynb.*{said}.*\n", told), told
    assert not (tmp_path / "out").exists()
