"""The doors' way into the flow: a form over the wire, or a file of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from ironleaf.application.admission import LARGE_BYTES, Admission
from ironleaf.application.flow import ConversionFlow, Order
from ironleaf.application.options import OPTION_NAMES, ConvertOptions, parse_options
from ironleaf.application.progress import Progress, ProgressBoard, Stage
from ironleaf.application.stages import FlowStage, StageEnded, ignore
from ironleaf.document import Document, Inspection
from ironleaf.foundation.clock import Clock, Deadline
from ironleaf.foundation.errors import Language
from ironleaf.foundation.resilience import BulkheadSnapshot
from ironleaf.foundation.traces import within_trace
from ironleaf.foundation.turns import on_behalf_of
from ironleaf.services.files.intake import receive_multipart, store_local
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool, SpoolRoot
from ironleaf.services.files.stored import StoredFile

T = TypeVar("T")

SWEEPERS_MAX: Final = 2
"""Threads that delete what was spooled: their own, since the answer waits for it."""
_SWEEPERS: Final = ThreadPoolExecutor(SWEEPERS_MAX, thread_name_prefix="sweep")
FILE_MARK_CHARACTERS: Final = 16
"""Of the hash of a file's content: 64 bits tell files apart where nobody gains from making two alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBody:
    """A request body as it arrives."""

    chunks: AsyncIterator[bytes]
    content_type: str | None
    content_length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks: the language of the answer, the number of the request, and whose turn it takes."""

    language: Language
    request_id: str
    ticket: str | None = None
    """The caller's own number of the request: who knows it may watch how far the conversion is."""
    caller: str = ""
    """What tells callers apart: those of one name share one turn. Private."""
    traceparent: str | None = None
    """The caller's trace, which the model servers hear of."""
    route: str = ""
    """The template of the route; empty for a command. For statistics."""


