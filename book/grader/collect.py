"""What students handed in: found in a folder or an archive as learning platforms export them, one for each student."""

import functools
import hashlib
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from grader import files, layout
from grader.files import File
from grader.notebook import Cell, Notebook, Unreadable, assignment, read
from grader.people import Owner
from srcnn.checks import ASSIGNMENTS

__all__ = ["NAMES", "Cell", "Notebook", "Submission", "Unreadable", "assignment", "find", "read"]

NO_NOTEBOOK = "there is no notebook: no file whose name ends in .ipynb"
TYPED = "there is no notebook, only what was typed into the platform"
NAMES = {name: {question.name for question in questions.values()} for name, questions in ASSIGNMENTS.items()}


@dataclass(frozen=True)
class Submission:
    """One student's submission.

    Attributes:
        student: as the platform's file or folder has it.
        key: a safe name of a file, another one for each student.
        file: where it was found, for the instructor.
        data: the file's content.
        problem: why there is no content.
        remark: what else the instructor should know.
        others: all that this student handed in, the newest first, each with what tells how new it is.
    """

    student: str
    key: str
    file: str
    data: bytes = field(repr=False, default=b"")
    problem: str = ""
    remark: str = ""
    others: tuple[tuple[tuple, File], ...] = field(repr=False, default=())

    @functools.cached_property
    def notebook(self) -> Notebook:
        """What is graded; read once.

        Raises:
            Unreadable: there is nothing that could be.
        """
        if self.problem:
            raise Unreadable(self.problem)
        return read(self.data)

    @property
    def digest(self) -> str:
        """Changes when the submission does."""
        return hashlib.sha256(self.problem.encode() + b"\0" + self.data).hexdigest()

    def of(self, wanted: str) -> "Submission":
        """The same with the notebook of one assignment, where this student handed in several, and nothing else."""
        return replace(_choose(self, {wanted}) if len(self.others) > 1 else self, others=())


def find(place: Path) -> list[Submission]:
    """All submissions of a folder, or of a zip file of one.

    A student is what the platform's names say. Else it is a file ``NAME.ipynb``, or a folder ``NAME`` or archive
    ``NAME.zip`` with the notebook somewhere inside; outer folders and sections are nobody.

    Args:
        place: the folder or the zip file.

    Returns:
        One submission for each student, sorted by name. The newest notebook counts, and its remark names the others.
    """
    found = list(files.find(place))
    by_path = {file.path: file for file in found}
    strong = {file.path for file in found if file.fitting and _rank(file, set(NAMES)) > 1}
    folders = {str(parent) for path in strong for parent in PurePosixPath(path).parents}

    def matters(path: str) -> bool:
        """A notebook of an assignment; where a folder has none, any file that could be one."""
        return path in strong or (by_path[path].fitting and str(PurePosixPath(path).parent) not in folders)

    metadata = "\n".join(file.data.decode("utf-8", "replace") for file in found if file.path.endswith(files.METADATA))
    owners = layout.owners(list(by_path), matters, metadata)
    groups: dict[str, list[tuple[File, Owner]]] = defaultdict(list)
    for path, owner in owners.items():
        groups[owner.who].append((by_path[path], owner))
    submissions = [_submission(who, group) for who, group in groups.items()]
    return sorted(submissions, key=lambda one: (one.student, one.key))


def of_one(place: Path, wanted: str) -> Submission:
    """What one student handed in for an assignment, where everything in a folder is this student's.

    Args:
        place: the folder, in which the student may have whole folders of other things.
        wanted: the assignment.
    """
    found = find(place)
    handed = sorted((each for one in found for each in one.others), key=lambda each: each[0], reverse=True)
    if not handed:
        return found[0] if found else Submission("", "submission", "", problem=NO_NOTEBOOK)
    return replace(_choose(replace(found[0], others=tuple(handed)), {wanted}), others=())


def _submission(who: str, group: list[tuple[File, Owner]]) -> Submission:
    """One student's files, the newest first."""
    student = group[0][1].student
    # archives tell the time in steps of two seconds
    own = [((owner.order, file.time // 2), file) for file, owner in group if not owner.platform]
    own.sort(key=lambda one: (one[0], _content(one[1].data)[1], one[1].path), reverse=True)
    top = min((file.path for file, _ in group), key=lambda path: (path.count("/"), path))
    first = Submission(student, _key(student, who), top, others=tuple(own))
    return _choose(first, set(NAMES)) if own else replace(first, problem=TYPED)


def _key(student: str, who: str) -> str:
    bare = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", bare).strip("-")[:60]
    return f"{safe or 'student'}-{hashlib.sha256(who.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _choose(submission: Submission, wanted: set[str]) -> Submission:
    """The one file of a student that is graded: the newest of the best kind there is."""
    fitting = [one for one in submission.others if one[1].fitting]
    if not fitting:
        problem = next(filter(None, (file.problem for _, file in submission.others)), NO_NOTEBOOK)
        return replace(submission, problem=problem)
    place = max(range(len(fitting)), key=lambda k: (_rank(fitting[k][1], wanted), -k))
    age, kept = fitting[place]
    newer = [(other, file) for other, file in fitting if other > age and not _content(file.data)[0]]
    rivals = [one for one in fitting if one[1].data != kept.data and _rank(one[1], wanted) > 1] + newer
    rivals = [one for one in rivals if _notebook(one[1])]
    why = "which has the most code" if any(other == age for other, _ in rivals) else "which is the newest"
    why = "which is the newest of this assignment that can be read" if newer else why
    told = ", ".join(sorted(file.path for _, file in rivals))
    remark = f"{kept.path} was graded, {why}, and not {told}"[:500] if rivals else ""
    return replace(submission, file=kept.path, data=kept.data, problem=kept.problem, remark=remark)


def _notebook(file: File) -> bool:
    return ".ipynb" in file.path.lower()


def _rank(file: File, wanted: set[str]) -> int:
    """How fit a file is to be graded: 3 the assignment as a notebook, 2 as a script, 1 another notebook, 0 the rest."""
    return 2 * bool(_content(file.data)[0] & wanted) + _notebook(file)


@functools.lru_cache(maxsize=4096)
def _content(data: bytes) -> tuple[frozenset[str], int]:
    """The assignments that a file may be of, and how much code it has."""
    try:
        notebook = read(data)
    except Unreadable:
        return frozenset(), 0
    kinds = frozenset(name for name in NAMES if assignment(notebook, {name: NAMES[name]}))
    return kinds, sum(map(len, notebook.cells))
