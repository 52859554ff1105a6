"""The workshop: one open file, everything foreign translated, memory left to the pool."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.errors import BusinessError, IronleafError, ProcessingFailure
from ironleaf.services.files.formats.base import (
    DecodeLimits,
    OpenedInfo,
    OpenJob,
    OpenRequest,
    PageInfo,
    PageJob,
    RenderedPage,
)
from ironleaf.services.files.formats.failures import translate_failure
from ironleaf.services.files.workshop import DecodingWorkshop

if TYPE_CHECKING:
    from ironleaf.document import RenderSpec


class ScriptedFile:
    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure
        self.closed = 0

    @property
    def info(self) -> OpenedInfo:
        return OpenedInfo(page_count=2)

    def describe(self, number: int) -> PageInfo:
        if self.failure is not None:
            warnings.warn("a library's remark", UserWarning, stacklevel=1)
            raise self.failure
        return PageInfo(number=number, width_px=1, height_px=1)

    def render(self, number: int, spec: RenderSpec, target: Path) -> RenderedPage:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1
        raise RuntimeError("close fails too")


class ScriptedDecoder:
    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure
        self.opened: list[ScriptedFile] = []

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"png", "pdf"})

    def open(self, request: OpenRequest, limits: DecodeLimits) -> ScriptedFile:
        self.opened.append(ScriptedFile(self.failure))
        return self.opened[-1]


def request(name: str = "a", file_format: str = "png", password: str | None = None) -> OpenRequest:
    return OpenRequest(path=Path(name), format=file_format, password=password)


def test_the_last_file_stays_open_and_only_that() -> None:
    decoder = ScriptedDecoder()
    workshop = DecodingWorkshop((decoder,), DecodeLimits())
    workshop(OpenJob(file=request()))
    workshop(PageJob(file=request(), number=1))
    assert len(decoder.opened) == 1
    workshop(PageJob(file=request(password="other"), number=1))
    assert [file.closed for file in decoder.opened] == [1, 0]
    workshop.close()
    assert decoder.opened[1].closed == 1


@pytest.mark.parametrize(
    "failure", [OSError("/secret/path"), SyntaxError("x"), struct.error("x"), KeyError("x"), RecursionError("x")]
)
@pytest.mark.parametrize(("file_format", "reason"), [("png", "damaged-image"), ("pdf", "damaged-pdf")])
def test_foreign_failures_become_damage_with_their_page(failure: Exception, file_format: str, reason: str) -> None:
    decoder = ScriptedDecoder(failure)
    workshop = DecodingWorkshop((decoder,), DecodeLimits())
    with pytest.raises(BusinessError) as caught:
        workshop(PageJob(file=request(file_format=file_format), number=2))
    assert (caught.value.entry.reason, caught.value.details[0].page) == (reason, 2)
    assert "secret" not in repr(caught.value.context)
    assert decoder.opened[0].closed == 1


def test_running_out_of_memory_is_the_pools_to_judge() -> None:
    with pytest.raises(MemoryError):
        DecodingWorkshop((ScriptedDecoder(MemoryError()),), DecodeLimits())(PageJob(file=request(), number=1))


def test_a_missing_file_is_our_fault() -> None:
    error = translate_failure(FileNotFoundError("x"), "png")
    assert isinstance(error, ProcessingFailure)
    assert error.entry.reason == "storage-failed"


def test_a_format_without_a_decoder_is_our_fault() -> None:
    with pytest.raises(IronleafError) as caught:
        DecodingWorkshop((), DecodeLimits())(OpenJob(file=request()))
    assert caught.value.entry.reason == "decoders-unavailable"


def test_a_password_is_in_no_representation() -> None:
    assert "hunter2" not in repr(OpenJob(file=request(password="hunter2")))
