"""``ironleaf keys``: who may use the service."""

# ruff: noqa: PLC0415  (each command loads what it needs)

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer

from ironleaf.application.access.keys import (
    DAYS_MAX,
    REQUESTS_PER_MINUTE_DEFAULT,
    REQUESTS_PER_MINUTE_MAX,
    ApiKey,
    KeyOrder,
    Scope,
    is_key_id,
    make_key,
    read_key,
)
from ironleaf.application.cli.exits import EXIT_CODES, find_language, say
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.settings import load_settings
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.errors import Kind, Language, Text

if TYPE_CHECKING:
    from ironleaf.application.access.key_store import DatabaseKeys

app = typer.Typer(help="Keys of callers and operators.", no_args_is_help=True)

DAYS_DEFAULT: Final = 365
"""A year: long enough not to be in the way, and no key is forgotten for ever."""
EXIT_UNKNOWN: Final = EXIT_CODES[Kind.NOT_FOUND]
EXIT_FULL: Final = EXIT_CODES[Kind.CONFLICT]
EXIT_WRONG: Final = EXIT_CODES[Kind.INVALID_INPUT]

_MADE: Final = Text(
    en="The key is shown this once; it opens the service within seconds. Keep it like a password.",
    zh="密钥只显示这一次；数秒之内即可使用。请像密码一样妥善保管。",
)
_FULL: Final = Text(
    en="There are too many keys; those that ended are forgotten after three months.",
    zh="密钥数量已达上限；已失效的密钥会在三个月后清除。",
)
_NO_NAME: Final = Text(
    en="A name has 1 to 60 letters, digits, spaces and .@+-_; it begins with a letter or digit.",
    zh="名称须为 1 到 60 个字符，可用字母（含汉字）、数字、空格和 .@+-_，并以字母或数字开头。",
)
_REVOKED: Final = Text(en="The key is revoked; it stops working within seconds.", zh="密钥已吊销，将在数秒内失效。")
_UNKNOWN: Final = Text(
    en="There is no key of this id; `ironleaf keys list` shows them all.",
    zh="没有该编号的密钥；`ironleaf keys list` 会列出全部密钥。",
)
_NONE: Final = Text(
    en="There is no key yet; `ironleaf keys create NAME` makes one.",
    zh="还没有密钥；可用 `ironleaf keys create 名称` 创建。",
)
_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("id", "name", "scopes", "state", "per minute", "made", "expires", "last used"),
    "zh": ("编号", "名称", "权限", "状态", "每分钟上限", "创建时间", "到期时间", "最近使用"),
}
_STATES: Final[dict[str, Text]] = {
    "active": Text(en="active", zh="有效"),
    "expired": Text(en="expired", zh="已过期"),
    "revoked": Text(en="revoked", zh="已吊销"),
}
_audit = structlog.get_logger("ironleaf.audit")

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it opens; may be repeated.")] = None,
    days: Annotated[int, typer.Option(help="How long it is good.", min=1, max=DAYS_MAX)] = DAYS_DEFAULT,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="Good until it is revoked.")] = False,
    requests_per_minute: Annotated[
        int, typer.Option(help="Its limit.", min=1, max=REQUESTS_PER_MINUTE_MAX)
    ] = REQUESTS_PER_MINUTE_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key. It alone is written to standard output, this once."""
    import secrets

    language = find_language()
    try:
        order = KeyOrder(
            name=name,
            scopes=frozenset(scope or (Scope.CONVERT,)),
            days=None if for_ever else days,
            requests_per_minute=requests_per_minute,
        )
    except ValueError:
        say(_NO_NAME.in_language(language))
        raise typer.Exit(EXIT_WRONG) from None
    text, key = make_key(order, now=SystemClock().now(), choose=secrets.choice)
    with _open_store() as store:
        if not store.add(key):
            say(_FULL.in_language(language))
            raise typer.Exit(EXIT_FULL)
        _audit.info("audit", by="command line", act="key made", key_id=key.id, scopes=sorted(key.scopes))
    if as_json:
        sys.stdout.write(json.dumps({"key": text, **_describe(key)}, ensure_ascii=False) + "\n")
        return
    sys.stdout.write(f"{text}\n")
    say(f"{key.id} · {key.name} · {_scopes(key)} · {_day(key.expires_at)}")
    say(_MADE.in_language(language))


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    with _open_store_if_begun() as store:
        keys = () if store is None else store.list()
    if as_json:
        sys.stdout.write(json.dumps([_describe(key) for key in keys], ensure_ascii=False) + "\n")
    elif keys:
        _show(keys, find_language())
    else:
        say(_NONE.in_language(find_language()))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id; a whole key works too.")],
    as_json: AsJson = False,
) -> None:
    """End a key. Every replica sees it within seconds."""
    language = find_language()
    presented = read_key(key_id)
    key_id = key_id if presented is None else presented.id
    found = False
    if is_key_id(key_id):
        with _open_store_if_begun() as store:
            found = store is not None and store.revoke(key_id, SystemClock().now())
            if found:
                _audit.info("audit", by="command line", act="key revoked", key_id=key_id)
    if not found:
        say(_UNKNOWN.in_language(language))
        raise typer.Exit(EXIT_UNKNOWN)
    if as_json:
        sys.stdout.write(json.dumps({"id": key_id, "state": "revoked"}) + "\n")
    else:
        say(_REVOKED.in_language(language))


@contextmanager
def _open_store(*, migrates: bool = True) -> Generator[DatabaseKeys]:
    """Yield the keys of the settings' database; close it after. ``migrates``: makes it, or brings it up to date.

    Raises:
        DatabaseUnavailable: it is away.
    """
    from ironleaf.application.access.key_store import DatabaseKeys
    from ironleaf.application.cli.opening import open_database

    with open_database(load_settings()) as database:
        if migrates:
            database.migrate()
        yield DatabaseKeys(database)


@contextmanager
def _open_store_if_begun() -> Generator[DatabaseKeys | None]:
    """Yield the same as it is: who only looks changes no schema under a service. None where there is no database yet.

    Raises:
        DatabaseUnavailable: it is away.
    """
    from ironleaf.foundation.database import Database

    if not Database(load_settings().database, clock=SystemClock()).begun:
        yield None
        return
    with _open_store(migrates=False) as store:
        yield store


def _describe(key: ApiKey) -> dict[str, Any]:
    moments = {
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(scope.value for scope in key.scopes),
        "state": key.standing(SystemClock().now()).value,
        "requests_per_minute": key.requests_per_minute,
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }


def _show(keys: tuple[ApiKey, ...], language: Language) -> None:
    now = SystemClock().now()
    rows = [
        (
            key.id,
            key.name,
            _scopes(key),
            _STATES[key.standing(now).value].in_language(language),
            str(key.requests_per_minute),
            *map(_day, (key.created_at, key.expires_at, key.last_used_at)),
        )
        for key in keys
    ]
    print_rows(_HEADS[language], rows, language=language, folds=(1, 2), spare=(5, 4, 7))


def _scopes(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
