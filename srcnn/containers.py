"""Containers: what stands in image files beside what Pillow tells of them."""

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

# sRGB in a PNG, in 1/100,000; a hundredth beside it is no other color
_SRGB = {b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)}
_SRGB[b"gAMA"] = struct.pack(">I", 45455)
_NOTES = (b"tIME", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs", b"oFFs", b"bKGD", b"hIST", b"sPLT")  # of a PNG
# What people write into an XMP block, and no size, orientation or second view of the old file
_LASTING = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://creativecommons.org/ns#": "cc",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
}
_PASSING = ("Thumbnails", "ColorMode", "ICCProfile", "DocumentAncestors", "LegacyIPTCDigest")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of what stands in a PNG before its pixels."""
    length = stream.seek(0, io.SEEK_END)
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IDAT":
        yield head[4:], stream.read(min(int.from_bytes(head[:4], "big"), length))  # as many are taken at once
        stream.seek(4, io.SEEK_CUR)


def sound_png(stream: BinaryIO) -> BinaryIO:
    """A PNG without those notes whose checksum is wrong: what changes no pixel is no reason to refuse one.

    Returns:
        The same stream, wound back, where nothing is wrong or the file is of another kind; else one in memory.
    """
    length, wrong = stream.seek(0, io.SEEK_END), []
    stream.seek(0)
    if stream.read(8) == b"\x89PNG\r\n\x1a\n":
        while len(head := stream.read(8)) == 8:
            start, size = stream.tell() - 8, int.from_bytes(head[:4], "big")
            if start + size + 12 > length:  # a size that is only stated; Pillow tells what is missing
                break
            if head[4:] in _NOTES and zlib.crc32(head[4:] + stream.read(size)) != int.from_bytes(stream.read(4), "big"):
                wrong.append(slice(start, start + size + 12))
            stream.seek(start + size + 12)
    stream.seek(0)
    if not wrong:
        return stream
    content = bytearray(stream.read())
    for part in reversed(wrong):
        del content[part]
    return io.BytesIO(content)


def png_color(stream: BinaryIO) -> dict[bytes, bytes]:
    """A PNG's chunks that give its numbers another color than sRGB has, as far as no profile does."""
    position, chunks = stream.tell(), dict(png_chunks(stream))
    stream.seek(position)
    if b"cICP" in chunks:  # above a profile; primaries, curve, matrix and range
        return {} if chunks[b"cICP"] == b"\1\15\0\1" else {b"cICP": chunks[b"cICP"]}
    known = [] if {b"iCCP", b"sRGB"} & set(chunks) else _SRGB
    told = {name: chunks[name] for name in known if len(chunks.get(name, b"")) == len(_SRGB[name])}
    given, srgb = (np.frombuffer(b"".join(source[name] for name in told), ">i4") for source in (told, _SRGB))
    return told if (np.abs(given - srgb) > 1_000).any() else {}


def lasting_xmp(block: Any) -> bytes | None:
    """Of an XMP block what people wrote: title, description, makers, rights, keywords, ratings.

    Returns:
        A block for the enlarged photograph, or None where nothing is left or the block cannot be read, for a tag is no
        reason to refuse pixels.
    """
    from xml.etree import ElementTree  # here, because few files have such a block

    for space, prefix in {**_LASTING, _RDF: "rdf", "adobe:ns:meta/": "x"}.items():
        ElementTree.register_namespace(prefix, space)
    found, lasting = f"{{{_RDF}}}", ElementTree.Element("{adobe:ns:meta/}xmpmeta")
    try:
        text = block.decode().strip("\0\ufeff \n\r\t")
        if "<!DOCTYPE" in text:  # with which a small block can grow in reading; XMP has none
            return None
        root, kept = ElementTree.fromstring(text), ElementTree.SubElement(lasting, f"{found}RDF")
        for part in next(root.iter(f"{found}RDF"), ()):
            words = {name: value for name, value in part.attrib.items() if _lasts(name)}
            nodes = [node for node in part if _lasts(node.tag)]
            if part.tag == f"{found}Description" and (words or nodes):
                ElementTree.SubElement(kept, part.tag, {f"{found}about": "", **words}).extend(nodes)
        packet = ElementTree.tostring(lasting, "utf-8", xml_declaration=False)
    except (AttributeError, SyntaxError, ValueError, RecursionError):
        return None
    mark = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return mark + packet + b'<?xpacket end="w"?>' if len(kept) else None


def _lasts(name: str) -> bool:
    space, _, word = name.removeprefix("{").partition("}")
    return space in _LASTING and word not in _PASSING


def begins_every_scan(data: bytes) -> bool:
    """Whether a JPEG has a scan of the last bit of every coefficient of every channel: a progressive one has many."""
    at, missing = 2, None
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 4:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in (0x00, 0xFF, *range(0xD0, 0xD9)):
            at += 1
            continue
        segment = data[at + 4 : at + 2 + size]
        if marker in (0xC0, 0xC1, 0xC2):
            missing = {(channel, n) for channel in segment[6::3] for n in range(64)}
        if marker == 0xDA and missing and len(segment) == 4 + 2 * segment[0] and segment[-1] % 16 == 0:
            first, last = segment[-3:-1]
            missing -= {(channel, n) for channel in segment[1:-3:2] for n in range(first, last + 1)}
        at += 2 + size
    return missing == set()


def decode_tiff(stream: BinaryIO) -> tuple[np.ndarray, int]:
    """The picture of a TIFF of 16 bits per channel, gray or RGB, with alpha or without.

    Returns:
        ``(H, W)`` or ``(H, W, C)``, uint16; colors that were multiplied by their alpha are divided by it. And the
        number of the file's pictures, of which this is the first.

    Raises:
        ValueError: a part of it is missing; what else tifffile raises on a damaged file.
    """
    import tifffile  # here, because few files need it

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # which else would print what it remarks
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        page = file.pages.first
        parts = zip(page.dataoffsets, page.databytecounts, strict=True)
        if not all(count and start + count <= length for start, count in parts):  # it would be filled with zeros
            raise ValueError("parts of the picture are missing")
        values = page.asarray()
        if page.planarconfig == 2 and values.ndim == 3:  # one plane a band
            values = values.transpose(1, 2, 0)
        if values.dtype != np.uint16 or values.shape[:2] != (page.imagelength, page.imagewidth) or values.ndim > 3:
            raise ValueError(f"the picture has the shape {values.shape}")
        for row in values if 1 in page.extrasamples else ():
            colors, alpha = row[:, :-1].astype(np.uint32), np.maximum(row[:, -1:], 1).astype(np.uint32)
            row[:, :-1] = np.minimum((colors * 65535 + alpha // 2) // alpha, 65535)
        return values, len(file.pages)
