"""Run chapters anew and store their outputs: ``python book/_ext/notebooks.py book/03_measuring.ipynb ...``.

Each runs in an empty folder, as it would in Colab, so a chapter that needs more than the installed package fails
here. What differs from one run to the next without a meaning (times of execution, the kernel's build) is left out.
"""

import base64
import io
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image, ImageChops

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "name": "python",
        "file_extension": ".py",
        "mimetype": "text/x-python",
    },
}


def smaller(png: str) -> str:
    """The same picture, pixel for pixel, in fewer bytes: no alpha where all is opaque, one channel where all is grey."""
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


def run(path: Path) -> None:
    """Execute a notebook and write it back, whole or not at all."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(METADATA)
    with tempfile.TemporaryDirectory() as empty:
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": empty}},
        ).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = smaller(output["data"]["image/png"])
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, flush=True)
        run(Path(name))
