"""The book from a folder, with no network and no server; and a build where the package with MathJax is missing."""

import subprocess
import sys

import pytest
from browse import NEEDS, PAGES, ROOT, visit, watch


def build(folder, hidden: bool) -> tuple[str, str]:
    """Build a page with a formula in a process where MathJax's package is there or not; the output and the page."""
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['sphinx.ext.mathjax', 'myst_parser', 'website']\nproject = 'small'\n"
        "html_theme = 'sphinx_book_theme'\nhtml_theme_options = {}\nroot_doc = 'intro'\n",
        encoding="utf-8",
    )
    (folder / "intro.rst").write_text("Small\n=====\n\n:math:`x^2`\n", encoding="utf-8")
    hide = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'sphinx-mathjax-offline' else find(name, *a)\n"
    )
    script = f"{hide if hidden else ''}\nimport sys\nfrom sphinx.cmd.build import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "-W", "-E", str(folder), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, (folder / "out" / "intro.html").read_text(encoding="utf-8")


def test_mathjax_travels_with_the_book(tmp_path):
    told, page = build(tmp_path, hidden=False)
    assert "cdn" not in told + page
    assert 'src="_static/mathjax/tex-chtml.js' in page
    assert (tmp_path / "out" / "_static" / "mathjax" / "tex-chtml.js").stat().st_size > 1_000_000


def test_without_its_package_mathjax_comes_over_the_network_and_the_build_says_so(tmp_path):
    told, page = build(tmp_path, hidden=True)
    assert "sphinx-mathjax-offline is not installed" in told
    assert "pip install sphinx-mathjax-offline" in told
    assert "https://cdn.jsdelivr.net/npm/mathjax" in page


class TestFromAFolder:
    """What test_pages does not do with every page."""

    pytestmark = NEEDS

    def test_opened_in_the_dark_a_page_is_dark(self, browser):
        page = browser.new_page(color_scheme="dark")
        visit(page, f"{PAGES.as_uri()}/book/glossary.html")
        theme = page.evaluate("document.documentElement.dataset.theme")
        page.close()
        assert theme == "dark"

    @pytest.mark.parametrize("from_folder", [True, False])
    def test_search_finds_the_chapter(self, browser, address, from_folder):
        """From a folder without summaries, which a browser would have to fetch; from a server with them."""
        where = PAGES.as_uri() if from_folder else address
        page = browser.new_page()
        troubles = watch(page, where)
        page.goto(f"{where}/search.html?q=sub-pixel", wait_until="networkidle")
        page.wait_for_function("document.querySelectorAll('#search-results li').length > 2")
        page.wait_for_load_state("networkidle")
        found = page.locator("#search-results li a").all_inner_texts()
        summaries = page.locator("#search-results li p.context").count()
        page.close()
        assert troubles == []
        assert any(title.startswith("14.") for title in found)
        assert (summaries == 0) is from_folder
