"""Which rung of the ladder a page goes to: the rules that wiring and foresight share. Pure."""

from __future__ import annotations

from ironleaf.application.options import EngineChoice
from ironleaf.document import EngineName, PageSource, TextLayer
from ironleaf.services.engines.base import Engine


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
