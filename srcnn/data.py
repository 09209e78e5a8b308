"""Data: the standard image sets, any folder of one's own, and two sets that need no download.

The registry, ``data/registry.toml``, says where each set comes from; ``data/checksums.txt`` has a checksum for every
file. Adding a set is an entry in the one and its lines in the other. Chapter 8 uses them.
"""

import hashlib
import lzma
import os
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import platformdirs
import torch
from torch import Tensor

from srcnn import images
from srcnn.download import Progress, download
from srcnn.files import InputError, atomic, shipped
from srcnn.leaves import dead_leaves

GENERATED = ("sample", "leaves")  # sets that are there without a file
_LEAVES = {"train": range(40), "test": range(1_000, 1_005)}  # seeds
_LARGEST = 1 << 26  # bytes of one image in an archive; more is not one of ours
# what the standard library raises on an archive that is cut short, damaged, encrypted or of an unknown kind
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class DataSet:
    """One entry of the registry.

    Attributes:
        name: as typed after ``--data``.
        title: as printed.
        what: one line about it.
        licence: what one may do with it.
        folders: ``{"train": folder, "test": folder}`` under the data root; one of them may be missing.
        mirrors: lists of addresses; all the addresses of one list together give the set.
        files: path under the root -> (SHA-256 of the bytes, SHA-256 of the pixels or None for JPEG).
    """

    name: str
    title: str
    what: str
    licence: str
    folders: dict[str, str]
    mirrors: list[list[str]]
    files: dict[str, tuple[str, str | None]]


@cache
def registry() -> dict[str, DataSet]:
    """All registered sets by name."""
    entries = tomllib.loads(shipped("registry.toml").read_text(encoding="utf-8"))
    lines = [line.split() for line in shipped("checksums.txt").read_text(encoding="utf-8").splitlines()]
    sets = {}
    for name, entry in entries.items():
        folders = tuple(f"{folder}/" for folder in entry["folders"].values())
        files = {
            path: (sha, None if pixels == "-" else pixels) for sha, pixels, path in lines if path.startswith(folders)
        }
        sets[name] = DataSet(name, files=files, **entry)
    return sets


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


def roots(root: str | os.PathLike | None = None) -> list[Path]:
    """Where sets are looked for: ``root``, ``$SRCNN_DATA``, ``data/`` here, the user's cache, in this order."""
    places = [root, os.environ.get("SRCNN_DATA"), "data", platformdirs.user_cache_path("srcnn")]
    return [Path(place) for place in places if place]


def photographs(spec: str, use: str, root: str | os.PathLike | None = None) -> Iterator[tuple[str, Tensor]]:
    """The images of a set, one after the other.

    Args:
        spec: a registered name, ``sample``, ``leaves``, a folder, or several joined by ``+``. ``t91:20`` means twenty
            of the 91, evenly spread.
        use: ``"train"`` or ``"test"``; a set made for testing is not given for training.
        root: looked in first, see :func:`roots`.

    Yields:
        Name and image: ``(3, H, W)`` or ``(1, H, W)``, float32, in 0..1.

    Raises:
        InputError: a set is unknown, is not there, has fewer images than asked for, or is a test set asked for
            training.
    """
    for part in spec.split("+"):
        name, colon, count = part.rpartition(":")
        if not (colon and count.isascii() and count.isdigit()) or Path(part).exists():  # a folder may have a colon
            name, count = part, None
        if name == "sample":
            found = images.SAMPLE["train" if use == "train" else "validation"]
            read = images.sample
        elif name == "leaves":
            found, read = _LEAVES[use], dead_leaves
        else:
            found, read = paths(name, use, root), images.read
        for which in found if count is None else _spread(found, int(count), part):
            yield (f"leaves-{which}" if name == "leaves" else Path(which).stem), read(which)


