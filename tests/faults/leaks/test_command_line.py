"""The wall around the terminal: ``ironleaf convert`` says what the catalogue says, about a path that its user gave."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from tests.faults.leaks.closed_lists import CATALOGUE, ULID
from tests.faults.leaks.doors import EMBEDDED_SEAMS, FLOW_SEAMS, make_new_picture
from tests.faults.leaks.faults import THROWN, THROWN_BY_POOLS, Thrown
from tests.faults.leaks.scan import find_secrets
from tests.faults.leaks.seams import READ, build

from ironleaf.application.cli import commands, opening
from ironleaf.application.cli.converting import Target, convert_files
from ironleaf.application.cli.exits import EXIT_CODES
from ironleaf.application.options import ConvertOptions, EngineChoice, OutputFormat
from ironleaf.application.settings import Settings
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.errors import Kind
from ironleaf.foundation.observability import LogSettings

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.foundation.errors import Language

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ULID_OF_NOTHING = "01JDA2B3C4D5E6F7G8H9J0K1M2"
SECRET_NAME = "canary-of-a-user"
_LINE = re.compile(rf"(?P<path>\S+\.gif)(:\d+)?: (?P<words>.+) \[(?P<reason>[a-z-]+) · {ULID.pattern}\]")
_SEAMS = {
    EngineChoice.VL: tuple(seam for seam in FLOW_SEAMS if seam not in {"receive", "answer"}),
    EngineChoice.EMBEDDED: EMBEDDED_SEAMS,
}


def judge_line(line: str, language: Language) -> list[str]:
    """Return what a line on standard error says that is in no closed list."""
    found = _LINE.fullmatch(line)
    if found is None:
        return [f"a line of its own: {line!r}"]
    entry = CATALOGUE.find(found["reason"])
    if entry is None or not found["words"].startswith(entry.message.in_language(language)):
        return [f"words of its own: {line!r}"]
    rest = found["words"].removeprefix(entry.message.in_language(language))
    return [] if re.fullmatch(r"( \([a-z0-9 ,.]+\)|（[\w ，,.]+）)?", rest) else [f"facts of its own: {line!r}"]


@pytest.mark.parametrize("engine", _SEAMS)
async def test_a_terminal_sees_the_catalogue_and_nothing_else(
    engine: EngineChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.gif"
    settings = Settings(logs=LogSettings(directory=tmp_path / "logs"))
    findings: list[str] = []
    exits: set[int] = set()
    rounds = zip(THROWN_BY_POOLS, itertools.cycle(_SEAMS[engine]), itertools.cycle(("en", "zh", "en")), strict=False)
    for number, (fault, seam, language) in enumerate(rounds):
        if not isinstance(fault.make(), Exception):
            continue
        path.write_bytes(make_new_picture())
        with build(tmp_path / str(number)) as wall:
            monkeypatch.setattr(opening, "build_house", lambda _settings, wall=wall, **_: wall.house)
            wall.seams.arm(seam, fault)
            options = ConvertOptions(engine=engine, output_format=OutputFormat.TEXT)
            target = Target(directory=None, output_format=OutputFormat.TEXT, language=language)
            exits.add(await convert_files(settings, [path], options, target))
            if not wall.seams.struck:
                findings.append(f"{seam} is not on the way")
        told = capsys.readouterr()
        about = f"{fault.name} at {seam}"
        findings += [f"{about}: leak of {hit}" for hit in find_secrets((told.out + told.err).encode())]
        findings += [f"{about}: {each}" for line in told.err.splitlines() for each in judge_line(line, language)]
        findings += [f"{about}: printed {line!r}" for line in told.out.splitlines() if line not in {READ, ""}]
    assert not findings, "\n".join(findings[:30])
    assert EXIT_CODES[Kind.INTERNAL] in exits


_ORDERS = {
    "list": ("incidents", "list"),
    "show": ("incidents", "show", ULID_OF_NOTHING),
    "acknowledge": ("incidents", "acknowledge", ULID_OF_NOTHING, "--by", SECRET_NAME),
    "resolve": ("incidents", "resolve", ULID_OF_NOTHING, "--why", SECRET_NAME),
    "silence": ("incidents", "silence", ULID_OF_NOTHING, "--why", SECRET_NAME),
    "quarantine": ("quarantine", "list"),
    "release": ("quarantine", "release", "5e" * 32),
}


def make_database(url: str) -> None:
    """Make one with its tables: commands that only look ask none that is not there."""
    database = Database(DatabaseSettings(url=url), clock=SystemClock())
    database.migrate()
    database.close()


@pytest.mark.parametrize("order", _ORDERS)
def test_orders_to_the_database_say_what_the_catalogue_says_whatever_the_database_does(
    order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/ironleaf.db"
    make_database(url)
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", url)
    monkeypatch.setenv("IRONLEAF_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setattr("ironleaf.application.cli.opening.configure_logs", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["ironleaf", *_ORDERS[order]])
    findings: list[str] = []
    heard = [fault for fault in _EXCEPTIONS if not isinstance(fault.make(), BrokenPipeError)]  # a reader who left
    for fault, language in zip(heard, itertools.cycle(("en_US.UTF-8", "zh_CN.UTF-8"))):

        async def fail(*_: object, fault: Thrown = fault, **__: object) -> None:
            raise fault()

        def fail_at_once(*_: object, fault: Thrown = fault, **__: object) -> None:
            raise fault()

        monkeypatch.setenv("LC_ALL", language)
        monkeypatch.setattr("ironleaf.foundation.database.Database.run", fail)
        monkeypatch.setattr("ironleaf.foundation.database.Database.transact", fail_at_once)
        with pytest.raises(SystemExit) as left:
            commands.run()
        told = capsys.readouterr()
        if left.value.code not in EXIT_CODES.values():
            findings.append(f"{fault.name}: exit code {left.value.code}")
        line = re.fullmatch(r"ironleaf: (?P<words>.+) \[(?P<reason>[a-z-]+)\]\n", told.err)
        entry = CATALOGUE.find(line["reason"]) if line else None
        if line is None or entry is None or entry.message.in_language(language[:2]) not in line["words"]:  # type: ignore[arg-type]
            findings.append(f"{fault.name}: words of its own: {told.err!r}")
        findings += [f"{fault.name}: leak of {hit}" for hit in find_secrets((told.out + told.err).encode())]
        findings += [f"{fault.name}: printed {told.out!r}"] if told.out or SECRET_NAME in told.err else []
    assert not findings, "\n".join(findings[:30])


_EXCEPTIONS = [fault for fault in THROWN if isinstance(fault.make(), Exception)]


@pytest.mark.parametrize("fault", _EXCEPTIONS, ids=lambda each: each.name)
def test_no_way_out_of_the_command_line_shows_a_stack(
    fault: Thrown, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise fault()

    monkeypatch.setattr(commands, "app", fail)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with pytest.raises(SystemExit) as left:
        commands.run()
    told = capsys.readouterr()
    assert left.value.code in EXIT_CODES.values()
    assert re.fullmatch(r"ironleaf: .+ \[[a-z-]+\]\n", told.err), told.err
    assert not find_secrets((told.out + told.err).encode())
