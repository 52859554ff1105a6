"""What secrets, personal numbers and page content look like, and what only looks like them.

Tables of shapes, applied one after another: secrets, blobs, numbers, addresses. A shape is a pattern, the word
that replaces it, and where needed a judge that spares facts of the same form:
digests and time stamps are what operators search for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Judge = Callable[[str, str, str], bool]
"""Takes what was found, and a little of what stands before and after it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing to be masked: the group ``value`` if the pattern has one, else all of it."""

    label: str
    pattern: str
    spares: Judge | None = None
    """Says that this one is a harmless fact and stays."""


SURROUNDINGS_CHARACTERS: Final = 24
"""What a judge sees on either side: a field's name, a unit."""

# --- names, where a value has no shape of its own ---------------------------------------------------------------------

_LONG_WORDS: Final = (
    r"passw(?:or)?d|passphrase|passcode|secret|token|authorization|signature|csrf|session[_-]?id|"
    r"(?:api|access|account|private|signing|encryption|hmac|webhook|master|licen[cs]e|subscription)[_\s-]?key|__key|"
    r"(?:one-time|verification|security)[\s-]code"
)
_SHORT_WORDS: Final = r"pass|pwd|auth|sig|pin|otp|session|cookie|credentials?"
"""Parts of many harmless words (compass, author): taken only where a word begins."""
_CHINESE_WORDS: Final = r"密码|口令|密钥|令牌|验证码"
_SUFFIX: Final = r"(?i:s|[_-]?(?:key|value|hash|base64|b64)|[_-]\d{1,3})?"
_NAME: Final = (
    rf"(?:(?i:{_LONG_WORDS})|(?<![A-Za-z])(?i:{_SHORT_WORDS})|(?:Pass|Pwd|Auth|Sig|Session|Cookie|Credentials?)"
    rf"|{_CHINESE_WORDS}){_SUFFIX}"
)
_QUOTE: Final = r"(?:\\*[\"']|&quot;|%22)?"
_SIGN: Final = _QUOTE + r"\s*(?:=>|={1,2}|[:：]|%3[AaDd])\s*"
_BARE: Final = r"(?:[^\s,;&'\"\])}]|[\])}'\"](?=[A-Za-z0-9]))+"
_VALUE: Final = (
    r"(?:b?\"(?:[^\"\\]|\\[\s\S])*(?:\"|\Z)|b?'(?:[^'\\]|\\[\s\S])*(?:'|\Z)"
    r"|\\+\"[\s\S]*?(?:\\+\"|\Z)|\\+'[\s\S]*?(?:\\+'|\Z)|&quot;[\s\S]*?(?:&quot;|\Z)|%22[\s\S]*?(?:%22|\Z)"
    r"|\{[^}]*\}|\[[^\]]*\]|\([^)]*\)"
    rf"|(?i:bearer |basic )?{_BARE})"
)
SECRET_NAME: Final = re.compile(rf"(?:^|[_.\s-])(?:{_LONG_WORDS}|{_SHORT_WORDS}|{_CHINESE_WORDS}){_SUFFIX}$")
"""The whole name of a field, in snake case."""
COUNT_NAME: Final = re.compile(r"(?:^|[_.\s-])tokens$")
"""Language models count in tokens: a number under such a name is a fact."""
CONTENT_NAME: Final = re.compile(
    r"^(?:(?:page|pages|response|request|message)_)?(?:text|content|body|prompt|markdown|html|payload|messages)$|"
    r"^(?:locals|vars|input_value)$"
)

_NO_VALUES: Final = re.compile(
    r"none|null|nil|true|false|on|off|yes|no|not|set|unset|empty|missing|required|needed|given|invalid|wrong|expired|"
    r"expected|unexpected|unknown|rejected|refused|failed|mismatch|denied|closed|started|default|<class|\W?"
)
"""What a log line says instead of a value."""
_SHORT_NUMBER: Final = re.compile(r"\d{1,3}(?:\.\d+)?(?:ms|s|%)?|\d+\.\d+")
_STRICT_NAME: Final = re.compile(
    r"(?:passw|passphrase|passcode|pwd|pin|otp|secret|key|码|口令)[^=:：]*\W*$", re.IGNORECASE
)
_COUNTED: Final = re.compile(r"tokens\W*$", re.IGNORECASE)


