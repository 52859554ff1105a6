"""The decoders' side of the pipe: does one job after another inside a worker process."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

from ironleaf.foundation.errors import IronleafError, ProcessingFailure
from ironleaf.services.files import errors
from ironleaf.services.files.formats.base import (
    DecodeLimits,
    FormatDecoder,
    Job,
    OpenedFile,
    OpenJob,
    OpenRequest,
    Outcome,
    PageJob,
)
from ironleaf.services.files.formats.failures import translate_failure

if TYPE_CHECKING:
    from collections.abc import Iterable


class DecodingWorkshop:
    """Answers jobs with the decoders it was given.

    Promises: raises errors of the catalogue and MemoryError only. The latter is the
    pool's to judge: a process that ran out of memory is not to be used again.

    The file of the last job stays open, so that reading the pages of a document in
    order does not begin at its start for each of them.
    """

    def __init__(self, decoders: Iterable[FormatDecoder], limits: DecodeLimits) -> None:
        self._decoders = {name: decoder for decoder in decoders for name in decoder.formats}
        self._limits = limits
        self._request: OpenRequest | None = None
        self._opened: OpenedFile | None = None

    def __call__(self, job: Job) -> Outcome:
        page = None if isinstance(job, OpenJob) else job.number
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a library's remarks about a bad file interest nobody
                return self._do(job)
        except (IronleafError, MemoryError):
            raise
        except Exception as error:
            self.close()  # a decoder that stumbled may have left the file in any state
            raise translate_failure(error, job.file.format, page=page) from error

    def close(self) -> None:
        """Close the file that is kept open, whatever its decoder says to that."""
        opened, self._opened, self._request = self._opened, None, None
        if opened is not None:
            try:
                opened.close()
            except Exception:  # noqa: BLE001  # it is thrown away in any case
                gc.collect()

    def _do(self, job: Job) -> Outcome:
        opened = self._open(job.file)
        if isinstance(job, OpenJob):
            return opened.info
        if isinstance(job, PageJob):
            return opened.describe(job.number)
        return opened.render(job.number, job.spec, job.target)

    def _open(self, request: OpenRequest) -> OpenedFile:
        if self._opened is not None and request == self._request:
            return self._opened
        self.close()
        decoder = self._decoders.get(request.format)
        if decoder is None:
            raise ProcessingFailure(errors.DECODERS_UNAVAILABLE, context={"format": request.format})
        self._opened = decoder.open(request, self._limits)
        self._request = request
        return self._opened
