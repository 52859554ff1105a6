"""``ironleaf errors``: the catalogue, and everything that is known of one request."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.cli.exits import EXIT_CODES, find_language, say
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.settings import load_settings
from ironleaf.foundation.errors import Entry, Kind, Language, Text
from ironleaf.foundation.monitoring import Dimension, Window
from ironleaf.foundation.observability import Redactor, find_records

app = typer.Typer(help="The catalogue of errors, and what happened to a request.", no_args_is_help=True)

EXIT_UNKNOWN = EXIT_CODES[Kind.NOT_FOUND]
_UNKNOWN: Final = Text(
    en="There is no such error; `ironleaf errors list` shows them all.",
    zh="没有这个错误；`ironleaf errors list` 会列出全部。",
)
_NO_ID: Final = Text(
    en="This is no request id: it has 26 letters and digits, and every answer carries it in X-Request-Id.",
    zh="这不是请求编号：请求编号由 26 个字母和数字组成，每个应答的 X-Request-Id 中都有。",
)
_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("code", "reason", "level", "kind", "message"),
    "zh": ("代码", "错误", "级别", "类别", "消息"),
}


@app.command("list")
def list_entries() -> None:
    """List everything that the service may answer when it cannot do what was asked."""
    language = find_language()
    rows = [
        (str(entry.code), entry.reason, entry.level.value, entry.kind.value, entry.message.in_language(language))
        for entry in build_catalogue()
    ]
    print_rows(_HEADS[language], rows, language=language, folds=(1, 4), spare=(3,))


@app.command()
def show(reason: Annotated[str, typer.Argument(help="A reason or a code.")]) -> None:
    """Show one error: what it means, whose fault it is, what to do."""
    catalogue = build_catalogue()
    entry = next((each for each in catalogue if reason in {each.reason, str(each.code)}), None)
    if entry is None:
        say(_UNKNOWN.in_language(find_language()))
        raise typer.Exit(EXIT_UNKNOWN)
    sys.stdout.write(describe_entry(entry, find_language()))


@app.command()
def explain(
    request_id: Annotated[str, typer.Argument(help="The number from X-Request-Id or the error itself.")],
    directory: Annotated[Path | None, typer.Option(help="Where the log files are.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Also write one redacted file for support.")] = None,
) -> None:
    """Say what happened to a request, whose fault it was and what to do: from the log files."""
    request_id = request_id.strip().upper()
    folder = directory or load_settings().logs.directory
    try:
        records = find_records(folder, request_id)
    except OSError:
        say(_not_read(folder).in_language(find_language()))
        raise typer.Exit(EXIT_CODES[Kind.FORBIDDEN]) from None
    except ValueError:
        say(_NO_ID.in_language(find_language()))
        raise typer.Exit(EXIT_CODES[Kind.INVALID_INPUT]) from None
    if not records:
        say(_not_found(folder).in_language(find_language()))
        raise typer.Exit(EXIT_UNKNOWN)
    sys.stdout.write(tell_story(records, find_language()))
    if bundle is not None:
        write_bundle(bundle, request_id, records)


def _not_read(folder: Path) -> Text:
    return Text(en=f"The log files in {folder} cannot be read.", zh=f"无法读取 {folder} 中的日志文件。")


def _not_found(folder: Path) -> Text:
    return Text(
        en=f"Nothing is known of this request in {folder}; it may be older than the log files, or from another host.",
        zh=f"{folder} 中没有该请求的记录；它可能早于现存日志文件，或由其他主机处理。",
    )


@app.command()
def stats(
    window: Annotated[Window, typer.Option(help="How far back.")] = Window.DAY,
    by: Annotated[Dimension, typer.Option(help="The side by which errors are told apart.")] = Dimension.CODE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say how often errors came, of which kind, and their root causes: of everybody who shares the database."""
    from ironleaf.application.cli.statistics import show_errors

    show_errors(load_settings(), window, by, as_json=as_json)


@app.command()
def classify(
    jsonl: Annotated[
        Path, typer.Option(help="Lines of {http_status, headers, body, exception}.", exists=True, dir_okay=False)
    ],
) -> None:
    """Judge upstream answers: one verdict a line, in order."""
    from ironleaf.services.engines.upstream_failures import classify_record

    with jsonl.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                sys.stdout.write(json.dumps(classify_record(_parse(line)), ensure_ascii=False) + "\n")


def write_bundle(path: Path, request_id: str, records: list[dict[str, Any]]) -> None:
    """Write what is known of a request for support, and say so; exits if the file cannot be written.

    The records are redacted once more: those who wrote them may have known fewer shapes.
    """
    redactor = Redactor()
    content = {"request_id": request_id, "records": [redactor.redact_event(record) for record in records]}
    try:
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError:
        say(f"{path} cannot be written.")
        raise typer.Exit(EXIT_CODES[Kind.INVALID_INPUT]) from None
    say(f"Wrote {path}")


