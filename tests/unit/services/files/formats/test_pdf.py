"""PDF files: locks, damage, places of text, trust, drawing."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import IronleafError, Unit
from ironleaf.services.files.formats.base import DecodeLimits, OpenRequest
from ironleaf.services.files.formats.pdf import PdfDecoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROSE = (
    "The committee met on Tuesday and agreed that the library should",
    "open its doors in the evening. Members asked how many readers",
    "would come, and whether the heating could be paid for in winter.",
)


def draw(path: Path, *pages: Callable[[Canvas], None], size: tuple[float, float] = (595, 842)) -> Path:
    canvas = Canvas(str(path), pagesize=size)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def prose(canvas: Canvas) -> None:
    for row, line in enumerate(PROSE):
        canvas.drawString(72, 770 - 15 * row, line)


def scan(canvas: Canvas) -> None:
    picture = Image.new("L", (400, 560), 250)
    ImageDraw.Draw(picture).text((40, 40), "scanned words", fill=0)
    canvas.drawImage(ImageReader(picture), 0, 0, 595, 842)


def refused(bench: Any, path: Path, **options: Any) -> IronleafError:
    with pytest.raises(IronleafError) as caught:
        bench.open(path, "pdf", **options)
    return caught.value


def test_text_is_read_with_its_lines_and_places(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose)
    assert bench.open(path, "pdf").page_count == 1
    info = bench.describe(path, "pdf")
    assert (info.width_px, info.height_px) == (1653, 2339)
    layer = info.text_layer
    assert layer is not None
    assert layer.trustworthy
    assert layer.text == "\n".join(PROSE)
    (block,) = layer.blocks
    assert block.region is not None
    assert abs(block.region.x0 - 72 * 200 / 72) < 5
    assert abs(block.region.y0 - (842 - 770 - 10) * 200 / 72) < 15


def test_paragraphs_are_parted_by_an_empty_line(tmp_path: Path, bench: Any) -> None:
    def two(canvas: Canvas) -> None:
        prose(canvas)
        canvas.drawString(72, 650, "A second paragraph stands apart from the first one.")

    layer = bench.describe(draw(tmp_path / "in.pdf", two), "pdf").text_layer
    assert layer.text.count("\n\n") == 1
    assert len(layer.blocks) == 2


def test_columns_written_row_by_row_are_read_column_by_column(tmp_path: Path, bench: Any) -> None:
    def columns(canvas: Canvas) -> None:
        for row in reversed(range(8)):
            canvas.drawString(72, 700 - 15 * row, f"left column line {row}")
        for row in reversed(range(8)):
            canvas.drawString(330, 700 - 15 * row, f"right column line {row}")

    layer = bench.describe(draw(tmp_path / "in.pdf", columns), "pdf").text_layer
    lines = [line for line in layer.text.splitlines() if line]
    assert lines == [f"{side} column line {row}" for side in ("left", "right") for row in range(8)]


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_pages_are_upright_and_places_follow(tmp_path: Path, bench: Any, angle: int) -> None:
    def page(canvas: Canvas) -> None:
        canvas.rect(60, 700, 200, 60, fill=1)
        canvas.drawString(72, 600, "place of this line")

    path = tmp_path / "in.pdf"
    with pikepdf.open(draw(tmp_path / "upright.pdf", page)) as pdf:
        pdf.pages[0].Rotate = angle
        pdf.save(path)
    info = bench.describe(path, "pdf")
    pixels, _ = bench.render(path, "pdf")
    assert info.rotation_deg == angle
    assert (info.height_px, info.width_px) == pixels.shape[:2]
    region = info.text_layer.blocks[0].region
    inside = pixels[int(region.y0) : int(region.y1) + 1, int(region.x0) : int(region.x1) + 1]
    assert (inside < 100).any()
    x, y = {90: (730, 160), 180: (435, 730), 270: (112, 435)}[angle]  # middle of the rectangle, in points
    assert pixels[int(y * 200 / 72), int(x * 200 / 72)].max() < 40


def test_drawing_is_dark_on_white_and_ink_is_measured(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose, lambda canvas: canvas.setTitle("empty"))
    pixels, rendered = bench.render(path, "pdf")
    assert pixels.shape == (2339, 1653, 3)
    assert tuple(pixels[5, 5]) == (255, 255, 255)
    assert 0.004 < rendered.image.ink_share < 0.2
    _, empty = bench.render(path, "pdf", 2)
    assert empty.image.ink_share == 0.0
    assert bench.describe(path, "pdf", 2).text_layer is None


def test_colours_are_red_green_blue(tmp_path: Path, bench: Any) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFillColorRGB(1, 0, 0)
        canvas.rect(0, 0, 595, 842, fill=1, stroke=0)

    pixels, _ = bench.render(draw(tmp_path / "in.pdf", page), "pdf", spec=RenderSpec(side_px_max=100))
    assert pixels.shape == (100, 70, 3)
    assert tuple(pixels[50, 35]) == (255, 0, 0)


def test_form_fields_are_drawn(tmp_path: Path, bench: Any) -> None:
    def page(canvas: Canvas) -> None:
        canvas.acroForm.textfield(x=100, y=600, width=300, height=40, value="filled in", fontSize=24, borderWidth=0)

    _, rendered = bench.render(draw(tmp_path / "in.pdf", page), "pdf")
    assert rendered.image.ink_share > 0.001


@pytest.mark.parametrize("size", [(20_000, 20_000), (0.5, 30_000), (14_400, 10)])
def test_no_size_of_a_page_makes_too_large_a_picture(tmp_path: Path, bench: Any, size: tuple[float, float]) -> None:
    path = tmp_path / "in.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(100, 100))
        pdf.pages[0].MediaBox = [0, 0, *size]
        pdf.save(path)
    pixels, _ = bench.render(path, "pdf")
    assert pixels.shape[0] * pixels.shape[1] <= 16_000_000


def locked(path: Path, source: Path, *, user: str, owner: str = "owner", revision: int = 6) -> Path:
    with pikepdf.open(source) as pdf:
        encryption = pikepdf.Encryption(user=user, owner=owner, R=revision, aes=revision > 3, metadata=revision > 3)
        pdf.save(path, encryption=encryption)
    return path


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
def test_locked_files(tmp_path: Path, bench: Any, revision: int) -> None:
    plain = draw(tmp_path / "plain.pdf", prose)
    path = locked(tmp_path / "in.pdf", plain, user="secret", revision=revision)
    without, wrong = refused(bench, path), refused(bench, path, password="guess")
    assert (without.entry.reason, without.details[0].field) == ("password-required", "password")
    assert (wrong.entry.reason, wrong.details[0].field) == ("wrong-password", "password")
    assert bench.describe(path, "pdf", password="secret").text_layer.text.startswith("The committee")


def test_a_needless_password_does_no_harm(tmp_path: Path, bench: Any) -> None:
    plain = draw(tmp_path / "plain.pdf", prose)
    assert bench.open(plain, "pdf", password="needless").page_count == 1
    unlocked = locked(tmp_path / "in.pdf", plain, user="")
    assert bench.open(unlocked, "pdf").page_count == 1
    assert bench.open(unlocked, "pdf", password="guess").page_count == 1


def test_damage_is_told(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing that holds together\n%%EOF")
    error = refused(bench, path)
    assert error.entry.reason == "damaged-pdf"
    assert str(error) == "damaged-pdf"


def test_a_broken_cross_reference_is_mended_and_told(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose)
    assert bench.open(path, "pdf").notices == ()
    data = path.read_bytes()
    place = data.rindex(b"startxref")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(data[:place] + b"startxref\n7\n%%EOF\n")
    assert bench.open(broken, "pdf").notices == ("pdf-repaired",)
    assert bench.describe(broken, "pdf").text_layer.text.startswith("The committee")


def pack(path: Path, source: Path) -> Path:
    """Write the file with its objects packed in others, as most are today."""
    with pikepdf.open(source) as pdf:
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(packed: bool, tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose, prose)
    data = (pack(tmp_path / "packed.pdf", path) if packed else path).read_bytes()
    last = data.rindex(b"endstream", 0, data.rindex(b"endstream"))  # the last one, of a packed file, is the table
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(data[: data.rindex(b"startxref") if packed else last - 20])
    info = bench.open(cut, "pdf")
    assert (info.page_count, info.notices) == (2, ("pdf-repaired",))
    assert bench.describe(cut, "pdf", 1).text_layer.text.startswith("The committee")


def test_a_page_whose_contents_went_with_the_end_is_damaged_and_not_blank(tmp_path: Path, bench: Any) -> None:
    data = draw(tmp_path / "in.pdf", prose, prose).read_bytes()
    kept = data[: data.rindex(b"obj", 0, data.rindex(b"stream\n")) - 6]
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(kept[: kept.rindex(b"endobj") + 6])
    assert bench.open(cut, "pdf").page_count == 2
    with pytest.raises(IronleafError) as caught:
        bench.describe(cut, "pdf", 2)
    assert caught.value.entry.reason == "damaged-pdf"


def test_a_tree_of_pages_that_leads_nowhere_is_made_anew(tmp_path: Path, bench: Any) -> None:
    shown = b"BT /F1 12 Tf 72 700 Td (The committee met) Tj ET"
    objects = (
        b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
        b"2 0 obj <</Type/Pages/Count 1/Kids[2 0 R]>> endobj",  # itself
        b"3 0 obj <</Type/Page/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>> endobj",
        b"4 0 obj <</Length %d>> stream\n%s\nendstream endobj" % (len(shown), shown),
        b"5 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj",
        b"trailer <</Size 6/Root 1 0 R>> startxref 0 %%EOF",
    )
    path = tmp_path / "in.pdf"
    path.write_bytes(b"\n".join((b"%PDF-1.7", *objects)))
    assert bench.open(path, "pdf").notices == ("pdf-repaired",)
    assert bench.describe(path, "pdf").text_layer.text == "The committee met"


def test_a_file_that_begins_late_is_read(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "late.pdf"
    path.write_bytes(b" " * 2_000 + draw(tmp_path / "in.pdf", prose).read_bytes())
    assert bench.describe(path, "pdf").text_layer.text.startswith("The committee")


def test_what_is_left_of_a_locked_file_stays_closed(tmp_path: Path, bench: Any) -> None:
    path = locked(tmp_path / "locked.pdf", draw(tmp_path / "in.pdf", prose), user="", revision=4)
    data = path.read_bytes()
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(data[: data.rindex(b"startxref")].replace(b"/Root", b"/Toor"))
    assert refused(bench, cut).entry.reason == "damaged-pdf"


def test_a_file_that_would_open_another_one_is_told(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.pdf"
    with pikepdf.open(draw(tmp_path / "plain.pdf", prose)) as pdf:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.GoToR, F="elsewhere.pdf")
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert bench.open(path, "pdf").notices == ("external-links-ignored",)


def test_active_content_and_attachments_are_told(tmp_path: Path, bench: Any) -> None:
    plain = draw(tmp_path / "plain.pdf", prose)
    path = tmp_path / "in.pdf"
    with pikepdf.open(plain) as pdf:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        pdf.attachments["a.txt"] = b"attached"
        pdf.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert bench.open(path, "pdf").notices == ("active-content-ignored", "attachments-skipped")


def test_too_many_pages(tmp_path: Path, make_bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose, prose, prose)
    bench = make_bench(pages_max=2)
    error = refused(bench, path)
    detail = error.details[0]
    assert (error.entry.reason, detail.limit, detail.actual, detail.unit) == ("too-many-pages", 2, 3, Unit.PAGES)
    assert bench.open(path, "pdf", whole=False).page_count == 3


def test_a_scan_has_no_layer(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", scan)
    assert bench.describe(path, "pdf").text_layer is None
    assert bench.render(path, "pdf")[1].image.ink_share > 0.0005


def test_a_stamp_on_a_scan_is_not_the_page(tmp_path: Path, bench: Any) -> None:
    def stamped(canvas: Canvas) -> None:
        scan(canvas)
        canvas.drawString(250, 20, "Received 3 May 2026, page 1 of 3")

    info = bench.describe(draw(tmp_path / "in.pdf", stamped), "pdf")
    assert not info.text_layer.trustworthy
    assert info.text_layer.distrust_reason == "text-layer-incomplete"
    assert info.notices == ("text-layer-incomplete",)


def hidden(canvas: Canvas, lines: tuple[str, ...]) -> None:
    scan(canvas)
    text = canvas.beginText(72, 770)
    text.setTextRenderMode(3)
    for line in lines:
        text.textLine(line)
    canvas.drawText(text)


def test_an_earlier_recognition_is_believed_if_it_reads_like_language(tmp_path: Path, bench: Any) -> None:
    good = bench.describe(draw(tmp_path / "good.pdf", lambda canvas: hidden(canvas, PROSE)), "pdf")
    assert good.text_layer.trustworthy
    assert good.notices == ("text-layer-hidden",)
    noise = ("T4e c0mm;ttee m#t 0n Tu3sd@y a|nd a9reed th&t", "xq zz rw5t k}l wvp 0o0 mn:: bvc qwp zxx trr plk")
    bad = bench.describe(draw(tmp_path / "bad.pdf", lambda canvas: hidden(canvas, noise)), "pdf")
    assert not bad.text_layer.trustworthy
    assert bad.notices == ("text-layer-garbled",)


def test_text_that_was_turned_into_shapes_is_missed(tmp_path: Path, bench: Any) -> None:
    def outlined(canvas: Canvas) -> None:
        for number in range(600):
            canvas.rect(72 + number % 40 * 10, 100 + number // 40 * 20, 6, 8, fill=1)
        canvas.drawString(250, 20, "page 1")

    info = bench.describe(draw(tmp_path / "in.pdf", outlined), "pdf")
    assert info.text_layer.distrust_reason == "text-layer-incomplete"


class ImpatientClock(Clock):
    """Every look at it costs a second."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def monotonic(self) -> float:
        self.time_s += 1.0
        return self.time_s


