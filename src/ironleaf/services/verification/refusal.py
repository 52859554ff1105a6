"""A short reply that declines."""

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


def judge_refusal(answer: Answer) -> Verdict | None:
    """Reject a short refusal in any of a dozen languages."""
    text = bare(answer.text)
    if not text or len(text) > REFUSAL_CHARACTERS_MAX:
        return None
    if _WESTERN.match(text) or _EASTERN.match(text):
        return Verdict(reason="answer-refused")
    return None
