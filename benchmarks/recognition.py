"""The embedded engine beside RapidOCR's defaults: character error and CPU seconds, page by page in turn.

usage: python benchmarks/recognition.py FOLDER [--without-peer] [--json FILE]

FOLDER holds ``manifest.jsonl`` with one page a line: ``{file, text_file, language,
order_reliable}``. Scores: Unicode NFKC, words hyphenated over a line end joined, white
space dropped for Chinese, Japanese and Korean and folded elsewhere; then edit distance
over length of truth. Pages without a reliable order are scored by the F1 of the
character multisets, shown as 1 - F1.

Both engines run in this process on one thread and read the same decoded picture, one
page at a time alternately, the order of the two changing with each page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import time
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageOps

from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.engines.embedded.handler import RecogniseJob, build_recogniser
from ironleaf.services.engines.settings import EmbeddedSettings

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, PEER = "ironleaf", "rapidocr"
SPACELESS = ("zh", "ja", "ko")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    language: str
    page: str
    error: float
    cpu_s: float
    note: str = ""


def open_picture(path: Path) -> np.ndarray:
    """Return the upright RGB picture on white."""
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened)
        if picture.mode in ("P", "RGBA", "LA"):
            layered = picture.convert("RGBA")
            picture = Image.new("RGBA", layered.size, "white")
            picture.alpha_composite(layered)
        return np.asarray(picture.convert("RGB"))


def normalise(text: str, language: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"(\w)-\n\s*(\w)", r"\1\2", text)
    return re.sub(r"\s+", "" if language.startswith(SPACELESS) else " ", text).strip()


def measure_distance(one: str, other: str) -> int:
    """Return the edit distance."""
    codes = np.array([ord(character) for character in other], np.int64)
    places = np.arange(len(other) + 1)
    row = places.copy()
    for character in one:
        cost = row.copy()
        cost[0] += 1
        cost[1:] = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(character)))
        row = np.minimum.accumulate(cost - places) + places
    return int(row[-1])


def measure_error(truth: str, text: str, *, ordered: bool) -> float:
    if ordered:
        return measure_distance(truth, text) / max(1, len(truth))
    shared = sum((Counter(truth) & Counter(text)).values())
    return 1 - 2 * shared / max(1, len(truth) + len(text))


def build_ours(folder: Path) -> Callable[[np.ndarray], tuple[str, str]]:
    recognise = build_recogniser(EmbeddedSettings())

    def read(picture: np.ndarray) -> tuple[str, str]:
        path = folder / "page.npy"
        np.save(path, picture)
        result = recognise(RecogniseJob(path=path))
        grade = grade_confidence(result.confidence, warnings=result.warnings)
        return result.text, " ".join([grade.value, *result.warnings])

    return read


def build_peer() -> Callable[[np.ndarray], tuple[str, str]]:
    from rapidocr import RapidOCR  # noqa: PLC0415 - heavy, and not needed with --without-peer

    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    def read(picture: np.ndarray) -> tuple[str, str]:
        output = engine(np.ascontiguousarray(picture[:, :, ::-1]))
        return "\n".join(output.txts or ()), ""

    return read


def run(folder: Path, engines: dict[str, Callable[[np.ndarray], tuple[str, str]]]) -> dict[str, list[Score]]:
    scores: dict[str, list[Score]] = defaultdict(list)
    pages = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines() if line.strip()]
    warm_up = np.full((200, 600, 3), 255, np.uint8)
    for read in engines.values():
        read(warm_up)
    for number, page in enumerate(pages):
        picture = open_picture(folder / page["file"])
        language = page["language"]
        truth = normalise((folder / page["text_file"]).read_text("utf-8"), language)
        for name in sorted(engines, reverse=bool(number % 2)):
            began = time.process_time()
            text, note = engines[name](picture)
            spent = time.process_time() - began
            error = measure_error(truth, normalise(text, language), ordered=page["order_reliable"])
            scores[name].append(
                Score(language=language, page=Path(page["file"]).name, error=error, cpu_s=spent, note=note)
            )
    return scores


def print_tables(scores: dict[str, list[Score]]) -> None:
    names = list(scores)
    print(f"{'page':34}" + "".join(f"{name + ' err %':>16}{'CPU s':>8}" for name in names) + "  grade, warnings")
    for row in zip(*scores.values(), strict=True):
        cells = "".join(f"{100 * score.error:16.2f}{score.cpu_s:8.2f}" for score in row)
        print(f"{row[0].page[:33]:34}{cells}  {row[0].note}")
    header = "".join(f"{name + ' median':>17}{'mean %':>8}{'CPU s':>7}" for name in names)
    print(f"\n{'language':10}{'pages':>5}{header}")
    languages = sorted({score.language for score in scores[names[0]]})
    for language in (*languages, "all"):
        chosen = {n: [s for s in scores[n] if language in (s.language, "all")] for n in names}
        cells = "".join(
            f"{100 * statistics.median(s.error for s in chosen[n]):17.2f}"
            f"{100 * statistics.fmean(s.error for s in chosen[n]):8.2f}"
            f"{statistics.fmean(s.cpu_s for s in chosen[n]):7.2f}"
            for n in names
        )
        print(f"{language:10}{len(chosen[names[0]]):5}{cells}")
    if PEER in scores:
        totals = {name: sum(score.cpu_s for score in scores[name]) for name in names}
        print(f"\nCPU: {totals[OURS] / totals[PEER]:.2f} of {PEER}'s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--json", type=Path, help="write the scores here too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as spool:
        engines = {OURS: build_ours(Path(spool))}
        if not arguments.without_peer:
            engines[PEER] = build_peer()
        scores = run(arguments.folder, engines)
    print_tables(scores)
    print(f"threads: 1, cores: {os.cpu_count()}, load: {os.getloadavg()[0]:.1f}")
    if arguments.json:
        rows = [{"engine": n, "page": s.page, "error": s.error, "cpu_s": s.cpu_s} for n in scores for s in scores[n]]
        arguments.json.write_text(json.dumps(rows, indent=1), "utf-8")


if __name__ == "__main__":
    main()
