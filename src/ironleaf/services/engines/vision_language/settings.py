"""One model server as the operator describes it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from ironleaf.services.engines.profiles.base import MAX_TOKENS_LIMIT, TEMPERATURE_LIMIT, ImageStyle

TIMEOUT_LIMIT_S: Final = 3_600.0
POOL_LIMIT: Final = 10_000
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_KEY = re.compile(r"[!-~]{0,8192}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OWN_FIELDS: Final = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p"})
_OWN_HEADERS: Final = frozenset(
    {"content-length", "content-type", "transfer-encoding", "accept-encoding", "connection"}
)
"""Those that say how a request is sent or an answer packed: another value would only break it."""


def _require(holds: bool, name: str, must_be: str) -> None:
    if not holds:
        raise ValueError(f"{name}: must be {must_be}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """Where a model is served, what it is asked, and how long it may take.

    Raises:
        ValueError: begins with the setting's name and never holds its value.
    """

    alias: str
    """The only name of this backend that callers ever see."""
    base_url: str
    """Up to and including ``/v1``."""
    model: str
    api_key: str = dataclasses.field(default="", repr=False)
    api_key_env: str = ""
    """The environment variable that holds the key, so that it need not stand in a file."""
    profile: str = "generic"
    temperature: float | None = None
    """None: the profile's, and where it has none, the server's own."""
    top_p: float | None = None
    max_tokens: int | None = None
    """None: the profile's. There is always a cap."""
    extra_body: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Fields beyond the protocol, for example ``repetition_penalty``."""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], repr=False)
    connect_timeout_s: float = 5.0
    """Name look-up, TCP and TLS together."""
    first_token_timeout_s: float = 60.0
    """From the request to the first piece of a streamed answer; a whole page of image is read before it."""
    between_tokens_timeout_s: float = 20.0
    """Between two pieces of an answer; keep-alive comments do not count."""
    total_timeout_s: float = 180.0
    """For one call; the request's own deadline may end it earlier."""
    stream: bool = True
    """Off only where a server cannot: loops and stalls are then seen late."""
    image_style: ImageStyle | None = None
    """None: the profile's."""
    check_image_tokens: bool = True
    """Off for a server whose count of prompt tokens leaves images out although the model sees them."""
    tls_verify: bool = True
    tls_ca_file: str | None = None
    """PEM file of a private authority."""
    proxy: str | None = dataclasses.field(default=None, repr=False)
    """The environment's proxies are not used: a model server is mostly near."""
    connections_max: int = 64
    probes_day_max: int | None = None
    """Canary pages in one day (UTC), whoever has them shown, for a server that costs money; None: no cap, 0: never."""
    relaunch: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """The body of ``POST /v1/models`` by which Xinference loads this model again; empty: it is never asked to."""

    def __post_init__(self) -> None:
        _require(_ALIAS.fullmatch(self.alias) is not None, "alias", "letters, digits, dots, dashes; at most 64")
        _require(bool(self.model), "model", "given")
        _require(_is_address(self.base_url), "base_url", "an http or https address without user, query or fragment")
        _require(self.proxy is None or _is_http(self.proxy), "proxy", "an http or https address")
        _require(_between(self.temperature, 0.0, TEMPERATURE_LIMIT), "temperature", f"0 to {TEMPERATURE_LIMIT:g}")
        _require(_between(self.top_p, 0.0, 1.0), "top_p", "0 to 1")
        _require(_between(self.max_tokens, 1, MAX_TOKENS_LIMIT), "max_tokens", f"1 to {MAX_TOKENS_LIMIT}")
        _require(
            not self.api_key_env or _is_variable(self.api_key_env), "api_key_env", "the name of a variable, not ours"
        )
        _require(_KEY.fullmatch(self.api_key) is not None, "api_key", "of plain letters, digits and marks, on one line")
        _require(not (self.api_key and self.api_key_env), "api_key_env", "given only where api_key is not")
        _require(not self.relaunch or "model_name" in self.relaunch, "relaunch", "a launch request with its model_name")
        _require(self.probes_day_max is None or self.probes_day_max >= 0, "probes_day_max", "0 or more")
        _require(_OWN_FIELDS.isdisjoint(self.extra_body), "extra_body", "free of fields that have a setting")
        _require(_is_json(self.extra_body), "extra_body", "of what JSON holds")
        _require(_is_json(self.relaunch), "relaunch", "of what JSON holds")
        _require(_OWN_HEADERS.isdisjoint(map(str.lower, self.headers)), "headers", "free of those that we must set")
        _require(_are_headers(self.headers), "headers", "names of letters, digits, dashes; values on one line")
        _require(1 <= self.connections_max <= POOL_LIMIT, "connections_max", f"1 to {POOL_LIMIT}")
        for name in ("connect_timeout_s", "first_token_timeout_s", "between_tokens_timeout_s", "total_timeout_s"):
            value: float = getattr(self, name)
            _require(0.0 < value <= TIMEOUT_LIMIT_S, name, f"above 0 and at most {TIMEOUT_LIMIT_S:g}")


def _between(value: float | None, low: float, high: float) -> bool:
    return value is None or low <= value <= high


def _is_json(value: Mapping[str, Any]) -> bool:
    try:
        orjson.dumps(dict(value))
    except TypeError:
        return False
    return True


def _is_variable(name: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None and not name.startswith("IRONLEAF_")


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_address(address: str) -> bool:
    return _is_http(address) and not any(mark in address for mark in "@?# \r\n\t")


def _are_headers(headers: Mapping[str, str]) -> bool:
    return all(_HEADER_NAME.fullmatch(name) and value.isprintable() for name, value in headers.items())
