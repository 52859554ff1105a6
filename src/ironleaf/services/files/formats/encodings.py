"""From bytes to text where nobody said how they were written."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.services.files import errors
from ironleaf.services.files.formats.single_bytes import guess_single_byte
from ironleaf.services.files.texts import find_unmarked

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES: Final = 64 * 1024
"""Bytes from which an encoding is guessed."""
_EAST_ASIAN: Final = ("gb18030", "big5", "cp932", "euc_jp", "euc_kr", "cp949")
_COMMON_HAN: Final = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都"
    "这為們個國來說時會學對過裡後書長見現發問題開動東車門馬風電話業務日本語年月日時間新聞会社東京人大中国学生"
)
_KANA: Final = re.compile("[぀-ヿ]")
_HANGUL: Final = re.compile("[가-힣]")
_USUAL_SYLLABLE_BYTES: Final = 2
_ODD: Final = re.compile("[\ue000-\uf8ff\ufffd\x80-\x9f\uff61-\uff9f]")
_PLAUSIBLE_SHARE: Final = 0.15
"""Of the characters beyond ASCII that must be common in their language for a double-byte guess to be believed."""
_SURE_FIT: Final = 0.7
"""Of an encoding of one byte a letter: East Asian texts fit none above 0.56, most others above 0.75, measured."""
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
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")).removeprefix("\ufeff")


def _is_known(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]  # noqa: SLF001  # no public way to tell
    except (LookupError, ValueError):
        return False


def _guess(sample: bytes) -> str:
    single, fit = guess_single_byte(sample)
    if fit >= _SURE_FIT:
        return single
    scores = {encoding: _score(text) for encoding, text in _try_all(sample)}
    best = max(scores, key=lambda encoding: scores[encoding], default=single)
    return best if scores.get(best, 0.0) >= _PLAUSIBLE_SHARE else single


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
    known += len(_KANA.findall(joined)) + sum(map(_is_usual, _HANGUL.findall(joined)))
    return (known - 2 * len(_ODD.findall(joined))) / len(beyond)


def _is_usual(syllable: str) -> bool:
    # Of 11,172 Korean syllables 2,350 are in use; the codec spells the others out in eight bytes.
    return len(syllable.encode("euc_kr", "replace")) == _USUAL_SYLLABLE_BYTES
