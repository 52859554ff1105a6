"""The doors: every way in which a caller meets the service. A new door joins by one entry in ``DOORS``."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.faults.leaks.canaries import (
    ADDRESS,
    ALL,
    DSN,
    HEADER_BREAK,
    HOME,
    KEY,
    MAIL,
    OPS_KEY,
    PAGE_TEXT,
    TOKEN,
    WINDOWS_PATH,
)
from tests.faults.leaks.incidents import NOTHING
from tests.faults.leaks.scan import Answer
from tests.faults.leaks.seams import Seams, make_picture

from ironleaf.foundation.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDARY = "wall-boundary"
HANG_UP_S = 0.005
"""How soon a caller who has seen enough is gone."""
INCIDENT = "{incident}"
"""Stands in a path for the number of the house's own incident."""
FLOW_SEAMS = (
    *("receive", "spool-open", "spool-full", "admission", "check", "open", "page", "vl", "clean", "grade"),
    *("assemble", "answer"),
)
"""What a conversion passes through, in order, when the first engine reads well."""
VL_SEAMS = ("page", "vl", "clean", "grade")
EMBEDDED_SEAMS = ("page", "render", "recognise", "clean", "grade")
"""Those passed once a page: there a file can fail in part."""
POOL_SEAMS = frozenset({"open", "page", "render", "recognise"})
"""Behind them is a pool of worker processes."""


@dataclass(frozen=True, kw_only=True)
class Face:
    """Format and language that a caller asks for."""

    problem: bool
    language: str

    def headers(self) -> dict[str, str]:
        accept = "application/problem+json" if self.problem else "application/json"
        return {"accept": accept, "accept-language": "zh-CN,zh;q=0.9" if self.language == "zh" else "en"}


FACES = tuple(Face(problem=problem, language=language) for problem in (False, True) for language in ("en", "zh"))


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, as the server hands it to the application."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    filename: str | None = None
    """What the label becomes, should the answer be a document."""
    until: bytes = b""
    """The caller hangs up once this has come, or something has broken: of an answer that does not end by itself."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """A way in. ``seams`` are the places on the way where something may be thrown."""

    name: str
    make: Callable[[], Request]
    seams: tuple[str, ...] = ()
    spare: int = 0
    """How many passes of a seam go well before the fault: 1 breaks the second page only."""
    stepped_down: bool = False
    """Whether the VL engine fails first, so that the ladder goes on."""
    for_operators: bool = False
    """Whether who knocks has scope ``ops``: he may see addresses and stacks, but no key, password or page content."""
    by_session: bool = False
    """Whether he shows a browser's session in place of his key."""


def make_form(*parts: tuple[str, str | bytes], boundary: str = BOUNDARY, end: bool = True) -> bytes:
    """Return a form; a part is its raw Content-Disposition parameters (and further headers) and its content."""
    lines = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode("utf-8", "surrogateescape")
        + (content.encode() if isinstance(content, str) else content)
        + b"\r\n"
        for head, content in parts
    )
    return lines + (f"--{boundary}--\r\n".encode() if end else b"")


def post(
    *parts: tuple[str, str | bytes], content_type: str | None = None, body: bytes | None = None, **named: Any
) -> Request:
    """Return a conversion of a form made of ``parts``."""
    headers = {"content-type": content_type or f"multipart/form-data; boundary={BOUNDARY}"}
    return Request(
        method="POST",
        path="/v1/convert",
        headers={**headers, **named.pop("headers", {})},
        body=make_form(*parts) if body is None else body,
        **named,
    )


PICTURE = make_picture()
FILE = ('name="file"; filename="page.gif"', PICTURE)
_numbers = itertools.count()


def make_new_picture() -> bytes:
    """Return a picture that was never sent before: a file that broke workers is not read again."""
    remark = f"number {next(_numbers):08d}".encode()
    return PICTURE[:-1] + b"\x21\xfe" + bytes((len(remark),)) + remark + b"\0;"


def convert(**options: str) -> Request:
    """Return a conversion of a good file with two pages."""
    fields = ((f'name="{name}"', value) for name, value in options.items())
    return post(*fields, (FILE[0], make_new_picture()), filename="page.gif")


