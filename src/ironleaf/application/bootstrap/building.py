"""The joining of all parts."""

from __future__ import annotations

from random import Random, SystemRandom

from ironleaf.application.access.desk import build_access
from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.bootstrap.engines import (
    build_backends,
    build_engines,
    build_readers,
    build_servers,
    build_watches,
)
from ironleaf.application.bootstrap.flow import build_admission, build_conversions, build_flow, open_spools
from ironleaf.application.bootstrap.house import House
from ironleaf.application.bootstrap.workers import build_decoders, build_recognisers
from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.application.engine_desk import EngineDesk
from ironleaf.application.figures import list_places
from ironleaf.application.oversight import Overseen, build_oversight
from ironleaf.application.probes import DatabaseProbe, DiskProbe, PoolProbe
from ironleaf.application.progress import ProgressBoard
from ironleaf.application.records import build_records
from ironleaf.application.settings import Settings, list_secrets
from ironleaf.application.subscriptions import (
    each,
    log_guard,
    log_healing,
    log_process,
)
from ironleaf.application.tracing.building import build_tracing
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock, SystemClock
from ironleaf.foundation.database import Database
from ironleaf.foundation.health import HealthBoard
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.observability import Redactor, lend_logs
from ironleaf.services.engines.probe import ModelProbe
from ironleaf.services.files.quarantine import BlamingRunner
from ironleaf.web.request_id import RequestIds


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
    spools = open_spools(settings.files)
    decoders = build_decoders(settings, clock, on_process)
    recognisers = build_recognisers(settings, clock, on_process)
    database = Database(settings.database, clock=clock)
    replica = RequestIds(clock, random).make()
    recorder = _build_recorder(database, watching, replica, clock)
    tracing = build_tracing(settings.tracing, watching, clock=clock, replica=replica) if keeps_records else None
    on_healing = each(log_healing, watching.hear_healing)
    records = build_records(settings, database, clock, on_healing, in_database=keeps_records)
    quarantine, ledger = records.quarantine, records.ledger
    readers = build_readers(settings.engines.vl, clock)
    on_guard = each(log_guard, watching.hear_guard)
    backends = build_backends(settings.engines.vl, clock, random, readers, on_guard)
    runner = BlamingRunner(recognisers, quarantine, job_s_max=settings.engines.embedded.page_timeout_s)
    engines = build_engines(settings, runner, backends, clock, watching.hear_asked)
    watches = build_watches(settings.engines.vl, readers, backends, ledger, clock)
    own_model = PoolProbe("model", recognisers)
    catalogue, progress = build_catalogue(), ProgressBoard()
    servers = build_servers(settings.engines.vl, readers, backends)
    desk = EngineDesk(watches, own_model, servers=servers, ledger=ledger, clock=clock)
    flow = build_flow(settings, decoders, engines, quarantine, catalogue, watching, clock)
    admission = build_admission(settings.server, clock)
    model = ModelProbe(watches, own_model) if watches else own_model
    known = (DatabaseProbe(database), DiskProbe(list_places(settings))) if keeps_records else ()
    health = HealthBoard((PoolProbe("service", decoders), model, *known), clock)
    bulkheads = tuple(each.bulkhead for each in backends)
    overseen = Overseen(database, catalogue, desk, admission, bulkheads, watches, health, watching)
    alerting, detection = build_oversight(settings, overseen, clock=clock, random=random)
    return House(
        settings=settings,
        clock=clock,
        catalogue=catalogue,
        notices=build_notices(),
        health=health,
        database=database,
        exchanges=records.exchanges,
        access=build_access(settings, DatabaseKeys(database), clock),
        conversions=build_conversions(settings, flow, spools, admission, progress, watching, clock),
        engines=engines,
        pools=(decoders, recognisers),
        readers=readers,
        watches=watches,
        desk=desk,
        quarantine=quarantine,
        progress=progress,
        alerting=alerting,
        detection=detection,
        backends=backends,
        watching=watching,
        recorder=recorder,
        tracing=tracing,
        spools=spools,
    )


def _build_recorder(database: Database, watching: Watching, writer: str, clock: Clock) -> Recorder:
    """Return the statistics, which hear what ``watching`` tells."""
    recorder = Recorder(database, writer=writer, clock=clock, gather=watching.tell_waiting)
    watching.listen(recorder.hear, to_work=recorder.hear_work)
    return recorder


def make_randomness() -> Random:
    """Return the randomness of ids and jitter."""
    return SystemRandom()
