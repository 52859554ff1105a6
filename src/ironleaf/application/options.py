"""What a caller may ask for, read strictly: an unknown name or a wrong value is refused, never echoed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ironleaf.application.errors import UNKNOWN_OPTION
from ironleaf.foundation.errors import Detail, Unit, ValidationProblem
from ironleaf.foundation.errors.protocol import BAD_OPTION

TIMEOUT_S_DEFAULT: Final = 60
TIMEOUT_S_MAX: Final = 300
"""Longer work belongs into a job: proxies in front of us cut longer silences."""
PROMPT_CHARACTERS_MAX: Final = 4_000
"""About a thousand tokens: room for any instruction, none for a second document."""
PASSWORD_CHARACTERS_MAX: Final = 127
"""The longest password that a PDF can have (ISO 32000-2, 7.6.4)."""
LANGUAGES_MAX: Final = 10
"""A hint with more languages is none."""
RANGE_PARTS_MAX: Final = 100
"""Spans in a page range; more cannot be meant by hand."""
RANGE_PAGE_MAX: Final = 1_000_000
"""Keeps a range small to hold before the file's page count is known."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SPAN = re.compile(r"([1-9][0-9]{0,6})(?:-([1-9][0-9]{0,6}))?")


class OutputFormat(StrEnum):
    MARKDOWN = "markdown"
    TEXT = "text"
    JSON = "json"
    HTML = "html"


class EngineChoice(StrEnum):
    AUTO = "auto"
    VL = "vl"
    EMBEDDED = "embedded"
    TEXT_LAYER = "text_layer"


@dataclass(frozen=True, slots=True)
class PageRange:
    """Closed spans of page numbers, from 1."""

    spans: tuple[tuple[int, int], ...]

    def select(self, page_count: int) -> tuple[int, ...]:
        """Return the numbers of the file's pages that lie in the range, ascending, each once."""
        wanted = {number for first, last in self.spans for number in range(first, min(last, page_count) + 1)}
        return tuple(sorted(wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions:
    """The options of one conversion; the defaults are those of the HTTP form."""

    output_format: OutputFormat = OutputFormat.MARKDOWN
    engine: EngineChoice = EngineChoice.AUTO
    page_range: PageRange | None = None
    languages: tuple[str, ...] = ()
    timeout_s: int = TIMEOUT_S_DEFAULT
    prompt: str | None = None
    password: str | None = field(default=None, repr=False)
    force_ocr: bool = False
    include_images: bool = False


class _Refused(Exception):
    """One option's value is wrong; carries what would have been right."""

    def __init__(
        self,
        *,
        allowed: tuple[str, ...] | None = None,
        limit: int | None = None,
        actual: int | None = None,
        unit: Unit | None = None,
    ) -> None:
        super().__init__()
        self.allowed, self.limit, self.actual, self.unit = allowed, limit, actual, unit


def parse_options(fields: Mapping[str, str]) -> ConvertOptions:
    """Return the options that the form fields say.

    Raises:
        ValidationProblem: ``unknown-option`` or ``bad-option``, with a detail for each field that is wrong.
    """
    if any(name not in _READERS for name in fields):
        raise ValidationProblem(UNKNOWN_OPTION, details=(Detail(reason="unknown-option", allowed=tuple(_READERS)),))
    values: dict[str, object] = {}
    details: list[Detail] = []
    for name, text in fields.items():
        if not text:  # an empty form field is one that was left alone
            continue
        try:
            values[name] = _READERS[name](text)
        except _Refused as refused:
            details.append(_explain(name, refused))
    if details:
        raise ValidationProblem(BAD_OPTION, details=tuple(details))
    options = ConvertOptions(**values)  # pyright: ignore[reportArgumentType]  (each reader returns its field's type)
    _check_together(options)
    return options


def _check_together(options: ConvertOptions) -> None:
    if options.prompt is not None and options.engine not in {EngineChoice.AUTO, EngineChoice.VL}:
        allowed = (EngineChoice.VL.value, EngineChoice.AUTO.value)
        detail = Detail(reason="bad-option", field="engine", allowed=allowed)
        raise ValidationProblem(BAD_OPTION, details=(detail,))
    if options.force_ocr and options.engine is EngineChoice.TEXT_LAYER:
        detail = Detail(reason="bad-option", field="force_ocr", allowed=("false",))
        raise ValidationProblem(BAD_OPTION, details=(detail,))


def _explain(name: str, refused: _Refused) -> Detail:
    return Detail(
        reason="bad-option",
        field=name,
        allowed=refused.allowed,
        limit=refused.limit,
        actual=refused.actual,
        unit=refused.unit,
    )


def _choose(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise _Refused(allowed=tuple(kind)) from None

    return read


def _read_bool(text: str) -> bool:
    if text not in {"true", "false", "1", "0"}:
        raise _Refused(allowed=("true", "false"))
    return text in {"true", "1"}


def _read_timeout(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _Refused(allowed=(f"1-{TIMEOUT_S_MAX}",))
    value = int(text)
    if not 1 <= value <= TIMEOUT_S_MAX:
        raise _Refused(allowed=(f"1-{TIMEOUT_S_MAX}",), limit=TIMEOUT_S_MAX, actual=value, unit=Unit.SECONDS)
    return value


def _read_languages(text: str) -> tuple[str, ...]:
    languages = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(languages) > LANGUAGES_MAX:
        raise _Refused(limit=LANGUAGES_MAX, actual=len(languages))
    if not all(_LANGUAGE.fullmatch(language) for language in languages):
        raise _Refused(allowed=("en", "zh-Hans", "ja", "pt-BR"))
    return languages


def _read_page_range(text: str) -> PageRange:
    parts = text.replace(" ", "").split(",")
    if len(parts) > RANGE_PARTS_MAX:
        raise _Refused(limit=RANGE_PARTS_MAX, actual=len(parts), unit=Unit.PARTS)
    spans: list[tuple[int, int]] = []
    for part in parts:
        match = _SPAN.fullmatch(part)
        if match is None:
            raise _Refused(allowed=("1-5,8",))
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= RANGE_PAGE_MAX:
            raise _Refused(allowed=("1-5,8",))
        spans.append((first, last))
    return PageRange(tuple(spans))


def _read_text(characters_max: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > characters_max:
            raise _Refused(limit=characters_max, actual=len(text), unit=Unit.CHARACTERS)
        return text

    return read


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "output_format": _choose(OutputFormat),
    "engine": _choose(EngineChoice),
    "page_range": _read_page_range,
    "languages": _read_languages,
    "timeout_s": _read_timeout,
    "prompt": _read_text(PROMPT_CHARACTERS_MAX),
    "password": _read_text(PASSWORD_CHARACTERS_MAX),
    "force_ocr": _read_bool,
    "include_images": _read_bool,
}
OPTION_NAMES: Final[tuple[str, ...]] = tuple(_READERS)
