#!/usr/bin/env bash
# pytorch-optimizer's SOAP, called alike, is another optimizer in 4.1.0 than in 3.5.0: already the first step that moves
# the weights has another length. (The guess was: a new major version may change names, not the steps of an algorithm
# from a paper.) The first call of step() only fills the preconditioner; 3.5.0 counts it in Adam's bias correction, 4.1.0
# does not. A training that was reproduced to the last digit with one of them is not with the other.
#
# Output seen (the largest weight after the first, second and third step):
#   3.5.0 0.000000 0.005246 0.015946
#   4.1.0 0.000000 0.007326 0.020104
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6 2>/dev/null
for version in 3.5.0 4.1.0; do
    "$folder/env/bin/pip" install -q --no-deps --target "$folder/$version" "pytorch-optimizer==$version" 2>/dev/null
done
cat >"$folder/steps.py" <<'PYTHON'
import torch
from pytorch_optimizer import SOAP

torch.manual_seed(0)
inputs = torch.randn(64, 8, dtype=torch.float64)
targets = inputs @ torch.randn(8, 3, dtype=torch.float64)
weight = torch.zeros(8, 3, dtype=torch.float64, requires_grad=True)
optimizer = SOAP([weight], lr=1e-2, betas=(0.95, 0.95), weight_decay=0.0, precondition_frequency=10)
for _ in range(3):
    optimizer.zero_grad()
    (inputs @ weight - targets).square().mean().backward()
    optimizer.step()
    print(f"{weight.detach().abs().max():.6f}", end=" ")
PYTHON
steps() { PYTHONPATH="$folder/$1" "$folder/env/bin/python" -W ignore "$folder/steps.py"; }
old=$(steps 3.5.0) new=$(steps 4.1.0)
echo "3.5.0 $old"
echo "4.1.0 $new"
[ "$old" = "0.000000 0.005246 0.015946 " ] && [ "$new" = "0.000000 0.007326 0.020104 " ]
