"""Telling text from bytes, and one kind of text from another."""

from __future__ import annotations

import codecs
import csv
import re
from itertools import islice
from typing import Final

from ironleaf.services.files import filetypes as types
from ironleaf.services.files.filetypes import FileFormat, FileType

CONTROL_SHARE_MAX: Final = 0.002
"""Share of control characters that real texts reach; random bytes hold a tenth."""
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {*b"\t\n\v\f\r\b\x1a\x1b"})
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF16_ZERO_SHARE_MIN: Final = 0.35
"""Share of zero bytes in every other place of UTF-16 text without a mark: that of a text half in Latin letters."""
_PLANES_MAX: Final = 0x10
"""The third byte of a character in UTF-32 is at most this, the fourth is zero."""
_ESCAPES: Final = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$B", "iso2022_jp_2"), (b"\x1b$@", "iso2022_jp_2"))
"""Sequences that switch to Korean or Japanese in seven bits, as in older mail."""

_PROLOG_PARTS_MAX: Final = 64
_SURE_TAGS: Final = frozenset({"html", "head", "body"})
_TAGS: Final = re.compile(
    "html|head|body|title|script|style|meta|link|base|table|tr|td|div|p|h[1-6]|br|hr|a|b|i|u|em|strong|font|iframe|img|"
    "ul|ol|li|dl|span|form|center|pre|main|article|section|header|nav|footer|aside|blockquote|figure|details"
)
_HTML_LINE: Final = re.compile(r"^\s{0,40}<html[\s>]", re.IGNORECASE | re.MULTILINE)
_ANY_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9]*[\s/>]")
_HTML_SEARCH_CHARACTERS: Final = 4_096

_HEADER_LINE: Final = re.compile(r"([!-9;-~]{1,76}):")
_SURE_MAIL_HEADERS: Final = frozenset({"from", "received", "return-path", "message-id", "mime-version", "date"})
_MAIL_HEADERS: Final = _SURE_MAIL_HEADERS | {
    "to",
    "cc",
    "subject",
    "delivered-to",
    "content-type",
    "reply-to",
    "sender",
}
_MAIL_HEADERS_MIN: Final = 2
_MULTIPART: Final = re.compile(r"content-type:\s*multipart/", re.IGNORECASE)
_HEADERS_END: Final = re.compile(rb"\r?\n\r?\n")

_DELIMITERS: Final = (",", ";", "\t", "|")
_CSV_ROWS_READ: Final = 20
_CSV_ROWS_MIN: Final = 3
_CSV_COLUMNS_MIN: Final = 3
"""Prose has commas too: fewer columns, or rows, prove nothing."""


def decode_head(head: bytes) -> str | None:
    """Return the beginning of a text, or None if the bytes are no text.

    The characters serve to recognise the kind only; a legacy encoding may come
    out as the wrong letters.
    """
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, errors="replace")
    if encoding := find_unmarked(head):
        return _decode_unmarked(head, encoding)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > len(head) * CONTROL_SHARE_MAX:
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("latin-1")


def is_binary_mail(head: bytes) -> bool:
    """Return whether it begins as mail does, whatever bytes stand below: mail may carry them as they are."""
    headers, *below = _HEADERS_END.split(head, maxsplit=1)
    text = decode_head(headers)
    return bool(below) and text is not None and _is_mail(text)


def find_unmarked(sample: bytes) -> str | None:
    """Return the encoding that zero bytes in their places, or escape sequences, give away without any mark."""
    for encoding, zeros, planes in (
        ("utf-32-le", sample[3::4], sample[2::4]),
        ("utf-32-be", sample[0::4], sample[1::4]),
    ):
        if len(zeros) > 1 and not any(zeros) and max(planes) <= _PLANES_MAX and any(sample):
            return encoding
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if zeros.count(0) > len(zeros) * _UTF16_ZERO_SHARE_MIN:
            return encoding
    return next((encoding for escape, encoding in _ESCAPES if escape in sample), None)


