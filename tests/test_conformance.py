"""The accessibility conformance report is true: it has all criteria, its tests exist, its faults are still there."""

import ast
import contextlib
import copy
import re
from functools import cache
from pathlib import Path
from unittest.mock import MagicMock

import accessibility
import pytest
from browse import AXE, in_the_browser
from test_pages import everywhere

ROOT = Path(__file__).resolve().parents[1]
# https://www.w3.org/TR/WCAG21/, chapters 1 to 4: the criteria of level A and of level AA
LEVEL_A = (
    *("1.1.1", "1.2.1", "1.2.2", "1.2.3", "1.3.1", "1.3.2", "1.3.3", "1.4.1", "1.4.2"),
    *("2.1.1", "2.1.2", "2.1.4", "2.2.1", "2.2.2", "2.3.1", "2.4.1", "2.4.2", "2.4.3", "2.4.4"),
    *("2.5.1", "2.5.2", "2.5.3", "2.5.4", "3.1.1", "3.2.1", "3.2.2", "3.3.1", "3.3.2", "4.1.1", "4.1.2"),
)
LEVEL_AA = (
    *("1.2.4", "1.2.5", "1.3.4", "1.3.5", "1.4.3", "1.4.4", "1.4.5", "1.4.10", "1.4.11", "1.4.12", "1.4.13"),
    *("2.4.5", "2.4.6", "2.4.7", "3.1.2", "3.2.3", "3.2.4", "3.3.3", "3.3.4", "4.1.3"),
)
RECORD = accessibility.read()
RAN = accessibility.last_run()


def test_every_criterion_is_there_once_in_its_order_with_its_level():
    assert (len(LEVEL_A), len(LEVEL_AA)) == (30, 20)
    found = [(criterion["number"], criterion["level"]) for criterion in RECORD["criterion"]]
    every = [(number, "A") for number in LEVEL_A] + [(number, "AA") for number in LEVEL_AA]
    assert found == sorted(every, key=lambda pair: [int(part) for part in pair[0].split(".")])


