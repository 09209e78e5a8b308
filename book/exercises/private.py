"""Keep solutions and hidden tests private, and hand out the notebooks alone: ``make private OUT=folder``.

It makes two git repositories in a new folder. ``private`` is the whole course with its history, solutions and hidden
tests, and a place for the term's seeds and submissions that git never sees; ``handout`` has the students' notebooks and
nothing else, and may be public. ``make handout OUT=folder`` makes the second one alone, or brings it up to date.
"""

import re
import secrets
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from exercises import build
from grader.words import Parser

from srcnn.files import InputError, write

COURSE = build.EXERCISES.parents[1]
TERM = "term"  # named in the course's .gitignore, too
OURS = ("book", "srcnn", "tests")  # where an instructor adds a test or a question
NOWHERE = "nowhere, because this repository is private"
LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([\w/-]+)\.(?:ipynb|md)\)")
README = """# Assignments

{rows}

Download a notebook, or open it in Colab (*File, Open notebook, GitHub*). Its first cell installs what it needs. Hand in
the notebook, not a link to it.

The course: <https://github.com/{address}>. The text of these notebooks is under CC BY 4.0 (LICENSE-text).
"""
PRIVATE = f"""# An instructor's private copy

This is the whole course, with solutions and hidden tests. Change questions, tests and solutions here, grade here, and
push it to a private repository or to none at all. A fork of a public repository on GitHub is public: make a new, empty
one and choose *Private*. Switch GitHub Actions off in it.

- `{TERM}/` is for everything that is secret or about people: seeds, rosters, submissions, grades, your own photographs.
  git ignores it, so it is in no commit; make a backup of it elsewhere. `{TERM}/seeds.csv` has a seed for each
  assignment.
- `git pull course` brings what is new in the public course that this copy was made from. Pushing to it is switched off,
  because a push would publish what you changed here.
- Never push to a public place: this repository, any of its branches, `{TERM}/`, or a variant's table of codes.
- `make handout OUT=../handout` brings the public handout up to date.
"""


def names() -> list[str]:
    """The assignments."""
    return [source.parent.name for source in build.sources()]


def address() -> str:
    """Owner and name of the public repository, from which the notebooks install the package.

    Raises:
        InputError: it has not been set yet.
    """
    urls = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    found = urls["Repository"].removeprefix("https://github.com/")
    if found == "OWNER/REPO":
        raise InputError("the course has no address yet, so no student could install it; `make address REPO=...` first")
    return found


