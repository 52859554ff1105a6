"""The canary page: a tiny picture with known words. A model that reads it works, whatever its `/health` says."""

from __future__ import annotations

import unicodedata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ironleaf.document import ImageEncoding, PageImage, PageSource, RenderSpec
from ironleaf.foundation.clock import Clock, Deadline
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.traces import within_trace
from ironleaf.services.engines.base import RecogniseRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.services.engines.base import Engine

CANARY_PATH: Final = Path(str(files("ironleaf.services.engines").joinpath("canary.png")))
CANARY_BYTES: Final = CANARY_PATH.stat().st_size
CANARY_WORDS: Final = ("IRONLEAF", "CANARY", "4729")
CANARY_WIDTH_PX: Final = 448
CANARY_HEIGHT_PX: Final = 112
"""Both multiples of 28, the patch of the Qwen-VL family: no scaling over there, about 64 tokens."""
CANARY_INK: Final = 0.08
CANARY_S: Final = 20.0
"""A cold model needs seconds; a warm one well under one."""


class CanaryFailed(Exception):
    """The model did not read the canary page."""


def make_canary_page() -> PageSource:
    """Return the page. Its picture is a file of the package: nothing has to be drawn."""
    return PageSource(number=1, width_px=CANARY_WIDTH_PX, height_px=CANARY_HEIGHT_PX, render=_render)


async def _render(_spec: RenderSpec) -> PageImage:
    return PageImage(
        path=CANARY_PATH,
        encoding=ImageEncoding.PNG,
        width_px=CANARY_WIDTH_PX,
        height_px=CANARY_HEIGHT_PX,
        bytes=CANARY_BYTES,
        ink_share=CANARY_INK,
    )


def is_read(text: str) -> bool:
    """Tell whether the canary's words stand in ``text``, whatever stands around them."""
    plain = "".join(unicodedata.normalize("NFKC", text).upper().split())
    return all(word in plain for word in CANARY_WORDS)


async def read_canary(engine: Engine, clock: Clock, *, timeout_s: float = CANARY_S) -> None:
    """Return if ``engine`` reads the canary page rightly.

    Raises:
        CanaryFailed: it answers something else.
        IronleafError: it fails.
    """
    request = RecogniseRequest(deadline=Deadline.after(timeout_s, clock))
    with within_trace(None):  # whoever happened to cause the look did not ask for this page
        result = await engine.recognise(make_canary_page(), request)
    if not is_read(result.text):
        raise CanaryFailed


class Doubt:
    """Tells "this input" from "this server" after an error that may be either: one look at the canary page.

    Looks are shared and their outcome is kept for a moment, so that an outage
    is not made worse by asking. ``may_ask`` counts each look and says when it is enough.
    """

    def __init__(
        self, engine: Engine, clock: Clock, *, may_ask: Callable[[], bool] = lambda: True, kept_s: float = 5.0
    ) -> None:
        self._may_ask = may_ask
        self._engine = engine
        self._clock = clock
        self._kept_s = kept_s
        self._looked_at_s: float | None = None
        self._works = False

    async def server_works(self) -> bool:
        """Return whether the server reads the canary page, as seen now or a moment ago."""
        now_s = self._clock.monotonic()
        if self._looked_at_s is not None and now_s - self._looked_at_s < self._kept_s:
            return self._works
        if not self._may_ask():
            return False
        self._looked_at_s, self._works = now_s, False  # meanwhile the others assume the worst
        try:
            await read_canary(self._engine, self._clock)
        except (IronleafError, CanaryFailed):
            return False
        self._works = True
        return True
