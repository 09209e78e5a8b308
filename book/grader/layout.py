"""Whose a file is, as its path tells, where a learning platform named it; :mod:`grader.people` does the rest.

The names are those that the platforms' programs give, or that programs of their users read: Canvas
https://github.com/instructure/canvas-lms/blob/master/lib/content_zipper.rb, Moodle
https://github.com/moodle/moodle/blob/main/mod/assign/classes/downloader.php, Blackboard
https://github.com/kwurst/bb-file-cleanup, Gradescope's submission_metadata.yml, Brightspace's dropbox folders.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath

from grader import people
from grader.people import Owner

MOODLE = re.compile(
    r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?P<kind>[a-z]+)(?:_.*)?"
    r"|(?P<name2>.+?)_(?P<id2>\d+)_(?P<kind2>file|onlinetext)(?:_.*)?"
)
CANVAS = re.compile(
    r"(?P<who>(?P<user>\w*?)_?(?:LATE_)?(?:\d+|anon_[A-Za-z0-9]+))_(?:(?P<order>\d{3,})_.+|(?P<text>text|link)\.html)"
)
BLACKBOARD = re.compile(r"(?P<who>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?P<rest>_.+)?(?:\.\w+)?")
BRIGHTSPACE = re.compile(r"(?P<who>\d+)-\d+ - (?P<name>.+?) ?- (?P<time>[^-]*\b\d{4}\b[^-]*?)(?: - (?P<rest>.+))?")
GRADESCOPE = re.compile(r"submission_\d{5,}")
# what platforms and systems add to an export, which nobody handed in
NOBODY = re.compile(
    r"index\.html?|submission_metadata\.ya?ml|thumbs\.db|desktop\.ini|icon\r?|readme(\.\w+)?|licen[cs]e(\.\w+)?"
    r"|requirements.*\.txt|.*\.(csv|xlsx?|ods|ya?ml|toml|log|lnk|url)",
    re.I,
)


def owners(paths: list[str], matters: Callable[[str], bool], metadata: str = "") -> dict[str, Owner]:
    """Whose each file is; those that nobody handed in are left out.

    Args:
        paths: of all files.
        matters: whether a file could be a notebook that is to be graded.
        metadata: text of Gradescope's ``submission_metadata.yml``, which has the names.
    """
    names = _gradescope(metadata)
    canvas = _trusted([part for path in paths for part in path.split("/")])
    found = {path: _platform(path, names, canvas) for path in paths}
    heads = [owner.student for owner in found.values() if owner and owner.who.startswith("blackboard ")]
    common = _common(heads)  # Blackboard's names begin with that of the assignment
    for path, owner in found.items():
        if owner and owner.who.startswith("blackboard "):
            found[path] = owner._replace(student=owner.student[len(common) :])
    rest = [path for path in paths if found[path] is None and not NOBODY.fullmatch(PurePosixPath(path).name)]
    found |= people.owners(rest, {path for path in rest if matters(path)})
    return {path: owner for path, owner in found.items() if owner}


def _platform(path: str, names: dict[str, str], canvas: bool) -> Owner | None:
    """Whose a file is, where a platform named it or a folder above it."""
    parts = path.split("/")
    for k, part in enumerate(parts):
        if found := MOODLE.fullmatch(part):
            name, kind = found["name"] or found["name2"], found["kind"] or found["kind2"]
            student = "_".join(filter(None, (name, found["id"] or found["id2"])))
            return Owner(f"moodle {student}", student, (), kind != "file")
        if canvas and (found := CANVAS.fullmatch(part)):
            who = re.sub(r"(^|_)LATE_", r"\1", found["who"])
            return Owner(f"canvas {who}", who, (int(found["order"] or 0),), bool(found["text"]))
        if found := BLACKBOARD.fullmatch(part):
            return Owner(f"blackboard {found['who']}", found["who"], (found["time"],), not found["rest"])
        if found := BRIGHTSPACE.fullmatch(part):
            name = found["name"].strip()
            return Owner(f"brightspace {found['who']} {name}", name, _date(found["time"]))
        if GRADESCOPE.fullmatch(part) and k < len(parts) - 1:
            return Owner("/".join(parts[: k + 1]), f"{names[part]} ({part})" if names.get(part) else part)
    return None


def _trusted(parts: list[str]) -> bool:
    """Whether names of Canvas's form are Canvas's: ``hw_2_101_jane`` has it too, and would make one of a class."""
    found = [match for match in map(CANVAS.fullmatch, dict.fromkeys(parts)) if match and match["order"]]
    users = Counter(match["who"] for match in found)
    orders = Counter(match["order"] for match in found)
    if any(count > 1 for count in orders.values()):
        return False  # Canvas gives each file a number of its own
    many = max(users.values(), default=0)
    named = all(
        re.search(r"[^\W\d_]", match["user"]) and people.personal(match["user"])
        for match in found
        if "anon_" not in match["who"]
    )
    return named and (many <= 3 or many <= len(found) / 2)


def _gradescope(metadata: str) -> dict[str, str]:
    """Folder -> names, from Gradescope's list."""
    parts = re.split(r"^(submission_\d+):", metadata, flags=re.M)
    return {
        folder: ", ".join(name.strip("'\" ") for name in re.findall(r"^\s*(?:- )?:name: *(.+)$", text, re.M))
        for folder, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def _date(text: str) -> tuple:
    """A date as Brightspace writes it, so that later ones are larger; nothing where it writes it otherwise."""
    bare = re.sub(r"[:.,]", "", text).strip()
    for form in ("%b %d %Y %I%M %p", "%B %d %Y %I%M %p", "%d %B %Y %H%M", "%d %b %Y %H%M"):
        try:
            return (datetime.strptime(bare, form).isoformat(),)
        except ValueError:
            continue
    return ()


def _common(heads: list[str]) -> str:
    """What all begin with, up to an underscore; all but the last word where there is one alone."""
    if not heads:
        return ""
    first, last = min(heads), max(heads)
    same = len(first)
    if first != last:
        same = next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("_", 0, same) + 1]
