"""What a repair of the picture does to the embedded engine's reading: damaged pages, read with and without it.

usage: python benchmarks/enhancement.py [--seed N] [--pages N] [--damage NAME ...]
                                        [--step NAME ...] [--real FOLDER] [--json FILE]

Without ``--real`` it draws A4 pages at 200 dpi (English, French and German, Chinese;
serif, sans, monospaced; 9 to 12 points) and damages each in every way asked for.
``--seed`` picks other sentences, fonts, sizes and noise: thresholds were chosen on seeds
1 and 2, and the docs' figures for what the product does come from seed 5. ``--real`` reads the pages of a folder as
``benchmarks/recognition.py`` does, without damaging them.

``--step decided`` is what the product does: it measures the page and repairs it only
where that promises something. The other steps are applied to every page.

Scores are character errors in percent, scored as ``benchmarks/recognition.py`` does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from recognition import build_ours, measure_error, normalise, open_picture

from ironleaf.services.files.enhance.decide import enhance

Grey = np.ndarray
FONTS: Final = Path("/usr/share/fonts")
LATIN: Final = (
    "truetype/liberation/LiberationSerif-Regular.ttf",
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/liberation/LiberationMono-Regular.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
    "truetype/dejavu/DejaVuSerif.ttf",
)
HAN: Final = (
    "truetype/wqy/wqy-microhei.ttc",
    "opentype/noto/NotoSerifCJK-Regular.ttc",
    "opentype/noto/NotoSansCJK-Regular.ttc",
)
SIMPLIFIED: Final = 2
"""Place of the simplified Chinese face in Noto's collections."""
DPI: Final = 200
SHEET_PX: Final = (1654, 2339)
LEFT_PX, TOP_PX, WIDTH_PX = 180, 220, 1290
LINES: Final = 12

