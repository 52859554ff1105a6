"""A small part of Markdown, there and back: blocks to Markdown, Markdown to safe HTML.

Every byte of the text is escaped on its way into HTML; the only tags are those that
this module writes itself, all without attributes.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from ironleaf.document import Block, BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADING_LEVEL_MAX: Final = 6
"""Markdown and HTML know no deeper ones."""
LIST_LEVEL_MAX: Final = 8
"""Deeper items are shown at this depth."""

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|(\d{1,9})[.)])[ \t]+(.*)")
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_QUOTE: Final = ">"
_BACKTICKS = re.compile(r"`{3,}")


def blocks_to_markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks, in their order, as Markdown."""
    parts: list[str] = []
    previous: BlockKind | None = None
    for block in blocks:
        if not block.text.strip():
            continue
        tight = block.kind is previous and block.kind in {BlockKind.LINE, BlockKind.LIST_ITEM}
        parts += (["\n" if tight else "\n\n"] if parts else []) + [_block_to_markdown(block)]
        previous = block.kind
    return "".join(parts)


def _block_to_markdown(block: Block) -> str:
    text = block.text.strip("\n")
    if block.kind is BlockKind.HEADING:
        level = min(max(block.level or 1, 1), HEADING_LEVEL_MAX)
        return f"{'#' * level} {' '.join(text.split())}"
    if block.kind is BlockKind.LIST_ITEM:
        indent = "  " * (min(max(block.level or 1, 1), LIST_LEVEL_MAX) - 1)
        return indent + (text.strip() if _ITEM.fullmatch(text.strip()) else f"- {' '.join(text.split())}")
    if block.kind is BlockKind.TABLE:
        return table_to_markdown(text)
    if block.kind is BlockKind.CODE:
        fence = "`" * max([3, *(len(run) + 1 for run in _BACKTICKS.findall(text))])
        return f"{fence}\n{text}\n{fence}"
    if block.kind is BlockKind.NOTE:
        return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return text


def table_to_markdown(text: str) -> str:
    """Return a table as Markdown: rows of tab-separated cells are rewritten, anything else is left as it is."""
    rows = [line.split("\t") for line in text.splitlines() if line.strip()]
    if not rows or "\t" not in text:
        return text
    width = max(map(len, rows))
    cells = [[cell.strip().replace("|", "\\|") for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def markdown_to_html(text: str) -> str:
    """Return Markdown as HTML: headings, lists, tables, quotes, code and paragraphs; all else is shown as it stands."""
    lines = text.splitlines()
    parts: list[str] = []
    at = 0
    while at < len(lines):
        part, at = _next_part(lines, at)
        if part:
            parts.append(part)
    return "\n".join(parts)


def _next_part(lines: Sequence[str], at: int) -> tuple[str, int]:
    line = lines[at]
    if not line.strip():
        return "", at + 1
    if fence := _FENCE.match(line):
        return _code(lines, at + 1, fence[1])
    if heading := _HEADING.fullmatch(line):
        level = len(heading[1])
        return f"<h{level}>{escape(_heading_text(heading[2]))}</h{level}>", at + 1
    if _begins_table(lines, at):
        return _table(lines, at)
    if _ITEM.fullmatch(line):
        return _list(lines, at)
    return _quote(lines, at) if line.startswith(_QUOTE) else _paragraph(lines, at)


def _heading_text(text: str) -> str:
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare != bare.rstrip() or not bare else text


def _code(lines: Sequence[str], at: int, fence: str) -> tuple[str, int]:
    end = at
    while end < len(lines) and not (lines[end].strip().startswith(fence) and not lines[end].strip().strip(fence[0])):
        end += 1
    body = escape("\n".join(lines[at:end]))
    return f"<pre><code>{body}</code></pre>", end + 1


def _begins_table(lines: Sequence[str], at: int) -> bool:
    return (
        "|" in lines[at] and at + 1 < len(lines) and "|" in lines[at + 1] and bool(_TABLE_RULE.fullmatch(lines[at + 1]))
    )


def _table(lines: Sequence[str], at: int) -> tuple[str, int]:
    head = _row(lines[at], "th")
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    rows = "".join(_row(line, "td") for line in lines[at + 2 : end])
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>", end


def _row(line: str, tag: str) -> str:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    cells = (cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line))
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _list(lines: Sequence[str], at: int) -> tuple[str, int]:
    first = _ITEM.fullmatch(lines[at])
    tag = "ol" if first is not None and first[1] else "ul"
    items: list[str] = []
    while at < len(lines) and (match := _ITEM.fullmatch(lines[at])) and bool(match[1]) == (tag == "ol"):
        items.append(f"<li>{escape(match[2])}</li>")
        at += 1
    return f"<{tag}>{''.join(items)}</{tag}>", at


def _quote(lines: Sequence[str], at: int) -> tuple[str, int]:
    end = at
    while end < len(lines) and lines[end].startswith(_QUOTE):
        end += 1
    quoted = (escape(line.removeprefix(_QUOTE).strip()) for line in lines[at:end])
    return f"<blockquote>{'<br>'.join(quoted)}</blockquote>", end


def _paragraph(lines: Sequence[str], at: int) -> tuple[str, int]:
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _begins_other(lines, end):
        end += 1
    return f"<p>{'<br>'.join(escape(line.strip()) for line in lines[at:end])}</p>", end


def _begins_other(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return bool(
        line.startswith(_QUOTE) or _FENCE.match(line) or _HEADING.fullmatch(line) or _ITEM.fullmatch(line)
    ) or _begins_table(lines, at)
