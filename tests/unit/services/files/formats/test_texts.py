"""Text, CSV, HTML and mail, in whatever encoding."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.services.files.formats.encodings import decode_text
from ironleaf.services.files.formats.html import read_html
from ironleaf.services.files.formats.mail import MAILS_MAX, PARTS_MAX

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = {
    "zh": "委员会于星期二开会，同意图书馆应在晚上开放。会员询问会有多少读者前来。",
    "tw": "委員會於星期二開會，同意圖書館應在晚上開放。會員詢問會有多少讀者前來。",
    "ja": "委員会は火曜日に会合を開き、図書館を夜に開けることに同意しました。",
    "ko": "위원회는 화요일에 모여 도서관을 저녁에 열기로 합의했다.",
    "de": "Größe und Maß für Bücher: naïve façade “quoted”",
    "ru": "Комитет собрался во вторник и согласился открыть библиотеку.",
}


@pytest.mark.parametrize(
    ("language", "encoding", "guessed"),
    [
        ("de", "utf-8", False),
        ("ru", "utf-8-sig", False),
        ("zh", "utf-16", False),
        ("de", "utf-16-le", True),
        ("zh", "gb18030", True),
        ("tw", "big5", True),
        ("ja", "cp932", True),
        ("ja", "euc_jp", True),
        ("ko", "euc_kr", True),
        ("de", "cp1252", True),
        ("ru", "cp1251", True),
        ("ru", "koi8-r", True),
    ],
)
def test_encodings_are_found(language: str, encoding: str, guessed: bool) -> None:
    decoded = decode_text(SENTENCES[language].encode(encoding))
    assert decoded.text == SENTENCES[language]
    assert decoded.notices == (("encoding-guessed",) if guessed else ())


def test_a_declared_encoding_is_used_where_it_can_be() -> None:
    data = SENTENCES["ru"].encode("iso8859-5")
    assert decode_text(data, declared="iso-8859-5").text == SENTENCES["ru"]
    assert decode_text(data, declared="no-such-thing").text
    assert decode_text(data, declared="hex").text


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "base64", "gbk", "\0"]))
def test_nothing_is_raised_whatever_comes(data: bytes, declared: str | None) -> None:
    text = decode_text(data, declared=declared).text
    assert "\0" not in text
    read_html(text)


@given(st.text())
def test_what_is_utf_8_stays_as_it_is(text: str) -> None:
    kept = "".join(character for character in text if character >= " " and character not in "\x7f\ufeff")
    data = kept.encode("utf-8", "ignore")
    assert decode_text(codecs.BOM_UTF8 + data).text == data.decode("utf-8")


def test_plain_text_keeps_lines_and_paragraphs(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"one\r\ntwo\r\n\r\n  three\n\n\n\nfour\n")
    layer = bench.describe(path, "text").text_layer
    assert layer.native
    assert [block.text for block in layer.blocks] == ["one\ntwo", "  three", "four"]
    assert layer.text == "one\ntwo\n\n  three\n\nfour"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_of_values_are_a_table(tmp_path: Path, bench: Any, delimiter: str) -> None:
    path = tmp_path / "in.csv"
    rows = [["name", "size", "note"], ["a", "1", '"x y"'], ["b", "2", "z"]]
    path.write_text("\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    (table,) = bench.describe(path, "csv").text_layer.blocks
    assert (table.kind, table.text) == ("table", "name\tsize\tnote\na\t1\tx y\nb\t2\tz")


def test_a_table_may_say_what_parts_its_values(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"sep=;\r\nName;Amount\r\nAnn;1,5\r\nBob;2,75\r\n")
    (table,) = bench.describe(path, "csv").text_layer.blocks
    assert table.text == "Name\tAmount\nAnn\t1,5\nBob\t2,75"


def test_a_line_break_within_a_cell_parts_its_words(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b'a,"b, with comma","c ""q"""\r\n1,"two\r\nlines",3\r\n')
    (table,) = bench.describe(path, "csv").text_layer.blocks
    assert table.text == 'a\tb, with comma\tc "q"\n1\ttwo lines\t3'


