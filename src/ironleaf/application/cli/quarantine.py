"""``ironleaf quarantine``: which files are refused because they killed workers, and letting one in again."""

# ruff: noqa: PLC0415  (each command loads what it needs)

from __future__ import annotations

import json
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer

from ironleaf.application.cli.exits import EXIT_CODES, find_language, say
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.settings import Settings, load_settings
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.errors import Kind, Language, Text
from ironleaf.services.files.losses import HeldFile, find_held

if TYPE_CHECKING:
    from ironleaf.foundation.database import Database
    from ironleaf.services.files.quarantine import FileQuarantine

app = typer.Typer(help="Files that are refused because they killed workers.", no_args_is_help=True)

SHOWN_CHARACTERS: Final = 12
"""Of a hash in a table: 48 bits tell ten thousand files apart."""
PREFIX_CHARACTERS_MIN: Final = 8
"""Of a hash that is typed: nobody releases a file by a slip."""
EXIT_UNKNOWN: Final = EXIT_CODES[Kind.NOT_FOUND]
EXIT_WRONG: Final = EXIT_CODES[Kind.INVALID_INPUT]

_PREFIX: Final = re.compile(rf"[0-9a-f]{{{PREFIX_CHARACTERS_MIN},64}}")
_NONE: Final = Text(en="No file is in quarantine.", zh="没有被隔离的文件。")
_UNKNOWN: Final = Text(
    en="No file in quarantine has this hash; `ironleaf quarantine list` shows them all.",
    zh="没有该哈希值的隔离文件；`ironleaf quarantine list` 会列出全部。",
)
_NO_HASH: Final = Text(
    en="A hash is given by its first 8 to 64 hexadecimal digits.", zh="请给出哈希值开头的 8 至 64 位十六进制数字。"
)
_SEVERAL: Final = Text(
    en="Several files begin so; give more of the hash (`--json` shows it whole).",
    zh="有多个文件以此开头；请给出更多位数（`--json` 会显示完整哈希值）。",
)
_RELEASED: Final = Text(
    en="The file is released; a running service takes it again within seconds.",
    zh="该文件已解除隔离；运行中的服务会在数秒内重新接受它。",
)
_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("sha256", "reason", "losses", "since", "until", "kept in"),
    "zh": ("哈希值", "原因", "次数", "隔离时间", "到期时间", "保存位置"),
}
_REASONS: Final[dict[str, Text]] = {
    "timeout": Text(en="too slow", zh="超时"),
    "memory": Text(en="too much memory", zh="内存超限"),
    "cpu": Text(en="too much processor time", zh="处理器时间超限"),
    "crash": Text(en="crash", zh="崩溃"),
    "output": Text(en="wrote too much", zh="输出超限"),
    "start": Text(en="did not start", zh="未能启动"),
}


class Kept(StrEnum):
    """Where losses are written down."""

    DATABASE = "database"
    """By services."""
    FILE = "file"
    """By commands of this user."""


_PLACES: Final[dict[Kept, Text]] = {
    Kept.DATABASE: Text(en="database", zh="数据库"),
    Kept.FILE: Text(en="file", zh="文件"),
}
_audit = structlog.get_logger("ironleaf.audit")

AsJson = Annotated[bool, typer.Option("--json", help="For programs: whole hashes.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    """Where the settings say that losses are kept."""

    settings: Settings
    database: Database
    file: FileQuarantine

    def list_held(self) -> list[tuple[Kept, HeldFile]]:
        from ironleaf.services.files.quarantine_store import read_kept

        asked = self.settings.files.quarantine
        in_database = find_held(
            self.database.transact(read_kept, read_only=True) if self.database.begun else (),
            now=SystemClock().now(),
            losses_to_refuse=asked.losses_to_refuse,
            expiry=timedelta(seconds=asked.expiry_s),
        )
        held = [(Kept.DATABASE, file) for file in in_database]
        return held + [(Kept.FILE, file) for file in self.file.list_held()]

    def release(self, sha256: str) -> None:
        from ironleaf.services.files.quarantine_store import forget

        self.file.release(sha256)
        if self.database.begun:
            self.database.transact(partial(forget, sha256=sha256))


@app.command("list")
def list_files(as_json: AsJson = False) -> None:
    """List the files that are refused now: since when, why, and until when."""
    with _open_stores() as stores:
        held = stores.list_held()
    if as_json:
        sys.stdout.write(json.dumps([_describe(*each) for each in held]) + "\n")
    elif held:
        _show(held, find_language())
    else:
        say(_NONE.in_language(find_language()))


@app.command()
def release(
    sha256: Annotated[str, typer.Argument(metavar="HASH", help="The file's SHA-256, or how it begins.")],
    as_json: AsJson = False,
) -> None:
    """Let a file in again, everywhere. If it kills workers once more, it is held once more."""
    language = find_language()
    begun = sha256.strip().lower()
    if not _PREFIX.fullmatch(begun):
        say(_NO_HASH.in_language(language))
        raise typer.Exit(EXIT_WRONG)
    with _open_stores() as stores:
        found = {file.sha256 for _, file in stores.list_held() if file.sha256.startswith(begun)}
        if len(found) != 1:
            say((_SEVERAL if found else _UNKNOWN).in_language(language))
            raise typer.Exit(EXIT_WRONG if found else EXIT_UNKNOWN)
        whole = found.pop()
        stores.release(whole)
        _audit.info("audit", by="command line", act="file released", sha256=whole)
    if as_json:
        sys.stdout.write(json.dumps({"sha256": whole, "released": True}) + "\n")
    else:
        say(_RELEASED.in_language(language))


@contextmanager
def _open_stores() -> Generator[_Stores]:
    """Yield the stores of the settings as they are: who only looks makes no database. Close them after.

    Raises:
        DatabaseUnavailable: it is away.
    """
    from ironleaf.application.cli.opening import open_database
    from ironleaf.application.records import open_file_quarantine

    settings = load_settings()
    with open_database(settings) as database:
        yield _Stores(settings=settings, database=database, file=open_file_quarantine(settings, SystemClock()))


def _describe(kept: Kept, file: HeldFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "reason": file.reason.value,
        "losses": file.losses,
        "since": file.since.isoformat(),
        "until": file.until.isoformat(),
        "kept": kept.value,
    }


def _show(held: list[tuple[Kept, HeldFile]], language: Language) -> None:
    rows = [
        (
            file.sha256[:SHOWN_CHARACTERS],
            _REASONS[file.reason].in_language(language),
            str(file.losses),
            _say_time(file.since),
            _say_time(file.until),
            _PLACES[kept].in_language(language),
        )
        for kept, file in held
    ]
    print_rows(_HEADS[language], rows, language=language, folds=(1,), spare=(5, 2))


def _say_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
