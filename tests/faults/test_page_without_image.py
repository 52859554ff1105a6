"""A file of text has nothing to show to an engine that reads images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.leaks.doors import FACES, knock, post
from tests.faults.leaks.seams import build

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("engine", ["vl", "embedded"])
async def test_an_engine_that_reads_images_refuses_a_page_without_one(engine: str, tmp_path: Path) -> None:
    with build(tmp_path, every_format=True) as wall:
        form = post(('name="engine"', engine), ('name="file"; filename="a.txt"', b"Only words.\n"))
        answer = await knock(wall.app, form, FACES[0])
    assert answer.status == 422
    assert b'"reason":"page-without-image"' in answer.body
    assert b'"details":[{"page":1,"reason":"page-without-image"}]' in answer.body
