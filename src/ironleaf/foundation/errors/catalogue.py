"""The closed list of everything that may go wrong in public."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ironleaf.foundation.errors.entry import Entry


class CatalogueError(ValueError):
    """Two entries share a code or a reason: refused at start."""


class Catalogue:
    """Entries by code and by reason. Iterates in the order of codes.

    Raises:
        CatalogueError: a code or a reason stands twice.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_reason: dict[str, Entry] = {}
        self._by_code: dict[int, Entry] = {}
        for entry in entries:
            if entry.reason in self._by_reason or entry.code in self._by_code:
                raise CatalogueError(f"{entry.code} {entry.reason} stands twice in the catalogue")
            self._by_reason[entry.reason] = entry
            self._by_code[entry.code] = entry

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._by_code.values(), key=lambda entry: entry.code))

    def __len__(self) -> int:
        return len(self._by_code)

    def __contains__(self, entry: Entry) -> bool:
        return self._by_reason.get(entry.reason) == entry

    def find(self, reason: str) -> Entry | None:
        """Return the entry with this reason, if there is one."""
        return self._by_reason.get(reason)

    def find_code(self, code: int) -> Entry | None:
        """Return the entry with this code, if there is one."""
        return self._by_code.get(code)
