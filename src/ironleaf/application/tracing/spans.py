"""One trace for each request, made from what the house has told of it, once it is answered.

Nothing is handed through the code: stages, pages and calls say when they began and
ended, and the spans are written with those times. A request that nobody traces costs
a look at the sampler.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from ironleaf.application.stages import EngineAsked, PageEnded, StageEnded
from ironleaf.application.subscriptions import QUIET_ROUTES
from ironleaf.application.tracing.attributes import (
    Attributes,
    describe_asked,
    describe_attempt,
    describe_entry,
    describe_failure,
    describe_page,
    describe_request,
    describe_stage,
    is_backend,
    name_request,
)
from ironleaf.application.tracing.settings import TracingSettings
from ironleaf.application.version import VERSION
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Entry
from ironleaf.foundation.resilience import AttemptEnded
from ironleaf.web import ErrorSeen, RequestSeen

REQUESTS_MAX: Final = 2_000
"""Requests whose story is kept until they are answered: several times what may run and wait at once."""
PAGES_MAX: Final = 20
"""Pages of one request with a span of their own, the first: a long file takes under three milliseconds to tell."""
STAGES_MAX: Final = 20
"""Stages of one request beside those of its pages; there are six."""
QUEUE_MAX: Final = 8_192
"""Spans that wait for the collector; what comes while it is full is dropped."""
BATCH_MAX: Final = 512
EXPORT_S: Final = 5.0
"""How long the collector may take for a batch: on a thread of its own, it holds up nobody."""
CLOSE_S: Final = 3.0
"""How long closing waits for the last batch."""
_NANOSECONDS: Final = 1_000_000_000
_SERVER_ERROR: Final = 500


@dataclass(slots=True)
class _Story:
    """What is known of a request before it is answered."""

    stages: list[StageEnded] = field(default_factory=list[StageEnded])
    pages: list[PageEnded] = field(default_factory=list[PageEnded])
    pages_count: int = 0
    error: Entry | None = None


def make_exporter(endpoint: str) -> SpanExporter:
    """Return what posts spans to a collector; its headers come from ``OTEL_EXPORTER_OTLP_HEADERS``."""
    return OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S)


class Tracing:
    """A follower of the watching. Nothing here waits for the collector."""

    def __init__(self, exporter: SpanExporter, settings: TracingSettings, *, clock: Clock, replica: str) -> None:
        self._clock = clock
        self._exporter = exporter
        self._continues = settings.continue_callers
        self._stories: dict[str, _Story] = {}
        names = {"service.name": "ironleaf", "service.version": VERSION, "service.instance.id": replica}
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.share)),
            resource=Resource.create(names),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=QUEUE_MAX, max_export_batch_size=BATCH_MAX)
        )
        self._tracer = self._provider.get_tracer("ironleaf", VERSION)

    def hear_stage(self, ended: StageEnded) -> None:
        """Keep a stage until its request is answered."""
        stages = self._story(ended.request_id).stages
        if len(stages) < STAGES_MAX:
            stages.append(ended)

    def hear_page(self, ended: PageEnded) -> None:
        """Keep a page until its request is answered."""
        story = self._story(ended.request_id)
        story.pages_count += 1
        if len(story.pages) < PAGES_MAX:
            story.pages.append(ended)

    def hear_error(self, seen: ErrorSeen) -> None:
        """Keep what the caller was told."""
        self._story(seen.request_id).error = seen.entry

    def hear_request(self, seen: RequestSeen) -> None:
        """Write the trace of a request that is answered."""
        story = self._stories.pop(seen.request_id, None) or _Story()
        if seen.route not in QUIET_ROUTES:
            self._write(seen, story)

    async def aclose(self) -> None:
        """Send what is left, if that works at once."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.to_thread(self._provider.shutdown)
        except TimeoutError:
            self._exporter.shutdown()  # ends its waits between two tries, and so the thread

    def _story(self, request_id: str) -> _Story:
        story = self._stories.get(request_id)
        if story is None:
            while len(self._stories) >= REQUESTS_MAX:
                del self._stories[next(iter(self._stories))]
            story = self._stories[request_id] = _Story()
        return story

    def _write(self, seen: RequestSeen, story: _Story) -> None:
        pen = _Pen(self._clock)
        parent = _read_parent(seen.traceparent if self._continues else None)
        root = self._tracer.start_span(
            name_request(seen),
            context=parent,
            kind=SpanKind.SERVER,
            attributes=describe_request(seen),
            start_time=pen.moment_ns(pen.now_s - seen.duration_ms / 1000),
        )
        if root.is_recording():
            if story.error is not None:
                root.set_attributes(dict(describe_entry(story.error)))
            if seen.status >= _SERVER_ERROR:
                root.set_status(Status(StatusCode.ERROR))
            if story.pages_count:
                root.set_attribute("ironleaf.pages", story.pages_count)
            self._write_below(set_span_in_context(root), story, pen)
        root.end(pen.moment_ns(pen.now_s))

    def _write_below(self, within: Context, story: _Story, pen: _Pen) -> None:
        for stage in story.stages:
            self._write_stage(within, stage, pen)
        for page in story.pages:
            times = [(each.began_s, each.ended_s) for each in page.stages]
            if not times:
                continue
            span = self._span(
                within,
                f"page {page.page.number}",
                (min(began for began, _ in times), max(ended for _, ended in times)),
                {**describe_page(page), **describe_failure(page.failure)},
                pen,
            )
            inside = set_span_in_context(span)
            for stage in page.stages:
                self._write_stage(inside, stage, pen)
            for asked in page.asked:
                self._write_asked(inside, asked, page.attempts, pen)

    def _write_stage(self, within: Context, ended: StageEnded, pen: _Pen) -> None:
        span_times = ended.began_s, ended.ended_s
        self._span(within, ended.stage.value, span_times, describe_stage(ended), pen)

    def _write_asked(self, within: Context, asked: EngineAsked, attempts: tuple[AttemptEnded, ...], pen: _Pen) -> None:
        times = asked.ended_s - asked.duration_s, asked.ended_s
        attributes = {**describe_asked(asked), **describe_failure(asked.error)}
        span = self._span(within, f"ask {asked.alias}", times, attributes, pen)
        if not is_backend(asked):
            return
        mine = [attempt for attempt in attempts if attempt.name == asked.alias]
        for number, attempt in enumerate(mine, start=1):
            self._span(
                set_span_in_context(span),
                f"chat {attempt.name}",
                (attempt.at_s - attempt.duration_s, attempt.at_s),
                {**describe_attempt(attempt, number), **describe_failure(attempt.private_failure)},
                pen,
                kind=SpanKind.CLIENT,
            )

    def _span(
        self,
        within: Context,
        name: str,
        times: tuple[float, float],
        attributes: Attributes,
        pen: _Pen,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Span:
        began_s, ended_s = times
        span = self._tracer.start_span(
            name, context=within, kind=kind, attributes=attributes, start_time=pen.moment_ns(began_s)
        )
        if "error.type" in attributes or attributes.get("ironleaf.ok") is False:
            span.set_status(Status(StatusCode.ERROR))
        span.end(pen.moment_ns(ended_s))
        return span


class _Pen:
    """Turns the clock's monotonic seconds into moments as spans have them."""

    def __init__(self, clock: Clock) -> None:
        self.now_s = clock.monotonic()
        self._offset_s = clock.now().timestamp() - self.now_s

    def moment_ns(self, at_s: float) -> int:
        return round((at_s + self._offset_s) * _NANOSECONDS)


def _read_parent(traceparent: str | None) -> Context | None:
    """Return the caller's span; nothing if there is none, or if what it says is none."""
    if traceparent is None:
        return Context()
    _, trace_id, span_id, flags = traceparent.split("-")
    parent = SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16) & TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context()) if parent.is_valid else Context()
