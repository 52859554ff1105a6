"""Looks for planted secrets in what a caller got: in every shape that `canaries` knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.leaks.canaries import SECRETS, shapes, squeeze, unwrap

_NEEDLES = tuple({(needle, f"{secret!r} ({shape})") for secret in SECRETS for shape, needle in shapes(secret)})
_MARK = "canary"
_OUR_OWN_PHRASE = squeeze("once the canary page is read well")
"""The catalogue speaks of the canary page, which is a picture of ours and no secret."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything that reached a caller, as it came."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    chunks: tuple[bytes, ...] = ()
    trailers: tuple[tuple[bytes, bytes], ...] = ()
    escaped: str | None = None
    """The type of an exception that the application let out to the server."""
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: bytes) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name]
        return found[0].decode("latin-1") if found else None

    def wire(self) -> bytes:
        """Return all of it as one run of bytes, headers and trailers included."""
        lines = b"".join(name + b": " + value + b"\n" for name, value in (*self.headers, *self.trailers))
        return lines + self.body


def find_secrets(wire: bytes, *, needles: tuple[tuple[str, str], ...] = _NEEDLES) -> list[str]:
    """Return the names of the secrets, with their shapes, that stand in ``wire``."""
    hits: set[str] = set()
    for text in unwrap(wire.decode("utf-8", "replace")):
        packed = squeeze(text)
        hits.update(name for needle, name in needles if needle in packed)
        if _MARK in packed.replace(_OUR_OWN_PHRASE, ""):
            hits.add("the word that every secret of ours shares")
    return sorted(hits)