ENGLISH: Final = """\
The harbour wakes before the town does, and the boats come in with their lamps still lit.
Invoice 20931 was paid on 14 March 2026 by bank transfer; the balance is now 1,284.50 pounds.
Members who cannot attend may vote by letter, provided that it arrives before 5 February.
When the wind turns to the west he looks up once, folds his knife and goes home.
Please quote reference KX-7714/B in all letters, and keep this page with your records.
The survey found 38 cracked tiles, two loose gutters and a chimney that leans to the north.
A good log is short, honest and dated: three lines a day are enough if no day is missing.
Delivery takes 6 to 9 working days; heavy items (over 30 kg) are brought by a second van.
Whoever finds the grey notebook is asked to bring it back to the reading room on Friday.
The committee met at 18:45 and agreed, by seven votes to two, to repair the old bridge.
Mix 250 g of flour with 3 eggs, a pinch of salt and half a litre of milk, then wait.
Every valve was tested twice at 12.6 bar; only number 17 showed a drop of 0.4 bar.
Rain is expected from the south-west, with gusts of up to 55 miles an hour by night.
The tenant shall give notice in writing not later than the third working day of a month.
Trains on platform 4 leave every 20 minutes until 23:10, and then once an hour."""
EUROPEAN: Final = """\
Le café de la gare n'ouvre qu'à neuf heures ; les élèves attendent déjà près du guichet.
Die Prüfung der Anträge dauert gewöhnlich drei bis fünf Wochen, größere Fälle etwas länger.
Le total s'élève à 1 482,30 € hors taxes, payable sous trente jours à réception.
Über die Straße führt seit 1987 eine schmale Brücke, deren Geländer grün gestrichen ist.
Où est passée la clé du grenier ? Personne ne l'a vue depuis la fête de l'été dernier.
Für Rückfragen erreichen Sie uns täglich außer sonntags von 8.30 bis 17.00 Uhr.
La forêt était si calme que l'on entendait tomber les châtaignes sur le chemin mouillé.
Das Gerät wiegt 4,75 kg und wird mit Netzkabel, Tasche und Bedienungsanleitung geliefert.
Cette facture annule et remplace la précédente, émise le 12 août sous le numéro 5590.
Möchten Sie den Vertrag kündigen, so schreiben Sie bitte spätestens zum Monatsende.
Après l'hiver, les volets bleus furent repeints et la façade nettoyée à l'eau tiède.
Zwölf Boxkämpfer jagten Viktor quer über den großen Deich vor Sylt, erzählt man."""
CHINESE: Final = """\
上季度文件处理量为三十二万页，比去年同期增长百分之十八。
请各部门在月底之前提交培训计划，并注明参加人数和联系电话。
识别服务的平均响应时间为1.6秒，期间没有发生数据丢失。
本合同一式两份，甲乙双方各执一份，自签字之日起生效。
货物应于2026年11月24日之前送达仓库，逾期按日扣款。
老船长坐在倒扣的木桶上，修补昨夜被风撕破的渔网。
图书馆周一至周五上午九点开门，晚上八点半闭馆。
发票金额为人民币壹万贰仟叁佰元整，税率百分之六。
他把灯吹灭，推开窗户，看见远处的山顶已经落了雪。
设备出厂前须经过两次压力测试，误差不得超过千分之五。
如有疑问，请拨打服务热线，工作人员将尽快答复您。
会议决定重新修建旧桥，并在河岸两侧种植柳树和槐树。
孩子们在院子里数着浮标，红的、黄的，又是红的。"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPage:
    name: str
    language: str
    truth: str
    picture: np.ndarray
    ordered: bool = True
    row_factor: float = 1.0
    """How much further apart the file says that rows lie than columns."""


def draw_page(number: int, random: np.random.Generator) -> TestPage:
    """Return a clean sheet; the kinds of text take turns."""
    language, pool = (("en", ENGLISH), ("zh", CHINESE), ("de", EUROPEAN))[number % 3]
    fonts = HAN if language == "zh" else LATIN
    font = fonts[int(random.integers(len(fonts)))]
    size_px = round(int(random.integers(9, 13)) * DPI / 72)
    face = ImageFont.truetype(str(FONTS / font), size_px, index=SIMPLIFIED if "CJK" in font else 0)
    sentences = pool.split("\n")
    chosen = [sentences[index] for index in random.permutation(len(sentences))]
    wide = WIDTH_PX // size_px if language == "zh" else int(WIDTH_PX / face.getlength("n"))
    text = ("" if language == "zh" else " ").join(chosen)
    lines = textwrap.wrap(text, wide, break_on_hyphens=False)[:LINES]
    sheet = Image.new("L", SHEET_PX, 252)
    pen = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        pen.text((LEFT_PX, TOP_PX + row * size_px * 1.55), line, font=face, fill=25)
    name = f"{language}-{Path(font).stem}-{size_px}px"
    return TestPage(name=name, language=language, truth="\n".join(lines), picture=np.asarray(sheet))


def _clip(values: np.ndarray) -> Grey:
    return np.clip(values, 0, 255).astype(np.uint8)


def _shrink(sheet: Grey, across: float, down: float | None = None) -> Grey:
    return cv2.resize(sheet, None, fx=across, fy=across if down is None else down, interpolation=cv2.INTER_AREA)


def _skew(sheet: Grey, angle_deg: float) -> Grey:
    height, width = sheet.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, 1.0)
    return cv2.warpAffine(sheet, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=252)


def _noise(sheet: Grey, random: np.random.Generator, sigma: float) -> Grey:
    return _clip(sheet + random.normal(0, sigma, sheet.shape))


def _salt(sheet: Grey, random: np.random.Generator, share: float) -> Grey:
    out, dice = sheet.copy(), random.random(sheet.shape)
    out[dice < share / 2] = 0
    out[dice > 1 - share / 2] = 255
    return out


def _shadow(sheet: Grey, random: np.random.Generator, depth: float) -> Grey:
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    slope = columns / sheet.shape[1] * 0.7 + rows / sheet.shape[0] * 0.3
    edge = 1 / (1 + np.exp(-(rows - sheet.shape[0] * 0.16 + columns * 0.12) / 8))
    return _noise(_clip(sheet * (1 - depth * slope) * (1 - depth * 0.8 * edge)), random, 3)


def _perspective(sheet: Grey, random: np.random.Generator) -> Grey:
    height, width = sheet.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + random.uniform(-0.05, 0.05, (4, 2)).astype(np.float32) * [width, height] + [120, 120]
    warp = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    size = (width + 240, height + 240)
    return cv2.warpPerspective(sheet, warp, size, flags=cv2.INTER_CUBIC, borderValue=80)


def _jpeg(sheet: Grey, quality: int) -> Grey:
    _, stored = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE)


def _bleed(sheet: Grey) -> Grey:
    back = cv2.GaussianBlur(np.fliplr(np.roll(sheet, 14, axis=0)), (0, 0), 2.5).astype(np.float32)
    return _clip(sheet.astype(np.float32) - 0.45 * (252 - back))


def _fax(sheet: Grey, random: np.random.Generator, down: float) -> Grey:
    small = _noise(_shrink(cv2.GaussianBlur(sheet, (0, 0), 1.0), 204 / DPI, down / DPI), random, 18)
    bits = np.where(small < 140, 0, 255).astype(np.uint8)
    return _salt(bits, random, 0.001)


Damage = Callable[[Grey, np.random.Generator], Grey]
DAMAGES: Final[dict[str, Damage]] = {
    "clean": lambda sheet, _: sheet,
    "90dpi": lambda sheet, _: _shrink(sheet, 90 / DPI),
    "72dpi": lambda sheet, _: _shrink(sheet, 72 / DPI),
    "60dpi": lambda sheet, _: _shrink(sheet, 60 / DPI),
    "72dpi-jpeg30": lambda sheet, _: _jpeg(_shrink(sheet, 72 / DPI), 30),
    "fax-fine": lambda sheet, random: _fax(sheet, random, 196),
    "fax-squashed": lambda sheet, random: _fax(sheet, random, 98),
    "fax-doubled": lambda sheet, random: np.repeat(_fax(sheet, random, 98), 2, axis=0),
    "skew2": lambda sheet, _: _skew(sheet, 2.0),
    "skew-5": lambda sheet, _: _skew(sheet, -5.0),
    "skew8": lambda sheet, _: _skew(sheet, 8.0),
    "perspective": _perspective,
    "noise25": lambda sheet, random: _noise(sheet, random, 25),
    "noise60": lambda sheet, random: _noise(sheet, random, 60),
    "salt2": lambda sheet, random: _salt(sheet, random, 0.02),
    "salt8": lambda sheet, random: _salt(sheet, random, 0.08),
    "salt15": lambda sheet, random: _salt(sheet, random, 0.15),
    "shadow": lambda sheet, random: _shadow(sheet, random, 0.6),
    "shadow-deep": lambda sheet, random: _shadow(sheet, random, 0.85),
    "faint": lambda sheet, random: _noise(_clip(205 + (sheet.astype(np.float32) - 252) * 0.14), random, 3),
    "faintest": lambda sheet, random: _noise(_clip(205 + (sheet.astype(np.float32) - 252) * 0.07), random, 3),
    "jpeg10": lambda sheet, _: _jpeg(sheet, 10),
    "blur3": lambda sheet, _: cv2.GaussianBlur(sheet, (0, 0), 3.0),
    "blur5": lambda sheet, _: cv2.GaussianBlur(sheet, (0, 0), 5.0),
    "bleed": lambda sheet, _: _bleed(sheet),
    "50dpi": lambda sheet, _: _shrink(sheet, 50 / DPI),
    "noise110": lambda sheet, random: _noise(sheet, random, 110),
    "fax-light": lambda sheet, random: np.where(_noise(_shrink(sheet, 1, 0.49), random, 18) < 110, 0, 255).astype(
        np.uint8
    ),
    "bilevel": lambda sheet, _: np.where(sheet < 140, 0, 255).astype(np.uint8),
    "scan-real": lambda sheet, random: _jpeg(_noise(cv2.GaussianBlur(_skew(sheet, 1.1), (0, 0), 1.2), random, 10), 40),
}


def _enlarge(picture: np.ndarray, across: float, down: float) -> np.ndarray:
    return cv2.resize(picture, None, fx=across, fy=down, interpolation=cv2.INTER_CUBIC)


def _per_grey(apply: Callable[[Grey], Grey]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the step for RGB pictures: it works on the grey values."""
    return lambda picture: cv2.cvtColor(apply(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)), cv2.COLOR_GRAY2RGB)


