"""A PDF whose end is missing: what is left of it is found, and given the end that it lacks. Pure.

The end says where everything begins. Readers rebuild the rest by looking at every object, but not from
which one to start. Files are cut off by broken transfers and full disks; most of their pages are there.
"""

from __future__ import annotations

import itertools
import re
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS_MAX: Final = 100_000
"""Objects that are looked at: two hundred for each page of the longest documents."""
HEAD_BYTES: Final = 2_048
"""Of an object, in which its kind is looked for: a page's dictionary with its resources takes a kilobyte or two."""
PAGES_MAX: Final = 20_000
PACKS_MAX: Final = 2_000
PACK_BYTES_MAX: Final = 1024 * 1024
"""Objects that hold others, and bytes of one: they hold a hundred or two, some ten kilobytes."""
UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of objects that lie packed in others: dictionaries, a few hundred bytes for each page."""

_OBJECT: Final = re.compile(rb"(?<![0-9])(\d{1,9})[ \t\r\n]{1,4}(\d{1,5})[ \t\r\n]{1,4}obj\b")
_END: Final = re.compile(rb"endobj|stream\b")
_CATALOG: Final = re.compile(rb"/Type\s{0,4}/Catalog\b")
_TREE: Final = re.compile(rb"/Type\s{0,4}/Pages\b")
_PAGE: Final = re.compile(rb"/Type\s{0,4}/Page\b")
_PACK: Final = re.compile(rb"/Type\s{0,4}/ObjStm\b")
_FLATE: Final = re.compile(rb"/Filter\s{0,4}\[?\s{0,4}/(?:FlateDecode|Fl)\b")
_FIRST: Final = re.compile(rb"/First\s{1,4}(\d{1,9})\b")
_STREAM: Final = re.compile(rb"stream\r?\n")
_PARENT: Final = re.compile(rb"/Parent\b")
_LOCKED: Final = b"/Encrypt"
_NEW_NUMBER: Final = 4_000_000
"""Of objects that are added: beyond those of any file, and below what readers take (4,194,304)."""


def find_missing_end(data: bytes, *, tree_leads: bool = True) -> bytes | None:
    """Return what must stand behind ``data`` for readers to find its pages; None if that cannot be told.

    Without ``tree_leads`` the pages' own tree is known to lead nowhere: its leaves are bound together anew.

    Objects that lie packed in others are written out: the table that says where went with the end. The last
    catalogue is taken; without one the root of the pages, else all pages that are left. A locked file is left
    alone: its key is gone too.
    """
    if _LOCKED in data:
        return None
    unpacked = list(_unpack(data))
    catalogue = tree = b""
    pages: list[bytes] = []
    plain = ((name, head) for name, head, _ in _list_objects(data))
    for name, head in itertools.chain(plain, unpacked):
        if _CATALOG.search(head):
            catalogue = name
        elif tree_leads and _TREE.search(head):
            tree = tree if _PARENT.search(head) else name
        elif _PAGE.search(head) and len(pages) < PAGES_MAX:
            pages.append(name)
    if not tree and not pages:
        return None
    loose = b"".join(b"\n%s obj\n%s\nendobj\n" % (name.removesuffix(b" R"), body) for name, body in unpacked)
    return _close_last(data) + loose + _write_end(catalogue, tree, list(dict.fromkeys(pages)))


def _close_last(data: bytes) -> bytes:
    """Return the end of the object in which the file was cut off, or nothing: readers look no further than it."""
    last = data.rfind(b"endobj")
    cut = _OBJECT.search(data, max(0, last))
    if cut is None:
        return b""
    return b"\nendstream\nendobj\n" if data.find(b"stream", cut.end()) >= 0 else b"\nendobj\n"


def _list_objects(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield a reference to each object, its beginning up to its end or its stream, and where that is."""
    for count, found in enumerate(_OBJECT.finditer(data)):
        if count >= OBJECTS_MAX:
            return
        end = _END.search(data, found.end(), found.end() + HEAD_BYTES)
        stop = end.start() if end else found.end() + HEAD_BYTES
        yield b"%s %s R" % (found[1], found[2]), data[found.end() : stop], stop


def _unpack(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield a reference to each object that lies packed in another, and all of it."""
    left = UNPACKED_BYTES_MAX
    packs = ((head, at) for _, head, at in _list_objects(data) if _PACK.search(head) and _FLATE.search(head))
    for head, at in itertools.islice(packs, PACKS_MAX):
        stream, first = _STREAM.match(data, at), _FIRST.search(head)
        if stream is None or left <= 0:
            continue
        try:
            body = zlib.decompressobj().decompress(data[stream.end() : stream.end() + PACK_BYTES_MAX], left)
        except zlib.error:
            continue
        left -= len(body)
        yield from _part(body, int(first[1]) if first else 0)


def _part(body: bytes, first: int) -> Iterator[tuple[bytes, bytes]]:
    numbers = [int(number) for number in body[:first].split()[: 2 * OBJECTS_MAX] if number.isdigit()]
    starts = [first + at for at in numbers[1::2]]
    for number, start, stop in zip(numbers[::2], starts, [*starts[1:], len(body)], strict=False):
        yield b"%d 0 R" % number, body[start:stop]


def _write_end(catalogue: bytes, tree: bytes, pages: list[bytes]) -> bytes:
    if catalogue and tree:
        return _write_trailer(catalogue)
    if tree:
        return _write_catalogue(tree) + _write_trailer(b"%d 0 R" % _NEW_NUMBER)
    root = b"\n%d 0 obj\n<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 612 792]>>\nendobj\n"
    whole = root % (_NEW_NUMBER + 1, len(pages), b" ".join(pages))
    return whole + _write_catalogue(b"%d 0 R" % (_NEW_NUMBER + 1)) + _write_trailer(b"%d 0 R" % _NEW_NUMBER)


def _write_catalogue(pages: bytes) -> bytes:
    return b"\n%d 0 obj\n<</Type/Catalog/Pages %s>>\nendobj\n" % (_NEW_NUMBER, pages)


def _write_trailer(root: bytes) -> bytes:
    return b"\ntrailer\n<</Size %d/Root %s>>\nstartxref\n0\n%%%%EOF\n" % (_NEW_NUMBER + 2, root)
