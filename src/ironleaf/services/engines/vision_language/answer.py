"""What the engine knows about one answer, for those who judge it. Private: it holds page content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ironleaf.foundation.errors import ModelFailure
from ironleaf.services.engines.errors import NotAsked
from ironleaf.services.engines.upstream_failures import UpstreamAnswer, UpstreamVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.errors import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One model's answer about one page, before it is believed."""

    text: str
    """As the model gave it, with the profile's habits still on."""
    prompt: str
    """What it was asked, without the image."""
    finish_reason: str | None
    prompt_tokens: int | None
    """As the server counts them; None where it does not."""
    text_tokens: int | None
    """What the same prompt costs without the image; None while there is no reason to know.

    An image was ignored where ``prompt_tokens`` is no larger than this."""
    completion_tokens: int | None
    refusal: str | None
    """The protocol's own field for refusals."""
    aborted: str | None
    """Why the stream was cut by the watch, where it was."""
    ink_share: float
    """Of the picture that was sent, 0-1."""
    page: int


class Rejection(Protocol):
    """A judge's reason not to believe an answer."""

    @property
    def entry(self) -> Entry:
        """What a caller is told if nothing else can read the page."""
        ...

    @property
    def reason(self) -> str:
        """The verdict, from a closed list: stands in the page's attempts."""
        ...

    @property
    def may_be_right(self) -> bool:
        """Whether a model in good health says so of some pages: that there is nothing to read."""
        ...


Judge = Callable[[Answer], Rejection | None]
Doubt = Callable[[Answer], tuple[str, ...]]
"""Says what is doubtful in an answer that is believed: reasons from the closed list of warnings."""
Watch = Callable[[str], str | None]
"""Gets each piece of text as it streams; a reason in return cuts the stream."""
Classify = Callable[[UpstreamAnswer], UpstreamVerdict]


class UpstreamFailure(ModelFailure):
    """The model server gave no usable answer; ``verdict`` says what that means.

    ``deadline_bound`` is true where the request's own deadline ended the call:
    no evidence against the server.
    """

    def __init__(
        self,
        entry: Entry,
        *,
        verdict: UpstreamVerdict,
        deadline_bound: bool = False,
        context: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(entry, retry_after_s=verdict.retry_after_s, context=context)
        self.verdict = verdict
        self.deadline_bound = deadline_bound
        self.blames_input = False
        """Set by a guard that saw the server read another page well at the same time."""

    def __reduce__(self) -> tuple[object, ...]:
        keywords = {"verdict": self.verdict, "deadline_bound": self.deadline_bound, "context": self.context}
        return (partial(UpstreamFailure, **keywords), (self.entry,))


class NotOffered(NotAsked):
    """The page was not sent: the server has just refused its like as too large, and an equal can read it.

    Speaks with the entry of that refusal. No attempt was made, so it says nothing of the server.
    """


class AnswerRejected(ModelFailure):
    """The model answered, and the answer was found wanting; ``rejection`` is the judge's own word on it."""

    def __init__(self, rejection: Rejection, *, context: Mapping[str, object] | None = None) -> None:
        super().__init__(rejection.entry, context=context)
        self.rejection = rejection
        self.blames_input = False
        """Set by a guard that saw the server read another page well at the same time."""

    def __reduce__(self) -> tuple[object, ...]:
        return (partial(AnswerRejected, context=self.context), (self.rejection,))
