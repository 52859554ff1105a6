"""The files service's settings: limits with their units and reasons, and where files lie meanwhile."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path

from ironleaf.foundation.places import find_state_directory
from ironleaf.services.files.filetypes import FileFormat

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
_MAY_BE_ZERO = frozenset({"archive_depth_max", "archive_ratio_grace_bytes", "xml_entities_max"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """How large, many, deep and slow a file may be. Every limit is checked before the work it bounds."""

    bytes_max: int = 50 * MEBIBYTE
    """Bytes of one file: a 300-page scan fits."""
    pages_max: int = 500
    """Pages of one document: about ten minutes of the embedded engine on four cores."""
    page_pixels_max: int = 100_000_000
    """Pixels of one page: an A2 sheet at 600 dpi; 300 MB as RGB."""
    document_pixels_max: int = 10_000_000_000
    """Pixels of all pages of a picture file together: 500 pages of A4 at 500 dpi."""
    side_pixels_max: int = 65_500
    """Pixels of a side: what the JPEG format can hold; longer ones are bombs or strips."""
    frames_max: int = 1_000
    """Frames of a picture file of which all are asked for: a fax archive; more is a film. With ``page_range`` the
    limit on pages holds for those that it names, and this one for nothing."""
    archive_bytes_max: int = 500 * MEBIBYTE
    """Bytes that an Office file may unpack to, counted while it inflates."""
    archive_ratio_max: int = 100
    """How many times its own size an Office file may unpack to; real ones stay under 30."""
    archive_ratio_grace_bytes: int = 8 * MEBIBYTE
    """The ratio is looked at only above this: so much harms nobody, and blank pictures pack 1,000 to 1."""
    archive_entries_max: int = 10_000
    """Parts in an Office file: a 500-slide deck has about 3,000."""
    archive_depth_max: int = 2
    """Archives within archives: a workbook embedded in a deck is 1."""
    pdf_bytes_max: int = 256 * MEBIBYTE
    """Bytes that the streams of a PDF may unpack to, pictures aside, counted where they pack suspiciously well."""
    xml_depth_max: int = 256
    """Nesting of XML elements: Word's deepest tables reach about 100."""
    xml_entities_max: int = 0
    """Entity declarations in a part: Office writes none."""
    text_characters_max: int = 4_000_000
    """Characters of text taken from one file; the rest is cut with a warning."""
    upload_stall_s_max: float = 30.0
    """Seconds without a byte before an upload is given up."""
    upload_s_max: float = 900.0
    """Seconds for a whole upload: 50 MB at 0.5 Mbit/s. Bounds what a dripping client holds."""
    parts_max: int = 32
    """Parts of a form: three times the options there are."""
    option_bytes_max: int = 16 * 1024
    """Bytes of one option: a prompt of 4,000 characters in four-byte UTF-8."""
    decode_s_max: float = 30.0
    """Seconds of wall time for opening a file or drawing a page."""
    decode_bytes_max: int = 3 * GIBIBYTE
    """Address space of a decoder process: its libraries take 1 GiB of it, the largest page, twice, another."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            least = 0 if limit.name in _MAY_BE_ZERO else 1
            if getattr(self, limit.name) < least and limit.type != "float":
                raise ValueError(f"{limit.name}: must be at least {least}")
            if getattr(self, limit.name) <= 0 and limit.type == "float":
                raise ValueError(f"{limit.name}: must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSettings:
    """Files that killed the processes which read them are refused at once."""

    directory: Path = field(default_factory=find_state_directory)
    """Holds a command's ``quarantine.jsonl``: a line for each loss. Deleting a file's lines releases it. A service
    keeps its own in the database, and takes over what it finds here when it starts."""
    losses_to_refuse: int = 2
    """Workers that a file must have killed: one may be chance, two are the file."""
    expiry_s: float = 7 * 24 * 3600.0
    """Seconds until a loss is forgotten: decoders are mended meanwhile."""

    def __post_init__(self) -> None:
        if self.losses_to_refuse < 1:
            raise ValueError("losses_to_refuse: must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """Which files are taken, how far, and where they lie while they are read."""

    spool_directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / "ironleaf-spool")
    """Holds one private directory per request; swept at start."""
    spool_free_bytes_min: int = 512 * MEBIBYTE
    """Below this much free disk no upload is begun: the pages of one file must still fit."""
    formats: tuple[str, ...] = ()
    """The formats that are taken, such as ``["pdf", "jpeg", "png"]``; empty takes every one there is: avif, bmp, csv,
    docx, eml, gif, heic, html, jpeg, pdf, png, pptx, text, tiff, webp, xlsx."""
    enhance: bool = True
    """Repair a page's picture for the embedded engine where its measures promise a better reading."""
    quarantine: QuarantineSettings = field(default_factory=QuarantineSettings)
    limits: FileLimits = field(default_factory=FileLimits)

    def __post_init__(self) -> None:
        known = sorted(file_format.value for file_format in FileFormat)
        if not set(self.formats) <= set(known):
            raise ValueError(f"formats: must be among {', '.join(known)}")
