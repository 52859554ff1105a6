"""The wiring: the one place (with `worker_entry`) that names concrete classes and joins them into a house."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from random import Random, SystemRandom
from typing import Any, Final

from ironleaf.application.access.desk import Access, build_access
from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.admission import Admission
from ironleaf.application.alerting import Alerting, build_alerting
from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.application.conversions import Conversions
from ironleaf.application.engine_desk import EngineDesk, ModelServer
from ironleaf.application.flow import ConversionFlow
from ironleaf.application.measured_engine import MeasuredEngine
from ironleaf.application.options import EngineChoice
from ironleaf.application.probes import DatabaseProbe, PoolProbe
from ironleaf.application.progress import ProgressBoard
from ironleaf.application.quality import grade_result
from ironleaf.application.reading import PageReader
from ironleaf.application.records import build_records
from ironleaf.application.rungs import applies, foresee
from ironleaf.application.settings import Settings, SettingsRefused, VlSettings, list_secrets
from ironleaf.application.stages import EngineAsked, FlowStage, measuring
from ironleaf.application.subscriptions import (
    each,
    log_database,
    log_document,
    log_guard,
    log_healing,
    log_process,
    log_step_down,
)
from ironleaf.application.texts import TEXT_S_MAX, TextDesk
from ironleaf.application.verdicts import judge_answer, watch_answer
from ironleaf.application.watching import Watching
from ironleaf.application.worker_entry import make_decoding_worker, make_recognition_worker
from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.database.exchange import Exchange
from ironleaf.foundation.errors import Catalogue, IronleafError, NoticeEntry, StorageFailure
from ironleaf.foundation.health import HealthBoard
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.observability import Redactor, lend_logs
from ironleaf.foundation.processes import ProcessEvent, ProcessLimits, WorkerPool, WorkerSpec
from ironleaf.foundation.resilience import (
    AttemptTimeoutOptions,
    BulkheadOptions,
    DeadlineShareOptions,
    EventHook,
    RetryBudget,
    RetryBudgetOptions,
)
from ironleaf.services.engines.base import Engine
from ironleaf.services.engines.embedded.engine import EmbeddedEngine
from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.engines.examination import ProbeBudget
from ironleaf.services.engines.guarded import GuardedEngine, GuardOptions
from ironleaf.services.engines.healing import Healer, HealingOptions, ReplaceableModel
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.ledger import HealingLedger
from ironleaf.services.engines.probe import BackendWatch, ModelProbe, WatchOptions
from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.text_layer import TextLayerEngine
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.services.files import errors as file_errors
from ironleaf.services.files.checked import EVERY_FORMAT, CheckedFile, check_file
from ironleaf.services.files.decoding import Decoder
from ironleaf.services.files.filetypes import FileFormat
from ironleaf.services.files.formats.base import DecodeLimits
from ironleaf.services.files.quarantine import BlamingRunner, JobRunner, Quarantine
from ironleaf.services.files.second_opinion import Opinion, load_libmagic
from ironleaf.services.files.settings import FileLimits, FileSettings
from ironleaf.services.files.spool import SpoolRoot
from ironleaf.services.files.stored import StoredFile
from ironleaf.web.request_id import RequestIds

RECOGNISER_BYTES: Final = 700 * 1024 * 1024
"""Resident peak of one recognition worker, measured on dense pages, with room."""
DECODER_JOBS_MAX: Final = 500
DECODER_CPU_SPARE_S: Final = 10
"""Processor seconds of a decoder's job beyond its wall time: what two of its threads can burn meanwhile."""
RECOGNISER_LIMITS: Final = ProcessLimits(address_space_bytes=2 * 1024**3, cpu_s=120)


