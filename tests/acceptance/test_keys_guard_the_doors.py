"""Promise: a service that others can reach lets in whom the operator gave a key, nobody else, and no web page."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.fixtures.service import EXAMPLES, Service, find_port, make_environ, run_service

from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.access.keys import KeyOrder, Scope, make_key
from ironleaf.application.access.ring import REFRESH_S
from ironleaf.application.access.throttle import GUESSES_PER_MINUTE
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is promised is promised of such an address
SEEN_S = REFRESH_S + 3.0
"""What a revocation may take on a machine under load."""


def command(directory: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ironleaf", *words],
        cwd=directory,
        env=make_environ(directory, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make(directory: Path, *words: str) -> str:
    done = command(directory, "keys", "create", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Guarded:
    """A service on every address of the machine, and keys of all sorts."""

    service: Service
    directory: Path
    keys: dict[str, str]
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.service.url, timeout=60)

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {**({} if key is None else {"authorization": f"Bearer {self.keys[key]}"}), **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def read(self, key: str | None = None, path: str = "/v1/inspect", **headers: str) -> httpx.Response:
        file = {"file": ("a.png", (EXAMPLES / "chinese.png").read_bytes())}
        return self.ask("POST", path, key, files=file, headers=headers)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    directory = tmp_path_factory.mktemp("guarded")
    keys = {
        "caller": make(directory, "Ada"),
        "operator": make(directory, "Olga", "--scope", "ops"),
        "slow": make(directory, "Sam", "--scope", "ops", "--requests-per-minute", "3"),
        "leaver": make(directory, "Lee", "--scope", "ops"),
        "expired": add_expired(directory),
    }
    settings = {"IRONLEAF_SERVER__HOST": EVERYWHERE, "IRONLEAF_ACCESS__LOGIN_LINK": "always"}
    for service in run_service(directory, **settings):
        opened = Guarded(service, directory, keys)
        yield opened
        opened.client.close()


def add_expired(directory: Path) -> str:
    """Return a key that ended an hour ago; the command makes none such."""
    order = KeyOrder(name="Eve", scopes=frozenset({Scope.OPS}), days=1)
    text, key = make_key(order, now=SystemClock().now() - timedelta(hours=25), choose=secrets.choice)
    database = Database(DatabaseSettings(url=f"sqlite:///{directory}/state/ironleaf/ironleaf.db"), clock=SystemClock())
    assert DatabaseKeys(database).add(key)
    database.close()
    return text


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["reason"]


def test_no_public_address_without_keys(tmp_path: Path) -> None:
    refused = command(tmp_path, "serve", "--port", str(find_port()), IRONLEAF_SERVER__HOST=EVERYWHERE)
    assert refused.returncode == 78
    assert "IRONLEAF_SERVER__HOST" in refused.stderr
    assert "keys create" in refused.stderr
    never = {"IRONLEAF_SERVER__HOST": EVERYWHERE, "IRONLEAF_ACCESS__REQUIRE_KEY": "never"}
    assert command(tmp_path, "serve", "--port", str(find_port()), **never).returncode == 78


@pytest.mark.parametrize("path", ["/v1/convert", "/v1/inspect"])
def test_converting_needs_a_key_for_it(path: str, guarded: Guarded) -> None:
    assert reason(guarded.read(path=path)) == (401, "unauthenticated")
    assert reason(guarded.read("operator", path)) == (403, "forbidden")
    answer = guarded.read("caller", path)
    assert answer.status_code == 200
    assert int(answer.headers["ratelimit-remaining"]) < int(answer.headers["ratelimit-limit"])


@pytest.mark.parametrize("path", ["/v1/ops/engines", "/v1/ops/healing", "/v1/ops/session", "/v1/ops/whatever"])
def test_operation_needs_a_key_for_it(path: str, guarded: Guarded) -> None:
    assert reason(guarded.ask("GET", path)) == (401, "unauthenticated")
    assert reason(guarded.ask("GET", path, "caller")) == (403, "forbidden")
    assert reason(guarded.ask("GET", path, "expired")) == (401, "key-expired")
    assert guarded.ask("GET", path, "operator").status_code == (404 if "whatever" in path else 200)


def test_details_of_health_are_for_operators(guarded: Guarded) -> None:
    for key in (None, "caller", "expired"):
        assert "details" not in guarded.ask("GET", "/health", key).json()
    assert guarded.ask("GET", "/health", "operator").json()["details"]["service"]


def test_what_is_public_stays_so(guarded: Guarded) -> None:
    for path in ("/livez", "/readyz", "/health", "/version", "/v1/engines", "/v1/errors", "/openapi.json", "/docs"):
        assert guarded.ask("GET", path).status_code == 200, path


def test_a_key_over_its_limit_is_told_when_to_come_back(guarded: Guarded) -> None:
    answers = [guarded.ask("GET", "/v1/ops/session", "slow") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert guarded.ask("GET", "/v1/ops/session", "operator").status_code == 200


def test_a_revoked_key_ends_within_seconds(guarded: Guarded) -> None:
    assert guarded.ask("GET", "/v1/ops/session", "leaver").status_code == 200
    done = command(guarded.directory, "keys", "revoke", guarded.keys["leaver"].split("_")[1])
    assert done.returncode == 0, done.stderr
    clock = SystemClock()
    ends_at_s = clock.monotonic() + SEEN_S
    while (answer := guarded.ask("GET", "/v1/ops/session", "leaver")).status_code == 200:
        assert clock.monotonic() < ends_at_s
        subprocess.run(["sleep", "0.1"], check=True)
    assert reason(answer) == (401, "key-revoked")
    assert "invalid_token" in answer.headers["www-authenticate"]


def test_another_sites_name_is_not_ours(guarded: Guarded) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""):
        answer = guarded.ask("GET", "/v1/ops/engines", "operator", headers={"host": host})
        assert reason(answer) == (400, "bad-host"), host
    for host in ("LOCALHOST", "localhost.", "[::1]:1", "192.0.2.7"):
        assert guarded.ask("GET", "/livez", headers={"host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:1"},
    ],
)
def test_another_sites_page_converts_nothing(headers: dict[str, str], guarded: Guarded) -> None:
    assert reason(guarded.read("caller", **headers)) == (403, "cross-site-request")


def test_our_own_page_does(guarded: Guarded) -> None:
    for headers in ({"origin": guarded.service.url}, {"sec-fetch-site": "same-origin", "origin": guarded.service.url}):
        assert guarded.read("caller", **headers).status_code == 200


def raw(guarded: Guarded, *lines: str) -> bytes:
    """Send a head without the body that it promises, and return the answer."""
    address = ("127.0.0.1", int(guarded.service.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        return connection.recv(65_536)


def test_foreign_and_unknown_callers_are_refused_before_their_body_comes(guarded: Guarded) -> None:
    form = ("Content-Type: multipart/form-data; boundary=b", "Content-Length: 50000000")
    first = "POST /v1/convert HTTP/1.1"
    assert b" 403 " in raw(guarded, first, "Host: localhost", "Origin: https://evil.example", *form)[:20]
    assert b" 400 " in raw(guarded, first, "Host: evil.example", *form)[:20]
    assert b" 401 " in raw(guarded, first, "Host: localhost", *form)[:20]
    breaker = "POST /v1/ops/engines/a/breaker HTTP/1.1"
    assert b" 401 " in raw(guarded, breaker, "Host: localhost", "Content-Length: 50000000")[:20]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET /livez HTTP/1.0",), 200),
        (("GET http://evil.example/livez HTTP/1.1", "Host: localhost", "Connection: close"), 400),
        (("GET http://localhost/livez HTTP/1.1", "Host: evil.example", "Connection: close"), 200),
        (("GET http://localhost@evil.example/livez HTTP/1.1", "Host: localhost", "Connection: close"), 400),
        (("GET /livez HTTP/1.1", "Host: localhost", "Host: evil.example"), 400),
        (("GET //v1/ops/engines HTTP/1.1", "Host: localhost", "Connection: close"), 404),
        (("GET /v1/%6fps/engines HTTP/1.1", "Host: localhost", "Connection: close"), 401),
        (("GET /v1/ops/../ops/engines HTTP/1.1", "Host: localhost", "Connection: close"), 401),
        (("GET /v1/x/../ops/engines HTTP/1.1", "Host: localhost", "Connection: close"), 404),
    ],
)
def test_tricks_with_the_request_line(lines: tuple[str, ...], status: int, guarded: Guarded) -> None:
    assert f" {status} ".encode() in raw(guarded, *lines)[:20]


def find_link(guarded: Guarded) -> str:
    output = (guarded.directory / "output.txt").read_text()
    found = re.search(r"http://127\.0\.0\.1:\d+/login\?token=(\S+)", output)
    assert found, output
    return found[1]


def test_a_login_link_works_once_and_a_session_until_logout(guarded: Guarded) -> None:
    token = find_link(guarded)
    with httpx.Client(base_url=guarded.service.url) as browser:
        answer = browser.get("/login", params={"token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/ops")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/;" in cookie + ";"
        assert browser.get("/v1/ops/session").json()["data"]["scopes"] == ["convert", "ops"]
        foreign = browser.post("/logout", headers={"origin": "https://evil.example"})
        assert reason(foreign) == (403, "cross-site-request")
        assert browser.get("/v1/ops/session").status_code == 200
        held = {"cookie": f"ironleaf_session={browser.cookies['ironleaf_session']}"}
        assert browser.post("/logout", headers={"origin": guarded.service.url}).status_code == 204
        assert browser.get("/v1/ops/session", headers=held).status_code == 401
    assert reason(guarded.ask("GET", "/login", params={"token": token})) == (410, "login-link-spent")


def test_guessing_is_slowed_down(guarded: Guarded) -> None:
    guess = {"authorization": "Bearer ilk_0123456789_" + "0" * 32}
    statuses = [guarded.ask("GET", "/v1/ops/session", headers=guess).status_code for _ in range(GUESSES_PER_MINUTE + 3)]
    assert statuses[-1] == 429
    assert guarded.ask("GET", "/v1/ops/session", "operator").status_code == 200, "whoever has a key is let in"


def test_no_secret_is_written_down_and_every_act_is(guarded: Guarded) -> None:
    order = {"action": "open"}
    assert guarded.ask("POST", "/v1/ops/engines/none/breaker", "operator", json=order).status_code == 404
    guarded.client.get("/login", params={"token": "none"})
    command(guarded.directory, "keys", "revoke", guarded.keys["leaver"].split("_")[1])  # unless that has been tried
    guarded.ask("POST", "/v1/convert", "caller", files={"file": ("a.txt", b"text")})
    listed = json.loads(command(guarded.directory, "keys", "list", "--json").stdout)
    logs = "".join(path.read_text() for path in (guarded.directory / "logs").iterdir())
    output = (guarded.directory / "output.txt").read_text()
    token = find_link(guarded)
    assert token not in logs
    assert output.count(token) == 1
    for key in guarded.keys.values():
        assert key.rpartition("_")[2] not in logs + output + str(listed)
    records = [json.loads(line) for line in logs.splitlines()]
    assert {record.get("route") for record in records if "login" in str(record)} == {"/login"}
    audits = [record for record in records if record["event"] == "audit"]
    ids = {name: text.split("_")[1] for name, text in guarded.keys.items()}
    assert {record["key_id"] for record in audits if record.get("act") == "key made"} == {
        ids[name] for name in ids if name != "expired"
    }
    assert {record["key_id"] for record in audits if record.get("act") == "key revoked"} == {ids["leaver"]}
    acts = [record for record in audits if record.get("route") == "/v1/ops/engines/{name}/breaker"]
    assert [(record["by"], record["method"]) for record in acts] == [(ids["operator"], "POST")]
    answered = [record for record in records if record.get("route") == "/v1/convert" and "key_id" in record]
    assert ids["caller"] in {record["key_id"] for record in answered}
