"""Each verdict on answers that deserve it, and on real pages that only look like it."""

# ruff: noqa: E501 (a table reads best with one case a line)

from __future__ import annotations

import pytest

from ironleaf.services.verification import NOTICES, Answer, Verdict, judge, says_blank

PAGE = (
    "Minutes of the meeting\n\nThe board met on 3 March and approved the accounts of the past year.\n"
    "Ms. Lindqvist reported on the new warehouse, which will open in autumn.\n\n"
    "| item | amount |\n|---|---|\n| rent | 1,200.00 |\n| heating | 310.50 |\n"
)
PROMPT = "Read the page and give its text as Markdown. Keep the reading order. Do not explain anything and do not add words of your own."


def reasons(answer: Answer) -> dict[str, str]:
    return {verdict.reason: verdict.severity for verdict in judge(answer)}


@pytest.mark.parametrize(
    "text", [PAGE, "发票\n\n金额：1,280.00 元\n日期：2026年3月3日", "7", "Σύνολο: 12,40 €", "مرحبا بالعالم"]
)
def test_a_page_of_text_gets_no_verdict(text: str) -> None:
    answer = Answer(
        text=text, finish_reason="stop", prompt=PROMPT, prompt_tokens=900, text_only_tokens=40, ink_share=0.06
    )
    assert judge(answer) == ()


@pytest.mark.parametrize("text", ["", "  \n\t", "```\n```", "```markdown\n\n```", "\n---\n", "* *"])
def test_no_letter_is_empty_unless_the_page_is_blank(text: str) -> None:
    assert reasons(Answer(text=text))["answer-empty"] == "hard"
    assert "answer-empty" not in reasons(Answer(text=text, ink_share=0.0))


@pytest.mark.parametrize(
    ("finish", "reason", "severity"),
    [
        ("length", "answer-truncated", "hard"),
        ("MAX_TOKENS", "answer-truncated", "hard"),
        ("abort", "answer-truncated", "hard"),
        ("content_filter", "answer-filtered", "hard"),
        ("RECITATION", "answer-filtered", "hard"),
        ("something_new", "answer-unfinished", "soft"),
    ],
)
def test_an_irregular_end_is_named(finish: str, reason: str, severity: str) -> None:
    assert reasons(Answer(text=PAGE, finish_reason=finish)) == {reason: severity}


@pytest.mark.parametrize("finish", [None, "", "stop", "end_turn", "eos"])
def test_a_regular_or_absent_end_decides_nothing(finish: str | None) -> None:
    assert judge(Answer(text=PAGE, finish_reason=finish)) == ()


@pytest.mark.parametrize(("tokens", "cut"), [(4096, True), (4095, False), (None, False)])
def test_without_a_reason_a_full_room_tells_a_cut(tokens: int | None, cut: bool) -> None:
    assert ("answer-truncated" in reasons(Answer(text=PAGE, completion_tokens=tokens, max_tokens=4096))) is cut


@pytest.mark.parametrize(
    ("tokens", "text_only", "sent", "ignored"),
    [
        (15, 15, True, True),
        (14, 15, True, True),
        (283, 15, True, False),
        (15, 15, False, False),
        (None, 15, True, False),
        (15, None, True, False),
        (0, 15, True, False),
    ],
)
def test_an_image_that_cost_no_tokens_was_ignored(
    tokens: int | None, text_only: int | None, sent: bool, ignored: bool
) -> None:
    answer = Answer(text=PAGE, prompt_tokens=tokens, text_only_tokens=text_only, image_sent=sent)
    assert ("image-ignored" in reasons(answer)) is ignored


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"message": "too many requests", "code": 429}}',
        "{'detail': 'no model'}",
        "<html><head><title>502 Bad Gateway</title></head></html>",
        "Error code: 500 - {'error': 'x'}",
        "Internal Server Error",
        "503 Service Unavailable",
        "CUDA out of memory. Tried to allocate 2 GiB",
    ],
)
def test_an_errors_shape_is_rejected(text: str) -> None:
    assert reasons(Answer(text=text))["answer-is-error-text"] == "hard"


@pytest.mark.parametrize(
    "text",
    [
        "Error: please restart the machine",
        "An internal error has occurred.",
        "请求失败，请稍后再试",
        "Please try again later.",
    ],
)
def test_an_errors_words_are_doubted_since_pages_have_them_too(text: str) -> None:
    assert reasons(Answer(text=text))["answer-is-error-text"] == "soft"


@pytest.mark.parametrize(
    "text", ["Errors and omissions excepted.", "Error analysis\n" + PAGE * 4, "5000 Service Road", PAGE]
)
def test_pages_about_errors_pass(text: str) -> None:
    assert "answer-is-error-text" not in reasons(Answer(text=text))


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m unable to read the text in this image.",
        "I cannot transcribe this document as it contains personal data.",
        "Unfortunately, I can't process the picture.",
        "As an AI language model, I do not have the ability to view images.",
        "抱歉，我无法识别这张图片中的内容。",
        "很抱歉，我不能提供这方面的帮助。",
        "对不起，無法處理您的請求",
        "我无法查看图片，请提供文字。",
        "Lo siento, no puedo ayudar con esa solicitud.",
        "Je suis désolé, je ne peux pas aider avec cette demande.",
        "Es tut mir leid, bei dieser Anfrage kann ich nicht helfen.",
        "Mi dispiace, non posso aiutarti con questa immagine.",
        "Desculpe, não posso ajudar com essa imagem.",
        "Извините, я не могу помочь с этим запросом.",
        "申し訳ありませんが、この画像を読み取ることはできません。",
        "죄송합니다. 이 이미지를 읽을 수 없습니다.",
    ],
)
def test_a_refusal_is_known_in_many_languages(text: str) -> None:
    assert reasons(Answer(text=text))["answer-refused"] == "hard"


