from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.admission import Admission
from ironleaf.application.api.routes import name_peer
from ironleaf.application.conversions import LARGE_BYTES, Asker, Conversions, name_party
from ironleaf.application.options import ConvertOptions
from ironleaf.application.progress import ProgressBoard
from ironleaf.faults import ManualClock
from ironleaf.foundation.turns import current_party
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import SpoolRoot

if TYPE_CHECKING:
    from pathlib import Path


class Listening:
    """A flow that notes on whose behalf it works."""

    def __init__(self) -> None:
        self.parties: list[str] = []

    async def convert(self, _order: Any, _report: Any = None) -> Any:
        self.parties.append(current_party())
        return SimpleNamespace()

    inspect = convert


@pytest.mark.anyio
async def test_a_conversion_works_on_behalf_of_its_caller(tmp_path: Path) -> None:
    clock, flow = ManualClock(), Listening()
    conversions = Conversions(
        flow=flow,  # type: ignore[arg-type]
        spools=SpoolRoot(tmp_path / "spools", free_bytes_min=0),
        limits=FileLimits(),
        admission=Admission(running_max=1, queued_max=1, clock=clock),
        progress=ProgressBoard(),
        clock=clock,
    )
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(b"x")
    large.write_bytes(bytes(LARGE_BYTES + 1))
    asker = Asker(language="en", request_id="x", caller="192.0.2.1")
    await conversions.convert_path(small, ConvertOptions(), asker)
    await conversions.convert_path(large, ConvertOptions(), asker)
    await conversions.inspect_path(small, ConvertOptions(), asker)
    assert flow.parties == ["192.0.2.1, small", "192.0.2.1, large", "192.0.2.1, small"]
    assert current_party() == ""


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
