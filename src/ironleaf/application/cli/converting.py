"""``ironleaf convert``: files of this machine to text, without a server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ironleaf.application.bootstrap import make_randomness
from ironleaf.application.cli.exits import choose_exit, face, say, say_problem, show
from ironleaf.application.cli.opening import open_house
from ironleaf.application.conversions import Asker, Conversions
from ironleaf.application.errors import as_known
from ironleaf.application.options import ConvertOptions, OutputFormat
from ironleaf.application.settings import Settings
from ironleaf.document import Document, Page
from ironleaf.foundation.errors import IronleafError, Kind, Language
from ironleaf.services.files.labels import clean_label
from ironleaf.web.request_id import RequestIds

SUFFIXES: Final[dict[OutputFormat, str]] = {
    OutputFormat.MARKDOWN: ".md",
    OutputFormat.TEXT: ".txt",
    OutputFormat.JSON: ".json",
    OutputFormat.HTML: ".html",
}
FILES_AT_ONCE_MAX: Final = 4
"""Files under way at once: enough to keep every worker busy while one is opened."""
NAME_CLASHES_MAX: Final = 10_000
"""Numbered names that are tried before an output directory is given up."""

_DOCUMENT: Final = TypeAdapter(Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file."""

    path: Path
    request_id: str
    document: Document | None = None
    error: IronleafError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the texts go, and how the user is spoken to."""

    directory: Path | None
    """None writes to standard output."""
    output_format: OutputFormat
    language: Language


async def convert_files(settings: Settings, paths: Sequence[Path], options: ConvertOptions, target: Target) -> int:
    """Convert the files and write their texts in the order given; return the exit code."""
    kinds: list[Kind] = []
    async with open_house(settings) as house:
        ids = RequestIds(house.clock, make_randomness())
        with _progress() as progress:
            bar = progress.add_task("", total=len(paths))
            async for outcome in _convert_all(house.conversions, paths, options, target.language, ids):
                kinds += _report(outcome, target)
                progress.advance(bar)
    return choose_exit(kinds)


async def _convert_all(
    conversions: Conversions, paths: Sequence[Path], options: ConvertOptions, language: Language, ids: RequestIds
) -> AsyncIterator[Outcome]:
    turns = asyncio.Semaphore(FILES_AT_ONCE_MAX)

    async def convert(path: Path) -> Outcome:
        request_id = ids.make()
        async with turns:
            try:
                document = await conversions.convert_path(
                    path, options, Asker(language=language, request_id=request_id)
                )
            except Exception as error:  # noqa: BLE001  (this is the command line's sink)
                return Outcome(path=path, request_id=request_id, error=as_known(error))
        return Outcome(path=path, request_id=request_id, document=document)

    async with asyncio.TaskGroup() as group:
        for task in [group.create_task(convert(path)) for path in paths]:
            yield await task


def _report(outcome: Outcome, target: Target) -> list[Kind]:
    if outcome.error is not None:
        problem = face(outcome.error, target.language)
        say_problem(problem, about=str(outcome.path), request_id=outcome.request_id)
        return [problem.kind]
    assert outcome.document is not None  # noqa: S101
    text = render(outcome.document, target.output_format)
    if target.directory is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    else:
        written = write_beside(target.directory, name_output(outcome.path), SUFFIXES[target.output_format], text)
        say(f"{show(outcome.path)} -> {show(written)}")
    return [_say_page(outcome, page) for page in outcome.document.pages if page.error is not None]


def _say_page(outcome: Outcome, page: Page) -> Kind:
    assert page.error is not None  # noqa: S101
    say_problem(page.error, about=f"{outcome.path}:{page.number}", request_id=outcome.request_id)
    return page.error.kind


def render(document: Document, output_format: OutputFormat) -> str:
    """Return what is written for a document: its text, or all of it as one line of JSON."""
    if output_format is OutputFormat.JSON:
        return _DOCUMENT.dump_json(document).decode()
    filled = {
        OutputFormat.MARKDOWN: document.markdown,
        OutputFormat.TEXT: document.text,
        OutputFormat.HTML: document.html,
    }
    return filled[output_format] or ""


def name_output(path: Path) -> str:
    """Return the name, without its suffix, of what is made of a file: the file's own, without control characters."""
    stem = path.stem
    return stem if stem.isprintable() else clean_label(stem) or "document"


def write_beside(directory: Path, stem: str, suffix: str, text: str) -> Path:
    """Write ``text`` to a new file in ``directory`` and return its path; a number is added on a clash.

    Raises:
        FileExistsError: all numbers are taken.
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(NAME_CLASHES_MAX):
        path = directory / f"{stem}{f'-{number + 1}' if number else ''}{suffix}"
        try:
            with path.open("x", encoding="utf-8") as target:
                target.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
