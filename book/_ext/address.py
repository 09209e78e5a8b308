"""The repository's address: kept in pyproject.toml, shown in many places.

As a Sphinx extension it makes the launch and source buttons from it. As a script, ``python book/_ext/address.py
owner/name`` writes a new one into pyproject.toml and wherever the old one stands: README, the citation, the first
cell of every chapter. OWNER/REPO means that there is none yet; then the book has no such buttons.
"""

import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "OWNER/REPO"
HOLDERS = (
    "pyproject.toml",
    "README.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "book/*.md",
    "book/*.ipynb",
)


def current() -> str:
    """Owner and name, such as ``OWNER/REPO``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def change(new: str) -> list[Path]:
    """Write a new address everywhere; returns the files changed."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", new):
        raise SystemExit(f"{new!r} is no repository; give REPO=owner/name")
    old = re.compile(rf"(?<![\w.-]){re.escape(current())}(?![\w-])")
    changed = []
    for path in sorted(p for pattern in HOLDERS for p in ROOT.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        # the word that means "unknown" stays where it is explained
        lines = [
            line if f"{UNKNOWN} means" in line else old.sub(new, line)
            for line in text.splitlines(keepends=True)
        ]
        if "".join(lines) != text:
            part = path.with_suffix(".part")
            part.write_text("".join(lines), encoding="utf-8")
            os.replace(part, path)
            changed.append(path)
    return changed


def setup(app) -> dict:
    """Give the theme its buttons once the address is known."""

    def buttons(app, config) -> None:
        address = current()
        if address == UNKNOWN:
            return
        config.html_theme_options |= {
            "repository_url": f"https://github.com/{address}",
            "repository_branch": "main",
            "path_to_docs": "",
            "use_repository_button": True,
            "use_issues_button": True,
            "launch_buttons": {
                "colab_url": "https://colab.research.google.com",
                "notebook_interface": "jupyterlab",
            },
        }

    app.connect("config-inited", buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    for file in change(sys.argv[1] if len(sys.argv) > 1 else ""):
        print(file.relative_to(ROOT))
