"""The repository's address: kept in pyproject.toml, shown in many places.

``python tools/address.py owner/name`` writes a new one into pyproject.toml and wherever the old one stands: the
citation, the first cell of every chapter. OWNER/REPO means that there is none yet. Without an argument the address
stays, and the first cells get the tag of the version that pyproject.toml has now.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNKNOWN = "OWNER/REPO"
HOLDERS = (
    "pyproject.toml",
    "README.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "book/**/*.md",
    "book/**/*.ipynb",
)


def project() -> dict:
    """The table [project] of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def current() -> str:
    """Owner and name, such as ``OWNER/REPO``."""
    return project()["urls"]["Repository"].removeprefix("https://github.com/")


def tag() -> str:
    """The tag of this version, such as ``v0.1.0``: a page and what its chapter installs are of one version."""
    return f"v{project()['version']}"


def hub() -> str | None:
    """The JupyterHub of the course, where there is one.

    Raises:
        SystemExit: its address is not the address of a site.
    """
    address = project()["urls"].get("JupyterHub")
    if address is not None and not re.fullmatch(r"https?://[^\s?#]+", address):
        raise SystemExit(
            f"pyproject.toml: JupyterHub = {address!r} is no address of a site; "
            'give one such as "https://hub.school.example"'
        )
    return address


def change(new: str) -> list[Path]:
    """Write a new address, and the tag of this version, everywhere; returns the files changed."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", new):
        raise SystemExit(f"{new!r} is no repository; give REPO=owner/name")
    old = re.compile(rf"(?<![\w.-]){re.escape(current())}(?![\w-])")
    installs = re.compile(r"(git\+https://github\.com/[\w.-]+/[\w.-]+@)v[\w.+-]+")
    version = rf"\g<1>{tag()}"
    changed = []
    for path in sorted(p for pattern in HOLDERS for p in ROOT.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        # the word that means "unknown" stays where it is explained
        lines = [
            line if f"{UNKNOWN} means" in line else installs.sub(version, old.sub(new, line))
            for line in text.splitlines(keepends=True)
        ]
        if "".join(lines) != text:
            part = path.with_suffix(".part")
            part.write_text("".join(lines), encoding="utf-8")
            os.replace(part, path)
            changed.append(path)
    return changed


if __name__ == "__main__":
    for file in change(sys.argv[1] if sys.argv[1:] and sys.argv[1] else current()):
        print(file.relative_to(ROOT))
