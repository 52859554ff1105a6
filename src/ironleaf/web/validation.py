"""From FastAPI's validation errors to details that echo nothing.

A validation error carries the caller's whole input, in ``input``, in ``msg`` and
sometimes in ``loc`` (the keys of a submitted mapping). Only its type, its numbers
and those names in ``loc`` that we declared ourselves are used.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, cast, get_args

from pydantic import BaseModel
from starlette.types import Scope

from ironleaf.foundation.errors import Detail, Unit
from ironleaf.foundation.errors.detail import ALLOWED_VALUES_MAX

DETAILS_MAX: Final = 20
"""A form with more mistakes than this is wrong as a whole."""


class FieldFault(StrEnum):
    """What is wrong with a field. A closed list."""

    MISSING = "field-missing"
    UNKNOWN = "field-unknown"
    WRONG_TYPE = "wrong-type"
    NOT_ALLOWED = "value-not-allowed"
    OUT_OF_RANGE = "value-out-of-range"
    TOO_LONG = "value-too-long"
    TOO_SHORT = "value-too-short"
    BAD_FORMAT = "bad-format"


_FAULTS: Final[Mapping[str, FieldFault]] = {
    "missing": FieldFault.MISSING,
    "extra_forbidden": FieldFault.UNKNOWN,
    "enum": FieldFault.NOT_ALLOWED,
    "literal_error": FieldFault.NOT_ALLOWED,
    "greater_than": FieldFault.OUT_OF_RANGE,
    "greater_than_equal": FieldFault.OUT_OF_RANGE,
    "less_than": FieldFault.OUT_OF_RANGE,
    "less_than_equal": FieldFault.OUT_OF_RANGE,
    "multiple_of": FieldFault.OUT_OF_RANGE,
    "finite_number": FieldFault.OUT_OF_RANGE,
    "string_too_long": FieldFault.TOO_LONG,
    "string_too_short": FieldFault.TOO_SHORT,
    "bytes_too_long": FieldFault.TOO_LONG,
    "bytes_too_short": FieldFault.TOO_SHORT,
    "too_long": FieldFault.TOO_LONG,
    "too_short": FieldFault.TOO_SHORT,
    "string_pattern_mismatch": FieldFault.BAD_FORMAT,
    "value_error": FieldFault.BAD_FORMAT,
    "assertion_error": FieldFault.BAD_FORMAT,
}
_LIMITS: Final = ("ge", "gt", "le", "lt", "max_length", "min_length", "multiple_of")
_SIGNS: Final[Mapping[str, str]] = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< "}
_CHARACTER_TYPES: Final = ("string_too_long", "string_too_short")
_QUOTED = re.compile(r"'([^']{1,80})'")
_SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SAFE_VALUE = re.compile(r"[\w .,:;/<>=+()*-]{1,80}")
_PLACES: Final = ("query", "path", "header", "cookie", "body")

_TREE: Final = "dependant"  # codespell:ignore dependant - FastAPI's word
_declared: dict[int, tuple[object, frozenset[str]]] = {}
"""By identity of the route's tree of parameters, which is kept too, so that its identity is not given out again."""


def is_broken_json(errors: Sequence[Any]) -> bool:
    """Tell whether the body was not JSON at all."""
    return any(_as_error(error).get("type") == "json_invalid" for error in errors)


def make_details(errors: Sequence[Any], scope: Scope) -> tuple[Detail, ...]:
    """Return one detail per validation error, at most ``DETAILS_MAX``, without any byte of the input."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    declared = _declared_names(context or scope.get("route"))
    return tuple(_make_detail(_as_error(error), declared) for error in errors[:DETAILS_MAX])


def _as_error(error: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", error) if isinstance(error, Mapping) else {}


def _make_detail(error: Mapping[str, Any], declared: frozenset[str]) -> Detail:
    kind = str(error.get("type", ""))
    context = _as_error(error.get("ctx"))
    fault = _FAULTS.get(kind, FieldFault.WRONG_TYPE)
    location = cast("Sequence[object]", error.get("loc") or ())
    if fault is FieldFault.UNKNOWN:
        location = location[:-1]  # the last name is the caller's
    name = _name(location, declared)
    # What is expected is the declaration's word, so it is only taken where a declared field is meant: an error that
    # was built by hand could hold anything.
    known = name is not None or tuple(location) == ("body",)
    return Detail(
        reason=fault,
        field=name,
        limit=_limit(context) if known else None,
        unit=Unit.CHARACTERS if known and kind in _CHARACTER_TYPES else None,
        allowed=_allowed(kind, context) if known else None,
    )


def _name(location: Sequence[object], declared: frozenset[str]) -> str | None:
    """Return the path to a field as far as it consists of names that we declared."""
    parts = list(location)
    if len(parts) > 1 and parts[0] in _PLACES:
        parts = parts[1:]
    name = ""
    for part in parts:
        if isinstance(part, int) and name:
            name += f"[{part}]"
        elif isinstance(part, str) and part in declared and _SAFE_NAME.fullmatch(part):
            name += f".{part}" if name else part
        else:
            break
    return name[:80] or None


def _limit(context: Mapping[str, Any]) -> float | int | None:
    for name in _LIMITS:
        value = context.get(name)
        if isinstance(value, int | float):
            return value
    return None


def _allowed(kind: str, context: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return what the schema allows; pydantic words it from the declaration, not from the input."""
    if kind in {"bool_parsing", "bool_type"}:
        return ("true", "false")
    if kind in {"enum", "literal_error"}:
        expected = str(context.get("expected", ""))
        values = _QUOTED.findall(expected) or re.findall(r"-?\d+", expected)
        return tuple(value for value in values if _SAFE_VALUE.fullmatch(value))[:ALLOWED_VALUES_MAX] or None
    bounds = [f"{sign}{context[name]}" for name, sign in _SIGNS.items() if isinstance(context.get(name), int | float)]
    return tuple(bounds) or None


def _declared_names(route: object) -> frozenset[str]:
    """Return every name that a route's parameters and models declare."""
    tree = getattr(route, _TREE, None)
    if tree is None:
        return frozenset()
    known = _declared.get(id(tree))
    if known is None:
        known = _declared[id(tree)] = (tree, frozenset(_walk_tree(tree)))
    return known[1]


def _walk_tree(tree: Any) -> Iterator[str]:
    for place in ("path_params", "query_params", "header_params", "cookie_params", "body_params"):
        for field in getattr(tree, place, ()):
            yield from _walk_field(field)
    for child in getattr(tree, "dependencies", ()):
        yield from _walk_tree(child)


def _walk_field(field: Any) -> Iterator[str]:
    yield str(field.name)
    yield str(field.alias)
    yield from _walk_annotation(field.field_info.annotation, set())


def _walk_annotation(annotation: Any, seen: set[int]) -> Iterator[str]:
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    for argument in get_args(annotation):
        yield from _walk_annotation(argument, seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield from _model_names(name, info)
            yield from _walk_annotation(info.annotation, seen)
    elif isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        for field in dataclasses.fields(annotation):
            yield field.name
            yield from _walk_annotation(field.type, seen)


def _model_names(name: str, info: Any) -> Iterable[str]:
    aliases = (info.alias, info.validation_alias)
    return [name, *(alias for alias in aliases if isinstance(alias, str))]
