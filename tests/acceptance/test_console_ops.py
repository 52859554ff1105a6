"""`/ops` in a real browser: who may see it, what it shows of a failing backend, and that it lives."""

from __future__ import annotations

import os
import subprocess
import sys
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
BACKEND = '[{"alias": "reader", "base_url": "http://127.0.0.1:9/v1", "model": "reader-vl"}]'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with run_browser() as running:
        yield running


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from run_service(tmp_path_factory.mktemp("ops"), IRONLEAF_ENGINES__VL__BACKENDS=BACKEND)


@pytest.fixture(scope="module")
def key(failing: Service) -> str:
    return make_key(failing, "ops")


def make_key(service: Service, scope: str) -> str:
    environ = {**os.environ, "XDG_STATE_HOME": str(service.directory / "state")}
    command = [sys.executable, "-m", "ironleaf", "keys", "create", "console", "--scope", scope]
    made = subprocess.run(command, env=environ, cwd=service.directory, check=True, capture_output=True, text=True)
    return made.stdout.strip()


def sign_in(page: Page, key: str) -> None:
    for _ in range(40):  # a new key is known within seconds
        page.fill("input[name=key]", key)
        page.click("button[type=submit]")
        page.wait_for_selector("#ladder table, input[name=key]")
        if page.locator("#ladder table").count():
            return
        page.wait_for_timeout(500)
    pytest.fail("the key was not taken")


def test_nobody_sees_it_without_a_key(failing: Service, browser: Browser) -> None:
    assert "EventSource" not in httpx.get(f"{failing.url}/ops").text
    assert httpx.get(f"{failing.url}/console/ops/feed").status_code == 401
    with open_page(browser, f"{failing.url}/ops?lang=en", failures=True) as page:
        require_accessible(page)
        page.fill("input[name=key]", "nonsense")
        page.click("button[type=submit]")
        assert page.inner_text(".notice") == "A valid key is needed for this."


def test_a_key_for_converting_does_not_open_it(failing: Service, browser: Browser) -> None:
    key = make_key(failing, "convert")
    with open_page(browser, f"{failing.url}/ops?lang=en", failures=True) as page:
        for _ in range(20):
            page.fill("input[name=key]", key)
            page.click("button[type=submit]")
            if page.inner_text(".notice") != "A valid key is needed for this.":
                break
            page.wait_for_timeout(500)
        assert page.locator("#ladder").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_shows_a_failing_backend_as_it_fails(
    failing: Service, browser: Browser, key: str, language: str, theme: str
) -> None:
    failing.convert(EXAMPLES / "receipt.jpg")
    with open_page(browser, f"{failing.url}/ops", failures=True, color_scheme=theme) as page:
        sign_in(page, key)
        page.goto(f"{failing.url}/ops?lang={language}")
        page.wait_for_selector("#distribution >> text=model-unreachable")
        assert page.locator("#performance tbody tr").count() > 5
        assert page.evaluate("document.cookie") == ""
        require_accessible(page)


def test_an_order_is_on_the_screen_within_a_second(failing: Service, browser: Browser, key: str) -> None:
    with open_page(browser, f"{failing.url}/ops?lang=en", failures=True) as page:
        sign_in(page, key)
        page.goto(f"{failing.url}/ops?lang=en")
        page.click("[data-key=reader-open]")
        page.wait_for_selector("#ladder >> text=open by hand", timeout=1_500)  # a second, and what the browser takes
        page.click("[data-key=reader-reset]")
        page.wait_for_selector("#healing >> text=breaker reset")


def test_it_comes_back_after_a_restart_of_the_service(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("again")
    services = run_service(directory)
    service = next(services)
    port = int(service.url.rpartition(":")[2])
    key = make_key(service, "ops")
    with open_page(browser, f"{service.url}/ops?lang=en", failures=True) as page:
        sign_in(page, key)
        page.goto(f"{service.url}/ops?lang=en")
        page.wait_for_selector(".dot.live")
        services.close()
        page.wait_for_selector(".dot.lost", timeout=30_000)
        for _ in run_service(directory, port=port):
            page.wait_for_selector("text=The session has ended", timeout=30_000)
            page.click("#sign-in")
            sign_in(page, key)
            page.wait_for_selector(".dot.live")
