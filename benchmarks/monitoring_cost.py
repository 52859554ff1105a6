"""What statistics cost: per event, per conversion (paired, with and without), per write and per scrape.

    python benchmarks/monitoring_cost.py [PAIRS]

A conversion is a page of text and a page of an image. Each pair converts the same
file with monitoring and without, in alternating order; the figure is the median of
the differences of processor time over all threads of the service's process, where
all of monitoring runs, against the time of the conversion. A text is so quick that
it is paired `TEXT_PAIRS` times as often.

"Without" means that the watching is deaf: whatever the doors, the flow, the pools,
guards and healers tell it is thrown away at once. "And without taking the times" means
that no stage of the flow looks at the clock either and none says that it ended; what is
left is what the answer itself tells (its timing and its attempts).

Telling the measurements on comes later, many at a time, to statistics, detection and
alerting: its processor time is measured apart, over all that the pairs have left, and
shown with it. A write to the database comes every 0.7 s at most, however much there is
to write, and is shown by itself.
"""

from __future__ import annotations

import asyncio
import io
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from PIL import Image, ImageDraw, ImageFont

from ironleaf.application import stages
from ironleaf.application.bootstrap import House, build_house, building
from ironleaf.application.conversions import Asker
from ironleaf.application.measurements import WAITING_MAX
from ironleaf.application.metrics import HouseCollector, make_registry, render
from ironleaf.application.options import ConvertOptions
from ironleaf.application.settings import load_settings
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.monitoring import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.journal import Journal
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.monitoring.work import Work

EVENTS = 100_000
PAIRS = 60
TEXT_PAIRS = 25
WORDS = "The invoice of 24 March lists seven boxes of paper and three of ink."


def make_error(number: int, at: datetime) -> ErrorEvent:
    return ErrorEvent(
        at=at,
        code=50230 + number % 7,
        reason=f"engine-failed-{number % 7}",
        kind=Kind.INTERNAL,
        level=Level.L3,
        component="backend:one",
        outcome=Outcome.DEGRADED,
        backend="one",
        engine="vl",
        file_type="image/png",
        route="/v1/convert",
        fingerprint=f"{number % 40:012x}",
    )


def make_work(number: int, at: datetime) -> WorkMeasured:
    return WorkMeasured(
        at=at, measured=Measured.STAGE, name=f"stage-{number % 9}", duration_s=number % 977 / 100, pages=1
    )


def per_event_us(make: Callable[[int, datetime], ErrorEvent | WorkMeasured]) -> tuple[float, float]:
    journal, at = Journal(), datetime.now(UTC)
    events = [make(number, at) for number in range(EVENTS)]
    times: list[float] = []
    began = time.perf_counter()
    for event in events:
        before = time.perf_counter_ns()
        journal.hear(event)
        times.append(time.perf_counter_ns() - before)
    whole = (time.perf_counter() - began) / EVENTS * 1e6
    return whole, statistics.quantiles(times, n=1000)[-1] / 1000


def per_piece_together_us() -> float:
    journal, at = Journal(), datetime.now(UTC)
    pieces = [make_work(number, at) for number in range(EVENTS)]
    batches = []
    for first in range(0, EVENTS, WAITING_MAX):
        groups: dict[tuple[Measured, str], list[WorkMeasured]] = {}
        for piece in pieces[first : first + WAITING_MAX]:
            groups.setdefault((piece.measured, piece.name), []).append(piece)
        batches.append({key: Work.of(group) for key, group in groups.items()})
    began = time.perf_counter()
    for batch in batches:
        journal.hear_work(batch)
    return (time.perf_counter() - began) / EVENTS * 1e6


