"""What makes pages a site: the finish of each page, its card for social networks, 404, the first address, the sitemap.

Where the site will live follows from the repository's address (tools/address.py). Until that is known there is no
sitemap, and a card names no address. Mathematics works without a network: MathJax comes from a package and travels with
the book; where that package cannot be had, it comes from its usual host, and the build says so. Over ``file://`` search
shows titles without summaries (book.js sees to it): a browser lets no script read the pages.
"""

import posixpath
import re
import shutil
from html import escape
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.jinja2glue import BuiltinTemplateLoader
from sphinx.util import logging

from launch import address

MATHJAX = "sphinx-mathjax-offline"
MISSING = "404"
CARD = "_static/card.jpg"
CARD_ALT = "A cat's eyes in three strips: coarse pixels, bicubic interpolation, SRCNN."
MINUTES = re.compile(r"(\d+) minutes of reading")
TAG = re.compile(r"(<[^>]*>)")
AS_IT_IS = re.compile(r'<(pre|code|script|style|svg)\b|<(span|div) class="math')
# sizes such as 9 x 9, networks such as 9-1-5, and values with their units
NUMBER = r"\d+(?:[.,]\d+)*"
WHOLE = re.compile(rf"{NUMBER}(?: x {NUMBER})+|\d+(?:-\d+){{2,}}|{NUMBER} (?:dB|kB|MB|GB)\b")
FORMULA = re.compile(r'(<span class="math[^"]*">[^<]*</span>[.,;:?!)]+)')


def base(repository: str) -> str:
    """Where GitHub shows the pages of a repository; nothing while the repository is unknown."""
    if repository == address.UNKNOWN:
        return ""
    owner, name = repository.split("/")
    host = f"https://{owner.lower()}.github.io/"
    return host if name.lower() == f"{owner.lower()}.github.io" else f"{host}{name}/"


class Templates(BuiltinTemplateLoader):
    """The theme's templates, each page with a last touch."""

    def render(self, template: str, context: dict) -> str:
        """Fill a template."""
        html = super().render(template, context)
        return finish(html, context) if "pagename" in context and html.lstrip().startswith("<!DOCTYPE") else html


def finish(html: str, context: dict) -> str:
    """Mend what the theme's templates offer no option for."""
    # half a megabyte of script and a font for a dozen icons; icons.css draws them
    html = re.sub(
        r'\s*<!-- So that users can add custom icons -->|\s*<script src="[^"]*fontawesome\.js[^"]*"></script>', "", html
    )
    # Sphinx gives the first page the mathematics of every page under it
    if 'class="math' not in html:
        html = re.sub(r"\s*<script>window\.MathJax = .*?</script>|\s*<script [^>]*mathjax[^>]*></script>", "", html)
    # the theme settles light or dark only when all scripts have run, and until then (or without scripts) has no colors
    html = html.replace(' data-theme="auto"', ' data-theme="light"', 1)
    html = html.replace(
        'localStorage.getItem("theme") || "auto"',
        '(localStorage.getItem("mode") || "auto") === "auto" '
        '? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : localStorage.getItem("mode")',
        1,
    )
    # a role that ARIA has given up; the list around them stays a list
    html = html.replace('role="doc-biblioentry"', 'role="listitem"')
    # names for what shows only an icon, or says something else than it shows
    html = re.sub(
        r">([^<>]+)</a><details([^>]*)><summary>", r'>\1</a><details\2><summary aria-label="Pages under \1">', html
    )
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    html = html.replace(
        '<div id="pst-primary-sidebar"', '<div role="navigation" aria-label="Book" id="pst-primary-sidebar"'
    )
    for what, name in {"search": "Search", "primary-sidebar": "Book", "secondary-sidebar": "On this page"}.items():
        html = re.sub(rf'<dialog (?=id="pst-{what}-(dialog|modal)")', f'<dialog aria-label="{name}" ', html)
    if context["pagename"] == MISSING:  # shown at any depth, so nothing on it may be relative
        root = urlsplit(context["site_base"]).path or "/"
        html = re.sub(
            r'(?<= )(href|src|action|data-content_root)="(?!#|/|[a-z]+:)(?:\./)?([^"]*)"', rf'\1="{root}\2"', html
        )
    return html


def together(body: str) -> str:
    """Keep on one line what a reader takes in as one: a size, a value with its unit, a formula and its full stop."""
    parts, end = TAG.split(body), None
    for number, part in enumerate(parts):
        if end:
            end = None if part.startswith(end) else end
        elif part.startswith("<"):
            begun = AS_IT_IS.match(part)
            end = begun and f"</{begun[1] or begun[2]}"
        else:
            parts[number] = WHOLE.sub(r'<span class="whole">\g<0></span>', part)
    return FORMULA.sub(r'<span class="whole">\1</span>', "".join(parts))


