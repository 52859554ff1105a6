"""Rebuilds answers from closed lists: whatever is not rebuilt byte by byte was not ours to say."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.leaks.canaries import OPS_KEY

from ironleaf.application.access.guard import GUARD_ERRORS
from ironleaf.application.api.incident_views import (
    Deliveries,
    DeliveryLine,
    IncidentLine,
    IncidentPage,
    IncidentStory,
    SilenceLine,
    Silences,
    StepLine,
)
from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.application.console.words import STATE
from ironleaf.application.options import OPTION_NAMES, EngineChoice, OutputFormat
from ironleaf.application.statistics_desk import View
from ironleaf.document import AttemptOutcome, DocumentStatus, EngineName, Grade, PageStatus, Timing
from ironleaf.document.inspection import InspectedPage, Inspection, TextLayerState
from ironleaf.document.page import BlockKind
from ironleaf.foundation.errors import Detail, Entry, Unit
from ironleaf.foundation.errors.detail import describe_detail
from ironleaf.foundation.monitoring import Window
from ironleaf.foundation.processes import LossReason
from ironleaf.services.files.filetypes import FileFormat
from ironleaf.services.files.settings import FileLimits
from ironleaf.web.validation import FieldFault

if TYPE_CHECKING:
    from tests.faults.leaks.scan import Answer

CATALOGUE = build_catalogue()
REASONS = frozenset(entry.reason for entry in CATALOGUE)
NOTICES = frozenset(notice.reason for notice in build_notices())
DETAIL_REASONS = REASONS | {fault.value for fault in FieldFault}
FIELDS = frozenset((*OPTION_NAMES, "file", "reason", *("action", "name", "limit", "offset", "sha256")))
ALLOWED = frozenset(
    (
        *OPTION_NAMES,
        *(choice.value for choice in OutputFormat),
        *(choice.value for choice in EngineChoice),
        *(kind.value for kind in FileFormat),
        *("open", "close", "reset"),
        *("file", "true", "false", "1-300", "1-5,8", "en", "zh-Hans", "ja", "pt-BR"),
    )
)
OPS_ID = OPS_KEY.split("_")[1]
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_HEADERS: dict[bytes, str] = {
    b"content-type": r"application/(problem\+)?json|text/(html|javascript|css); charset=utf-8|text/html"
    r"|text/plain; version=\d\.\d\.\d; charset=utf-8|text/event-stream; charset=utf-8",
    b"content-length": r"\d{1,9}",
    b"content-language": r"en|zh",
    b"cache-control": r"no-store|public, max-age=86400",
    b"vary": r"Accept, Accept-Language|Accept-Language",
    b"x-content-type-options": r"nosniff",
    b"x-request-id": ULID.pattern,
    b"retry-after": r"\d{1,5}",
    b"allow": r"[A-Z]{3,7}(, ?[A-Z]{3,7})*",
    b"x-ironleaf-engine": r"(vl|embedded|text_layer|native|none)(, (vl|embedded|text_layer|native))*",
    b"x-ironleaf-degraded": r"true|false",
    b"www-authenticate": (
        r'Bearer realm="ironleaf"(, error="invalid_token"|, error="insufficient_scope", scope="(ops|convert)")?'
    ),
    b"ratelimit-limit": r"\d{1,5}",
    b"ratelimit-remaining": r"\d{1,5}",
    b"ratelimit-reset": r"\d{1,2}",
    b"location": rf"/ops\?lang=(en|zh)&refused=({'|'.join(entry.reason for entry in GUARD_ERRORS)})",
    b"set-cookie": r'ironleaf_session="";( Max-Age=0;| expires=[^;]{29};| HttpOnly;| Path=/;| SameSite=strict;?)*',
    b"content-security-policy": r"default-src 'none'; [A-Za-z0-9 ;:'=+/-]+",
    b"referrer-policy": r"no-referrer",
    b"date": r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT",
    b"connection": r"close",
    b"x-accel-buffering": r"no",
    b"transfer-encoding": r"chunked",
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a test knows of its own request: texts that may come back to whoever sent them, and the language."""

    language: str | None = "en"
    """None: whichever the answer claims."""
    problem: bool | None = False
    texts: frozenset[str] = frozenset()
    """Lines that the engines of this test read from its page."""
    filename: str | None = None
    aliases: frozenset[str] = frozenset()
    """The operator's public names of backends."""
    prefix: str = ""


