"""`/` in a real browser: a file is given, and its text is on the screen."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fixtures.browser import open_page, require_accessible, run_browser
from tests.fixtures.service import EXAMPLES, run_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from tests.fixtures.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIRST_LOAD_BYTES_MAX = 200_000
READ_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as running:
        yield running


def give(page: Page, name: str, content: bytes, media_type: str = "application/octet-stream") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": media_type, "buffer": content})
    page.wait_for_selector(".summary, .failure", timeout=READ_MS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "quality"), [("en", "Quality: excellent"), ("zh", "质量：优")])
def test_a_photo_becomes_text_beside_its_picture(
    service: Service, browser: Browser, language: str, quality: str, theme: str
) -> None:
    with open_page(browser, f"{service.url}/?lang={language}", color_scheme=theme) as page:
        require_accessible(page)
        give(page, "receipt.jpg", (EXAMPLES / "receipt.jpg").read_bytes(), "image/jpeg")
        assert "14 Harbour Road, Kilmore" in page.inner_text(".blocks")
        assert quality in page.inner_text(".page-head")
        assert page.get_attribute("figure image", "href").startswith("data:image/jpeg;base64,")
        require_accessible(page)


def test_a_block_lights_up_on_both_sides(service: Service, browser: Browser) -> None:
    with open_page(browser, service.url) as page:
        give(page, "columns.png", (EXAMPLES / "two_columns.png").read_bytes(), "image/png")
        page.hover(".blocks .text >> nth=1")
        assert page.get_attribute("rect.on", "data-block") == "1"
        page.hover("rect.block >> nth=2")
        assert page.get_attribute(".text.on", "data-block") == "2"
        page.focus(".blocks .text >> nth=0")
        page.keyboard.press("ArrowDown")
        assert page.get_attribute("rect.on", "data-block") == "1"


def test_every_page_is_copied_and_downloaded(service: Service, browser: Browser) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with open_page(browser, service.url, permissions=permissions, locale="en") as page:
        give(page, "scan.pdf", (EXAMPLES / "scanned.pdf").read_bytes(), "application/pdf")
        shown = page.locator(".page").count()
        page.click("#copy")
        page.wait_for_selector("#copy:has-text('Copied')")
        copied = page.evaluate("navigator.clipboard.readText()")
        with page.expect_download() as download:
            page.click("text=Download .json")
        assert shown == 2
        assert len(copied) > 200
        assert download.value.suggested_filename == "scan.json"


def test_an_error_is_said_in_kind_words_with_its_page(service: Service, browser: Browser) -> None:
    with open_page(browser, f"{service.url}/?lang=en", failures=True) as page:
        give(page, "broken.jpg", b"\xff\xd8\xff\xe0 no picture", "image/jpeg")
        page.wait_for_selector(".failure >> text=Open the file in the program")
        require_accessible(page)
        link = page.get_attribute(".failure a", "href")
        assert httpx.get(f"{service.url}{link}").status_code == 200


def test_hostile_text_stays_text(service: Service, browser: Browser) -> None:
    hostile = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>\u202egpj.exe {{7*7}} </pre>\n"
    content = (hostile * (1_000_000 // len(hostile.encode()) + 1)).encode()
    with open_page(browser, service.url) as page:
        give(page, "<img src=x onerror=alert(1)>.txt", content, "text/plain")
        text = page.inner_text(".page")
        assert len(content) > 1_000_000
        assert "<script>window.owned = 1</script>" in text
        assert page.evaluate("window.owned") is None
        assert page.locator(".page script, .page img, .summary img").count() == 0


def test_a_password_is_asked_for(service: Service, browser: Browser, locked_pdf: bytes) -> None:
    with open_page(browser, service.url, failures=True) as page:
        give(page, "locked.pdf", locked_pdf, "application/pdf")
        assert page.evaluate("document.activeElement.name") == "password"
        page.fill("input[name=password]", "leaf")
        page.keyboard.press("Enter")
        page.wait_for_selector(".summary", timeout=READ_MS)


@pytest.fixture
def locked_pdf() -> bytes:
    import io  # noqa: PLC0415

    import pikepdf  # noqa: PLC0415

    out = io.BytesIO()
    with pikepdf.open(EXAMPLES / "born_digital.pdf") as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user="leaf", owner="root"))
    return out.getvalue()


def test_stages_are_told_and_a_reading_can_be_stopped(service: Service, browser: Browser) -> None:
    with open_page(browser, f"{service.url}/?lang=en", failures=True) as page:
        page.evaluate(
            "window.stages = []; new MutationObserver(() => stages.push(document.getElementById('stage').textContent))"
            ".observe(document.getElementById('stage'), {childList: true, characterData: true, subtree: true})"
        )
        content = (EXAMPLES / "scanned.pdf").read_bytes()
        give(page, "scan.pdf", content, "application/pdf")
        assert any("of 2 pages" in stage for stage in page.evaluate("window.stages"))
        page.set_input_files("#file", {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": content})
        page.click("#cancel")
        assert page.inner_text("#result") == "Stopped. Nothing was kept."


def test_the_page_fits_a_phone(service: Service, browser: Browser) -> None:
    phone = {"width": 360, "height": 740}
    with open_page(browser, service.url, viewport=phone, has_touch=True, is_mobile=True) as page:
        assert page.is_visible("text=Take a photo") or page.is_visible("text=拍照")
        give(page, "receipt.jpg", (EXAMPLES / "receipt.jpg").read_bytes(), "image/jpeg")
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
        require_accessible(page)


def test_the_first_load_is_small(service: Service) -> None:
    page = httpx.get(f"{service.url}/").text
    addresses = {part.split('"')[0] for part in page.split('="') if part.startswith("/console/assets/")}
    loaded = [page.encode(), *(httpx.get(f"{service.url}{address}").content for address in addresses)]
    assert len(addresses) == 4
    assert sum(len(gzip.compress(each)) for each in loaded) <= FIRST_LOAD_BYTES_MAX


def test_a_dead_model_is_said_before_a_file_is_given(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backend = '[{"alias": "reader", "base_url": "http://127.0.0.1:9/v1", "model": "reader-vl"}]'
    for service in run_service(tmp_path_factory.mktemp("down"), IRONLEAF_ENGINES__VL__BACKENDS=backend):
        with open_page(browser, f"{service.url}/?lang=en", failures=True) as page:
            for _ in range(4):
                give(page, "receipt.jpg", (EXAMPLES / "receipt.jpg").read_bytes(), "image/jpeg")
            assert "A better engine was to read this page" in page.inner_text(".page")
            page.goto(f"{service.url}/?lang=en")
            assert "not answering now" in page.inner_text("#state")
            require_accessible(page)


def test_the_page_works_under_a_path_prefix(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    for service in run_service(tmp_path_factory.mktemp("prefix"), IRONLEAF_SERVER__ROOT_PATH="/leaf"):
        with open_page(browser, f"{service.url}/leaf/?lang=en", failures=True) as page:
            give(page, "receipt.jpg", (EXAMPLES / "receipt.jpg").read_bytes(), "image/jpeg")
            assert page.locator(".page").count() == 1
            give(page, "broken.jpg", b"\xff\xd8\xff\xe0 no picture", "image/jpeg")
            assert page.get_attribute(".failure a", "href") == "/leaf/errors/damaged-image?lang=en"
            page.click("text=中文")
            assert page.inner_text("h1") == "上传文件，取回文字"
