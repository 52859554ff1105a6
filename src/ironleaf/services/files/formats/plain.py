"""Plain text and tables of values parted by commas: one page each."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.formats.native import OpenedText, make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.services.files.formats.base import DecodeLimits, OpenedFile, OpenRequest

_DELIMITERS: Final = ",;\t|"
_SAID: Final = re.compile(r"sep=([,;\t|])\n")
"""A first line that spreadsheets understand: what parts the values."""
_SNIFFED_CHARACTERS: Final = 16 * 1024
_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n+")
CELL_CHARACTERS_MAX: Final = 1_000_000
"""Characters of one cell: an open quotation mark makes one cell of the rest of the file."""


class PlainDecoder:
    """Opens text and CSV files in any common encoding."""

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"text", "csv"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open file. Nothing that is text is refused."""
        decoded = decode_text(request.path.read_bytes())
        read = read_table if request.format == "csv" else read_paragraphs
        return OpenedText(
            [lambda _: read(decoded.text)],
            characters_max=limits.files.text_characters_max,
            notices=decoded.notices,
        )


def read_paragraphs(text: str) -> Iterator[Block]:
    """Yield the paragraphs: what empty lines part. Lines within are kept."""
    for paragraph in _PARAGRAPHS.split(text):
        if stripped := paragraph.strip("\n").rstrip():
            yield Block(kind=BlockKind.PARAGRAPH, text=stripped)


def read_table(text: str) -> Iterator[Block]:
    """Yield the rows as a table; what is none comes as it is."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    said = _SAID.match(text)
    lines = text[said.end() if said else 0 :].splitlines(keepends=True)
    dialect = _find_dialect(text)
    try:
        reader = csv.reader(lines, delimiter=said[1]) if said else csv.reader(lines, dialect)
        rows = [row for row in reader if any(row)]
    except csv.Error:
        rows = []
    table = make_table(rows)
    if table is None:
        yield from read_paragraphs(text)
    else:
        yield table


def _find_dialect(text: str) -> type[csv.Dialect] | csv.Dialect:
    try:
        return csv.Sniffer().sniff(text[:_SNIFFED_CHARACTERS], _DELIMITERS)
    except csv.Error:
        return csv.excel
