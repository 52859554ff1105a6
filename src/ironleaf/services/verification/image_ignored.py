"""An answer invented without a look at the image, or one that asks where it is.

Why: two servers drop an image part that they do not know and answer 200. The
token count tells, where the server counts: it is no larger than the text's alone.
Where it does not, a model that was shown nothing often says so.
"""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import Answer, Verdict, bare

MISSED_CHARACTERS_MAX: Final = 400
"""Such answers are short; a longer text is a page that speaks about pictures."""

_IMAGE: Final = r"(?:images?|pictures?|photos?|attachments?|files?|documents?|scans?|pages?)"
_MISSED = re.compile(
    rf"(?:(?:i['’]?m )?sorry,? )?(?:but )?(?:i (?:do not|don['’]t) (?:actually )?see|there (?:is|was|are)|i see) "
    rf"(?:no|any|an|the|your)\b[^.\n]{{0,24}}\b{_IMAGE}[^.\n]{{0,24}}"
    r"\b(?:attached|provided|uploaded|included|shared|in (?:your|this|our) (?:message|conversation|chat|request))|"
    rf"no {_IMAGE} (?:was|were|has been|is|are) (?:attached|provided|uploaded|included|shared|received)|"
    rf"(?:it (?:looks|seems|appears)(?: like| as if| as though| that)? )(?:the |your |an? )?{_IMAGE}[^.\n]{{0,24}}"
    r"\b(?:did(?: not|n['’]t)|was(?: not|n['’]t)|has(?: not|n['’]t)|is missing|failed)|"
    r"it (?:looks|seems|appears)(?: like| as if| as though| that)? (?:you|there)[^.\n]{0,24}"
    rf"(?:not|n['’]t|no)\b[^.\n]{{0,40}}\b{_IMAGE}|"
    rf"please (?:upload|re-?upload|attach|share|send|provide|paste) [^.\n]{{0,30}}\b{_IMAGE}[^.\n]{{0,60}}\b(?:i|me)\b|"
    r"as an? (?:large |text[- ]based )?(?:ai )?language model|"
    r"(?:抱歉，?|您好，?|看起来)?(?:我)?(?:并)?(?:没有|未能?|没)(?:看到|看见|收到|接收到)[^。\n]{0,10}(?:图片|图像|照片|文件)|"
    r"(?:请|麻烦)您?(?:先|重新|再次)?(?:上传|提供|发送)[^。\n]{0,10}(?:图片|图像|照片|文件)[^\n]{0,40}我|"
    r"(?:无法|不能)(?:直接)?(?:查看|看到|访问|打开|加载)[^。\n]{0,8}(?:图片|图像|照片)",
    re.IGNORECASE,
)


def judge_image_ignored(answer: Answer) -> Verdict | None:
    """Reject an answer whose prompt cost no more than its words alone."""
    if not answer.image_sent or answer.prompt_tokens is None or answer.text_only_tokens is None:
        return None
    if answer.prompt_tokens <= 0 or answer.prompt_tokens > answer.text_only_tokens:
        return None
    return Verdict(reason="image-ignored")


def judge_image_missed(answer: Answer) -> Verdict | None:
    """Reject a short answer that says no image came."""
    text = bare(answer.text)
    if len(text) > MISSED_CHARACTERS_MAX or not _MISSED.match(text):
        return None
    return Verdict(reason="image-ignored")
