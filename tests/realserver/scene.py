"""What the tests with real servers share: our service before them, callers who go on, and a look at every byte."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from tests.fixtures.service import run_service
from tests.realserver.servers import MODEL, PROFILE

from ironleaf.services.engines.canary import CANARY_PATH, is_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fixtures.service import Service
    from tests.fixtures.webhook import Inbox

ALIAS = "reading-room"
PRIVATE = re.compile(
    rf"address=|pid[=:]|127\.0\.0\.1|localhost|-rep\d|{re.escape(MODEL)}|tiny-qwen2vl|xinference|xoscar|transformers"
    r"|uvicorn|remote server|model not found|stopping state|traceback|/tmp/|\.py\b|\b0x[0-9a-f]{6}",
    re.IGNORECASE,
)
"""What the founding failure showed, and whatever else names a machine, a process, a replica or a program."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one caller got for the canary page."""

    at_s: float
    took_s: float
    status: int
    wire: str
    body: dict[str, Any]

    @property
    def page(self) -> dict[str, Any]:
        """The only page; empty where the answer is an error."""
        return self.body["data"]["pages"][0] if self.body["data"] else {}

    @property
    def by_model(self) -> bool:
        return self.page.get("engine") == "vl"

    def find_faults(self) -> list[str]:
        """Return what is wrong with the answer: its status, its text, its labels, what it gives away."""
        faults = [f"gives away {word!r}" for word in PRIVATE.findall(self.wire)]
        if self.status != 200:
            return [*faults, f"status {self.status}"]
        if not is_read(self.page["text"]):
            faults.append("not what stands on the page")
        if self.by_model and (self.page["model"], self.page["degraded_reason"]) != (ALIAS, None):
            faults.append("wrongly labelled as the model's")
        if not self.by_model and not (self.body["data"]["degraded"] and self.page["degraded_reason"]):
            faults.append("a step down without a word")
        return faults


@dataclass
class Callers:
    """People who send the canary page again and again, a few at a time, until they are told to stop."""

    service: Service
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def at_work(self, count: int) -> Iterator[Callers]:
        with ThreadPoolExecutor(count) as pool:
            going = [pool.submit(self._go_on) for _ in range(count)]
            try:
                yield self
            finally:
                self._stop.set()
        for each in going:
            each.result()

    def wait_for(self, wanted: Callable[[Answer], bool], *, count: int = 1, timeout_s: float) -> Answer:
        """Return the ``count``-th answer that is ``wanted``."""
        with self._changed:
            found = self._changed.wait_for(lambda: len(list(filter(wanted, self.answers))) >= count, timeout_s)
            seen = [(round(each.at_s), each.status, each.page.get("engine")) for each in self.answers[-8:]]
            assert found, f"not within {timeout_s:.0f} s; the last answers: {seen}"
            return list(filter(wanted, self.answers))[count - 1]

    def _go_on(self) -> None:
        while not self._stop.is_set():
            answer = ask(self.service)
            with self._changed:
                self.answers.append(answer)
                self._changed.notify_all()


def ask(service: Service, path: Path = CANARY_PATH, **options: str) -> Answer:
    """Send a page, the canary page by default, as any caller would."""
    began_s = time.monotonic()
    response = service.convert(path, **options)
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items() if name != "server")
    return Answer(
        at_s=time.monotonic(),
        took_s=time.monotonic() - began_s,
        status=response.status_code,
        wire=f"{headers}\n{response.text}",
        body=response.json(),
    )


def ask_until_by_model(service: Service, *, timeout_s: float) -> Answer:
    """Send the canary page until the model reads it."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        answer = ask(service)
        if answer.by_model or answer.status != 200:
            return answer
    raise AssertionError(f"the model read nothing within {timeout_s:.0f} s")


@contextmanager
def serve(
    directory: Path, base_url: str, model: str, *, inbox: Inbox | None = None, **more: object
) -> Iterator[Service]:
    """Run our service in front of one model server. It tells ``inbox``; ``more`` goes into the backend's settings."""
    canary = more.pop("canary", True)
    backend = {"alias": ALIAS, "base_url": base_url, "model": model, "profile": PROFILE, **more}
    directory.mkdir(parents=True, exist_ok=True)
    yield from run_service(
        directory,
        IRONLEAF_ENGINES__VL__BACKENDS=json.dumps([backend]),
        IRONLEAF_ENGINES__VL__CANARY=str(canary).lower(),
        IRONLEAF_ENGINES__VL__HEALING__LOOK_EVERY_S="2",
        IRONLEAF_ALERTS__CHANNELS=json.dumps([inbox.channel()] if inbox else []),
        IRONLEAF_ALERTS__GRACE_S="5",
    )


def read_standing(service: Service) -> str:
    """Return what ``GET /v1/engines`` says about the model server."""
    engines = httpx.get(f"{service.url}/v1/engines", timeout=30).json()["data"]["engines"]
    return next(engine["status"] for engine in engines if engine["alias"] == ALIAS)


def read_ledger(directory: Path) -> list[dict[str, Any]]:
    """Return what was done without asking anyone, the oldest first; it is written within a second."""
    threading.Event().wait(2)
    with contextlib.closing(sqlite3.connect(directory / "state" / "ironleaf" / "ironleaf.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("select * from healing_entries order by at")]