def _parse(line: str) -> dict[str, Any]:
    try:
        record: Any = json.loads(line)
    except ValueError:
        record = {"body": line}
    return cast("dict[str, Any]", record) if isinstance(record, dict) else {"body": line}


def describe_entry(entry: Entry, language: Language) -> str:
    """Return an entry as lines for people."""
    head = f"{entry.code} {entry.reason} · HTTP {entry.http_status} · {entry.level} · {entry.kind}"
    labels = (
        ("给调用方的消息", "调用方可以", "运维可以") if language == "zh" else ("Said", "The caller", "The operator")
    )
    texts = (entry.message, entry.user_advice, entry.operator_advice)
    lines = [f"  {label}: {text.in_language(language)}" for label, text in zip(labels, texts, strict=True)]
    return "\n".join([head, *lines]) + "\n"


def tell_story(records: list[dict[str, Any]], language: Language) -> str:
    """Return what the records of a request say: the verdict first, then the events in order."""
    return "\n".join([*_find_verdict(records, language), *(_line(record) for record in records)]) + "\n"


_OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "request failed": ("The request failed.", "请求失败。"),
    "page failed": ("The file was read in part.", "文件只读取了一部分。"),
    "engine failed": (
        "The file was read, but not by the engine that should have.",
        "文件已读取，但并非由首选引擎完成。",
    ),
    "engine stepped over": (
        "The file was read, but not by the engine that should have.",
        "文件已读取，但并非由首选引擎完成。",
    ),
}
"""The events that carry an error's code, the weightiest first."""
_WELL: Final = ("Nothing went wrong.", "一切正常。")


def _find_verdict(records: list[dict[str, Any]], language: Language) -> list[str]:
    catalogue = build_catalogue()
    for event, words in _OUTCOMES.items():
        codes = [_code(record) for record in records if record.get("event") == event]
        entry = catalogue.find_code(codes[-1]) if codes else None
        if entry is not None:
            blame = [_blame(entry, language), *_find_place(records, language)]
            return [_pick(words, language), *blame, describe_entry(entry, language)]
    return [_pick(_WELL, language), ""]


_PLACE_FACTS: Final = ("engine", "pool", "page", "route")
_CONTEXT_FACTS: Final = ("address", "http_status", "exception", "rule", "why", "open", "cause")
"""Of a private context: where it was, and what was seen there."""


def _find_place(records: list[dict[str, Any]], language: Language) -> list[str]:
    """Return where it went wrong and what lay at the bottom of it, as far as the last record that knows says so."""
    failed = [record for record in records if record.get("event") in _OUTCOMES]
    told = next((each for each in reversed(failed) if each.get("stack") or each.get("context")), failed[-1])
    context = told.get("context")
    private = cast("dict[str, Any]", context) if isinstance(context, dict) else {}
    engine = next((each["engine"] for each in reversed(failed) if each.get("engine")), None)
    facts = [(name, {"engine": engine, **told}.get(name)) for name in _PLACE_FACTS]
    facts += [(name, private.get(name)) for name in _CONTEXT_FACTS]
    said = [f"{name} {value}" for name, value in facts if value not in (None, "", "-")]
    place = ", ".join([*said, *map(str, told.get("details") or ())])
    lines = [_pick(("Where: ", "位置："), language) + place] if place else []
    links = cast("list[dict[str, Any]]", told.get("stack") or [])
    if links:
        bottom = " ".join(f"{links[-1].get('type')}: {links[-1].get('message')}".split())
        lines.append(_pick(("Cause: ", "起因："), language) + bottom)
    return lines


def _pick(words: tuple[str, str], language: Language) -> str:
    return words[1] if language == "zh" else words[0]


def _code(record: dict[str, Any]) -> int:
    code = record.get("code")
    return code if isinstance(code, int) else 0


def _blame(entry: Entry, language: Language) -> str:
    blame = {
        "L1": ("At fault: the caller's request.", "原因：调用方的请求。"),
        "L2": (
            "At fault: nobody. The caller met a rule or a limit of the service.",
            "原因：并非故障，调用方遇到了服务的规则或上限。",
        ),
        "L3": ("At fault: the service, or something it stands on.", "原因：服务本身或其依赖。"),
        "L4": (
            "At fault: the service, or something it stands on. It needs a person now.",
            "原因：服务本身或其依赖，需要有人立即处理。",
        ),
    }[entry.level.value]
    return _pick(blame, language)


def _line(record: dict[str, Any]) -> str:
    shown = {
        key: value for key, value in record.items() if key not in {"time", "level", "event", "logger", "request_id"}
    }
    stack = shown.pop("stack", None)
    facts = " ".join(f"{key}={_compact(value)}" for key, value in shown.items() if value is not None)
    lines = [f"{record.get('time', '')} {record.get('level', '')} {record.get('event', '')} {facts}".rstrip()]
    for link in cast("list[dict[str, Any]]", stack if isinstance(stack, list) else []):
        lines.append(f"    {link.get('type')}: {link.get('message')}")
        lines += [f"      {frame}" for frame in link.get("frames", [])]
    return "\n".join(lines)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