def _is_no_secret(found: str, before: str, _after: str) -> bool:
    value = found.strip("\"'\\").rstrip(".").lower()
    if _NO_VALUES.fullmatch(value):
        return True
    if _COUNTED.search(before) and value.isdigit():
        return True
    return _SHORT_NUMBER.fullmatch(value) is not None and not _STRICT_NAME.search(before)


def _begins_as_no_secret(found: str, before: str, after: str) -> bool:
    return _is_no_secret(found.split(maxsplit=1)[0], before, after)


_PHRASE: Final = r"[^\s,;，；。&|<>\"'{}()\[\]=]+(?:[ ](?![\w.-]+[=:：])[^\s,;，；。&|<>\"'{}()\[\]=]+){1,11}"
"""Two to twelve words without a quote: what they mean, nobody but its owner knows."""

# --- keys and tokens that are known by their form ---------------------------------------------------------------------

_KEYS: Final = (
    r"(?<![A-Za-z0-9])(?:sk-[\w*-]{12,}|(?:[srp]k)_(?:live|test)_\w{10,}|(?:pk|rk|xai|gsk|il)[-_](?=[\w-]*\d)[\w-]{12,}"
    r"|hf_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{20,}|gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|gl[a-z]{2,4}-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|il[kls]_\w{12,}|(?:AKIA|ASIA|AKID|LTAI|AIza)[\w-]{12,}|dapi[0-9a-f]{16,}|dop_v1_\w{16,}|ya29\.[\w-]{10,}"
    r"|pypi-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|hv[bs]\.[\w-]{16,}|AGE-SECRET-KEY-\w+|[0-9a-f]{32}\.[A-Za-z0-9]{16})"
)
_HOOKS: Final = (
    r"(?<=/hook/)[\w-]{8,}|(?<=/services/)T\w+/B\w+/\w+|(?<=/webhooks/)\d+/[\w-]+|(?<=/bot)\d+:[\w-]{20,}"
    r"|(?<=[?&])(?:key|code|hmac)=(?P<value>[^\s&#\"'<>]{8,})"
)
_WRAP: Final = r"(?:\\r|\\n|[\r\n])+"
_BASE64: Final = r"[A-Za-z0-9+/_-]"
_BLOB: Final = (
    rf"(?<![A-Za-z0-9_/+-])(?:{_BASE64}{{32,}}|{_BASE64}{{16,}}(?={_WRAP}{_BASE64}{{16}}))"
    rf"(?:{_WRAP}{_BASE64}{{16,}})*(?:{_WRAP}{_BASE64}+==?|={{0,2}})"
)
_DIGEST: Final = re.compile(r"[0-9a-f]{32,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26}")
_PLAIN_SCHEME_WORD: Final = re.compile(r"[A-Z]?[a-z]{1,20}[.,:;]?")
_WORD: Final = re.compile(r"[A-Z]?[a-z]{3,}")
_SEPARATOR: Final = re.compile(r"[/_-]")
WORDS_SHARE_MIN: Final = 0.62
"""Of names and paths, 0.65 and more are words; of 32 random base64 characters 0.62 in one of a thousand."""
PIECE_CHARACTERS_MAX: Final = 6
"""Names of models come in short pieces between dashes; random text has a separator every 32 characters."""
BLOB_CHARACTERS_MIN: Final = 16
"""What is left beside digests and identifiers, and shorter, is no secret worth the name."""


def _is_name_or_path(found: str, _before: str, _after: str) -> bool:
    rest = _DIGEST.sub("", found)
    if len(rest) < BLOB_CHARACTERS_MIN or rest.lower() == rest or rest.upper() == rest:
        return True
    words = sum(map(len, _WORD.findall(rest)))
    pieces = len(_SEPARATOR.findall(rest)) + 1
    return words >= WORDS_SHARE_MIN * len(rest) or len(rest) <= PIECE_CHARACTERS_MAX * pieces


def _is_plain_word(found: str, _before: str, _after: str) -> bool:
    return _PLAIN_SCHEME_WORD.fullmatch(found) is not None


