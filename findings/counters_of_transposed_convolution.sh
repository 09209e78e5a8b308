#!/usr/bin/env bash
# Guess: programs that count a network's multiplications agree, but for a factor of two (multiply and add apart or together)
# and for what they make of biases and activations.
# Seen: of a transposed convolution with stride 3, thop 0.1.1 and torchinfo 1.8.0 count 9 times what fvcore 0.1.5 and
# PyTorch's own counter count, and what it takes: each weight is used once per pixel of the input, and those two take the
# pixels of the output. Plain convolutions agree. So FSRCNN, whose last layer is such a one, is given with five times its
# cost: 46 million where 9 are right, beside the 74 million of SRCNN's 9-1-5 for the same output.
#
# Output seen (multiplications in millions, for an output of 96 x 96 pixels; thop, torchinfo, fvcore, torch):
#   transposed convolution 41.8 41.8 4.6 4.6; FSRCNN 46.1 46.1 8.8 8.8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "torch==2.13.0" "numpy==2.4.6"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "thop==0.1.1.post2209072238" \
    "torchinfo==1.8.0" "fvcore==0.1.5.post20221221" "iopath==0.1.10" "yacs==0.1.8" "portalocker==4.4.2" \
    "termcolor==3.3.0" "tabulate==0.10.0" "tqdm==4.70.1" "pyyaml==6.0.3" "pillow==13.0.0"
cat >"$folder/count.py" <<'PYTHON'
import logging

import torch
from fvcore.nn import FlopCountAnalysis
from thop import profile
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchinfo import summary

logging.disable(logging.WARNING)


def counts(network: nn.Module, image: torch.Tensor) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter:
        network(image)
    return {
        "thop": profile(network, (image,), verbose=False)[0],
        "torchinfo": summary(network, input_data=image, verbose=0).total_mult_adds,
        "fvcore": FlopCountAnalysis(network, image).total(),
        "torch": counter.get_total_flops() / 2,
    }


last = nn.ConvTranspose2d(56, 1, 9, stride=3, padding=4, output_padding=2)
fsrcnn = nn.Sequential(
    nn.Conv2d(1, 56, 5, padding=2), nn.PReLU(56), nn.Conv2d(56, 12, 1), nn.PReLU(12),
    nn.Conv2d(12, 12, 3, padding=1), nn.Conv2d(12, 56, 1), nn.PReLU(56), last,
)
plain = nn.Conv2d(16, 16, 3, padding=1, bias=False)
cases = {
    "plain convolution": (plain, torch.rand(1, 16, 32, 32), 32 * 32 * plain.weight.numel()),
    "transposed convolution": (nn.Sequential(last), torch.rand(1, 56, 32, 32), 32 * 32 * last.weight.numel()),
    "FSRCNN": (fsrcnn, torch.rand(1, 1, 32, 32), sum(32 * 32 * p.numel() for p in fsrcnn.parameters() if p.ndim == 4)),
}
for name, (network, image, right) in cases.items():
    seen = counts(network, image)
    print(f"{name}: {right / 1e6:.1f} is right;", {program: f"{count / 1e6:.1f}" for program, count in seen.items()})
    wrong = {"plain convolution": 1, "transposed convolution": 9, "FSRCNN": 5.24}[name]
    for program, count in seen.items():
        assert abs(count / right - (wrong if program in ("thop", "torchinfo") else 1)) < 0.02, (name, program, count / right)
PYTHON
"$folder/env/bin/python" -W ignore "$folder/count.py"
echo "as described"