@pytest.mark.parametrize("first", ["a word is drawn", ""])
def test_a_page_that_takes_too_long_is_left_as_it_is(tmp_path: Path, first: str) -> None:
    def busy(canvas: Canvas) -> None:
        canvas.drawString(72, 815, first)
        canvas.setStrokeColorRGB(1, 1, 1)
        for number in range(3_000):
            canvas.line(number % 500, 0, 500 - number % 500, 800)

    path = draw(tmp_path / "in.pdf", busy)
    limits = DecodeLimits(render_s_max=8.0)
    target = tmp_path / "out.npy"
    with closing(PdfDecoder(ImpatientClock()).open(OpenRequest(path=path, format="pdf"), limits)) as opened:
        if first:
            assert opened.render(1, RenderSpec(), target).notices == ("image-truncated",)
            return
        with pytest.raises(IronleafError) as caught:
            opened.render(1, RenderSpec(), target)
    assert (caught.value.entry.reason, caught.value.details[0].page) == ("decoder-timeout", 1)
    assert not target.exists()


def test_filled_fields_and_notes_are_part_of_the_text(tmp_path: Path, bench: Any) -> None:
    def page(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "Name of the applicant:")
        canvas.drawString(72, 600, "Signature")
        canvas.acroForm.textfield(x=250, y=690, width=200, height=20, value="Ada Lovelace")
        canvas.freeTextAnnotation("a note beside", DA="/Helv 12 Tf", Rect=[250, 600, 400, 620])

    text = bench.describe(draw(tmp_path / "in.pdf", page), "pdf").text_layer.text
    assert text.split() == ["Name", "of", "the", "applicant:", "Ada", "Lovelace", "Signature", "a", "note", "beside"]