def operate(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Request:
    """Return what an operator asks."""
    path, _, query = path.partition("?")
    given = {"authorization": f"Bearer {OPS_KEY}", "content-type": "application/json", **headers}
    return Request(method=method, path=path, query=query, headers=given, body=body)


def _option(name: str, value: str = "1") -> Callable[[], Request]:
    return lambda: post((f'name="{name}"', value), FILE)


def _list_operators_doors() -> list[Door]:
    """Return where operators look at incidents and figures, and give their orders."""
    by_key = {
        "incidents": "/v1/ops/incidents",
        "incident": f"/v1/ops/incidents/{INCIDENT}",
        "no incident": f"/v1/ops/incidents/{NOTHING}",
        "silences": "/v1/ops/silences",
        "deliveries": "/v1/ops/deliveries?state=pending",
    }
    order = json.dumps({"by": KEY, "why": f"{TOKEN} {DSN}"}).encode()
    lasting = json.dumps({"by": KEY, "why": ALL[:100], "duration_s": 600}).encode()
    orders = {
        f"/v1/ops/incidents/{INCIDENT}/acknowledge": order,
        f"/v1/ops/incidents/{INCIDENT}/resolve": order,
        f"/v1/ops/incidents/{INCIDENT}/silence": lasting,
        "/v1/ops/silences": lasting,
        f"/v1/ops/silences/{NOTHING}/expire": b"",
    }
    figures = ("/v1/ops/errors?view=all&by=cause", "/v1/ops/errors?view=all&by=level", "/v1/ops/performance?view=all")
    seen = [(path, "incidents") for path in by_key.values()] + [(path, "statistics") for path in figures]
    return [
        *(
            Door(
                name=f"ops {path}{' by session' if by_session else ''}",
                make=lambda path=path: operate(path),
                seams=(seam,),
                for_operators=True,
                by_session=by_session,
            )
            for path, seam in [*seen, ("/metrics", "metrics")]
            for by_session in (False, True)
        ),
        *(
            Door(
                name=f"order {path}",
                make=lambda path=path, body=body: operate(path, "POST", body),
                seams=("incidents",),
                for_operators=True,
            )
            for path, body in orders.items()
        ),
        Door(name="quarantine", make=lambda: operate("/v1/ops/quarantine"), seams=("observe",), for_operators=True),
        *(
            Door(
                name=f"feed of operators{' by session' if by_session else ''}",
                make=lambda: replace(operate("/console/ops/feed"), until=b"event: picture"),
                seams=("incidents",) if by_session else ("incidents", "statistics", "ledger", "probe"),
                for_operators=True,
                by_session=by_session,
            )
            for by_session in (False, True)
        ),
        Door(name="console of operators", make=lambda: operate("/ops"), for_operators=True, by_session=True),
    ]


# --- doors into the flow: each is knocked at with each fault at each seam ---------------------------------------------

FLOW_DOORS: tuple[Door, ...] = (
    *(
        Door(
            name=f"convert-{output_format}",
            make=lambda output_format=output_format: convert(output_format=output_format, engine="auto"),
            seams=FLOW_SEAMS,
        )
        for output_format in ("markdown", "text", "json", "html")
    ),
    Door(name="convert-in-part", make=lambda: convert(output_format="json"), seams=VL_SEAMS, spare=1),
    Door(name="convert-embedded", make=lambda: convert(engine="embedded", include_images="true"), seams=EMBEDDED_SEAMS),
    Door(name="stepped-down", make=convert, seams=EMBEDDED_SEAMS, stepped_down=True),
    Door(name="stepped-down-in-part", make=convert, seams=EMBEDDED_SEAMS, stepped_down=True, spare=1),
    Door(name="convert-vl", make=lambda: convert(engine="vl", prompt=PAGE_TEXT), seams=("vl",)),
    Door(name="health", make=lambda: Request(path="/health"), seams=("probe",)),
    Door(name="readyz", make=lambda: Request(path="/readyz"), seams=("probe",)),
    Door(
        name="inspect",
        make=lambda: replace(convert(), path="/v1/inspect"),
        seams=("receive", "spool-open", "spool-full", "admission", "check", "open", "page"),
    ),
    Door(name="inspect-in-part", make=lambda: replace(convert(), path="/v1/inspect"), seams=("page",), spare=1),
    Door(name="engines", make=lambda: Request(path="/v1/engines"), seams=()),
    Door(name="health for operators", make=lambda: operate("/health"), seams=("probe",), for_operators=True),
    Door(name="ops engines", make=lambda: operate("/v1/ops/engines")),
    Door(name="ops healing", make=lambda: operate("/v1/ops/healing"), seams=("ledger",)),
    Door(name="ops errors", make=lambda: replace(operate("/v1/ops/errors"), query="by=component&view=replica")),
    Door(name="ops performance", make=lambda: replace(operate("/v1/ops/performance"), query="view=replica")),
    Door(name="ops session", make=lambda: operate("/v1/ops/session")),
    *_list_operators_doors(),
    Door(name="runbook", make=lambda: Request(path="/runbooks/disk-filling")),
    Door(name="ops refused", make=lambda: Request(path="/v1/ops/healing"), seams=("observe",)),
    Door(name="missing-file", make=lambda: post(('name="engine"', "auto")), seams=("observe",)),
    Door(name="unknown-path", make=lambda: Request(path="/no/such/page"), seams=("observe",)),
)

# --- doors at which the caller brings the secrets: nothing that he says comes back ------------------------------------

_OPS_PATHS = (
    "/metrics",
    "/v1/ops/errors",
    "/v1/ops/performance",
    "/v1/ops/incidents",
    "/v1/ops/silences",
    "/v1/ops/deliveries",
    "/v1/ops/incidents/x",
    "/v1/ops/silences/x",
    "/v1/ops/quarantine",
    f"/v1/ops/quarantine/{KEY}/release",
)
_PLACES = (
    "/",
    f"/{KEY}",
    f"/v1/{KEY}",
    f"/errors/{KEY}",
    f"/runbooks/{KEY}",
    f"/{DSN}",
    f"/v1/convert/{HOME}",
    "/%2e%2e/%2fetc/canary",
)
_METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "CANARY")
_NAMES = (HOME, WINDOWS_PATH, f"{MAIL}.gif", f"{KEY}.exe", "\u202ecanary.gif", "canary\\x00.gif", ALL.replace('"', ""))
_VALUES: dict[str, str] = {
    "output_format": KEY,
    "engine": DSN,
    "page_range": ADDRESS,
    "languages": TOKEN,
    "timeout_s": PAGE_TEXT,
    "prompt": PAGE_TEXT * 200,
    "password": KEY * 20,
    "force_ocr": HOME,
    "include_images": MAIL,
}
_BODIES: dict[str, bytes] = {
    "no form at all": ALL.encode(),
    "no end": make_form(FILE, end=False),
    "half a part": make_form(FILE)[:90],
    "wrong boundary": make_form(FILE, boundary=KEY),
    "no colon": f"--{BOUNDARY}\r\n{ALL}\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
    "no name": f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\n{ALL}\r\n--{BOUNDARY}--\r\n".encode(),
    "not form-data": f"--{BOUNDARY}\r\nContent-Disposition: {KEY}; name=file\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(),
    "header break": make_form((f'name="file"; filename="{HEADER_BREAK}"', b"MZ\0\xff" + ALL.encode())),
    "no bytes": b"",
    "nul": b"\0" * 400,
    "json": b'{"file": "' + KEY.encode() + b'"}',
    "too many parts": make_form(*[(f'name="{KEY}-{number}"', ALL) for number in range(40)]),
}
_TYPES = (
    f"multipart/form-data; boundary={KEY}",
    "multipart/form-data",
    'multipart/form-data; boundary=""',
    f"multipart/{KEY}; boundary={BOUNDARY}",
    f"application/json; charset={KEY}",
    "application/x-www-form-urlencoded",
    f"{DSN}",
    f"multipart/form-data; boundary={'c' * 5_000}",
)
_FILES: dict[str, bytes] = {
    "canary text": ALL.encode(),
    "damaged gif": PICTURE[:40] + ALL.encode(),
    "damaged pdf": b"%PDF-1.7\n" + ALL.encode() * 20,
    "gif with a comment": PICTURE[:-1] + b"\x21\xfe\x20" + KEY.encode()[:32].ljust(32) + b"\0;",
    "zip": b"PK\x03\x04" + ALL.encode(),
    "html": f"<html><body>{PAGE_TEXT}</body></html>".encode(),
    "empty": b"",
    "exe": b"MZ\0\x01\xff\xfe\0" + ALL.encode(),
    "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><text>{PAGE_TEXT}</text></svg>'.encode(),
}


