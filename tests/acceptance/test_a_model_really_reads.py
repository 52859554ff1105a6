"""Promise: with a model server that can read, it is the model that reads: what is sent is the page itself."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.ocr_shim import MODEL, ReadingModelServer
from tests.fixtures.service import EXAMPLES, Service, run_service
from tests.fixtures.text_distance import error_share

from ironleaf.application.bootstrap import build_readers
from ironleaf.application.settings import VlSettings
from ironleaf.foundation.clock import SystemClock
from ironleaf.services.engines.canary import CANARY_HEIGHT_PX, CANARY_WIDTH_PX
from ironleaf.services.engines.examination import Finding, look_at
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]

ALIAS = "reading-room"
ERROR_SHARE_MAX = 0.03


def backend(shim: ReadingModelServer, **more: object) -> dict[str, Any]:
    return {"alias": ALIAS, "base_url": shim.base_url, "model": MODEL, **more}


@contextmanager
def serve(directory: Path, *backends: dict[str, Any]) -> Iterator[Service]:
    yield from run_service(
        directory,
        IRONLEAF_ENGINES__VL__BACKENDS=json.dumps(backends),
        IRONLEAF_ENGINES__VL__HEALING__LEDGER_DIRECTORY=str(directory / "ledger"),
    )


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "in one piece"])
def test_the_model_reads_the_page_that_was_sent(tmp_path: Path, stream: bool) -> None:
    with ReadingModelServer() as shim, serve(tmp_path, backend(shim, stream=stream)) as service:
        document = service.document(EXAMPLES / "receipt.jpg", engine="vl", output_format="text")
    truth = (EXAMPLES / "receipt.txt").read_text(encoding="utf-8")
    assert error_share(document["text"], truth) <= ERROR_SHARE_MAX
    (page,) = document["pages"]
    assert (page["engine"], page["model"], page["status"]) == ("vl", ALIAS, "succeeded")
    assert (document["degraded"], page["degraded_reason"]) == (False, None)
    sizes = [(call.width_px, call.height_px) for call in shim.asked if call.stream is stream]
    assert sizes.count((page["width_px"], page["height_px"])) == 1  # else it was the watch's canary page


def test_every_page_of_a_scan_reaches_the_model(tmp_path: Path) -> None:
    with ReadingModelServer() as shim, serve(tmp_path, backend(shim)) as service:
        document = service.document(EXAMPLES / "scanned.pdf", engine="vl", output_format="text")
    truth = (EXAMPLES / "scanned.txt").read_text(encoding="utf-8")
    assert error_share(document["text"], truth) <= ERROR_SHARE_MAX
    assert [page["model"] for page in document["pages"]] == [ALIAS, ALIAS]


def test_a_model_that_does_not_look_is_found_out(tmp_path: Path) -> None:
    """The counterproof: the same server, its eyes shut. The text then comes from the embedded engine, and says so."""
    with ReadingModelServer(blind=True) as shim, serve(tmp_path, backend(shim)) as service:
        document = service.document(EXAMPLES / "receipt.jpg", output_format="text")
    truth = (EXAMPLES / "receipt.txt").read_text(encoding="utf-8")
    assert error_share(document["text"], truth) <= ERROR_SHARE_MAX
    (page,) = document["pages"]
    assert (page["engine"], document["degraded"]) == ("embedded", True)
    assert page["degraded_reason"] == "image-ignored"


@pytest.mark.anyio
@pytest.mark.parametrize(("blind", "finding"), [(False, Finding.READS), (True, Finding.BLIND)])
async def test_the_canary_page_tells_who_can_read(blind: bool, finding: Finding) -> None:
    with ReadingModelServer(blind=blind) as shim:
        (reader,) = build_readers(VlSettings(backends=(BackendSettings(**backend(shim)),)))
        try:
            look = await look_at(reader, SystemClock())
        finally:
            await reader.aclose()
        assert look.finding is finding
        if not blind:
            assert (shim.asked[0].width_px, shim.asked[0].height_px) == (CANARY_WIDTH_PX, CANARY_HEIGHT_PX)
