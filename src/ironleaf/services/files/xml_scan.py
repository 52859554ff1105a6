"""XML that would hurt its parser, recognised from its bytes as they stream by: no parser is involved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import BusinessError, Detail, Unit
from ironleaf.services.files.errors import XML_BOMB

if TYPE_CHECKING:
    from ironleaf.services.files.settings import FileLimits

WINDOW_BYTES: Final = 512
"""Nesting is counted per window: between two looks it can grow by some 170 levels, which no reader of ours minds."""
CARRY_BYTES_MAX: Final = 64 * 1024
"""A piece without any tag is text; of a longer one only the end matters."""
_ENTITY: Final = b"<!ENTITY"
_DECLARED_ENCODING: Final = re.compile(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})")
_PLAIN_ENCODING: Final = re.compile(
    rb"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d|koi8-\w|gbk?|gb2312|gb18030|big5|"
    rb"shift_jis|euc-\w\w",
    re.IGNORECASE,
)
"""Encodings in which markup has its usual bytes; another one could hide it from this scan, not from a parser."""


class XmlScan:
    """Looks at one XML part. Feed it in order.

    Raises:
        BusinessError: xml-bomb, for entity declarations, nesting or an encoding that hides them.
    """

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._carry = b""
        self._depth = 0
        self._entities = 0
        self._begun = False
        self._wide = False

    def feed(self, piece: bytes) -> None:
        """Look at the next piece."""
        if not self._begun:
            self._begin(piece)
        data = self._carry + (piece.replace(b"\0", b"") if self._wide else piece)
        cut = data.rfind(b">") + 1
        self._carry = data[cut:][-CARRY_BYTES_MAX:]
        data = data[:cut]
        self._entities += data.count(_ENTITY)
        if self._entities > self._limits.xml_entities_max:
            raise _bomb(self._limits.xml_entities_max, self._entities, Unit.ENTRIES)
        if not self._wide:
            self._measure_depth(data)

    def _begin(self, piece: bytes) -> None:
        self._begun = True
        self._wide = b"\0" in piece[:4] or piece.startswith((b"\xff\xfe", b"\xfe\xff"))
        declared = _DECLARED_ENCODING.search(piece[:1024].replace(b"\0", b""))
        if declared and not _PLAIN_ENCODING.fullmatch(declared[1]):
            raise BusinessError(XML_BOMB)

    def _measure_depth(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            end = data.find(b">", at + WINDOW_BYTES) + 1 or len(data)
            window = data[at:end]
            opened = window.count(b"<") - window.count(b"<?") - window.count(b"<!")
            closed = 2 * window.count(b"</") + window.count(b"/>")
            self._depth = max(0, self._depth + opened - closed)
            if self._depth > self._limits.xml_depth_max:
                raise _bomb(self._limits.xml_depth_max, self._depth, Unit.LEVELS)
            at = end


def _bomb(limit: int, actual: int, unit: Unit) -> BusinessError:
    return BusinessError(XML_BOMB, details=(Detail(reason=XML_BOMB.reason, limit=limit, actual=actual, unit=unit),))
