"""File names as callers send them become labels: something to show, never a path."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LABEL_BYTES_MAX: Final = 255
"""Bytes of a label in UTF-8: what common file systems take, should a person save under it."""
_NAME_CHARACTERS_READ: Final = 4_096
"""Only the end of a longer name is looked at: its extension is there."""
_EXTENSION_CHARACTERS_MAX: Final = 16
"""A longer ending is not an extension."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (the bidirectional ones too), surrogate, private, unassigned, line and paragraph separators."""
_NOT_IN_NAMES: Final = re.compile(r'[<>:"|?*]')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices, whatever the extension."""


def clean_label(filename: str | None) -> str | None:
    """Return what is left of a file name as a tidy label, or None if nothing is.

    Promises: at most 255 bytes of UTF-8; no path, control, format or bidirectional
    character; not hidden, not a device name; cleaning twice changes nothing.
    """
    if filename is None:
        return None
    last = re.split(r"[/\\]", filename[-_NAME_CHARACTERS_READ:])[-1]
    visible = "".join(" " if char.isspace() else char for char in last if _is_visible(char) or char.isspace())
    label = _tidy(_NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", visible)))
    if _RESERVED.fullmatch(label):
        label = f"_{label}"
    return _shorten(label) or None


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in _INVISIBLE


def _tidy(text: str) -> str:
    return " ".join(text.split()).strip(". ")


def _shorten(label: str) -> str:
    if len(label.encode()) <= LABEL_BYTES_MAX:
        return label
    stem, dot, extension = label.rpartition(".")
    if not dot or len(extension) > _EXTENSION_CHARACTERS_MAX:
        return _tidy(_cut(label, LABEL_BYTES_MAX))
    kept = _tidy(_cut(stem, LABEL_BYTES_MAX - len(extension.encode()) - 1))
    return f"{kept}.{extension}"


def _cut(text: str, bytes_max: int) -> str:
    return text.encode()[:bytes_max].decode(errors="ignore")


def extension_of(label: str | None) -> str:
    """Return the label's extension in lower case without its dot, or an empty string."""
    _, dot, extension = (label or "").rpartition(".")
    return extension.lower() if dot and len(extension) <= _EXTENSION_CHARACTERS_MAX else ""
