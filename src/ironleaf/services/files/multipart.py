"""Multipart forms, pushed in piece by piece: one file to the spool, options to memory, nothing whole.

The grammar is python-multipart's; the rules are ours: one file in the field
``file``, each option once, everything bounded, no name ever repeated to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ironleaf.foundation.errors import BusinessError, Detail, Entry, Unit, ValidationProblem
from ironleaf.foundation.errors.protocol import MALFORMED_FORM
from ironleaf.services.files.errors import (
    DUPLICATE_FIELD,
    MISSING_FILE,
    NOT_MULTIPART,
    OPTION_NOT_TEXT,
    OPTION_TOO_LONG,
    TOO_MANY_PARTS,
    TRUNCATED_UPLOAD,
    UNEXPECTED_FILE_FIELD,
)
from ironleaf.services.files.limits import limit_reached
from ironleaf.services.files.stored import FileSink

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

    from ironleaf.services.files.settings import FileLimits
    from ironleaf.services.files.spool import Spool
    from ironleaf.services.files.stored import StoredFile

FILE_FIELD: Final = "file"
"""The name of the form field that carries the file."""
OPTION_NAME_BYTES_MAX: Final = 64
"""Bytes of an option's name: three times the longest there is."""
HEADERS_PER_PART_MAX: Final = 8
"""Headers of a part: browsers send two."""
HEADER_BYTES_MAX: Final = 16 * 1024
"""Bytes of a header: a file name of 10,000 characters still passes, to be cut down to a label."""
CONTENT_TYPE_CHARACTERS_MAX: Final = 1_024
"""Characters of a Content-Type that are looked at: a boundary has 70 at most, and its parser takes squared time."""
PART_OVERHEAD_BYTES: Final = 1024
"""Bytes of boundary and headers that a part usually adds."""
_PLAIN_ENCODINGS: Final = frozenset({b"", b"binary", b"8bit", b"7bit"})


def body_bytes_max(limits: FileLimits) -> int:
    """Return how long a body may be at most: the largest file and every option at its longest."""
    return limits.bytes_max + limits.parts_max * (limits.option_bytes_max + PART_OVERHEAD_BYTES) + HEADER_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedForm:
    """A complete form. ``options`` are as sent: bounded, decoded, not yet judged."""

    file: StoredFile
    options: dict[str, str] = field(repr=False)


@dataclass(slots=True)
class _Part:
    """The part that is arriving."""

    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    option: bytearray | None = None
    is_file: bool = False


