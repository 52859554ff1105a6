"""The engines: model servers with their guards and those who look after them, and the ladders over all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from ironleaf.application.engine_desk import ModelServer
from ironleaf.application.measured_engine import MeasuredEngine
from ironleaf.application.options import EngineChoice
from ironleaf.application.rungs import applies, make_step_rule
from ironleaf.application.settings import Settings, SettingsRefused, VlSettings
from ironleaf.application.stages import EngineAsked, FlowStage, measuring
from ironleaf.application.subscriptions import log_guard, log_step_down
from ironleaf.application.verdicts import doubt_answer, judge_answer, watch_answer
from ironleaf.foundation.clock import Clock
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
from ironleaf.services.engines.examination import ProbeBudget
from ironleaf.services.engines.guarded import GuardedEngine, GuardOptions
from ironleaf.services.engines.healing import Healer, HealingOptions
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.ledger import HealingLedger
from ironleaf.services.engines.probe import BackendWatch, WatchOptions
from ironleaf.services.engines.profiles import ProfileError, load_profile
from ironleaf.services.engines.text_layer import TextLayerEngine
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.services.files.quarantine import JobRunner


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
    steps_down = make_step_rule(settings.engines.vl)

    def ladder(*rungs: Engine) -> Engine:
        return LadderEngine(
            rungs,
            clock=clock,
            applies=applies,
            steps_down=steps_down,
            on_step_down=log_step_down,
            takes_calls=make_vacancy_rule(backends),
        )

    engines: dict[EngineChoice, Engine] = {
        EngineChoice.AUTO: ladder(text_layer, *models, embedded),
        EngineChoice.EMBEDDED: embedded,
        EngineChoice.TEXT_LAYER: text_layer,
    }
    if models:
        engines[EngineChoice.VL] = ladder(*models)
    return engines


def make_vacancy_rule(backends: tuple[GuardedEngine, ...]) -> Callable[[Engine], bool]:
    """Return whether a page given to an engine now, measured or not, would not be turned away by its guards."""
    guarded = {backend.alias: backend for backend in backends}
    return lambda engine: engine.alias not in guarded or guarded[engine.alias].takes_calls


def build_readers(settings: VlSettings, clock: Clock | None = None) -> tuple[VisionLanguageEngine, ...]:
    """Return the configured model servers without any guard, in order.

    Raises:
        SettingsRefused: the folder of profiles, a backend's profile or authority file does not exist or is unusable.
    """
    judge, doubt = measuring(FlowStage.VERIFY, judge_answer), measuring(FlowStage.VERIFY, doubt_answer)
    folders = () if settings.profile_directory is None else (settings.profile_directory,)
    if not all(folder.is_dir() for folder in folders):  # a built-in profile would be used in silence
        raise SettingsRefused(("engines.vl.profile_directory: must be a directory that is there",))

    def build(number: int, backend: BackendSettings) -> VisionLanguageEngine:
        try:
            profile = load_profile(backend.profile, *folders)
            return VisionLanguageEngine(
                backend, profile=profile, judge=judge, doubt=doubt, watch=watch_answer, clock=clock
            )
        except (ProfileError, ValueError) as refused:  # begins with the setting's name and holds no value
            raise SettingsRefused((f"engines.vl.backends.{number}.{refused}",)) from refused

    return tuple(build(number, backend) for number, backend in enumerate(settings.backends))


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
        patience=settings.patience,
        canary=settings.canary,
        declined_counts=settings.step_down_on_refusal,
    )
    return tuple(
        GuardedEngine(
            reader,
            options=options,
            budget=budget,
            clock=clock,
            random=random,
            on_event=on_event,
            probes=ProbeBudget(backend.probes_day_max, clock),
        )
        for backend, reader in zip(
            settings.backends, build_readers(settings, clock) if readers is None else readers, strict=True
        )
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
        healer = Healer(
            reader,
            guarded.breaker,
            options=HealingOptions(
                rediscover=healing.rediscover, dry_run=healing.dry_run, relaunch=backend.relaunch or None
            ),
            ledger=ledger,
            clock=clock,
            launching=launching,
            budget=guarded.probes,
        )
        return BackendWatch(reader, guarded.breaker, healer, options=options, budget=guarded.probes, clock=clock)

    return tuple(map(watch, settings.backends, readers, backends))
