"""Which rung of the ladder a page goes to: the rules that wiring and foresight share. Pure."""

from __future__ import annotations

from collections.abc import Callable

from ironleaf.application.options import EngineChoice
from ironleaf.application.settings import VlSettings
from ironleaf.document import EngineName, PageSource, TextLayer
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.engines.base import Engine
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED
from ironleaf.services.files import errors as file_errors


def applies(engine: Engine, page: PageSource) -> bool:
    """Return whether an engine can read a page at all; one that cannot is passed over in silence."""
    if engine.capabilities.needs_image:
        return page.has_image
    return _find_text(page) is not None


def _find_text(page: PageSource) -> TextLayer | None:
    """Return the text that the page carries, if it can be trusted or there is nothing else to read."""
    layer = page.text_layer
    return layer if layer is not None and (layer.trustworthy or not page.has_image) else None


def foresee(choice: EngineChoice, page: PageSource, *, has_vl: bool) -> EngineName:
    """Return who would be asked first to read a page; the same rules as the ladder's."""
    layer = _find_text(page)
    if choice in {EngineChoice.AUTO, EngineChoice.TEXT_LAYER} and layer is not None:
        return EngineName.NATIVE if layer.native else EngineName.TEXT_LAYER
    if choice is EngineChoice.TEXT_LAYER or not page.has_image:
        return EngineName.NONE
    return EngineName.VL if has_vl and choice is not EngineChoice.EMBEDDED else EngineName.EMBEDDED


def make_step_rule(settings: VlSettings) -> Callable[[IronleafError], bool]:
    """Return when the next rung is asked: not for a page that cannot be drawn, nor against the operator's word."""
    of_files = frozenset(entry.reason for entry in file_errors.ENTRIES)

    def steps_down(error: IronleafError) -> bool:
        if error.entry == CONTENT_REFUSED:
            return settings.step_down_on_refusal
        return error.entry.reason not in of_files

    return steps_down
