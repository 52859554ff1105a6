"""Mends what FastAPI documents by itself, so that the schema says what is really answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from fastapi import FastAPI

from ironleaf.foundation.errors.protocol import BAD_OPTION
from ironleaf.web.envelope import SCHEMA_REF, ErrorEnvelope, ProblemDocument, document_errors, refer_to
from ironleaf.web.negotiation import JSON, PROBLEM_JSON

_FRAMEWORK_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
_FRAMEWORK_REF: Final = "#/components/schemas/HTTPValidationError"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def install_openapi(app: FastAPI) -> None:
    """Replace the framework's validation answer in the schema and document the general error of each operation."""
    original: Callable[[], dict[str, Any]] = app.openapi
    done: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        schema = original()
        if done.get("source") is not schema:
            done["source"] = schema
            done["mended"] = _mend(schema)
        return cast("dict[str, Any]", done["mended"])

    app.openapi = openapi


def _mend(schema: dict[str, Any]) -> dict[str, Any]:
    mended = dict(schema)
    mended["paths"] = {path: _mend_path(item) for path, item in schema.get("paths", {}).items()}
    components = dict(schema.get("components", {}))
    models = {name: model for name, model in components.get("schemas", {}).items() if name not in _FRAMEWORK_SCHEMAS}
    for model in (ErrorEnvelope, ProblemDocument):
        built = model.model_json_schema(ref_template=SCHEMA_REF, mode="serialization")
        models |= {name: part for name, part in built.pop("$defs", {}).items() if name not in models}
        models[model.__name__] = built
    components["schemas"] = models
    mended["components"] = components
    return mended


def _mend_path(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _mend_operation(part) if name in _METHODS else part for name, part in item.items()}


def _mend_operation(operation: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = dict(operation.get("responses", {}))
    if _FRAMEWORK_REF in str(responses.get("422", "")):
        responses["422"] = document_errors(BAD_OPTION)[422]
    responses.setdefault(
        "default",
        {
            "description": "Any other error of the catalogue (`/v1/errors`).",
            "content": {
                JSON: {"schema": refer_to(ErrorEnvelope)},
                PROBLEM_JSON: {"schema": refer_to(ProblemDocument)},
            },
        },
    )
    return {**operation, "responses": responses}
