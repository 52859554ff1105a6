"""A short reply that says there is nothing to read."""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import INK_SHARE_MIN, Answer, Verdict, bare

CLAIM_CHARACTERS_MAX: Final = 250
"""Such claims are a sentence or two."""

_NO_TEXT: Final = re.compile(
    r"(?:the |this )?(?:image|picture|page|document|photo)[a-z ]{0,20}"
    r"(?:does not|doesn['’]?t|do not) (?:appear to )?(?:contain|have|show|include) "
    r"(?:any )?(?:visible |readable |legible )?(?:text|words|writing|content)|"
    r"(?:there (?:is|are|was)|i (?:see|find)) no (?:visible |readable |legible |discernible )?(?:text|words|writing)|"
    r"no (?:visible |readable |legible )?text (?:was |is |could be )?(?:found|detected|visible|present|in)|"
    r"(?:the |this )?(?:page|image|document) (?:is|appears to be) (?:completely |entirely )?(?:blank|empty)|"
    r"(?:图片|图像|图中|页面|圖片|该图)[^。]{0,12}(?:没有|不包含|未包含|无|沒有)[^。]{0,8}(?:文字|文本|内容)|"
    r"\W{0,3}(?:no (?:visible |readable |legible )?text|(?:blank|empty) (?:page|image))\W{0,3}\Z|"
    r"没有(?:检测|识别|发现)到.{0,4}文字|空白(?:页|图片)|\W{0,3}(?:无|没有)(?:文字|文本)(?:内容)?\W{0,3}\Z|"
    r"画像に(?:は)?(?:文字|テキスト)(?:は|が)(?:含まれて|あり)",
    re.IGNORECASE,
)


def claims_no_text(text: str) -> bool:
    """Tell whether ``text`` says that there is no text, instead of being one."""
    words = bare(text)
    return len(words) <= CLAIM_CHARACTERS_MAX and _NO_TEXT.match(words) is not None


def judge_no_text_claim(answer: Answer) -> Verdict | None:
    """Reject the claim where the page has ink, like no answer at all; doubt it where that is not known."""
    if not claims_no_text(answer.text):
        return None
    has_ink = answer.ink_share is not None and answer.ink_share >= INK_SHARE_MIN
    return Verdict(reason="no-text-claimed", severity="hard" if has_ink else "soft")
