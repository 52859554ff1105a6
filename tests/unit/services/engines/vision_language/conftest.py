"""Pages, settings and a transport without sockets."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from ironleaf.document import PageImage, PageSource, RenderSpec
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from ironleaf.services.engines.vision_language.body import RequestBody


@pytest.fixture
def make_settings() -> Callable[..., BackendSettings]:
    def make(**changes: Any) -> BackendSettings:
        return BackendSettings(**{"alias": "main", "base_url": "http://127.0.0.1:9/v1", "model": "m", **changes})

    return make


@dataclass
class DrawnPage:
    """A page with what was asked of it."""

    source: PageSource
    specs: list[RenderSpec]


@pytest.fixture
def make_page(tmp_path: Path) -> Callable[..., DrawnPage]:
    def make(
        *, content: bytes = bytes(range(256)) * 40, width_px: int = 800, height_px: int = 1000, spooled: bool = False
    ) -> DrawnPage:
        path = tmp_path / "page.jpg"
        path.write_bytes(content)
        specs: list[RenderSpec] = []

        async def render(spec: RenderSpec) -> PageImage:
            specs.append(spec)
            return PageImage(
                path=path,
                encoding=spec.encoding,
                width_px=width_px,
                height_px=height_px,
                bytes=len(content),
                ink_share=0.1,
                spooled=spooled,
            )

        return DrawnPage(PageSource(number=3, width_px=width_px, height_px=height_px, render=render), specs)

    return make


@dataclass
class CannedReply:
    status: int
    headers: dict[str, str]
    pieces: list[bytes]

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


@dataclass
class CannedTransport:
    """Answers from a list; keeps what was sent."""

    replies: list[CannedReply]
    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    closed: int = 0
    """Calls whose context was left."""

    @contextlib.asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        body: RequestBody | None = None,
        *,
        accept: str = "",
        traceparent: str | None = None,
    ) -> AsyncGenerator[CannedReply]:
        self.sent.append(
            {"method": method, "path": path, "body": orjson.loads(b"".join(body.chunks())) if body else {}}
        )
        try:
            yield self.replies.pop(0)
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        return None


@pytest.fixture
def make_transport() -> Callable[..., CannedTransport]:
    def make(*bodies: object) -> CannedTransport:
        return CannedTransport([CannedReply(200, {}, [_raw(body)]) for body in bodies])

    return make


def _raw(body: object) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body)