def _carry() -> list[Door]:
    doors = [Door(name=f"path {place}", make=lambda place=place: Request(path=place)) for place in _PLACES]
    targets = (
        "/v1/convert",
        "/v1/errors",
        "/v1/engines",
        "/health",
        "/readyz",
        "/livez",
        "/version",
        "/docs",
        "/errors/not-found",
        "/runbooks/disk-filling",  # not backend-down: its own text speaks of the canary page
        "/",
        "/console/state",
        f"/console/progress/{KEY}",
        "/ops",
        "/console/ops/feed",
        f"/console/assets/{KEY}/{KEY}",
    )
    doors += [
        Door(
            name=f"{method} {path}", make=lambda method=method, path=path: Request(method=method, path=path, query=ALL)
        )
        for method, path in itertools.product(_METHODS, targets)
    ]
    doors += [
        Door(name=f"query {path}", make=lambda path=path: Request(path=path, query=f"{KEY}={DSN}&lang={KEY}"))
        for path in targets
    ]
    doors += [
        Door(
            name=f"file name {number}",
            make=lambda name=name: post((f'name="file"; filename="{name}"', b"MZ\0\x01\xff\xfe\0" + ALL.encode())),
        )
        for number, name in enumerate(_NAMES)
    ]
    doors += [Door(name=f"option value {name}", make=_option(name, value)) for name, value in _VALUES.items()]
    doors += [
        Door(
            name=f"inspect, {name}",
            make=lambda name=name, value=value: replace(_option(name, value)(), path="/v1/inspect"),
        )
        for name, value in _VALUES.items()
    ]
    doors += [
        Door(name=f"option name {number}", make=_option(name))
        for number, name in enumerate((KEY, DSN, HOME, MAIL, "\u5bc6\u94a5" + KEY, KEY * 9))
    ]
    doors += [Door(name=f"body: {name}", make=lambda body=body: post(body=body)) for name, body in _BODIES.items()]
    doors += [
        Door(name=f"type {number}", make=lambda kind=kind: post(FILE, content_type=kind))
        for number, kind in enumerate(_TYPES)
    ]
    doors += [
        Door(
            name=f"file: {name}",
            make=lambda data=data: post(
                ('name="engine"', "embedded"), ('name="file"; filename="page.gif"', data), filename="page.gif"
            ),
        )
        for name, data in _FILES.items()
    ]
    doors += [
        Door(name="twice the file", make=lambda: post(FILE, (f'name="file"; filename="{KEY}"', ALL))),
        Door(name="file under another name", make=lambda: post((f'name="{KEY}"; filename="{HOME}"', PICTURE))),
        Door(name="twice an option", make=lambda: post((f'name="{KEY}"', ALL), (f'name="{KEY}"', ALL), FILE)),
        Door(name="option that is no text", make=lambda: post(('name="prompt"', b"\xff\xfe" + KEY.encode()), FILE)),
        Door(
            name="declared type",
            make=lambda: post(
                (f'name="file"; filename="page.gif"\r\nContent-Type: {DSN}', PICTURE), filename="page.gif"
            ),
        ),
        *_knock_with_keys(),
        Door(name="headers", make=lambda: Request(path="/nowhere", headers=_loud_headers())),
        Door(name="headers with a form", make=lambda: post(('name="engine"', KEY), FILE, headers=_loud_headers())),
        Door(name="claimed length", make=lambda: post(FILE, headers={"content-length": "99999999999999"})),
        Door(name="crooked length", make=lambda: post(FILE, headers={"content-length": KEY}, filename="page.gif")),
    ]
    return doors


