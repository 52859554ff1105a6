"""Small ways of walking XML by local names: Office writes the same names in two families of namespaces."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Final, Protocol
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_ALTERNATIVE: Final = "Fallback"
"""The older of two ways of saying the same thing."""
PART_FAILURES: Final = (
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    EOFError,
    NotImplementedError,
)
"""What reading one part may raise: missing, damaged, cut off, or packed in an unknown way."""


class Parts(Protocol):
    """An Office file's parts by name."""

    def names(self, start: str) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...

    def relations(self, part: str) -> dict[str, str]: ...


def parse(parts: Parts, name: str) -> Element:
    """Return the root of a part, read as a whole.

    Raises:
        KeyError: there is no such part, or one of the other failures of a part.
    """
    with parts.open(name) as file:
        return ElementTree.parse(file).getroot()  # noqa: S314  # see archives.py


def local_name(element: Element) -> str:
    """Return the element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its local name."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def children(element: Element, name: str) -> Iterator[Element]:
    """Yield the direct children of a name."""
    return (child for child in element if local_name(child) == name)


def descend(element: Element, *stops: str) -> Iterator[Element]:
    """Yield all elements below, in order, without what is said a second time; not below ``stops``."""
    for child in element:
        name = local_name(child)
        if name == _ALTERNATIVE:
            continue
        yield child
        if name not in stops:
            yield from descend(child, *stops)


def stream(file: IO[bytes], container: str, *wanted: str) -> Iterator[Element]:
    """Yield the elements of the given names as they are completed, and free them afterwards.

    Promises: memory holds one such element, however long the part is. ``container``
    names their parent, whose finished children are dropped.
    """
    path: list[Element] = []
    for event, element in ElementTree.iterparse(file, events=("start", "end")):  # noqa: S314  # see archives.py
        if event == "start":
            path.append(element)
            continue
        path.pop()
        if path and local_name(path[-1]) == container:
            if local_name(element) in wanted:
                yield element
            path[-1].remove(element)
