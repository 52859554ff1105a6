"""The end that a file lacks is found from what is left of it, or not at all."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.services.files.formats.pdf_rescue import find_missing_end

CATALOGUE = b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
TREE = b"2 0 obj\n<</Type /Pages/Kids[3 0 R 4 0 R]/Count 2>>\nendobj\n"
PAGES = b"3 0 obj <</Type/Page/Parent 2 0 R>> endobj 4 0 obj <</Type/Page/Parent 2 0 R>> endobj\n"
HEAD = b"%PDF-1.7\n"


def root(data: bytes) -> bytes:
    end = find_missing_end(HEAD + data)
    assert end is not None
    return end


def test_a_catalogue_that_is_left_is_where_it_begins() -> None:
    assert b"/Root 1 0 R" in root(CATALOGUE + TREE + PAGES)


def test_without_a_catalogue_the_root_of_the_pages_gets_one() -> None:
    end = root(TREE + b"5 0 obj<</Type/Pages/Parent 2 0 R/Kids[]>>endobj\n" + PAGES)
    assert b"/Type/Catalog/Pages 2 0 R" in end


def test_loose_pages_are_bound_in_their_order_each_once() -> None:
    assert b"/Count 2/Kids[3 0 R 4 0 R]" in root(PAGES + b"3 0 obj <</Type/Page/Parent 2 0 R>> endobj\n")


def test_packed_objects_are_written_out() -> None:
    inner = b"<</Type/Catalog/Pages 2 0 R>> <</Type/Pages/Kids[3 0 R]/Count 1>>"
    table = b"1 0 2 %d " % inner.index(b"<</Type/Pages")
    packed = zlib.compress(table + inner)
    head = b"9 0 obj\n<</Type/ObjStm/N 2/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (len(table), len(packed))
    end = root(head + packed + b"\nendstream\nendobj\n")
    assert b"\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>" in end
    assert b"/Root 1 0 R" in end


def test_the_object_in_which_it_was_cut_off_is_closed_first() -> None:
    assert root(CATALOGUE + TREE + PAGES + b"7 0 obj <</Length 900>> stream\nabc").startswith(b"\nendstream\nendobj")
    assert root(CATALOGUE + TREE + PAGES + b"7 0 obj <</Length").startswith(b"\nendobj")
    assert root(CATALOGUE + TREE + PAGES).startswith(b"\ntrailer")


@pytest.mark.parametrize("data", [b"", CATALOGUE, PAGES + b"8 0 obj <</Encrypt 9 0 R>> endobj"])
def test_nothing_is_made_up(data: bytes) -> None:
    assert find_missing_end(HEAD + data) is None


@given(
    st.lists(
        st.sampled_from(
            [CATALOGUE, TREE, PAGES, b"1 0 obj", b"/Type/ObjStm/Filter/FlateDecode stream\n", b"\xff", b"9"]
        )
    )
)
def test_whatever_is_left_it_never_raises(parts: list[bytes]) -> None:
    find_missing_end(b"".join(parts))