def _knock_with_keys() -> list[Door]:
    wrong = {
        "bearer": {"authorization": f"Bearer {TOKEN}"},
        "basic": {"authorization": f"Basic {KEY}"},
        "header": {"x-api-key": KEY},
        "near": {"x-api-key": OPS_KEY[:-1] + "0"},
        "two": {"authorization": f"Bearer {OPS_KEY}", "x-api-key": KEY},
        "cookie": {"cookie": f"ironleaf_session=ils_{KEY}; {KEY}={TOKEN}"},
        "host": {"host": f"{KEY}.example"},
        "address": {"host": ADDRESS},
        "origin": {"origin": f"https://{KEY}.example"},
        "site": {"sec-fetch-site": KEY},
    }
    breaker = "/v1/ops/engines/reader-1/breaker"
    orders = {
        "unknown action": f'{{"action": "{KEY}"}}'.encode(),
        "unknown backend": b'{"action": "open"}',
        "more than asked": f'{{"action": "open", "{KEY}": "{DSN}"}}'.encode(),
        "no json": ALL.encode(),
        "a list": b"[]",
        "nothing": b"",
    }
    doors = [
        Door(
            name=f"{name} at {path}",
            make=lambda path=path, headers=headers: Request(method="POST", path=path, headers=headers),
        )
        for (name, headers), path in itertools.product(wrong.items(), ("/v1/convert", breaker, "/logout", "/v1/ops"))
    ]
    doors += [
        Door(name=f"breaker: {name}", make=lambda body=body: operate(breaker, "POST", body))
        for name, body in orders.items()
    ]
    doors += [
        Door(name="quarantine, strange page", make=lambda: operate(f"/v1/ops/quarantine?limit={KEY}")),
        Door(name="release by a strange hash", make=lambda: operate(f"/v1/ops/quarantine/{KEY}/release", "POST")),
        Door(name="release of nothing", make=lambda: operate(f"/v1/ops/quarantine/{'5e' * 32}/release", "POST")),
        Door(name="breaker of a strange name", make=lambda: operate(f"/v1/ops/engines/{KEY}/breaker", "POST", b"{}")),
        *(
            Door(name=f"{path}, nobody", make=lambda path=path: Request(path=path, query=f"view={KEY}&before={DSN}"))
            for path in _OPS_PATHS
        ),
        Door(name="healing, strange page", make=lambda: replace(operate("/v1/ops/healing"), query=f"limit={KEY}")),
        Door(name="login with a secret", make=lambda: Request(path="/login", query=f"token={KEY}")),
        Door(name="login with a key", make=lambda: Request(path="/login", query=f"token={OPS_KEY}&token={OPS_KEY}")),
        Door(name="signing in with a secret", make=lambda: _sign_in(f"key={KEY}&{KEY}={DSN}")),
        Door(name="signing in with a strange form", make=lambda: _sign_in(f"{DSN}\xff%zz&key=" + PAGE_TEXT * 200)),
        Door(name="signing in again", make=lambda: Request(path="/ops", query=f"refused={KEY}&lang={KEY}")),
        Door(name="logout", make=lambda: Request(method="POST", path="/logout", headers={"cookie": KEY})),
    ]
    return doors


