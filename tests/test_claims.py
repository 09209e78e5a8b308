"""Five public claims: figures made on Set5 under each one's way of measuring, and whether explain finds that way.

Where the bicubic of a claim is published, its own digits are looked for. Where only a network's figure is, whose
weights are not at hand, the course's network stands in for it; NumPy and scikit-image compute its figure here.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from PIL import Image
from test_explain import by_others

from srcnn import cli, data, images, pretrained
from srcnn.cli import degradations
from srcnn.cli.degradations import KINDS, Degradation, Way, kernels
from srcnn.cli.explain import VALUES, Ruler, matching
from srcnn.images import Photograph, to_bytes, write_photograph
from srcnn.resize import modcrop, shrink

LATER = pytest.mark.release  # half a minute each; one of a kind stands for all
STUDIO, _, FULL, _, OVER_256, RGB = VALUES


def told(capsys, line: str) -> str:
    capsys.readouterr()
    assert cli.main(line.split()) == 0
    return capsys.readouterr().out


@pytest.mark.data
@pytest.mark.parametrize(
    ("scale", "claimed"),
    [pytest.param(2, "33.66", marks=LATER), pytest.param(3, "30.39", marks=LATER), (4, "28.42")],
)
def test_the_papers_bicubic(data_root, capsys, scale, claimed):
    lines = told(capsys, f"explain set5 --weights bicubic --claimed {claimed} --scale {scale}").splitlines()
    assert f"{claimed} dB is" in lines
    way = f"{STUDIO}, {scale} pixels cut from each side, made by MATLAB's imresize on luma"
    assert f"  PSNR of {way}" in lines
    assert f"the published tables have the PSNR of {way}: {claimed}" in lines[-2]
    assert lines[-1].endswith("The low-resolution images were made by MATLAB's imresize on luma.")


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "scale", "claimed"), [("Set5/butterfly.bmp", 2, "26.6645"), ("Set14/comic.bmp", 4, "19.6766")]
)
def test_the_bicubic_of_opencvs_benchmark(data_root, capsys, file, scale, claimed):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed; `pip install opencv-python-headless`")
    lines = told(
        capsys, f"explain {data_root / file} --weights bicubic --claimed {claimed} --scale {scale}"
    ).splitlines()
    assert f"{claimed} dB is" in lines
    by = f"OpenCV {cv2.__version__}, shrinking by INTER_LINEAR on files of 8 bits"
    assert f"  PSNR of RGB, the whole image, made by {by}" in lines
    assert len(lines) <= 5


def by_pillow(image: torch.Tensor, width: int, height: int, kernel: Image.Resampling) -> torch.Tensor:
    array = to_bytes(image).permute(1, 2, 0).numpy()
    return torch.from_numpy(np.array(Image.fromarray(array).resize((width, height), kernel))).permute(2, 0, 1) / 255


def cropped(image: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    truth = modcrop(image, scale)
    return truth, shrink(truth, scale)


def of_basicsr(image: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    truth = modcrop(image, 12)
    return truth, shrink(truth, scale)


def of_yjn870(image: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = (side // scale for side in image.shape[-2:])
    truth = by_pillow(image, scale * width, scale * height, Image.Resampling.BICUBIC)
    return truth, by_pillow(truth, width, height, Image.Resampling.BICUBIC)


def of_the_tutorial(image: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    truth = modcrop(image, scale)
    return truth, by_pillow(truth, truth.shape[-1] // scale, truth.shape[-2] // scale, Image.Resampling.BILINEAR)


PILLOW = next(name for name in kernels() if name.startswith("Pillow") and "BILINEAR" not in name)
MATLAB, FILES = "MATLAB's imresize", KINDS[1]
# Whose, the pair as its authors make it, the scale, the weights, the way of measuring, and the degradation.
CLAIMS: dict[str, tuple[Callable, int, str, Ruler, Degradation]] = {
    "the paper": (cropped, 3, "srcnn-9-1-5-x3", Ruler("PSNR", STUDIO, 3), Degradation(MATLAB, FILES)),
    "mmagic": (
        of_basicsr, 4, "srcnn-9-1-5-x4", Ruler("PSNR", RGB, 4),
        Degradation(MATLAB, FILES, "cropped to a multiple of 12"),
    ),
    "yjn870": (
        of_yjn870, 3, "srcnn-9-5-5-x3", Ruler("PSNR", OVER_256, 0),
        Degradation(PILLOW, FILES, "resized by Pillow to a multiple of the scale"),
    ),
    "the tutorial": (
        of_the_tutorial, 4, "bicubic", Ruler("PSNR", FULL, 0, mean="of the mean error"),
        Degradation(f"{PILLOW}, shrinking by BILINEAR", FILES),
    ),
}  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize("whose", [pytest.param(w, marks=[] if w == "mmagic" else [LATER]) for w in CLAIMS])
def test_a_figure_made_by_the_ruler_of_a_claim(data_root, tmp_path, capsys, whose):
    pair, scale, weights, ruler, how = CLAIMS[whose]
    small, originals, outputs = (tmp_path / name for name in ("small", "originals", "outputs"))
    for folder in (small, originals, outputs):
        folder.mkdir()
    of_set5 = dict(data.photographs("set5", "test"))
    for name, image in of_set5.items():
        truth, low = pair(image, scale)
        write_photograph(originals / f"{name}.png", Photograph(to_bytes(truth)))
        write_photograph(small / f"{name}.png", Photograph(to_bytes(low)))
    told(capsys, f"upscale {small} -o {outputs}/ --weights {weights} --scale {scale}")
    if whose == "the tutorial":  # Pillow enlarges there
        for name, image in of_set5.items():
            truth, low = pair(image, scale)
            large = by_pillow(low, truth.shape[-1], truth.shape[-2], Image.Resampling.BICUBIC)
            (outputs / f"{name}.png").unlink()
            write_photograph(outputs / f"{name}.png", Photograph(to_bytes(large)))

    def figure(names: Iterable[str]) -> str:
        each = [
            by_others(*(images.read(f / f"{name}.png") for f in (outputs, originals)), ruler.values, ruler.shave)
            for name in names
        ]
        mean = ruler.mean == "mean over images"
        return f"{np.mean(each) if mean else -10 * np.log10(np.mean(10 ** (-np.array(each) / 10))):.4f}"

    claimed = figure(of_set5)

    # of the images
    lines = told(capsys, f"explain {outputs} {originals} --claimed {claimed} --scale {scale}").splitlines()
    assert f"{claimed} dB is" in lines
    assert f"  PSNR of {ruler}" in lines
    assert sum(line.startswith("  ") for line in lines) <= 4
    if whose == "mmagic":  # also beside the whole originals, whose sides are no multiples of 12
        whole = told(capsys, f"explain {outputs} {data_root / 'Set5'} --claimed {claimed} --scale {scale}")
        assert whole.splitlines()[-4:] == lines[-4:]

    # and where the images are to be made; two small ones, of which one divides by nothing
    few = ("butterfly", "woman")
    model = None if weights == "bicubic" else pretrained.load(weights).model
    values = degradations.measure([of_set5[name] for name in few], scale=scale, model=model)
    found = matching(values, figure(few))
    assert Way(how, ruler) in found
    assert len(found) <= 4
