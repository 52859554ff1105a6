"""Promise: what cannot be read is refused with its own status, code and reason, in both languages and both formats."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pikepdf
import pytest
from PIL import Image
from reportlab.pdfgen import canvas
from tests.fixtures.service import EXAMPLES, Service, find_port, run_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BYTES_MAX = 1_000_000
CANARY = "canary-1f0e"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with tight limits, and a VL backend that always fails."""
    port = find_port()
    sick = subprocess.Popen(
        [sys.executable, "-m", "ironleaf.faults.model_server", "--fault", "500-stack", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    backend = {"alias": "reader", "base_url": f"http://127.0.0.1:{port}/v1", "model": "qwen2-vl-instruct"}
    try:
        yield from run_service(
            tmp_path_factory.mktemp("strict"),
            IRONLEAF_FILES__LIMITS__BYTES_MAX=str(BYTES_MAX),
            IRONLEAF_FILES__LIMITS__PAGES_MAX="2",
            IRONLEAF_FILES__LIMITS__PAGE_PIXELS_MAX="1000000",
            IRONLEAF_ENGINES__VL__BACKENDS=json.dumps([backend]),
            IRONLEAF_ENGINES__VL__CANARY="false",  # else the watch finds out first, and the breaker answers
        )
    finally:
        sick.terminate()
        sick.wait(timeout=10)


def picture(width: int = 200, height: int = 100, kind: str = "PNG") -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(stored, kind)
    return stored.getvalue()


def pdf(pages: int = 1, password: str | None = None) -> bytes:
    stored = io.BytesIO()
    document = canvas.Canvas(stored)
    for number in range(pages):
        document.drawString(72, 700, f"Page {number + 1} of a short document with enough words on it")
        document.showPage()
    document.save()
    if password is None:
        return stored.getvalue()
    locked = io.BytesIO()
    with pikepdf.open(io.BytesIO(stored.getvalue())) as opened:
        opened.save(locked, encryption=pikepdf.Encryption(user=password, owner=f"{password}-owner"))
    return locked.getvalue()


@dataclass
class Case:
    reason: str
    status: int
    code: int
    data: Callable[[], bytes] | None
    name: str = "file.png"
    declared: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    field_named: str | None = None


CASES = [
    Case("missing-file", 422, 42201, None),
    Case("empty-file", 422, 42202, lambda: b""),
    Case("unsupported-type", 415, 41501, lambda: bytes(range(256)) * 8, name=f"{CANARY}.bin"),
    Case("type-mismatch", 415, 41502, lambda: b"<html><script>alert(1)</script></html>", declared="image/png"),
    Case("file-too-large", 413, 41301, lambda: picture() + b"\0" * BYTES_MAX),
    Case("too-many-pages", 422, 42206, lambda: pdf(3), name="a.pdf"),
    Case("page-too-large", 422, 42207, lambda: picture(2000, 1000)),
    Case("damaged-image", 422, 42205, lambda: picture()[:60]),
    Case("damaged-pdf", 422, 42217, lambda: b"%PDF-1.7\n" + b"garbage " * 50, name="a.pdf"),
    Case("password-required", 422, 42220, lambda: pdf(password="secret"), name="a.pdf"),
    Case("wrong-password", 422, 42221, lambda: pdf(password="secret"), name="a.pdf", options={"password": CANARY}),
    Case("bad-option", 422, 42230, picture, options={"engine": CANARY}, field_named="engine"),
    Case("bad-option", 422, 42230, picture, options={"timeout_s": "0"}, field_named="timeout_s"),
    Case("unknown-option", 422, 42270, picture, options={CANARY: "1"}),
    Case("page-range-outside", 422, 42224, lambda: pdf(1), options={"page_range": "7"}, field_named="page_range"),
    Case("model-failed", 502, 50265, picture, options={"engine": "vl"}),
]


def send(service: Service, case: Case, **headers: str) -> httpx.Response:
    files = {} if case.data is None else {"file": (case.name, case.data(), case.declared or "application/octet-stream")}
    fields = {**case.options, **({} if files else {"engine": "auto"})}
    parts: Any = [(name, (None, value)) for name, value in fields.items()] + list(files.items())
    return httpx.post(f"{service.url}/v1/convert", files=parts, headers=headers, timeout=60)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reason}-{'-'.join(case.options) or 'plain'}")
def test_a_refusal_has_its_own_face(strict: Service, case: Case) -> None:
    english = send(strict, case)
    chinese = send(strict, case, **{"accept-language": "zh-CN"})
    problem = send(strict, case, accept="application/problem+json")
    body = english.json()
    assert english.status_code == case.status, english.text
    assert (body["code"], body["error"]["reason"], body["data"]) == (case.code, case.reason, None)
    assert body["code"] // 100 == case.status
    assert body["request_id"] == english.headers["x-request-id"]
    assert body["error"]["doc_url"] == f"/errors/{case.reason}"
    if case.field_named:
        assert body["error"]["details"][0]["field"] == case.field_named
    assert any("一" <= char <= "鿿" for char in chinese.json()["message"])
    assert not any("一" <= char <= "鿿" for char in body["message"])
    assert problem.headers["content-type"] == "application/problem+json"
    assert (problem.json()["status"], problem.json()["reason"]) == (case.status, case.reason)
    for answer in (english, chinese, problem):
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reason}-{'-'.join(case.options) or 'plain'}")
def test_every_refusal_has_a_page_in_both_languages(strict: Service, case: Case) -> None:
    page = httpx.get(f"{strict.url}/errors/{case.reason}")
    chinese = httpx.get(f"{strict.url}/errors/{case.reason}", headers={"accept-language": "zh"})
    assert (page.status_code, chinese.status_code) == (200, 200)
    assert str(case.code) in page.text
    assert any("一" <= char <= "鿿" for char in chinese.text)
    assert 'lang="zh' in chinese.text


