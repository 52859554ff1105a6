"""The house with a seam at every joint: the real flow and the real doors, and a place to throw from at each step."""

from __future__ import annotations

import contextlib
import io
import os
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from PIL import Image, ImageDraw
from tests.faults.leaks.canaries import ALL, OPS_KEY
from tests.faults.leaks.incidents import furnish

from ironleaf.application import bootstrap, flow
from ironleaf.application.access.keys import ApiKey, Scope, digest, read_key
from ironleaf.application.access.settings import AccessSettings
from ironleaf.application.admission import Admission
from ironleaf.application.api import app as app_module
from ironleaf.application.api import routes
from ironleaf.application.bootstrap import building
from ironleaf.application.bootstrap import flow as flow_wiring
from ironleaf.application.metrics import HouseCollector
from ironleaf.application.options import EngineChoice
from ironleaf.application.reading import PageReader
from ironleaf.application.settings import EngineSettings, ServerSettings, Settings, VlSettings
from ironleaf.application.texts import AssembleJob, CleanJob, do_text_job
from ironleaf.application.worker_entry import make_workshop
from ironleaf.document import Block, BlockKind, EngineName, Grade, PageResult, Quality, Region
from ironleaf.faults import ManualClock
from ironleaf.foundation.database import DatabaseSettings
from ironleaf.foundation.errors import ModelFailure
from ironleaf.foundation.health import HealthBoard, HealthStatus, ProbeResult
from ironleaf.foundation.processes import PoolStatus
from ironleaf.services.engines.base import Capabilities
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.files.formats.base import DecodeLimits, OpenJob, PageJob
from ironleaf.services.files.formats.image import ImageDecoder
from ironleaf.services.files.settings import FileSettings
from ironleaf.services.files.spool import SpoolRoot
from ironleaf.services.files.workshop import DecodingWorkshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from ironleaf.application.bootstrap import House
    from ironleaf.services.engines.ledger import HealingEntry
    from ironleaf.services.engines.vision_language.settings import BackendSettings

_WELL = PoolStatus(name="double", size=1, alive=1, busy=0, queued=0, replaced={}, sandbox=None, ready=True)
READ = "Twelve crates of apples, to be paid by the end of March."
"""What the engines of the wall read."""
VL_ALIAS = "reader-1"
WALL_HOST = "service.example"
"""Under which name the wall speaks to the application."""
FUZZ_HOST = "testserver"
"""Under which name the fuzzer does."""


@dataclass
class Seams:
    """Where the next fault is thrown, and how many passes it lets go by first."""

    name: str | None = None
    throw: Callable[[], BaseException] | None = None
    spare: int = 0
    stepped_down: bool = False
    struck: int = 0
    passed: set[str] = field(default_factory=set)

    def arm(
        self,
        name: str | None,
        throw: Callable[[], BaseException] | None,
        *,
        spare: int = 0,
        stepped_down: bool = False,
    ) -> None:
        self.name, self.throw, self.spare, self.stepped_down, self.struck = name, throw, spare, stepped_down, 0

    def disarm(self) -> None:
        self.arm(None, None)

    def strike(self, name: str) -> None:
        """Raise the armed fault, if this is its place and turn."""
        self.passed.add(name)
        if name != self.name or self.throw is None:
            return
        if self.spare > 0:
            self.spare -= 1
            return
        self.struck += 1
        raise self.throw()


@dataclass
class WallHouse:
    """The application under test, its seams, and what its engines may truthfully say."""

    app: FastAPI
    house: House
    seams: Seams
    incident: str = ""
    """The number of an incident that is full of secrets."""
    texts: frozenset[str] = frozenset({READ})
    aliases: frozenset[str] = frozenset({VL_ALIAS})


class SeamEngine:
    """A VL engine that reads well unless its seam throws."""

    name = EngineName.VL
    alias = VL_ALIAS
    capabilities = Capabilities(needs_image=True, takes_prompt=True)

    def __init__(self, seams: Seams) -> None:
        self._seams = seams

    async def recognise(self, page: Any, request: Any) -> PageResult:
        if self._seams.stepped_down:
            raise ModelFailure(ENGINE_FAILED, context={"address": ALL})
        self._seams.strike("vl")
        return PageResult(engine=EngineName.VL, model=VL_ALIAS, text=READ)

    async def aclose(self) -> None:
        return


