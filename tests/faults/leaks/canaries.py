"""The secrets that are planted, and the shapes in which one of them could get out."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from typing import TYPE_CHECKING

from ironleaf.faults import CANARIES

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "10.83.7.21:47613"
ADDRESS_V6 = "[fd00:ca:7a21::7]:9997"
SOCKET = "/run/canary-private/engine.sock"
HOME = "/home/canary-operator/.config/ironleaf/keys.toml"
WINDOWS_PATH = "C:\\Canary\\Private\\weights.onnx"
DSN = "mysql://canary-root:canary-pw-77@db2-canary.internal:3306/jobs"
KEY = "sk-canary-4f1d88e02b7c"
CLOUD_KEY = "AKIACANARY7Q2ZX4W6PT"
TOKEN = "eyJjYW5hcnkiOiJzZWNyZXQifQ.Y2FuYXJ5LXNpZ25hdHVyZQ.canarySig99"
PID = "pid=48213"
UID = "canary-vl-instruct-rep0"
OBJECT = "<CanaryEngine object at 0x7fcaca4a21e0>"
FRAME = 'File "/srv/canary-models/serving/engine.py", line 218, in generate'
MAIL = "canary.person@private.example"
PAGE_TEXT = "Canary patient record 5523 of ward nine"
OPS_KEY = "ilk_wa11d00rs0_CanarySecretOfTheWallOperator777"
"""A good key with scope ``ops``, of the form that ours have."""
HEADER_BREAK = "canary-header\r\nx-canary-injected: yes"

SECRETS: tuple[str, ...] = (
    *CANARIES,
    ADDRESS_V6,
    SOCKET,
    HOME,
    WINDOWS_PATH,
    DSN,
    "canary-pw-77",
    CLOUD_KEY,
    TOKEN,
    "0x7fcaca4a21e0",
    FRAME,
    MAIL,
    PAGE_TEXT,
    OPS_KEY,
    "x-canary-injected",
)
"""None of them may stand, in any shape, in a byte that a caller sees."""

NEVER_WRITTEN: tuple[str, ...] = (KEY, OPS_KEY, CLOUD_KEY, TOKEN, "canary-word", "canary-pw-77", PAGE_TEXT)
"""Keys, passwords and page content: not in the logs either. (Addresses and stacks are what logs are for.)"""

ALL = " | ".join(
    (
        ADDRESS,
        ADDRESS_V6,
        PID,
        UID,
        CANARIES[3],
        CANARIES[4],
        KEY,
        CANARIES[7],
        CANARIES[8],
        SOCKET,
        HOME,
        WINDOWS_PATH,
        DSN,
        CLOUD_KEY,
        TOKEN,
        OBJECT,
        FRAME,
        MAIL,
    )
)
"""One text with everything in it: what a fault says about itself."""

SQUEEZED_CHARACTERS_MIN = 8
"""Shorter remains of a secret would be found by chance."""


def squeeze(text: str) -> str:
    """Return letters and digits only, in lower case: splits, separators and case make no difference then."""
    return re.sub(r"[^0-9a-z]", "", text.lower())


def shapes(secret: str) -> Iterator[tuple[str, str]]:
    """Yield the squeezed forms under which a secret is looked for, each with its name."""
    raw = secret.encode()
    plain = squeeze(secret)
    assert len(plain) >= SQUEEZED_CHARACTERS_MIN, secret
    yield "plain", plain
    yield "reversed", plain[::-1]
    yield "hexadecimal", raw.hex()
    yield "utf-16", squeeze(raw.decode().encode("utf-16-le").hex())
    yield "decimal", "".join(str(byte) for byte in raw)
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode()
        inner = whole[4 if offset else 0 : (offset + len(raw)) // 3 * 4]
        yield f"base64 at {offset}", squeeze(inner)
        yield f"base64url at {offset}", squeeze(inner.replace("+", "-").replace("/", "_"))


def unwrap(text: str) -> Iterator[str]:
    """Yield the text and what it becomes when the usual escapes are taken off, one and two layers deep."""
    seen = {text}
    layer = {text}
    for _ in range(2):
        layer = {opened for each in layer for opened in _open(each)} - seen
        seen |= layer
    yield from seen


def _open(text: str) -> Iterator[str]:
    if "%" in text or "+" in text:
        yield urllib.parse.unquote_plus(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\(.)", _unescape, text, flags=re.DOTALL)
    if "=?" in text or "=3" in text:
        yield re.sub(r"=([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)
    if "\0" in text:
        yield text.replace("\0", "")


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else json.loads(f'"\\{match[3]}"') if match[3] in 'bfnrt"\\/' else match[3]
