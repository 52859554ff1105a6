"""The engines' port: something that turns a page into text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from ironleaf.foundation.errors import IronleafError, ModelFailure
from ironleaf.foundation.resilience import Silence

if TYPE_CHECKING:
    from ironleaf.document import Attempt, EngineName, PageImage, PageResult, PageSource
    from ironleaf.foundation.clock import Deadline


PIXELS_PER_COST: Final = 1_000_000
"""Work is counted in megapixels: a page twice as large may take twice as long."""
PIXELS_UNKNOWN: Final = 2_000_000
"""An A4 page as most models want it."""


def count_pixels(page: PageSource) -> int:
    """Return how large a page is; one of unknown size counts as an A4 page."""
    return page.width_px * page.height_px if page.width_px and page.height_px else PIXELS_UNKNOWN


class RungsExhausted(ModelFailure):
    """Every engine that could have read a page failed. Speaks with the last one's entry; ``attempts`` has them all."""

    def __init__(self, last: IronleafError, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(last.entry, details=last.details, retry_after_s=last.retry_after_s, context=last.context)
        self.attempts = attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniseRequest:
    """What the caller asked for, as far as an engine may know it."""

    deadline: Deadline
    languages: tuple[str, ...] = ()
    """BCP-47 hints."""
    prompt: str | None = None
    """For VL engines only."""
    request_id: str | None = None
    alternative_left: bool = False
    """Another engine can still read the page if this one fails: patience is worth less."""
    equal_left: bool = False
    """Another engine of the same kind can read the page now: it is asked rather than this one again."""
    silence: Silence = field(default_factory=Silence)
    """Told when a question goes out and when its answer begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine declares about itself."""

    needs_image: bool
    takes_prompt: bool = False
    gives_regions: bool = False
    scripts: frozenset[str] = field(default_factory=frozenset)
    """ISO 15924 codes that it reads; empty = no claim."""


class Engine(Protocol):
    """Turns one page into text.

    A guard around an engine (breaker, retry, ladder) is an engine too.
    """

    @property
    def name(self) -> EngineName:
        """The public name."""
        ...

    @property
    def alias(self) -> str:
        """The public alias of this very engine: equal to the name unless the operator gave one."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        """Return what is written on the page.

        Raises:
            IronleafError: with an entry of the engines' catalogue; foreign
                exceptions never leave an engine.
        """
        ...

    async def aclose(self) -> None:
        """Give everything back; calling it twice does no harm."""
        ...


def discard(image: PageImage) -> None:
    """Delete a picture that was drawn for one reading; the canary page, and whatever else is nobody's, stays."""
    if image.spooled:
        image.path.unlink(missing_ok=True)
