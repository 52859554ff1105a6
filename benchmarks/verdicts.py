"""How well the repetition verdict tells loops from real pages.

    .venv/bin/python benchmarks/verdicts.py [--pieces 3000] [--loops 400]

Real pages: pieces of about 3,000 characters of the descriptions, documents and documented
sources that the installed packages carry. Loops: five kinds (a word, 4, 15 and 45 words, empty table cells), grafted on
such pieces up to some 8,000 tokens. Printed: false alarms, loops caught, time per page, and
how many characters after its beginning a loop is noticed in a stream.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ironleaf.services.verification import RepetitionWatch, find_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_CHARACTERS = 3_000
LOOP_CHARACTERS_MAX = 30_000
CHUNK_CHARACTERS = 12  # about what a stream's event carries
NASTY = {
    "contents with dot leaders": "".join(f"{n}. Chapter {chr(65 + n)}{'.' * 90} {n * 7}\n" for n in range(1, 25)),
    "form lines": "Name: " + "_" * 400,
    "empty table rows": "| a | b |\n|---|---|\n" + "|   |   |\n" * 60,
    "ruling": "=" * 700,
    "numbered list": "".join(f"{n}. item\n" for n in range(1, 200)),
    "zeros in a table": "| 0 | 0 | 0 | 0 |\n" * 14,
    "refrain": "la la la, hey hey hey\n" * 4,
    "same header thrice": ("Minutes of the meeting of the board\n" + "x" * 40 + "\n") * 3,
    "binary dump": "00000000 00000000 00000000\n" * 8,
    "check boxes": "[ ] yes [ ] no\n" * 15,
}
KINDS = ("1 word", "4 words", "15 words", "45 words", "empty cells")


def installed_texts() -> Iterator[str]:
    """Yield the installed packages' descriptions and documents, and the docstrings of a tenth of their modules."""
    for distribution in metadata.distributions():
        yield (distribution.read_text("METADATA") or "").partition("\n\n")[2]
        for file in distribution.files or ():
            if file.suffix in {".md", ".rst", ".txt"}:
                yield Path(str(file.locate())).read_text("utf-8", "replace")
            elif file.suffix == ".py" and file.size is not None and file.size % 10 == 0:
                source = Path(str(file.locate())).read_text("utf-8", "replace")
                yield "\n\n".join(source.split('"""')[1::2])


def real_pieces(count: int, chance: random.Random) -> list[str]:
    """Return up to ``count`` pieces of real documents."""
    pieces: list[str] = []
    for text in installed_texts():
        pieces += [text[at : at + PIECE_CHARACTERS] for at in range(0, len(text) - 600, PIECE_CHARACTERS)]
    chance.shuffle(pieces)
    return pieces[:count]


def loop_unit(kind: str, words: list[str], chance: random.Random) -> str:
    """Return what a loop of this kind repeats."""
    if kind == "empty cells":
        return "| " * chance.randint(2, 6) + "|\n"
    wanted = int(kind.split(maxsplit=1)[0])
    start = chance.randrange(max(1, len(words) - wanted))
    return " ".join(words[start : start + wanted]) + " "


def graft(piece: str, unit: str, chance: random.Random) -> tuple[str, int]:
    """Return the piece running into a loop, and where the loop begins."""
    start = chance.randint(len(piece) // 3, len(piece))
    size = chance.randint(4_000, LOOP_CHARACTERS_MAX)
    return piece[:start] + (unit * (size // len(unit) + 1))[:size], start


def noticed_after(text: str, start: int) -> int | None:
    """Return how many characters after ``start`` a stream of ``text`` is found to loop."""
    watch = RepetitionWatch()
    for at in range(0, len(text), CHUNK_CHARACTERS):
        if watch.feed(text[at : at + CHUNK_CHARACTERS]):
            return at + CHUNK_CHARACTERS - start
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=3_000)
    parser.add_argument("--loops", type=int, default=400)
    options = parser.parse_args()
    chance = random.Random(7)  # noqa: S311
    pieces = real_pieces(options.pieces, chance)
    started = time.perf_counter()
    false_alarms = sum(find_loop(piece) is not None for piece in pieces)
    each_ms = (time.perf_counter() - started) / len(pieces) * 1_000
    share = false_alarms / len(pieces)
    print(f"real pieces {len(pieces)}: false alarms {false_alarms} ({share:.2%}), {each_ms:.3f} ms each")
    print(f"nasty but real shapes flagged: {[name for name, text in NASTY.items() if find_loop(text)]} of {len(NASTY)}")
    caught, tried = 0, 0
    for kind in KINDS:
        delays: list[int] = []
        hits = 0
        for _ in range(options.loops // len(KINDS)):
            piece = chance.choice(pieces)
            text, start = graft(piece, loop_unit(kind, piece.split(), chance), chance)
            tried += 1
            hits += find_loop(text) is not None
            delay = noticed_after(text, start)
            if delay is not None:
                delays.append(delay)
        caught += hits
        median = statistics.median(delays) if delays else float("nan")
        print(f"  {kind:12} caught {hits} of {options.loops // len(KINDS)}; in a stream after {median:.0f} characters")
    print(f"loops caught {caught} of {tried}")


if __name__ == "__main__":
    main()