class FormReader:
    """Reads one form. Feed it, then finish it; leaving the context closes the file's handle.

    Raises:
        BusinessError: not-multipart or malformed-form, from the Content-Type alone.
    """

    def __init__(
        self,
        content_type: str | None,
        *,
        limits: FileLimits,
        spool: Spool,
        option_names: frozenset[str] = frozenset(),
    ) -> None:
        self._limits = limits
        self._spool = spool
        self._option_names = option_names
        self._parts = 0
        self._part = _Part()
        self._options: dict[str, bytearray] = {}
        self._sink: FileSink | None = None
        self._filename: str | None = None
        self._declared_media_type: str | None = None
        self._complete = False
        self._parser = self._open_parser(_boundary(content_type))

    def feed(self, data: bytes) -> None:
        """Read the next bytes of the body.

        Raises:
            IronleafError: whatever the form, the limits or the disk make of them.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BusinessError(MALFORMED_FORM) from error

    def finish(self) -> ReceivedForm:
        """Return the form.

        Raises:
            BusinessError: truncated-upload if the form's own end has not been seen.
            ValidationProblem: missing-file, empty-file or option-not-text.
        """
        if not self._complete and self._parts:
            raise BusinessError(TRUNCATED_UPLOAD)
        # A browser sends an empty nameless part for a file field that was left alone.
        if self._sink is None or not (self._sink.bytes or self._filename):
            raise _file_is_missing()
        options = {name: self._decode(name, value) for name, value in self._options.items()}
        file = self._sink.finish(filename=self._filename, declared_media_type=self._declared_media_type)
        return ReceivedForm(file=file, options=options)

    def close(self) -> None:
        """Let the file's handle go."""
        if self._sink is not None:
            self._sink.close()

    def _open_parser(self, boundary: bytes) -> MultipartParser:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._part.header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._part.header_value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open_part,
            "on_part_data": self._take,
            "on_end": self._end,
        }
        try:
            return MultipartParser(
                boundary, callbacks, max_header_count=HEADERS_PER_PART_MAX, max_header_size=HEADER_BYTES_MAX
            )
        except FormParserError as error:
            raise BusinessError(MALFORMED_FORM) from error

    def _begin_part(self) -> None:
        self._parts += 1
        self._part = _Part()
        if self._parts > self._limits.parts_max:
            raise limit_reached(TOO_MANY_PARTS, limit=self._limits.parts_max, actual=self._parts, unit=Unit.PARTS)

    def _end_header(self) -> None:
        part = self._part
        part.headers[bytes(part.header_name).lower()] = bytes(part.header_value)
        part.header_name.clear()
        part.header_value.clear()

    def _open_part(self) -> None:
        headers = self._part.headers
        disposition, parameters = parse_options_header(headers.get(b"content-disposition", b""))
        encoding = headers.get(b"content-transfer-encoding", b"").strip().lower()
        if disposition != b"form-data" or b"name" not in parameters or encoding not in _PLAIN_ENCODINGS:
            raise BusinessError(MALFORMED_FORM)
        name = parameters[b"name"]
        filename = parameters.get(b"filename")
        if filename is not None or (name == FILE_FIELD.encode() and b"content-type" in headers):
            self._open_file(name, filename or b"", headers.get(b"content-type", b""))
        elif name == FILE_FIELD.encode():
            raise _file_is_missing()
        else:
            self._open_option(name)

    def _open_file(self, name: bytes, filename: bytes, media_type: bytes) -> None:
        if name != FILE_FIELD.encode():
            raise ValidationProblem(UNEXPECTED_FILE_FIELD, details=(_allow_file(UNEXPECTED_FILE_FIELD),))
        if self._sink is not None:
            raise ValidationProblem(DUPLICATE_FIELD, details=(Detail(reason=DUPLICATE_FIELD.reason, field=FILE_FIELD),))
        self._part.is_file = True
        self._filename = filename.decode(errors="replace")
        self._declared_media_type = media_type.decode("latin-1")
        self._sink = FileSink(self._spool, limits=self._limits)

    def _open_option(self, raw_name: bytes) -> None:
        if len(raw_name) > OPTION_NAME_BYTES_MAX:
            raise limit_reached(OPTION_TOO_LONG, limit=OPTION_NAME_BYTES_MAX, actual=len(raw_name), unit=Unit.BYTES)
        name = raw_name.decode(errors="replace")
        if name in self._options:
            raise ValidationProblem(DUPLICATE_FIELD, details=(self._about(DUPLICATE_FIELD, name),))
        self._part.option = self._options[name] = bytearray()

    def _take(self, data: bytes, start: int, end: int) -> None:
        option = self._part.option
        if self._part.is_file and self._sink is not None:
            self._sink.write(memoryview(data)[start:end])
        elif option is not None:
            option.extend(data[start:end])
            if len(option) > self._limits.option_bytes_max:
                raise limit_reached(
                    OPTION_TOO_LONG, limit=self._limits.option_bytes_max, actual=len(option), unit=Unit.BYTES
                )

    def _end(self) -> None:
        self._complete = True

    def _decode(self, name: str, value: bytearray) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValidationProblem(OPTION_NOT_TEXT, details=(self._about(OPTION_NOT_TEXT, name),)) from error

    def _about(self, entry: Entry, name: str) -> Detail:
        # Only a name of ours may be said; any other name is the caller's own words.
        return Detail(reason=entry.reason, field=name if name in self._option_names else None)


def _allow_file(entry: Entry) -> Detail:
    return Detail(reason=entry.reason, allowed=(FILE_FIELD,))


def _boundary(content_type: str | None) -> bytes:
    header = (content_type or "")[:CONTENT_TYPE_CHARACTERS_MAX].encode("latin-1", errors="replace")
    media_type, parameters = parse_options_header(header)
    if media_type != b"multipart/form-data":
        raise BusinessError(NOT_MULTIPART)
    boundary = parameters.get(b"boundary", b"")
    if not boundary:
        raise BusinessError(MALFORMED_FORM)
    return boundary


def _file_is_missing() -> ValidationProblem:
    return ValidationProblem(MISSING_FILE, details=(Detail(reason=MISSING_FILE.reason, field=FILE_FIELD),))
