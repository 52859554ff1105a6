"""How the form of a conversion is documented."""

from __future__ import annotations

from typing import Any, Final

from ironleaf.application.options import (
    LANGUAGES_MAX,
    PASSWORD_CHARACTERS_MAX,
    PROMPT_CHARACTERS_MAX,
    TIMEOUT_S_DEFAULT,
    TIMEOUT_S_MAX,
    EngineChoice,
    OutputFormat,
)

_LANGUAGE: Final = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"


def describe_form() -> dict[str, Any]:
    """Return the OpenAPI request body of ``POST /v1/convert``."""
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {
                "type": "string",
                "contentMediaType": "application/octet-stream",
                "format": "binary",
                "description": "The file. Its type is found from its content; its name is only a label.",
            },
            **_options(),
        },
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _options() -> dict[str, Any]:
    return {
        "output_format": {
            "type": "string",
            "enum": [choice.value for choice in OutputFormat],
            "default": OutputFormat.MARKDOWN.value,
            "description": "Which field of the document is filled; `pages[].text` always is.",
        },
        "engine": {
            "type": "string",
            "enum": [choice.value for choice in EngineChoice],
            "default": EngineChoice.AUTO.value,
            "description": "`auto` is the ladder; a single engine never steps down.",
        },
        "page_range": {
            "type": "string",
            "pattern": r"^[1-9][0-9]{0,5}(-[1-9][0-9]{0,5})?(,[1-9][0-9]{0,5}(-[1-9][0-9]{0,5})?)*$",
            "example": "1-5,8",
            "description": "Only these pages are read, counted from 1.",
        },
        "languages": {
            "type": "string",
            "pattern": rf"^{_LANGUAGE}(,{_LANGUAGE}){{0,{LANGUAGES_MAX - 1}}}$",
            "example": "en,zh-Hans",
            "description": "A hint: BCP-47 tags, comma-separated.",
        },
        "timeout_s": {
            "type": "integer",
            "minimum": 1,
            "maximum": TIMEOUT_S_MAX,
            "default": TIMEOUT_S_DEFAULT,
            "description": "The deadline over everything after the upload.",
        },
        "prompt": {
            "type": "string",
            "maxLength": PROMPT_CHARACTERS_MAX,
            "description": "For the VL engine only.",
        },
        "password": {
            "type": "string",
            "format": "password",
            "maxLength": PASSWORD_CHARACTERS_MAX,
            "description": "For locked files. Never logged.",
        },
        "force_ocr": {
            "type": "boolean",
            "default": False,
            "description": "Ignore text layers; read the pictures inside Office files, too, as pages of their own.",
        },
        "include_images": {
            "type": "boolean",
            "default": False,
            "description": "Send each page's picture along as a bounded JPEG data URI.",
        },
    }