class Conversions:
    """Receives, admits and converts; what was spooled is gone when the answer is made, on every path."""

    def __init__(
        self,
        *,
        flow: ConversionFlow,
        spools: SpoolRoot,
        limits: FileLimits,
        admission: Admission,
        clock: Clock,
        progress: ProgressBoard,
        on_document: Callable[[Document], None] = ignore,
        on_stage: Callable[[StageEnded], None] = ignore,
        passes_traces: bool = True,
    ) -> None:
        self._passes_traces = passes_traces
        self._flow = flow
        self._spools = spools
        self._limits = limits
        self._admission = admission
        self._clock = clock
        self._progress = progress
        self._on_document = on_document
        self._on_stage = on_stage

    def load(self) -> BulkheadSnapshot:
        """Return how many conversions run and how many wait for their turn."""
        return self._admission.snapshot()

    @asynccontextmanager
    async def receive(self, body: FormBody, asker: Asker) -> AsyncGenerator[Order]:
        """Yield the order that a multipart form makes; leaving the context deletes what was spooled.

        The deadline (``timeout_s``) runs from the moment the form is complete:
        how long a caller's line takes is bounded by the upload limits instead.
        Whoever would be refused in any case is refused before his file touches the disk.

        Raises:
            IronleafError: as the catalogue says.
        """
        began_s = self._clock.monotonic()
        if body.content_length is not None:
            with on_behalf_of(name_party(asker.caller, body.content_length)):
                self._admission.require_room()
        async with self._spool(expected_bytes=body.content_length or 0) as spool:
            with self._measured(FlowStage.RECEIVE, asker.request_id):
                form = await receive_multipart(
                    body.chunks,
                    content_type=body.content_type,
                    content_length=body.content_length,
                    limits=self._limits,
                    spool=spool,
                    clock=self._clock,
                    option_names=frozenset(OPTION_NAMES),
                )
            received_s = self._clock.monotonic() - began_s
            yield self._order(form.file, parse_options(form.options), asker, spool, receive_ms=round(received_s * 1000))

    async def convert(self, order: Order) -> Document:
        """Return the document, begun when it is its turn.

        Raises:
            IronleafError: as the catalogue says; ``service-busy`` if too many wait.
        """
        trace = within_trace(order.traceparent)
        with self._progress.follow(order.ticket) as report, on_behalf_of(order.party), trace:
            report(Progress(stage=Stage.WAITING))
            document = await self._admit(order, lambda admitted: self._flow.convert(admitted, report))
        self._on_document(document)
        return document

    async def inspect(self, order: Order) -> Inspection:
        """Return what would happen to the file, when it is its turn.

        Raises:
            IronleafError: as the catalogue says; ``service-busy`` if too many wait.
        """
        with on_behalf_of(order.party):
            return await self._admit(order, self._flow.inspect)

    async def inspect_path(self, path: Path, options: ConvertOptions, asker: Asker) -> Inspection:
        """Return what would happen to a file of this machine.

        Raises:
            IronleafError: as the catalogue says.
        """
        async with self._take(path, options, asker) as order:
            return await self.inspect(order)

    async def convert_path(self, path: Path, options: ConvertOptions, asker: Asker) -> Document:
        """Return the document for a file of this machine.

        Raises:
            IronleafError: as the catalogue says.
        """
        async with self._take(path, options, asker) as order:
            return await self.convert(order)

    @asynccontextmanager
    async def _take(self, path: Path, options: ConvertOptions, asker: Asker) -> AsyncGenerator[Order]:
        async with self._spool() as spool:
            with self._measured(FlowStage.RECEIVE, asker.request_id):
                stored = await asyncio.to_thread(store_local, path, limits=self._limits, spool=spool)
            yield self._order(stored, options, asker, spool)

    @asynccontextmanager
    async def _spool(self, *, expected_bytes: int = 0) -> AsyncGenerator[Spool]:
        spool = self._spools.open(expected_bytes=expected_bytes)
        try:
            yield spool
        finally:
            # A busy disk takes its time for it, a tenth of a second and more: everybody else goes on meanwhile.
            await asyncio.get_running_loop().run_in_executor(_SWEEPERS, spool.close)

    async def _admit(self, order: Order, work: Callable[[Order], Awaitable[T]]) -> T:
        began_s, admitted = self._clock.monotonic(), False

        def tell() -> float:
            ended_s = self._clock.monotonic()
            waited_s = ended_s - began_s
            self._on_stage(
                StageEnded(
                    stage=FlowStage.ADMISSION,
                    request_id=order.request_id,
                    duration_s=waited_s,
                    wait_s=waited_s,
                    ok=admitted,
                    began_s=began_s,
                    ended_s=ended_s,
                    file=order.stored.sha256[:FILE_MARK_CHARACTERS],
                    route=order.route,
                )
            )
            return waited_s

        async def begin() -> T:
            nonlocal admitted
            admitted = True
            return await work(replace(order, wait_ms=round(tell() * 1000)))

        try:
            return await self._admission.run(begin, order.deadline, file_bytes=order.stored.bytes)
        finally:
            if not admitted:
                tell()

    @contextmanager
    def _measured(self, stage: FlowStage, request_id: str) -> Generator[None]:
        began_s, ok = self._clock.monotonic(), False
        try:
            yield
            ok = True
        finally:
            ended_s = self._clock.monotonic()
            self._on_stage(
                StageEnded(
                    stage=stage,
                    request_id=request_id,
                    duration_s=ended_s - began_s,
                    ok=ok,
                    began_s=began_s,
                    ended_s=ended_s,
                )
            )

    def _order(
        self, stored: StoredFile, options: ConvertOptions, asker: Asker, spool: Spool, *, receive_ms: int = 0
    ) -> Order:
        return Order(
            stored=stored,
            spool=spool,
            options=options,
            deadline=Deadline.after(options.timeout_s, self._clock),
            language=asker.language,
            request_id=asker.request_id,
            ticket=asker.ticket,
            party=name_party(asker.caller, stored.bytes),
            traceparent=asker.traceparent if self._passes_traces else None,
            route=asker.route,
            receive_ms=receive_ms,
        )


def name_party(caller: str, file_bytes: int) -> str:
    """Return whose turn a file takes: its caller's, who has one for large files and one for small ones.

    Behind a proxy all callers bear one name; their small files still never wait behind all the large ones.
    """
    return f"{caller}, {'large' if file_bytes > LARGE_BYTES else 'small'}"
