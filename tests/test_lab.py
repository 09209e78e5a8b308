"""The chapters in a real JupyterLab: each opens from an empty folder, runs whole from the menu, nothing complains."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browse import IN_CHROMIUM
from playwright.sync_api import expect
from test_address import copy_repository

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
TOKEN = "of-this-test-only"
OPTIONS = ["--no-browser", "--port=0", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
# Milliseconds, for what never comes: a page that does not open, a chapter that does not end. Nothing is measured.
OPENING, RUNNING = 120_000, 600_000

# The cells of the open notebook, once the kernel rests after running all of them or one of them failed.
OUTCOME = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code').map(cell => cell.toJSON());
  const errors = cells.flatMap(cell => cell.outputs.filter(output => output.output_type === 'error'));
  const idle = panel.sessionContext.session?.kernel?.status === 'idle';
  const whole = cells.every(cell => cell.execution_count !== null);
  return (errors.length || (idle && whole)) && cells;
}"""

pytestmark = IN_CHROMIUM


@contextlib.contextmanager
def lab(command: list[str], home: Path, **options: object) -> Iterator[str]:
    """A running JupyterLab that knows nothing of the user's settings; gives the address that it prints."""
    own = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    foreign = ("JUPYTER", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    log = home / "log"
    with log.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(
            command,
            env={**kept, **own, "HOME": str(home)},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            **options,
        )
        try:
            yield _address(server, log)
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:  # a thread of the server sometimes outlives its end, and waits for ever
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _address(server: subprocess.Popen, log: Path) -> str:
    while True:
        told = re.search(r"http://(?:localhost|127\.0\.0\.1):[1-9]\d*/\S+", log.read_text(encoding="utf-8"))
        if told:
            return told.group().split("?")[0].replace("localhost", "127.0.0.1")
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.2)
            pytest.fail(f"JupyterLab ended: {log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with a folder for each chapter, in which nothing else is; no chapter has an output yet."""
    desk = tmp_path_factory.mktemp("desk")
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        (desk / path.stem).mkdir()
        nbformat.write(notebook, desk / path.stem / path.name)
    return desk


@pytest.fixture(scope="module")
def server_address(desk, tmp_path_factory):
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={desk}", "--expose-app-in-browser", *OPTIONS]
    with lab(command, tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture
def page(browser):
    """A page whose errors end the test."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(OPENING)
    troubles = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    page.close()
    assert troubles == []


def open_chapter(page, address: str, path: Path) -> None:
    page.goto(f"{address}/tree/{path.stem}/{path.name}?reset&token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")


@pytest.mark.release
@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_a_chapter_runs_whole_in_jupyterlab(page, server_address, path):
    open_chapter(page, server_address, path)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    cells = page.wait_for_function(OUTCOME, timeout=RUNNING).json_value()
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert [f"{error['ename']}: {error['evalue']}" for error in errors] == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    stored = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    shown = [sum(output["output_type"] != "stream" for output in cell["outputs"]) for cell in cells]
    assert shown == [sum(output["output_type"] != "stream" for output in cell.outputs) for cell in stored]
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@pytest.mark.release
def test_solutions_are_folded_until_they_are_opened(page, server_address):
    path = CHAPTERS[2]
    open_chapter(page, server_address, path)
    cells = nbformat.read(path, as_version=4).cells
    solutions = [number for number, cell in enumerate(cells) if "hide-cell" in cell.metadata.get("tags", [])]
    hidden = "() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.inputHidden === true)"
    assert solutions
    assert [number for number, folded in enumerate(page.evaluate(hidden)) if folded] == solutions

    page.evaluate(f"() => window.jupyterapp.shell.currentWidget.content.scrollToItem({solutions[0] + 1})")
    explanation = page.locator(".jp-Notebook details").filter(has_text="Explanation").first
    assert explanation.get_attribute("open") is None
    explanation.locator("summary").click()
    assert explanation.get_attribute("open") is not None


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_lab_opens_the_first_chapter_beside_its_table_of_contents(page, tmp_path):
    venv = Path(sys.prefix)
    command = ["make", f"VENV={venv}", f"--assume-old={venv / '.ready'}", "lab", f"LAB={' '.join(OPTIONS)}"]
    written = []
    for cell in nbformat.read(CHAPTERS[0], as_version=4).cells:
        if cell.cell_type == "markdown":
            written += re.findall(r"^#+ (.+)$", cell.source, flags=re.M)
    fork = copy_repository(tmp_path / "fork")  # JupyterLab saves what it opens
    with lab(command, tmp_path, cwd=fork) as address:
        page.goto(f"{address}?token={TOKEN}")
        expect(page.locator(".jp-tocItem-content:visible")).to_have_text(written, timeout=OPENING)
        page.close()
    assert address.endswith("/lab/tree/book/01_super_resolution.ipynb")