@pytest.mark.parametrize(
    "text",
    [
        "I am sorry for your loss. Aunt Mary",
        "Sorry we missed you! Your parcel is at the depot.",
        "Dear Sir, I cannot thank you enough.",
        "抱歉给您带来不便。",
        "I can't get no satisfaction",
        "I'm sorry, but I can't help. " + PAGE * 3,
    ],
)
def test_letters_that_apologise_are_no_refusals(text: str) -> None:
    assert "answer-refused" not in reasons(Answer(text=text))


@pytest.mark.parametrize(
    "text",
    [
        "The image does not contain any visible text.",
        "There is no text in this image.",
        "No text detected",
        "图片中没有可识别的文字。",
        "This page appears to be blank.",
        "[Blank page]",
        "No text.",
        "无文字内容。",
    ],
)
def test_a_claim_of_no_text_is_weighed_against_the_ink(text: str) -> None:
    assert reasons(Answer(text=text)) == {"no-text-claimed": "soft"}
    assert reasons(Answer(text=text, ink_share=0.05)) == {"no-text-claimed": "hard"}
    assert reasons(Answer(text=text, ink_share=0.0)) == {"no-text-claimed": "soft"}
    assert says_blank(text, 0.0)
    assert not says_blank(text, 0.05)
    assert not says_blank(text, None)


@pytest.mark.parametrize("text", ["This page is intentionally left blank.", "No text messages while driving", PAGE])
def test_a_page_that_speaks_of_blanks_claims_nothing(text: str) -> None:
    assert judge(Answer(text=text, ink_share=0.05)) == ()
    assert not says_blank(text, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "I don't see any image attached. Could you please upload it?",
        "It looks like the image did not come through. Please re-upload the document page.",
        "It seems you haven't attached a document.",
        "There is no image attached to your message.",
        "No image was provided.",
        "Please upload the page so that I can read it.",
        "As a language model I do not have the ability to see images.",
        "请上传图片，我没有看到任何图片。",
        "我没有收到您的图片。",
        "无法查看图片。",
    ],
)
def test_a_model_that_was_shown_nothing_often_says_so(text: str) -> None:
    assert reasons(Answer(text=text))["image-ignored"] == "hard"


@pytest.mark.parametrize(
    "text",
    [
        "Please upload your documents by Friday.\nThe enrolment office",
        "No images were harmed in the making of this leaflet.",
        "There is a photo in the drawer.",
        "请上传身份证照片",
        "没有图片",
    ],
)
def test_pages_about_pictures_pass(text: str) -> None:
    assert "image-ignored" not in reasons(Answer(text=text))


def test_an_echo_of_the_prompt_is_rejected_beyond_a_third() -> None:
    assert reasons(Answer(text=PROMPT + "\nInvoice 12", prompt=PROMPT))["prompt-echoed"] == "hard"
    assert "prompt-echoed" not in reasons(Answer(text=PROMPT + "\n" + PAGE * 3, prompt=PROMPT))
    assert "prompt-echoed" not in reasons(Answer(text="Read the page", prompt="Read the page"))


@pytest.mark.parametrize(
    "text",
    [
        "```markdown\n" + PAGE + "```",
        "Sure! " + PAGE,
        "Here is the extracted text:\n\n" + PAGE,
        "以下是图片中的文字：\n" + PAGE,
        "好的，" + PAGE,
        "图片中的文字内容如下：" + PAGE,
    ],
)
def test_wrapping_is_noted_and_never_rejected(text: str) -> None:
    assert reasons(Answer(text=text)) == {"answer-wrapped": "soft"}


@pytest.mark.parametrize(
    ("ink", "text", "severity"),
    [
        (0.0, "7", "hard"),
        (0.0, PAGE, "hard"),
        (0.001, "Chapter One", "soft"),
        (0.001, PAGE, "hard"),
        (0.0039, "Chapter One", "soft"),
    ],
)
def test_text_on_an_inkless_page_is_weighed_against_its_ink(ink: float, text: str, severity: str) -> None:
    assert reasons(Answer(text=text, ink_share=ink)) == {"text-on-inkless-page": severity}


@pytest.mark.parametrize("ink", [None, 0.004, 0.3])
def test_text_on_ink_is_no_wonder(ink: float | None) -> None:
    assert judge(Answer(text=PAGE, ink_share=ink)) == ()


def test_verdicts_come_in_order_and_from_the_list() -> None:
    answer = Answer(text="", finish_reason="length", prompt_tokens=9, text_only_tokens=9)
    assert [verdict.reason for verdict in judge(answer)] == ["image-ignored", "answer-truncated", "answer-empty"]
    assert all(verdict.rejects for verdict in judge(answer))
    assert not Verdict(reason="answer-wrapped", severity="soft").rejects


def test_every_notice_speaks_both_languages_once() -> None:
    assert len({notice.reason for notice in NOTICES}) == len(NOTICES)
    assert all(notice.message.en.isascii() and not notice.message.zh.isascii() for notice in NOTICES)
