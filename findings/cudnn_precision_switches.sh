#!/usr/bin/env bash
# PyTorch 2.13.0 has two switches for TF32 in cuDNN's convolutions, and each surprises whoever wants float32.
# 1. `with torch.backends.cudnn.flags(allow_tf32=False):` turns cuDNN off altogether, for its `enabled` is False unless
#    given. (The guess was: what is not named stays as it is.)
# 2. After `cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "ieee"`, which says the same as the older
#    `cudnn.allow_tf32 = False`, reading that older switch raises RuntimeError, and says that the two differ. (The guess
#    was: False.) A library that saves and restores allow_tf32 fails in such a program. No GPU is needed to see either.
#
# Output seen:
#   inside flags(allow_tf32=False): enabled False
#   conv and rnn both ieee: reading allow_tf32 raises RuntimeError, "cuDNN conv and cuDNN RNN have different TF32 flags"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import torch

cudnn = torch.backends.cudnn
assert cudnn.enabled
with cudnn.flags(allow_tf32=False):
    print("inside flags(allow_tf32=False): enabled", cudnn.enabled)
    assert not cudnn.enabled
cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "ieee"
assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("ieee", "ieee")
told = "cuDNN conv and cuDNN RNN have different TF32 flags"
try:
    value = cudnn.allow_tf32
except RuntimeError as error:
    assert told in str(error), error
    print(f'conv and rnn both ieee: reading allow_tf32 raises RuntimeError, "{told}"')
else:
    raise SystemExit(f"reading allow_tf32 gives {value}")
PYTHON
