"""Whatever body arrives: a whole form comes out, or an error of the catalogue that repeats nothing of it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.errors import IronleafError, make_problem
from ironleaf.foundation.errors.protocol import MALFORMED_FORM
from ironleaf.services.files.errors import ENTRIES
from ironleaf.services.files.intake import receive_multipart
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import SpoolRoot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ironleaf.services.files.multipart import ReceivedForm

LIMITS = FileLimits(bytes_max=10_000, option_bytes_max=1_000, parts_max=5)
REASONS = {entry.reason for entry in (*ENTRIES, MALFORMED_FORM)}
CANARY = "zq7canary"
FORM = "multipart/form-data; boundary=line"
PIECES = (
    b"--line\r\n",
    b"--line--\r\n",
    b"\r\n",
    b"\r\n--line",
    b'Content-Disposition: form-data; name="file"; filename="zq7canary.pdf"\r\n\r\n',
    b'Content-Disposition: form-data; name="zq7canary"\r\n\r\n',
    b"Content-Disposition: form-data; name=zq7canary; filename=x\r\n\r\n",
    b"Content-Type: zq7canary\r\n",
    b"x" * 6_000,
)


async def receive(body: list[bytes], content_type: str, directory: Path) -> ReceivedForm:
    async def chunks() -> AsyncIterator[bytes]:
        for piece in body:
            yield piece

    with SpoolRoot(directory, free_bytes_min=0) as root, root.open() as spool:
        form = await receive_multipart(
            chunks(),
            content_type=content_type,
            content_length=None,
            limits=LIMITS,
            spool=spool,
            clock=ManualClock(),
        )
        assert form.file.path.stat().st_size == form.file.bytes <= LIMITS.bytes_max
        return form


@settings(max_examples=150, deadline=None)
@given(
    body=st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=12),
    content_type=st.just(FORM) | st.text(max_size=20).map(lambda text: f"multipart/form-data; boundary={text}"),
)
def test_a_body_is_received_or_refused_by_the_catalogue(body: list[bytes], content_type: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        error = asyncio.run(refusal(body, content_type, Path(directory)))
        assert list(Path(directory).iterdir()) == []
    if error is not None:
        assert error.entry.reason in REASONS
        assert CANARY not in repr(make_problem(error.entry, details=error.details))


async def refusal(body: list[bytes], content_type: str, directory: Path) -> IronleafError | None:
    try:
        await receive(body, content_type, directory)
    except IronleafError as error:
        return error
    return None


@settings(max_examples=60, deadline=None)
@given(content=st.binary(min_size=1, max_size=3_000), value=st.text(max_size=200), size=st.integers(1, 700))
def test_content_arrives_unchanged_however_it_is_cut(content: bytes, value: str, size: int) -> None:
    body = (
        b'--0123456789abcdef\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + content
        + b'\r\n--0123456789abcdef\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n'
        + value.encode()
        + b"\r\n--0123456789abcdef--\r\n"
    )
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    with tempfile.TemporaryDirectory() as directory:
        form = asyncio.run(receive(cut, "multipart/form-data; boundary=0123456789abcdef", Path(directory)))
    assert (form.file.bytes, form.options) == (len(content), {"prompt": value})
