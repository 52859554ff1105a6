"""Long documents: a PDF of 500 pages and a TIFF of 1,000 frames. Does memory grow with the number of pages?

Run: python benchmarks/large.py
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw
from service import URL, serve, watched

PDF_PAGES = (50, 500)
TIFF_FRAMES = (100, 1_000)
FRAME_PX = (620, 877)
"""A4 at 75 dpi: fax quality, and a thousand of them are still read in minutes."""
INKED_EVERY = 25
"""One frame in so many carries text: what is measured is the way of the pages, not recognition."""
GROWTH_MAX = 1.15
"""The tenfold document may peak at so much more: the answer itself is ten times longer."""
WORDS = ("amount", "invoice", "delivery", "total", "garden", "winter", "paper", "letter", "answer", "office")


def make_pdf(path: Path, pages: int) -> Path:
    """Write a born-digital PDF by hand, each page with its own words."""
    chance = random.Random(pages)  # noqa: S311  (the same words every time)
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids: list[int] = []
    for number in range(pages):
        lines = [" ".join(chance.choices(WORDS, k=10)) for _ in range(40)]
        shown = "".join(f"({line}) ' " for line in [f"Page {number + 1}", *lines])
        content = f"BT /F1 11 Tf 14 TL 60 780 Td {shown}ET".encode()
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % len(objects)
        )
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, listed)
    body, places = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    body += b"trailer<</Size %d/Root 1 0 R>>startxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    path.write_bytes(body)
    return path


def make_tiff(path: Path, frames: int) -> Path:
    """Write a fax archive: most leaves blank, some with a few words."""
    blank = Image.new("1", FRAME_PX, 1)
    inked = blank.copy()
    ImageDraw.Draw(inked).text((80, 100), "Delivery note 20417", fill=0, font_size=28)
    pages = [inked if number % INKED_EVERY == 0 else blank for number in range(frames)]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="group4")
    return path


def convert(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        answer = httpx.post(
            f"{URL}/v1/convert", files={"file": (path.name, file)}, data={"timeout_s": "300"}, timeout=400
        )
    if not answer.is_success:
        sys.exit(answer.text)
    return answer.json()["data"]


def measure(path: Path, **settings: str) -> int:
    """Convert in a fresh service; print what it took, return the tree's peak."""
    with serve(**settings) as process, watched(process) as watch:
        began = time.perf_counter()
        document = convert(path)
        took = time.perf_counter() - began
    read = sum(page["status"] in {"succeeded", "blank"} for page in document["pages"])
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {document['page_count']} pages, {read} read, {took:.1f} s "
        f"({took / document['page_count'] * 1000:.0f} ms a page); service peak {watch.parent_peak / 1e6:.0f} MB, "
        f"tree peak {watch.tree_peak / 1e6:.0f} MB"
    )
    return watch.tree_peak


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        pdfs = [measure(make_pdf(home / f"{pages}.pdf", pages)) for pages in PDF_PAGES]
        allowed = {"IRONLEAF_FILES__LIMITS__PAGES_MAX": str(TIFF_FRAMES[-1])}
        tiffs = [measure(make_tiff(home / f"{frames}.tiff", frames), **allowed) for frames in TIFF_FRAMES]
    ratios = (pdfs[1] / pdfs[0], tiffs[1] / tiffs[0])
    print(f"peak of ten times the pages: PDF x{ratios[0]:.2f}, TIFF x{ratios[1]:.2f}; bar x{GROWTH_MAX}")
    sys.exit(0 if max(ratios) <= GROWTH_MAX else 1)


if __name__ == "__main__":
    main()
