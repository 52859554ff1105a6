"""`/ops` over a house that the test can reach into: what happens there is on the screen, and harmless."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.fixtures.browser import open_page, require_accessible, run_browser
from tests.fixtures.house_aside import open_house
from tests.fixtures.service import EXAMPLES

from ironleaf.foundation.alerting.incidents import IncidentState
from ironleaf.foundation.monitoring import Signal, SignalState, Urgency
from ironleaf.services.engines.canary import CANARY_WORDS
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from tests.fixtures.house_aside import HouseAside

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIRST_LOAD_BYTES_MAX = 200_000
PATIENCE_MS = 3_000
"""For what is promised within a second, on a machine that does other things too."""
READS = f"{' '.join(CANARY_WORDS)} and a page of good text"
HOSTILE = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>\u202egpj.exe\u2066 {{7*7}} </td>"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with run_browser() as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[HouseAside]:
    with open_house(tmp_path_factory.mktemp("live"), "ok", text=READS) as opened:
        yield opened


def enter(page: Page, house: HouseAside, language: str = "en") -> None:
    page.goto(house.login)
    page.goto(f"{house.url}/ops?lang={language}")
    page.wait_for_selector("#ladder table")


def report(house: HouseAside, component: str, cause: str) -> None:
    now = house.house.clock.now()
    signal = Signal(
        rule="backend-down",
        component=component,
        cause=cause,
        state=SignalState.FIRING,
        urgency=Urgency.PAGE,
        at=now,
        since=now - timedelta(minutes=2),
    )
    house.do(house.house.alerting.desk.hear, signal)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_incident_is_shown_with_its_card_and_takes_orders(
    house: HouseAside, browser: Browser, language: str
) -> None:
    component = f"backend:gone-{language}"
    with open_page(browser, house.url) as page:
        enter(page, house, language)
        report(house, component, "model-unreachable")
        incident = page.locator(".incident", has_text=component)
        incident.wait_for(timeout=PATIENCE_MS)
        require_accessible(page)
        runbook = incident.locator("a.button").get_attribute("href")
        incident.locator("button >> nth=0").click()
        incident.locator("text=" + {"en": "taken", "zh": "处理中"}[language]).wait_for(timeout=PATIENCE_MS)
        incident.locator("button >> nth=0").click()  # only silencing is left
        require_accessible(page)
        page.fill("#silence input[name=why]", "a test")
        page.keyboard.press("Enter")
        incident.locator("text=" + {"en": "silenced", "zh": "已静默"}[language]).wait_for(timeout=PATIENCE_MS)
    states = (IncidentState.ACKNOWLEDGED.value,)
    kept = house.run(house.house.alerting.desk.list_incidents(states=states, before="", limit=9))
    assert [each.acknowledged_by.startswith("session-") for each in kept if each.component == component] == [True]
    assert httpx.get(f"{house.url}{runbook}").status_code == 200


def test_an_order_that_is_refused_says_why(house: HouseAside, browser: Browser) -> None:
    with open_page(browser, house.url, failures=True) as page:
        enter(page, house)
        page.evaluate("document.getElementById('feed').dataset.api += '/nowhere'")
        page.click("[data-key=reader-open]")
        page.wait_for_selector("#refused .notice", timeout=PATIENCE_MS)
        require_accessible(page)


def test_what_befalls_a_page_is_on_the_screen_at_once(house: HouseAside, browser: Browser) -> None:
    with open_page(browser, house.url) as page:
        enter(page, house)
        house.do(house.house.desk.open, "reader")
        page.wait_for_selector("#ladder >> text=open by hand", timeout=PATIENCE_MS)
        picture = (EXAMPLES / "receipt.jpg").read_bytes()
        told = httpx.post(f"{house.url}/v1/convert", files={"file": ("a.jpg", picture)}, timeout=60).json()
        assert told["data"]["degraded"]
        page.wait_for_selector("#distribution >> text=circuit-open", timeout=PATIENCE_MS)
        page.select_option("#work", "engine:embedded")
        page.wait_for_selector("#performance-chart canvas", timeout=PATIENCE_MS)
        house.do(house.house.desk.reset, "reader")
        page.wait_for_selector("#ladder >> text=closed: asked", timeout=PATIENCE_MS)


def test_hostile_text_stays_text(house: HouseAside, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = HealingEntry(
        at=house.house.clock.now(),
        backend=HOSTILE,
        action=HealingAction.MODEL_SWITCHED,
        cause=HOSTILE * (1_000_000 // len(HOSTILE) + 1),
        guard_rail="",
        outcome=HealingOutcome.DONE,
        undo=HOSTILE,
    )

    def show(_limit: int) -> tuple[HealingEntry, ...]:
        return (entry,)

    monkeypatch.setattr(house.house.desk, "history", show)
    with open_page(browser, house.url) as page:
        enter(page, house)
        page.wait_for_selector("#healing table")
        assert len(page.inner_text("#healing")) > 1_000_000
        assert page.evaluate("window.owned") is None
        assert page.locator("#healing script, #healing img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_fits_a_phone(house: HouseAside, browser: Browser) -> None:
    phone = {"width": 360, "height": 740}
    with open_page(browser, house.url, viewport=phone, has_touch=True, is_mobile=True) as page:
        report(house, "backend:reader", "model-unreachable")
        enter(page, house)
        page.wait_for_selector(".incident")
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
        require_accessible(page)


def test_it_is_steered_by_keyboard_alone(house: HouseAside, browser: Browser) -> None:
    with open_page(browser, house.url) as page:
        enter(page, house)
        page.focus("[data-key=reader-open]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ladder >> text=open by hand", timeout=PATIENCE_MS)
        page.wait_for_selector("[data-key=reader-open]:focus", timeout=PATIENCE_MS)
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.wait_for_selector("#ladder >> text=closed: asked", timeout=PATIENCE_MS)


def test_signing_out_ends_the_page(house: HouseAside, browser: Browser) -> None:
    with open_page(browser, house.url) as page:
        enter(page, house)
        page.click("#sign-out")
        page.wait_for_selector("input[name=key]")


def test_it_works_under_a_path_prefix(browser: Browser, tmp_path: Path) -> None:
    settings = {"server.root_path": "/leaf"}
    with (
        open_house(tmp_path, "ok", text=READS, settings=settings) as house,
        open_page(browser, f"{house.url}/leaf/ops?lang=en") as page,
    ):
        token = house.login.partition("?")[2]
        page.goto(f"{house.url}/leaf/login?{token}")
        assert page.url == f"{house.url}/leaf/ops"
        page.goto(f"{house.url}/leaf/ops?lang=en")
        page.click("[data-key=reader-open]")
        page.wait_for_selector("#ladder >> text=open by hand", timeout=PATIENCE_MS)
        report(house, "backend:reader", "model-unreachable")
        page.click(".incident a.button")
        assert page.url.startswith(f"{house.url}/leaf/runbooks/backend-down")


def test_the_first_load_is_small(house: HouseAside) -> None:
    with httpx.Client(base_url=house.url, follow_redirects=True) as client:
        page = client.get(f"/login?{house.login.partition('?')[2]}").text
        addresses = {part.split('"')[0] for part in page.split('="') if part.startswith("/console/assets/")}
        loaded = [page.encode(), *(client.get(address).content for address in addresses)]
    assert len(addresses) == 6
    assert sum(len(gzip.compress(each)) for each in loaded) <= FIRST_LOAD_BYTES_MAX