def describe(doctree: nodes.document | None, most: int = 200) -> str:
    """A page's first sentences, as many as fit."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else ()
    text = next((" ".join(p.astext().split()) for p in paragraphs if len(p.astext()) > 40), "")
    sentences, told = re.split(r"(?<=[.?!]) ", text), ""
    for sentence in sentences:
        if told and len(told) + len(sentence) >= most:
            break
        told = f"{told} {sentence}".strip()
    return told


def card(title: str, told: str, context: dict) -> str:
    """The tags that a page shows itself by when somebody shares its address."""
    where = context["site_base"]
    tags = {"og:type": "article", "og:site_name": context["site_name"], "og:title": title, "og:description": told}
    if where:  # an address must be whole to be followed
        tags |= {
            "og:url": f"{where}{context['pagename']}.html",
            "og:image": f"{where}{CARD}",
            "og:image:alt": CARD_ALT,
            "og:image:width": "1200",
            "og:image:height": "630",
            "twitter:card": "summary_large_image",
        }
    lines = [f'<meta property="{name}" content="{escape(content)}" />' for name, content in tags.items() if content]
    if told:
        lines.append(f'<meta name="description" content="{escape(told)}" />')
    return "\n    ".join(lines)


def page(app, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Give a page its card; give the first page the reading time of each chapter that it lists."""
    context |= {"site_base": base(address.current()), "site_name": app.config.html_title}
    if pagename == MISSING:
        context["title"] = "This page is not here"
    title = re.sub(r"<[^>]+>", "", context.get("title", ""))
    context["metatags"] = context.get("metatags", "") + card(title, describe(doctree), context)
    if "body" in context:
        context["body"] = together(context["body"])
    if pagename == "_modules/index":  # Sphinx puts a package's list beside its item, where HTML wants it inside
        context["body"] = context["body"].replace("</li>\n<ul>", "\n<ul>").replace("</ul><li>", "</ul></li>\n<li>")
    if pagename == app.config.root_doc:
        context["body"] = re.sub(
            r'(<p><a [^>]*href="(\w+)\.html"><[^\n]*?</a>)', lambda m: timed(app, m), context["body"]
        )


def timed(app, link: re.Match) -> str:
    """A chapter's link with its reading time, as the chapter tells it."""
    name = posixpath.normpath(posixpath.join(posixpath.dirname(app.config.root_doc), link[2]))
    minutes = MINUTES.search(app.env.get_doctree(name).astext()) if name in app.env.found_docs else None
    return f'{link[1]} <span class="minutes">{minutes[1]} min</span>' if minutes else link[1]


def whole(app, error: Exception | None) -> None:
    """Write the first address, which leads to the first page, and the sitemap."""
    if error or app.builder.name != "html":
        return
    where, out = base(address.current()), Path(app.outdir)
    first = f"{app.config.root_doc}.html"
    title = escape(app.config.html_title)
    tags = card(
        app.config.html_title,
        "",
        {"site_base": where, "site_name": app.config.html_title, "pagename": app.config.root_doc},
    )
    (out / "index.html").write_text(
        f'<!DOCTYPE html>\n<html lang="{app.config.language}">\n<head>\n'
        f'    <meta charset="utf-8" />\n    <title>{title}</title>\n'
        f'    <meta http-equiv="refresh" content="0; url={first}" />\n'
        f'    <link rel="canonical" href="{where}{first}" />\n'
        f'    <link rel="icon" href="_static/favicon.svg" />\n    {tags}\n</head>\n'  # else a browser asks for another
        f'<body><main><h1>{title}</h1><p><a href="{first}">The book begins here.</a></p></main></body>\n</html>\n',
        encoding="utf-8",
    )
    if where:
        places = "".join(f"<url><loc>{where}{name}.html</loc></url>\n" for name in sorted(app.env.found_docs))
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            f"{places}</urlset>\n",
            encoding="utf-8",
        )


def configure(app, config) -> None:
    """Tell Sphinx where the site lives and which templates are its own."""
    # pages of source code are kept while the code is unchanged, even where the templates have changed
    shutil.rmtree(Path(app.outdir) / "_modules", ignore_errors=True)
    mark = {"image_light": "mark-light.svg", "image_dark": "mark-dark.svg", "text": config.html_title}
    config.html_theme_options = {**config.html_theme_options, "logo": mark}
    config.html_baseurl = base(address.current())
    config.templates_path = [*config.templates_path, str(Path(__file__).parents[1] / "_templates")]
    config.html_additional_pages = {**config.html_additional_pages, MISSING: "404.html"}
    config.template_bridge = f"{__name__}.Templates"


def setup(app) -> dict:
    """Connect; take MathJax from its package, or say that it will come over the network."""
    if find_spec(MATHJAX):
        app.setup_extension(MATHJAX)
    else:  # no warning, which would end a strict build: the book is whole, but not offline
        logging.getLogger(__name__).info(
            f"The package {MATHJAX} is not installed, so pages with mathematics will ask cdn.jsdelivr.net for MathJax; "
            f"`pip install {MATHJAX}` makes them work without a network."
        )
    app.connect("config-inited", configure)
    app.connect("html-page-context", page)
    app.connect("build-finished", whole)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
