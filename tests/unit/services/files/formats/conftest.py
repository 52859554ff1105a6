"""A workshop without processes, and builders of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ironleaf.document import RenderSpec
from ironleaf.services.files.formats.base import (
    DecodeLimits,
    OpenedInfo,
    OpenJob,
    OpenRequest,
    PageInfo,
    PageJob,
    RenderedPage,
    RenderJob,
)
from ironleaf.services.files.formats.html import HtmlDecoder
from ironleaf.services.files.formats.image import ImageDecoder
from ironleaf.services.files.formats.mail import MailDecoder
from ironleaf.services.files.formats.office import OfficeDecoder
from ironleaf.services.files.formats.pdf import PdfDecoder
from ironleaf.services.files.formats.plain import PlainDecoder
from ironleaf.services.files.workshop import DecodingWorkshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Bench:
    """Opens, describes and draws files in this very process."""

    def __init__(self, folder: Path, limits: DecodeLimits) -> None:
        self.folder = folder
        self.workshop = DecodingWorkshop(
            (ImageDecoder(), PdfDecoder(), OfficeDecoder(), PlainDecoder(), HtmlDecoder(), MailDecoder()), limits
        )

    def open(self, path: Path, file_format: str, **options: object) -> OpenedInfo:
        outcome = self.workshop(OpenJob(file=OpenRequest(path=path, format=file_format, **options)))
        assert isinstance(outcome, OpenedInfo)
        return outcome

    def describe(self, path: Path, file_format: str, number: int = 1, **options: object) -> PageInfo:
        outcome = self.workshop(PageJob(file=OpenRequest(path=path, format=file_format, **options), number=number))
        assert isinstance(outcome, PageInfo)
        return outcome

    def render(
        self, path: Path, file_format: str, number: int = 1, spec: RenderSpec | None = None, **options: object
    ) -> tuple[np.ndarray, RenderedPage]:
        target = self.folder / "page.npy"
        request = OpenRequest(path=path, format=file_format, **options)
        outcome = self.workshop(RenderJob(file=request, number=number, spec=spec or RenderSpec(), target=target))
        assert isinstance(outcome, RenderedPage)
        pixels = np.load(target) if (spec is None or spec.encoding == "raw_rgb") else np.empty(0)
        return pixels, outcome


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(**limits: object) -> Bench:
        benches.append(Bench(tmp_path, DecodeLimits(**limits)))
        return benches[-1]

    yield make
    for bench in benches:
        bench.workshop.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
