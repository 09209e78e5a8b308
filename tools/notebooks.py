"""Run chapters anew and store their outputs: ``python tools/notebooks.py book/07_measuring.ipynb ...``.

Each runs in an empty folder, as it would in Colab, so a chapter that needs more than the installed package fails
here. What differs from one run to the next without a meaning (times of execution, the kernel's build) is left out.
With ``--record`` the time and the peak memory of each go to data/results/chapters.json, for the page on
reproducibility.
"""

import base64
import io
import json
import os
import re
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image, ImageChops

RECORD = Path(__file__).resolve().parents[1] / "data" / "results" / "chapters.json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def smaller(png: str) -> str:
    """The same picture in fewer bytes: no alpha where all is opaque, one channel where all is gray."""
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    if image.mode == "RGB":
        red, *others = image.split()
        if not any(ImageChops.difference(red, other).getbbox() for other in others):
            image = red
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return min(png, base64.b64encode(stream.getvalue()).decode(), key=len)


def run(path: Path) -> dict[str, float]:
    """Execute a notebook and write it back, whole or not at all; its seconds and its peak memory in MB."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(METADATA)
    cost = {}

    def measure(**_: object) -> None:
        cost["seconds"] = round(time.monotonic() - began, 1)
        status = Path(f"/proc/{client.km.provisioner.pid}/status")
        if status.exists():  # Linux
            cost["megabytes"] = round(int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024)

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as empty:
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": empty}},
            coalesce_streams=True,  # else a print may lie in two pieces, at another place each time
            on_cell_executed=measure,
        )
        client.execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = smaller(output["data"]["image/png"])
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)
    return cost


def record(costs: dict[str, dict[str, float]]) -> None:
    """Keep what chapters cost, beside the machine; chapters that were not run keep their entries."""
    from srcnn.pretrained import hardware_name
    from srcnn.results import write_json

    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {"chapters": {}}
    chapters = dict(sorted({**kept["chapters"], **costs}.items()))
    where = {"machine": hardware_name(), "torch": version("torch"), "srcnn": version("srcnn")}
    write_json({"command": "make notebooks", **where, "chapters": chapters}, RECORD)


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--record"]
    costs = {}
    for name in names:
        costs[Path(name).stem] = run(Path(name))
        print(name, *(f"{value} {unit}" for unit, value in costs[Path(name).stem].items()))
    if len(names) < len(sys.argv) - 1:
        record(costs)
