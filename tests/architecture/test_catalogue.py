"""An error that is written down is in the catalogue: whoever adds one and forgets its list is told here."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import ironleaf
from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.foundation.errors import Entry, NoticeEntry

NOT_LOOKED_AT = ("ironleaf.faults", "ironleaf.__main__", "ironleaf.foundation.database.migrations")
"""Doubles, and what only runs when it is run."""


@cache
def list_names() -> tuple[tuple[str, object], ...]:
    """Return every name of every module of the product, with its value."""
    names = [found.name for found in pkgutil.walk_packages(ironleaf.__path__, "ironleaf.")]
    looked_at = [name for name in names if not name.startswith(NOT_LOOKED_AT)]
    modules = [importlib.import_module(name) for name in looked_at]  # noqa: TID251 - all of them, whatever they are
    return tuple((f"{module.__name__}.{name}", value) for module in modules for name, value in vars(module).items())


def test_every_entry_is_in_the_catalogue() -> None:
    catalogue = build_catalogue()
    assert [name for name, value in list_names() if isinstance(value, Entry) and value not in catalogue] == []


def test_every_warning_is_in_its_list() -> None:
    notices = build_notices()
    assert [name for name, value in list_names() if isinstance(value, NoticeEntry) and value not in notices] == []