def test_unknown_paths_and_methods(strict: Service) -> None:
    unknown = httpx.get(f"{strict.url}/{CANARY}")
    assert (unknown.status_code, unknown.json()["error"]["reason"]) == (404, "not-found")
    assert CANARY not in unknown.text
    method = httpx.get(f"{strict.url}/v1/convert")
    assert (method.status_code, method.json()["error"]["reason"]) == (405, "method-not-allowed")
    assert method.headers["allow"] == "POST"


def test_the_limit_and_the_number_seen_are_named(strict: Service) -> None:
    (detail,) = send(strict, Case("page-too-large", 422, 42207, lambda: picture(2000, 1000))).json()["error"]["details"]
    assert detail == {"page": 1, "reason": "page-too-large", "limit": 1_000_000, "actual": 2_000_000, "unit": "px"}


def test_a_deadline_that_is_too_short_is_a_504_or_a_part(service: Service) -> None:
    response = service.convert(EXAMPLES / "scanned.pdf", timeout_s="1")
    if response.status_code == 200:
        document = response.json()["data"]
        unread = [page for page in document["pages"] if page["status"] == "skipped"]
        assert len(document["pages"]) == 2
        cut = [page for page in document["pages"] if "lines-left-out" in repr(page["warnings"])]
        assert document["status"] == ("partially_succeeded" if unread or cut else "succeeded")
        assert all(page["error"]["reason"] == "deadline-exceeded" for page in unread)
    else:
        assert (response.status_code, response.json()["error"]["reason"]) == (504, "deadline-exceeded")


def test_a_sick_backend_is_replaced_and_the_page_says_so(strict: Service) -> None:
    files = {"file": ("a.png", picture())}
    document = httpx.post(f"{strict.url}/v1/convert", files=files, timeout=60).json()["data"]
    (page,) = document["pages"]
    assert document["degraded"] is True
    assert page["engine"] == "embedded"
    assert page["attempts"][0]["engine"] == "reader"
    assert page["degraded_reason"] in {"model-failed", "circuit-open"}


def test_the_right_password_opens_the_file(strict: Service) -> None:
    case = Case("", 200, 0, lambda: pdf(password="secret"), name="a.pdf", options={"password": "secret"})
    assert "short document" in send(strict, case).json()["data"]["markdown"]
