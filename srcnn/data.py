"""Data: the standard image sets, any folder of one's own, and two sets that need no download.

The registry, ``data/registry.toml``, says where each set comes from; ``data/checksums.txt`` has a checksum for every
file. Adding a set is an entry in the one and its lines in the other. Chapter 9 uses them.
"""

import hashlib
import os
import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs
from torch import Tensor

from srcnn import images
from srcnn.files import InputError, Notice, shipped, some
from srcnn.leaves import dead_leaves

GENERATED = ("sample", "leaves")  # sets that are there without a file
_HASHES = re.compile(r"[0-9a-f]{64} ([0-9a-f]{64}|-)")
_ADDRESS = re.compile(r"https?://\S+$")
_LEAVES = {"train": range(40), "test": range(1_000, 1_005)}  # seeds


@dataclass(frozen=True)
class DataSet:
    """One entry of the registry.

    Attributes:
        name: as typed after ``--data``.
        title: as printed.
        what: one line about it.
        license: what one may do with it.
        folders: ``{"train": folder, "test": folder}`` under the data root; one of them may be missing.
        mirrors: lists of addresses; all the addresses of one list together give the set.
        files: path under the root -> (SHA-256 of the bytes, SHA-256 of the pixels or None for JPEG).
    """

    name: str
    title: str
    what: str
    license: str
    folders: dict[str, str]
    mirrors: list[list[str]]
    files: dict[str, tuple[str, str | None]]


