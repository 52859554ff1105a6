"""Garbled and partial text layers are told from sound ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.services.files.text_trust import LayerMeasures, is_garbled, judge_text_layer, measure_word_likeness

SOUND = {
    "english": "The committee met on Tuesday and agreed that the library should open its doors in the evening.",
    "german": "Die Bundesausbildungsförderung und das Rechtsschutzversicherungsgesetz wurden im Ausschuss beraten, "
    "bevor über die Vorlage abgestimmt und der Antrag angenommen worden ist.",
    "french": "L'assemblée générale s'est réunie mardi et a décidé d'ouvrir la bibliothèque le soir, dès l'été.",
    "vietnamese": "Ủy ban đã họp vào thứ ba và đồng ý rằng thư viện nên mở cửa vào buổi tối cho các bạn đọc ở xa.",
    "polish": "Komisja zebrała się we wtorek i uznała, że biblioteka powinna być otwarta wieczorem.",
    "chinese": "委员会于星期二开会，同意图书馆应在晚上开放。会员询问会有多少读者前来，冬季的取暖费用能否负担。",
    "russian": "Комитет собрался во вторник и согласился, что библиотека должна быть открыта по вечерам.",
    "invoice": "Invoice 2026-114 Date 03.05.2026 Item Qty Price Total Paper A4 80g 12 4.90 58.80 Toner black 1 79.00 "
    "79.00 VAT 19% 26.18 Sum 163.98 EUR IBAN DE02 1203 0000 0000 2020 51",
    "code": "def read(path): with open(path) as file: return file.read() # returns text, raises OSError if missing",
    "formula": "∑ᵢ αᵢ·xᵢ ≤ ∫₀¹ f(t) dt for all x ∈ ℝⁿ, where αᵢ ≥ 0 and ∑ᵢ αᵢ = 1, hence ∇f(x*) = 0 at the point.",
    "lines": "┌──────┬──────┐ │ Name │ Sum  │ ├──────┼──────┤ │ Ann  │ 12,5 │ └──────┴──────┘",
    "tibetan": "བོད་ཀྱི་སྐད་ཡིག་ནི་ཧ་ཅང་གནའ་རབས་ཀྱི་སྐད་ཡིག་ཅིག་ཡིན།",
    "few": "p. 7",
    "nothing": "",
}
GARBLED = {
    "shifted onto signs": bytes(ord(letter) + 33 for letter in SOUND["english"]).decode("cp1252", "replace"),
    "arrows": "⇄⇘⇕←⇡⇥⇙⇓⇛←⇒⇢⇟⇧⇞←⇖⇟⇨←⇚⇥⇝⇠⇣←⇟⇦⇕⇢",
    "private use": "\ue001\ue002\ue003 \ue004\ue005 \ue006\ue007\ue008\ue009 the rest",
    "replacement": "\ufffd\ufffd\ufffd\ufffd abc \ufffd\ufffd",
    "shifted": "Wkh frpplwwhh phw rq Wxhvgdb dqg djuhhg wkdw wkh oleudub vkrxog rshq lwv grruv lq wkh hyhqlqj",
    "mojibake": "Î¯Ô±»áÓÚÐÇÆÚ¶þ¿ª»á£¬Í¬ÒâÍ¼Êé¹ÝÓ¦ÔÚÍíÉÏ¿ª·Å¡£»áÔ±Ñ¯ÎÊ»áÓÐ¶àÉÙ¶ÁÕßÇ°À´",
    "no spaces": " ".join(["Thecommitteemetontuesdayandagreedthatthelibrary"] * 14),
    "signs": "7KH &RPPLWWHH 0HW 2Q 7XHVGD\\ $QG $JUHHG 7KDW 7KH /LEUDU\\ 6KRXOG 2SHQ ,WV 'RRUV ,Q 7KH (YHQLQJ",
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_text_is_believed(name: str) -> None:
    assert judge_text_layer(SOUND[name], LayerMeasures()) is None


@pytest.mark.parametrize("name", GARBLED)
def test_garbled_text_is_not(name: str) -> None:
    assert judge_text_layer(GARBLED[name], LayerMeasures()) == "text-layer-garbled"


def test_unmapped_glyphs_count() -> None:
    assert is_garbled(SOUND["english"], unmapped_share=0.3)
    assert not is_garbled(SOUND["english"], unmapped_share=0.2)


def test_hidden_text_must_read_better() -> None:
    half = "The co5mittee m3t on Tu&sday and agr33d that the l1brary sh0uld open its d#ors in th3 ev#ning"
    assert not is_garbled(half)
    assert is_garbled(half, hidden=True)


@pytest.mark.parametrize(
    ("measures", "partial"),
    [
        (LayerMeasures(picture_share=0.9, cover_share=0.01), True),
        (LayerMeasures(picture_share=0.9, cover_share=0.01, hidden=True), False),
        (LayerMeasures(picture_share=0.9, cover_share=0.3), False),
        (LayerMeasures(picture_share=0.2, cover_share=0.01), False),
        (LayerMeasures(outlines=1_000), True),
        (LayerMeasures(outlines=100), False),
    ],
)
def test_a_page_with_more_on_it_than_its_text(measures: LayerMeasures, partial: bool) -> None:
    assert (judge_text_layer("page 7 of 12", measures) == "text-layer-incomplete") == partial


def test_a_drawing_with_enough_text_keeps_it() -> None:
    assert judge_text_layer(SOUND["english"] * 3, LayerMeasures(outlines=4_000)) is None


def test_word_likeness_of_nothing_is_whole() -> None:
    assert measure_word_likeness([]) == 1.0


@given(st.text(), st.booleans())
def test_nothing_is_raised_whatever_comes(text: str, hidden: bool) -> None:
    judge_text_layer(text, LayerMeasures(hidden=hidden))
