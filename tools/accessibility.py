"""Write the book's accessibility conformance report: ``make accessibility``.

data/accessibility.toml has the verdicts, criterion by criterion, and names the tests behind them. With ``--run`` these
tests are run first. Only when each gives what it should (a known fault has to be there still), a record of the run is
kept in data/accessibility.json: its date, the versions, and how many. Without it the page is written from both files.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import date
from pathlib import Path

import axe_playwright_python
import pdf
from playwright.sync_api import sync_playwright

from srcnn.files import write

ROOT = Path(__file__).resolve().parents[1]
RECORD, RAN = ROOT / "data" / "accessibility.toml", ROOT / "data" / "accessibility.json"
PAGE = ROOT / "book" / "accessibility.md"
# VPAT 2.5, "Terms": https://www.itic.org/policy/accessibility/vpat
LEVELS = {
    "Supports": "at least one way to use it meets the criterion without known faults",
    "Partially Supports": "some of it does not meet the criterion",
    "Does Not Support": "most of it does not meet the criterion",
    "Not Applicable": "the criterion is not about anything that is there",
}
PRINCIPLES = {"1": "Perceivable", "2": "Operable", "3": "Understandable", "4": "Robust"}
PAGE_TEST = re.compile(r"test_a_page_is_whole\w*\[(.+)-(?:server|folder)-(?:light|dark)\]")
PARTS = {"pages": ("Pages", ""), "pdf": ("PDF", "pdf_")}


class ReportError(Exception):
    """The report cannot be written as the record stands."""


def read(path: Path = RECORD) -> dict:
    """The record: ``people``, ``tests`` by name, and ``criterion``, a list."""
    record = tomllib.loads(path.read_text(encoding="utf-8"))
    if troubles := faults(record):
        raise ReportError(f"{path.name}: " + "; ".join(troubles))
    return record


def faults(record: dict) -> list[str]:
    """What is wrong with a record by itself: verdicts that are none, or that have nothing behind them."""
    told, used = [], set()
    for criterion in record["criterion"]:
        number = criterion["number"]
        for part, (_, prefix) in PARTS.items():
            verdict, known = criterion[part], criterion.get(f"{prefix}faults", [])
            tests, say = criterion.get(f"{prefix}tests", []), criterion.get(f"{part}_say", "")
            used |= {*known, *tests}
            if verdict not in LEVELS:
                told.append(f"{number}: {verdict!r} is none of {', '.join(LEVELS)}")
            if known and verdict in ("Supports", "Not Applicable"):
                told.append(f"{number}: {part} cannot be {verdict!r} while {', '.join(known)} is a fault")
            if verdict != "Supports" and not say:
                told.append(f"{number}: {part} is {verdict!r}, and {part}_say does not tell why")
            if verdict == "Supports" and not (tests or say or criterion.get("judged")):
                told.append(f"{number}: {part} is 'Supports' with neither a test nor a judgment")
    told += [f"{name} is in no table of tests" for name in sorted(used - set(record["tests"]))]
    return told + [f"{name} is a test of no criterion" for name in sorted(set(record["tests"]) - used)]


def expected(record: dict) -> tuple[set[str], set[str]]:
    """Addresses of the tests that have to pass, and of those that show a fault that is known."""
    failing = {name for c in record["criterion"] for key in ("faults", "pdf_faults") for name in c.get(key, [])}
    addresses = {name: address for name, (address, _) in record["tests"].items()}
    return {a for n, a in addresses.items() if n not in failing}, {addresses[name] for name in failing}


def run(record: dict) -> dict:
    """Run the tests of the record, and tell what ran: date, versions, numbers of pages and of tests.

    Raises:
        ReportError: a test fails, is left out, or a fault that is known is not found any more.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "",  # each page in both themes, as only `make test-all` has it
            "-n",
            "logical",
            "--maxprocesses",
            "8",
            f"--junitxml={results}",
        ]
        subprocess.run([*command, *sorted(set.union(*expected(record)))], cwd=ROOT, check=False)
        if not results.exists():
            raise ReportError("the tests could not be run; see above")
        cases = [*ET.parse(results).getroot().iter("testcase")]
    bad = ("failure", "error", "skipped")
    outcome = Counter(next((kind(element) for element in case if element.tag in bad), "passed") for case in cases)
    if set(outcome) - {"passed", "known"} or not cases:
        told = ", ".join(f"{count} {what}" for what, count in outcome.items())
        raise ReportError(f"no report: of {len(cases)} tests {told}; each has to pass, or to show a known fault")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=pdf.FLAGS)
        version = browser.version
        browser.close()
    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    return {
        "date": date.today().isoformat(),
        "version": tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        "axe": re.search(r"axe v([\d.]+)", script)[1],
        "chromium": version.split(".")[0],
        "pages": len({one[1] for case in cases if (one := PAGE_TEST.match(case.get("name", "")))}),
        "passed": outcome["passed"],
        "known": outcome["known"],
    }