class RecogniserPool:
    """A pool of recognition workers: throws what a pool throws, else answers as the embedded engine does."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> PageResult:
        self._seams.strike("recognise")
        block = Block(kind=BlockKind.LINE, text=READ, region=Region(x0=1, y0=1, x1=90, y1=20), confidence=0.9)
        return PageResult(
            engine=EngineName.EMBEDDED, text=READ, blocks=(block,), width_px=120, height_px=60, confidence=0.9
        )

    async def start(self) -> None:
        return

    def status(self) -> PoolStatus:
        return _WELL

    async def aclose(self) -> None:
        return


class DecoderPool:
    """A pool of decoders: the real workshop in this process, with a seam before each kind of job."""

    def __init__(self, seams: Seams, *, every_format: bool) -> None:
        self._seams = seams
        pictures_only = DecodingWorkshop((ImageDecoder(),), DecodeLimits())
        self._workshop = make_workshop(DecodeLimits()) if every_format else pictures_only

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        seam = "open" if isinstance(job, OpenJob) else "page" if isinstance(job, PageJob) else "render"
        self._seams.strike(seam)
        return do_text_job(job) if isinstance(job, CleanJob | AssembleJob) else self._workshop(job)

    async def start(self) -> None:
        return

    def status(self) -> PoolStatus:
        return _WELL

    def close(self) -> None:
        self._workshop.close()

    async def aclose(self) -> None:
        self.close()


class SeamSpools(SpoolRoot):
    """Spools whose opening and whose disk may fail."""

    seams: Seams

    def open(self, *, expected_bytes: int = 0) -> Any:
        self.seams.strike("spool-open")
        with patch("shutil.disk_usage", self._measure):
            return super().open(expected_bytes=expected_bytes)

    def _measure(self, _path: object) -> Any:
        self.seams.strike("spool-full")
        return type("Usage", (), {"free": 1 << 40})


class SeamAdmission(Admission):
    seams: Seams

    async def run(self, work: Any, deadline: Any, *, file_bytes: int) -> Any:
        self.seams.strike("admission")
        return await super().run(work, deadline, file_bytes=file_bytes)


class SeamLedger:
    """A ledger that cannot always be read."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams

    def record(self, entry: HealingEntry) -> None:
        return

    def read(self, limit: int) -> tuple[HealingEntry, ...]:
        self._seams.strike("ledger")
        return ()


class WallKeys:
    """The operator's key, and no database."""

    def all(self) -> tuple[ApiKey, ...]:
        presented = read_key(OPS_KEY)
        assert presented is not None
        return (
            ApiKey(
                id=presented.id,
                name="wall",
                scopes=frozenset(Scope),
                digest=digest(presented),
                requests_per_minute=60_000,
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            ),
        )

    async def load(self) -> tuple[ApiKey, ...]:
        return self.all()

    async def note_uses(self, uses: object) -> None:
        return


class SeamProbe:
    def __init__(self, name: str, seams: Seams, clock: ManualClock) -> None:
        self.name = name
        self._seams = seams
        self._clock = clock

    async def check(self) -> ProbeResult:
        self._clock.advance(10)  # nothing is remembered from the last look
        self._seams.strike("probe")
        return ProbeResult(status=HealthStatus.HEALTHY)


@contextmanager
def build(
    directory: Path, *, backends: tuple[BackendSettings, ...] = (), every_format: bool = False
) -> Iterator[WallHouse]:
    """Yield the house as `bootstrap` joins it, with seams between its parts and no process below it.

    With ``backends`` their real engines and guards read; without, a double with a seam of its own.
    ``every_format`` opens more than pictures.
    """
    seams, still = Seams(), ManualClock()
    with patch.dict(os.environ, XDG_STATE_HOME=str(directory / "state")):  # nothing is remembered from other runs
        settings = Settings(
            server=ServerSettings(conversions_max=4),
            files=FileSettings(spool_directory=directory / "spool", spool_free_bytes_min=0),
            engines=EngineSettings(vl=VlSettings(backends=backends, reserve_s=1.0)),
            access=AccessSettings(allowed_hosts=(WALL_HOST, FUZZ_HOST)),
            database=DatabaseSettings(url=f"sqlite:///{directory / 'state' / 'ironleaf.db'}"),
        )
    keys = WallKeys()
    board = HealthBoard((SeamProbe("service", seams, still), SeamProbe("model", seams, still)), still)
    of_building = {
        "build_decoders": lambda *_: DecoderPool(seams, every_format=every_format),
        "build_recognisers": lambda *_: RecogniserPool(seams),
        "HealthBoard": lambda *_: board,
        "DatabaseKeys": lambda _: keys,
    }
    of_flow = {
        "count_recognisers": lambda _: 0,  # one page after the other: which one breaks is certain then
        "make_check": _seamed(seams, "check", flow_wiring.make_check),
        "PageReader": _seamed_reader(seams),
        "grade_result": lambda _, **__: _after(seams, "grade", lambda: Quality(grade=Grade.GOOD)),
        "SpoolRoot": type("Spools", (SeamSpools,), {"seams": seams}),
        "Admission": type("Turnstile", (SeamAdmission,), {"seams": seams}),
    }
    with patch.multiple(building, **of_building), patch.multiple(flow_wiring, **of_flow):
        house = bootstrap.build_house(settings, random=random.Random(7))
    house.desk._ledger = SeamLedger(seams)
    house.access.ring.take(keys.all())
    if backends:  # several such houses may stand at once: nothing of the code is touched
        try:
            yield WallHouse(app=app_module.create_app(house), house=house, seams=seams)
        finally:
            _shut(house)
        return
    with _stand_in(house, seams) as wall:
        yield wall


