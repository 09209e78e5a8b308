"""Whose a file is where no platform named it: folders and names that people chose.

A class must never become one student: what could be several people's is taken for several people's.
"""

import re
from pathlib import PurePosixPath
from typing import NamedTuple

AGAIN = re.compile(  # the same once more: as browsers, systems and people say it
    r"^(?:copy of|kopie von|cop(?:ie|ia) de) +|[ _.-]*(?:\((?P<n>\d+)\)|- (?:kopie|cop(?:y|ie|ia)))$"
    r"|[ _.-]+(?:late|resub\w*|final|v(?P<v>\d+)|version ?\d+)$",
    re.I,
)
ENDING = re.compile(r"(?:\.(?:ipynb|py|txt|json|zip|html?|pdf|docx?|md|png|jpe?g|gif|rar|7z|tar|gz|tgz))+$", re.I)
# words of names that say nothing of a person
GENERIC = frozenset(
    re.findall(
        r"\w+",
        """
    a an and the my of to for by in measure stages training train report three hand student students solution
    solutions answer answers assignment assignments homework homeworks hw ex exercise exercises lab labs task tasks
    project problem problems notebook notebooks ipynb jupyter colab code src source work working final finished done
    complete completed new old older newer newest latest last first second third draft version ver rev copy kopie
    copia backup bak original submit submission submissions submitted handin hand upload uploads attempt
    attempts late resubmission revised fixed fix corrected correction untitled test tests testing scratch playground
    try temp tmp part parts question questions week chapter chapters ch data image images img pictures figures
    output outputs results files file documents desktop downloads download archive srcnn book course sr super main
    master ok good real graded experiment experiments notes checkpoint checkpoints script scripts module helper
    helpers utils improved better pycache
""",
    )
)


class Owner(NamedTuple):
    """Whose a file is.

    Attributes:
        who: the same for all files of a student, another one for each student.
        student: who that is, to be read.
        order: larger for a later attempt, as far as names tell.
        platform: whether it is the platform's own file, and no part of what was handed in.
    """

    who: str
    student: str
    order: tuple = ()
    platform: bool = False


def plain(name: str) -> str:
    """A name without the endings that a file or an archive has."""
    return ENDING.sub("", name) or name


def again(stem: str) -> tuple[str, int]:
    """A name without what marks another copy or attempt, and which one it is; 0 for the first."""
    order = 0
    while (found := AGAIN.search(stem)) and found[0] != stem:
        order = max(order, int(found["n"] or found["v"] or 1))
        stem = stem[: found.start()] + stem[found.end() :]
    return stem, order


def personal(name: str) -> frozenset[str]:
    """The words of a name that may be a person's."""
    return frozenset(re.findall(r"[^\W\d_]{2,}|\d{4,}", again(plain(name))[0].casefold())) - GENERIC


def owners(paths: list[str], matter: set[str]) -> dict[str, Owner]:
    """Whose each file is.

    Args:
        paths: of the files.
        matter: of those that could be graded; they show on which level of the folders the students are.
    """
    parts = {path: PurePosixPath(path).parts for path in paths}
    found = _Tree(set(parts.values()), {parts[path] for path in matter}).people()
    return {path: found[parts[path]] for path in paths if parts[path] in found}


class _Tree:
    """Folders and files; each is the tuple of the names that lead to it."""

    def __init__(self, leaves: set[tuple], matter: set[tuple]) -> None:
        self.leaves, self.matter = leaves, matter
        self.children: dict[tuple, list[tuple]] = {(): []}
        for path in sorted({leaf[:k] for leaf in leaves for k in range(1, len(leaf) + 1)}):
            self.children.setdefault(path[:-1], []).append(path)
        self.relevant = {leaf[:k] for leaf in matter for k in range(1, len(leaf) + 1)}
        self.found: dict[tuple, Owner] = {}

    def people(self) -> dict[tuple, Owner]:
        """Whose each file is."""
        top = ()
        while len(self.children[top]) == 1 and self.children[top][0] not in self.leaves:
            top = self.children[top][0]  # an outer folder or archive
        self.outer = len(top)
        inside = self._inside(top)
        one = inside[0] if len(inside) == 1 else ()
        named = [k for k in range(len(top)) if personal(top[k])]
        if named and (one in self.leaves or not inside) and not personal(one[-1] if one else ""):
            self.outer = named[-1]  # there is one student, whose name is a folder's
            self._take(top[: named[-1] + 1])
        else:
            self._class(top)
        return self.found

    def _inside(self, folder: tuple) -> list[tuple]:
        """What of a folder matters: files that could be graded, and folders with such files."""
        return [path for path in self.children.get(folder, ()) if path in self.relevant]

    def _names(self, folder: tuple) -> int:
        """How many different people's names a folder has in it; of one other folder, that one's."""
        inside = self._inside(folder)
        if len(inside) == 1 and inside[0] not in self.leaves:
            return self._names(inside[0])
        names = {personal(path[-1]) for path in inside} - {frozenset()}
        shared = any(personal(folder[-1]) & name for name in names)
        return 1 if shared and len(names) == 2 else len(names)  # a student's own name on one of two files

    def _class(self, folder: tuple) -> None:
        """Everything in a folder is somebody's: a file is a student's, a folder a student's or a section."""
        folders = [path for path in self.children[folder] if path not in self.leaves]
        counts = {path: self._names(path) for path in folders}
        several = sum(count > 1 for count in counts.values())
        for path in self.children[folder]:
            count = counts.get(path, 0)
            # two names in one of many folders are one student's two notebooks
            if count > 2 or (count == 2 and 2 * several >= len(folders)) or (several and self._section_of_one(path)):
                self._class(path)
            elif path in self.relevant or path in self.leaves or personal(path[-1]):
                self._take(path)

    def _section_of_one(self, folder: tuple) -> bool:
        inside = self._inside(folder) if folder not in self.leaves else []
        return len(inside) == 1 and bool(personal(inside[0][-1]) - personal(folder[-1]))

    def _take(self, path: tuple) -> None:
        """All of a path is one student's."""
        stem = plain(path[-1]) if path in self.leaves else re.sub(r"\.zip$", "", path[-1], flags=re.I)
        base, order = again(stem)
        name, order = (base, order) if personal(base) else (stem, 0)  # "stages (1)" may be anybody's
        sections = [re.sub(r"\.zip$", "", part, flags=re.I) for part in path[self.outer : -1]]
        for leaf in self.leaves:
            if leaf[: len(path)] == path:
                inner = order if leaf == path else max(order, again(plain(leaf[-1]))[1])
                self.found[leaf] = Owner("/".join([*sections, name]), name, (inner,))
