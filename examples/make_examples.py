"""Draw the example files and write their texts beside them.

Run by hand when an example changes: ``python examples/make_examples.py``. Needs
Pillow, NumPy, OpenCV and ReportLab (all in the development set-up) and the fonts
Liberation and WenQuanYi Micro Hei. The drawn files are committed, so that nobody
needs the fonts to use them.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype")
SANS = FONTS / "liberation/LiberationSans-Regular.ttf"
BOLD = FONTS / "liberation/LiberationSans-Bold.ttf"
SERIF = FONTS / "liberation/LiberationSerif-Regular.ttf"
MONO = FONTS / "liberation/LiberationMono-Regular.ttf"
HAN = FONTS / "wqy/wqy-microhei.ttc"
SPECK_SHARE = 0.0002

RECEIPT = """\
GREEN LEAF GROCERY
14 Harbour Road, Kilmore
Tel 555 0142
Receipt 20931    24/11/2026 10:42
Wholemeal bread         2.80
Oat milk 1 l            1.95
Apples 1.2 kg           3.36
Black tea 80 bags       4.10
Dark chocolate          2.25
Subtotal               14.46
Discount               -1.00
TOTAL                  13.46
Paid by card           13.46
Thank you, come again!"""

LEFT = """\
The harbour wakes before the town does. Long before the first shutter is raised, the boats come in with their \
lamps still lit, and the gulls follow them like a second fleet. Men in heavy boots throw ropes to one another \
without a word; each knows where the other stands.

By six the market hall is full. Crates of mackerel and whiting are pushed over the wet floor, and the auctioneer walks \
beside them, naming prices faster than a stranger can follow."""
RIGHT = """\
In the afternoon everything is quiet again. The nets hang over the wall to dry, and the children count the floats: \
red, yellow, red. An old captain sits on an upturned tub and mends what the night has torn.

When the wind turns to the west, he looks up once, folds his knife and goes home. He has never been wrong, people say, \
and nobody sails on such an evening. The lighthouse begins its patient work."""

CHINESE = """\
会议纪要
时间：2026年11月24日上午十点
地点：三楼第二会议室
主持人：王丽华
一、上季度文件处理量为三十二万页，比去年同期增长百分之十八。
二、识别服务的平均响应时间为1.6秒，没有发生数据丢失。
三、下季度的重点是提高扫描件的识别质量，并完善错误提示。
四、请各部门在月底之前提交培训计划。
记录人：陈志远"""

SCANNED = (
    """\
NOTICE OF ANNUAL MEETING
To all members of the society
The annual meeting will be held on Friday, 12 February 2027,
at seven o'clock in the evening, in the reading room of the
public library. Members who cannot attend may vote by letter.
Letters must reach the secretary not later than 5 February.
Agenda
1. Report of the treasurer
2. Election of the board
3. Repair of the west roof
4. Any other business""",
    """\
REPORT OF THE TREASURER
The society closed the year with a surplus of 1,284 pounds.
Income from subscriptions rose to 9,750 pounds, while gifts
fell slightly to 3,120 pounds. The largest expense was the
new heating in the archive, which cost 6,400 pounds.
The accounts were examined on 3 January and found correct.""",
)

BORN_DIGITAL = (
    """\
Field Guide to Quiet Machines
Chapter 1. Listening
A machine that works well is hardly ever noticed. The pump in the cellar, the relay in
the signal box and the clock above the platform do their duty for years without praise.
It is only when one of them falls silent that people look up and ask what has changed.""",
    """\
Chapter 2. Keeping a Log
Write down what you saw, when you saw it and what you did about it. Do not write what
you think somebody wants to read. A good log is short, honest and dated: three lines a
day are enough, provided that no day is missing.""",
)


def draw_lines(text: str, font: Path, *, size: int, margin: int, width: int, leading: float = 1.5) -> Image.Image:
    """Return a white page with the text's lines."""
    face = ImageFont.truetype(str(font), size)
    lines = text.split("\n")
    page = Image.new("L", (width, int(2 * margin + len(lines) * size * leading)), 255)
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        pen.text((margin, margin + number * size * leading), line, font=face, fill=25)
    return page