def _stretch(grey: Grey) -> Grey:
    low, high = np.percentile(grey[::4, ::4], (0.5, 99.5))
    return _clip((grey.astype(np.float32) - low) * (255 / max(1.0, high - low)))


def _flatten(grey: Grey) -> Grey:
    small = _shrink(grey, 0.125)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 21)
    paper = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return _clip(grey.astype(np.float32) * 245 / np.maximum(paper, 1))


def _sharpen(grey: Grey, sigma: float, amount: float) -> Grey:
    soft = cv2.GaussianBlur(grey, (0, 0), sigma).astype(np.float32)
    return _clip(grey + amount * (grey - soft))


def _deskew(grey: Grey) -> Grey:
    angle = measure_angle(grey)
    return grey if abs(angle) < 0.3 else _skew(grey, -angle)


def measure_angle(grey: Grey) -> float:
    """Return the slant found by the sharpest row profile."""
    small = _shrink(grey, min(1.0, 600 / max(grey.shape)))
    ink = (255 - small).astype(np.float32)
    best = max(np.arange(-10, 10.1, 0.5), key=lambda angle: _profile(ink, angle))
    return float(max(np.arange(best - 0.5, best + 0.51, 0.1), key=lambda angle: _profile(ink, angle)))


def _profile(ink: np.ndarray, angle_deg: float) -> float:
    height, width = ink.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle_deg, 1.0)
    rows = cv2.warpAffine(ink, turn, (width, height)).sum(axis=1)
    return float((np.diff(rows) ** 2).sum())


