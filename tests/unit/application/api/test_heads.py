"""HEAD beside GET, where monitors and link checkers knock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.leaks.canaries import OPS_KEY
from tests.faults.leaks.doors import FACES, Request, knock
from tests.faults.leaks.seams import build

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_what_can_be_got_can_be_asked_for_without_its_body(tmp_path: Path) -> None:
    with build(tmp_path) as wall:
        key = {"authorization": f"Bearer {OPS_KEY}"}
        for path in ("/", "/livez", "/v1/engines", "/v1/errors", "/runbooks/disk-filling", "/metrics", "/ops"):
            answer = await knock(wall.app, Request(method="HEAD", path=path, headers=key), FACES[0])
            assert answer.status == 200, path
        stranger = await knock(wall.app, Request(method="HEAD", path="/metrics"), FACES[0])
        assert stranger.status == 401  # the length of what he may not see is no business of his
        feed = await knock(wall.app, Request(method="HEAD", path="/console/state"), FACES[0])
        assert feed.status == 405