def _is_account_number_pair(found: str, _before: str, _after: str) -> bool:
    return found.replace(":", "", 1).isdigit()  # `--user 1000:1000`


def _is_a_program(found: str, _before: str, _after: str) -> bool:
    return found.startswith("git@")


SECRET_SHAPES: Final = (
    # data URIs: pictures of pages
    Shape("blob", r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.-]+)*?(?:;base64,[A-Za-z0-9+/=_%-]+|,\S+)"),
    Shape("key", r"-{4,5} ?BEGIN [A-Z0-9 ]+-{4}[\s\S]*?(?:-{4} ?END [A-Z0-9 ]+-{4,5}|\Z)"),
    # scheme://user:secret@host, up to the last @ of the word; but not the @ in the path of scheme://host:port/path
    Shape(
        "credentials",
        r"(?<=://)(?:(?![^\s/@:]*:\d{1,5}[/?#\s])[^\s/@:\"]*:(?:[^\s\"']|'(?=[^\s,;)\]}'\"])){0,300}@|[^\s/@:'\"]+@)",
    ),
    Shape("secret", rf"(?i:authorization){_SIGN}b?\\*[\"']?(?P<value>(?i:digest|oauth|hawk|aws4[\w-]*)\s[^\r\n]*)"),
    Shape(
        "secret",
        rf"(?i:authorization){_SIGN}b?\\*[\"']?(?P<value>[A-Za-z][\w.-]{{0,30}}\s+(?=\S*\d|\S{{16}})[^\s,;'\"&]+)",
    ),
    Shape(
        "secret",
        rf"(?i:cookie){_SIGN}b?\\*[\"']?(?P<value>[^\s;,'\"=]+=[^\s;'\"]*(?:;\s*[^\s;,'\"=]+(?:=[^\s;'\"]*)?)*)",
    ),
    Shape("input", r"(?<=input_value=)(?P<value>[\s\S]+?)(?=, input_type=|\Z)"),
    # words that only people put together: up to where a sentence or the next field begins
    Shape(
        "secret",
        rf"(?:(?:(?i:passw(?:or)?d|passphrase)|密码|口令)\s*[:：]|(?i:passphrase)\s*=)\s*(?P<value>{_PHRASE})",
        _begins_as_no_secret,
    ),
    Shape("secret", _NAME + _SIGN + f"(?P<value>{_VALUE})", _is_no_secret),
    Shape("secret", rf"\(b?[\"'][\w.-]{{0,40}}?{_NAME}[\"'],\s*(?P<value>b?(?:\"[^\"]*\"|'[^']*'))"),
    Shape("secret", rf"<[\w:.-]{{0,40}}?{_NAME}>(?P<value>[^<]+)(?=</)", _is_no_secret),
    Shape("secret", rf"(?<!\S)--[\w-]{{0,40}}?{_NAME}\s+(?P<value>\"[^\"]*\"|'[^']*'|\S+)", _is_no_secret),
    Shape(
        "credentials",
        r"(?<!\S)(?:-u|--user|--proxy-user)[ =]?[\"']?(?P<value>[^\s:\"']+:[^\s\"']+)",
        _is_account_number_pair,
    ),
    Shape(
        "secret",
        rf"(?:(?i:passw(?:or)?d|passcode|pin|otp)\s+(?i:is|was)\s+|(?:{_CHINESE_WORDS})\s*[是为]\s*)"
        r"(?P<value>(?=[^\s,;，。]*\d)[^\s,;，。]+)",
    ),
    # database and cache clients take a password without a space, or behind a letter
    Shape(
        "secret",
        r"(?<![A-Za-z0-9_])(?:(?:mysql\w*|mariadb[\w-]*)\s(?:[^\n]{0,100}?\s)?-p|sshpass\s+-p\s*|redis-cli\s(?:[^\n]{0,100}?\s)?-a\s+)"
        r"(?P<value>\S+)",
    ),
    Shape(
        "key",
        r"(?i:(?:api|app|access|account|secret|model|subscription)[\s_-]key|token|secret|credential|(?:with|using|the|my|your|bad|invalid|wrong)\s+key)s?"
        r"(?:\s+(?i:is|was|of|value))?[\s\"'(]{1,3}(?P<value>[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?![0-9A-Za-z])",
    ),
    # whose machine it is
    Shape("user", r"(?<![A-Za-z0-9_])/(?:home|Users)/(?P<value>[^/\s'\"<>:,;)]+)"),
    Shape("user", r":\\+Users\\+(?P<value>[^\\/'\"<>:,;)\n]+(?=\\)|[^\\/\s'\"<>:,;)]+)"),
    Shape("token", r"(?<![A-Za-z0-9])(?:ey[\w-]{8,}(?:\.[\w-]{8,})(?:\.[\w-]*)*|eyJ[\w-]{12,})"),
    Shape("token", r"(?<![A-Za-z0-9_])(?i:(?:bearer|basic)\s+)(?P<value>[A-Za-z0-9._~+/=-]{6,})", _is_plain_word),
    Shape("key", _KEYS),
    Shape("key", _HOOKS),
    Shape("email", r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+", _is_a_program),
)
SECRET_HINTS: Final = re.compile(
    r"[@=:：<>]|%[234]|/home/|/Users/|-{4}|(?:^|\s)-|\(b?[\"']|(?i:basic|bearer|is|was)\s|[是为]|ey[A-Za-z0-9_-]{8}|sk-|[A-Za-z0-9_.+/-]{15}"
)
"""What every secret's shape contains; a quick no for the many values that are plain words."""