@dataclass(slots=True, kw_only=True)
class House:
    """Everything that runs. Made by `build_house`; `start` it before use, `aclose` it after."""

    settings: Settings
    clock: Clock
    catalogue: Catalogue
    notices: tuple[NoticeEntry, ...]
    health: HealthBoard
    database: Database
    exchanges: tuple[Exchange[Any, Any], ...]
    """The traffic of the stores with the database; none in a command, which keeps its records in files."""
    access: Access
    conversions: Conversions
    engines: dict[EngineChoice, Engine]
    pools: tuple[WorkerPool[Any, Any], ...]
    """Those who open files, then those who recognise."""
    readers: tuple[ReplaceableModel, ...]
    """The model servers without their guards, for the doctor."""
    watches: tuple[BackendWatch, ...]
    desk: EngineDesk
    alerting: Alerting
    progress: ProgressBoard
    backends: tuple[GuardedEngine, ...]
    """The model servers with their guards."""
    watching: Watching
    """Makes statistics of what the house tells; whoever wants to hear too joins by its ``listen``."""
    recorder: Recorder
    """The statistics of this process, and its part of those in the database."""
    spools: SpoolRoot = field(repr=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]], repr=False)

    async def start(self, *, look_at_once: bool = True, reads: bool = True) -> None:
        """Start the worker processes, then the watches over the backends.

        ``look_at_once`` shows each backend the canary page now, and not only after a quiet minute.
        Without ``reads`` files can be opened, and no page recognised.

        Raises:
            ExceptionGroup: of WorkerLost, a worker does not start; of SandboxMissing, a
                sandbox is required and the kernel has none.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for pool in self.pools if reads else self.pools[:1]:
                    group.create_task(pool.start())
        except BaseException:
            await self.aclose()
            raise
        if self.exchanges:
            self._tasks += [asyncio.create_task(self._keep_records()), asyncio.create_task(self.recorder.run())]
        self._tasks += [asyncio.create_task(watch.run(look_at_once=look_at_once)) for watch in self.watches]

    async def _keep_records(self) -> None:
        """Bring the schema up to date, however long that takes, and then what the stores hold to the database."""
        await self.database.migrate_until_done(log_database)
        async with asyncio.TaskGroup() as group:
            for exchange in self.exchanges:
                group.create_task(exchange.run())

    def oversee(self) -> None:
        """Begin to keep incidents, to have people told, and to know keys: for a service; a command needs none of it."""
        self._tasks.append(asyncio.create_task(self.alerting.run()))
        self._tasks.append(asyncio.create_task(self.access.ring.run()))

    async def aclose(self) -> None:
        """Stop taking work, end the workers, delete the spools. Calling it twice does no harm."""
        self.health.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for engine in self.engines.values():
            await engine.aclose()
        for pool in self.pools:
            await pool.aclose()
        if self.database.ready:
            for store in (*self.exchanges, self.recorder):
                await store.aclose()
        await self.access.ring.aclose()
        await self.database.aclose()
        self.spools.close()


def build_house(
    settings: Settings, *, clock: Clock | None = None, random: Random | None = None, keeps_records: bool = True
) -> House:
    """Return the house that the settings describe; nothing runs yet.

    ``keeps_records``: in the database, as a service does. A command keeps what little there is in files: it is
    quicker, and needs no database.
    """
    lend_logs(Redactor(secrets=list_secrets(settings)))
    clock, random = clock or SystemClock(), random or make_randomness()
    watching = Watching(clock)
    on_process = each(log_process, watching.hear_process)
    spools = _open_spools(settings.files)
    decoders = _build_decoders(settings, clock, on_process)
    recognisers = _build_recognisers(settings, clock, on_process)
    database = Database(settings.database, clock=clock)
    recorder = Recorder(database, writer=RequestIds(clock, random).make(), clock=clock)
    watching.listen(recorder.hear)
    on_healing = each(log_healing, watching.hear_healing)
    records = build_records(settings, database, clock, on_healing, in_database=keeps_records)
    quarantine, ledger = records.quarantine, records.ledger
    readers = build_readers(settings.engines.vl)
    on_guard = each(log_guard, watching.hear_guard)
    backends = build_backends(settings.engines.vl, clock, random, readers, on_guard)
    page_s_max = settings.engines.embedded.page_timeout_s
    runner = BlamingRunner(recognisers, quarantine, job_s_max=page_s_max)
    engines = build_engines(settings, runner, backends, clock, watching.hear_asked)
    watches = build_watches(settings.engines.vl, readers, backends, ledger, clock)
    own_model = PoolProbe("model", recognisers)
    catalogue, progress = build_catalogue(), ProgressBoard()
    servers = build_servers(settings.engines.vl, readers, backends)
    desk = EngineDesk(watches, own_model, servers=servers, ledger=ledger, clock=clock)
    flow = _build_flow(settings, decoders, engines, quarantine, catalogue, watching, clock)
    return House(
        settings=settings,
        clock=clock,
        catalogue=catalogue,
        notices=build_notices(),
        health=HealthBoard(
            (
                PoolProbe("service", decoders),
                ModelProbe(watches, own_model) if watches else own_model,
                *((DatabaseProbe(database),) if keeps_records else ()),
            ),
            clock,
        ),
        database=database,
        exchanges=records.exchanges,
        access=build_access(settings, DatabaseKeys(database), clock),
        conversions=_build_conversions(settings, flow, spools, progress, watching, clock),
        engines=engines,
        pools=(decoders, recognisers),
        readers=readers,
        watches=watches,
        desk=desk,
        progress=progress,
        alerting=build_alerting(
            settings, database=database, catalogue=catalogue, ladder=desk.standings, clock=clock, random=random
        ),
        backends=backends,
        watching=watching,
        recorder=recorder,
        spools=spools,
    )


def _open_spools(settings: FileSettings) -> SpoolRoot:
    try:
        return SpoolRoot(settings.spool_directory, free_bytes_min=settings.spool_free_bytes_min)
    except StorageFailure as error:
        where = "files.spool_directory (IRONLEAF_FILES__SPOOL_DIRECTORY)"
        raise SettingsRefused((f"{where}: the directory cannot be made, or belongs to somebody else",)) from error


def _build_conversions(
    settings: Settings,
    flow: ConversionFlow,
    spools: SpoolRoot,
    progress: ProgressBoard,
    watching: Watching,
    clock: Clock,
) -> Conversions:
    server = settings.server
    return Conversions(
        flow=flow,
        spools=spools,
        limits=settings.files.limits,
        admission=Admission(running_max=server.conversions_max, queued_max=server.conversions_queued_max, clock=clock),
        clock=clock,
        progress=progress,
        on_document=each(log_document, watching.hear_document),
        on_stage=watching.hear_stage,
    )


def _build_flow(
    settings: Settings,
    decoders: WorkerPool[Any, Any],
    engines: dict[EngineChoice, Engine],
    quarantine: Quarantine,
    catalogue: Catalogue,
    watching: Watching,
    clock: Clock,
) -> ConversionFlow:
    decode_s_max = settings.files.limits.decode_s_max
    texts = TextDesk(BlamingRunner(decoders, quarantine, job_s_max=TEXT_S_MAX))
    return ConversionFlow(
        check=_checker(settings.files.limits, settings.files.formats, load_libmagic()),
        quarantine=quarantine,
        decoder=Decoder(BlamingRunner(decoders, quarantine, job_s_max=decode_s_max), decode_s_max=decode_s_max),
        reader=PageReader(
            engines=engines,
            clean=texts.clean,
            grade=partial(grade_result, grade_confidence=grade_confidence),
            parallel=count_recognisers(settings) + 1,
            on_page_end=watching.hear_page,
        ),
        texts=texts,
        foresee=partial(foresee, has_vl=EngineChoice.VL in engines),
        limits=settings.files.limits,
        catalogue=catalogue,
        clock=clock,
        on_stage=watching.hear_stage,
    )


def build_engines(
    settings: Settings,
    recognisers: JobRunner,
    backends: tuple[GuardedEngine, ...],
    clock: Clock,
    on_asked: Callable[[EngineAsked], None],
) -> dict[EngineChoice, Engine]:
    """Return an engine for each choice that this configuration can serve; ``on_asked`` hears of each page asked for."""
    text_layer, embedded, *models = (
        MeasuredEngine(engine, clock=clock, on_asked=on_asked)
        for engine in (TextLayerEngine(), EmbeddedEngine(recognisers, settings.engines.embedded), *backends)
    )
    steps_down = _make_step_rule(settings.engines.vl)

    def ladder(*rungs: Engine) -> Engine:
        return LadderEngine(rungs, clock=clock, applies=applies, steps_down=steps_down, on_step_down=log_step_down)

    engines: dict[EngineChoice, Engine] = {
        EngineChoice.AUTO: ladder(text_layer, *models, embedded),
        EngineChoice.EMBEDDED: embedded,
        EngineChoice.TEXT_LAYER: text_layer,
    }
    if models:
        engines[EngineChoice.VL] = ladder(*models)
    return engines


def build_readers(settings: VlSettings) -> tuple[VisionLanguageEngine, ...]:
    """Return the configured model servers without any guard, in order.

    Raises:
        ProfileError: a backend names a profile that does not exist.
        ValueError: an authority file is unusable.
    """
    judge = measuring(FlowStage.VERIFY, judge_answer)
    return tuple(
        VisionLanguageEngine(backend, profile=load_profile(backend.profile), judge=judge, watch=watch_answer)
        for backend in settings.backends
    )


def build_backends(
    settings: VlSettings,
    clock: Clock,
    random: Random,
    readers: tuple[VisionLanguageEngine, ...] | None = None,
    on_event: EventHook = log_guard,
) -> tuple[GuardedEngine, ...]:
    """Return the model servers, each inside its own guards; the retry budget is shared.

    Raises:
        ProfileError: a backend names a profile that does not exist.
    """
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    options = GuardOptions(
        share=DeadlineShareOptions(share=settings.deadline_share, reserve_s=settings.reserve_s),
        retry=settings.retry,
        breaker=settings.breaker,
        bulkhead=BulkheadOptions(limit=settings.concurrency, queue_max=settings.queue_max),
        attempt=AttemptTimeoutOptions(timeout_s=settings.attempt_timeout_s),
        canary=settings.canary,
    )
    return tuple(
        GuardedEngine(reader, options=options, budget=budget, clock=clock, random=random, on_event=on_event)
        for reader in (build_readers(settings) if readers is None else readers)
    )


def build_servers(
    settings: VlSettings, readers: tuple[VisionLanguageEngine, ...], backends: tuple[GuardedEngine, ...]
) -> tuple[ModelServer, ...]:
    """Return what operators are told of each backend."""
    return tuple(
        ModelServer(address=backend.base_url, reader=reader, bulkhead=guarded.bulkhead)
        for backend, reader, guarded in zip(settings.backends, readers, backends, strict=True)
    )


def build_watches(
    settings: VlSettings,
    readers: tuple[VisionLanguageEngine, ...],
    backends: tuple[GuardedEngine, ...],
    ledger: HealingLedger,
    clock: Clock,
) -> tuple[BackendWatch, ...]:
    """Return who looks after each backend; nothing runs yet."""
    healing = settings.healing
    options = WatchOptions(
        probe_every_s=healing.probe_every_s, look_every_s=healing.look_every_s, canary=settings.canary
    )
    launching = asyncio.Lock()

    def watch(backend: BackendSettings, reader: VisionLanguageEngine, guarded: GuardedEngine) -> BackendWatch:
        budget = ProbeBudget(backend.probes_day_max, clock)
        healer = Healer(
            reader,
            guarded.breaker,
            options=HealingOptions(
                rediscover=healing.rediscover, dry_run=healing.dry_run, relaunch=backend.relaunch or None
            ),
            ledger=ledger,
            clock=clock,
            launching=launching,
            budget=budget,
        )
        return BackendWatch(reader, guarded.breaker, healer, options=options, budget=budget, clock=clock)

    return tuple(map(watch, settings.backends, readers, backends))


def _make_step_rule(settings: VlSettings) -> Callable[[IronleafError], bool]:
    """Return when the next rung is asked: not for a page that cannot be drawn, nor against the operator's word."""
    of_files = frozenset(entry.reason for entry in file_errors.ENTRIES)

    def steps_down(error: IronleafError) -> bool:
        if error.entry == CONTENT_REFUSED:
            return settings.step_down_on_refusal
        return error.entry.reason not in of_files

    return steps_down


