"""Look after what the course needs from others: ``python tools/dependencies.py`` (`make audit`).

DEPENDENCIES.md says in a line for each distribution of pyproject.toml why it is needed, which is written by hand. This
writes beside it the version of constraints.txt, the license and the date of the last release, which PyPI tells. It
ends with 1 where a reason is missing or a license is not among those that are allowed.
"""

import json
import re
import sys
import tomllib
import urllib.request
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "DEPENDENCIES.md"
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
# What older metadata say instead of an SPDX expression
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Read by a person, because the metadata say nothing, say it in words, or name a license that is not in the list
READ = {
    "asttokens": "Apache-2.0",
    "axe-playwright-python": "MIT",  # and axe-core, which it carries: MPL-2.0
    "codespell": "GPL-2.0-only",  # a program that `make check` runs; nothing of it is imported or passed on
    "docutils": "BSD-2-Clause",  # most is in the public domain; GPL is one file for Emacs, not installed
    "overrides": "Apache-2.0",
    "protobuf": "BSD-3-Clause",
}
ALONE = {"codespell": "GPL-2.0-only"}  # a license that is allowed to this one


def name_of(requirement: str) -> str:
    """The distribution of a requirement, in PyPI's normal form."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def named() -> dict[str, str]:
    """Every distribution that pyproject.toml names, with the extras that need it (or "package")."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, list[str]] = {}
    for extra, requirements in {"package": project["dependencies"], **project["optional-dependencies"]}.items():
        for requirement in requirements:
            found.setdefault(name_of(requirement), []).append(extra)
    return {name: ", ".join(extras) for name, extras in found.items()}


def pinned() -> dict[str, str]:
    """Name and version of every line of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {name_of(name): version for name, found, version in (line.partition("==") for line in lines) if found}


def license_of(name: str) -> str:
    """The license of an installed distribution as an SPDX expression; what its metadata say where they use no such."""
    if name in READ:
        return READ[name]
    told = distribution(name).metadata
    classifiers = [line.split(" :: ")[-1] for line in told.get_all("Classifier", []) if line.startswith("License")]
    words = (told.get("License") or "").strip()  # which may also be a whole license
    found = told.get("License-Expression") or " OR ".join(CLASSIFIERS.get(each, each) for each in classifiers)
    return found or CLASSIFIERS.get(words, words if len(words) < 40 else "none")


def allowed(name: str) -> bool:
    """Whether every part of a license is one that the course takes."""
    parts = set(re.split(r" AND | OR |[()]", license_of(name))) - {""}
    return parts <= ALLOWED or license_of(name) == ALONE.get(name)


def last_release(name: str) -> str:
    """The day of the newest file on PyPI."""
    request = urllib.request.Request(
        f"https://pypi.org/simple/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return max(file["upload-time"] for file in json.load(answer)["files"])[:10]


def rows() -> dict[str, list[str]]:
    """The table's rows by name: extras, reason, version, license, last release."""
    lines = re.findall(r"^\| `([^`]+)` \|(.+)\|$", TABLE.read_text(encoding="utf-8"), flags=re.M)
    return {name: [cell.strip() for cell in line.split("|")] for name, line in lines}


def main() -> int:
    """Write the table again, and tell what is not as it should be."""
    had, versions, wanted = rows(), pinned(), named()
    troubles = [f"{name} has no reason in {TABLE.name}" for name in wanted if not had.get(name, ["", ""])[1]]
    troubles += [f"the license of {name} is {license_of(name)!r}" for name in versions if not allowed(name)]
    text = TABLE.read_text(encoding="utf-8")
    head = text[: text.index("\n|---") + 1]
    head += text[len(head) :].partition("\n")[0] + "\n"
    for name, extras in wanted.items():
        reason = had.get(name, ["", ""])[1]
        cells = f"`{name}`", extras, reason, versions[name], license_of(name), last_release(name)
        head += f"| {' | '.join(cells)} |\n"
    TABLE.write_text(head, encoding="utf-8")
    print("\n".join(troubles) or f"{len(wanted)} distributions, each with a reason; {len(versions)} licenses allowed")
    return bool(troubles)


if __name__ == "__main__":
    sys.exit(main())