@cache
def parsed(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def function(address: str) -> ast.FunctionDef | None:
    """The test that an address names, or nothing where there is none."""
    file, *names = address.split("::")
    if not (ROOT / file).is_file():
        return None
    place = parsed(file)
    for name in names:
        kinds = ast.ClassDef if name.startswith("Test") else ast.FunctionDef
        place = next((node for node in place.body if isinstance(node, kinds) and node.name == name), None)
        if place is None:
            return None
    return place


def expects_to_fail(address: str) -> bool:
    """Whether a mark of a test, or a name that it uses, is xfail; strict, so that the mended fault is told."""
    marks = " ".join(ast.unparse(mark) for mark in function(address).decorator_list)
    values = {
        node.targets[0].id: ast.unparse(node.value)
        for node in parsed(address.split("::")[0]).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    marks += " ".join(values[name] for name in re.findall(r"\b[A-Z_]+\b", marks) if name in values)
    return "xfail(strict=True" in marks


def missing(record: dict) -> list[str]:
    """Tests that a record names and that are not there, or faults that no test expects."""
    told = [address for address, _ in record["tests"].values() if function(address) is None]
    _, failing = accessibility.expected(record)
    return told + [address for address in failing if address not in told and not expects_to_fail(address)]


def test_every_test_that_it_names_is_there_and_every_fault_is_expected_by_one():
    assert missing(RECORD) == []


def test_a_test_that_is_gone_and_a_fault_that_is_none_are_noticed():
    record = copy.deepcopy(RECORD)
    record["tests"]["axe"][0] = "tests/test_pages.py::test_that_was_renamed"
    record["tests"]["hints"][0] = "tests/test_accessibility.py::test_the_first_key_leads_past_the_navigation"
    assert missing(record) == [record["tests"]["axe"][0], record["tests"]["hints"][0]]


def test_every_fault_that_a_test_expects_is_in_the_report():
    """Whoever marks a check of the pages as failing has to say so to the readers."""
    named = {address.split("::")[1] for address, _ in RECORD["tests"].values()}
    marked = []
    for file in ("test_accessibility.py", "test_pdf.py", "test_screen_reader.py", "test_pages.py"):
        functions = [node.name for node in parsed(f"tests/{file}").body if isinstance(node, ast.FunctionDef)]
        marked += [name for name in functions if expects_to_fail(f"tests/{file}::{name}")]
    assert len(marked) > 4
    assert [name for name in marked if name not in named] == []


BROKEN = {
    "no verdict": ({"pages": "Yes"}, "1.1.1: 'Yes' is none of Supports"),
    "a fault": ({"pages": "Supports", "faults": ["hints"]}, "cannot be 'Supports' while hints is a fault"),
    "no reason": ({"pages": "Not Applicable", "pages_say": ""}, "pages_say does not tell why"),
    "nothing behind": ({"tests": [], "judged": "", "pages_say": ""}, "with neither a test nor a judgment"),
    "no such test": ({"tests": ["ax"]}, "ax is in no table of tests"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_record_that_does_not_hold_together_is_refused(fault):
    change, told = BROKEN[fault]
    record = copy.deepcopy(RECORD)
    record["criterion"][0] |= change
    assert any(told in trouble for trouble in accessibility.faults(record))
    assert accessibility.faults(RECORD) == []


def test_the_page_is_what_the_record_and_the_last_run_give():
    assert accessibility.PAGE.read_text(encoding="utf-8") == accessibility.render(RECORD, RAN)


def test_it_has_its_date_and_tells_whether_its_tests_were_run():
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", RECORD["judged_on"])
    made = {
        "date": "2030-01-02",
        "version": "9.9",
        "axe": "4",
        "chromium": "156",
        "pages": 61,
        "passed": 250,
        "known": 6,
    }
    assert "all tests run on 2030-01-02, version 9.9" in accessibility.render(RECORD, made)
    assert "250 tests passed and 6 showed a fault" in accessibility.render(RECORD, made)
    assert accessibility.UNDATED in accessibility.render(RECORD, {})


@pytest.mark.skipif(not RAN, reason="no run of the accessibility report is recorded; `make accessibility` makes one")
def test_the_last_run_was_of_all_tests_of_the_record():
    assert RAN["passed"] >= len(accessibility.expected(RECORD)[0])
    assert RAN["known"] >= len(accessibility.expected(RECORD)[1])
    assert RAN["pages"] > 40
    assert RAN["axe"] == re.search(r"axe v([\d.]+)", AXE)[1]


def test_a_page_that_was_judged_in_both_themes_is_one(monkeypatch):
    names = [f"test_a_page_is_whole_and_for_everybody[{name}]" for name in (
        "book/a-page.html-server-light", "book/a-page.html-folder-dark", "404.html-server-light",
    )]  # fmt: skip

    def pretend(command, **_) -> None:
        assert command[command.index("-m", command.index("pytest")) + 1] == ""
        (place,) = (part.removeprefix("--junitxml=") for part in command if part.startswith("--junitxml="))
        cases = "".join(f"<testcase name='{name}'/>" for name in names)
        Path(place).write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", encoding="utf-8")

    monkeypatch.setattr(accessibility.subprocess, "run", pretend)
    monkeypatch.setattr(accessibility, "chromium", lambda: "chromium")
    monkeypatch.setattr(accessibility, "sync_playwright", lambda: contextlib.nullcontext(MagicMock()))
    told = accessibility.run(RECORD)
    assert (told["pages"], told["passed"]) == (2, 3)
    assert all(accessibility.PAGE_TEST.match(f"test_a_page_is_whole_and_for_everybody[{'-'.join(case.values)}]")
               for case in everywhere())  # fmt: skip


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        ("<testcase/><testcase><failure/></testcase>", "1 failure"),
        ("<testcase><skipped type='pytest.skip'/></testcase>", "1 skipped"),
        ("", "of 0 tests"),
        (None, "could not be run"),
    ],
)
def test_a_run_that_is_not_whole_makes_no_report(monkeypatch, xml, told):
    def pretend(command, **_) -> None:
        (place,) = (part.removeprefix("--junitxml=") for part in command if part.startswith("--junitxml="))
        if xml is not None:
            Path(place).write_text(f"<testsuites><testsuite>{xml}</testsuite></testsuites>", encoding="utf-8")

    monkeypatch.setattr(accessibility.subprocess, "run", pretend)
    with pytest.raises(accessibility.ReportError, match=told):
        accessibility.run(RECORD)


@in_the_browser
def test_what_axe_has_a_rule_for_names_axe(browser):
    page = browser.new_page()
    page.evaluate(AXE)
    rules = page.evaluate("axe.getRules(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).flatMap(rule => rule.tags)")
    page.close()
    judged = {tag[4] + "." + tag[5] + "." + tag[6:] for tag in rules if re.fullmatch(r"wcag\d{3,4}", tag)}
    assert len(judged) > 20
    # where ours ask for more
    own = {"1.4.12": "spacing", "2.1.1": "keys", "2.1.3": "keys", "1.4.4": "zoom", "2.5.3": "labels", "2.2.2": "still"}
    for criterion in RECORD["criterion"]:
        if criterion["number"] in judged:
            assert own.get(criterion["number"], "axe") in criterion["tests"], criterion["number"]
