"""Where a test runs that a GPU has to pass: on a CPU too, or its own mistakes would be seen on the rare day alone."""

import pytest
import torch

ON_CUDA = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
DEVICES = ["cpu", pytest.param("cuda", marks=ON_CUDA)]
