"""Changes of bytes and of JSON, as damage and malice make them."""

import copy
import struct
from random import Random

EXTREMES = (
    0,
    1,
    2,
    3,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
)
JUNK = (
    None, True, False, 0, -1, 1e308, float("nan"), float("inf"), 10**30, 2**63, "", "x", "\ud800", "\0", "a" * 5000,
    "../../x", "é漢", [], {}, [[]], [None], {"": None}, [1, "a", None], [{}],
)  # fmt: skip


def damaged(good: bytes, chance: Random, others: list[bytes] | None = None) -> bytes:
    """Bytes cut, changed, doubled, mixed with others or with extreme numbers, mostly near the start."""
    bad = bytearray(good)
    for _ in range(chance.choice((1, 1, 1, 1, 1, 2, 4, 16))):
        reach = max(1, min(len(bad), chance.choice((16, 64, 300, len(bad) or 1, len(bad) or 1))))
        at = chance.randrange(reach) if bad else 0
        way = chance.randrange(8)
        if way == 0:
            del bad[chance.randrange(len(bad) + 1) :]
        elif way == 1 and bad:
            bad[at] ^= 1 << chance.randrange(8)
        elif way == 2 and bad:
            bad[at] = chance.randrange(256)
        elif way == 3:
            number, size = chance.choice(EXTREMES), chance.choice("BHIQ")
            number &= 2 ** (8 * struct.calcsize(size)) - 1
            bad[at : at + struct.calcsize(size)] = struct.pack(chance.choice("<>") + size, number)
        elif way == 4:
            end = min(len(bad), at + chance.randrange(1, 200))
            bad[at:at] = bad[at:end] * chance.choice((1, 2, 50))
        elif way == 5:
            del bad[at : at + chance.randrange(1, 60)]
        elif way == 6 and others:
            other = chance.choice(others)
            cut = chance.randrange(len(other) + 1)
            bad[at:] = other[cut:]
        else:
            bad[at:at] = chance.randbytes(chance.randrange(1, 30))
    return bytes(bad)


def changed(record: object, chance: Random, times: int = 1) -> object:
    """A JSON value with some of its parts exchanged for what has no place there, removed or doubled."""
    record = copy.deepcopy(record)
    for _ in range(times):
        holders = [record, *_holders(record)] if isinstance(record, (dict, list)) else []
        holder = chance.choice(holders) if holders else None
        if not holder:
            return copy.deepcopy(chance.choice(JUNK))
        key = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
        way = chance.randrange(5)
        if way == 0:
            del holder[key]
        elif way == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif way == 2 and isinstance(holder, dict):
            holder[chance.choice(("", "x", "\ud800", "cells", "card"))] = copy.deepcopy(holder[key])
        elif way == 3:
            holder[key] = [holder[key]]
        else:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
    return record


def _holders(record: object) -> list:
    parts = record.values() if isinstance(record, dict) else record if isinstance(record, list) else ()
    inner = [part for part in parts if isinstance(part, (dict, list)) and part]
    return inner + [deeper for part in inner for deeper in _holders(part)]
