from __future__ import annotations

import asyncio
import hashlib
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.admission import Admission
from ironleaf.application.api.routes import name_peer
from ironleaf.application.conversions import LARGE_BYTES, Asker, Conversions, FormBody, name_party
from ironleaf.application.options import ConvertOptions
from ironleaf.application.progress import ProgressBoard
from ironleaf.application.stages import FlowStage, StageEnded, ignore
from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import LimitReached
from ironleaf.foundation.errors.protocol import SERVICE_BUSY
from ironleaf.foundation.turns import current_party
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool, SpoolRoot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Listening:
    """A flow that notes on whose behalf it works."""

    def __init__(self) -> None:
        self.parties: list[str] = []

    async def convert(self, _order: Any, _report: Any = None) -> Any:
        self.parties.append(current_party())
        return SimpleNamespace()

    inspect = convert


def make_conversions(flow: Any, spools: Path, on_stage: Callable[[StageEnded], None] = ignore) -> Conversions:
    clock = ManualClock()
    return Conversions(
        flow=flow,
        spools=SpoolRoot(spools, free_bytes_min=0),
        limits=FileLimits(),
        admission=Admission(running_max=1, queued_max=1, clock=clock),
        progress=ProgressBoard(),
        clock=clock,
        on_stage=on_stage,
    )


@pytest.mark.anyio
async def test_an_admission_names_the_route_and_the_file_by_its_content(tmp_path: Path) -> None:
    ended: list[StageEnded] = []
    conversions = make_conversions(Listening(), tmp_path / "spools", ended.append)
    for name, content in (("a.txt", b"one"), ("b.txt", b"one"), ("c.txt", b"two")):
        (tmp_path / name).write_bytes(content)
        asker = Asker(language="en", request_id=name, route=f"/v1/{name}")
        await conversions.convert_path(tmp_path / name, ConvertOptions(), asker)
    admitted = [each for each in ended if each.stage is FlowStage.ADMISSION]
    assert [each.route for each in admitted] == ["/v1/a.txt", "/v1/b.txt", "/v1/c.txt"]
    one, again, other = [each.file for each in admitted]
    assert one == again == hashlib.sha256(b"one").hexdigest()[:16]
    assert other != one


@pytest.mark.anyio
async def test_a_conversion_works_on_behalf_of_its_caller(tmp_path: Path) -> None:
    flow = Listening()
    conversions = make_conversions(flow, tmp_path / "spools")
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(b"x")
    large.write_bytes(bytes(LARGE_BYTES + 1))
    asker = Asker(language="en", request_id="x", caller="192.0.2.1")
    await conversions.convert_path(small, ConvertOptions(), asker)
    await conversions.convert_path(large, ConvertOptions(), asker)
    await conversions.inspect_path(small, ConvertOptions(), asker)
    assert flow.parties == ["192.0.2.1, small", "192.0.2.1, large", "192.0.2.1, small"]
    assert current_party() == ""


class Busy:
    """A flow that is under way for as long as it is told."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def convert(self, _order: Any, _report: Any = None) -> Any:
        await self.let_go.wait()
        return SimpleNamespace()


def make_form() -> FormBody:
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
    chunks: list[bytes] = [body]

    async def arrive() -> AsyncIterator[bytes]:
        while chunks:
            yield chunks.pop()

    return FormBody(chunks=arrive(), content_type="multipart/form-data; boundary=b", content_length=len(body))


@pytest.mark.anyio
async def test_who_would_be_refused_in_any_case_is_refused_before_his_file_is_spooled(tmp_path: Path) -> None:
    flow, spools = Busy(), tmp_path / "spools"
    conversions = make_conversions(flow, spools)
    asker = Asker(language="en", request_id="x")

    async def convert() -> None:
        async with conversions.receive(make_form(), asker) as order:
            await conversions.convert(order)

    tasks = [asyncio.create_task(convert()) for _ in range(2)]
    while conversions.load().running + conversions.load().queued < 2:
        await asyncio.wait(tasks, timeout=0.01)
    before = set(spools.glob("*/*"))
    form = make_form()
    with pytest.raises(LimitReached) as caught:
        async with conversions.receive(form, asker):
            pass
    assert caught.value.entry is SERVICE_BUSY
    assert caught.value.retry_after_s
    assert set(spools.glob("*/*")) == before
    assert await anext(aiter(form.chunks)), "the body was not read"
    flow.let_go.set()
    await asyncio.gather(*tasks)
    assert not [path for path in spools.glob("*/*") if path.is_dir()]


@pytest.mark.anyio
async def test_what_was_spooled_is_deleted_aside_and_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    close = Spool.close
    monkeypatch.setattr(Spool, "close", lambda spool: (threads.append(threading.get_ident()), close(spool)))
    conversions = make_conversions(Listening(), tmp_path / "spools")
    async with conversions.receive(make_form(), Asker(language="en", request_id="x")) as order:
        assert order.spool.directory.exists()
    assert not order.spool.directory.exists()
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_callers_and_sizes_are_told_apart() -> None:
    parties = [name_party(caller, size) for caller in ("a", "b") for size in (1, LARGE_BYTES, LARGE_BYTES + 1)]
    assert len(set(parties)) == 4
    assert parties[0] == parties[1]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_peer_is_named_by_what_one_customer_has(host: str, name: str) -> None:
    assert name_peer(host) == name