def test_what_is_no_table_is_still_read(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.csv"
    path.write_text('just "one line', encoding="utf-8")
    assert "one line" in bench.describe(path, "csv").text_layer.text


MARKUP = """<html><head><title>Title</title><style>p {}</style></head><body>
<h2>Head<br>line</h2><p>Some <b>bold</b>
 text &amp; more</p><ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>
<table><tr><th>a<th>b<tr><td><p>1</p><td>2</table><![if x]><pre>  code
   x</pre><!-- unseen --><noscript>unseen</noscript>tail"""


def test_html_is_read_as_it_is_seen() -> None:
    blocks, notices = read_html(MARKUP)
    assert notices == ()
    assert [(block.kind.value, block.text, block.level) for block in blocks] == [
        ("heading", "Title", 1),
        ("heading", "Head\nline", 2),
        ("paragraph", "Some bold text & more", None),
        ("list_item", "one", 1),
        ("list_item", "inner", 2),
        ("list_item", "two", 1),
        ("table", "a\tb\n1\t2", None),
        ("code", "  code\n   x", None),
        ("paragraph", "tail", None),
    ]


@pytest.mark.parametrize(
    "markup", ["<script>x</script>a", "<p onclick='x'>a", "<embed src=x>a", "<a href=' JavaScript:x'>a</a>"]
)
def test_active_markup_is_told(tmp_path: Path, bench: Any, markup: str) -> None:
    path = tmp_path / "in.html"
    path.write_text(markup, encoding="utf-8")
    assert bench.open(path, "html").notices == ("active-content-ignored",)
    assert bench.describe(path, "html").text_layer.text == "a"


@pytest.mark.parametrize(
    "markup",
    [
        "<img src='https://example.org/x.png'>a",
        "<link rel=stylesheet href=//example.org/x.css>a",
        "<iframe src='HTTP://example.org'></iframe>a",
        "<body background='file:///etc/motd'>a",
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_told(tmp_path: Path, bench: Any, markup: str) -> None:
    path = tmp_path / "in.html"
    path.write_text(markup, encoding="utf-8")
    assert bench.open(path, "html").notices == ("external-links-ignored",)
    assert bench.describe(path, "html").text_layer.text == "a"


@pytest.mark.parametrize("markup", ["<a href='https://example.org'>a</a>", "<img src='data:image/png;base64,AA'>a"])
def test_links_to_click_and_pictures_within_are_content(markup: str) -> None:
    assert read_html(markup)[1] == ()


def test_html_in_a_declared_encoding(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.html"
    path.write_bytes(b'<meta charset="koi8-r"><p>' + SENTENCES["ru"].encode("koi8-r"))
    assert bench.describe(path, "html").text_layer.text == SENTENCES["ru"]
    assert bench.open(path, "html").notices == ()


MAIL = b"""From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
To: you@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: multipart/alternative; boundary=y

--y
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6ne Gr=FC=DFe
--y
Content-Type: text/html

<p>twin</p>
--y--
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename=a.pdf

x
--x--
"""


def test_items_of_a_counted_list_come_with_their_numbers(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.html"
    path.write_text(
        "<ol><li>a<ul><li>x</ul><li>b</ol><ol start=5><li>five<li value=9>nine<li>ten</ol><ul><li><ol>"
        "<li>deep</ol></ul><li>loose<ol start=x><li>one"
    )
    blocks = bench.describe(path, "html").text_layer.blocks
    assert [(block.level, block.text) for block in blocks] == [
        *((1, "1. a"), (2, "x"), (1, "2. b"), (1, "5. five"), (1, "9. nine"), (1, "10. ten")),
        *((2, "1. deep"), (1, "loose"), (1, "1. one")),
    ]


def test_a_header_of_endless_length_is_cut_and_told(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(
        b"From: a@b.example\r\nTo: " + b'"A B" <a@b.example>, ' * 60_000 + b"\r\nSubject: x\r\n\r\nbody\r\n"
    )
    assert bench.open(path, "eml").notices == ("text-truncated",)
    blocks = bench.describe(path, "eml").text_layer.blocks
    assert (blocks[0].text, blocks[-1].text, len(blocks[1].text) < 10_000) == ("x", "body", True)


@pytest.mark.parametrize("begun", ["<!--", "<a ", '<a b="', "</", "<?", "<!"])
def test_beginnings_without_an_end_cost_no_more_than_their_length(begun: str, tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.html"
    path.write_text(f"<html><p>Here</p>{begun * 500_000}")  # each was looked through to the end: hours
    assert bench.describe(path, "html").text_layer.blocks[0].text == "Here"


@pytest.mark.parametrize(
    "markup",
    [
        "<!--[if mso]><table><tr><td>not<![endif]--><p>Shown</p><!--[if mso]></table><![endif]--><!-- not -->",
        "<!--[if !mso]><!--><p>Shown</p><!--<![endif]-->",
        "<!--[if !mso]><!--><p>Shown</p><![endif]-->",
        "<!--[if !mso]>--><p>Shown</p><!--<![endif]-->",
        "<![if !mso]><p>Shown</p><![endif]>",
        "<!--[if a]> not <![if b]> not <![endif]> not <![endif]--><p>Shown</p>",
    ],
)
def test_what_stands_between_conditional_comments_is_read(markup: str) -> None:
    blocks, _ = read_html(f"<html><p>Before</p>{markup}<p>After</p></html>")
    assert [block.text for block in blocks] == ["Before", "Shown", "After"]


def test_a_comment_that_ends_with_its_script_hides_nothing(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.html"
    path.write_text("<html><script><!-- x = 1 </script><p>Shown</p><!-- and <b>not</b> -->")
    assert bench.describe(path, "html").text_layer.text == "Shown"


ENVELOPE = b"From a@b.example Sat Jan  3 00:00:00 2026\n"


def test_a_mailbox_is_read_to_its_last_mail(tmp_path: Path, bench: Any) -> None:
    second = ENVELOPE + b"From: c@d.example\nSubject: two\n\nsecond body\n"
    path = tmp_path / "in.eml"
    path.write_bytes(ENVELOPE + MAIL + b"\n" + second)
    texts = [block.text for block in bench.describe(path, "eml").text_layer.blocks]
    assert texts[0] == "Grüße"
    assert texts[-3:] == ["two", "From: c@d.example", "second body"]
    assert bench.open(path, "eml").notices == ("attachments-skipped",)


def test_of_a_large_mailbox_so_many_mails_are_read_and_the_rest_is_told(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes((ENVELOPE + b"Subject: x\n\nFrom here on\n\n") * (MAILS_MAX + 1))
    assert bench.open(path, "eml").notices == ("text-truncated",)
    assert len(bench.describe(path, "eml").text_layer.blocks) == 2 * MAILS_MAX


def test_a_mail_of_parts_without_a_boundary_is_a_text(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(b"From: a@b.example\r\nContent-Type: multipart/mixed\r\n\r\nThe body.\r\n")
    assert bench.describe(path, "eml").text_layer.blocks[-1].text == "The body."


def test_a_mail_that_carries_bytes_as_they_are_is_read(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    head = b'Content-Type: multipart/mixed; boundary="1"\nMIME-Version: 1.0\n\n--1\n'
    part = b"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: binary\n\n"
    path.write_bytes(head + part + "The body.\n".encode("utf-16-le") + b"\n--1--\n")
    assert bench.describe(path, "eml").text_layer.text == "The body."


def test_a_mail_of_nothing_is_an_empty_page(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(b'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: text/plain\n\n--a--\n')
    assert bench.describe(path, "eml").text_layer.text == ""


def test_mail_is_read_with_its_head(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(MAIL)
    assert bench.open(path, "eml").notices == ("attachments-skipped",)
    blocks = bench.describe(path, "eml").text_layer.blocks
    assert [block.text for block in blocks] == [
        "Grüße",
        "From: Jürgen <j@example.org>\nTo: you@example.org",
        "Schöne Grüße",
    ]


def test_mail_without_plain_text_is_read_from_its_html(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(b"Subject: s\nFrom: a\nContent-Type: text/html\n\n<h1>Big</h1><script>x</script>")
    assert bench.open(path, "eml").notices == ("active-content-ignored",)
    assert bench.describe(path, "eml").text_layer.blocks[-1].text == "Big"


NESTED = b"""From: a@example.org
Subject: outer
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

Outer text.
--x
Content-Type: message/rfc822

From: b@example.org
Subject: inner
Content-Type: text/plain

Inner text.
--x--
"""


def test_a_mail_within_the_mail_is_read_with_its_head(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    path.write_bytes(NESTED)
    assert [block.text for block in bench.describe(path, "eml").text_layer.blocks] == [
        *("outer", "From: a@example.org", "Outer text."),
        *("inner", "From: b@example.org", "Inner text."),
    ]


def test_parts_beyond_the_limit_are_told(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.eml"
    parts = b"--x\nContent-Type: text/plain\n\nword\n" * (PARTS_MAX + 1)
    path.write_bytes(b"From: a\nSubject: s\nContent-Type: multipart/mixed; boundary=x\n\n" + parts + b"--x--\n")
    assert bench.open(path, "eml").notices == ("text-truncated",)