class Hearing(Watching):
    """A watching that can be deaf."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.deaf = False
        self.telling_s = 0.0
        """Of processor, for telling measurements on."""
        for name in dir(self):
            if name.startswith("hear_"):
                setattr(self, name, self._make_deafable(getattr(self, name)))

    def tell_waiting(self) -> None:
        began_s = time.thread_time()
        super().tell_waiting()
        self.telling_s += time.thread_time() - began_s

    def _make_deafable(self, hear: Callable[[Any], None]) -> Callable[[Any], None]:
        def heard(event: Any) -> None:
            if not self.deaf:
                hear(event)

        return heard


def make_house(directory: Path) -> House:
    settings = load_settings(
        environ={},
        overrides={
            "database.url": f"sqlite:///{directory / 'ironleaf.db'}",
            "files.spool_directory": directory / "spool",
            "files.quarantine.directory": directory / "quarantine",
            "engines.vl.healing.ledger_directory": directory / "ledger",
            "workers.recognisers": 1,
            "workers.decoders": 1,
        },
    )
    building.Watching = Hearing  # type: ignore[misc]
    return build_house(settings)


def make_picture(directory: Path) -> Path:
    image = Image.new("RGB", (1_000, 700), "white")
    draw = ImageDraw.Draw(image)
    for line in range(12):
        draw.text((40, 40 + 50 * line), WORDS, fill="black", font=ImageFont.load_default(24))
    target = io.BytesIO()
    image.save(target, "png")
    path = directory / "page.png"
    path.write_bytes(target.getvalue())
    return path


async def convert(house: House, path: Path) -> tuple[float, float]:
    """Return seconds of processor (of this process) and of wall time for one conversion."""
    asker = Asker(language="en", request_id="01JDA2B3C4D5E6F7G8H9J0K1M2")
    cpu, wall = time.process_time(), time.perf_counter()
    await house.conversions.convert_path(path, ConvertOptions(), asker)
    return time.process_time() - cpu, time.perf_counter() - wall


def make_switches(watching: Hearing) -> dict[str, Callable[[bool], None]]:
    """Return what turns monitoring off (True) and on, by the words for it."""
    enter, leave, tell = stages.Measuring.__enter__, stages.Measuring.__exit__, stages.Story.stages

    def be_deaf(off: bool) -> None:
        watching.deaf = off

    def take_no_times(off: bool) -> None:
        watching.deaf = off
        measuring = stages.Measuring
        measuring.__enter__ = _do_nothing if off else enter  # type: ignore[assignment, method-assign]
        measuring.__exit__ = _do_nothing if off else leave  # type: ignore[assignment, method-assign]
        stages.Story.stages = _tell_nothing if off else tell  # type: ignore[assignment, method-assign]

    return {"without": be_deaf, "and without taking the times": take_no_times}


def _do_nothing(*_: object) -> None:
    return None


def _tell_nothing(*_: object, **__: object) -> tuple[()]:
    return ()


async def paired(
    house: House, path: Path, pairs: int, turn_off: Callable[[bool], None]
) -> tuple[float, float, float, float]:
    """Return median seconds of wall time without, the median differences of processor and wall time, and the mean
    seconds of processor for telling on."""
    watching = house.watching
    assert isinstance(watching, Hearing)
    walls, cpus, differences = [], [], []
    watching.tell_waiting()
    watching.telling_s = 0.0
    for number in range(pairs):
        found = {}
        for off in (True, False) if number % 2 else (False, True):
            turn_off(off)
            found[off] = await convert(house, path)
        walls.append(found[True][1])
        cpus.append(found[False][0] - found[True][0])
        differences.append(found[False][1] - found[True][1])
    turn_off(False)
    watching.tell_waiting()
    telling_s = watching.telling_s / pairs
    return statistics.median(walls), statistics.median(cpus), statistics.median(differences), telling_s


async def show_conversion(house: House, label: str, path: Path, pairs: int) -> None:
    assert isinstance(house.watching, Hearing)
    for words, turn_off in make_switches(house.watching).items():
        for _ in range(5):
            await convert(house, path)
        wall, cpu, difference, telling = await paired(house, path, pairs, turn_off)
        print(
            f"{label}: a conversion takes {wall * 1000:.2f} ms {words}; hearing adds {cpu * 1e6:.0f} us of processor, "
            f"telling on {telling * 1e6:.0f} us, together {(cpu + telling) / wall:.2%} "
            f"({difference * 1e6:.0f} us of time, {difference / wall:.2%})"
        )


async def write_cost(house: House) -> tuple[float, float]:
    """Return the median milliseconds of processor and wall time of a write after a second with five conversions."""
    recorder: Recorder = house.recorder
    clock = SystemClock()
    cpus, walls = [], []
    for number in range(40):
        for piece in range(5 * 12):
            recorder.hear(make_work(number + piece, clock.now()))
        recorder.hear(make_error(number, clock.now()))
        cpu, wall = time.process_time(), time.perf_counter()
        assert await recorder.write()
        cpus.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    return statistics.median(cpus) * 1000, statistics.median(walls) * 1000


async def main(pairs: int) -> None:
    for name, make in (("error", make_error), ("work", make_work)):
        mean, worst = per_event_us(make)
        print(f"hear, {name}: {mean:.1f} us each, 99.9 % below {worst:.1f} us")
    print(f"hear, work, {WAITING_MAX} together as the service does: {per_piece_together_us():.1f} us each")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        house = make_house(directory)
        await house.start(look_at_once=False)
        try:
            text = directory / "page.txt"
            text.write_text(WORDS * 20)
            for label, path, times in (("text", text, TEXT_PAIRS), ("image", make_picture(directory), 1)):
                await show_conversion(house, label, path, times * pairs)
            cpu_ms, wall_ms = await write_cost(house)
            print(f"a write: {cpu_ms:.1f} ms of processor, {wall_ms:.1f} ms of time, every 0.7 s at most")
            collector = HouseCollector(
                recorder=house.recorder,
                watching=house.watching,
                backends=(),
                pools=house.pools,
                conversions=house.conversions.load,
                clock=house.clock,
            )
            registry = make_registry(collector)
            began = time.perf_counter()
            page = render(registry)
            print(f"a scrape: {(time.perf_counter() - began) * 1000:.1f} ms, {len(page)} bytes")
        finally:
            await house.aclose()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))