def _spread(found: Sequence, count: int, spec: str) -> list:
    """So many of a sequence, evenly spread."""
    if not 1 <= count <= len(found):
        raise InputError(f"{spec} asks for {count} images; there are {len(found)}, so give 1 to {len(found)}")
    return [found[k * len(found) // count] for k in range(count)]


def paths(name: str, use: str, root: str | os.PathLike | None = None) -> list[Path]:
    """The files of a registered set or a folder, in alphabetical order; see :func:`photographs`."""
    if name.lower() not in (*registry(), "bsd100", "bsd200"):
        if name and (os.sep in name or Path(name).exists()):
            return images.listing(name)
        lookup(name)
    entry = lookup(name.lower())
    if use == "train" and "train" not in entry.folders:
        raise InputError(f"{entry.title} is a test set: a model trained on it has no honest score; train on t91")
    folder = PurePosixPath(entry.folders.get(use) or entry.folders["train"])
    wanted = sorted(path for path in entry.files if PurePosixPath(path).parent == folder)
    for place in roots(root):
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


def tutorial_pairs(
    name: str, use: str, *, scale: int, crop: int = 256, root: str | os.PathLike | None = None
) -> tuple[Tensor, Tensor]:
    """All pairs of a registered set or a folder as the tutorial makes them; see :func:`srcnn.images.tutorial_pair`.

    Returns:
        Inputs ``(N, 1, h, w)`` and targets ``(N, 1, scale*h, scale*w)``, float32, in 0..1.

    Raises:
        InputError: as for :func:`photographs`, or an image is smaller than the square that is cut.
    """
    pairs = (images.tutorial_pair(path, scale=scale, crop=crop) for path in paths(name, use, root))
    lows, highs = zip(*pairs, strict=True)
    return torch.stack(lows), torch.stack(highs)


def fingerprint(spec: str, use: str, root: str | os.PathLike | None = None) -> str:
    """SHA-256 over the names and pixels of the images, so that a result says what it was measured on."""
    digest = hashlib.sha256()
    for name, image in photographs(spec, use, root):
        head = f"{name} {tuple(image.shape)}\n".encode(errors="surrogateescape")  # a file's name may be no UTF-8
        digest.update(head + images.to_bytes(image).numpy().tobytes())
    return digest.hexdigest()


def verify(name: str, root: str | os.PathLike | None = None) -> dict[str, str]:
    """Check every file of a registered set against its checksum.

    Returns:
        Path under the root -> ``"ok"``, ``"missing"`` or ``"damaged"``, in the first root that has any of the files.
    """
    entry = lookup(name)
    places = roots(root)
    place = next((p for p in places if any((p / path).is_file() for path in entry.files)), places[0])
    return {path: _state(place / path, *entry.files[path]) for path in entry.files}


def _state(path: Path, sha: str, pixels: str | None) -> str:
    if not path.is_file():
        return "missing"
    if hashlib.sha256(path.read_bytes()).hexdigest() == sha:
        return "ok"
    try:
        return "ok" if pixels and images.pixel_hash(path) == pixels else "damaged"
    except InputError:
        return "damaged"


def fetch(
    name: str,
    root: str | os.PathLike | None = None,
    progress: Callable[[str], Progress] = lambda url: lambda done, total: None,
) -> Path:
    """Download what is missing or damaged of a registered set, from one mirror after another, and check it.

    Args:
        name: of the set.
        root: where to put it; ``$SRCNN_DATA`` or else the user's cache where it is None.
        progress: called with each address; gives what :func:`srcnn.download.download` calls with the bytes.

    Returns:
        The root that now holds the whole set.

    Raises:
        InputError: the mirrors together did not give every file; the message says how each failed.
    """
    entry = lookup(name)
    place = Path(root or os.environ.get("SRCNN_DATA") or platformdirs.user_cache_path("srcnn"))
    missing = {path: sums for path, sums in entry.files.items() if _state(place / path, *sums) != "ok"}
    if not missing:
        return place
    downloads = place / ".downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place} cannot hold the data: {error.strerror}; give another --root") from None
    failures = []
    for url in (url for mirror in entry.mirrors for url in mirror):
        file = downloads / f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{url.rsplit('/', 1)[-1]}"
        try:
            if not file.exists():
                download(url, file, progress(url))
            before = len(missing)
            _take(file, missing, place)
            if len(missing) == before:
                failures.append(f"{url}: none of the missing files is in it, by checksum")
            file.unlink()
        except InputError as error:
            file.unlink(missing_ok=True)  # a damaged archive; kept, it would be taken again the next time
            failures.append(str(error))
        if not missing:
            return place
    raise InputError(
        f"{len(missing)} of the {len(entry.files)} files of {entry.title} could not be had. {'. '.join(failures)}. "
        f"If you have them from elsewhere, put them into {place / next(iter(entry.folders.values()))} "
        f"and run `srcnn data verify {entry.name}`"
    )


def _take(file: Path, missing: dict[str, tuple[str, str | None]], place: Path) -> None:
    """Keep what an archive, or a single image file, holds of the missing files, and strike those from the list.

    Members are known by their content, never by their names: mirrors sort and name the images in their own ways, and
    a name from an archive never becomes a path on the reader's disk.
    """
    for content in _members(file):
        sha = hashlib.sha256(content).hexdigest()
        found = [path for path, (wanted, _) in missing.items() if wanted == sha]  # T91 has one picture twice
        for path in found:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            with atomic(place / path) as part:
                part.write_bytes(content)
        if not found and any(pixels for _, pixels in missing.values()):
            found = _take_pixels(content, missing, place)
        for path in found:
            del missing[path]


def _take_pixels(content: bytes, missing: dict[str, tuple[str, str | None]], place: Path) -> list[str]:
    """The same picture in another lossless file type, a PNG for a BMP, written as the registry names it."""
    part = place / ".downloads" / "picture"
    part.write_bytes(content)
    try:
        try:
            pixels = images.pixel_hash(part)
        except InputError:  # no image
            return []
        found = [path for path, (_, wanted) in missing.items() if wanted == pixels]
        for path in found:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            images.write_photograph(place / path, images.read_photograph(part))
        return found
    finally:
        part.unlink()


def _members(file: Path) -> Iterator[bytes]:
    """The content of each file in a .tar, .tar.gz or .zip; or of the file itself."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir() and info.file_size < _LARGEST:
                        yield archive.read(info)
        elif tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                for info in archive:
                    if info.isfile() and info.size < _LARGEST:
                        yield archive.extractfile(info).read()
        elif file.stat().st_size < _LARGEST:
            yield file.read_bytes()
    except _DAMAGED as error:
        raise InputError(f"{file.name} is a damaged archive ({error})") from None