def _binarise(grey: Grey) -> Grey:
    return cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]


PLAIN, DECIDED = "plain", "decided"
ROW_FACTORS: Final = {"fax-squashed": 204 / 98, "fax-light": 204 / 98}
"""Damages that leave the rows further apart than the columns, which a fax's TIFF file says."""

Step = Callable[[np.ndarray], np.ndarray]
STEPS: Final[dict[str, Step]] = {
    "deskew": _per_grey(_deskew),
    "upscale2": lambda picture: _enlarge(picture, 2, 2),
    "stretch": _per_grey(_stretch),
    "clahe": _per_grey(lambda grey: cv2.createCLAHE(2.0, (8, 8)).apply(grey)),
    "flatten": _per_grey(_flatten),
    "flatten-stretch": _per_grey(lambda grey: _stretch(_flatten(grey))),
    "median3": _per_grey(lambda grey: cv2.medianBlur(grey, 3)),
    "gauss1": _per_grey(lambda grey: cv2.GaussianBlur(grey, (0, 0), 1.0)),
    "median3-gauss1": _per_grey(lambda grey: cv2.GaussianBlur(cv2.medianBlur(grey, 3), (0, 0), 1.0)),
    "gauss1.5": _per_grey(lambda grey: cv2.GaussianBlur(grey, (0, 0), 1.5)),
    "bilateral": _per_grey(lambda grey: cv2.bilateralFilter(grey, 5, 60, 3)),
    "nlm": _per_grey(lambda grey: cv2.fastNlMeansDenoising(grey, None, 25, 5, 11)),
    "otsu": _per_grey(_binarise),
    "adaptive": _per_grey(
        lambda grey: cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 41, 15)
    ),
    "sharpen": _per_grey(lambda grey: _sharpen(grey, 3, 1.5)),
    "sharpen-more": _per_grey(lambda grey: _sharpen(grey, 4, 3.0)),
    "double-rows": lambda picture: _enlarge(picture, 1, 2),
    "double-rows-soft": lambda picture: cv2.GaussianBlur(_enlarge(picture, 1, 2), (0, 0), 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    page: str
    damage: str
    step: str
    error: float
    cpu_s: float
    step_ms: float


def make_pages(seed: int, count: int, damages: list[str]) -> list[tuple[str, TestPage]]:
    pages: list[tuple[str, TestPage]] = []
    for number in range(count):
        clean = draw_page(number, np.random.default_rng([seed, number]))
        for place, (name, damage) in enumerate(DAMAGES.items()):
            if name in damages:
                grey = damage(clean.picture, np.random.default_rng([seed, number, place]))
                rgb = cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB)
                pages.append((name, replace(clean, picture=rgb, row_factor=ROW_FACTORS.get(name, 1.0))))
    return pages