def _decode_unmarked(head: bytes, encoding: str) -> str | None:
    text = head.decode(encoding, errors="replace")
    odd = sum(not (char.isprintable() or char.isspace()) or char == "\ufffd" for char in text)
    return text if odd <= 1 + len(text) * CONTROL_SHARE_MAX else None


def match_text(text: str, *, hint: FileFormat | None = None) -> FileType:
    """Return which kind of text it is. ``hint``, from the file's name, decides only where content leaves it open."""
    found = _match_markup(text, hint) or (types.EML if _is_mail(text) else None)
    if found is not None:
        return found
    if hint is FileFormat.CSV or (hint is None and _is_table(text)):
        return types.CSV
    return types.TEXT


def _match_markup(text: str, hint: FileFormat | None) -> FileType | None:
    root, prolog = _find_root(text)
    if "<!doctype html" in prolog or root in _SURE_TAGS:
        return types.HTML
    if root.rpartition(":")[2] == "svg":
        return types.SVG
    if root.startswith("office:document"):
        return types.OPENDOCUMENT_XML
    if root in {"w:worddocument", "pkg:package"} or "<?mso-application" in prolog:
        return types.WORD_XML
    if hint not in {None, FileFormat.HTML} or prolog.startswith("<?xml"):
        return None
    start = text[:_HTML_SEARCH_CHARACTERS]
    fragment = _TAGS.fullmatch(root) or (hint is FileFormat.HTML and _ANY_TAG.search(start))
    return types.HTML if fragment or _HTML_LINE.search(start) else None


def _find_root(text: str) -> tuple[str, str]:
    """Return the first element's name and what stands before it, both in lower case."""
    at = 0
    for _ in range(_PROLOG_PARTS_MAX):
        while at < len(text) and (text[at].isspace() or text[at] == "\ufeff"):
            at += 1
        end = _skip_prolog_part(text, at)
        if end is None:
            break
        at = end
    name = re.compile(r"<([A-Za-z_][\w.:-]{0,80})").match(text, at)
    return (name[1].lower() if name else "", text[: min(at, _HTML_SEARCH_CHARACTERS)].lower().lstrip("\ufeff \t\r\n"))


def _skip_prolog_part(text: str, at: int) -> int | None:
    for opening, closing in (("<?", "?>"), ("<!--", "-->"), ("<!", ">")):
        if text.startswith(opening, at):
            end = text.find(closing, at)
            if opening == "<!" and (subset := text.find("[", at, end)) >= 0:
                end = text.find("]>", subset) + 1 or -1
            return None if end < 0 else end + len(closing)
    return None


def _is_mail(text: str) -> bool:
    names: set[str] = set()
    multipart = False
    for number, line in enumerate(text.splitlines()):
        if not line.strip():
            break
        header = _HEADER_LINE.match(line)
        if header:
            names.add(header[1].lower())
            multipart = multipart or bool(_MULTIPART.match(line))
        elif not line.startswith((" ", "\t")) and not (number == 0 and line.startswith("From ")):
            return False
    return multipart or (len(names & _MAIL_HEADERS) >= _MAIL_HEADERS_MIN and bool(names & _SURE_MAIL_HEADERS))


def _is_table(text: str) -> bool:
    lines = text.splitlines()[:_CSV_ROWS_READ]
    if len(lines) == _CSV_ROWS_READ:
        lines.pop()  # it may be cut
    return any(_has_columns(lines, delimiter) for delimiter in _DELIMITERS)


def _has_columns(lines: list[str], delimiter: str) -> bool:
    try:
        rows = [row for row in islice(csv.reader(lines, delimiter=delimiter), _CSV_ROWS_READ) if row]
    except csv.Error:
        return False
    return (
        len(rows) >= _CSV_ROWS_MIN
        and len(rows[0]) >= _CSV_COLUMNS_MIN
        and all(len(row) == len(rows[0]) for row in rows)
    )