def kind(element: ET.Element) -> str:
    """The outcome that an element of pytest's XML tells."""
    return "known" if element.get("type") == "pytest.xfail" else element.tag


def chromium() -> str:
    """Where Chromium is."""
    found = next(filter(None, map(shutil.which, pdf.NAMES)), None)
    if found is None:
        raise ReportError(f"there is no Chromium; {pdf.INSTALL}")
    return found


HEAD = """# Accessibility conformance report

<!-- written by `make accessibility` from data/accessibility.toml -->

How far this book meets the Web Content Accessibility Guidelines (WCAG) 2.1, levels A and AA, in the words of a VPAT. It
is for accessibility offices, instructors, and readers who want to know beforehand what will not work for them.

- **Product**: the course's pages, slides, live figures, and PDF, version {version}
- **Date**: judged on {judged_on}; {dated}
- **Standard**: [WCAG 2.1](https://www.w3.org/TR/WCAG21/), levels A and AA: {count} criteria
- **Checked by programs**: {checked}
- **Checked by people**: {people}
- **Not covered**: JupyterLab, Colab and learning platforms, in which notebooks are opened; other sites

{summary}

No program can tell whether a page is good to use with a screen reader. The tests read the accessibility tree that
Chromium gives to screen readers; they do not hear one speak. If something does not work for you, please open an issue
in the course's repository, and say which page, browser and assistive technology.

## Levels

{levels}
"""


DATED = "all tests run on {date}, version {version}"
CHECKED = (
    "{passed} tests passed and {known} showed a fault that this page names, on {pages} pages, with axe-core {axe} and"
    " Chromium {chromium}"
)
UNDATED = "no run of all its tests is recorded yet"
UNCHECKED = "the tests that are named below, which run with all others after every change"


def last_run() -> dict:
    """What was kept of the last run; nothing where there was none."""
    return json.loads(RAN.read_text(encoding="utf-8")) if RAN.exists() else {}


def render(record: dict, ran: dict) -> str:
    """The page, as Markdown."""
    criteria = record["criterion"]
    counts = {part: Counter(c[part] for c in criteria) for part in PARTS}
    told = [
        f"{label}: " + ", ".join(f"{counts[part][level]} *{level}*" for level in LEVELS if counts[part][level]) + "."
        for part, (label, _) in PARTS.items()
    ]
    nobody = (
        "no auditor, and nobody yet with a screen reader or other assistive technology; *Looked at*, below, tells what"
        " the makers of the course looked at themselves"
    )
    text = HEAD.format(
        version=record["version"],
        judged_on=record["judged_on"],
        dated=DATED.format(**ran) if ran else UNDATED,
        checked=CHECKED.format(**ran) if ran else UNCHECKED,
        count=len(criteria),
        people="; ".join(record["people"]) or nobody,
        summary=" ".join(told),
        levels="\n".join(f"- **{level}**: {meaning}." for level, meaning in LEVELS.items()),
    )
    short = [
        f"- **{c['number']} {c['name']}**, {label}, *{c[part]}*: {c[f'{part}_say']}"
        for part, (label, _) in PARTS.items()
        for c in criteria
        if c[part] in ("Partially Supports", "Does Not Support")
    ]
    text += "\n## What is not met, or only in part\n\n" + "\n".join(short) + "\n\n## Criterion by criterion\n"
    text += "\nThe names behind *Programs* are explained [below](#programs).\n"
    for digit, principle in PRINCIPLES.items():
        text += f"\n### {digit}. {principle}\n\n"
        text += "\n".join(entry(c) for c in criteria if c["number"].startswith(digit))
    tests = sorted(record["tests"].items())
    rows = [f"| `{name}` | {what} | `{where.split('::')[0]}` |" for name, (where, what) in tests]
    text += (
        "\n(programs)=\n## What the programs check\n\n| name | on what | test file |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )
    return text


def entry(criterion: dict) -> str:
    """One criterion: its verdicts, and what they rest on."""
    lines = [f"**{criterion['number']} {criterion['name']}** (level {criterion['level']})\n"]
    for part, (label, prefix) in PARTS.items():
        behind = [*criterion.get(f"{prefix}tests", []), *criterion.get(f"{prefix}faults", [])]
        programs = f" Programs: {', '.join(f'`{name}`' for name in behind)}." if behind else ""
        say = criterion.get(f"{part}_say", "")
        lines.append(f"- {label}: *{criterion[part]}*.{' ' if say else ''}{say}{programs}")
    if judged := criterion.get("judged"):
        lines.append(f"- Looked at: {judged}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the page, after the tests have run where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", action="store_true", help="run the tests first, some minutes")
    wanted = parser.parse_args(arguments)
    record = read()
    if wanted.run:
        write(RAN, json.dumps(run(record), indent=1) + "\n")
    write(PAGE, render(record, last_run()))
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    try:
        main()
    except ReportError as error:
        raise SystemExit(f"error: {error}") from None