BLOB_SHAPES: Final = (Shape("blob", _BLOB, _is_name_or_path),)
BLOB_HINTS: Final = re.compile(r"[A-Za-z0-9+/_-]{16}")

# --- personal numbers -------------------------------------------------------------------------------------------------

_MEASURED_BEFORE: Final = re.compile(
    r"(?:_?(?:ns|us|ms|bytes|size|count|ts|time|total|free))[\"']?\s*[=:]\s*$", re.IGNORECASE
)
_MEASURED_AFTER: Final = re.compile(r"\s?(?:ns|us|µs|ms|bytes|B|pixels|px)\b|\s+of\s")


def _is_measured(_found: str, before: str, after: str) -> bool:
    return bool(_MEASURED_BEFORE.search(before) or _MEASURED_AFTER.match(after))


def _is_no_card(found: str, before: str, after: str) -> bool:
    # Cards carry a check digit (Luhn), those of UnionPay not always; and nothing else is grouped by dashes.
    if _is_measured(found, before, after):
        return True
    if found.startswith("62") or "-" in found:
        return False
    digits = [int(letter) for letter in reversed(found) if letter.isdigit()]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])  # noqa: PLR2004 - two digits are added up
    return (sum(digits[::2]) + sum(doubled)) % 10 != 0


def _is_no_iban(found: str, _before: str, _after: str) -> bool:
    while not _has_check_digits(found):
        found, gap, word = found.rpartition(" ")
        if not gap or not word.isalpha():
            return True
    return False  # a word of the sentence may stand behind it like one group more


def _has_check_digits(account: str) -> bool:
    plain = "".join(letter for letter in account.upper() if letter.isalnum())
    number = "".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])
    return int(number) % 97 == 1  # ISO 13616


