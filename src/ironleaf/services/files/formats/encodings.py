"""From bytes to text where nobody said how they were written."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.services.files import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ZERO_SHARE: Final = 0.35
"""Zero bytes in every other place: UTF-16 without a mark."""
SAMPLE_BYTES: Final = 64 * 1024
"""Bytes from which an encoding is guessed."""
_EAST_ASIAN: Final = ("gb18030", "big5", "cp932", "euc_jp", "euc_kr", "cp949")
_COMMON_HAN: Final = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都"
    "这為們個國來說時會學對過裡後書長見現發問題開動東車門馬風電話業務日本語年月日時間新聞会社東京人大中国学生"
)
_KANA: Final = re.compile("[぀-ヿ]")
_HANGUL: Final = re.compile("[가-힣]")
_ODD: Final = re.compile("[\ue000-\uf8ff\ufffd\x80-\x9f\uff61-\uff9f]")
_PLAUSIBLE_SHARE: Final = 0.15
"""Of the characters beyond ASCII that must be common in their language for a double-byte guess to be believed."""
_ASCII_LAST: Final = 0x7F
_CYRILLIC: Final = ("cp1251", "koi8-r", "iso8859-5", "cp866")
_CYRILLIC_SHARE: Final = 0.6
"""Of the letters that are beyond ASCII: Western languages stay under 0.2."""
_SMALL_CYRILLIC: Final = re.compile("[а-я]")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and what had to be assumed to read it."""

    text: str
    notices: tuple[str, ...] = ()


def decode_text(data: bytes, *, declared: str | None = None) -> Decoded:
    """Return the text of ``data``.

    A byte order mark decides, then UTF-8 if all of it is valid, then what was
    ``declared``, then the likeliest of the East Asian encodings, then Windows'
    Western one. Never raises; control characters are left out.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding)
    if wide := _find_wide(data[:SAMPLE_BYTES]):
        return _decode(data, wide, guessed=True)
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
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")).removeprefix("\ufeff")


def _find_wide(sample: bytes) -> str | None:
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if zeros and zeros.count(0) > len(zeros) * _ZERO_SHARE:
            return encoding
    return None


def _is_known(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]  # noqa: SLF001  # no public way to tell
    except (LookupError, ValueError):
        return False


def _guess(sample: bytes) -> str:
    scores = {encoding: _score(text) for encoding, text in _try_all(sample)}
    best = max(scores, key=lambda encoding: scores[encoding], default="cp1252")
    if scores.get(best, 0.0) >= _PLAUSIBLE_SHARE:
        return best
    return _guess_single(sample)


def _guess_single(sample: bytes) -> str:
    """Return the Cyrillic encoding that gives the most small letters if most letters are beyond ASCII, else Western."""
    letters = sum(byte > _ASCII_LAST or chr(byte).isalpha() for byte in sample)
    if sum(byte > _ASCII_LAST for byte in sample) < letters * _CYRILLIC_SHARE:
        return "cp1252"
    small = {name: len(_SMALL_CYRILLIC.findall(sample.decode(name, "replace"))) for name in _CYRILLIC}
    return max(small, key=lambda name: small[name])


def _try_all(sample: bytes) -> Iterable[tuple[str, str]]:
    for encoding in _EAST_ASIAN:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            yield encoding, decoder.decode(sample)  # the sample may end within a character
        except UnicodeDecodeError:
            continue


def _score(text: str) -> float:
    """Return how much the characters beyond ASCII look like a language, at most 1."""
    beyond = [character for character in text if character > "\x7f"]
    if not beyond:
        return 0.0
    joined = "".join(beyond)
    known = sum(character in _COMMON_HAN for character in beyond)
    known += len(_KANA.findall(joined)) + len(_HANGUL.findall(joined))
    return (known - 2 * len(_ODD.findall(joined))) / len(beyond)