@contextmanager
def _stand_in(house: House, seams: Seams) -> Iterator[WallHouse]:
    """Yield the house with a double for its VL engine, and with seams where the flow calls functions by name."""
    reader, embedded = SeamEngine(seams), house.engines[EngineChoice.EMBEDDED]
    house.engines[EngineChoice.VL] = reader
    house.engines[EngineChoice.AUTO] = LadderEngine((reader, embedded), clock=house.clock)
    with _patched(seams) as log_error:
        incident = furnish(house, seams)
        with patch.multiple(app_module, log_error=log_error, HouseCollector=_seamed_metrics(seams)):
            app = app_module.create_app(house)
        try:
            yield WallHouse(app=app, house=house, seams=seams, incident=incident)
        finally:
            _shut(house)


def _seamed_metrics(seams: Seams) -> type[HouseCollector]:
    """Return the collector with a part that fails on command."""

    def measure(_: HouseCollector) -> Iterator[Any]:
        seams.strike("metrics")
        yield from ()

    return type("Collector", (HouseCollector,), {"_itself": measure})


def _seamed_reader(seams: Seams) -> Callable[..., PageReader]:
    def build_reader(*, clean: Callable[..., Any], **parts: Any) -> PageReader:
        return PageReader(clean=lambda *given: _after(seams, "clean", lambda: clean(*given)), **parts)

    return build_reader


def _seamed(seams: Seams, name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a maker of functions like ``make``, each with a seam before it."""

    def build_seamed(*given: Any) -> Callable[[Any], Any]:
        made = make(*given)
        return lambda value: _after(seams, name, lambda: made(value))

    return build_seamed


@contextmanager
def _patched(seams: Seams) -> Iterator[Callable[[Any], None]]:
    """Put seams where the flow calls functions by name."""
    assemble, envelope, observe = flow.assemble_document, routes._ENVELOPE, app_module.log_error

    class Adapter:
        def dump_json(self, value: Any) -> bytes:
            seams.strike("answer")
            return envelope.dump_json(value)

    def log_error(seen: Any) -> None:
        seams.strike("observe")
        observe(seen)

    with contextlib.ExitStack() as stack:
        stack.enter_context(
            patch.object(
                flow,
                "assemble_document",
                lambda *given, **named: _after(seams, "assemble", lambda: assemble(*given, **named)),
            )
        )
        stack.enter_context(patch.object(routes, "_ENVELOPE", Adapter()))
        yield log_error


def _after(seams: Seams, name: str, call: Callable[[], Any]) -> Any:
    seams.strike(name)
    return call()


def make_picture(*, pages: int = 2, kind: str = "GIF") -> bytes:
    """Return a small picture file with some ink on each of its pages."""
    frames = []
    for number in range(pages):
        frame = Image.new("RGB", (120, 60), "white")
        ImageDraw.Draw(frame).rectangle((10 + number, 10, 80, 40), fill="black")
        frames.append(frame)
    stored = io.BytesIO()
    frames[0].save(stored, kind, save_all=pages > 1, append_images=frames[1:])
    return stored.getvalue()


def _shut(house: House) -> None:
    """Close what the doubles hold open: the file that was opened last stays so until the next one."""
    for pool in house.pools:
        if isinstance(pool, DecoderPool):
            pool.close()
    house.spools.close()