def open_pages(folder: Path) -> list[tuple[str, TestPage]]:
    pages: list[tuple[str, TestPage]] = []
    for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
        page = json.loads(line)
        test = TestPage(
            name=Path(page["file"]).name,
            language=page["language"],
            truth=(folder / page["text_file"]).read_text("utf-8"),
            picture=open_picture(folder / page["file"]),
            ordered=page["order_reliable"],
        )
        pages.append(("real", test))
    return pages


def repair(page: TestPage) -> np.ndarray:
    """Return the picture as the product hands it to its engine."""
    return np.asarray(enhance(Image.fromarray(page.picture), row_factor=page.row_factor, pixels_max=12_000_000))


def read_page(read: Callable[[np.ndarray], tuple[str, str]], page: TestPage, step: str) -> tuple[float, float, float]:
    began = time.process_time()
    picture = repair(page) if step == DECIDED else STEPS[step](page.picture) if step in STEPS else page.picture
    picture = np.ascontiguousarray(picture)
    stepped = time.process_time()
    text, _ = read(picture)
    spent = time.process_time() - stepped
    truth, found = normalise(page.truth, page.language), normalise(text, page.language)
    error = 100 * measure_error(truth, found, ordered=page.ordered)
    return error, spent, 1000 * (stepped - began)


def score_pages(
    pages: list[tuple[str, TestPage]], steps: list[str], read: Callable[[np.ndarray], tuple[str, str]]
) -> Iterator[Score]:
    """Yield a score for every page as it is and after each step; a picture that is left alone is not read again."""
    for damage, page in pages:
        plain = read_page(read, page, PLAIN)
        for step in (PLAIN, *steps):
            same = step == PLAIN or (step == DECIDED and np.array_equal(repair(page), page.picture))
            error, cpu_s, step_ms = plain if same else read_page(read, page, step)
            score = Score(page=page.name, damage=damage, step=step, error=error, cpu_s=cpu_s, step_ms=step_ms)
            print(f"{damage:14}{page.name[:34]:35}{step:18}{error:8.2f}{cpu_s:7.2f} s{step_ms:6.0f} ms", flush=True)
            yield score


def print_summary(scores: list[Score], steps: list[str]) -> None:
    print(f"\n{'damage':14}{'step':18}{'pages':>6}{'plain %':>9}{'with %':>8}{'median':>8}{'mean':>8}  better worse")
    for damage in dict.fromkeys(score.damage for score in scores):
        plain = [score.error for score in scores if (score.damage, score.step) == (damage, PLAIN)]
        for step in steps:
            after = [score.error for score in scores if (score.damage, score.step) == (damage, step)]
            changes = [new - old for new, old in zip(after, plain, strict=True)]
            better = sum(change < 0 for change in changes) / len(changes)
            worse = sum(change > 0 for change in changes) / len(changes)
            print(
                f"{damage:14}{step:18}{len(plain):6}{statistics.fmean(plain):9.2f}{statistics.fmean(after):8.2f}"
                f"{statistics.median(changes):+8.2f}{statistics.fmean(changes):+8.2f}{better:8.0%}{worse:6.0%}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--damage", nargs="*", default=list(DAMAGES), choices=DAMAGES)
    parser.add_argument("--step", nargs="*", default=[DECIDED], choices=(DECIDED, *STEPS))
    parser.add_argument("--real", type=Path)
    parser.add_argument("--json", type=Path, help="append the scores here, a line each")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pages = (
        open_pages(arguments.real) if arguments.real else make_pages(arguments.seed, arguments.pages, arguments.damage)
    )
    scores: list[Score] = []
    with tempfile.TemporaryDirectory() as spool:
        for score in score_pages(pages, arguments.step, build_ours(Path(spool))):
            scores.append(score)
            if arguments.json:
                with arguments.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(score), ensure_ascii=False) + "\n")
    print_summary(scores, arguments.step)
    print(f"threads: 1, cores: {os.cpu_count()}, load: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
