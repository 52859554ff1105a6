"""Office files: a zip of XML parts. One page for a text, one for each sheet, one for each slide."""

from __future__ import annotations

import posixpath
import zipfile
from functools import partial
from typing import IO, TYPE_CHECKING, Final
from xml.etree import ElementTree

from ironleaf.foundation.errors import BusinessError
from ironleaf.services.files import errors
from ironleaf.services.files.archives import check_archive
from ironleaf.services.files.formats.native import OpenedText
from ironleaf.services.files.formats.office_pictures import OpenedWithPictures
from ironleaf.services.files.formats.office_sheets import read_sheet, read_strings, read_workbook
from ironleaf.services.files.formats.office_slides import list_slides, read_slide
from ironleaf.services.files.formats.office_words import read_words
from ironleaf.services.files.formats.xml_parts import PART_FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ironleaf.document import Block
    from ironleaf.services.files.formats.base import DecodeLimits, OpenedFile, OpenRequest
    from ironleaf.services.files.settings import FileLimits

_MAIN_PARTS: Final = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}


class Package:
    """The parts of an Office file by name, whatever case and slashes its writer liked.

    Raises:
        zipfile.BadZipFile: there is no table of contents.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._parts = {_normalise(info.filename): info for info in archive.infolist()}

    def names(self, start: str) -> list[str]:
        """Return the parts whose name begins so, in the table's order."""
        return [name for name in self._parts if name.startswith(start)]

    def open(self, name: str) -> IO[bytes]:
        """Open a part.

        Raises:
            KeyError: there is none.
        """
        return self._archive.open(self._parts[_normalise(name)])

    def relations(self, part: str) -> dict[str, str]:
        """Return the inner targets of a part's relations by their id; none if their list is missing or damaged."""
        folder, name = posixpath.split(part)
        try:
            with self.open(f"{folder}/_rels/{name}.rels") as file:
                items = [item for item in ElementTree.parse(file).getroot().iter() if item.get("Target")]  # noqa: S314
        except PART_FAILURES:
            return {}
        return {
            item.get("Id", ""): _normalise(posixpath.join("/" + folder, item.get("Target", "")))
            for item in items
            if item.get("TargetMode") != "External"
        }

    def main_part(self, file_format: str) -> str:
        """Return the name of the part that everything hangs on."""
        try:
            with self.open("_rels/.rels") as file:
                for item in ElementTree.parse(file).getroot().iter():  # noqa: S314  # entities were refused before
                    target = _normalise(item.get("Target", ""))
                    if item.get("Type", "").endswith("/officeDocument") and target in self._parts:
                        return target
        except PART_FAILURES:
            pass
        return _MAIN_PARTS[file_format]


def _normalise(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


class OfficeDecoder:
    """Opens DOCX, XLSX and PPTX. Nothing in them is run or fetched: only text is taken out."""

    @property
    def formats(self) -> frozenset[str]:
        return frozenset(_MAIN_PARTS)

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open document.

        Raises:
            BusinessError: damaged-office, or one of the archive's own refusals (bombs).
            LimitReached: the archive is over a limit.
        """
        report = check_archive(request.path, limits=limits.files)
        try:
            archive = zipfile.ZipFile(request.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise BusinessError(errors.DAMAGED_OFFICE) from error
        try:
            package = Package(archive)
            text = OpenedText(
                [partial(_read_whole, page) for page in _list_pages(package, request.format, limits.files)],
                characters_max=limits.files.text_characters_max,
                notices=report.notices,
                on_close=archive.close,
            )
            return OpenedWithPictures(text, package, request, limits) if request.pictures else text
        except PART_FAILURES as error:
            archive.close()
            raise BusinessError(errors.DAMAGED_OFFICE) from error


def _list_pages(package: Package, file_format: str, limits: FileLimits) -> list[Callable[[list[str]], Iterable[Block]]]:
    main = package.main_part(file_format)
    if file_format == "docx":
        package.open(main).close()
        return [partial(read_words, package, main)]
    if file_format == "pptx":
        return [partial(read_slide, package, slide) for slide in list_slides(package, main)]
    workbook = read_workbook(package, main)
    strings = read_strings(package, workbook)
    most = limits.text_characters_max
    return [partial(read_sheet, package, workbook, sheet, strings, most) for sheet in workbook.sheets]


def _read_whole(page: Callable[[list[str]], Iterable[Block]], notices: list[str]) -> Iterable[Block]:
    """Yield a page's blocks as far as its parts can be read; what cannot is told.

    Raises:
        BusinessError: nothing of the page can be read. It is not blank.
    """
    found = False
    try:
        for block in page(notices):
            found = True
            yield block
    except PART_FAILURES as error:
        if not found:
            raise BusinessError(errors.DAMAGED_OFFICE) from error
        notices.append(errors.OFFICE_REPAIRED.reason)
