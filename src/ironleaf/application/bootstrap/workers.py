"""The worker processes: those who open files, and those who recognise."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any, Final

from ironleaf.application.settings import Settings
from ironleaf.application.worker_entry import make_decoding_worker, make_recognition_worker
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.processes import ProcessEvent, ProcessLimits, WorkerPool, WorkerSpec
from ironleaf.services.files.formats.base import DecodeLimits
from ironleaf.services.files.settings import FileLimits

RECOGNISER_BYTES: Final = 700 * 1024 * 1024
"""Resident peak of one recognition worker, measured on dense pages, with room."""
DECODER_JOBS_MAX: Final = 500
DECODER_CPU_SPARE_S: Final = 10
"""Processor seconds of a decoder's job beyond its wall time: what two of its threads can burn meanwhile."""
RECOGNISER_LIMITS: Final = ProcessLimits(address_space_bytes=2 * 1024**3, cpu_s=120)


def build_decoders(settings: Settings, clock: Clock, on_event: Callable[[ProcessEvent], None]) -> WorkerPool[Any, Any]:
    """Return the pool that opens files; not started."""
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


def build_recognisers(
    settings: Settings, clock: Clock, on_event: Callable[[ProcessEvent], None]
) -> WorkerPool[Any, Any]:
    """Return the pool of the embedded engine; not started."""
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


def make_decoder_limits(limits: FileLimits) -> ProcessLimits:
    """Return what a decoder process may use."""
    return ProcessLimits(
        address_space_bytes=limits.decode_bytes_max,
        cpu_s=ceil(limits.decode_s_max) + DECODER_CPU_SPARE_S,
        jobs_max=DECODER_JOBS_MAX,
    )


def count_recognisers(settings: Settings) -> int:
    """Return how many recognition processes there are: as set, else by cores and memory budget."""
    if settings.workers.recognisers:
        return settings.workers.recognisers
    by_memory = settings.workers.memory_bytes_max // RECOGNISER_BYTES
    return max(1, min(len(os.sched_getaffinity(0)), by_memory))
