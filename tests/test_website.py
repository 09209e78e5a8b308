"""What makes pages a site: where they live, the card, the first address, 404, the sitemap, and the last touch."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import website

ROOT = Path(__file__).resolve().parents[1]
SMALL = """import sys
sys.path.insert(0, {ext!r})
from launch import address
address.current = lambda: {repository!r}
extensions = ["sphinx.ext.mathjax", "myst_parser", "website"]
html_theme = "sphinx_book_theme"
html_title = "Small & fine"
html_static_path = [{static!r}]
html_css_files = ["icons.css"]
html_theme_options = {{}}
root_doc = "intro"
"""


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("OWNER/REPO", ""),
        ("Some/course", "https://some.github.io/course/"),
        ("Some/some.github.io", "https://some.github.io/"),
    ],
)
def test_pages_live_where_github_shows_them(repository, address):
    assert website.base(repository) == address


@pytest.fixture(scope="module", params=["OWNER/REPO", "some/course"])
def site(request, tmp_path_factory):
    """A book of two pages, before and after its address is known."""
    folder = tmp_path_factory.mktemp("site")
    static = str(ROOT / "book" / "_static")
    conf = SMALL.format(ext=str(ROOT / "book" / "_ext"), repository=request.param, static=static)
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    (folder / "intro.md").write_text(
        "# Intro\n\nA first sentence of the book that tells that 1 < 2.\n\n[**One**](one.md) First.\n\n"
        "```{toctree}\none\n```\n",
        encoding="utf-8",
    )
    (folder / "one.md").write_text(
        "# One\n\n12 minutes of reading; {math}`x^2` is all that is needed.\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", str(folder), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return request.param, folder / "out"


def read(path) -> str:
    return path.read_text(encoding="utf-8")


def test_a_page_shows_its_card(site):
    repository, out = site
    tags = dict(re.findall(r'<meta property="([\w:]+)" content="([^"]*)"', read(out / "intro.html")))
    assert tags["og:title"] == "Intro"
    assert tags["og:site_name"] == "Small &amp; fine"
    assert tags["og:description"] == "A first sentence of the book that tells that 1 &lt; 2."
    if website.base(repository):
        assert tags["og:url"] == "https://some.github.io/course/intro.html"
        picture = tags["og:image"].removeprefix("https://some.github.io/course/")
        assert (out / picture).read_bytes()[:2] == b"\xff\xd8"  # a JPEG that is there
    else:
        assert "og:image" not in tags


def test_there_is_a_sitemap_once_the_address_is_known(site):
    repository, out = site
    if not website.base(repository):
        assert not (out / "sitemap.xml").exists()
        return
    found = [place.text for place in ET.parse(out / "sitemap.xml").getroot().iter() if place.tag.endswith("loc")]
    assert found == [f"https://some.github.io/course/{name}.html" for name in ("intro", "one")]
    assert '<link rel="canonical" href="https://some.github.io/course/one.html"' in read(out / "one.html")


def test_the_first_address_leads_to_the_first_page_and_has_the_card(site):
    _, out = site
    page = read(out / "index.html")
    assert 'content="0; url=intro.html"' in page
    assert '<html lang="en">' in page
    assert '<a href="intro.html">' in page
    assert 'property="og:title" content="Small &amp; fine"' in page
    assert '<link rel="icon" href="_static/favicon.svg" />' in page  # else a browser asks for a file that is not there


def test_404_works_at_any_depth(site):
    repository, out = site
    root = "/course/" if website.base(repository) else "/"
    page = read(out / "404.html")
    links = [link for _, link in re.findall(r' (href|src|action)="([^"]*)"', page)]
    assert f"{root}intro.html" in links
    assert [link for link in links if not link.startswith((root, "#", "https:"))] == []
    assert all((out / link.removeprefix(root).split("?")[0]).exists() for link in links if link.startswith(root))


def test_only_pages_with_mathematics_load_mathjax_and_none_loads_a_font_of_icons(site):
    _, out = site
    assert "tex-chtml.js" in read(out / "one.html")
    assert "tex-chtml.js" not in read(out / "intro.html")
    assert "fontawesome.js" not in read(out / "one.html")


def test_the_first_page_gives_each_chapter_its_time(site):
    _, out = site
    assert '</a> <span class="minutes">12 min</span> First.' in read(out / "intro.html")


def test_a_description_is_whole_sentences():
    from docutils.core import publish_doctree

    text = "Short.\n\nA sentence of some length stands here, first of all. " + "Then one more follows it at once. " * 20
    told = website.describe(publish_doctree(text))
    assert told.startswith("A sentence of some length")
    assert told.endswith(".")
    assert 100 < len(told) < 200
    assert website.describe(None) == ""


def test_what_is_read_as_one_stays_on_one_line():
    def kept(text):
        return f'<span class="whole">{text}</span>'

    assert (
        website.together("<p>9 x 9, 9-1-5: 32.39 dB</p>")
        == f"<p>{kept('9 x 9')}, {kept('9-1-5')}: {kept('32.39 dB')}</p>"
    )
    formula = '<span class="math notranslate">\\(9-1-5\\)</span>'
    assert website.together(f"<p>{formula}. And</p>") == f"<p>{kept(formula + '.')} And</p>"
    for untouched in (
        "<pre>9 x 9 <b>9 x 9</b></pre>",
        "<code>9-1-5</code>",
        '<a href="9-1-5.html" title="9 x 9">here</a>',
        "<style>.a { margin: 1 x 2 }</style>",
        '<div class="math notranslate">\\[9-1-5\\]</div>',
        "minus 1-2 of 3 and 4 xylophones",
    ):
        assert website.together(untouched) == untouched
