"""What the page book/explain needs beside its text: its scripts, and the photograph page's own for opening files."""

from pathlib import Path

from srcnn import files

PAGE = "book/explain"
FILES = ("file.js", "explain.js", "page.js")  # in this order
STATIC = Path(__file__).parents[1] / "_static"


def setup(app) -> dict:
    """Load the scripts on the one page that uses them."""

    def write(app) -> None:
        if app.builder.format != "html":
            return
        target = Path(app.outdir) / "_static" / "explain" / "file.js"
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, (STATIC / "photo" / "file.js").read_text(encoding="utf-8"))

    def load(app, pagename, templatename, context, doctree) -> None:
        if pagename == PAGE:
            app.add_css_file("explain/explain.css")
            for name in FILES:
                app.add_js_file(f"explain/{name}", loading_method="defer")

    app.connect("builder-inited", write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
