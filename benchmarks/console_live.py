"""How soon what happens is on the operators' screen, what the picture costs, and how large the first load is.

    python -m benchmarks.console_live [EVENTS]

A real Chromium watches `/ops` of a house in this process. The time of an event is
taken just before it is made; the time of its sight by a script in the page, on the
same machine's clock, when the text is in the document.
"""

from __future__ import annotations

import asyncio
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from tests.fixtures.browser import run_browser
from tests.fixtures.house_aside import HouseAside, open_house
from tests.fixtures.screenshots import lose, remember_an_hour, report_incident

from ironleaf.application.console.picture import OpsSources, draw_picture
from ironleaf.application.statistics_desk import StatisticsDesk
from ironleaf.services.engines.canary import CANARY_WORDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVENTS = 20
DRAWS = 50
READS = f"{' '.join(CANARY_WORDS)} and a page of good text"
WATCH = """([place, text]) => {
  window.seen = new Promise((done) => {
    const node = document.getElementById(place);
    const look = () => node.innerText.includes(text) && done(Date.now());
    new MutationObserver(look).observe(node, { subtree: true, childList: true, characterData: true });
    look();
  });
}"""


def time_sight_s(page: Page, place: str, text: str, act: Callable[[], object]) -> float:
    page.evaluate(WATCH, [place, text])
    began_s = time.time()
    act()
    return float(page.evaluate("window.seen")) / 1000 - began_s


def watch_breaker(page: Page, house: HouseAside, number: int) -> float:
    desk = house.house.desk
    text, act = ("open by hand", desk.open) if number % 2 == 0 else ("closed: asked", desk.reset)
    time.sleep(number % 7 / 10)  # at another point of the feed's beat
    return time_sight_s(page, "ladder", text, lambda: house.do(act, "reader"))


def watch_error(page: Page, house: HouseAside, number: int) -> float:
    time.sleep(number % 7 / 10)
    counted = int(page.locator("#distribution td >> nth=0").inner_text()) if number else 0
    now = house.house.clock.now()
    return time_sight_s(
        page, "distribution", f"\t{counted + 1}\t", lambda: house.do(house.house.recorder.hear, lose(now))
    )


def watch_incident(page: Page, house: HouseAside, number: int) -> float:
    time.sleep(number % 7 / 10)
    alias = f"gone-{number}"
    return time_sight_s(page, "incidents", f"backend:{alias}", lambda: report_incident(house, alias))


def measure_load(house: HouseAside, path: str) -> int:
    with httpx.Client(base_url=house.url, follow_redirects=True) as client:
        client.get(f"/login?{house.login.partition('?')[2]}")
        page = client.get(path).text
        addresses = {part.split('"')[0] for part in page.split('="') if part.startswith("/console/assets/")}
        loaded = [page.encode(), *(client.get(address).content for address in addresses)]
    return sum(len(gzip.compress(each)) for each in loaded)


def measure_draw_ms(house: HouseAside) -> float:
    inside = house.house
    desk = StatisticsDesk(inside.recorder, catalogue=inside.catalogue, clock=inside.clock)
    sources = OpsSources(
        health=inside.health, engines=inside.desk, incidents=inside.alerting.desk, statistics=desk, redact=str
    )

    async def draw() -> list[float]:
        times: list[float] = []
        for _ in range(DRAWS):
            began_s = time.thread_time()
            await draw_picture(sources, "en")
            times.append((time.thread_time() - began_s) * 1000)
            await asyncio.sleep(0.01)
        return times

    return statistics.median(house.run(draw()))


def say(name: str, times_s: list[float]) -> None:
    middle, most = statistics.median(times_s), max(times_s)
    print(f"{name}: median {middle * 1000:.0f} ms, most {most * 1000:.0f} ms of {len(times_s)}", flush=True)


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with (
        tempfile.TemporaryDirectory() as directory,
        run_browser() as browser,
        open_house(Path(directory), "ok", text=READS) as house,
    ):
        for path in ("/?lang=en", "/?lang=zh", "/ops?lang=en", "/ops?lang=zh"):
            print(f"first load of {path}: {measure_load(house, path) / 1000:.1f} kB compressed")
        page = browser.new_page()
        page.goto(house.login)
        page.goto(f"{house.url}/ops?lang=en")
        page.wait_for_selector("#ladder table")
        say("error counted -> seen", [watch_error(page, house, number) for number in range(events)])
        say("breaker changed -> seen", [watch_breaker(page, house, number) for number in range(events)])
        say("signal heard -> incident seen", [watch_incident(page, house, number) for number in range(events // 2)])
        remember_an_hour(house)
        print(f"one drawing of the picture after a busy hour: {measure_draw_ms(house):.1f} ms of the loop's thread")


if __name__ == "__main__":
    main()