NUMBER_SHAPES: Final = (
    # Chinese identity card: region, birthday, serial number, check digit
    Shape(
        "number",
        r"(?<![A-Za-z0-9.])[1-9]\d{5}[ -]?(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])[ -]?\d{3}[\dXx]"
        r"(?![A-Za-z0-9])",
        _is_measured,
    ),
    # payment cards
    Shape(
        "number",
        r"(?<![A-Za-z0-9.-])(?:(?:[3-6]\d{3}|2[2-7]\d{2})(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{1,7}"
        r"|3[47]\d{2}[ -]\d{6}[ -]\d{5})(?![A-Za-z0-9]|\.\d)",
        _is_no_card,
    ),
    # telephones: mainland mobile and landline, international with its plus, American; American social security
    Shape(
        "number",
        r"(?<![A-Za-z0-9_.+-])(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?P<dash>[ .-]?)\d{4}(?P=dash)\d{4}(?![A-Za-z0-9_]|[.-]\d)",
        _is_measured,
    ),
    Shape("number", r"(?<![A-Za-z0-9_.+-])0\d{2,3}-\d{7,8}(?![A-Za-z0-9_.-])"),
    Shape("number", r"(?<![A-Za-z0-9_+.])\+[1-9](?:[ -]?\(?\d\)?){6,14}(?![A-Za-z0-9_.])", _is_measured),
    Shape("number", r"\(\d{3}\) ?\d{3}-\d{4}(?!\d)|(?<![A-Za-z0-9_-])\d{3}-\d{2}-\d{4}(?![A-Za-z0-9_-])"),
    Shape("number", r"(?i:护照|passport)(?i:号码?|\W|no|number){0,6}(?P<value>[A-Za-z]{1,2}\d{6,8})(?![A-Za-z0-9_])"),
    Shape(
        "number",
        r"(?<![A-Za-z0-9_])[A-Za-z]{2}\d{2}(?P<tie>[ -]?)[A-Za-z0-9]{4}(?:(?P=tie)[A-Za-z0-9]{4}){1,6}"
        r"(?:(?P=tie)[A-Za-z0-9]{1,3})?(?![A-Za-z0-9_])",
        _is_no_iban,
    ),
)
NUMBER_HINTS: Final = re.compile(r"\d{3}|\d{2} \d|\(\d|[A-Z]{2}\d\d")

# --- network addresses, where they are to be hidden -------------------------------------------------------------------

_GROUP: Final = r"[0-9a-fA-F]{1,4}"
ADDRESS_SHAPES: Final = (
    Shape("address", r"(?<=://)[^\s/?#@'\"<>]+|(?<=://<credentials>@)[^\s/?#'\"<>]+"),
    Shape("address", r"(?<![A-Za-z0-9_.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![A-Za-z0-9_]|\.\d)"),
    Shape("address", r"\[[0-9a-fA-F:]{3,}(?:%\w+)?\](?::\d{1,5})?"),
    Shape("address", rf"(?<![A-Za-z0-9_:.])(?:{_GROUP}:){{7}}{_GROUP}(?![A-Za-z0-9_:])"),
    Shape(
        "address",
        rf"(?<![A-Za-z0-9_:.])(?:{_GROUP}(?::{_GROUP}){{0,6}})?::(?:{_GROUP}(?::{_GROUP}){{0,6}})?(?:%\w+)?(?![A-Za-z0-9_:])",
    ),
    Shape("address", r"(?<![A-Za-z0-9_.:>-])(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*:\d{2,5}(?![A-Za-z0-9_])"),
)
ADDRESS_HINTS: Final = re.compile(r"[.:]\w|::")


class Screen:
    """A table of shapes as one pattern. `apply` masks what has such a shape and is not spared."""

    def __init__(self, shapes: tuple[Shape, ...], hints: re.Pattern[str]) -> None:
        self._shapes = shapes
        self._hints = hints
        self._pattern = re.compile(
            "|".join(
                f"(?P<s{number}>{shape.pattern.replace('(?P<value>', f'(?P<v{number}>')})"
                for number, shape in enumerate(shapes)
            )
        )
        self._value_groups = tuple(
            f"v{number}" if "(?P<value>" in shape.pattern else f"s{number}" for number, shape in enumerate(shapes)
        )

    def apply(self, text: str) -> str:
        """Return ``text`` with every shape masked."""
        return self._pattern.sub(self._mask, text) if self._hints.search(text) else text

    def _mask(self, match: re.Match[str]) -> str:
        number = int((match.lastgroup or "s0")[1:])
        shape = self._shapes[number]
        group = self._value_groups[number]
        begin, end = match.span(group)
        if begin < 0:  # this alternative of the shape names no value: all of it is masked
            begin, end = match.span()
        text = match.string
        if shape.spares is not None and shape.spares(
            text[begin:end],
            text[max(0, begin - SURROUNDINGS_CHARACTERS) : begin],
            text[end : end + SURROUNDINGS_CHARACTERS],
        ):
            return match.group()
        mark = "<credentials>@" if shape.label == "credentials" and text[end - 1] == "@" else f"<{shape.label}>"
        name = text[match.start() : begin]
        if name.rstrip().endswith(("=", ":", "：")):
            name = name.rstrip()
        return f"{name}{mark}{text[end : match.end()]}"
