"""Texts that do not say how they were written are read in the encoding that fits them."""

from __future__ import annotations

from typing import Final

import pytest

from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.texts import decode_head

GERMAN: Final = "Die Straße führt über den Fluß nach München, wo größere Häuser stehen."
FRENCH: Final = "Ça alors ! L'été dernier, nous avons visité le château près de la forêt."
SPANISH: Final = "¿Dónde está la estación? El niño pequeño comió una manzana por la mañana."
SWEDISH: Final = "Räksmörgås är en populär svensk maträtt. På sommaren åker vi till skärgården."
TYPOGRAPHY: Final = "He said \u201cit\u2019s fine\u201d \u2014 and left. The price \u2013 5 \u20ac \u2013 is fair."
POLISH: Final = "Żółta łódź płynęła powoli po rzece. Wszyscy ludzie rodzą się wolni i równi."
CZECH: Final = "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv."
TURKISH: Final = "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İşte böyle."
RUSSIAN: Final = "Все люди рождаются свободными и равными в своем достоинстве и правах."
GREEK: Final = "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια."
HEBREW: Final = "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם"
ARABIC: Final = "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق وقد وهبوا عقلا"
THAI: Final = "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ"
CHINESE: Final = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。"
TRADITIONAL: Final = "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心。"
JAPANESE: Final = "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。"
KOREAN: Final = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, "cp1252") for text in (GERMAN, FRENCH, SPANISH, SWEDISH, TYPOGRAPHY)),
        *((text, encoding) for text in (POLISH, CZECH) for encoding in ("cp1250", "iso8859-2")),
        (TURKISH, "cp1254"),
        *((RUSSIAN, encoding) for encoding in ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac_cyrillic")),
        *((GREEK, encoding) for encoding in ("cp1253", "iso8859-7")),
        (HEBREW, "cp1255"),
        *((ARABIC, encoding) for encoding in ("cp1256", "iso8859-6")),
        (THAI, "cp874"),
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5"),
        *((JAPANESE, encoding) for encoding in ("cp932", "euc_jp")),
        *((KOREAN, encoding) for encoding in ("cp949", "euc_kr")),
    ],
)
def test_a_text_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    decoded = decode_text(text.encode(encoding))
    assert (decoded.text, decoded.notices) == (text, ("encoding-guessed",))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((GERMAN, encoding) for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")),
        (JAPANESE, "utf-32-le"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "iso2022_kr"),
    ],
)
def test_what_zero_bytes_and_escapes_give_away_needs_no_mark(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert decode_head(data) == text
    assert decode_text(data).text == text


def test_zero_bytes_alone_are_no_text() -> None:
    assert decode_head(bytes(1_000)) is None


def test_a_few_words_with_one_accent_are_western() -> None:
    assert decode_text("llés après ? Ça n'a".encode("cp1252")).text == "llés après ? Ça n'a"


def test_bytes_that_fit_nothing_are_still_read() -> None:
    assert decode_text(bytes(range(128, 256)) * 3).text
