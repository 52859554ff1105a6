"""A wall that finds nothing must be able to find something: leaks of many styles, each of them caught."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from tests.faults.leaks.canaries import ADDRESS, DSN, HOME, KEY, SECRETS
from tests.faults.leaks.closed_lists import Expected, judge
from tests.faults.leaks.doors import FACES, Door, convert, knock
from tests.faults.leaks.doors import Request as Knocked
from tests.faults.leaks.scan import Answer, find_secrets
from tests.faults.leaks.seams import Seams, WallHouse, build
from tests.faults.leaks.wall import Tally, attack, plan

from ironleaf.web import OwnResponse, install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio

STYLES: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "capitals": lambda secret: secret.upper().encode(),
    "percent": lambda secret: urllib.parse.quote(secret, safe="").encode(),
    "percent, all of it": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()).encode(),
    "percent, twice": lambda secret: urllib.parse.quote(urllib.parse.quote(secret, safe=""), safe="").encode(),
    "html": lambda secret: html.escape(secret).encode(),
    "html numbers": lambda secret: "".join(f"&#{ord(char)};" for char in secret).encode(),
    "html hexadecimal": lambda secret: "".join(f"&#x{ord(char):x};" for char in secret).encode(),
    "json": lambda secret: json.dumps(secret).encode(),
    "json twice": lambda secret: json.dumps(json.dumps({"a": secret})).encode(),
    "unicode escapes": lambda secret: "".join(f"\\u{ord(char):04x}" for char in secret).encode(),
    "hexadecimal escapes": lambda secret: "".join(f"\\x{ord(char):02x}" for char in secret).encode(),
    "repr": lambda secret: repr(repr(secret)).encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "base64, shifted": lambda secret: base64.b64encode(b"x" + secret.encode() + b"yz"),
    "base64, shifted twice": lambda secret: base64.b64encode(b"xy" + secret.encode() + b"z"),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()),
    "hexadecimal": lambda secret: secret.encode().hex().encode(),
    "hexadecimal capitals": lambda secret: secret.encode().hex(":").upper().encode(),
    "reversed": lambda secret: secret[::-1].encode(),
    "spaced": lambda secret: " ".join(secret).encode(),
    "broken into lines": lambda secret: b"\r\n".join(secret.encode()[at : at + 3] for at in range(0, len(secret), 3)),
    "a list of characters": lambda secret: json.dumps(list(secret)).encode(),
    "character codes": lambda secret: json.dumps(list(secret.encode())).encode(),
    "utf-16": lambda secret: secret.encode("utf-16-le"),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_secret_is_found_in_any_dress(style: str) -> None:
    for secret in SECRETS:
        wire = b'{"code":50030,"message":"' + STYLES[style](secret) + b'"}'
        assert find_secrets(wire), (secret, wire)


def test_innocent_answers_are_not_suspected() -> None:
    for wire in (b'{"code":0,"message":"ok","request_id":"01JD9Z6M3V0000000000000000"}', b"", bytes(range(256)) * 9):
        assert find_secrets(wire) == []


@pytest.fixture
async def good(tmp_path: Path) -> tuple[Answer, Answer]:
    """A refusal and a document, both faultless."""
    with build(tmp_path) as wall:
        refusal = await knock(wall.app, Knocked(path="/nowhere"), FACES[0])
        document = await knock(wall.app, convert(output_format="json"), FACES[0])
        expected = Expected(texts=wall.texts, aliases=wall.aliases, filename="page.gif")
    assert judge(refusal, expected) == judge(document, expected) == []
    return refusal, document


def _edit(answer: Answer, edit: Callable[[Any], object]) -> Answer:
    said = json.loads(answer.body)
    edit(said)
    return replace(answer, chunks=(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(),))


REFUSALS: dict[str, Callable[[Answer], Answer]] = {
    "one more key": lambda answer: _edit(answer, lambda said: said.update(hint="x")),
    "one more key in the error": lambda answer: _edit(answer, lambda said: said["error"].update(hint=1)),
    "another message": lambda answer: _edit(answer, lambda said: said.update(message="Connection refused.")),
    "a longer message": lambda answer: _edit(answer, lambda said: said.update(message=said["message"] + " ")),
    "a message in data": lambda answer: _edit(answer, lambda said: said.update(data="x")),
    "another code": lambda answer: _edit(answer, lambda said: said.update(code=50030)),
    "no code of ours": lambda answer: _edit(answer, lambda said: said.update(code=50099)),
    "another address": lambda answer: _edit(answer, lambda said: said["error"].update(doc_url="/errors/x")),
    "a detail's words": lambda answer: _edit(
        answer, lambda said: said["error"].update(details=[{"reason": "bad-option", "message": "x"}])
    ),
    "a detail's field": lambda answer: _edit(
        answer, lambda said: said["error"].update(details=[{"reason": "bad-option", "field": "host"}])
    ),
    "a detail's allowed values": lambda answer: _edit(
        answer, lambda said: said["error"].update(details=[{"reason": "bad-option", "allowed": ["gpu-7"]}])
    ),
    "a detail's number as text": lambda answer: _edit(
        answer, lambda said: said["error"].update(details=[{"reason": "bad-option", "limit": "12"}])
    ),
    "an endless wait": lambda answer: _edit(answer, lambda said: said["error"].update(retry_after_s=10**9)),
    "white space": lambda answer: replace(answer, chunks=(answer.body + b"\n",)),
    "other order": lambda answer: replace(
        answer, chunks=(json.dumps(dict(reversed(json.loads(answer.body).items())), ensure_ascii=False).encode(),)
    ),
    "another request's id": lambda answer: _edit(answer, lambda said: said.update(request_id="0" * 26)),
    "the framework's own body": lambda answer: replace(answer, chunks=(b'{"detail":"Not Found"}',)),
    "plain words": lambda answer: replace(answer, chunks=(b"Internal Server Error",)),
    "no request id": lambda answer: replace(
        answer, headers=tuple(each for each in answer.headers if each[0] != b"x-request-id")
    ),
    "one more header": lambda answer: replace(answer, headers=(*answer.headers, (b"server", b"uvicorn"))),
    "a header's words": lambda answer: replace(answer, headers=(*answer.headers, (b"allow", b"gpu-7.internal"))),
    "a trailer": lambda answer: replace(answer, trailers=((b"x-took", b"3"),)),
    "an escape": lambda answer: replace(answer, escaped="ValueError"),
}


@pytest.mark.parametrize("style", REFUSALS)
async def test_a_refusal_with_a_byte_that_is_not_ours_is_caught(good: tuple[Answer, Answer], style: str) -> None:
    assert judge(REFUSALS[style](good[0]), Expected())


def _page(edit: Callable[[dict[str, Any]], object]) -> Callable[[Answer], Answer]:
    return lambda answer: _edit(answer, lambda said: edit(said["data"]["pages"][0]))


DOCUMENTS: dict[str, Callable[[Answer], Answer]] = {
    "a warning's words": _page(lambda page: page.update(warnings=[{"reason": "gpu-7 is down", "page": 1}])),
    "a warning's address": _page(lambda page: page.update(warnings=[{"reason": "no-text-found", "address": "x"}])),
    "an attempt's reason": _page(lambda page: page["attempts"][0].update(reason="ConnectionError")),
    "an attempt's engine": _page(lambda page: page["attempts"][0].update(engine="gpu-7")),
    "why it is degraded": _page(lambda page: page.update(degraded_reason="boom")),
    "the model's real name": _page(lambda page: page.update(model="qwen-rep0")),
    "a new key": _page(lambda page: page.update(stack="x")),
    "text that nobody read": _page(lambda page: page.update(text="Error: upstream connect error")),
    "a status of its own": _page(lambda page: page.update(status="exploded")),
    "a page's error": _page(
        lambda page: page.update(
            error={
                **dict.fromkeys(("code", "kind", "level", "retryable", "retry_after_s", "doc_url"), 1),
                "reason": "engine-failed",
                "message": "boom",
                "details": [],
            }
        )
    ),
    "the document's warning": lambda answer: _edit(
        answer, lambda said: said["data"].update(warnings=[{"reason": "x"}])
    ),
    "the document's text": lambda answer: _edit(answer, lambda said: said["data"].update(text="boom")),
    "another label": lambda answer: _edit(answer, lambda said: said["data"].update(filename="/srv/page.gif")),
    "a new key of the document": lambda answer: _edit(answer, lambda said: said["data"].update(path="x")),
}


@pytest.mark.parametrize("style", DOCUMENTS)
async def test_a_document_that_says_what_is_in_no_list_is_caught(good: tuple[Answer, Answer], style: str) -> None:
    expected = Expected(
        texts=frozenset({"Twelve crates of apples, to be paid by the end of March."}),
        aliases=frozenset({"reader-1"}),
        filename="page.gif",
    )
    assert judge(good[1], expected) == []
    assert judge(DOCUMENTS[style](good[1]), expected)


def _leaky(*, with_kit: bool) -> FastAPI:
    """An application whose doors leak, with and without the kit around it."""
    app = FastAPI(telemetry={"auto_configure": False})

    @app.get("/echo")
    async def echo() -> Any:
        return OwnResponse(f'{{"detail": "{KEY}"}}', 500)

    @app.get("/header")
    async def header() -> JSONResponse:
        return JSONResponse({"code": 0}, headers={"x-served-by": ADDRESS})

    @app.get("/pieces")
    async def pieces() -> StreamingResponse:
        async def run() -> Any:
            for char in DSN:
                yield f"{char}\n"

        return StreamingResponse(run())

    @app.get("/raised")
    async def raised(request: Request) -> JSONResponse:
        raise FileNotFoundError(2, KEY, HOME)

    @app.exception_handler(FileNotFoundError)
    async def tell(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": repr(error)}, 200)

    if with_kit:
        install(app)
    return app


@pytest.mark.parametrize("with_kit", [False, True])
@pytest.mark.parametrize("path", ["/echo", "/header", "/pieces", "/raised"])
async def test_a_door_that_leaks_is_caught(path: str, with_kit: bool) -> None:
    """The kit cannot help an application that means to tell; the wall sees it all the same."""
    wall: Any = WallHouse(app=_leaky(with_kit=with_kit), house=None, seams=Seams())  # type: ignore[arg-type]
    tally = Tally()
    await attack(wall, list(plan(doors=(Door(name=path, make=lambda: Knocked(path=path)),))), tally)
    assert tally.hits >= len(FACES), tally.report()


async def test_an_application_without_the_kit_does_not_pass() -> None:
    wall: Any = WallHouse(app=FastAPI(telemetry={"auto_configure": False}), house=None, seams=Seams())  # type: ignore[arg-type]
    tally = Tally()
    await attack(wall, list(plan(doors=(Door(name="nowhere", make=lambda: Knocked(path="/nowhere")),))), tally)
    assert len(tally.findings) >= 2 * len(FACES), tally.report()
