#!/usr/bin/env bash
# Guess: pytorch-optimizer's SOAP with merge_dims=True, which joins the axes of a filter up to max_precondition_dim, works
# with any network; a parameter that is small as a whole simply becomes one axis.
# Seen with 4.1.0: such a parameter ends in "RuntimeError: shape '[1]' is invalid for input of size N" at the second step:
# every bias, and with the default of 10,000 every layer of a small network (the first of SRCNN has 5,184 weights). Larger
# ones train. So the option cannot be switched on for a small convolutional network; only groups without merge_dims for
# what is small, and a max_precondition_dim below the layers' sizes, make it work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pytorch-optimizer==4.1.0 2>/dev/null
cat >"$folder/merge.py" <<'PYTHON'
from importlib.metadata import version

import torch
from pytorch_optimizer import SOAP


def trained(layer: torch.nn.Module, **options: object) -> str:
    optimizer = SOAP(layer.parameters(), merge_dims=True, **options)
    try:
        for _ in range(3):
            optimizer.zero_grad()
            layer(torch.rand(2, 1, 33, 33)).square().mean().backward()
            optimizer.step()
    except RuntimeError as error:
        return str(error)
    return "trained"


seen = {
    "9 x 9, no bias, at most 10,000": trained(torch.nn.Conv2d(1, 64, 9, bias=False)),
    "9 x 9, no bias, at most 81": trained(torch.nn.Conv2d(1, 64, 9, bias=False), max_precondition_dim=81),
    "9 x 9, bias, at most 81": trained(torch.nn.Conv2d(1, 64, 9), max_precondition_dim=81),
}
print(version("pytorch-optimizer"), seen)
assert list(seen.values()) == [
    "shape '[1]' is invalid for input of size 5184",
    "trained",
    "shape '[1]' is invalid for input of size 64",
]
PYTHON
"$folder/env/bin/python" "$folder/merge.py"
echo "as described"
