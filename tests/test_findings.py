"""The scripts on other people's software: all of one form, each told on one page of the book."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "findings").iterdir())}
PAGE = (ROOT / "book" / "surprises.md").read_text(encoding="utf-8")
TOLD = {named[1]: text for text in PAGE.split("\n\n") if (named := re.search(r"\(`(\w+)`\)$", text.strip()))}
NUMBER = r"\d+(?:\.\d+){2,}"  # 2.13.0: a version, and not a measured number


def head(script: str) -> str:
    """What a script says of itself before it does anything."""
    return " ".join(line.lstrip("# ") for line in SCRIPTS[script].split("\nset -", 1)[0].splitlines())


def test_the_page_tells_each_finding_once_and_no_other():
    assert len(re.findall(r"^\*\*", PAGE, flags=re.M)) == len(TOLD)
    assert sorted(TOLD) == sorted(SCRIPTS)
    assert len(SCRIPTS) >= 12


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_page_names_versions_that_the_script_installs(script):
    told = set(re.findall(NUMBER, TOLD[script]))
    assert told, "a reader has to know of which version this is said"
    assert told <= set(re.findall(NUMBER, SCRIPTS[script]))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_finding_is_a_script_of_its_own_with_pinned_packages(script):
    text = SCRIPTS[script]
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "guess" in head(script).lower()
    assert "set -euo pipefail\nfolder=$(mktemp -d)\ntrap 'rm -rf \"$folder\"' EXIT\n" in text
    assert not re.search(r"\bsrcnn\b", text), "it has to do without the package"
    assert not re.search(r"https?://|--(extra-)?index-url", text)
    installs = re.findall(r"pip\"? install ((?:.*\\\n)*.*)", text)
    assert installs
    named = [re.sub(r"--target \S+|2>/dev/null|[\\\"]", " ", line).split() for line in installs]
    loose = [word for words in named for word in words if not word.startswith("-") and "==" not in word]
    assert loose == [], "a finding is about one version"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", "-s", "findings", *words], cwd=folder, capture_output=True, text=True)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_findings_tells_each_result_in_a_line_and_fails_if_one_is_no_longer_so(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "findings").mkdir()
    for name, ends in (("a_holds", 0), ("b_changed", 1), ("c_holds", 0)):
        (tmp_path / "findings" / f"{name}.sh").write_text(f"echo of {name}\nexit {ends}\n", encoding="utf-8")
    done = run(tmp_path)
    log = "_build/findings/b_changed.txt"
    told = "as described: a_holds", f"FAILED: b_changed, see {log}", "as described: c_holds"
    assert tuple(done.stdout.splitlines()) == told
    assert done.returncode != 0
    assert (tmp_path / log).read_text(encoding="utf-8") == "of b_changed\n"
    one = run(tmp_path, "FINDINGS=c_holds")
    assert (one.returncode, one.stdout) == (0, "as described: c_holds\n")
    missing = run(tmp_path, "FINDINGS=c_holds d_none")
    assert missing.returncode != 0
    assert "there is no findings/d_none.sh" in missing.stdout + missing.stderr
    assert "c_holds" not in missing.stdout


def test_the_scripts_have_no_fault_that_shellcheck_finds():
    shellcheck = Path(sys.executable).parent / "shellcheck"
    if not shellcheck.exists():
        pytest.skip("needs shellcheck, of the extra dev")
    done = subprocess.run([shellcheck, *(ROOT / "findings").glob("*.sh")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
