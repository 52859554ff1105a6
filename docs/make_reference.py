"""Write the reference pages that the code itself knows best: ``python docs/make_reference.py``.

A test fails when a page is older than the code.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from pathlib import Path
from typing import Any

from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.application.settings import ENV_PREFIX, Settings
from ironleaf.foundation.errors.policy import POLICY

REFERENCE = Path(__file__).parent / "reference"
ABOUT_ERRORS = (
    "Made from the catalogue by `make docs`. `code // 100` is the HTTP status; a code is never reused. The service "
    "serves the same pages, in English and Chinese, at `/errors/{reason}`."
)
ABOUT_SETTINGS = (
    "Made from the code by `make docs`. Each setting can stand in `ironleaf.toml` under its dotted name or in the "
    f"environment as `{ENV_PREFIX}` and the name in capitals, its parts joined by `__`; lists and tables come as "
    "JSON there. `IRONLEAF_CONFIG` names another file."
)


def write_errors() -> str:
    """Return the page of all errors and warnings."""
    lines = [
        "# Errors and warnings",
        "",
        ABOUT_ERRORS,
        "",
        "## What a level means",
        "",
        "| level | logged as | with stack | counted | alert rule unless the entry names its own |",
        "| --- | --- | --- | --- | --- |",
    ]
    for level, policy in POLICY.items():
        log_level = {20: "info", 30: "warning", 40: "error", 50: "critical"}[policy.log_level]
        lines.append(f"| {level} | {log_level} | {_yes(policy.with_stack)} | {_yes(policy.counted)} | {policy.alert} |")
    lines += [
        "",
        "## Errors",
        "",
        "| code | reason | level | kind | again? | message |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in build_catalogue():
        message = f"{entry.message.en}<br>{entry.message.zh}"
        again = "yes" if entry.retryable else "no"
        lines.append(f"| {entry.code} | `{entry.reason}` | {entry.level} | `{entry.kind}` | {again} | {message} |")
    lines += ["", "## What to do", ""]
    for entry in build_catalogue():
        lines += [
            f"### {entry.reason}",
            "",
            f"- Caller: {entry.user_advice.en}",
            f"- Operator: {entry.operator_advice.en} (alert: {entry.alert})",
            "",
        ]
    lines += ["## Warnings", "", "| reason | message |", "| --- | --- |"]
    lines += [
        f"| `{notice.reason}` | {notice.message.en}<br>{notice.message.zh} |"
        for notice in sorted(build_notices(), key=lambda notice: notice.reason)
    ]
    return "\n".join(lines) + "\n"


def write_settings() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        ABOUT_SETTINGS,
        "",
    ]
    lines += _section(Settings, "")
    return "\n".join(lines) + "\n"


def _section(kind: type[Any], prefix: str) -> list[str]:
    hints, notes = typing.get_type_hints(kind), _notes(kind)
    rows: list[str] = []
    below: list[str] = []
    for field in dataclasses.fields(kind):
        name, hint = f"{prefix}{field.name}", hints[field.name]
        item = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None
        if dataclasses.is_dataclass(hint):
            below += _section(typing.cast("type[Any]", hint), f"{name}.")
        elif dataclasses.is_dataclass(item):
            rows.append(f"| `{name}` | list of tables | | {notes.get(field.name, '')} |")
            if name.endswith(("backends", "channels")):
                below += _section(typing.cast("type[Any]", item), f"{name}[].")
        else:
            rows.append(f"| `{name}` | `{_say(hint)}` | {_default(field)} | {notes.get(field.name, '')} |")
    if not rows:
        return below
    title = prefix.rstrip(".") or "settings"
    return [f"## {title}", "", "| name | type | default | meaning |", "| --- | --- | --- | --- |", *rows, "", *below]


def _notes(kind: type[Any]) -> dict[str, str]:
    """Return the string below each field, as the source has it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    notes: dict[str, str] = {}
    previous = ""
    for node in typing.cast("ast.ClassDef", body).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            previous = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and previous:
            notes[previous] = " ".join(str(node.value.value).split()).replace("|", "\\|")
            previous = ""
        else:
            previous = ""
    return notes


def _say(hint: Any) -> str:
    return (
        str(getattr(hint, "__name__", hint) if isinstance(hint, type) else hint)
        .replace("typing.", "")
        .replace("pathlib.", "")
        .replace("|", "\\|")
    )


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default}`"
    if field.default_factory is dataclasses.MISSING:
        return "(required)"
    made = field.default_factory()
    return "(this user's state or temporary directory)" if isinstance(made, Path) else f"`{made}`"


def _yes(value: object) -> str:
    return "yes" if value else "no"


PAGES = {"errors.md": write_errors, "settings.md": write_settings}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (REFERENCE / page).write_text(write(), encoding="utf-8")
