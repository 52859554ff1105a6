"""`/v1/ops/quarantine`: the files that are refused because they killed workers, known by their hashes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from ironleaf.application.access.guard import GUARD_ERRORS, Guard
from ironleaf.application.access.keys import Scope
from ironleaf.application.api.gate import note_act
from ironleaf.foundation.errors import BusinessError
from ironleaf.foundation.errors.protocol import BAD_OPTION, NOT_FOUND
from ironleaf.services.files.losses import HeldFile
from ironleaf.services.files.quarantine import Quarantine
from ironleaf.web import Envelope, document_errors

FILES_DEFAULT: Final = 50
FILES_MAX: Final = 200
"""Files in one answer: some tens of kilobytes."""
_SHA256: Final = r"^[0-9a-f]{64}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFiles:
    """What is refused now, the latest first."""

    files: tuple[HeldFile, ...]
    count: int
    """Of all, also of those beyond ``limit``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A file that is taken again."""

    sha256: str


def make_router(quarantine: Quarantine, *, guard: Guard) -> APIRouter:
    """Return the operators' routes about files in quarantine."""
    router = APIRouter(
        prefix="/v1/ops/quarantine",
        tags=["ops"],
        dependencies=[Depends(guard.require(Scope.OPS))],
        responses=document_errors(*GUARD_ERRORS, BAD_OPTION),
    )

    @router.get("")
    async def list_held(  # pyright: ignore[reportUnusedFunction]
        request: Request, limit: Annotated[int, Query(ge=1, le=FILES_MAX)] = FILES_DEFAULT
    ) -> Envelope[HeldFiles]:
        """Files that are refused: since when, for what, and until when."""
        held = quarantine.list_held()
        found = HeldFiles(files=held[:limit], count=len(held))
        return Envelope[HeldFiles](data=found, request_id=request.state.request_id)

    @router.post("/{sha256}/release", responses=document_errors(NOT_FOUND))
    async def release(  # pyright: ignore[reportUnusedFunction]
        request: Request, sha256: Annotated[str, Path(pattern=_SHA256, description="Of the file's bytes.")]
    ) -> Envelope[Released]:
        """Take a file again, and forget what it did. Other replicas hear of it within seconds."""
        if not quarantine.release(sha256):
            raise BusinessError(NOT_FOUND)
        note_act(request.scope, released=sha256)
        return Envelope[Released](data=Released(sha256=sha256), request_id=request.state.request_id)

    return router
