"""Promise: the project's own examples are read right, and every page says by whom and how well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fixtures.service import EXAMPLES
from tests.fixtures.text_distance import error_share, fold

if TYPE_CHECKING:
    from tests.fixtures.service import Service

ERROR_SHARE_MAX = 0.03


@pytest.mark.parametrize(
    ("name", "engine", "pages"),
    [
        ("receipt.jpg", "embedded", 1),
        ("two_columns.png", "embedded", 1),
        ("chinese.png", "embedded", 1),
        ("scanned.pdf", "embedded", 2),
        ("born_digital.pdf", "text_layer", 2),
    ],
)
def test_an_example_is_read_right(service: Service, name: str, engine: str, pages: int) -> None:
    document = service.document(EXAMPLES / name, output_format="text")
    truth = (EXAMPLES / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert error_share(document["text"], truth) <= ERROR_SHARE_MAX
    assert [page["engine"] for page in document["pages"]] == [engine] * pages
    assert [page["status"] for page in document["pages"]] == ["succeeded"] * pages
    assert all(page["quality"]["grade"] in {"good", "excellent"} for page in document["pages"])
    assert document["status"] == "succeeded"
    assert (document["page_count"], document["pages_requested"], document["degraded"]) == (pages, pages, False)


def test_columns_are_read_one_after_the_other(service: Service) -> None:
    text = fold(service.document(EXAMPLES / "two_columns.png", output_format="text")["text"])
    assert text.index("a stranger can follow") < text.index("In the afternoon")


def test_regions_lie_on_the_page_in_its_own_pixels(service: Service) -> None:
    (page,) = service.document(EXAMPLES / "receipt.jpg", output_format="json")["pages"]
    assert page["blocks"]
    for block in page["blocks"]:
        x0, y0, x1, y1 = block["region"]
        assert 0 <= x0 < x1 <= page["width_px"]
        assert 0 <= y0 < y1 <= page["height_px"]
        assert 0 <= block["confidence"] <= 1


def test_only_the_pages_asked_for_are_read(service: Service) -> None:
    document = service.document(EXAMPLES / "born_digital.pdf", page_range="2,7")
    assert [page["number"] for page in document["pages"]] == [2]
    assert (document["page_count"], document["pages_requested"]) == (2, 1)
    assert "Keeping a Log" in document["markdown"]


def test_force_ocr_ignores_the_text_layer(service: Service) -> None:
    document = service.document(EXAMPLES / "born_digital.pdf", page_range="1", force_ocr="true")
    assert document["pages"][0]["engine"] == "embedded"
    assert "Quiet Machines" in document["markdown"]


@pytest.mark.parametrize("output_format", ["markdown", "text", "html", "json"])
def test_exactly_the_format_asked_for_is_filled(service: Service, output_format: str) -> None:
    document = service.document(EXAMPLES / "born_digital.pdf", output_format=output_format)
    filled = {name for name in ("markdown", "text", "html") if document[name] is not None}
    assert filled == ({output_format} - {"json"})
    assert all(page["text"] for page in document["pages"])


def test_the_answer_names_engine_and_degradation_in_headers(service: Service) -> None:
    response = service.convert(EXAMPLES / "born_digital.pdf")
    assert response.headers["x-ironleaf-engine"] == "text_layer"
    assert response.headers["x-ironleaf-degraded"] == "false"
    assert response.headers["x-request-id"] == response.json()["request_id"]


def test_a_picture_of_the_page_comes_along_when_asked_for(service: Service) -> None:
    (page,) = service.document(EXAMPLES / "chinese.png", include_images="true")["pages"]
    assert page["image"].startswith("data:image/jpeg;base64,")
