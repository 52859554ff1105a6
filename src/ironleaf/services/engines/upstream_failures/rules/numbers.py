"""Numbers that vendors give their errors, read inside that vendor's own envelope only.

Two vendors use one number with two meanings (1002 is one's rate limit and another's
bad token), so a bare number proves nothing. These rules come after everything that
says what it means in words, and none of them contradicts what HTTP itself said.
Source: the vendors' public lists of error codes.
"""

from __future__ import annotations

from typing import Final

from ironleaf.services.engines.upstream_failures.base import FailureKind
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules.base import Rule, words

_BIGMODEL: Final = r"error['\"]? ?: ?\{ ?['\"]code['\"] ?: ?['\"](?:NUMBERS)['\"]"
_MINIMAX: Final = r"base_resp.{0,80}?status_code['\"]? ?: ?(?:NUMBERS)\b"
_SILICONFLOW: Final = r"(?:^|- )\{ ?['\"]code['\"] ?: ?(?:NUMBERS),"
_QIANFAN: Final = r"['\"]error_code['\"] ?: ?['\"]?(?:NUMBERS)\b"
_SPARK: Final = r"['\"]code['\"] ?: ?(?:NUMBERS)\b.{0,400}?['\"]sid['\"]|error code: ?(?:NUMBERS)\b"
_MISTRAL: Final = r"object['\"] ?: ?['\"]error['\"].{0,4000}?['\"]code['\"] ?: ?['\"]?(?:NUMBERS)\b"
_CLOUDFLARE: Final = r"['\"]errors['\"] ?: ?\[.{0,800}?['\"]code['\"] ?: ?(?:NUMBERS)\b"

_UNAUTHENTICATED: Final = frozenset({401, 407})
_REFUSED: Final = frozenset({*_UNAUTHENTICATED, 402, 403, 451})
"""What is refused like this is refused again: no number makes it worth a second try."""
_REPEATED: Final = frozenset({*_REFUSED, *range(404, 408), *range(409, 425), 426, 428, 431})
"""Statuses that an identical request meets again."""


def _numbered(kind: FailureKind, *envelopes: tuple[str, str], unless_statuses: frozenset[int]) -> Rule:
    patterns = (envelope.replace("NUMBERS", numbers) for envelope, numbers in envelopes)
    return Rule(
        name=f"vendor-number-{kind.value.replace('_', '-')}",
        outcome=outcome_of(kind),
        words=words(*patterns),
        unless_statuses=unless_statuses,
    )


NUMBER_RULES: Final = (
    _numbered(
        FailureKind.AUTH,
        (_BIGMODEL, "100[0-4]|1111"),
        (_MINIMAX, "1004|2049"),
        (_QIANFAN, "13|14|15|100|110|111"),
        unless_statuses=frozenset({402, 403, 429, 451, *range(500, 600)}),
    ),
    _numbered(
        FailureKind.QUOTA_EXHAUSTED,
        (_BIGMODEL, "1113|1304|1308|1309|1310|1316"),
        (_MINIMAX, "1008|2056"),
        (_SILICONFLOW, "30001|30011"),
        (_QIANFAN, "17|19"),
        (_SPARK, "11201"),
        unless_statuses=_UNAUTHENTICATED,
    ),
    _numbered(
        FailureKind.PERMISSION,
        (_BIGMODEL, "1110|1112|1121|1220"),
        (_QIANFAN, "6"),
        (_SPARK, "10015|10016|11200"),
        unless_statuses=frozenset({*_UNAUTHENTICATED, 402, *range(500, 600)}),
    ),
    _numbered(
        FailureKind.CONTENT_FILTERED,
        (_BIGMODEL, "1301"),
        (_MINIMAX, "1026|1027"),
        (_QIANFAN, "336104"),
        (_SPARK, "10013|10014|10019"),
        unless_statuses=frozenset({*_REFUSED, 429}),
    ),
    _numbered(
        FailureKind.CONTEXT_TOO_LONG,
        (_BIGMODEL, "1261"),
        (_QIANFAN, "336103"),
        (_SPARK, "10907"),
        (_MISTRAL, "3051"),
        unless_statuses=frozenset({*_REFUSED, 429}),
    ),
    _numbered(
        FailureKind.IMAGE_UNSUPPORTED_BY_MODEL,
        (_SILICONFLOW, "20041"),
        unless_statuses=frozenset({*_REFUSED, 429}),
    ),
    _numbered(
        FailureKind.MODEL_NOT_FOUND,
        (_BIGMODEL, "1211"),
        (_SILICONFLOW, "20012"),
        (_MISTRAL, "1500|1502"),
        unless_statuses=frozenset({*_REFUSED, 429}),
    ),
    _numbered(
        FailureKind.BAD_PARAMETER,
        (_BIGMODEL, "1210|121[2-5]|122[12]"),
        (_MINIMAX, "2013"),
        (_SILICONFLOW, "20015"),
        (_QIANFAN, "33600[1-7]"),
        (_SPARK, "1000[3-5]|10163"),
        unless_statuses=frozenset({*_REFUSED, 429}),
    ),
    _numbered(
        FailureKind.RATE_LIMITED,
        (_BIGMODEL, "1302|1303"),
        (_MINIMAX, "1002|1039|1041"),
        (_QIANFAN, "4|18|336501|336502"),
        (_SPARK, "10006|10007|11202|11203"),
        unless_statuses=_REPEATED,
    ),
    _numbered(
        FailureKind.OVERLOADED,
        (_BIGMODEL, "1305|1312"),
        (_SILICONFLOW, "50505|50603"),
        (_QIANFAN, "2|336100"),
        (_SPARK, "10008|10110"),
        (_MISTRAL, "3505"),
        (_CLOUDFLARE, "3040"),
        unless_statuses=_REPEATED,
    ),
    _numbered(FailureKind.TIMEOUT, (_MINIMAX, "1001"), unless_statuses=_REPEATED),
    _numbered(
        FailureKind.INTERNAL_ERROR,
        (_BIGMODEL, "1200|1230|1234"),
        (_MINIMAX, "1013|1024|1033"),
        (_QIANFAN, "1|336000"),
        (_SPARK, "10009|1001[0-2]"),
        unless_statuses=frozenset({*_REPEATED, 429}),
    ),
)
