"""The catalogue for programs (`/v1/errors`) and for people (`/errors`, `/errors/{reason}`).

Pages are complete in themselves: no script, one style sheet in the page whose hash
the content security policy names, nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.responses import Response

from ironleaf.foundation.errors import BusinessError, Catalogue, Entry, Language, Level, Text
from ironleaf.foundation.errors.protocol import NOT_FOUND
from ironleaf.web.envelope import Envelope, document_errors
from ironleaf.web.heads import answer_heads
from ironleaf.web.negotiation import choose_language

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fbfcfd;--card:#fff;--mark:#17694a}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaef;--soft:#9aa5b3;--line:#2e3742;--paper:#12161b;--card:#1a2027;
--mark:#6fcf9f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei",
"Noto Sans CJK SC",sans-serif}
main{max-width:46rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
header{display:flex;justify-content:space-between;gap:1rem;color:var(--soft);font-size:.9rem}
a{color:var(--mark)}
h1{font-size:1.6rem;line-height:1.3;margin:2rem 0 .25rem}
h2{font-size:1rem;margin:0 0 .25rem;color:var(--soft);font-weight:600}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.25rem;margin:1rem 0}
section p{margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.25rem;margin:1.25rem 0}
dt{color:var(--soft)}
dd{margin:0}
ul{list-style:none;margin:1rem 0;padding:0;border-top:1px solid var(--line)}
li{border-bottom:1px solid var(--line);padding:.6rem 0}
li a{text-decoration:none;display:block}
li span{display:block;color:var(--ink)}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "vary": "Accept-Language",
}

_PAGE = Template(
    '<!doctype html><html lang="$lang"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1"><title>$title</title>'
    "<style>$style</style></head><body><main>"
    '<header><nav>$home</nav><nav><a href="?lang=$other_lang" lang="$other_lang" hreflang="$other_lang">$other</a>'
    "</nav></header>$body</main></body></html>"
)

_WORDS: Final[dict[str, Text]] = {
    "all": Text("All errors", "全部错误"),
    "other": Text("中文", "English"),
    "user": Text("What you can do", "您可以这样做"),
    "operator": Text("For the operator", "给管理员"),
    "code": Text("Code", "错误码"),
    "reason": Text("Reason", "错误名称"),
    "status": Text("HTTP status", "HTTP 状态码"),
    "kind": Text("Kind", "类别"),
    "level": Text("Level", "级别"),
    "retry": Text("Worth retrying", "是否值得重试"),
    "yes": Text("yes", "是"),
    "no": Text("no", "否"),
}
_LEVELS: Final[dict[Level, Text]] = {
    Level.L1: Text("the request has to change", "需要修改请求"),
    Level.L2: Text("a limit of the service", "触及服务的限制"),
    Level.L3: Text("a fault on our side; the operator hears of it if it stays", "服务内部故障，持续出现时会通知管理员"),
    Level.L4: Text("a fault on our side; the operator is called at once", "服务内部故障，会立即通知管理员"),
}


def make_router(catalogue: Catalogue) -> APIRouter:
    """Return the routes of the catalogue."""
    router = APIRouter()
    listing = Envelope[list[dict[str, Any]]](data=[export(entry) for entry in catalogue], request_id="")

    @router.get("/v1/errors", response_model=Envelope[list[dict[str, Any]]], tags=["errors"])
    async def list_errors(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        """Every error that this service can answer."""
        return JSONResponse({**listing.model_dump(mode="json"), "request_id": request.state.request_id})

    @router.get("/errors", response_class=HTMLResponse, include_in_schema=False)
    async def index(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        language = find_language(request)
        return respond_page(render_index(catalogue, language), language)

    @router.get("/errors/{reason}", response_class=HTMLResponse, responses=document_errors(NOT_FOUND), tags=["errors"])
    async def page(request: Request, reason: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        """One error, explained for people, in English or Chinese."""
        entry = catalogue.find(reason)
        if entry is None:
            raise BusinessError(NOT_FOUND)
        language = find_language(request)
        return respond_page(render_page(entry, language), language)

    answer_heads(router)
    return router


def export(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON data."""
    return {
        "code": entry.code,
        "reason": entry.reason,
        "http_status": entry.http_status,
        "family": entry.family.value,
        "kind": entry.kind.value,
        "level": entry.level.value,
        "retryable": entry.retryable,
        "alert": entry.alert.value,
        "message": _export_text(entry.message),
        "user_advice": _export_text(entry.user_advice),
        "operator_advice": _export_text(entry.operator_advice),
        "doc_url": entry.doc_url,
    }


def render_page(entry: Entry, language: Language) -> str:
    """Return the page that explains one error."""
    facts = (
        ("reason", f"<code>{escape(entry.reason)}</code>"),
        ("code", f"<code>{entry.code}</code>"),
        ("status", str(entry.http_status)),
        ("kind", f"<code>{escape(entry.kind.value)}</code>"),
        ("level", f"{entry.level.value} · {escape(_LEVELS[entry.level].in_language(language))}"),
        ("retry", _word("yes" if entry.retryable else "no", language)),
    )
    rows = "".join(f"<dt>{_word(name, language)}</dt><dd>{value}</dd>" for name, value in facts)
    body = (
        f"<h1>{escape(entry.message.in_language(language))}</h1><dl>{rows}</dl>"
        f"<section><h2>{_word('user', language)}</h2><p>{escape(entry.user_advice.in_language(language))}</p></section>"
        f"<section><h2>{_word('operator', language)}</h2>"
        f"<p>{escape(entry.operator_advice.in_language(language))}</p></section>"
    )
    home = f'<a href="../errors?lang={language}">{_word("all", language)}</a>'
    return _fill(f"{entry.code} {entry.reason}", home, body, language)


def render_index(catalogue: Catalogue, language: Language) -> str:
    """Return the page that lists all errors."""
    items = "".join(
        f'<li><a href="errors/{escape(entry.reason)}?lang={language}"><code>{entry.code} {escape(entry.reason)}</code>'
        f"<span>{escape(entry.message.in_language(language))}</span></a></li>"
        for entry in catalogue
    )
    title = _word("all", language)
    return _fill(title, "", f"<h1>{title}</h1><ul>{items}</ul>", language)


def make_page(title: str, body: str, language: Language) -> str:
    """Return a page of the same look around ``body``, which is HTML of ours."""
    return _fill(title, "", body, language)


def _fill(title: str, home: str, body: str, language: Language) -> str:
    return _PAGE.substitute(
        lang=language,
        title=escape(title),
        style=_STYLE,
        home=home,
        body=body,
        other=_word("other", language),
        other_lang="en" if language == "zh" else "zh",
    )


def _word(name: str, language: Language) -> str:
    return escape(_WORDS[name].in_language(language))


def _export_text(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def find_language(request: Request) -> Language:
    """Return the language that a page is asked for in: by its address, else by the header."""
    chosen = request.query_params.get("lang")
    if chosen == "zh":
        return "zh"
    return "en" if chosen == "en" else choose_language(request.headers.get("accept-language"))


def respond_page(page: str, language: Language) -> Response:
    """Return a page as an answer, with the headers that keep everything foreign out of it."""
    return HTMLResponse(page, headers={**PAGE_HEADERS, "content-language": language})