def count_recognisers(settings: Settings) -> int:
    """Return how many recognition processes there are: as set, else by cores and memory budget."""
    if settings.workers.recognisers:
        return settings.workers.recognisers
    by_memory = settings.workers.memory_bytes_max // RECOGNISER_BYTES
    return max(1, min(len(os.sched_getaffinity(0)), by_memory))


def make_randomness() -> Random:
    """Return the randomness of ids and jitter."""
    return SystemRandom()


def _checker(
    limits: FileLimits, formats: tuple[str, ...], second_opinion: Opinion | None
) -> Callable[[StoredFile], CheckedFile]:
    enabled = frozenset(FileFormat(name) for name in formats) if formats else EVERY_FORMAT

    def check(stored: StoredFile) -> CheckedFile:
        return check_file(stored, limits=limits, enabled=enabled, second_opinion=second_opinion)

    return check


def make_decoder_limits(limits: FileLimits) -> ProcessLimits:
    """Return what a decoder process may use."""
    return ProcessLimits(
        address_space_bytes=limits.decode_bytes_max,
        cpu_s=ceil(limits.decode_s_max) + DECODER_CPU_SPARE_S,
        jobs_max=DECODER_JOBS_MAX,
    )


def _build_decoders(settings: Settings, clock: Clock, on_event: Callable[[ProcessEvent], None]) -> WorkerPool[Any, Any]:
    spec = WorkerSpec(
        name="decode",
        factory=make_decoding_worker,
        settings=replace(DecodeLimits.of(settings.files.limits), enhance=settings.files.enhance),
        write_roots=(settings.files.spool_directory,),
    )
    return WorkerPool(
        spec,
        size=settings.workers.decoders,
        limits=make_decoder_limits(settings.files.limits),
        clock=clock,
        on_event=on_event,
        require_sandbox=settings.workers.require_sandbox,
    )


def _build_recognisers(
    settings: Settings, clock: Clock, on_event: Callable[[ProcessEvent], None]
) -> WorkerPool[Any, Any]:
    spec = WorkerSpec(
        name="recognise",
        factory=make_recognition_worker,
        settings=settings.engines.embedded,
        read_roots=(settings.files.spool_directory,),
    )
    return WorkerPool(
        spec,
        size=count_recognisers(settings),
        limits=RECOGNISER_LIMITS,
        clock=clock,
        on_event=on_event,
        require_sandbox=settings.workers.require_sandbox,
    )
