"""A quiz as a package of QTI 2.1: a test, its items with their feedback, and the manifest.

Made after the final specification of August 2012 by IMS (now 1EdTech): the information model and the integration guide,
imsglobal.org/question/qtiv2p1/imsqti_infov2p1.html and imsqti_intgv2p1.html.
"""

import io
import xml.etree.ElementTree as ET
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quizzes import Question, Quiz

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
WHERE = {
    QTI: f"{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
    PACKAGE: f"{PACKAGE} http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd",
}
DATE = (2020, 1, 1, 0, 0, 0)  # the same for all, so that the same quiz makes the same file
ET.register_namespace("xsi", INSTANCE)


def package(quiz: "Quiz") -> bytes:
    """The bytes of a zip file with ``imsmanifest.xml``, ``test.xml`` and an ``item-N.xml`` for each question."""
    files = {f"item-{n}.xml": _item(question, n, quiz) for n, question in enumerate(quiz.questions, start=1)}
    files = {"imsmanifest.xml": _manifest(quiz, list(files)), "test.xml": _test(quiz, list(files)), **files}
    return archive({name: _bytes(root) for name, root in files.items()})


def archive(files: dict[str, bytes]) -> bytes:
    """The bytes of a zip file, the same for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(name, DATE), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def letter(place: int) -> str:
    """The identifier of an answer: A, B, C, ..."""
    return chr(ord("A") + place)


def _bytes(root: ET.Element) -> bytes:
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _root(tag: str, namespace: str, **attributes: str) -> ET.Element:
    root = ET.Element(tag, {"xmlns": namespace, **attributes})
    root.set(f"{{{INSTANCE}}}schemaLocation", WHERE[namespace])
    return root


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _fill(parent: ET.Element, markup: str) -> None:
    """Put a quiz's HTML, which is XML too, into an element."""
    parsed = ET.fromstring(f"<div>{markup}</div>")
    parent.text = parsed.text
    parent.extend(parsed)


def _name(quiz: "Quiz") -> str:
    return f"srcnn-{quiz.name.replace('_', '-')}"


def _item(question: "Question", number: int, quiz: "Quiz") -> ET.Element:
    """A choice with one right answer; the chosen answer's letter is also the name of the feedback that is shown."""
    item = _root("assessmentItem", QTI, identifier=f"{_name(quiz)}-{number}", title=f"{quiz.title}, question {number}",
                 adaptive="false", timeDependent="false")  # fmt: skip
    declared = _add(item, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType="identifier")
    (right,) = [letter(k) for k, answer in enumerate(question.answers) if answer.right]
    _add(_add(declared, "correctResponse"), "value", right)
    for name, start in (("SCORE", "0"), ("MAXSCORE", "1")):
        outcome = _add(item, "outcomeDeclaration", identifier=name, cardinality="single", baseType="float")
        _add(_add(outcome, "defaultValue"), "value", start)
    _add(item, "outcomeDeclaration", identifier="FEEDBACK", cardinality="single", baseType="identifier")
    body = _add(item, "itemBody")
    _fill(_add(body, "div"), question.text)
    # the book's order, since some answers begin with yes and others with no
    choice = _add(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false", maxChoices="1")
    for k, answer in enumerate(question.answers):
        _fill(_add(choice, "simpleChoice", identifier=letter(k)), answer.text)
    _process(_add(item, "responseProcessing"))
    for k, answer in enumerate(question.answers):
        told = _add(item, "modalFeedback", outcomeIdentifier="FEEDBACK", identifier=letter(k), showHide="show")
        _fill(told, answer.feedback)
    return item


def _process(processing: ET.Element) -> None:
    """A point for the right answer, and the feedback of the chosen one."""
    condition = _add(processing, "responseCondition")
    matched = _add(condition, "responseIf")
    both = _add(matched, "match")
    _add(both, "variable", identifier="RESPONSE")
    _add(both, "correct", identifier="RESPONSE")
    for branch, points in ((matched, "1"), (_add(condition, "responseElse"), "0")):
        _add(_add(branch, "setOutcomeValue", identifier="SCORE"), "baseValue", points, baseType="float")
    _add(_add(processing, "setOutcomeValue", identifier="FEEDBACK"), "variable", identifier="RESPONSE")


def _test(quiz: "Quiz", items: list[str]) -> ET.Element:
    test = _root("assessmentTest", QTI, identifier=_name(quiz), title=quiz.title)
    part = _add(test, "testPart", identifier="part", navigationMode="nonlinear", submissionMode="individual")
    _add(part, "itemSessionControl", showFeedback="true")
    section = _add(part, "assessmentSection", identifier="section", title=quiz.title, visible="true")
    for n, item in enumerate(items, start=1):
        _add(section, "assessmentItemRef", identifier=f"item-{n}", href=item)
    return test


def _manifest(quiz: "Quiz", items: list[str]) -> ET.Element:
    manifest = _root("manifest", PACKAGE, identifier=f"{_name(quiz)}-package")
    metadata = _add(manifest, "metadata")
    _add(metadata, "schema", "QTIv2.1 Package")
    _add(metadata, "schemaversion", "1.0.0")
    _add(manifest, "organizations")
    resources = _add(manifest, "resources")
    test = _add(resources, "resource", identifier="test", type="imsqti_test_xmlv2p1", href="test.xml")
    _add(test, "file", href="test.xml")
    for n, item in enumerate(items, start=1):
        _add(test, "dependency", identifierref=f"resource-{n}")
        one = _add(resources, "resource", identifier=f"resource-{n}", type="imsqti_item_xmlv2p1", href=item)
        _add(one, "file", href=item)
    return manifest