def test_long_text_is_cut_and_told(tmp_path: Path, make_bench: Any) -> None:
    info = make_bench(text_characters_max=40).describe(draw(tmp_path / "in.pdf", prose), "pdf")
    assert "text-truncated" in info.notices
    assert len(info.text_layer.text) <= 40


def test_pages_are_read_from_one_open_file(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", *[prose] * 4)
    bench.describe(path, "pdf", 1)
    kept = bench.workshop._opened
    bench.render(path, "pdf", 4)
    assert bench.workshop._opened is kept
    other = draw(tmp_path / "other.pdf", prose)
    bench.open(other, "pdf")
    assert bench.workshop._opened is not kept


def test_a_jpeg_of_a_page(tmp_path: Path, bench: Any) -> None:
    path = draw(tmp_path / "in.pdf", prose)
    spec = RenderSpec(encoding=ImageEncoding.JPEG, side_px_max=800, rotation_deg=90)
    _, rendered = bench.render(path, "pdf", spec=spec)
    with Image.open(io.BytesIO(rendered.image.path.read_bytes())) as picture:
        assert picture.size == (800, 565)
        assert np.asarray(picture).mean() > 200


def test_a_divided_word_is_whole_again(tmp_path: Path, bench: Any) -> None:
    def page(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "The members were differen-")
        canvas.drawString(72, 685, "tially concerned about it.")

    layer = bench.describe(draw(tmp_path / "in.pdf", page), "pdf").text_layer
    assert layer.text == "The members were differentially\nconcerned about it."
