"""The workflows are sound, ask for no right that they do not use, and run the Makefile's own targets."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
BIN = Path(sys.executable).parent  # where the extra dev puts actionlint and shellcheck
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
JOBS = [pytest.param(job, id=f"{name}-{key}") for name, flow in WORKFLOWS.items() for key, job in flow["jobs"].items()]
STEPS = [step for job in JOBS for step in job.values[0].get("steps", [])]
# What writes, and why: nothing else may.
WRITES = {
    ("publish", "pages"): {"pages": "write", "id-token": "write"},
    ("publish", "release"): {"contents": "write"},
    ("colab", "report"): {"issues": "write"},
    ("links", "report"): {"issues": "write"},
    ("audit", "report"): {"issues": "write"},
    ("whole", "report"): {"issues": "write"},
    ("report", "issue"): {"issues": "write"},
}


def triggers(name: str) -> dict:
    """YAML reads the key ``on`` as true."""
    on = WORKFLOWS[name][True]
    return on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)


def actionlint(*files: Path) -> subprocess.CompletedProcess:
    command = [BIN / "actionlint", "-no-color", "-shellcheck", BIN / "shellcheck", *files]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.skipif(not (BIN / "actionlint").exists(), reason="there is no actionlint; install the extra dev")
def test_actionlint_finds_nothing():
    got = actionlint(*FILES)
    assert got.returncode == 0, got.stdout + got.stderr


@pytest.mark.skipif(not (BIN / "actionlint").exists(), reason="there is no actionlint; install the extra dev")
@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("run: make links", "run: make $GITHUB_REF_NAME", "SC2086"),  # a blank in it would make two words of it
        ("run: make links", "run: make ${{ github.event.issue.title }}", "untrusted"),
        ("needs: run", "needs: tests", "does not exist"),
    ],
)
def test_actionlint_would_find_a_mistake(tmp_path, right, wrong, told):
    text = (FOLDER / "links.yml").read_text(encoding="utf-8").replace("./.github/workflows/report.yml", "a/b/c.yml@v1")
    assert right in text
    path = tmp_path / "links.yml"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    got = actionlint(path)
    assert got.returncode == 1
    assert told in got.stdout


def test_there_is_a_workflow_for_every_occasion():
    assert set(triggers("ci")) == {"push", "pull_request"}
    assert triggers("publish") == {"push": {"tags": ["v*"]}}
    for weekly in ("audit", "colab", "links", "whole"):
        ((when,),) = [[entry["cron"] for entry in triggers(weekly)["schedule"]]]
        assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", when)
        assert WORKFLOWS[weekly]["jobs"]["report"]["uses"] == "./.github/workflows/report.yml"
        assert "failure()" in WORKFLOWS[weekly]["jobs"]["report"]["if"]
        assert WORKFLOWS[weekly]["jobs"]["report"]["needs"] == "run"


def test_only_what_writes_may_write():
    for name, flow in WORKFLOWS.items():
        assert flow["permissions"] in ({}, {"contents": "read"}), name
        assert flow["concurrency"]["group"], name
        for key, job in flow["jobs"].items():
            assert job.get("permissions", {}) == WRITES.get((name, key), {}), (name, key)


def test_a_pull_request_sees_no_secret():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        assert "secrets" not in text
    assert "github.token" not in (FOLDER / "ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_and_its_actions_are_pinned(job):
    assert "uses" in job or job["timeout-minutes"] <= 120
    for step in job.get("steps", []):
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])  # a tag can be moved, a commit not
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_pinned_action_says_which_version_it_is_and_is_the_same_everywhere():
    pinned = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"uses: (actions/\S+@[0-9a-f]{40})  # (v\d+\.\d+\.\d+)$", text, flags=re.M)
        assert len(found) == text.count("uses: actions/")
        for action, told in found:
            pinned.setdefault(action.partition("@")[0], set()).add((action, told))
    assert len(pinned) == 6
    assert all(len(versions) == 1 for versions in pinned.values())


def test_what_is_built_or_tested_is_what_the_makefile_does():
    lines = [line.strip() for step in STEPS if "run" in step for line in step["run"].splitlines()]
    assert {line for line in lines if "python" in line.lower() and "make" not in line} == set()
    made = set()
    for line in lines:
        command = re.match(r"(make|bash|docker|git|gh|sudo rm)\b", line)
        assert command or re.match(r"(if|fi|open=|echo|\"repository\. )", line), line
        if command and command[0] == "bash":
            assert line in ("bash .ci/run", "bash .ci/run test-all")
        if command and command[0] == "make":
            made.add(line.split()[1])
        if command and command[0] == "docker":
            made.add(re.search(r"--entrypoint make us-docker\.pkg\.dev/colab-images/public/runtime\S* (\w+)", line)[1])
    assert made == {"address", "archive", "audit", "colab", "links"}
    assert made <= TARGETS
    first = re.search(r"^make (.+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), flags=re.M)[1]
    assert {word for word in first.split() if word[0] != "-"} == {"check", "book"} <= TARGETS


def test_every_week_and_before_a_release_everything_is_tested_and_elsewhere_what_takes_less_time():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'make "${1:-test}"' in script
    ran = {name: [step["run"] for job in flow["jobs"].values() for step in job.get("steps", []) if "run" in step]
           for name, flow in WORKFLOWS.items()}  # fmt: skip
    assert all("bash .ci/run test-all" in ran[name] for name in ("publish", "whole"))
    assert "bash .ci/run" in ran["ci"]
    assert {"test", "test-all"} <= TARGETS


def test_the_book_is_published_under_the_address_of_the_repository_that_runs_it():
    steps = [step.get("run", step.get("uses", "")) for step in WORKFLOWS["publish"]["jobs"]["build"]["steps"]]
    order = ['make address REPO="$GITHUB_REPOSITORY"', "bash .ci/run test-all", 'make archive TAG="$GITHUB_REF_NAME"']
    assert [step for step in steps if step in order] == order


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(("already", "opened"), [(0, 1), (1, 0)])
def test_one_open_issue_is_enough(tmp_path, already, opened):
    (step,) = WORKFLOWS["report"]["jobs"]["issue"]["steps"]
    said = tmp_path / "said"
    gh = tmp_path / "gh"
    gh.write_text(f'#!/bin/sh\necho "$1 $2" >>"{said}"\n[ "$1 $2" = "issue list" ] && echo {already} || true\n')
    gh.chmod(0o755)
    names = dict.fromkeys(step["env"], "x")
    subprocess.run(["bash", "-e", "-c", step["run"]], env={"PATH": f"{tmp_path}:/usr/bin:/bin", **names}, check=True)
    assert said.read_text().splitlines().count("issue create") == opened


def test_new_versions_are_asked_for_and_those_that_break_the_book_are_not():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    ignored = {entry["dependency-name"] for update in updates for entry in update.get("ignore", [])}
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}
    assert ignored == {"torch", "jupyter-book", "sphinx-book-theme"}
