"""What depends on what: the table contradicts itself nowhere."""

from __future__ import annotations

import graphlib
from dataclasses import replace
from itertools import product

import pytest
from tests.fixtures.alerts import START, make_signal

from ironleaf.application.catalogue import build_catalogue
from ironleaf.foundation.alerting.board import Board
from ironleaf.foundation.alerting.inhibition import DEPENDENCES, are_one, explains, find_parent, name_cause

COMPONENTS = (
    *("service", "database", "disk", "memory", "queue", "traffic", "alerting", "embedded", "text_layer", "model", "vl"),
    *("backend:reader", "backend:other"),
)
WORDS = (
    *("slow", "slow-open", "failed-requests", "conversions", "spool-full", "state-filling", "full", "silent"),
    *("degraded", "unhealthy", "blind", "delivery-failed"),
)
CAUSES = (*(entry.reason for entry in build_catalogue()), *WORDS)


def find_relations() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return for each known trouble those that explain it."""
    troubles = list(product(COMPONENTS, CAUSES))
    muted_by: dict[tuple[str, str], set[tuple[str, str]]] = {trouble: set() for trouble in troubles}
    for row in DEPENDENCES:
        parents = [each for each in troubles if row.parent.fits(*each)]
        for child in [each for each in troubles if row.child.fits(*each)]:
            muted_by[child] |= {each for each in parents if not row.same_component or each[0] == child[0]}
    return {child: parents - {child} for child, parents in muted_by.items()}


def test_no_trouble_mutes_what_mutes_it() -> None:
    relations = find_relations()
    tuple(graphlib.TopologicalSorter(relations).static_order())  # raises CycleError
    for child in list(relations)[::97]:
        assert relations[child] == {parent for parent in relations if explains(parent, child)}


@pytest.mark.parametrize("number", range(len(DEPENDENCES)))
def test_each_row_explains_something(number: int) -> None:
    row = DEPENDENCES[number]
    parents = [each for each in product(COMPONENTS, CAUSES) if row.parent.fits(*each)]
    children = [each for each in product(COMPONENTS, CAUSES) if row.child.fits(*each)]
    assert any(row.explains(parent, child) for parent in parents[::5] for child in children)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (("database", "database-unavailable"), ("service", "database-unavailable")),
        (("backend:reader", "model-unavailable"), ("backend:reader", "circuit-open")),
        (("backend:reader", "model-unavailable"), ("service", "failed-requests")),
        (("backend:reader", "model-timeout"), ("queue", "conversions")),
        (("backend:reader", "model-timeout"), ("model", "degraded")),
        (("backend:reader", "model-unreachable"), ("embedded", "slow")),
        (("backend:reader", "slow"), ("vl", "slow")),
        (("disk", "spool-full"), ("database", "database-unavailable")),
        (("memory", "full"), ("embedded", "engine-failed")),
        (("queue", "conversions"), ("service", "service-busy")),
    ],
)
def test_a_cause_explains_what_follows_from_it(parent: tuple[str, str], child: tuple[str, str]) -> None:
    assert explains(parent, child)
    assert not explains(child, parent)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (("backend:reader", "model-unavailable"), ("backend:other", "model-unavailable")),
        (("backend:reader", "model-unavailable"), ("service", "internal-error")),
        (("backend:reader", "model-unavailable"), ("disk", "spool-full")),
        (("database", "database-unavailable"), ("backend:reader", "model-unavailable")),
        (("disk", "spool-full"), ("backend:reader", "model-unavailable")),
        (("traffic", "silent"), ("service", "slow")),
    ],
)
def test_it_explains_nothing_else(parent: tuple[str, str], child: tuple[str, str]) -> None:
    assert not explains(parent, child)


def test_a_probe_and_an_error_speak_of_one_cause_by_one_name() -> None:
    assert name_cause("backend:reader", "model_missing") == "model-unavailable"
    assert name_cause("database", "degraded") == "database-unavailable"
    assert name_cause("model", "degraded") == "degraded"


def test_of_several_names_of_one_root_the_one_that_was_told_stands_for_all() -> None:
    assert are_one(("backend:reader", "model-timeout"), ("backend:reader", "model-unavailable"))
    assert not are_one(("backend:reader", "model-timeout"), ("backend:other", "model-unavailable"))
    board = Board()
    board.hear(make_signal(cause="model-timeout"), "a#1")
    board.hear(make_signal(cause="model-unavailable", at_s=1), "a#1")
    late, telling = board.incidents.values()
    assert find_parent(late, [telling]) == telling
    assert find_parent(telling, [late]) is None
    told = replace(late, announced_at=START)
    assert find_parent(told, [telling]) is None
    assert find_parent(telling, [told]) == told
