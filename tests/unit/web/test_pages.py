"""Pages for people: catalogue, documentation, health."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from importlib.resources import files
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.errors import Entry, Family, Kind, Level, Text
from ironleaf.foundation.errors.protocol import ENTRIES
from ironleaf.foundation.health import HealthBoard, HealthStatus, ProbeResult
from ironleaf.web import Kit, install
from ironleaf.web.catalogue_pages import render_page

pytestmark = pytest.mark.anyio


class Probe:
    def __init__(self, name: str, status: HealthStatus) -> None:
        self.name = name
        self.status = status

    async def check(self) -> ProbeResult:
        return ProbeResult(status=self.status, detail="10.0.0.7 refused")


def make(*probes: Probe, **options: Any) -> tuple[httpx.AsyncClient, Kit]:
    app = FastAPI(title="Kettle", version="1.2", telemetry={"auto_configure": False})
    kit = install(app, health_board=HealthBoard(probes, ManualClock()))
    transport = httpx.ASGITransport(app, **options)
    return httpx.AsyncClient(transport=transport, base_url="http://service"), kit


async def test_the_catalogue_is_listed_whole() -> None:
    client, _ = make()
    body = (await client.get("/v1/errors")).json()
    assert body["code"] == 0
    assert len(body["request_id"]) == 26
    assert [entry["code"] for entry in body["data"]] == sorted(entry.code for entry in ENTRIES)
    assert all(entry["message"]["zh"] and entry["operator_advice"]["en"] for entry in body["data"])


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/health", "/version", "/errors", "/v1/errors", "/errors/conflict"]
)
async def test_head_is_answered_as_get_is(path: str) -> None:
    client, _ = make(Probe("database", HealthStatus.HEALTHY))
    plain, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.headers["content-type"]) == (200, plain.headers["content-type"])
    assert "head" not in (await client.get("/openapi.json")).json()["paths"].get(path, {})


async def test_head_says_too_what_is_not_there_or_not_ready() -> None:
    client, _ = make(Probe("database", HealthStatus.UNHEALTHY))
    assert (await client.head("/errors/no-such")).status_code == 404
    assert (await client.head("/readyz")).status_code == 503


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.reason)
async def test_every_entry_has_its_page_in_both_languages(entry: Entry) -> None:
    client, _ = make()
    english = await client.get(entry.doc_url)
    chinese = await client.get(entry.doc_url, headers={"accept-language": "zh-CN"})
    switched = await client.get(entry.doc_url, params={"lang": "zh"})
    assert entry.message.en in english.text
    assert entry.message.zh in chinese.text
    assert chinese.text == switched.text
    assert 'lang="zh"' in chinese.text.split(">")[1]
    assert str(entry.code) in english.text


async def test_a_page_runs_nothing_and_loads_nothing() -> None:
    client, _ = make()
    page = await client.get("/errors/not-found")
    policy = page.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style is not None
    assert f"'sha256-{_hash(style[1])}'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert "http" not in re.sub(r"HTTP [a-z0-9]+", "", page.text.replace(style[0], "")).replace("http_", "")


def _hash(text: str) -> str:
    import base64  # noqa: PLC0415

    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def test_an_unknown_reason_is_404_and_is_not_echoed() -> None:
    client, _ = make()
    answer = await client.get("/errors/<script>alert(1)")
    assert answer.json()["error"]["reason"] == "not-found"
    assert "script" not in answer.text


def test_texts_are_escaped() -> None:
    text = Text("<b>&", "<b>&")
    entry = Entry(
        code=40099,
        reason="x",
        family=Family.SYSTEM,
        level=Level.L1,
        kind=Kind.INTERNAL,
        message=text,
        user_advice=text,
        operator_advice=text,
    )
    assert "<b>" not in render_page(entry, "en")


async def test_the_index_links_to_every_page() -> None:
    client, _ = make()
    text = (await client.get("/errors")).text
    assert all(f'href="errors/{entry.reason}?lang=en"' in text for entry in ENTRIES)


async def test_the_documentation_needs_nothing_from_elsewhere() -> None:
    client, _ = make()
    page = await client.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert all(address.startswith("/docs/") for address in addresses)
    for address in addresses:
        assert (await client.get(address)).status_code == 200
    assert (await client.get("/redoc")).status_code == 404


async def test_the_documentation_works_under_a_prefix() -> None:
    client, _ = make(root_path="/kettle")
    page = await client.get("/kettle/docs")
    assert 'data-openapi="/kettle/openapi.json"' in page.text
    assert 'src="/kettle/docs/docs.js' in page.text
    assert (await client.get("/kettle/nowhere")).json()["error"]["doc_url"] == "/kettle/errors/not-found"


def test_the_files_of_others_are_unchanged() -> None:
    assets = files("ironleaf.web").joinpath("assets")
    rows = re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", assets.joinpath("README.md").read_text())
    assert len(rows) == 2
    for name, digest in rows:
        assert hashlib.sha256(assets.joinpath(name).read_bytes()).hexdigest() == digest


async def test_health_shows_names_and_states_only() -> None:
    client, _ = make(Probe("database", HealthStatus.HEALTHY), Probe("model", HealthStatus.DEGRADED))
    health = await client.get("/health")
    assert health.json() == {"status": "degraded", "components": {"database": "healthy", "model": "degraded"}}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    assert (await client.get("/livez")).json() == {"status": "alive"}
    assert (await client.get("/version")).json() == {"name": "Kettle", "version": "1.2"}


async def test_not_ready_is_503_from_the_catalogue() -> None:
    client, kit = make(Probe("database", HealthStatus.UNHEALTHY))
    answer = await client.get("/readyz")
    assert answer.json()["error"]["reason"] == "service-unavailable"
    assert "10.0.0.7" not in answer.text + (await client.get("/health")).text
    kit.health.stop()
    assert (await client.get("/readyz")).json()["error"]["reason"] == "shutting-down"
    assert kit.counts.by_code() == {}


def test_the_kit_loads_no_image_or_model_library() -> None:
    heavy = ["PIL", "cv2", "numpy", "onnxruntime", "pypdfium2", "kreuzberg", "rapidocr", "aiohttp"]
    code = f"import sys, ironleaf.web; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("path", ["/kettle/nowhere", "/nowhere"])
async def test_the_prefix_of_the_settings_holds_whether_it_is_taken_off_or_left(path: str) -> None:
    app = FastAPI(title="Kettle", version="1.2", telemetry={"auto_configure": False})
    install(app, root_path="/kettle")
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
    assert (await client.get(path)).json()["error"]["doc_url"] == "/kettle/errors/not-found"
    assert (await client.get(path.replace("nowhere", "livez"))).status_code == 200
