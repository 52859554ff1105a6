"""Pictures inside Office files, when they are to be read too: each is a page of its own behind the text."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from ironleaf.services.files import errors
from ironleaf.services.files.filetypes import Nature
from ironleaf.services.files.formats.base import OpenedFile, OpenedInfo, OpenRequest, PageInfo
from ironleaf.services.files.formats.image import ImageDecoder
from ironleaf.services.files.identify import identify_stream

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from ironleaf.document import RenderSpec
    from ironleaf.services.files.formats.base import DecodeLimits, RenderedPage

HEAD_BYTES: Final = 4_096
"""Bytes by which a part is recognised as a picture."""
PART_BYTES_MIN: Final = 256
"""Smaller parts are bullets and rules: no line of text fits."""
_FOLDERS: Final = ("word/media/", "ppt/media/", "xl/media/")


class PictureParts(Protocol):
    """An Office file's parts by name."""

    def names(self, start: str) -> list[str]: ...

    def open(self, name: str) -> IO[bytes]: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A part that is a picture of a kind that is taken."""

    part: str
    format: str


def list_pictures(parts: PictureParts) -> tuple[tuple[Picture, ...], bool]:
    """Return the pictures in the order of the table, and whether others had to be left out.

    Raises what opening a damaged part raises.
    """
    pictures: list[Picture] = []
    left_out = False
    for part in (name for folder in _FOLDERS for name in parts.names(folder)):
        with parts.open(part) as file:
            head = file.read(HEAD_BYTES)
        if len(head) < PART_BYTES_MIN:
            continue
        found = identify_stream(io.BytesIO(head))
        if found.nature is Nature.PICTURE and found.format is not None:
            pictures.append(Picture(part=part, format=found.format.value))
        else:
            left_out = True
    return tuple(pictures), left_out


class OpenedWithPictures:
    """An open Office file: its native pages, then one page for each picture, unpacked beside it when asked for."""

    def __init__(self, text: OpenedFile, parts: PictureParts, request: OpenRequest, limits: DecodeLimits) -> None:
        self._text = text
        self._parts = parts
        self._request = request
        self._limits = limits
        self._pictures, left_out = list_pictures(parts)
        self._decoder = ImageDecoder()
        self._shown: tuple[int, OpenedFile] | None = None
        # Two workers may read the same file at once.
        self._copy = request.path.with_name(f"{request.path.name}-{os.getpid()}")
        notices = text.info.notices + ((errors.EMBEDDED_PICTURES_SKIPPED.reason,) if left_out else ())
        self._info = OpenedInfo(page_count=text.info.page_count + len(self._pictures), notices=notices)

    @property
    def info(self) -> OpenedInfo:
        return self._info

    def describe(self, number: int) -> PageInfo:
        picture = self._show(number)
        if picture is not None:
            return replace(picture.describe(1), number=number)
        page = self._text.describe(number)
        skipped = errors.EMBEDDED_PICTURES_SKIPPED.reason  # they are pages now
        return replace(page, notices=tuple(notice for notice in page.notices if notice != skipped))

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        picture = self._show(number)
        return self._text.render(number, spec, target) if picture is None else picture.render(1, spec, target)

    def close(self) -> None:
        self._hide()
        self._text.close()

    def _show(self, number: int) -> OpenedFile | None:
        """Return the picture that a page is, open; none for a native page or one that is not there."""
        place = number - self._text.info.page_count - 1
        if not 0 <= place < len(self._pictures):
            return None
        if self._shown is None or self._shown[0] != place:
            self._hide()
            self._shown = (place, self._open(place))
        return self._shown[1]

    def _open(self, place: int) -> OpenedFile:
        picture = self._pictures[place]
        with self._parts.open(picture.part) as source, self._copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        request = OpenRequest(path=self._copy, format=picture.format, whole=False)
        return self._decoder.open(request, self._limits)

    def _hide(self) -> None:
        shown, self._shown = self._shown, None
        if shown is not None:
            shown[1].close()
        self._copy.unlink(missing_ok=True)
