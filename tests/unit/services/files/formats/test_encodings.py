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
        ("姓名,城市,金额\n张三,北京市朝阳区,120\n李四,上海市浦东新区,300\n王五,广州市天河区,45\n", "gb18030"),
        ("科目,期初余额,本期借方\n应收账款,100,20\n固定资产,5,6\n", "gb18030"),
        ("订单已发货", "gb18030"),
        ("氨氯地平片,厄贝沙坦,阿司匹林肠溶片\n5mg,150mg,100mg\n", "gb18030"),
        ("姓名,城市,金額\n張三,台北市大安區,120\n李四,高雄市左營區,300\n", "big5"),
        ("發票號碼", "big5"),
        ("氏名,都市,金額\n田中太郎,東京都新宿区,120\n鈴木花子,大阪市北区,300\n", "cp932"),
        ("佐藤\n高橋\n渡辺\n", "cp932"),
        ("氏名,都市,金額\n田中太郎,東京都新宿区,120\n鈴木花子,大阪市北区,300\n", "euc_jp"),
        ("御見積書", "euc_jp"),
        ("이름,도시,금액\n홍길동,서울특별시,120\n김철수,부산광역시,300\n", "cp949"),
        ("견적서", "cp949"),
        ("ąśćźćśśżŻaaccvv", "gb18030"),
        ("Имя,Город,Сумма\nИванов,Москва,120\nПетров,Казань,300\n", "cp1251"),
        ("Name;Ort;Betrag\nMüller;Köln;1,5\nGroß;Düsseldorf;2,75\n", "cp1252"),
        ("الاسم,المدينة,المبلغ\nأحمد,القاهرة,120\nفاطمة,الرياض,300\n", "cp1256"),
    ],
)
def test_a_few_words_of_a_table_are_enough(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)).text == text


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


def test_colours_of_a_terminal_are_no_text() -> None:
    assert decode_text(b"\x1b[1;31mERROR\x1b[0m disk [0m] full").text == "ERROR disk [0m] full"
