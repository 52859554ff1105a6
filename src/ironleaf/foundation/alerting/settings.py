"""Whom alerts go to, and how patient they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from ironleaf.foundation.alerting.board import IncidentPolicy
from ironleaf.foundation.errors import Language

CHANNELS_MAX: Final = 20
SECRET_CHARACTERS_MIN: Final = 16
"""Shorter ones can be guessed from one signed notice."""
GROUP_WAIT_S_MAX: Final = 8.0
"""An alert is promised within ten seconds of its decision."""
KEY_CHARACTERS_MIN: Final = 12
"""Parts of an address that are shorter are words; tokens of chats have 20 and more."""
_SEPARATORS = re.compile(r"[/:@?&=#,.]+")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One way to a person or a program.

    Raises:
        ValueError: begins with the setting's name and never holds its value.
    """

    name: str
    """Lower-case letters, digits, dashes; `log` is taken: the log hears of everything."""
    kind: Literal["apprise", "webhook"] = "apprise"
    url: str = field(default="", repr=False)
    """An Apprise address, or where the webhook is posted to. A secret: it is shown nowhere."""
    url_env: str = ""
    """The environment variable that holds the address, so that it need not stand in a file."""
    secret: str = field(default="", repr=False)
    """Signs the webhook; at least 16 characters."""
    secret_env: str = ""
    language: Language = "en"
    urgency: Literal["ticket", "page"] = "ticket"
    """`page`: only what needs a person now; `ticket`: also what can wait for working hours."""
    backup: bool = False
    """Hears only of what another channel could not deliver, and of troubles of the alerting itself."""
    allow_private: bool = False
    """Whether the webhook may lead to a private address, such as this machine's."""

    def __post_init__(self) -> None:
        _require(_NAME.fullmatch(self.name) is not None, "name", "lower-case letters, digits, dashes; at most 32")
        _require(self.name != "log", "name", "another word than log")
        for name in ("url_env", "secret_env"):
            value: str = getattr(self, name)
            _require(not value or _is_variable(value), name, "the name of a variable, not ours")
        _require(bool(self.url) != bool(self.url_env), "url", "given, or named by url_env")
        _require(not (self.secret and self.secret_env), "secret_env", "given only where secret is not")
        signed = bool(self.secret or self.secret_env)
        _require(signed == (self.kind == "webhook"), "secret", "given for a webhook, and for nothing else")
        long_enough = not self.secret or len(self.secret) >= SECRET_CHARACTERS_MIN
        _require(long_enough, "secret", f"at least {SECRET_CHARACTERS_MIN} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """When and where people are told of trouble."""

    channels: tuple[ChannelSettings, ...] = ()
    public_url: str = ""
    """What comes before `/runbooks/...` in a message, such as `https://text.example.com`; empty: the path alone."""
    replica: str = ""
    """This replica's name in the history of incidents; empty: the host's name and the port."""
    group_wait_s: float = 5.0
    """From the decision to the alert: what else is seen in that time is told with it."""
    grace_s: float = 60.0
    """How long all must be well before people are told so; what comes back within it is the same incident."""
    settling_s: float = 120.0
    """How long a symptom may outlive its cause before it is told of by itself."""

    def __post_init__(self) -> None:
        names = [each.name for each in self.channels]
        _require(len(set(names)) == len(names), "channels", "told apart by their names")
        _require(len(names) <= CHANNELS_MAX, "channels", f"at most {CHANNELS_MAX}")
        _require(not self.public_url or _is_address(self.public_url), "public_url", "an http or https address")
        _require(len(self.replica) <= 60 and "#" not in self.replica, "replica", "at most 60 characters without #")  # noqa: PLR2004
        _require(self.group_wait_s <= GROUP_WAIT_S_MAX, "group_wait_s", f"at most {GROUP_WAIT_S_MAX:g}")
        _require(self.grace_s >= 1, "grace_s", "at least 1")

    def make_policy(self) -> IncidentPolicy:
        """Return the times of the state machine."""
        return IncidentPolicy(group_wait_s=self.group_wait_s, grace_s=self.grace_s, settling_s=self.settling_s)


def _require(holds: bool, name: str, must_be: str) -> None:
    if not holds:
        raise ValueError(f"{name}: must be {must_be}")


def _is_variable(name: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None and not name.startswith("IRONLEAF_")


def _is_address(url: str) -> bool:
    return url.startswith(("http://", "https://")) and not any(mark in url for mark in "@?# \r\n\t")


def find_secrets(channel: ChannelSettings) -> tuple[str, ...]:
    """Return what of a channel may stand in no log: its address, the parts of it that may be keys, its secret."""
    parts = [each for each in _SEPARATORS.split(channel.url) if len(each) >= KEY_CHARACTERS_MIN]
    return tuple(each for each in (channel.url, channel.secret, *parts) if each)
