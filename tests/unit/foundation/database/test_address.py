"""What a database URL says, and that a wrong one is refused without being shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironleaf.application.settings import SettingsRefused, list_secrets, load_settings
from ironleaf.foundation.database import DatabaseSettings
from ironleaf.foundation.database.address import PostgresAddress, SqliteAddress, find_password, parse_address
from ironleaf.foundation.places import find_state_directory

SECRET = "pw-7c1e/é"
WRITTEN = "pw-7c1e%2F%C3%A9"
URL = f"postgresql://iron%40leaf:{WRITTEN}@db.example:5433/records?sslmode=require"


def test_no_url_is_a_file_in_the_state_directory() -> None:
    assert parse_address("") == SqliteAddress(path=find_state_directory() / "ironleaf.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///ironleaf.db", "ironleaf.db"), ("sqlite:////var/lib/iron%20leaf.db", "/var/lib/iron leaf.db")],
)
def test_an_sqlite_url_names_a_file(url: str, path: str) -> None:
    assert parse_address(url) == SqliteAddress(path=Path(path))


def test_a_postgresql_url_is_taken_apart() -> None:
    assert parse_address(URL) == PostgresAddress(
        name="records",
        host="db.example",
        port=5433,
        user="iron@leaf",
        password=SECRET,
        parameters=(("sslmode", "require"),),
    )


def test_a_socket_is_a_host_too() -> None:
    address = parse_address("postgresql://postgres@/records?host=/run/postgresql")
    assert isinstance(address, PostgresAddress)
    assert (address.host, address.parameters) == (None, (("host", "/run/postgresql"),))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://root:{WRITTEN}@db/records",
        f"postgresql://root:{WRITTEN}@db",
        f"postgresql://root:{WRITTEN}@db:port/records",
        f"postgresql://root:{WRITTEN}@[db/records",
        f"postgresql://db/records?password={WRITTEN}",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "ironleaf.db",
    ],
)
def test_a_wrong_url_is_refused_by_name_and_never_shown(url: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environ={"IRONLEAF_DATABASE__URL": url})
    (line,) = refused.value.lines
    assert line.startswith("database.url (IRONLEAF_DATABASE__URL): m")
    assert "pw-7c1e" not in line
    assert "root:" not in line


def test_the_password_is_shown_nowhere() -> None:
    settings = load_settings(environ={"IRONLEAF_DATABASE__URL": URL})
    assert set(find_password(URL)) == {SECRET, WRITTEN} <= set(list_secrets(settings))
    assert "pw-7c1e" not in repr(settings)
    assert "pw-7c1e" not in repr(parse_address(URL))


@pytest.mark.parametrize("field", ["threads", "queue_max", "wait_s", "connect_s", "statement_s", "lock_s"])
def test_nothing_waits_for_ever_and_nothing_is_none(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        DatabaseSettings(**{field: 0})
