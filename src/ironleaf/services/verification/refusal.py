"""A short reply that declines, or that says there is nothing to read."""

from __future__ import annotations

import re
from typing import Final

from ironleaf.services.verification.base import Answer, Verdict, bare

REFUSAL_CHARACTERS_MAX: Final = 500
"""Refusals are short; a longer text that apologises is a letter."""

# Inability, then what it is about: both are needed, since real letters apologise too.
_CANNOT: Final = (
    r"(?:i['’]?m|i am) (?:really |very |so )?(?:sorry|unable|not able)|"
    r"i (?:cannot|can['’]?t|won['’]?t|could not|couldn['’]?t)|"
    r"sorry,? (?:but )?i|unfortunately,? i|as an ai|i apologi[sz]e|my apologies|"
    r"lo siento|no puedo|je (?:suis )?(?:vraiment )?(?:désolé|navré)|je ne (?:peux|suis)|"
    r"es tut mir leid|ich kann (?:leider )?|"
    r"leider kann ich|mi dispiace|non posso|desculpe|sinto muito|não (?:posso|consigo)|извините|к сожалению|я не могу|"
    r"عذر|آسف|لا (?:يمكنني|أستطيع)"
)
_ABOUT: Final = (
    r"assist|help|comply|provide|process|transcri|extract|read|view|see|access|identif|recogni|fulfil|continue|image|"
    r"picture|photo|document|request|imagen|solicitud|ayudar|image|aider|demande|bild|helfen|anfrage|immagine|aiutar|"
    r"imagem|ajudar|изображени|помочь|запрос|صورة|مساعد"
)
_WESTERN: Final = re.compile(rf"(?:{_CANNOT}).{{0,160}}(?:{_ABOUT})", re.DOTALL | re.IGNORECASE)
_EASTERN: Final = re.compile(
    r"(?:(?:很|非常)?抱歉|对不起|對不起|不好意思|作为(?:一个|一名)?(?:ai|人工智能|语言模型)|我(?:无法|不能|無法|没有办法))"
    r".{0,60}(?:无法|不能|無法|没有办法|帮助|协助|识别|识別|提供|处理|處理|查看|读取|回答|图|圖)|"
    r"申し訳(?:ありません|ございません).{0,60}(?:でき(?:ません|ない)|画像)|죄송(?:합니다|하지만).{0,60}(?:없|이미지)",
    re.DOTALL | re.IGNORECASE,
)
_NO_TEXT: Final = re.compile(
    r"(?:the |this )?(?:image|picture|page|document|photo)[a-z ]{0,20}"
    r"(?:does not|doesn['’]?t|do not) (?:appear to )?(?:contain|have|show|include) "
    r"(?:any )?(?:visible |readable |legible )?(?:text|words|writing|content)|"
    r"(?:there (?:is|are|was)|i (?:see|find)) no (?:visible |readable |legible |discernible )?(?:text|words|writing)|"
    r"no (?:visible |readable |legible )?text (?:was |is |could be )?(?:found|detected|visible|present|in)|"
    r"(?:the |this )?(?:page|image|document) (?:is|appears to be) (?:completely |entirely )?(?:blank|empty)|"
    r"(?:图片|图像|图中|页面|圖片|该图)[^。]{0,12}(?:没有|不包含|未包含|无|沒有)[^。]{0,8}(?:文字|文本|内容)|"
    r"没有(?:检测|识别|发现)到.{0,4}文字|空白(?:页|图片)|"
    r"画像に(?:は)?(?:文字|テキスト)(?:は|が)(?:含まれて|あり)",
    re.IGNORECASE,
)


def judge_refusal(answer: Answer) -> Verdict | None:
    """Reject a short refusal in any of a dozen languages."""
    text = bare(answer.text)
    if not text or len(text) > REFUSAL_CHARACTERS_MAX:
        return None
    if _WESTERN.match(text) or _EASTERN.match(text):
        return Verdict(reason="answer-refused")
    return None


def judge_no_text_claim(answer: Answer) -> Verdict | None:
    """Doubt a short answer that says there is no text: it is no text of the page either."""
    text = bare(answer.text)
    if not text or len(text) > REFUSAL_CHARACTERS_MAX // 2 or not _NO_TEXT.match(text):
        return None
    return Verdict(reason="no-text-claimed", severity="soft")
