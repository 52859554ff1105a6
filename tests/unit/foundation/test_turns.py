from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.faults import ManualClock
from ironleaf.foundation.turns import Turns, current_party, on_behalf_of


def fill(*parties: str) -> Turns[str]:
    turns: Turns[str] = Turns()
    for number, party in enumerate(parties):
        turns.join(f"{party}{number}", party)
    return turns


def drain(turns: Turns[str]) -> list[str]:
    return list(iter(turns.next, None))


def test_within_a_party_it_is_first_come_first_served() -> None:
    assert drain(fill("a", "a", "a")) == ["a0", "a1", "a2"]


def test_parties_take_turns_however_much_one_wants() -> None:
    turns = fill("a", "a", "a", "a", "b", "b", "c")
    assert len(turns) == 7
    assert drain(turns) == ["a0", "b4", "c6", "a1", "b5", "a2", "a3"]
    assert len(turns) == 0


def test_who_comes_back_after_his_turn_stands_behind_the_others() -> None:
    turns = fill("a", "b")
    assert turns.next() == "a0"
    turns.join("a9", "a")
    assert drain(turns) == ["b1", "a9"]


def test_who_leaves_is_forgotten() -> None:
    turns = fill("a", "b", "b")
    assert turns.leave("b1")
    assert not turns.leave("b1")
    assert turns.leave("a0")
    assert drain(turns) == ["b2"]
    assert turns.next() is None


def test_the_last_of_the_longest_line_makes_room_for_who_has_less() -> None:
    turns = fill("a", "a", "a", "b")
    assert turns.has_room_for("c")
    assert turns.has_room_for("b")
    assert not turns.has_room_for("a")
    assert turns.drop_last_of_longest() == ("a2", "a")
    assert not turns.has_room_for("b")  # two each is as fair as it gets
    assert not fill().has_room_for("a")
    with pytest.raises(KeyError):
        fill().drop_last_of_longest()


def test_a_line_that_was_dropped_to_its_end_is_gone() -> None:
    turns = fill("a")
    assert turns.drop_last_of_longest() == ("a0", "a")
    assert turns.next() is None


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.sampled_from("abcde"))
def test_nobody_waits_longer_than_was_said(parties: list[str], newcomer: str) -> None:
    turns = fill(*parties)
    most = turns.ahead_of(newcomer)
    own, others = parties.count(newcomer), len(set(parties) - {newcomer})
    assert most <= own + others * (own + 1)
    turns.join("me", newcomer)
    assert drain(turns).index("me") <= most


@pytest.mark.anyio
async def test_tasks_work_on_behalf_of_whoever_started_them() -> None:
    async def name() -> str:
        await asyncio.wait([asyncio.create_task(ManualClock().settle())])
        return current_party()

    assert current_party() == ""
    with on_behalf_of("a"):
        task = asyncio.create_task(name())
        with on_behalf_of("b"):
            assert await name() == "b"
        assert current_party() == "a"
    assert await task == "a"
    assert current_party() == ""
