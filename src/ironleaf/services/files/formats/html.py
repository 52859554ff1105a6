"""HTML: what a reader sees, as blocks. Nothing is run, nothing is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind
from ironleaf.services.files import errors
from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.formats.native import OpenedText, make_table

if TYPE_CHECKING:
    from ironleaf.services.files.formats.base import DecodeLimits, OpenedFile, OpenRequest

_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_CHARSET_BYTES: Final = 4_096
_SILENT: Final = frozenset(
    {"script", "style", "template", "noscript", "head", "svg", "math", "object", "iframe", "select"}
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_BREAKING: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ]
) | frozenset(_HEADINGS)
_MARKED_SECTION: Final = re.compile(r"<!\[[^>]*>?")
"""Word processors' conditional comments: the parser stumbles over them, browsers skip them."""
_COMMENT: Final = "<!--"
_COMMENT_END: Final = "-->"
UNCLOSED_MAX: Final = 100
"""Comments without an end that old pages may have, in their scripts and styles."""
_LISTS: Final = frozenset({"ul", "ol", "menu"})
LIST_DEPTH_MAX: Final = 9
_NUMBER: Final = re.compile(r"-?[0-9]{1,6}")
_ACTIVE: Final = frozenset({"script", "object", "embed", "applet"})
_LOADING: Final = frozenset({"src", "srcset", "background", "poster", "data"})
"""Attributes by which a page loads something by itself; `href` does so in a `link` only."""
_ELSEWHERE: Final = re.compile(r"\s*(?:https?:|ftp:|file:|//)", re.IGNORECASE)
_SCRIPTED: Final = re.compile(r"\s*(?:javascript|vbscript):", re.IGNORECASE)


class HtmlDecoder:
    """Opens HTML files as one page."""

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"html"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> OpenedFile:
        """Return the open file. Broken markup is read as browsers would: to its end."""
        data = request.path.read_bytes()
        declared = _CHARSET.search(data[:_CHARSET_BYTES])
        decoded = decode_text(data, declared=declared[1].decode("ascii") if declared else None)
        blocks, notices = read_html(decoded.text)
        return OpenedText(
            [lambda _: blocks],
            characters_max=limits.files.text_characters_max,
            notices=(*decoded.notices, *notices),
        )


def read_html(markup: str) -> tuple[list[Block], tuple[str, ...]]:
    """Return the blocks of a page, and the reasons that name what in it would run or be loaded from elsewhere."""
    reader = _Reader()
    reader.feed(_close(_skip_marked(markup)))
    reader.close()
    said = ((errors.ACTIVE_CONTENT_IGNORED, reader.active), (errors.EXTERNAL_LINKS_IGNORED, reader.linked))
    return reader.blocks, tuple(notice.reason for notice, found in said if found)


def _skip_marked(markup: str) -> str:
    """Return the markup without marked sections. One that ends a comment, as mails have them, leaves its end."""
    pieces: list[str] = []
    at, inside = 0, False
    for section in _MARKED_SECTION.finditer(markup):
        before = markup[at : section.start()]
        opened, closed = before.rfind(_COMMENT), before.rfind(_COMMENT_END)
        inside = opened > closed if opened != closed else inside
        ends = section[0].endswith(_COMMENT_END)
        pieces += (before, _COMMENT_END if inside and ends else " ")
        inside = inside and not ends
        at = section.end()
    return "".join((*pieces, markup[at:]))


def _close(markup: str) -> str:
    """Return the markup without beginnings that have no end: the parser looks for each one's end anew.

    What stands behind the last ``>`` is no tag. A comment that is never closed reaches to the end, as in browsers;
    a script may hold one that ends with it, so that only what is nothing but such beginnings is cut off.
    """
    last = markup.rfind(">") + 1
    markup = markup[:last] + markup[last:].replace("<", "&lt;")
    opened = markup.find(_COMMENT, markup.rfind(_COMMENT_END) + 1)
    if opened >= 0 and markup.count(_COMMENT, opened) > UNCLOSED_MAX:
        return markup[:opened]
    return markup


