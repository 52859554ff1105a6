from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from ironleaf.foundation.resilience import CallContext, Pipeline


@dataclass
class Recorder:
    name: str
    log: list[str] = field(default_factory=list)

    async def execute(self, call, context):
        self.log.append(f"{self.name} in {context.attempt}")
        try:
            return await call(replace(context, attempt=context.attempt + 1))
        finally:
            self.log.append(f"{self.name} out")


@pytest.mark.anyio
async def test_the_first_policy_is_the_outermost(make_context) -> None:
    log: list[str] = []
    pipeline = Pipeline([Recorder("a", log), Recorder("b", log), Recorder("c", log)], name="page")

    async def call(context: CallContext) -> str:
        log.append(f"call {context.attempt}")
        return "text"

    assert await pipeline.execute(call, make_context()) == "text"
    assert log == ["a in 1", "b in 2", "c in 3", "call 4", "c out", "b out", "a out"]
    assert [policy.name for policy in pipeline.policies] == ["a", "b", "c"]
    assert pipeline.name == "page"


@pytest.mark.anyio
async def test_a_guarded_call_can_be_called_again(make_context) -> None:
    log: list[str] = []

    async def call(context: CallContext) -> int:
        return context.attempt

    guarded = Pipeline([Recorder("a", log)]).guard(call)
    assert [await guarded(make_context()), await guarded(make_context())] == [2, 2]
    assert log == ["a in 1", "a out"] * 2


@pytest.mark.anyio
async def test_a_pipeline_is_a_policy_and_an_empty_one_changes_nothing(make_context) -> None:
    log: list[str] = []
    context = make_context()

    async def call(given: CallContext) -> CallContext:
        return given

    assert await Pipeline([]).execute(call, context) is context
    assert Pipeline([]).name == "pipeline"
    nested = Pipeline([Recorder("outer", log), Pipeline([Recorder("inner", log)])])
    assert (await nested.execute(call, context)).attempt == 3
    assert log == ["outer in 1", "inner in 2", "inner out", "outer out"]


@pytest.mark.anyio
async def test_failures_pass_through_unchanged(make_context) -> None:
    failure = LookupError()

    async def call(_context: CallContext) -> str:
        raise failure

    with pytest.raises(LookupError) as caught:
        await Pipeline([Recorder("a")]).execute(call, make_context())
    assert caught.value is failure


@pytest.mark.parametrize("cost", [0.0, -1.0])
def test_a_call_costs_something(make_context, cost: float) -> None:
    with pytest.raises(ValueError, match=r"^cost must be above zero$"):
        make_context(cost=cost)


def test_a_context_says_nothing_unless_told(make_context) -> None:
    context = make_context()
    assert (context.cost, context.attempt, context.alternative_left, context.queue.waited_s) == (1.0, 1, False, 0.0)
