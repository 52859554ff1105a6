"""The text-layer engine: takes the text that the file itself carries. Never opens a file or draws a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ironleaf.document import EngineName, PageResult
from ironleaf.foundation.errors import ValidationProblem
from ironleaf.services.engines.base import Capabilities
from ironleaf.services.engines.errors import TEXT_LAYER_MISSING, TEXT_LAYER_UNTRUSTED

if TYPE_CHECKING:
    from ironleaf.document import PageSource
    from ironleaf.services.engines.base import RecogniseRequest


class TextLayerEngine:
    """Returns a page's own text, where it can be trusted or is all there will ever be."""

    @property
    def name(self) -> EngineName:
        return EngineName.TEXT_LAYER

    @property
    def alias(self) -> str:
        return EngineName.TEXT_LAYER.value

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(needs_image=False, gives_regions=True)

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:  # noqa: ARG002 - the port's
        """Return the page's own text; pages of formats that are text say ``native``.

        Raises:
            ValidationProblem: ``text-layer-missing`` or ``text-layer-untrusted``.
        """
        layer = page.text_layer
        if layer is None:
            raise ValidationProblem(TEXT_LAYER_MISSING)
        if not (layer.trustworthy or layer.native or not page.has_image):
            raise ValidationProblem(TEXT_LAYER_UNTRUSTED, context={"distrust": layer.distrust_reason})
        return PageResult(
            engine=EngineName.NATIVE if layer.native else EngineName.TEXT_LAYER,
            text=layer.text,
            blocks=layer.blocks,
            width_px=page.width_px,
            height_px=page.height_px,
            warnings=() if layer.trustworthy or layer.distrust_reason is None else (layer.distrust_reason,),
        )

    async def aclose(self) -> None:
        """Do nothing: there is nothing to give back."""