@cache
def registry() -> dict[str, DataSet]:
    """All registered sets by name.

    Raises:
        InputError: the registry or its checksums cannot be read, or say something that no set can have.
    """
    file, sums = shipped("registry.toml"), shipped("checksums.txt")
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))
        lines = [line.split() for line in sums.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(f"the registry in {file.parent} is damaged ({str(error)[:200]}); get a whole copy") from None
    for number, words in enumerate(lines, 1):
        if len(words) != 3 or not _HASHES.fullmatch(" ".join(words[:2])) or not _inside(words[2]):
            raise InputError(f"{sums}, line {number}: SHA-256 of the file, of its pixels or -, and a path are wanted")
    sets = {}
    for name, entry in entries.items():
        if wrong := _wrong(entry):
            raise InputError(f"{file}, [{name[:40]}]: {wrong}")
        folders = tuple(f"{folder}/" for folder in entry["folders"].values())
        files = {
            path: (sha, None if pixels == "-" else pixels) for sha, pixels, path in lines if path.startswith(folders)
        }
        sets[name] = DataSet(name, files=files, **entry)
    return sets


def _wrong(entry: object) -> str:
    """What is wrong with an entry of the registry; empty where nothing is."""
    wanted = ("title", "what", "license", "folders", "mirrors")
    if not isinstance(entry, dict) or set(entry) != set(wanted):
        return f"{', '.join(wanted)} are wanted, and nothing else"
    if not all(isinstance(entry[key], str) for key in wanted[:3]):
        return "title, what and license are text"
    folders, mirrors = entry["folders"], entry["mirrors"]
    if not isinstance(folders, dict) or not {"train", "test"} >= set(folders) > set():
        return "folders are those of train, of test, or of both"
    if not all(_inside(folder) for folder in folders.values()):
        return "a folder lies under the root of the data: no .. in it and no / before it"
    whole = isinstance(mirrors, list) and all(isinstance(mirror, list) and mirror for mirror in mirrors)
    if not whole or not all(isinstance(url, str) and _ADDRESS.match(url) for mirror in mirrors for url in mirror):
        return "mirrors are lists of lists of addresses, each with https:// or http:// before it"
    return ""


def _inside(path: object) -> bool:
    """Whether a path of the registry stays where it is put, whatever the system."""
    return isinstance(path, str) and path != "" and not re.search(r"^/|[\\:\0]|(^|/)\.{1,2}(/|$)", path)


def lookup(name: str) -> DataSet:
    """A registered set; ``bsd100`` and ``bsd200`` are understood as the field's names for BSDS test images.

    Raises:
        InputError: no set has this name.
    """
    name = {"bsd100": "bsds300", "bsd200": "bsds500-test"}.get(name.lower(), name.lower())
    if name in GENERATED:
        raise InputError(f"{name} needs no download and has no files; a registered set or a folder is wanted here")
    if name not in registry():
        raise InputError(
            f"there is no data set {name!r}; there are {', '.join((*registry(), *GENERATED))}, or a folder"
        )
    return registry()[name]


def roots() -> list[Path]:
    """Where sets are looked for: ``--root``, ``$SRCNN_DATA``, ``data/`` here, the user's cache, in this order.

    The command's ``--root`` is put into the environment, as ``SRCNN_ROOT``, so that every process of a run has it.
    """
    places = [os.environ.get("SRCNN_ROOT"), os.environ.get("SRCNN_DATA"), "data", platformdirs.user_cache_path("srcnn")]
    return [Path(place) for place in places if place]


def photographs(spec: str, split: str) -> Iterator[tuple[str, Tensor]]:
    """The images of a set, one after the other.

    Args:
        spec: a registered name, ``sample``, ``leaves``, a folder, or several joined by ``+``, unless that is a folder's
            own name. ``t91:20`` means twenty of the 91, evenly spread.
        split: ``"train"`` or ``"test"``; a set made for testing is not given for training.

    Yields:
        Name and image: ``(3, H, W)`` or ``(1, H, W)``, float32, in 0..1.

    Raises:
        InputError: a set is unknown, is not there, has fewer images than asked for, or is a test set asked for
            training.
    """
    for part in [spec] if Path(spec).is_dir() else spec.split("+"):
        name, colon, count = part.rpartition(":")
        if not (colon and count.isascii() and count.isdigit()) or Path(part).exists():  # a folder may have a colon
            name, count = part, ""
        found, read = _source(name, split)
        for which in _spread(found, int(count), part) if count else found:
            yield (f"leaves-{which}" if name == "leaves" else Path(which).stem), read(which)


def _source(name: str, split: str) -> tuple[Sequence[Any], Callable[[Any], Tensor]]:
    """What tells the images of one set apart, and what makes an image of it."""
    if name == "sample":
        return images.SAMPLE["train" if split == "train" else "validation"], images.sample
    if name == "leaves":
        return _LEAVES[split], dead_leaves
    return paths(name, split), images.read


def _spread(found: Sequence[Any], count: int, spec: str) -> list[Any]:
    """So many of a sequence, evenly spread."""
    if not 1 <= count <= len(found):
        raise InputError(f"{spec} asks for {count} images; there are {len(found)}, so give 1 to {len(found)}")
    return [found[k * len(found) // count] for k in range(count)]


def paths(name: str, split: str) -> list[Path]:
    """The files of a registered set or a folder, in alphabetical order; see :func:`photographs`."""
    if name.lower() not in (*registry(), "bsd100", "bsd200"):
        if name and (os.sep in name or Path(name).exists()):
            return listing(name)
        lookup(name)
    entry = lookup(name.lower())
    if split == "train" and "train" not in entry.folders:
        raise InputError(f"{entry.title} is a test set: a model trained on it has no honest score; train on t91")
    folder = PurePosixPath(entry.folders.get(split) or entry.folders["train"])
    wanted = sorted(path for path in entry.files if PurePosixPath(path).parent == folder)
    for place in roots():
        found = [place / path for path in wanted if (place / path).is_file()]
        if len(found) == len(wanted):
            return found
        if found:
            raise InputError(
                f"{entry.title} in {place / folder} lacks {len(wanted) - len(found)} of its {len(wanted)} files; "
                f"`srcnn data fetch {entry.name}` completes it"
            )
    raise InputError(
        f"{entry.title} is not here; `srcnn data fetch {entry.name}` downloads it, "
        f"or set SRCNN_DATA to the folder that holds {folder}/"
    )


def listing(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files of a folder, by name, in alphabetical order; of images in folders inside it a warning tells.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of images")
    endings = images.READABLE
    named = (path for path in folder.iterdir() if path.suffix.lower() in endings and path.name[0] != ".")
    # no folder, and no pipe, which would be waited for; a link that leads nowhere is told when it is read
    found = sorted(path for path in named if path.is_file() or not path.exists())
    if not found:
        raise InputError(f"{folder} holds no image file ({', '.join(endings)})")
    inside = {path: (file.suffix.lower() for file in path.rglob("*")) for path in folder.iterdir() if path.is_dir()}
    deeper = [path for path, endings in inside.items() if not set(images.READABLE).isdisjoint(endings)]
    if deeper:
        names = some(sorted(path.name for path in deeper))
        warnings.warn(f"images in folders inside {folder} are not read ({names})", Notice, stacklevel=2)
    return found


def noticing_small(photographs: Iterable[tuple[str, Tensor]], side: int) -> Iterator[tuple[str, Tensor]]:
    """Hand on images, and warn of those that are smaller than a crop, which will not be trained on.

    Args:
        photographs: name and image.
        side: of a crop, in the images' pixels.

    Yields:
        Name and image, unchanged.
    """
    small, count = [], 0
    for name, image in photographs:
        count += 1
        if min(image.shape[-2:]) < side:
            small.append(name)
        yield name, image
    if 0 < len(small) < count:
        told = f"{len(small)} of {count} images are smaller than a crop of {side} pixels and are passed over"
        warnings.warn(f"{told} ({some(small)})", Notice, stacklevel=2)


def hashed(photographs: Iterable[tuple[str, Tensor]], digest: "hashlib._Hash") -> Iterator[tuple[str, Tensor]]:
    """Hand on images, and hash their names and pixels, so that a result says what it was measured on.

    Args:
        photographs: name and image, in 0..1.
        digest: such as ``hashlib.sha256()``; it is that of the whole set when the last image was taken.

    Yields:
        Name and image, unchanged.
    """
    for name, image in photographs:
        head = f"{name} {tuple(image.shape)}\n".encode(errors="surrogateescape")  # a file's name may be no UTF-8
        digest.update(head + images.to_bytes(image).numpy().tobytes())
        yield name, image
