"""What a PDF's bytes tell without parsing it: damage that is mended on opening, and active content."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_ACTIVE: Final = re.compile(rb"/(?:JavaScript|Launch|RichMedia|ImportData|SubmitForm)\b")
_ATTACHED: Final = re.compile(rb"/EmbeddedFiles?\b")
_EXTERNAL: Final = re.compile(rb"/OpenAction\s{0,4}<<[^>]{0,400}/GoTo[RE]\b")
"""A link to another file is of no concern until somebody clicks on it; this one is followed on opening."""
_START_XREF: Final = re.compile(rb"startxref\s+(\d{1,15})")
_XREF_AT: Final = re.compile(rb"\s{0,4}(?:xref|\d{1,10}\s+\d{1,5}\s+obj)")
_TAIL_BYTES: Final = 2_048
"""Where readers look for the end of a PDF: the format says 1,024."""
_HEAD_BYTES: Final = 1_024
"""Where readers look for the beginning: offsets count from there."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the bytes tell."""

    damaged: bool
    active: bool
    attached: bool
    external: bool
    """It would open another file by itself."""


def scan_structure(path: Path) -> Structure:
    """Return whether the file needs repair, and what it holds besides pages.

    Words inside compressed object streams are not seen: this is a hint for a
    warning, not a defence. The defence is that nothing is ever run.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return Structure(
            damaged=_needs_repair(data),
            active=_ACTIVE.search(data) is not None,
            attached=_ATTACHED.search(data) is not None,
            external=_EXTERNAL.search(data) is not None,
        )


def _needs_repair(data: mmap.mmap) -> bool:
    """Tell whether the end of the file does not lead to a cross-reference table."""
    marks = list(_START_XREF.finditer(data, max(0, len(data) - _TAIL_BYTES)))
    if not marks:
        return True
    begin = max(0, data.find(b"%PDF-", 0, _HEAD_BYTES))
    offset = int(marks[-1].group(1))
    return not any(_XREF_AT.match(data, place) for place in {offset, offset + begin})
