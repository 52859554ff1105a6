"""From bytes to text where nobody said how they were written."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from ironleaf.services.files import errors
from ironleaf.services.files.formats.east_asian import guess_double_byte
from ironleaf.services.files.formats.single_bytes import guess_single_byte
from ironleaf.services.files.texts import find_unmarked

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES: Final = 64 * 1024
"""Bytes from which an encoding is guessed."""
_PLAUSIBLE_FIT: Final = 0.35
"""How well an encoding of two bytes a letter must fit to be believed at all: other texts fit one with under 0.2."""
_FOUR_BYTES: Final = re.compile(rb"(?:[\x81-\x84\x90-\xe3][0-9][\x81-\xfe][0-9]){4}")
"""Letters beyond Chinese as GB18030 writes them: a digit behind each byte, which no other text has four times."""
_TERMINAL: Final = re.compile("\x1b\\[[0-9;?]{0,40}[@-~]")
"""Orders to a terminal, in logs mostly: colours."""
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and what had to be assumed to read it."""

    text: str
    notices: tuple[str, ...] = ()


def decode_text(data: bytes, *, declared: str | None = None) -> Decoded:
    """Return the text of ``data``.

    A byte order mark decides, then UTF-8 if all of it is valid, then what was
    ``declared``, then the likeliest of the East Asian encodings, then that of one
    byte a letter. Never raises; control characters are left out.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding)
    if marked := find_unmarked(data[:SAMPLE_BYTES]):
        return _decode(data, marked, guessed=True)
    try:
        return Decoded(_clean(data.decode("utf-8")))
    except UnicodeDecodeError:
        pass
    if declared and _is_known(declared):
        return _decode(data, declared)
    return _decode(data, _guess(data[:SAMPLE_BYTES]), guessed=True)


def _decode(data: bytes, encoding: str, *, guessed: bool = False) -> Decoded:
    text = data.decode(encoding, "replace")
    marks = (
        errors.ENCODING_GUESSED.reason if guessed else None,
        errors.CHARACTERS_REPLACED.reason if "\ufffd" in text else None,
    )
    return Decoded(_clean(text), tuple(mark for mark in marks if mark))


def _clean(text: str) -> str:
    text = _TERMINAL.sub("", text) if "\x1b" in text else text
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")).removeprefix("\ufeff")


def _is_known(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]  # noqa: SLF001  # no public way to tell
    except (LookupError, ValueError):
        return False


def _guess(sample: bytes) -> str:
    if _FOUR_BYTES.search(sample):
        return "gb18030"
    single, single_fit = guess_single_byte(sample)
    double, double_fit = guess_double_byte(sample)
    return double if double_fit >= max(_PLAUSIBLE_FIT, single_fit) else single
