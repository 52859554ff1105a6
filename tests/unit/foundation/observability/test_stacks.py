"""Exceptions as data, and their fingerprints."""

from __future__ import annotations

import re
import types
from itertools import pairwise
from typing import Any

import pytest

from ironleaf.foundation.observability.stacks import CHAIN_MAX, FRAMES_MAX, describe_stack, make_fingerprint, say_error


def caught(run: Any) -> BaseException:
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def in_module(name: str, source: str) -> Any:
    """Return the function ``f`` of a module of this name."""
    space: dict[str, Any] = {"__name__": name}
    exec(compile(source, "made.py", "exec"), space)  # noqa: S102 - our own source
    return space["f"]


def test_frames_are_named_and_numbered_innermost_last() -> None:
    def inner() -> None:
        raise KeyError("k")

    def outer() -> None:
        inner()

    (link,) = describe_stack(caught(outer))
    assert (link["type"], link["message"]) == ("builtins.KeyError", "'k'")
    frames: Any = link["frames"]
    assert [re.sub(r"\d+$", "N", frame).removeprefix(f"{__name__}:") for frame in frames] == [
        "caught:N",
        "test_frames_are_named_and_numbered_innermost_last.<locals>.outer:N",
        "test_frames_are_named_and_numbered_innermost_last.<locals>.inner:N",
    ]


def deepen(depth: int) -> None:
    if depth == 0:
        raise ValueError
    deepen(depth - 1)


@pytest.mark.parametrize("over", [-1, 0, 1, 2])
def test_deep_stacks_lose_their_outer_frames(over: int) -> None:
    (link,) = describe_stack(caught(lambda: deepen(FRAMES_MAX + over - 3)))
    frames: Any = link["frames"]
    if over <= 0:
        assert len(frames) == FRAMES_MAX + over
        assert "caught" in frames[0]
    else:
        assert frames[0] == f"... {over} outer frames"
        assert len(frames) == FRAMES_MAX + 1
        assert all("deepen" in frame for frame in frames[-5:])


def kinds(error: BaseException) -> list[str]:
    return [str(link["message"]) for link in describe_stack(error)]


def chain(*words: str) -> BaseException:
    errors = [ValueError(word) for word in words]
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def test_causes_are_followed_before_contexts_and_hidden_contexts_are_not() -> None:
    error = chain("a", "b")
    error.__context__ = ValueError("c")
    assert kinds(error) == ["a", "b"]
    with_context = ValueError("a")
    with_context.__context__ = ValueError("c")
    assert kinds(with_context) == ["a", "c"]
    with_context.__suppress_context__ = True
    assert kinds(with_context) == ["a"]


def test_chains_end() -> None:
    assert kinds(chain(*"abcdefgh")) == list("abcdefgh"[:CHAIN_MAX])
    circle = chain("a", "b")
    assert circle.__cause__ is not None
    circle.__cause__.__cause__ = circle
    assert kinds(circle) == ["a", "b"]


def test_members_of_a_group_come_before_its_cause() -> None:
    group = ExceptionGroup("g", [chain("a", "b"), ValueError("c")])
    group.__cause__ = ValueError("d")
    assert kinds(group) == ["g (2 sub-exceptions)", "a", "b", "c", "d"]


def test_an_exception_says_its_words_or_that_it_has_none() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise self.args[0]

    assert say_error(ValueError("words")) == "words"
    assert say_error(Mute(ValueError())) == "<no words>"
    assert say_error(Mute(KeyboardInterrupt())) == "<no words>"


SOURCE = "def f(depth=0):\n    if depth: f(depth - 1)\n    raise {error}('{word}')\n"


def print_of(name: str, error: str = "ValueError", word: str = "w", reason: str = "r", blank: int = 0) -> str:
    run = in_module(name, "\n" * blank + SOURCE.format(error=error, word=word))
    return make_fingerprint(caught(run), reason)


def test_a_fingerprint_is_equal_for_the_same_kind_of_error() -> None:
    first = print_of("ironleaf.a")
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert print_of("ironleaf.a", word="other words") == first
    assert print_of("ironleaf.a", blank=7) == first  # other lines
    assert print_of("ironleaf.b") != first
    assert print_of("ironleaf.a", error="KeyError") != first
    assert print_of("ironleaf.a", reason="other") != first
    assert print_of("foreign.a") == print_of("foreign.b") != first


def test_a_fingerprint_is_a_fixed_value() -> None:
    """Stored ones are compared with new ones after an update."""
    assert make_fingerprint(ValueError("x"), "r") == "ca39fa61dab0"
    assert print_of("ironleaf.a") == "60ada4a9b42d"


def test_only_the_innermost_own_frames_count() -> None:
    run = in_module("ironleaf.a", SOURCE.format(error="ValueError", word="w"))
    depths = {depth: make_fingerprint(caught(lambda depth=depth: run(depth)), "r") for depth in range(9)}
    assert len({depths[depth] for depth in range(5)}) == 5
    assert len({depths[depth] for depth in range(4, 9)}) == 1


def test_a_frame_without_a_module_is_named_by_a_question_mark() -> None:
    function = types.FunctionType(deepen.__code__, {"ValueError": ValueError})
    (link,) = describe_stack(caught(lambda: function(0)))
    frames: Any = link["frames"]
    assert re.fullmatch(r"\?:deepen:\d+", frames[-1])
