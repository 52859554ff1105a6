"""The command line. Each command loads what it needs, so that ``--help`` is quick."""

# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from ironleaf.application.cli import catalogue, database, incidents, keys, quarantine
from ironleaf.application.cli.exits import choose_exit, face, find_language, say, say_problem
from ironleaf.application.errors import as_known
from ironleaf.application.options import TIMEOUT_S_MAX, EngineChoice, OutputFormat, parse_options
from ironleaf.application.settings import SettingsRefused, load_settings
from ironleaf.foundation.errors import IronleafError, make_problem
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR
from ironleaf.foundation.monitoring import Window

EXIT_REFUSED = 78
"""EX_CONFIG of sysexits.h."""
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
"""What shells say of who was asked to end (SIGTERM)."""

_log = structlog.get_logger(__name__)


class DoctorSubject(StrEnum):
    """What the doctor looks at."""

    ALL = "all"
    ALERTS = "alerts"


class _Commands(TyperGroup):
    """Leaves errors to this module's sink: of an end of input Typer would make its own "Aborted."."""

    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise as_known(error) from error


app = typer.Typer(
    name="ironleaf",
    cls=_Commands,
    help="Files in, their text out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(catalogue.app, name="errors")
app.add_typer(database.app, name="db")
app.add_typer(incidents.app, name="incidents")
app.add_typer(keys.app, name="keys")
app.add_typer(quarantine.app, name="quarantine")


def run() -> None:
    """Run the command line; every way out has an exit code, none shows a stack."""
    try:
        app(standalone_mode=True)
    except SettingsRefused as refused:
        for line in refused.lines:
            say(line)
        sys.exit(EXIT_REFUSED)
    except IronleafError as error:
        problem = face(error, find_language())
        say_problem(problem, about="ironleaf")
        sys.exit(choose_exit([problem.kind]))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except asyncio.CancelledError:
        sys.exit(EXIT_TERMINATED)
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001  (the last resort of the command line's sink; a panic of Rust is no Exception)
        if structlog.is_configured():  # else it would be written to the terminal, stack and all
            _log.exception("the command failed")
        problem = make_problem(INTERNAL_ERROR, language=find_language())
        say_problem(problem, about="ironleaf")
        sys.exit(choose_exit([problem.kind]))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Run the service."""
    from ironleaf.application.cli.serving import serve as run_server

    given = {"server.host": host, "server.port": port}
    settings = load_settings(overrides={name: value for name, value in given.items() if value is not None})
    raise typer.Exit(run_server(settings))


@app.command()
def doctor(
    subject: Annotated[DoctorSubject, typer.Argument(help="`alerts`: send a test through each channel.")] = (
        DoctorSubject.ALL
    ),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Try everything the service stands on, and say how to mend what is wrong."""
    from ironleaf.application.cli.doctor import run_doctor, show_refused

    try:
        settings = load_settings()
    except SettingsRefused as refused:
        raise typer.Exit(show_refused(refused.lines, language=find_language(), as_json=as_json)) from None
    only_alerts = subject is DoctorSubject.ALERTS
    raise typer.Exit(
        asyncio.run(run_doctor(settings, language=find_language(), as_json=as_json, only_alerts=only_alerts))
    )


@app.command()
def convert(
    files: Annotated[list[Path], typer.Argument(help="Files to read.", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Directory for one file per input.")] = None,
    output_format: Annotated[OutputFormat, typer.Option(help="What to write.")] = OutputFormat.MARKDOWN,
    engine: Annotated[EngineChoice, typer.Option(help="Who reads.")] = EngineChoice.AUTO,
    page_range: Annotated[str, typer.Option(help="Pages to read, such as 1-5,8.")] = "",
    languages: Annotated[str, typer.Option(help="A hint, such as en,zh-Hans.")] = "",
    timeout_s: Annotated[int, typer.Option(help="Seconds for one file.", min=1, max=TIMEOUT_S_MAX)] = TIMEOUT_S_MAX,
    password: Annotated[str, typer.Option(help="For locked files.")] = "",
    force_ocr: Annotated[bool, typer.Option(help="Ignore text layers; read pictures in Office files.")] = False,
) -> None:
    """Turn files into text, without a server."""
    options = parse_options(
        {
            "output_format": output_format.value,
            "engine": engine.value,
            "page_range": page_range,
            "languages": languages,
            "timeout_s": str(timeout_s),
            "password": password,
            "force_ocr": "true" if force_ocr else "false",
        }
    )
    from ironleaf.application.cli.converting import Target, convert_files

    target = Target(directory=output, output_format=options.output_format, language=find_language())
    raise typer.Exit(asyncio.run(convert_files(load_settings(), files, options, target)))


@app.command()
def performance(
    window: Annotated[Window, typer.Option(help="How far back.")] = Window.DAY,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say how long each stage, engine, backend and route took: of everybody who shares the database."""
    from ironleaf.application.cli.statistics import show_performance

    show_performance(load_settings(), window, as_json=as_json)


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files to look at.", show_default=False)],
    engine: Annotated[EngineChoice, typer.Option(help="Who would read.")] = EngineChoice.AUTO,
    page_range: Annotated[str, typer.Option(help="Pages to look at, such as 1-5,8.")] = "",
    password: Annotated[str, typer.Option(help="For locked files.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one line for each file.")] = False,
) -> None:
    """Say what would happen to files, without reading them."""
    options = parse_options({"engine": engine.value, "page_range": page_range, "password": password})
    from ironleaf.application.cli.inspecting import inspect_files

    raise typer.Exit(
        asyncio.run(inspect_files(load_settings(), files, options, language=find_language(), as_json=as_json))
    )
