"""Mail as files (EML): its head and its text as one page."""

from __future__ import annotations

import email
import re
from email.policy import EmailPolicy
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.formats.html import read_html
from ironleaf.services.files.formats.native import OpenedText
from ironleaf.services.files.formats.plain import read_paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage, MIMEPart

    from ironleaf.services.files.formats.base import DecodeLimits, OpenedFile, OpenRequest

_HEAD: Final = ("From", "To", "Cc", "Date")
HEADER_CHARACTERS_MAX: Final = 8_000
"""Of one header: two hundred addressees. More are cut, with a warning."""
PARTS_MAX: Final = 200
"""Parts of a mail that are looked at; newsletters have twenty."""


MAILS_MAX: Final = 200
"""Mails of a mailbox that are read."""
_ENVELOPE: Final = b"From "
_MAILS: Final = re.compile(rb"(?:\A|\r?\n\r?\n)From \S[^\r\n]*\r?\n(?=[!-9;-~]{1,76}:)")
"""The line that begins each mail of a mailbox, and a header behind it."""


class _BoundedHeaders(EmailPolicy):
    """The library's usual policy, for headers of bounded length: its parser's time grows with the square of it."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:HEADER_CHARACTERS_MAX]


class MailDecoder:
    """Opens mail files."""

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"eml"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open mail. One with neither a head nor a text is an empty page."""
        mails, more = _split_mails(request.path.read_bytes())
        notices: list[str] = [errors.TEXT_TRUNCATED.reason] if more else []
        blocks = [block for mail in mails for block in _read_mail(mail, notices)]
        return OpenedText(
            [lambda _: blocks],
            characters_max=limits.files.text_characters_max,
            notices=tuple(dict.fromkeys(notices)),
        )


def _split_mails(data: bytes) -> tuple[list[bytes], bool]:
    """Return the mails of a mailbox, or the one mail that it is, and whether there are more than are read."""
    if not data.startswith(_ENVELOPE):
        return [data], False
    begins = list(islice(_MAILS.finditer(data), MAILS_MAX + 1))
    ends = [mark.start() for mark in begins[1:]]
    if len(begins) <= MAILS_MAX:
        ends.append(len(data))
    mails = [data[mark.end() : end] for mark, end in zip(begins, ends, strict=False)]
    return mails or [data], len(begins) > MAILS_MAX


def _read_mail(data: bytes, notices: list[str]) -> Iterator[Block]:
    read = email.message_from_bytes(data, policy=_BoundedHeaders())
    message = cast("EmailMessage", read)  # as the policy makes them
    if any(len(value) >= HEADER_CHARACTERS_MAX for _, value in message.raw_items()):
        notices.append(errors.TEXT_TRUNCATED.reason)
    yield from _read_head(message)
    yield from _read_body(message, notices)


def _read_head(message: MIMEPart) -> Iterator[Block]:
    if subject := _header(message, "Subject"):
        yield Block(kind=BlockKind.HEADING, text=subject, level=1)
    lines = [f"{name}: {value}" for name in _HEAD if (value := _header(message, name))]
    if lines:
        yield Block(kind=BlockKind.PARAGRAPH, text="\n".join(lines))


def _header(message: MIMEPart, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # noqa: BLE001  # the library parses headers late, and raises what it likes at bad ones
        return ""


def _read_body(message: EmailMessage, notices: list[str]) -> Iterator[Block]:
    """Yield the text parts; of a text and its HTML twin the text is taken if it says anything.

    A mail within the mail is read where it stands, with its head.
    """
    walked = list(islice(message.walk(), PARTS_MAX + 1))
    if len(walked) > PARTS_MAX:
        notices.append(errors.TEXT_TRUNCATED.reason)
    parts = walked[:PARTS_MAX]
    if any(_is_attached(part) for part in parts):
        notices.append(errors.ATTACHMENTS_SKIPPED.reason)
    plain = any(True for part in parts for _ in _read_part(part, "text/plain", notices))
    for part in parts:
        if part.get_content_type() == "message/rfc822":
            for inner in part.iter_parts():
                yield from _read_head(inner)
        yield from _read_part(part, "text/plain" if plain else "text/html", notices)


def _is_attached(part: EmailMessage) -> bool:
    named = part.get_filename() or part.get_content_disposition() == "attachment"
    return bool(named) and not part.is_multipart()


def _name_kind(part: EmailMessage) -> str:
    """Return the part's type; what says to have parts and has none, for want of a boundary, is a text."""
    return "text/plain" if part.get_content_maintype() == "multipart" else part.get_content_type()


def _read_part(part: EmailMessage, kind: str, notices: list[str]) -> Iterator[Block]:
    if part.is_multipart() or _name_kind(part) != kind or part.get_content_disposition() == "attachment":
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return
    decoded = decode_text(data, declared=part.get_content_charset())
    notices.extend(decoded.notices)
    if kind == "text/plain":
        yield from read_paragraphs(decoded.text)
    else:
        blocks, found = read_html(decoded.text)
        notices.extend(found)
        yield from blocks
