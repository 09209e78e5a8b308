#!/usr/bin/env bash
# Guess: torch.compile's cache on disk knows for which vector instructions it compiled, so that a program under another
# ATEN_CPU_CAPABILITY compiles anew.
# Seen with PyTorch 2.13.0 on a processor with AVX-512, in a cache folder of its own: a small convolutional network compiled
# by a first process gives wrong numbers in a second process with ATEN_CPU_CAPABILITY=avx2, without an error. With an empty
# cache the same second process is right. (On a processor without AVX-512 both are right and this script fails.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "torch==2.13.0" "numpy==2.3.5"
cat >"$folder/compiled.py" <<'PYTHON'
import torch

torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 1), torch.nn.ReLU(),
                              torch.nn.Conv2d(2, 1, 3)).to(memory_format=torch.channels_last)
image = torch.rand(2, 1, 9, 9)
difference = (torch.compile(network)(image) - network(image)).abs().max().item()
print("right" if difference < 1e-5 else f"wrong by {difference:.3f}")
PYTHON
run() { env OMP_NUM_THREADS=1 TORCHINDUCTOR_CACHE_DIR="$1" "${@:2}" "$folder/env/bin/python" "$folder/compiled.py" 2>/dev/null; }
first=$(run "$folder/cache" A=1)
second=$(run "$folder/cache" ATEN_CPU_CAPABILITY=avx2)
alone=$(run "$folder/empty" ATEN_CPU_CAPABILITY=avx2)
echo "compiled for AVX-512: $first; AVX2 from its cache: $second; AVX2 from an empty cache: $alone"
[[ $first == right && $second == wrong* && $alone == right ]]
echo "as described"