def _sign_in(form: str) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request(method="POST", path="/ops", query=f"lang={KEY}", headers=headers, body=form.encode())


def _loud_headers() -> dict[str, str]:
    names = ("cookie", "authorization", "x-api-key", "user-agent", "referer", "x-request-id", "x-forwarded-for")
    more = ("x-forwarded-host", "forwarded", "traceparent", "if-none-match", "range", "expect-ct", KEY.lower())
    return dict.fromkeys((*names, *more), f"{KEY}; {TOKEN}; {ADDRESS}")


READ_BACK = frozenset({"file: canary text", "file: html", "file: svg"})
"""Where every decoder is there, these files are read, and whoever sent them gets their text."""
CARRYING_DOORS: tuple[Door, ...] = tuple(_carry())
DOORS: tuple[Door, ...] = (*FLOW_DOORS, *CARRYING_DOORS)


async def knock(app: Any, request: Request, face: Face, seams: Seams | None = None) -> Answer:
    """Send a request straight to the application and return everything that it would have put on the wire."""
    seams = seams or Seams()
    request = replace(request, headers={**face.headers(), **request.headers})
    pieces = [request.body[at : at + 1_000] for at in range(0, len(request.body), 1_000)] or [b""]
    sent: list[Any] = []
    hung_up = False

    async def receive() -> dict[str, Any]:
        if not pieces:
            while not (request.until and (hung_up or seams.struck)):
                await SystemClock().sleep(HANG_UP_S)
            return {"type": "http.disconnect"}
        seams.strike("receive")
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        nonlocal hung_up
        sent.append(message)
        hung_up = hung_up or (bool(request.until) and request.until in message.get("body", b""))

    escaped = None
    try:
        await app(_scope(request), receive, send)
    except BaseException as error:  # noqa: BLE001 - an escape is a finding, whatever it is
        escaped = type(error).__name__
    start = next((message for message in sent if message["type"] == "http.response.start"), {"status": 0})
    return Answer(
        status=start["status"],
        headers=tuple(tuple(header) for header in start.get("headers", ())),
        chunks=tuple(message.get("body", b"") for message in sent if message["type"] == "http.response.body"),
        trailers=tuple(
            h for message in sent if message["type"] == "http.response.trailers" for h in message["headers"]
        ),
        escaped=escaped,
        facts={"method": request.method},
    )


def _scope(request: Request) -> dict[str, Any]:
    headers = {"host": "service.example", **request.headers}
    if request.body and "content-length" not in headers:
        headers["content-length"] = str(len(request.body))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("utf-8", "replace")) for name, value in headers.items()],
        "client": ("192.0.2.7", 40_000),
        "server": ("127.0.0.1", 8_000),
    }
