"""Every bomb is refused by its own reason, with the limit and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fixtures.bombs import BOMBS, Bomb, pdf, stream, zeros

from ironleaf.application.worker_entry import make_decoding_worker
from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.checked import check_file
from ironleaf.services.files.formats.base import DecodeLimits, OpenedInfo, OpenJob, OpenRequest, PageJob
from ironleaf.services.files.formats.pdf_bombs import check_streams
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.stored import StoredFile

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1024 * 1024


def open_as_the_house_does(path: Path) -> None:
    stored = StoredFile(
        path=path, bytes=path.stat().st_size, sha256="0" * 64, label=path.name, declared_media_type=None
    )
    checked = check_file(stored, limits=FileLimits())
    work = make_decoding_worker(DecodeLimits())
    request = OpenRequest(path=path, format=checked.format.value)
    opened = work(OpenJob(file=request))
    assert isinstance(opened, OpenedInfo)
    work(PageJob(file=request, number=1))


@pytest.mark.parametrize("bomb", BOMBS, ids=[bomb.name for bomb in BOMBS])
def test_a_bomb_is_refused_by_name_and_number(bomb: Bomb, tmp_path: Path) -> None:
    path = tmp_path / bomb.name
    path.write_bytes(bomb.make())
    with pytest.raises(IronleafError) as caught:
        open_as_the_house_does(path)
    assert (caught.value.entry.reason, caught.value.entry.http_status) == (bomb.reason, 422)
    if bomb.counted:
        (detail,) = caught.value.details
        assert detail.limit is not None
        assert detail.actual is not None
        assert detail.actual > detail.limit


def count_streams(path: Path, *objects: bytes, bytes_max: int) -> bool:
    """Tell whether the PDF's streams are within the limit."""
    path.write_bytes(pdf(*objects))
    try:
        check_streams(path, FileLimits(pdf_bytes_max=bytes_max))
    except IronleafError as error:
        return error.entry.reason != "pdf-too-complex"
    return True


def test_pictures_may_unpack_to_what_they_show(tmp_path: Path) -> None:
    picture = stream(b"/Type/XObject/Subtype/Image/Filter/FlateDecode", zeros(30 * MEBIBYTE))
    assert count_streams(tmp_path / "a.pdf", picture, bytes_max=MEBIBYTE)


def test_an_object_stream_cannot_pass_for_a_picture(tmp_path: Path) -> None:
    disguised = stream(b"/Type/ObjStm/Subtype/Image/Filter/FlateDecode", zeros(30 * MEBIBYTE))
    assert not count_streams(tmp_path / "a.pdf", disguised, bytes_max=MEBIBYTE)


def test_many_streams_count_together_and_damage_is_left_to_the_reader(tmp_path: Path) -> None:
    packed = stream(b"/Filter/FlateDecode", zeros(20 * MEBIBYTE))
    broken = stream(b"/Filter/FlateDecode", b"not packed at all " * 2_000)
    assert count_streams(tmp_path / "a.pdf", packed, broken, packed, bytes_max=41 * MEBIBYTE)
    assert not count_streams(tmp_path / "a.pdf", packed, broken, packed, bytes_max=39 * MEBIBYTE)
