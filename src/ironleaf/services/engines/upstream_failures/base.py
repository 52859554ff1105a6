"""What comes in from a failed call, and what goes out as the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.errors import Level


class FailureKind(StrEnum):
    """What went wrong at a model server or on the way to it. A closed list."""

    MODEL_NOT_FOUND = "model_not_found"
    MODEL_LOADING = "model_loading"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    AUTH = "auth"
    PERMISSION = "permission"
    CONTEXT_TOO_LONG = "context_too_long"
    IMAGE_INVALID = "image_invalid"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_UNSUPPORTED_BY_MODEL = "image_unsupported_by_model"
    BAD_PARAMETER = "bad_parameter"
    CONTENT_FILTERED = "content_filtered"
    OUT_OF_MEMORY = "out_of_memory"
    ENGINE_CRASHED = "engine_crashed"
    INTERNAL_ERROR = "internal_error"
    BAD_GATEWAY = "bad_gateway"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    PROTOCOL = "protocol"
    """A "success" that is no usable answer."""
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNKNOWN = "unknown"


class CausedBy(StrEnum):
    """On whose side the cause lies."""

    CLIENT_INPUT = "client_input"
    OPERATOR = "operator"
    """Our own configuration, request or account."""
    UPSTREAM = "upstream"
    NETWORK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAnswer:
    """A call that gave no usable answer, as the client met it."""

    http_status: int | None = None
    """None: no answer at all."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    exception: str | None = None
    """The client exception's class name, where one was raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamVerdict:
    """What a failed call means. Holds nothing of the answer itself."""

    kind: FailureKind
    caused_by: CausedBy
    retry_same_backend: bool
    """The identical request may well succeed on the same server shortly."""
    fallback_other_backend: bool
    """Another backend, the embedded engine included, may do the job."""
    level: Level
    retry_after_s: float | None
    """What the server asked for, where it did."""
    rule: str
    """The rule that decided: for operators' logs and for tests."""
    reason: str
    """The catalogue's reason for this failure: all that a caller is told."""
