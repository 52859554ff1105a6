"""An error whose answer needs headers beside its entry, as HTTP asks for with 401 and 429."""

from __future__ import annotations

from ironleaf.foundation.errors import BusinessError, Entry
from ironleaf.foundation.errors.base import PrivateContext


class Refusal(BusinessError):
    """Refused, and ``headers`` say how it could be done better. Their bytes are ours, never a caller's."""

    def __init__(
        self,
        entry: Entry,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        retry_after_s: float | None = None,
        context: PrivateContext | None = None,
    ) -> None:
        super().__init__(entry, retry_after_s=retry_after_s, context=context)
        self.headers = headers