def git(folder: Path, *words: str) -> str:
    """What git prints.

    Raises:
        InputError: it is not installed, or could not do it; its own words follow.
    """
    known = ["-c", "user.name=instructor", "-c", "user.email=instructor@localhost"]
    try:
        own = subprocess.run(["git", "-C", str(folder), "config", "user.email"], capture_output=True, check=False)
        command = ["git", "-C", str(folder), *([] if own.stdout.strip() else known), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed; it is wanted to make the repositories") from None
    if done.returncode:
        raise InputError(f"git {words[0]} in {folder}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return done.stdout


def make(out: Path, wanted: list[str] | None) -> None:
    """Write both repositories, or nothing.

    Args:
        out: a new folder, outside the course.
        wanted: the assignments that the handout is to have; None: all.

    Raises:
        InputError: the folder cannot be used, or git cannot; the message says what would be right.
    """
    _outside(out)
    if out.exists():
        raise InputError(f"{out} is there already; give OUT= a new folder")
    part = out.resolve().with_name(f"{out.name}.part")
    if part.exists():
        raise InputError(f"{part} is left from an attempt that broke off; remove it")
    try:
        part.mkdir(parents=True)
        handout(part / "handout", wanted)
        private(part / "private")
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def private(folder: Path) -> None:
    """Make the private copy: the course as it is in its folder, what is not committed there included."""
    git(COURSE, "clone", "--quiet", "--no-hardlinks", "--origin", "course", str(COURSE), str(folder))
    git(folder, "remote", "set-url", "--push", "course", NOWHERE)
    # a new file elsewhere may be a class's submissions, which belong into no repository
    listed = git(COURSE, "ls-files", "-z"), git(COURSE, "ls-files", "-z", "-o", "--exclude-standard", *OURS)
    for name in filter(None, "".join(listed).split("\0")):
        source, target = COURSE / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        else:
            target.unlink(missing_ok=True)
    write(folder / "PRIVATE.md", PRIVATE)
    _commit(folder, "Make a private copy of the course")
    term = folder / TERM
    term.mkdir(mode=0o700)
    write(term / "seeds.csv", "assignment,seed\n" + "".join(f"{n},{secrets.randbelow(10**9)}\n" for n in names()))
    (term / "seeds.csv").chmod(0o600)
    if git(folder, "status", "--porcelain"):
        raise InputError(f"git does not ignore {TERM}/ in the copy; the course's .gitignore has to name /{TERM}/")


def handout(folder: Path, wanted: list[str] | None) -> None:
    """Make the repository of the students' notebooks, or bring it up to date.

    Args:
        folder: a new one, or one that this function has made.
        wanted: assignments besides those that it has; None: all in a new one, no more in another.

    Raises:
        InputError: the folder has something else in it, or what would be lost, or lies inside the course.
    """
    _outside(folder)
    where, known = address(), names()
    here = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    ours = {".git", ".gitignore", "README.md", "LICENSE-text", *(f"{name}.ipynb" for name in known)}
    strange = [name for name in here if name not in ours]
    if strange or (here and ".git" not in here) or (folder.exists() and not folder.is_dir()):
        what = strange[0] if strange else "something that no handout has"
        raise InputError(f"{folder} has {what} in it; give OUT= a new folder, or a handout that this command made")
    if here and git(folder, "status", "--porcelain"):
        raise InputError(f"{folder} has changes that are not committed; commit them, or take them back")
    more = wanted if wanted is not None else [] if here else known
    shown = [name for name in known if name in more or f"{name}.ipynb" in here]
    notebooks = {name: _notebook(name, where) for name in shown}  # before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in notebooks.items():
        write(folder / f"{name}.ipynb", text)
    rows = "\n".join(f"- [{_title(name)}]({name}.ipynb)" for name in shown)
    write(folder / "README.md", README.format(rows=rows, address=where))
    shutil.copyfile(COURSE / "LICENSE-text", folder / "LICENSE-text")
    allowed = sorted(ours - {".git"})
    write(folder / ".gitignore", "".join(f"{line}\n" for line in ("/*", *(f"!/{name}" for name in allowed))))
    if not here:
        git(folder, "init", "--quiet", "--initial-branch=main")
    _commit(folder, "Hand out " + ", ".join(shown))


def _notebook(name: str, where: str) -> str:
    """A student's notebook, whose links lead to the published book instead of a file beside it."""
    owner, repository = where.split("/")
    made = build.notebooks(build.EXERCISES / name / "assignment.py")["student.ipynb"]
    return LINK.sub(rf"[\1](https://{owner}.github.io/{repository}/book/\2.html)", made)


def _title(name: str) -> str:
    text = (build.EXERCISES / name / "assignment.py").read_text(encoding="utf-8")
    return re.search(r"^# # Assignment: (.+)$", text, re.M)[1]


def _outside(folder: Path) -> None:
    if folder.resolve().is_relative_to(COURSE):
        raise InputError(f"{folder} is inside the course, which may be public; give OUT= a folder beside it")


def _commit(folder: Path, why: str) -> None:
    git(folder, "add", "--all")
    if git(folder, "status", "--porcelain"):
        git(folder, "commit", "--quiet", "-m", why)


def main(words: list[str] | None = None) -> int:
    """Make the repositories, and return the exit status."""
    target = "handout" if "--handout" in (sys.argv if words is None else words) else "private"
    parser = Parser("exercises.private", __doc__.split("\n", 1)[0], "OUT")
    parser.add_argument("out", type=Path, help="a new folder outside the course")
    parser.add_argument(
        "--assignments",
        help="those in the handout, with blanks between them (all; of a handout that is there, those in it)",
    )
    parser.add_argument("--handout", action="store_true", help="the handout alone, or what is new in it")
    try:
        options = parser.parse_args(words)
        wanted = options.assignments.split() if options.assignments is not None else None
        if wanted is not None and (not wanted or set(wanted) - set(names())):
            strange = ", ".join(sorted(set(wanted) - set(names()))) or "nothing"
            raise InputError(f"ASSIGNMENTS= names {strange}; the assignments are {', '.join(names())}")
        (handout if options.handout else make)(options.out, wanted)
    except (InputError, OSError) as problem:
        print(f"{target}: {problem}", file=sys.stderr)
        return 2
    if options.handout:
        print(f"the handout: {options.out}; look at it, then push it")
    else:
        print(f"private: {options.out / 'private'} (never to a public place; its PRIVATE.md says what is what)")
        print(f"public: {options.out / 'handout'} (the students' notebooks alone)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
