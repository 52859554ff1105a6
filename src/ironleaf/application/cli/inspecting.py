"""``ironleaf inspect``: what would happen to files of this machine, without a server and without reading them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from ironleaf.application.bootstrap import build_house, make_randomness
from ironleaf.application.cli.exits import choose_exit, face, say_problem
from ironleaf.application.conversions import Asker
from ironleaf.application.options import ConvertOptions
from ironleaf.application.settings import Settings, list_secrets
from ironleaf.document import InspectedPage, Inspection
from ironleaf.foundation.errors import IronleafError, Kind, Language, ProcessingFailure
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR
from ironleaf.foundation.observability import Redactor, configure_logs
from ironleaf.web.request_id import RequestIds

_INSPECTION: Final = TypeAdapter(Inspection)


async def inspect_files(
    settings: Settings, paths: Sequence[Path], options: ConvertOptions, *, language: Language, as_json: bool
) -> int:
    """Inspect the files in the order given; return the exit code."""
    logs = replace(settings.logs, console=False)  # the user is told in sentences
    configure_logs(logs, Redactor(secrets=list_secrets(settings), hide_addresses=logs.hide_addresses))
    house = build_house(settings)
    ids = RequestIds(house.clock, make_randomness())
    kinds: list[Kind] = []
    await house.start()
    try:
        for path in paths:
            asker = Asker(language=language, request_id=ids.make())
            try:
                found = await house.conversions.inspect_path(path, options, asker)
            except Exception as error:  # noqa: BLE001  (this is the command line's sink)
                problem = face(_as_known(error), language)
                say_problem(problem, about=str(path), request_id=asker.request_id)
                kinds.append(problem.kind)
                continue
            sys.stdout.write(f"{_INSPECTION.dump_json(found).decode()}\n" if as_json else describe(path, found))
            kinds += [page.error.kind for page in found.pages if page.error is not None]
    finally:
        await house.aclose()
    return choose_exit(kinds)


def describe(path: Path, found: Inspection) -> str:
    """Return an inspection as lines for people."""
    lines = [
        f"{path}: {found.format} ({found.media_type}), {found.bytes} bytes, {found.page_count} pages",
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


def _as_known(error: Exception) -> IronleafError:
    if isinstance(error, IronleafError):
        return error
    failure = ProcessingFailure(INTERNAL_ERROR)
    failure.__cause__ = error
    return failure
