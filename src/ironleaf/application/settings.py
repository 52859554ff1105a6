"""All settings in one tree, from ``IRONLEAF_…__…`` and ``ironleaf.toml``; a wrong one is refused by its name.

Sections are the frozen dataclasses of the tiers that use them. Precedence:
arguments given by code or command line, then the environment, then the file,
then the defaults.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from ironleaf.application.access.settings import AccessSettings
from ironleaf.application.tracing.settings import TracingSettings
from ironleaf.foundation.alerting.settings import AlertSettings, ChannelSettings, find_secrets
from ironleaf.foundation.database import DatabaseSettings
from ironleaf.foundation.database.address import find_password
from ironleaf.foundation.monitoring import MonitoringSettings
from ironleaf.foundation.monitoring.detection import DetectionSettings
from ironleaf.foundation.observability import LogSettings
from ironleaf.foundation.resilience import AdaptiveLimitOptions, BreakerOptions, PatienceOptions, RetryOptions
from ironleaf.services.engines.settings import EmbeddedSettings, HealingSettings
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.services.files.settings import FileSettings

ENV_PREFIX: Final = "IRONLEAF_"
ENV_FILE: Final = "IRONLEAF_CONFIG"
"""Names another file than ``./ironleaf.toml``."""
FILE_DEFAULT: Final = "ironleaf.toml"
PORT_MAX: Final = 65_535
_TELLING_HEADER: Final = re.compile(r"auth|key|token|secret|cookie", re.IGNORECASE)
_RESERVED: Final = frozenset({"auto", "vl", "embedded", "text_layer", "native", "none"})


class SettingsRefused(Exception):
    """Start-up is refused; the lines name settings and what they must be, never the values found."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _require(holds: bool, name: str, must_be: str) -> None:
    if not holds:
        raise ValueError(f"{name}: must be {must_be}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where and how the service listens."""

    host: str = "127.0.0.1"
    """A public address is refused unless callers need a key and there is one, or ``allow_public`` is set."""
    port: int = 8000
    allow_public: bool = False
    """Listen beyond this machine although callers need no key; ``access.require_key = "always"`` asks all the same."""
    root_path: str = ""
    """The path prefix under which a proxy serves us."""
    conversions_max: int = 16
    """Conversions under way at once; each holds a spool and at most a few pages."""
    conversions_queued_max: int = 64
    """Conversions waiting for their turn; the next one is told to come back."""
    shutdown_grace_s: float = 30.0
    """How long running conversions may take to end when we are asked to stop."""

    def __post_init__(self) -> None:
        _require(0 <= self.port <= PORT_MAX, "port", f"between 0 and {PORT_MAX}")
        _require(self.conversions_max >= 1, "conversions_max", "at least 1")
        _require(self.conversions_queued_max >= 0, "conversions_queued_max", "0 or more")
        _require(self.shutdown_grace_s >= 0, "shutdown_grace_s", "0 or more")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The worker processes below the event loop."""

    recognisers: int = 0
    """Processes that recognise; 0 = as many as cores and ``memory_bytes_max`` allow."""
    decoders: int = 2
    """Processes that open files and draw pages."""
    memory_bytes_max: int = 4 * 1024**3
    """Budget that limits ``recognisers`` when it is 0; one takes about 0.6 GiB at its peak."""
    require_sandbox: bool = False
    """Refuse to start where the kernel gives no seccomp filter."""

    def __post_init__(self) -> None:
        _require(self.recognisers >= 0, "recognisers", "0 or more")
        _require(self.decoders >= 1, "decoders", "at least 1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VlSettings:
    """The vision-language engine: its backends in the order in which they are asked."""

    backends: tuple[BackendSettings, ...] = ()
    profile_directory: Path | None = None
    """Holds profiles of your own, one TOML file each; they go before the built-in ones of the same name."""
    retry: RetryOptions = dataclasses.field(default_factory=RetryOptions)
    breaker: BreakerOptions = dataclasses.field(default_factory=lambda: BreakerOptions(slow_s_per_cost=10.0))
    """Ten seconds a megapixel, not the kit's twenty: see ``SLOW_S_PER_MEGAPIXEL`` beside the guards."""
    concurrency: AdaptiveLimitOptions = dataclasses.field(default_factory=AdaptiveLimitOptions)
    """How many pages a backend reads at once: found out between ``floor`` and ``max``."""
    queue_max: int = 16
    """Pages that wait for one backend; the next one goes down the ladder."""
    attempt_timeout_s: float = 60.0
    patience: PatienceOptions = dataclasses.field(default_factory=PatienceOptions)
    """When a backend that is silent for much longer than it usually is gives way to the next one."""
    deadline_share: float = 0.6
    """Part of a request's time that one backend may use up while others are left."""
    reserve_s: float = 8.0
    """Kept back for the embedded engine, whatever the share says."""
    canary: bool = True
    """Tell a sick server from a bad page, and a recovered one from a listed one, with a picture of known words."""
    step_down_on_refusal: bool = True
    """Whether another engine may read a page that a backend declined: its safety filter, or the model in words."""
    healing: HealingSettings = dataclasses.field(default_factory=HealingSettings)

    def __post_init__(self) -> None:
        aliases = [backend.alias for backend in self.backends]
        _require(len(set(aliases)) == len(aliases), "backends", "told apart by their aliases")
        _require(not _RESERVED.intersection(aliases), "backends", "called otherwise than an engine of the house")
        _require(self.queue_max >= 0, "queue_max", "0 or more")
        _require(self.attempt_timeout_s > 0, "attempt_timeout_s", "above 0")
        _require(0 < self.deadline_share <= 1, "deadline_share", "above 0 and at most 1")
        _require(self.reserve_s >= 0, "reserve_s", "0 or more")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The engines, from the most to the least trusted."""

    vl: VlSettings = dataclasses.field(default_factory=VlSettings)
    embedded: EmbeddedSettings = dataclasses.field(default_factory=EmbeddedSettings)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    server: ServerSettings = dataclasses.field(default_factory=ServerSettings)
    workers: WorkerSettings = dataclasses.field(default_factory=WorkerSettings)
    files: FileSettings = dataclasses.field(default_factory=FileSettings)
    engines: EngineSettings = dataclasses.field(default_factory=EngineSettings)
    database: DatabaseSettings = dataclasses.field(default_factory=DatabaseSettings)
    alerts: AlertSettings = dataclasses.field(default_factory=AlertSettings)
    access: AccessSettings = dataclasses.field(default_factory=AccessSettings)
    monitoring: MonitoringSettings = dataclasses.field(default_factory=MonitoringSettings)
    detection: DetectionSettings = dataclasses.field(default_factory=DetectionSettings)
    tracing: TracingSettings = dataclasses.field(default_factory=TracingSettings)
    logs: LogSettings = dataclasses.field(default_factory=LogSettings)


def load_settings(
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Return the settings of this process.

    ``overrides`` uses dotted names (``{"server.port": 8099}``).

    Raises:
        SettingsRefused: a name is unknown or a value is wrong; says which, never the value.
    """
    environ = os.environ if environ is None else environ
    path = file or Path(environ.get(ENV_FILE) or FILE_DEFAULT)
    tree = _read_file(path, required=file is not None or bool(environ.get(ENV_FILE)))
    for name, value in _environment(environ):
        _plant(tree, name, value)
    for dotted, value in (overrides or {}).items():
        _plant(tree, tuple(dotted.split(".")), value)
    unknown = tuple(_find_unknown(Settings, tree, ()))
    if unknown:
        raise SettingsRefused(tuple(f"{_say(name)}: there is no such setting" for name in unknown))
    try:
        settings = TypeAdapter(Settings).validate_python(tree)
    except ValidationError as error:
        raise SettingsRefused(tuple(_explain(error))) from None
    wrong = tuple(_find_senseless(settings, ()))
    if wrong:
        raise SettingsRefused(tuple(f"{_say(name)}: must be a number of 0 or more" for name in wrong))
    return _fetch_keys(settings, environ)


def _find_senseless(section: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the names of numbers that are negative, infinite or none: no setting of ours means anything by them."""
    for field in dataclasses.fields(typing.cast("Any", section)):
        value: object = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from _find_senseless(value, (*path, field.name))
        elif isinstance(value, int | float) and not 0 <= value < math.inf:
            yield (*path, field.name)


def list_secrets(settings: Settings) -> tuple[str, ...]:
    """Return every value of the settings that may stand in no log: keys, headers that hold one, the passwords of a
    proxy and of the database."""
    found = list(find_password(settings.database.url))
    for channel in settings.alerts.channels:
        found += find_secrets(channel)
    for backend in settings.engines.vl.backends:
        found += [backend.api_key, urlsplit(backend.proxy or "").password or ""]
        for name, value in backend.headers.items():
            if _TELLING_HEADER.search(name):
                found += [value, value.rpartition(" ")[2]]  # also without its scheme, such as Bearer
    return tuple(dict.fromkeys(secret for secret in found if secret))


def _fetch_keys(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Return the settings with the keys that stand in variables of the environment."""
    vl = settings.engines.vl
    missing = [
        str(number)
        for number, each in enumerate(vl.backends)
        if each.api_key_env and not environ.get(each.api_key_env, "").strip()
    ]
    if missing:
        say = (_say(("engines", "vl", "backends", number, "api_key_env")) for number in missing)
        raise SettingsRefused(tuple(f"{name}: the variable that it names is not set" for name in say))
    backends = tuple(_fetch_key(number, each, environ) for number, each in enumerate(vl.backends))
    engines = dataclasses.replace(settings.engines, vl=dataclasses.replace(vl, backends=backends))
    channels = tuple(_fetch_channel(number, each, environ) for number, each in enumerate(settings.alerts.channels))
    alerts = dataclasses.replace(settings.alerts, channels=channels)
    return dataclasses.replace(settings, engines=engines, alerts=alerts)


def _fetch_key(number: int, backend: BackendSettings, environ: Mapping[str, str]) -> BackendSettings:
    if not backend.api_key_env:
        return backend
    try:  # a secret that is mounted or read from a file often ends with a line's end
        return dataclasses.replace(backend, api_key=environ[backend.api_key_env].strip(), api_key_env="")
    except ValueError:
        where = _say(("engines", "vl", "backends", str(number), "api_key_env"))
        raise SettingsRefused((f"{where}: the variable that it names must hold a key on one line",)) from None


def _fetch_channel(number: int, channel: ChannelSettings, environ: Mapping[str, str]) -> ChannelSettings:
    """Return a channel of alerts with its address and secret from the variables that it names."""
    fetched: dict[str, str] = {}
    for name in ("url", "secret"):
        if variable := getattr(channel, f"{name}_env"):
            where = _say(("alerts", "channels", str(number), f"{name}_env"))
            if not environ.get(variable):
                raise SettingsRefused((f"{where}: the variable that it names is not set",))
            fetched |= {name: environ[variable], f"{name}_env": ""}
    try:
        return dataclasses.replace(channel, **fetched)
    except ValueError:
        where = _say(("alerts", "channels", str(number), "secret_env"))
        raise SettingsRefused((f"{where}: the variable that it names must hold at least 16 characters",)) from None


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsRefused((f"{ENV_FILE}: the file it names does not exist",)) from None
        return {}
    except OSError:
        raise SettingsRefused((f"{path.name}: the file cannot be read",)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsRefused((f"{path.name}: the file is not valid TOML",)) from None


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in sorted(environ.items()):
        if key.startswith(ENV_PREFIX) and key != ENV_FILE:
            yield tuple(key.removeprefix(ENV_PREFIX).lower().split("__")), _parse_value(value)


def _parse_value(text: str) -> object:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)  # lists and tables come as JSON
    except ValueError:
        return text  # an IPv6 address begins with a bracket too


def _plant(tree: dict[str, Any], name: tuple[str, ...], value: object) -> None:
    for part in name[:-1]:
        child = tree.setdefault(part, {})
        if not isinstance(child, dict):
            raise SettingsRefused((f"{_say(name)}: there is no such setting",))
        tree = typing.cast("dict[str, Any]", child)
    tree[name[-1]] = value


def _find_unknown(section: type[Any], tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    kinds = typing.get_type_hints(section)
    for name, value in tree.items():
        kind = kinds.get(name)
        if kind is None:
            yield (*path, name)
        for row, table, where in _find_tables(kind, value, (*path, name)):
            yield from _find_unknown(row, table, where)


def _find_tables(
    kind: Any, value: object, path: tuple[str, ...]
) -> Iterator[tuple[type[Any], Mapping[str, Any], tuple[str, ...]]]:
    """Yield the section that a setting is, or each row of a list of tables, with its class and its name."""
    if isinstance(value, dict) and dataclasses.is_dataclass(kind):
        yield typing.cast("type[Any]", kind), typing.cast("dict[str, Any]", value), path
    elif isinstance(value, list):
        row = next(iter(typing.get_args(kind)), None)
        for number, each in enumerate(typing.cast("list[object]", value)):
            yield from _find_tables(row, each, (*path, str(number)))


def _explain(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name, text = tuple(str(part) for part in fault["loc"]), fault["msg"]
        if fault["type"] == "value_error":  # from a section's own check, which begins with the setting's name
            last, _, text = text.removeprefix("Value error, ").partition(": ")
            name = (*name, last)
        yield f"{_say(name)}: {text[:1].lower()}{text[1:]}"


def _say(name: tuple[str, ...]) -> str:
    return f"{'.'.join(name)} ({ENV_PREFIX}{'__'.join(part.upper() for part in name)})"
