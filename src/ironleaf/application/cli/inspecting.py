"""``ironleaf inspect``: what would happen to files of this machine, without a server and without reading them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from ironleaf.application.bootstrap import make_randomness
from ironleaf.application.cli.exits import choose_exit, face, say_problem, show
from ironleaf.application.cli.opening import open_house
from ironleaf.application.conversions import Asker
from ironleaf.application.errors import as_known
from ironleaf.application.options import ConvertOptions
from ironleaf.application.settings import Settings
from ironleaf.document import InspectedPage, Inspection
from ironleaf.foundation.errors import Kind, Language
from ironleaf.web.request_id import RequestIds

_INSPECTION: Final = TypeAdapter(Inspection)


async def inspect_files(
    settings: Settings, paths: Sequence[Path], options: ConvertOptions, *, language: Language, as_json: bool
) -> int:
    """Inspect the files in the order given; return the exit code."""
    kinds: list[Kind] = []
    async with open_house(settings, reads=False) as house:
        ids = RequestIds(house.clock, make_randomness())
        for path in paths:
            asker = Asker(language=language, request_id=ids.make())
            try:
                found = await house.conversions.inspect_path(path, options, asker)
            except Exception as error:  # noqa: BLE001  (this is the command line's sink)
                problem = face(as_known(error), language)
                say_problem(problem, about=str(path), request_id=asker.request_id)
                kinds.append(problem.kind)
                continue
            sys.stdout.write(f"{_INSPECTION.dump_json(found).decode()}\n" if as_json else describe(path, found))
            kinds += [page.error.kind for page in found.pages if page.error is not None]
    return choose_exit(kinds)


def describe(path: Path, found: Inspection) -> str:
    """Return an inspection as lines for people."""
    lines = [
        f"{show(path)}: {found.format} ({found.media_type}), {found.bytes} bytes, {found.page_count} pages",
        *(f"  {page.number}: {_describe_page(page)}" for page in found.pages),
        *(f"  {use.name}: {use.actual} of {use.limit} {use.unit.value}" for use in found.limits),
    ]
    if found.warnings:
        lines.append(f"  warnings: {', '.join(dict.fromkeys(notice.reason for notice in found.warnings))}")
    return "\n".join(lines) + "\n"


def _describe_page(page: InspectedPage) -> str:
    if page.error is not None:
        return f"{page.error.message} [{page.error.reason}]"
    size = f"{page.width_px} x {page.height_px} px, " if page.width_px else ""
    return f"{size}text layer: {page.text_layer.value}, read by: {page.engine}"
