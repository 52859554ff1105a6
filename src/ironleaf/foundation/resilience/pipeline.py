"""Policies in one ordered list, outermost first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.foundation.resilience.base import Call, CallContext, Policy, T


class Pipeline:
    """Several policies as one. The list is the documentation: the first is the outermost."""

    def __init__(self, policies: Sequence[Policy], *, name: str = "pipeline") -> None:
        self._policies = tuple(policies)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies in their order, for a test to look at."""
        return self._policies

    def guard(self, call: Call[T]) -> Call[T]:
        """Return ``call`` inside every policy: folded once, callable any number of times."""
        for policy in reversed(self._policies):
            call = _inside(policy, call)
        return call

    async def execute(self, call: Call[T], context: CallContext) -> T:
        return await self.guard(call)(context)


def _inside(policy: Policy, call: Call[T]) -> Call[T]:
    async def guarded(context: CallContext) -> T:
        return await policy.execute(call, context)

    return guarded
