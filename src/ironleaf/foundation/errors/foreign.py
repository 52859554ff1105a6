"""From a bare HTTP status, as others raise it, to an entry that says no more than the status does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ironleaf.foundation.errors.catalogue import Catalogue
from ironleaf.foundation.errors.entry import CLIENT_CLOSED_STATUS, Entry
from ironleaf.foundation.errors.protocol import BAD_REQUEST, ENTRIES, INTERNAL_ERROR

_BY_STATUS: Final[Mapping[int, Entry]] = MappingProxyType(
    {entry.http_status: entry for entry in reversed(ENTRIES) if entry.http_status != CLIENT_CLOSED_STATUS}
)
"""The first entry of each status: ENTRIES lists the most general one first."""


def find_entry_by_status(status: int, catalogue: Catalogue) -> Entry:
    """Return the entry that says no more than ``status`` does, for errors that others raised.

    Order: the generic entry of that status; the catalogue's own, if it has exactly
    one; the generic entry of the status class, whose status is then answered.
    """
    generic = _BY_STATUS.get(status)
    if generic is not None:
        return generic
    own = [entry for entry in catalogue if entry.http_status == status != CLIENT_CLOSED_STATUS]
    if len(own) == 1:
        return own[0]
    return BAD_REQUEST if status < INTERNAL_ERROR.http_status else INTERNAL_ERROR