def photograph(page: Image.Image) -> Image.Image:
    """Return the page as a hand-held phone would see it: tilted, shaded, a little noisy, on a dark table."""
    noise = np.random.default_rng(7)
    paper = np.asarray(page, dtype=np.float32)
    height, width = paper.shape
    table = np.full((height + 260, width + 240), 70, np.float32)
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    seen = np.float32([[112, 90], [width + 130, 118], [width + 96, height + 150], [134, height + 122]])
    warp = cv2.getPerspectiveTransform(corners, seen)
    size = (table.shape[1], table.shape[0])
    mask = cv2.warpPerspective(np.ones_like(paper), warp, size)
    lit = cv2.warpPerspective(paper, warp, size, flags=cv2.INTER_CUBIC)
    photo = table * (1 - mask) + lit * mask
    rows, columns = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]]
    shade = 0.72 + 0.26 * np.exp(-(((columns / size[0] - 0.4) ** 2) + ((rows / size[1] - 0.35) ** 2)) * 1.6)
    photo = cv2.GaussianBlur(photo * shade, (0, 0), 0.8) + noise.normal(0, 5, photo.shape)
    tint = np.stack([photo * 1.0, photo * 0.97, photo * 0.9], axis=2)
    return Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8))


def scan(page: Image.Image, angle: float) -> Image.Image:
    """Return the page as an office scanner gives it: slightly turned, specked."""
    noise = np.random.default_rng(11)
    turned = page.rotate(angle, fillcolor=250, resample=Image.Resampling.BICUBIC)
    pixels = np.asarray(turned, dtype=np.float32) + noise.normal(0, 6, (turned.height, turned.width))
    pixels[noise.random(pixels.shape) < SPECK_SHARE] = 40
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def make_receipt() -> None:
    photograph(draw_lines(RECEIPT, MONO, size=30, margin=50, width=720)).save(HERE / "receipt.jpg", quality=88)
    rows = [" ".join(line.split()) for line in RECEIPT.split("\n")]
    (HERE / "receipt.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


def make_two_columns() -> None:
    page = Image.new("L", (1240, 900), 252)
    pen = ImageDraw.Draw(page)
    pen.text((90, 60), "Notes from a Harbour Town", font=ImageFont.truetype(str(BOLD), 40), fill=20)
    face = ImageFont.truetype(str(SERIF), 24)
    for left, text in ((90, LEFT), (660, RIGHT)):
        top = 150
        for paragraph in text.split("\n\n"):
            for line in textwrap.wrap(paragraph, 46):
                pen.text((left, top), line, font=face, fill=20)
                top += 36
            top += 22
    page.save(HERE / "two_columns.png", optimize=True)
    text = "\n\n".join(["Notes from a Harbour Town", LEFT, RIGHT])
    (HERE / "two_columns.txt").write_text(text + "\n", encoding="utf-8")


def make_chinese() -> None:
    draw_lines(CHINESE, HAN, size=32, margin=70, width=1160, leading=1.9).save(HERE / "chinese.png", optimize=True)
    (HERE / "chinese.txt").write_text(CHINESE + "\n", encoding="utf-8")


def make_scanned() -> None:
    pdf = canvas.Canvas(str(HERE / "scanned.pdf"), pagesize=A4, invariant=True)
    for text, angle in zip(SCANNED, (0.6, -0.4), strict=True):
        sheet = Image.new("L", (1240, 1754), 250)
        sheet.paste(draw_lines(text, SERIF, size=34, margin=20, width=1080, leading=1.7), (90, 140))
        stored = io.BytesIO()
        scan(sheet, angle).save(stored, "JPEG", quality=70)
        pdf.drawImage(ImageReader(stored), 0, 0, *A4)
        pdf.showPage()
    pdf.save()
    (HERE / "scanned.txt").write_text("\n\n".join(SCANNED) + "\n", encoding="utf-8")


def make_born_digital() -> None:
    pdf = canvas.Canvas(str(HERE / "born_digital.pdf"), pagesize=A4, invariant=True)
    for text in BORN_DIGITAL:
        pen = pdf.beginText(72, A4[1] - 90)
        pen.setFont("Times-Roman", 12, leading=18)
        pen.textLines(text)
        pdf.drawText(pen)
        pdf.showPage()
    pdf.save()
    (HERE / "born_digital.txt").write_text("\n\n".join(BORN_DIGITAL) + "\n", encoding="utf-8")


def make_canary() -> None:
    page = Image.new("L", (448, 112), 255)
    pen = ImageDraw.Draw(page)
    pen.text((24, 34), "IRONLEAF CANARY 4729", font=ImageFont.truetype(str(BOLD), 32), fill=0)
    page.save(HERE.parent / "src/ironleaf/services/engines/canary.png", optimize=True)


if __name__ == "__main__":
    make_canary()
    make_receipt()
    make_two_columns()
    make_chinese()
    make_scanned()
    make_born_digital()
