"""Typed facts beside an error: numbers, units and our own names, never a caller's string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ironleaf.foundation.errors.entry import Language

ALLOWED_VALUES_MAX: Final = 40
"""More choices than this are documented, not listed."""
_OUR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,79}")
_OUR_VALUE = re.compile(r"[\w .,:;/<>=+()*-]{1,80}")


class Unit(StrEnum):
    """What a number in a detail counts."""

    BYTES = "bytes"
    PIXELS = "px"
    PAGES = "pages"
    FRAMES = "frames"
    SECONDS = "s"
    CHARACTERS = "characters"
    ENTRIES = "entries"
    RATIO = "ratio"
    REQUESTS = "requests"
    FILES = "files"
    PARTS = "parts"
    LEVELS = "levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One fact that explains an error.

    ``field`` and ``allowed`` are names from our own code; whoever builds a detail
    from anything that a caller sent breaks the contract, and the shape checks
    below make it visible at once.

    Raises:
        ValueError: a text is not one of our own names.
    """

    reason: str
    field: str | None = None
    page: int | None = None
    file: int | None = None
    """The number of the file in the request, from 1; never its name."""
    limit: float | int | None = None
    actual: float | int | None = None
    unit: Unit | None = None
    allowed: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.field is not None and not _OUR_NAME.fullmatch(self.field):
            raise ValueError("detail: the field is not a name of ours")
        for value in self.allowed or ():
            if not _OUR_VALUE.fullmatch(value):
                raise ValueError("detail: an allowed value is not a value of ours")


_UNIT_ZH: Final[dict[Unit, str]] = {
    Unit.BYTES: "字节",
    Unit.PIXELS: "像素",
    Unit.PAGES: "页",
    Unit.FRAMES: "帧",
    Unit.SECONDS: "秒",
    Unit.CHARACTERS: "个字符",
    Unit.ENTRIES: "项",
    Unit.RATIO: "倍",
    Unit.REQUESTS: "个请求",
    Unit.FILES: "个文件",
    Unit.PARTS: "个部分",
    Unit.LEVELS: "层",
}


def _quantity(value: float, unit: Unit | None, language: Language) -> str:
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    if unit is None:
        return number
    return f"{number} {_UNIT_ZH[unit] if language == 'zh' else unit.value}"


def describe_detail(detail: Detail, language: Language) -> str:
    """Return the detail's typed slots as words, or an empty string if it has none.

    Promises: built from numbers, units and our own names only.
    """
    zh = language == "zh"
    parts: list[str] = []
    if detail.file is not None:
        parts.append(f"文件 {detail.file}" if zh else f"file {detail.file}")
    if detail.page is not None:
        parts.append(f"第 {detail.page} 页" if zh else f"page {detail.page}")
    if detail.field is not None:
        parts.append(f"字段 {detail.field}" if zh else f"field {detail.field}")
    if detail.actual is not None:
        seen = _quantity(detail.actual, detail.unit, language)
        parts.append(f"实际 {seen}" if zh else f"{seen} seen")
    if detail.limit is not None:
        limit = _quantity(detail.limit, detail.unit, language)
        parts.append(f"上限 {limit}" if zh else f"the limit is {limit}")
    if detail.allowed:
        values = ", ".join(detail.allowed[:ALLOWED_VALUES_MAX])
        parts.append(f"可用值：{values}" if zh else f"allowed: {values}")
    return ("，" if zh else ", ").join(parts)
