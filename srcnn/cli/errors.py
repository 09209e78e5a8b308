"""What goes wrong, in words: every error that a user can cause is one sentence."""

import torch

from srcnn.files import short


def sentence(error: Exception) -> str:
    """What an error says to a user, in one line that can be read."""
    return short(_told(error))


def _told(error: Exception) -> str:
    if out_of_memory(error):
        return "there is not enough memory for this; fewer or smaller images, or a smaller batch, need less"
    if isinstance(error, OSError) and error.strerror:
        return " ".join(f"{error.filename}: {error.strerror}".removeprefix("None: ").split())
    return " ".join(str(error).split())


def out_of_memory(error: Exception) -> bool:
    """Whether memory was short; on a CPU PyTorch has no class of its own for that."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(w in str(error) for w in ("allocate memory", "not enough memory"))
