"""The wiring of oversight: what the house tells and shows becomes signals, and signals become incidents."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from ironleaf.application.admission import Admission
from ironleaf.application.alerting import Alerting, build_alerting
from ironleaf.application.detection import Detection
from ironleaf.application.engine_desk import EngineDesk
from ironleaf.application.figures import build_figures, list_places
from ironleaf.application.settings import Settings
from ironleaf.application.subscriptions import each, log_signal
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.database import Database, DatabaseUnavailable
from ironleaf.foundation.errors import Catalogue
from ironleaf.foundation.health import HealthBoard
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.resilience import Bulkhead
from ironleaf.services.engines.probe import BackendWatch

MENDINGS_READ: Final = 100
"""Entries of the ledger that are looked through for what healed an incident: days of a backend in trouble."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overseen:
    """The parts of a house that oversight looks at."""

    database: Database
    catalogue: Catalogue
    desk: EngineDesk
    admission: Admission
    bulkheads: Sequence[Bulkhead]
    watches: Sequence[BackendWatch]
    board: HealthBoard
    watching: Watching


def build_oversight(settings: Settings, house: Overseen, *, clock: Clock, random: Random) -> tuple[Alerting, Detection]:
    """Return both, joined to each other and to what the house tells; nothing runs yet.

    Raises:
        SettingsRefused: a channel's address is none.
    """
    alerting = build_alerting(
        settings,
        database=house.database,
        catalogue=house.catalogue,
        ladder=house.desk.standings,
        ledger=partial(house.desk.history, MENDINGS_READ),
        clock=clock,
        random=random,
    )
    figures = build_figures(list_places(settings), house.admission, house.bulkheads, house.watches, house.board)
    say = each(log_signal, alerting.desk.hear)
    detection = Detection(settings.detection, figures=figures, catalogue=house.catalogue, say=say, clock=clock)
    alerting.desk.ask_for_absent(detection)
    house.watching.listen(alerting.hear_event, to_work=alerting.hear_work)
    house.watching.listen(detection.hear, to_work=detection.hear_work)
    return alerting, detection


async def recall_past(detection: Detection, recorder: Recorder) -> None:
    """Let detection know what is written of the past; without a database it learns anew."""
    try:
        hours, causes = await recorder.read_request_hours(), await recorder.read_causes()
    except DatabaseUnavailable as failure:
        logger.warning("detection: the past cannot be read: %s", failure.entry.reason)
        return
    detection.recall(request_hours=hours, fingerprints=causes)
