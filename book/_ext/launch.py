"""The launch and source buttons, from the repository's address; there are none while it is not known."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
import address

BRANCH = "main"  # nbgitpuller follows a branch: a tag it can fetch once and not again


def options(repository: str) -> dict:
    """What the theme needs to know for its buttons."""
    launch = {"notebook_interface": "jupyterlab", "colab_url": "https://colab.research.google.com"}
    if address.hub():
        launch["jupyterhub_url"] = address.hub()
    return {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": address.tag(),
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
        if address.current() != address.UNKNOWN:
            config.html_theme_options |= options(address.current())

    def follow(app, pagename, templatename, context, doctree) -> None:
        for group in context.get("header_buttons", []):
            for button in group.get("buttons", []):
                if "/git-pull?" in button.get("url", ""):
                    button["url"] = button["url"].replace(f"branch={address.tag()}", f"branch={BRANCH}")

    app.connect("linkcheck-process-uri", registered)
    app.connect("config-inited", buttons)
    app.connect("html-page-context", follow, priority=900)  # after the theme's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
