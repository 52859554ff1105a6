"""Mail as files (EML): its head and its text as one page."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.formats.failures import damaged
from ironleaf.services.files.formats.html import read_html
from ironleaf.services.files.formats.native import OpenedText
from ironleaf.services.files.formats.plain import read_paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from ironleaf.services.files.formats.base import DecodeLimits, OpenedFile, OpenRequest

_HEAD: Final = ("From", "To", "Cc", "Date")
PARTS_MAX: Final = 200
"""Parts of a mail that are looked at; newsletters have twenty."""


class MailDecoder:
    """Opens mail files."""

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"eml"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open mail.

        Raises:
            BusinessError: it has neither a head nor a text.
        """
        message = email.message_from_bytes(request.path.read_bytes(), policy=email.policy.default)
        notices: list[str] = []
        blocks = [*_read_head(message), *_read_body(message, notices)]
        if not blocks:
            raise damaged(errors.DAMAGED_FILE, why="mail without head and text")
        return OpenedText(
            [lambda _: blocks],
            characters_max=limits.files.text_characters_max,
            notices=tuple(dict.fromkeys(notices)),
        )


def _read_head(message: EmailMessage) -> Iterator[Block]:
    if subject := _header(message, "Subject"):
        yield Block(kind=BlockKind.HEADING, text=subject, level=1)
    lines = [f"{name}: {value}" for name in _HEAD if (value := _header(message, name))]
    if lines:
        yield Block(kind=BlockKind.PARAGRAPH, text="\n".join(lines))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # noqa: BLE001  # the library parses headers late, and raises what it likes at bad ones
        return ""


def _read_body(message: EmailMessage, notices: list[str]) -> Iterator[Block]:
    """Yield the text parts; of a text and its HTML twin the text is taken if it says anything."""
    parts = [part for part, _ in zip(message.walk(), range(PARTS_MAX), strict=False) if not part.is_multipart()]
    if any(part.get_filename() or part.get_content_disposition() == "attachment" for part in parts):
        notices.append(errors.ATTACHMENTS_SKIPPED.reason)
    plain = list(_blocks(parts, "text/plain", notices))
    yield from plain or _blocks(parts, "text/html", notices)


def _blocks(parts: list[EmailMessage], kind: str, notices: list[str]) -> Iterator[Block]:
    for part in parts:
        if part.get_content_type() != kind or part.get_content_disposition() == "attachment":
            continue
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            continue
        decoded = decode_text(data, declared=part.get_content_charset())
        notices.extend(decoded.notices)
        if kind == "text/plain":
            yield from read_paragraphs(decoded.text)
        else:
            blocks, active = read_html(decoded.text)
            notices.extend([errors.ACTIVE_CONTENT_IGNORED.reason] * active)
            yield from blocks
