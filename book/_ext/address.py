"""The repository's address: kept in pyproject.toml, shown in many places.

As a Sphinx extension it makes the launch and source buttons from it. As a script, ``python book/_ext/address.py
owner/name`` writes a new one into pyproject.toml and wherever the old one stands: the citation, the first cell of every
chapter. OWNER/REPO means that there is none yet; then the book has no such buttons. Without an argument the address
stays, and the first cells get the tag of the version that pyproject.toml has now.
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
    "book/**/*.md",
    "book/**/*.ipynb",
)
BRANCH = "main"  # nbgitpuller follows a branch: a tag it can fetch once and not again


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
            line
            if f"{UNKNOWN} means" in line
            else installs.sub(version, old.sub(new, line))
            for line in text.splitlines(keepends=True)
        ]
        if "".join(lines) != text:
            part = path.with_suffix(".part")
            part.write_text("".join(lines), encoding="utf-8")
            os.replace(part, path)
            changed.append(path)
    return changed


def options(address: str) -> dict:
    """What the theme needs to know for its buttons."""
    launch = {
        "notebook_interface": "jupyterlab",
        "colab_url": "https://colab.research.google.com",
    }
    if hub():
        launch["jupyterhub_url"] = hub()
    return {
        "repository_url": f"https://github.com/{address}",
        "repository_branch": tag(),
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": launch,
    }


def registered(app, uri: str) -> str | None:
    """Where `make links` asks for a DOI: its registry, for publishers turn programs away."""
    doi = "https://doi.org/"
    return uri.replace(doi, f"{doi}api/handles/", 1) if uri.startswith(doi) else None


def setup(app) -> dict:
    """Give the theme its buttons once the address is known."""

    def buttons(app, config) -> None:
        if current() != UNKNOWN:
            config.html_theme_options |= options(current())

    def follow(app, pagename, templatename, context, doctree) -> None:
        for group in context.get("header_buttons", []):
            for button in group.get("buttons", []):
                if "/git-pull?" in button.get("url", ""):
                    button["url"] = button["url"].replace(
                        f"branch={tag()}", f"branch={BRANCH}"
                    )

    app.connect("linkcheck-process-uri", registered)
    app.connect("config-inited", buttons)
    app.connect("html-page-context", follow, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    for file in change(sys.argv[1] if sys.argv[1:] and sys.argv[1] else current()):
        print(file.relative_to(ROOT))
