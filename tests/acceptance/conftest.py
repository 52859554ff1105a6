"""The service as its users meet it: a process on loopback, started once for all promises about it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
START_S = 60.0


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    process: subprocess.Popen[bytes]
    directory: Path

    def convert(self, path: Path, *, headers: dict[str, str] | None = None, **options: str) -> httpx.Response:
        with path.open("rb") as file:
            return httpx.post(
                f"{self.url}/v1/convert", files={"file": (path.name, file)}, data=options, headers=headers, timeout=120
            )

    def document(self, path: Path, **options: str) -> dict[str, Any]:
        response = self.convert(path, **options)
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["code"] == 0
        return body["data"]


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_service(directory: Path, **settings: str) -> Iterator[Service]:
    port = find_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IRONLEAF_")},
        "IRONLEAF_FILES__SPOOL_DIRECTORY": str(directory / "spool"),
        "IRONLEAF_LOGS__DIRECTORY": str(directory / "logs"),
        **settings,
    }
    with (directory / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ironleaf", "serve", "--port", str(port)],
            cwd=directory,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    service = Service(f"http://127.0.0.1:{port}", process, directory)
    try:
        wait_until_ready(service)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_ready(service: Service) -> None:
    for _ in range(int(START_S / 0.1)):
        try:
            if httpx.get(f"{service.url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        try:
            service.process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"the service did not start: {(service.directory / 'output.txt').read_text()}")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(tmp_path_factory.mktemp("service"))