def _runs(attribute: tuple[str, str | None]) -> bool:
    name, value = attribute
    return name.startswith("on") or bool(value and _SCRIPTED.match(value))


def _loads(tag: str, name: str, value: str | None) -> bool:
    loading = name in _LOADING or (name == "href" and tag == "link")
    return loading and bool(value and _ELSEWHERE.match(value))


def _read_number(said: str | None, otherwise: int) -> int:
    return int(said) if said and _NUMBER.fullmatch(said) else otherwise


class _Reader(HTMLParser):
    """Collects blocks while the markup streams by; a table within a table is read as text of its cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.active = self.linked = False
        self._pieces: list[str] = []
        self._silent: list[str] = []
        self._heading: int | None = None
        self._lists: list[int | None] = []
        """The lists that are open, and how far each is counted if it is."""
        self._item = False
        self._number = ""
        self._verbatim = 0
        self._tables = 0
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.active = self.active or tag in _ACTIVE or any(map(_runs, attrs))
        self.linked = self.linked or any(_loads(tag, name, value) for name, value in attrs)
        if tag in _SILENT and tag != "head":
            self._silent.append(tag)
        if self._silent:
            return
        if tag == "br":
            self._pieces.append("\n")
        elif tag in _BREAKING:
            self._break(tag)
            self._enter(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
            return
        if tag in _BREAKING:
            self._break(tag)
            self._leave(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._pieces.append(data if self._verbatim else re.sub(r"\s+", " ", data))

    def flush(self) -> None:
        """Make a block, or a cell, of what was collected."""
        raw = "".join(self._pieces)
        self._pieces = []
        text = (
            raw.strip("\n") if self._verbatim else "\n".join(" ".join(line.split()) for line in raw.split("\n")).strip()
        )
        if not text:
            return
        if self._tables and self._rows and self._rows[-1]:
            cells = self._rows[-1]
            cells[-1] = f"{cells[-1]} {text}".strip()
        elif self._heading:
            self.blocks.append(Block(kind=BlockKind.HEADING, text=text, level=self._heading))
        elif self._item:
            level = min(max(1, len(self._lists)), LIST_DEPTH_MAX)
            self.blocks.append(Block(kind=BlockKind.LIST_ITEM, text=f"{self._number}{text}", level=level))
            self._number = ""
        else:
            kind = BlockKind.CODE if self._verbatim else BlockKind.PARAGRAPH
            self.blocks.append(Block(kind=kind, text=text))

    def close(self) -> None:
        super().close()
        self.flush()
        self._end_table()

    def _break(self, tag: str) -> None:
        if not (self._tables and tag in {"div", "p"} and self._pieces):
            self.flush()
        else:
            self._pieces.append(" ")

    def _enter(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag == "title":
            self._heading = 1
        elif tag in _LISTS:
            self._lists.append(_read_number(attributes.get("start"), 1) - 1 if tag == "ol" else None)
        elif tag == "li":
            self._item, self._number = True, self._count(attributes.get("value"))
        elif tag == "pre":
            self._verbatim += 1
        else:
            self._enter_table(tag)

    def _count(self, said: str | None) -> str:
        """Return the number that browsers put before this item; nothing where they put a dot."""
        counted = self._lists[-1] if self._lists else None
        if counted is None:
            return ""
        self._lists[-1] = number = _read_number(said, counted + 1)
        return f"{number}. "

    def _enter_table(self, tag: str) -> None:
        if tag == "table":
            self._tables += 1
        elif tag == "tr" and self._tables == 1:
            self._rows.append([])
        elif tag in {"td", "th"} and self._tables == 1:
            if not self._rows:
                self._rows.append([])
            self._rows[-1].append("")

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS or tag == "title":
            self._heading = None
        elif tag in _LISTS:
            del self._lists[-1:]
            self._item, self._number = bool(self._lists), ""
        elif tag == "li":
            self._item, self._number = False, ""
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        elif tag == "table":
            self._tables = max(0, self._tables - 1)
            if not self._tables:
                self._end_table()

    def _end_table(self) -> None:
        rows, self._rows = [row for row in self._rows if row], []
        table = make_table(rows)
        if table is not None:
            self.blocks.append(table)