def judge(answer: Answer, expected: Expected) -> list[str]:
    """Return everything in an answer that is in no closed list."""
    faults = [f"an exception left the application: {answer.escaped}"] if answer.escaped else []
    faults += _judge_headers(answer)
    request_id = answer.header(b"x-request-id") or ""
    if not ULID.fullmatch(request_id):
        faults.append("no request id")
    try:
        if answer.status >= 400:
            _rebuild_error(answer, expected, request_id)
        elif answer.status == 200 and (answer.header(b"content-type") or "") == "application/json":
            _judge_success(answer, expected, request_id)
    except _NotOurs as fault:
        faults.append(str(fault))
    return faults


class _NotOurs(Exception):
    """Something that no closed list has."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _NotOurs(what)


def _judge_headers(answer: Answer) -> list[str]:
    faults = []
    for name, value in answer.headers:
        shape = _HEADERS.get(name.lower())
        if shape is None or not re.fullmatch(shape, value.decode("latin-1")):
            faults.append(f"header {name!r}: {value!r}")
    return faults + [f"trailer {name!r}" for name, _ in answer.trailers]


def _rebuild_error(answer: Answer, expected: Expected, request_id: str) -> None:
    media_type = answer.header(b"content-type")
    problem = media_type == "application/problem+json"
    _require(media_type in {"application/json", "application/problem+json"}, f"an error of type {media_type}")
    _require(expected.problem is None or problem is expected.problem, "not the format that was asked for")
    language = answer.header(b"content-language") or ""
    _require(expected.language is None or language == expected.language, "not the language that was asked for")
    if not answer.body and answer.facts.get("method") == "HEAD":
        return
    said = _parse(answer.body)
    entry = CATALOGUE.find_code(said.get("code", 0))
    _require(entry is not None, f"code {said.get('code')} is not in the catalogue")
    assert entry is not None
    _require(entry.http_status == answer.status, "the status is not the code's")
    details = said.get("details", []) if problem else said.get("error", {}).get("details", [])
    wait_s = said.get("retry_after_s") if problem else said.get("error", {}).get("retry_after_s")
    rebuilt = rebuild(
        entry,
        details=[read_detail(detail) for detail in details],
        wait_s=wait_s,
        language=language,
        request_id=request_id,
        problem=problem,
        prefix=expected.prefix,
    )
    _require(rebuilt == answer.body, f"the body is not its rebuilt twin:\n{answer.body!r}\n{rebuilt!r}")


def rebuild(
    entry: Entry,
    *,
    details: list[Detail],
    wait_s: object,
    language: str,
    request_id: str,
    problem: bool,
    prefix: str = "",
) -> bytes:
    """Return the bytes of an error answer, written down here a second time on purpose."""
    _require(wait_s is None or (isinstance(wait_s, int) and 1 <= wait_s <= 86_400), "retry_after_s is no wait")
    shown = [_show(detail) for detail in details]
    message, url = _message(entry, details, language), f"{prefix}/errors/{entry.reason}"
    facts = {
        "kind": entry.kind.value,
        "level": entry.level.value,
        "retryable": entry.retryable,
        "retry_after_s": wait_s,
    }
    title = entry.message.zh if language == "zh" else entry.message.en
    body: dict[str, Any] = (
        {
            "type": url,
            "title": title,
            "status": entry.code // 100,
            "detail": message,
            "instance": f"urn:ulid:{request_id}",
            "code": entry.code,
            "reason": entry.reason,
            **facts,
            "request_id": request_id,
            "details": shown,
        }
        if problem
        else {
            "code": entry.code,
            "message": message,
            "data": None,
            "request_id": request_id,
            "error": {"reason": entry.reason, **facts, "doc_url": url, "details": shown},
        }
    )
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _message(entry: Entry, details: list[Detail], language: str) -> str:
    sentence = entry.message.zh if language == "zh" else entry.message.en
    facts = describe_detail(details[0], "zh" if language == "zh" else "en") if len(details) == 1 else ""
    if not facts:
        return sentence
    return f"{sentence}（{facts}）" if language == "zh" else f"{sentence} ({facts})"


_SLOTS = ("field", "page", "file", "reason", "limit", "actual", "unit", "allowed")


def read_detail(said: dict[str, Any]) -> Detail:
    """Return a detail as ours, if each of its slots holds a number, a unit or a name of ours."""
    _require(set(said) <= set(_SLOTS), f"a detail has {sorted(set(said) - set(_SLOTS))}")
    _require(said.get("reason") in DETAIL_REASONS, f"a detail's reason is {said.get('reason')!r}")
    _require(said.get("field") in FIELDS | {None}, f"a detail's field is {said.get('field')!r}")
    for slot in ("page", "file"):
        _require(said.get(slot) is None or type(said[slot]) is int, f"a detail's {slot} is no number")
    for slot in ("limit", "actual"):
        _require(said.get(slot) is None or type(said[slot]) in {int, float}, f"a detail's {slot} is no number")
    allowed = said.get("allowed")
    _require(allowed is None or set(allowed) <= ALLOWED, f"a detail allows {allowed!r}")
    unit = said.get("unit")
    _require(unit is None or unit in set(Unit), f"a detail's unit is {unit!r}")
    return Detail(
        reason=said["reason"],
        field=said.get("field"),
        page=said.get("page"),
        file=said.get("file"),
        limit=said.get("limit"),
        actual=said.get("actual"),
        unit=None if unit is None else Unit(unit),
        allowed=None if allowed is None else tuple(allowed),
    )


def _show(detail: Detail) -> dict[str, Any]:
    slots = {name: getattr(detail, name) for name in _SLOTS}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in slots.items() if value is not None
    }


def _parse(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        raise _NotOurs(f"the body is no JSON: {body[:200]!r}") from None
    _require(isinstance(said, dict), "the body is no JSON object")
    return said


# --- successes ------------------------------------------------------------------------------------------------------

_DOCUMENT = {
    *("id", "filename", "media_type", "status", "page_count", "pages_requested", "pages", "degraded", "warnings"),
    *("timing", "text", "markdown", "html"),
}
_PAGE = {
    *("number", "status", "engine", "model", "degraded", "degraded_reason", "error", "text", "blocks", "width_px"),
    *("height_px", "rotation_deg", "language", "quality", "warnings", "attempts", "image"),
}
_MEDIA_TYPE = re.compile(r"(image|application|text|message)/[a-z0-9.+-]{2,80}")
_HEALTH = ("healthy", "degraded", "unhealthy")


def _judge_success(answer: Answer, expected: Expected, request_id: str) -> None:
    if not answer.body and answer.facts.get("method") == "HEAD":
        return
    said = _parse(answer.body)
    if "openapi" in said:
        return
    if "code" not in said:
        _judge_plain(said)
        return
    _require(set(said) == {"code", "message", "data", "request_id"}, f"the envelope has {sorted(said)}")
    _require((said["code"], said["message"]) == (0, "ok"), "the envelope of a success says otherwise")
    _require(said["request_id"] == request_id, "the request id is not the header's")
    if isinstance(said["data"], list):
        from ironleaf.web.catalogue_pages import export  # noqa: PLC0415

        _require(said["data"] == [export(entry) for entry in CATALOGUE], "the catalogue is not the catalogue")
        return
    if set(said["data"]) == {"engines"}:
        _judge_ladder(said["data"]["engines"], expected)
    elif said["data"].keys() <= {"backends", "entries", "next_offset", "name", "scopes", "files", "count"}:
        _judge_ops(said["data"])
    elif set(said["data"]) in _OPERATORS_SHAPES:
        _judge_incidents(said["data"])
    elif "covered_s" in said["data"]:
        _judge_statistics(said["data"])
    elif "bytes" in said["data"]:
        _judge_inspection(said["data"], expected, request_id)
    else:
        _judge_document(said["data"], expected, request_id)


def _judge_ladder(engines: list[dict[str, Any]], expected: Expected) -> None:
    for line in engines:
        _require(set(line) == {"name", "alias", "status"}, f"an engine has {sorted(line)}")
        _require(line["name"] in set(EngineName), f"an engine is called {line['name']!r}")
        _require(line["alias"] in set(EngineName) | expected.aliases, f"an engine goes by {line['alias']!r}")
        _require(line["status"] in {"ready", "degraded", "down"}, f"an engine is {line['status']!r}")


def _judge_ops(said: dict[str, Any]) -> None:
    """What operators are told in a house without backends: empty lists, who they are, and which files did harm."""
    if set(said) == {"files", "count"}:
        _judge_held(said["files"])
        return
    known = (
        {"backends": []},
        {"entries": [], "next_offset": None},
        {"name": OPS_ID, "scopes": ["convert", "ops"]},
    )
    _require(said in known, f"operators are told {said!r}")


def _judge_held(files: list[dict[str, Any]]) -> None:
    """What operators are told of files that broke workers: hashes, words of ours, numbers and times."""
    for said in files:
        _require(set(said) == {"sha256", "reason", "losses", "since", "until"}, f"a held file has {sorted(said)}")
        _require(said["reason"] in set(LossReason), f"a file is held for {said['reason']!r}")
        _require(re.fullmatch(r"[0-9a-f]{64}", said["sha256"]) is not None, f"a hash is {said['sha256']!r}")
        _require(isinstance(said["losses"], int), f"losses are {said['losses']!r}")
        for moment in (said["since"], said["until"]):
            _require(re.fullmatch(r"[0-9T:.-]{19,29}Z", moment) is not None, f"a time is {moment!r}")


_OPERATORS_SHAPES = [
    {each.name for each in dataclasses.fields(shape)}
    for shape in (
        *(IncidentPage, IncidentLine, IncidentStory, StepLine),
        *(Silences, SilenceLine, Deliveries, DeliveryLine),
    )
]


def _judge_incidents(said: dict[str, Any]) -> None:
    """What operators are told of incidents: names of ours, times, and redacted notes of their own."""
    _require(set(said) in _OPERATORS_SHAPES, f"an incident's part has {sorted(said)}")
    for name, value in said.items():
        parts = value if isinstance(value, list) else [value]
        for part in parts if name != "card" else ():
            if isinstance(part, dict):
                _judge_incidents(part)
            elif isinstance(part, str) and name not in _NOTES:
                _require(_WORD_OF_OURS.fullmatch(part) is not None, f"{name} is {part!r}")


_NOTES = frozenset({"by", "why", "acknowledged_by", "resolved_by"})
_WORD_OF_OURS = re.compile(r"[A-Za-z0-9_:./{}*+-]{0,80}")


def _judge_statistics(said: dict[str, Any]) -> None:
    """What operators are told of errors and speed: numbers, times, and names of ours."""
    _require(said["window"] in set(Window) and said["view"] in set(View), f"the question was {said!r}")
    for line in (*said.get("distribution", ()), *said.get("causes", ()), *said.get("work", ())):
        for name in ("value", "cause", "reason", "component", "name", "measured", "level"):
            word = line.get(name)
            _require(word is None or _NAME_OF_OURS.fullmatch(word) is not None, f"a {name} is {word!r}")


_NAME_OF_OURS = re.compile(r"[a-z0-9_:/{}.-]{1,80}|L[1-4]")
_LIMIT_NAMES = frozenset(each.name for each in dataclasses.fields(FileLimits))


def _judge_inspection(said: dict[str, Any], expected: Expected, request_id: str) -> None:
    names = {each.name for each in dataclasses.fields(Inspection)}
    _require(set(said) == names, f"the inspection has {sorted(set(said) ^ names)}")
    _require(said["id"] == request_id, "the inspection's id is not the request's")
    _require(said["filename"] == expected.filename, "the label is not what became of the caller's file name")
    _require(said["format"] in set(FileFormat), f"the format is {said['format']!r}")
    _require(_MEDIA_TYPE.fullmatch(said["media_type"]) is not None, "the media type is none")
    _require(set(said["engines"]) <= set(EngineName), f"the engines are {said['engines']!r}")
    _judge_notices(said["warnings"])
    for use in said["limits"]:
        _require(set(use) == {"name", "limit", "actual", "unit"}, "a limit has more")
        _require(use["name"] in _LIMIT_NAMES and use["unit"] in set(Unit), f"a limit is {use!r}")
        _require(all(type(use[slot]) is int for slot in ("limit", "actual")), "a limit is no number")
    for page in said["pages"]:
        fields = {each.name for each in dataclasses.fields(InspectedPage)}
        _require(set(page) == fields, f"an inspected page has {sorted(set(page) ^ fields)}")
        _require(page["text_layer"] in set(TextLayerState), f"a text layer is {page['text_layer']!r}")
        _require(page["engine"] in set(EngineName), f"a page's engine is {page['engine']!r}")
        _judge_notices(page["warnings"])
        if page["error"] is not None:
            _judge_problem(page["error"], expected)


def _judge_plain(said: dict[str, Any]) -> None:
    """Health, version and what the first page says of both: states and names from the code alone."""
    if set(said) == {"data"}:
        sentences = {sentence.in_language(language) for sentence in STATE.values() for language in ("en", "zh")}
        lines = [(line["tone"] in {"fair", "bad"}, line["text"] in sentences) for line in said["data"]]
        _require(all(known and told for known, told in lines), "a line about the state is not ours")
        return
    if "version" in said:
        _require(set(said) == {"name", "version"} and said["name"] == "Ironleaf", "not our version")
        return
    _require(set(said) <= {"status", "components", "details"}, f"health says {sorted(said)}")
    details = said.get("details", {})
    _require(set(details) <= {"service", "model"}, f"health has details of {sorted(details)}")
    _require(said["status"] in {*_HEALTH, "alive", "ready"}, f"health says {said['status']!r}")
    for name, state in said.get("components", {}).items():
        known = name in {"service", "model", "database", "disk"} and state in _HEALTH
        _require(known, f"a component says {name!r}: {state!r}")


def _judge_document(document: dict[str, Any], expected: Expected, request_id: str) -> None:
    _require(set(document) == _DOCUMENT, f"the document has {sorted(set(document) ^ _DOCUMENT)}")
    _require(document["id"] == request_id, "the document's id is not the request's")
    _require(document["filename"] == expected.filename, "the label is not what became of the caller's file name")
    _require(_MEDIA_TYPE.fullmatch(document["media_type"]) is not None, "the media type is none")
    _require(document["status"] in set(DocumentStatus), f"the status is {document['status']!r}")
    _require(set(document["timing"]) == {each.name for each in dataclasses.fields(Timing)}, "timing has more")
    _require(all(type(value) is int for value in document["timing"].values()), "a time is no number")
    _judge_notices(document["warnings"])
    for page in document["pages"]:
        _judge_page(page, expected)
    for name in ("text", "markdown", "html"):
        _judge_text(document[name] or "", expected, name)


def _judge_page(page: dict[str, Any], expected: Expected) -> None:
    _require(set(page) == _PAGE, f"a page has {sorted(set(page) ^ _PAGE)}")
    _require(page["status"] in set(PageStatus), f"a page's status is {page['status']!r}")
    _require(page["engine"] in set(EngineName), f"a page's engine is {page['engine']!r}")
    _require(page["model"] in expected.aliases | {None}, f"a page's model is {page['model']!r}")
    _require(page["degraded_reason"] in REASONS | NOTICES | {None}, f"degraded by {page['degraded_reason']!r}")
    _require(page["language"] is None, "a language that no engine of this test gave")
    quality = page["quality"]
    _require(quality is None or quality["grade"] in set(Grade), "a grade that is none")
    _judge_notices(page["warnings"])
    for attempt in page["attempts"]:
        _require(set(attempt) == {"engine", "outcome", "reason", "duration_ms"}, "an attempt has more")
        _require(attempt["engine"] in set(EngineName) | expected.aliases, f"tried {attempt['engine']!r}")
        _require(attempt["outcome"] in set(AttemptOutcome), f"an attempt {attempt['outcome']!r}")
        _require(attempt["reason"] in REASONS | NOTICES | {None}, f"an attempt failed by {attempt['reason']!r}")
    for block in page["blocks"]:
        _require(block["kind"] in set(BlockKind), f"a block of kind {block['kind']!r}")
        _judge_text(block["text"], expected, "block")
    _judge_text(page["text"], expected, "page")
    _require(
        re.fullmatch(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", page["image"] or "data:image/jpeg;base64,=")
        is not None,
        "a picture that is none",
    )
    if page["error"] is not None:
        _judge_problem(page["error"], expected)


def _judge_problem(problem: dict[str, Any], expected: Expected) -> None:
    entry = CATALOGUE.find(problem["reason"])
    _require(entry is not None, f"a page failed by {problem['reason']!r}")
    assert entry is not None
    details = [read_detail(detail) for detail in problem["details"]]
    language = expected.language or "en"
    twin = {
        "code": entry.code,
        "reason": entry.reason,
        "kind": entry.kind.value,
        "level": entry.level.value,
        "message": _message(entry, details, language),
        "retryable": entry.retryable,
        "retry_after_s": problem["retry_after_s"],
        "doc_url": f"/errors/{entry.reason}",
    }
    said = {name: value for name, value in problem.items() if name != "details"}
    _require(said == twin, f"a page's error is not its rebuilt twin: {said} {twin}")


def _judge_notices(notices: list[dict[str, Any]]) -> None:
    for notice in notices:
        _require(set(notice) <= {"reason", "page"}, "a warning has more")
        _require(notice["reason"] in NOTICES, f"a warning says {notice['reason']!r}")


def _judge_text(text: str, expected: Expected, where: str) -> None:
    for line in re.sub(r"<[a-z0-9/ =\"-]*>|^#+ ", "", text, flags=re.MULTILINE).splitlines():
        _require(not line.strip() or line.strip() in expected.texts, f"{where} text that nobody read: {line!r}")
