"""What crosses the border of the sandbox: numbers, text, tensors and lists of them, as JSON and raw bytes.

Nothing is pickled and nothing is evaluated, so whatever a submission sends, it can become a value and nothing else. A
message is two lengths of eight bytes, a JSON text, and the bytes of its tensors one after the other.
"""

import json
import math
import re

import numpy as np
import torch
from torch import Tensor

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float16, torch.float32, torch.float64, torch.uint8, torch.int8, torch.int16, torch.int32,
                  torch.int64, torch.bool)
}  # fmt: skip
PATIENCE = 3  # times the seconds of the processor that a cell or a call may wait for
HEAD = 16  # bytes before the JSON text: its length, and that of what follows
LARGEST = 256 * 2**20  # bytes of one message; the whole of a photograph in double has a tenth of it
LONGEST = 4096  # binary digits of a whole number
DEEPEST = 16  # lists in lists


class NotSendable(ValueError):
    """A value that cannot cross, or a message that is none; the text says which."""


def pack(message: dict, value: object = None) -> bytes:
    """A message with one value in it.

    Args:
        message: what JSON can say.
        value: numbers, text, None, ``...``, tensors, arrays, and lists, tuples and dictionaries of those.

    Returns:
        The bytes to send.

    Raises:
        NotSendable: the value has a part that is none of those, or is too large.
    """
    blobs: list[bytes] = []
    told = json.dumps({**message, "value": _encode(value, blobs, 0)}).encode()
    body = b"".join(blobs)
    if HEAD + len(told) + len(body) > LARGEST:
        raise NotSendable(f"it is larger than {LARGEST >> 20} MB")
    return len(told).to_bytes(8, "big") + len(body).to_bytes(8, "big") + told + body


def length(head: bytes) -> int:
    """How many bytes follow a message's first :data:`HEAD` bytes."""
    total = int.from_bytes(head[:8], "big") + int.from_bytes(head[8:HEAD], "big")
    if total > LARGEST:
        raise NotSendable(f"a message is larger than {LARGEST >> 20} MB")
    return total


def unpack(head: bytes, rest: bytes) -> tuple[dict, object]:
    """The message and the value in it; the opposite of :func:`pack`.

    Raises:
        NotSendable: it is none. Whoever sent it may have wanted to do harm, so everything is looked at.
    """
    size = int.from_bytes(head[:8], "big")
    try:
        message = json.loads(rest[:size].decode())
        return message, _decode(message.pop("value"), rest[size:], 0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError, MemoryError,
            RuntimeError) as error:  # fmt: skip
        raise NotSendable(f"a message that cannot be read ({type(error).__name__})") from None


def _encode(value: object, blobs: list[bytes], depth: int) -> object:
    if depth > DEEPEST:
        raise NotSendable(f"it has lists in lists, more than {DEEPEST} deep")
    if value is None or isinstance(value, (bool, str)):
        return value if not isinstance(value, str) else {"text": str.__str__(value)}
    if value is ...:
        return {"unanswered": True}
    if isinstance(value, (np.ndarray, np.generic)):
        value = torch.from_numpy(np.array(value))
    if isinstance(value, Tensor):
        return _tensor(value, blobs)
    if isinstance(value, int):
        if int(value).bit_length() > LONGEST:
            raise NotSendable(f"it gives a whole number of more than {LONGEST} binary digits")
        return {"int": format(int(value), "x")}  # hexadecimal has no limit of digits
    if isinstance(value, float):
        return {"float": float(value).hex()}
    if isinstance(value, dict):
        pairs = [[_encode(part, blobs, depth + 1) for part in pair] for pair in value.items()]
        return {"dict": pairs}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(item, blobs, depth + 1) for item in value]}
    kind = type(value).__name__
    raise NotSendable(f"it gives something of the kind {kind}; a number, a tensor or a list of those can be judged")


def _tensor(value: Tensor, blobs: list[bytes]) -> dict:
    name = str(value.dtype).removeprefix("torch.")
    if name not in DTYPES or value.layout != torch.strided:
        raise NotSendable(f"it gives a tensor of the kind {name}, which cannot be judged")
    data = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    blobs.append(data.numpy().tobytes())
    return {"tensor": [name, list(data.shape), len(blobs[-1])]}


def _decode(told: object, body: bytes, depth: int) -> object:
    rest = memoryview(body)

    def decode(told: object, depth: int) -> object:
        nonlocal rest
        if depth > DEEPEST:
            raise NotSendable("lists in lists")
        if told is None or isinstance(told, bool):
            return told
        ((kind, said),) = told.items()
        if kind == "tensor":
            name, shape, size = said
            part, rest = rest[:size], rest[size:]
            return _from_bytes(name, shape, bytes(part))
        if kind in ("list", "tuple"):
            items = [decode(item, depth + 1) for item in said]
            return tuple(items) if kind == "tuple" else items
        if kind == "dict":
            return {decode(key, depth + 1): decode(item, depth + 1) for key, item in said}
        return {"text": str, "int": _integer, "float": float.fromhex, "unanswered": lambda _: ...}[kind](said)

    return decode(told, depth)


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?[0-9a-f]{1,1024}", text):
        raise ValueError("no integer of a sensible length")
    return int(text, 16)


def _from_bytes(name: str, shape: list[int], data: bytes) -> Tensor:
    dtype = DTYPES[name]
    if any(type(size) is not int or size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("a tensor whose shape is not that of its bytes")
    if dtype is torch.bool:
        data = bytes(map(bool, data))  # a byte of 7 would be neither true nor false
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if data else torch.empty(shape, dtype=dtype)
