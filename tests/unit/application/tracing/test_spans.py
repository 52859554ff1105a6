"""One trace for each request: its stages, pages and calls at their own times, and nothing of a caller's in it."""

from __future__ import annotations

import logging
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ironleaf.application.pages import make_failed_page, make_page
from ironleaf.application.settings import SettingsRefused, load_settings
from ironleaf.application.stages import EngineAsked, FlowStage, PageEnded, StageEnded
from ironleaf.application.tracing.building import build_tracing
from ironleaf.application.tracing.settings import TracingSettings
from ironleaf.application.tracing.spans import PAGES_MAX, REQUESTS_MAX, Tracing
from ironleaf.application.watching import Watching
from ironleaf.document import EngineName, Grade, PageResult, PageSource, Quality
from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import ModelFailure
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR
from ironleaf.foundation.resilience import AttemptEnded
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.files.errors import TOO_MANY_PAGES
from ironleaf.web import ErrorSeen, RequestSeen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

pytestmark = pytest.mark.anyio
REQUEST = "01JDA2B3C4D5E6F7G8H9J0K1M2"
ENDPOINT = "http://127.0.0.1:9/v1/traces"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CANARY = "canary-7f3a"


class Traces:
    """A tracing, and the spans that it has written."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.exporter = InMemorySpanExporter()
        chosen = TracingSettings(endpoint=ENDPOINT, **settings)
        self.tracing = Tracing(self.exporter, chosen, clock=self.clock, replica="replica-1")
        self.watching = Watching(self.clock)
        self.watching.follow(self.tracing)

    async def spans(self) -> dict[str, ReadableSpan]:
        await self.tracing.aclose()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traces() -> Traces:
    return Traces()


def answered(**changes: Any) -> RequestSeen:
    facts: dict[str, Any] = {
        "request_id": REQUEST,
        "client_request_id": CANARY,
        "method": "POST",
        "route": "/v1/convert",
        "status": 200,
        "duration_ms": 8_000.0,
        "body_bytes": 10,
    }
    return RequestSeen(**facts | changes)


def stage(name: FlowStage, began_s: float, ended_s: float, **more: Any) -> StageEnded:
    duration_s = ended_s - began_s
    return StageEnded(stage=name, request_id=REQUEST, duration_s=duration_s, began_s=began_s, ended_s=ended_s, **more)


def make_ended(number: int = 1, failure: ModelFailure | None = None, began_s: float = 2.0) -> PageEnded:
    source = PageSource(number=number, width_px=10, height_px=10)
    result = PageResult(engine=EngineName.VL, text=CANARY)
    page = make_failed_page(number, failure, "en") if failure else make_page(source, result, Quality(grade=Grade.GOOD))
    broken = ModelFailure(ENGINE_FAILED, context={"said": CANARY})
    broken.__cause__ = RuntimeError(CANARY)
    return PageEnded(
        page=page,
        failure=failure,
        request_id=REQUEST,
        media_type="image/png",
        stages=(stage(FlowStage.RECOGNISE, began_s, began_s + 4, media_type="image/png"),),
        asked=(
            EngineAsked("vl", "reader", 3.0, 0.5, 1.5, ended_s=began_s + 3, error=failure),
            *(() if failure else (EngineAsked("embedded", "embedded", 1.0, 0.0, 1.5, ended_s=began_s + 4),)),
        ),
        retried=(),
        attempts=(
            AttemptEnded(name="reader", at_s=began_s + 1, duration_s=1.0, private_failure=broken),
            AttemptEnded(name="reader", at_s=began_s + 3, duration_s=1.5),
            AttemptEnded(name="other", at_s=began_s + 3, duration_s=1.5),
        ),
    )


async def test_a_request_is_a_tree_of_stages_pages_and_calls_at_their_own_times(traces: Traces) -> None:
    traces.watching.hear_stage(stage(FlowStage.OPEN, 1.0, 2.0, media_type="image/png", pages=1))
    traces.watching.hear_page(make_ended())
    traces.clock.advance(9.0)
    traces.watching.hear_request(answered())
    spans = await traces.spans()
    root, page, ask = spans["POST /v1/convert"], spans["page 1"], spans["ask reader"]
    parents = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    assert parents == {
        "POST /v1/convert": None,
        "open": root.context.span_id,
        "page 1": root.context.span_id,
        "recognise": page.context.span_id,
        "ask reader": page.context.span_id,
        "ask embedded": page.context.span_id,
        "chat reader": ask.context.span_id,
    }
    assert {span.context.trace_id for span in spans.values()} == {root.context.trace_id}
    end_ns = traces.clock.now().timestamp() * 1e9
    times = {name: ((span.start_time - end_ns) / 1e9, (span.end_time - end_ns) / 1e9) for name, span in spans.items()}
    assert times["POST /v1/convert"] == pytest.approx((-8, 0), abs=1e-3)
    assert times["open"] == pytest.approx((-8, -7), abs=1e-3)
    assert times["page 1"] == pytest.approx((-7, -3), abs=1e-3)
    assert times["ask reader"] == pytest.approx((-7, -4), abs=1e-3)
    assert times["chat reader"] == pytest.approx((-5.5, -4), abs=1e-3)
    assert root.kind is SpanKind.SERVER
    assert spans["chat reader"].kind is SpanKind.CLIENT


async def test_calls_of_a_model_speak_the_conventions_for_generative_ai(traces: Traces) -> None:
    traces.watching.hear_page(make_ended())
    traces.watching.hear_request(answered())
    await traces.tracing.aclose()
    first, second = [span for span in traces.exporter.get_finished_spans() if span.name == "chat reader"]
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.request.model": "reader",
        "gen_ai.output.type": "text",
    }
    failed = {"error.type": "engine-failed", "ironleaf.error.code": ENGINE_FAILED.code, "ironleaf.error.level": "L3"}
    assert dict(first.attributes or {}) == {**common, "ironleaf.attempt": 1, **failed}
    assert dict(second.attributes or {}) == {**common, "ironleaf.attempt": 2}
    assert [span.status.status_code for span in (first, second)] == [StatusCode.ERROR, StatusCode.UNSET]
    assert first.status.description is None
    assert not first.events


async def test_an_error_is_told_by_its_catalogue_name_and_nothing_of_a_caller_or_an_exception_is_written(
    traces: Traces,
) -> None:
    failure = ModelFailure(ENGINE_FAILED, context={"said": CANARY})
    traces.watching.hear_page(make_ended(failure=failure))
    traces.watching.hear_error(
        ErrorSeen(
            request_id=REQUEST,
            client_request_id=CANARY,
            entry=INTERNAL_ERROR,
            method="POST",
            route="/v1/convert",
            status=500,
            exception=RuntimeError(CANARY),
            context={"path": CANARY},
        )
    )
    traces.watching.hear_request(answered(status=500))
    spans = await traces.spans()
    root = spans["POST /v1/convert"]
    assert root.status.status_code is StatusCode.ERROR
    assert (root.attributes or {})["error.type"] == INTERNAL_ERROR.reason
    assert (spans["page 1"].attributes or {})["error.type"] == ENGINE_FAILED.reason
    assert CANARY not in "".join(span.to_json() for span in spans.values())


async def test_a_refused_file_is_no_failure_of_the_server_but_has_its_reason(traces: Traces) -> None:
    seen = ErrorSeen(
        request_id=REQUEST,
        client_request_id=None,
        entry=TOO_MANY_PAGES,
        method="POST",
        route="/v1/convert",
        status=422,
        exception=None,
    )
    traces.watching.hear_stage(stage(FlowStage.CHECK, 0, 1, ok=False))
    traces.watching.hear_error(seen)
    traces.watching.hear_request(answered(status=422))
    spans = await traces.spans()
    assert spans["POST /v1/convert"].status.status_code is StatusCode.UNSET
    assert (spans["POST /v1/convert"].attributes or {})["error.type"] == TOO_MANY_PAGES.reason
    assert spans["check"].status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("method", ["BREW canary-7f3a", "canary-7f3a"])
async def test_words_of_a_caller_name_no_span(traces: Traces, method: str) -> None:
    traces.watching.hear_request(answered(method=method, route="-", status=404))
    (span,) = (await traces.spans()).values()
    assert (span.name, (span.attributes or {})["http.request.method"]) == ("HTTP", "_OTHER")
    assert CANARY not in span.to_json()


async def test_the_callers_trace_is_continued_and_its_word_on_sampling_heeded(traces: Traces) -> None:
    traces.watching.hear_request(answered(traceparent=f"00-{TRACE}-{SPAN}-01"))
    traces.watching.hear_request(answered(traceparent=f"00-{'9' * 32}-{SPAN}-00", route="/v1/inspect"))
    spans = await traces.spans()
    assert list(spans) == ["POST /v1/convert"]
    (span,) = spans.values()
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == SPAN


@pytest.mark.parametrize("traceparent", [f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", None])
async def test_a_trace_that_is_none_is_not_continued(traces: Traces, traceparent: str | None) -> None:
    traces.watching.hear_request(answered(traceparent=traceparent))
    (span,) = (await traces.spans()).values()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


async def test_callers_traces_are_passed_over_where_the_operator_says_so() -> None:
    traces = Traces(continue_callers=False)
    traces.watching.hear_request(answered(traceparent=f"00-{TRACE}-{SPAN}-00"))
    (span,) = (await traces.spans()).values()
    assert span.parent is None


async def test_of_a_share_of_nothing_nothing_is_written() -> None:
    traces = Traces(share=0.0)
    traces.watching.hear_page(make_ended())
    traces.watching.hear_request(answered())
    assert await traces.spans() == {}
    assert not traces.tracing._stories


async def test_probes_are_no_traces(traces: Traces) -> None:
    traces.watching.hear_request(answered(method="GET", route="/livez"))
    assert await traces.spans() == {}


async def test_long_files_and_forgotten_requests_cost_bounded_room(traces: Traces) -> None:
    for number in range(1, PAGES_MAX + 31):
        traces.watching.hear_page(make_ended(number))
    traces.watching.hear_request(answered())
    for number in range(REQUESTS_MAX + 10):
        traces.watching.hear_stage(StageEnded(stage=FlowStage.OPEN, request_id=str(number), duration_s=0, ended_s=0))
    assert len(traces.tracing._stories) == REQUESTS_MAX
    spans = await traces.spans()
    assert len([name for name in spans if name.startswith("page ")]) == PAGES_MAX
    assert (spans["POST /v1/convert"].attributes or {})["ironleaf.pages"] == PAGES_MAX + 30


async def test_a_collector_that_fails_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise ZeroDivisionError

    clock = ManualClock()
    tracing = Tracing(Broken(), TracingSettings(endpoint=ENDPOINT), clock=clock, replica="r")
    watching = Watching(clock)
    watching.follow(tracing)
    with caplog.at_level(logging.CRITICAL, "opentelemetry"):
        watching.hear_request(answered())
        await tracing.aclose()
    assert watching.failures == 0


def test_without_an_address_nothing_is_built() -> None:
    clock = ManualClock()
    assert build_tracing(TracingSettings(), Watching(clock), clock=clock, replica="r") is None


def test_an_address_without_the_extra_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name == "opentelemetry.exporter" else ModuleSpec(name, None)

    monkeypatch.setattr("ironleaf.application.tracing.building.find_spec", find)
    with pytest.raises(SettingsRefused, match="IRONLEAF_TRACING__ENDPOINT"):
        build_tracing(TracingSettings(endpoint=ENDPOINT), Watching(ManualClock()), clock=ManualClock(), replica="r")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tracing.endpoint": "collector:4318"},
        {"tracing.endpoint": "http://user:canary-7f3a@collector"},
        {"tracing.endpoint": "http://[canary-7f3a"},
        {"tracing.share": 1.5},
    ],
    ids=["no scheme", "password", "no host", "share"],
)
def test_wrong_settings_are_refused_without_their_values(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environ={}, overrides=wrong)
    assert "tracing." in str(refused.value)
    assert CANARY not in str(refused.value)
