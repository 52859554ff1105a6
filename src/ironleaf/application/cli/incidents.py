"""``ironleaf incidents``: what is wrong, and a person's orders about it, where no browser and no key is at hand."""

# ruff: noqa: PLC0415  (each command loads what it needs)

from __future__ import annotations

import asyncio
import getpass
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from ironleaf.application.cli.exits import find_language, say
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.settings import Settings, list_secrets, load_settings
from ironleaf.foundation.alerting.deliveries import DeliveryState, Finding
from ironleaf.foundation.alerting.incidents import Act, IncidentState, NoticeKind
from ironleaf.foundation.alerting.silences import SILENCE_S_MAX, SILENCE_S_MIN
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.errors import BusinessError, Language, Text

if TYPE_CHECKING:
    from ironleaf.application.api.incident_views import IncidentLine, IncidentStory, IncidentViews
    from ironleaf.foundation.alerting.board import Board
    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.alerting.store import DatabaseStore
    from ironleaf.foundation.observability import Redactor

app = typer.Typer(help="What is wrong, and orders about it.", no_args_is_help=True)
T = TypeVar("T")

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 200
"""As at the operators' doors."""
SILENCE_S_DEFAULT: Final = 3_600
_ID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_NONE: Final = Text(en="There is no incident.", zh="没有事件。")
_SILENT: Final = Text(en="Nobody is told of this cause until then.", zh="在此之前，不会再通知该根因。")
_HEADS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("id", "state", "urgency", "where", "cause", "since", "lasted"),
    "zh": ("编号", "状态", "紧急程度", "位置", "根因", "开始时间", "持续时间"),
}
_STATES: Final[dict[IncidentState, Text]] = {
    IncidentState.OPEN: Text(en="open", zh="未处理"),
    IncidentState.ACKNOWLEDGED: Text(en="acknowledged", zh="已确认"),
    IncidentState.RESOLVED: Text(en="resolved", zh="已恢复"),
}
_URGENCIES: Final = {"page": Text(en="act now", zh="立即处理"), "ticket": Text(en="working hours", zh="工作时间")}
_HISTORY: Final = Text(en="History", zh="经过")
_TOLD: Final = Text(en="Who was told", zh="通知情况")

_ACTS: Final = {
    Act.OPENED: Text(en="opened", zh="发生"),
    Act.RETURNED: Text(en="came back", zh="复发"),
    Act.ANNOUNCED: Text(en="told", zh="已通知"),
    Act.ACKNOWLEDGED: Text(en="acknowledged", zh="已确认"),
    Act.CLEARED: Text(en="cleared", zh="故障消失"),
    Act.RESOLVED: Text(en="closed by hand", zh="人工关闭"),
    Act.MUTED: Text(en="explained by", zh="归因于"),
    Act.SILENCED: Text(en="silenced by", zh="已静默"),
    Act.CLOSED: Text(en="closed", zh="已结束"),
}
_NOTICES: Final = {
    NoticeKind.OPENED: Text(en="opened", zh="告警"),
    NoticeKind.RESOLVED: Text(en="resolved", zh="恢复通知"),
    NoticeKind.TEST: Text(en="test", zh="测试"),
}
_DELIVERIES: Final = {
    DeliveryState.PENDING: Text(en="not sent yet", zh="待发送"),
    DeliveryState.SENT: Text(en="sent", zh="已发送"),
    DeliveryState.DEAD: Text(en="given up", zh="已放弃"),
}

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
IncidentId = Annotated[str, typer.Argument(metavar="ID", help="The incident's number.", show_default=False)]
By = Annotated[str, typer.Option(help="Who gives the order; without it, this machine's user.")]
Why = Annotated[str, typer.Option(help="Shown to operators beside the act.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What commands work on: the incidents in the database, and how they are shown."""

    store: DatabaseStore
    redactor: Redactor

    @property
    def views(self) -> IncidentViews:
        from ironleaf.application.api.incident_views import IncidentViews

        return IncidentViews(self.redactor)


@app.command("list")
def list_incidents(
    state: Annotated[list[IncidentState] | None, typer.Option(help="Only these; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=LIMIT_MAX)] = LIMIT_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List incidents, the newest first."""
    states = tuple(each.value for each in state or ())

    async def ask(desk: _Desk) -> tuple[IncidentLine, ...]:
        return tuple(map(desk.views.line, await desk.store.list_incidents(states=states, before="", limit=limit)))

    lines = _work(ask, otherwise=())
    if as_json:
        _write_json(lines)
    elif lines:
        _show_lines(lines, find_language())
    else:
        say(_NONE.in_language(find_language()))


@app.command()
def show(incident_id: IncidentId, as_json: AsJson = False) -> None:
    """Show an incident: its card, its history, and who was told."""
    from ironleaf.foundation.alerting.errors import INCIDENT_NOT_FOUND
    from ironleaf.foundation.alerting.templates import BODY_BYTES_MAX, render

    number, language = _read_id(incident_id), find_language()

    async def ask(desk: _Desk) -> tuple[IncidentStory, str]:
        found = await desk.store.find(number)
        if found is None:
            raise BusinessError(INCIDENT_NOT_FOUND)
        kind = NoticeKind.OPENED if found[0].resolved_at is None else NoticeKind.RESOLVED
        told = render(found[0], kind, delivery_id="", language=language).body
        return desk.views.story(*found), desk.redactor.redact_text(told, BODY_BYTES_MAX)

    story, told = _work(ask)
    if as_json:
        _write_json(story)
    else:
        _show_story(story, told, language)


@app.command()
def acknowledge(incident_id: IncidentId, by: By = "", as_json: AsJson = False) -> None:
    """Say that a person has taken it."""
    number, name, now = _read_id(incident_id), _name(by), SystemClock().now()
    _order(lambda board: board.acknowledge(number, by=name, now=now), as_json=as_json)


@app.command()
def resolve(incident_id: IncidentId, by: By = "", why: Why = "", as_json: AsJson = False) -> None:
    """Say that it is over. It is closed at once; what goes on is told as another incident after the grace."""
    number, name, reason, now = _read_id(incident_id), _name(by), _note(why), SystemClock().now()
    _order(lambda board: board.resolve(number, by=name, why=reason, now=now), as_json=as_json)


@app.command()
def silence(
    incident_id: IncidentId,
    duration_s: Annotated[
        int, typer.Option(help="For how many seconds; at most a week.", min=SILENCE_S_MIN, max=SILENCE_S_MAX)
    ] = SILENCE_S_DEFAULT,
    by: By = "",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Tell nobody about this incident's cause for a time."""
    from ironleaf.foundation.alerting.board import NoSuchIncident
    from ironleaf.foundation.alerting.incidents import make_id
    from ironleaf.foundation.alerting.silences import Silence

    number, name, reason, now = _read_id(incident_id), _name(by), _note(why), SystemClock().now()

    def put(board: Board) -> Silence:
        incident = board.incidents.get(number)
        if incident is None:
            raise NoSuchIncident
        fits = f"*|{incident.component}|{incident.cause}"
        made = Silence(
            id=make_id(fits, now, name),
            rule="*",
            component=incident.component,
            cause=incident.cause,
            starts_at=now,
            ends_at=now + timedelta(seconds=duration_s),
            by=name,
            why=reason,
        )
        board.silence(made, now)
        return made

    async def carry_out(desk: _Desk) -> object:
        return desk.views.silence(await _step(desk, put))

    made = _work(carry_out)
    if as_json:
        _write_json(made)
    else:
        say(f"{now + timedelta(seconds=duration_s):%Y-%m-%d %H:%M:%S} UTC")
        say(_SILENT.in_language(find_language()))


def _order(act: Callable[[Board], Incident], *, as_json: bool) -> None:
    async def carry_out(desk: _Desk) -> IncidentLine:
        return desk.views.line(await _step(desk, act))

    line = _work(carry_out)
    if as_json:
        _write_json(line)
    else:
        _show_lines((line,), find_language())


async def _step(desk: _Desk, act: Callable[[Board], T]) -> T:
    """Move the board that every replica shares; each sees it at its next turn.

    Raises:
        BusinessError: there is none of this number, it is over, or there are too many silences.
    """
    from ironleaf.foundation.alerting import errors
    from ironleaf.foundation.alerting.board import IncidentClosed, NoSuchIncident, TooManySilences

    try:
        result, _ = await desk.store.step(lambda board: (act(board), ()), SystemClock().now())
    except NoSuchIncident:
        raise BusinessError(errors.INCIDENT_NOT_FOUND) from None
    except IncidentClosed:
        raise BusinessError(errors.INCIDENT_CLOSED) from None
    except TooManySilences:
        raise BusinessError(errors.TOO_MANY_SILENCES) from None
    return result


def _work(ask: Callable[[_Desk], Awaitable[T]], *, otherwise: T | None = None) -> T:
    """Return what ``ask`` finds in the settings' database, as its service has set it up; ``otherwise`` without one.

    Raises:
        DatabaseUnavailable: it is away.
        BusinessError: there is none yet, and so no incident of that number.
    """
    from ironleaf.application.cli.opening import set_up_logs

    settings = load_settings()
    set_up_logs(settings, console=False)
    return asyncio.run(_ask(settings, ask, otherwise))


async def _ask(settings: Settings, ask: Callable[[_Desk], Awaitable[T]], otherwise: T | None) -> T:
    from ironleaf.foundation.alerting.errors import INCIDENT_NOT_FOUND
    from ironleaf.foundation.alerting.store import DatabaseStore
    from ironleaf.foundation.database import Database
    from ironleaf.foundation.observability import Redactor

    database = Database(settings.database, clock=SystemClock())
    if not database.begun:
        if otherwise is None:
            raise BusinessError(INCIDENT_NOT_FOUND)
        return otherwise
    try:
        store = DatabaseStore(database, settings.alerts.make_policy())
        return await ask(_Desk(store=store, redactor=Redactor(secrets=list_secrets(settings))))
    finally:
        await database.aclose()


def _read_id(text: str) -> str:
    """Return the number.

    Raises:
        BusinessError: it is none, so that there is no incident of it.
    """
    from ironleaf.foundation.alerting.errors import INCIDENT_NOT_FOUND

    number = text.strip().upper()
    if not _ID.fullmatch(number):
        raise BusinessError(INCIDENT_NOT_FOUND)
    return number


def _note(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:NOTE_CHARACTERS_MAX]


def _name(by: str) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "a person"
    return f"{_note(by) or _note(user)} (command line)"


def _write_json(found: object) -> None:
    from pydantic import RootModel

    sys.stdout.write(f"{RootModel[Any](found).model_dump_json(indent=2)}\n")


def _show_lines(lines: tuple[IncidentLine, ...], language: Language) -> None:
    rows = [
        (
            line.id,
            _STATES[line.state].in_language(language),
            _URGENCIES[line.urgency.value].in_language(language),
            line.component,
            line.cause,
            f"{line.since:%Y-%m-%d %H:%M}",
            "-" if line.duration_s is None else str(timedelta(seconds=line.duration_s)),
        )
        for line in lines
    ]
    print_rows(_HEADS[language], rows, language=language, folds=(3, 4), spare=(6, 2, 5, 1))


def _show_story(story: IncidentStory, told: str, language: Language) -> None:
    _show_lines((story.incident,), language)
    lines = ["", told, "", _HISTORY.in_language(language)]
    lines += [
        _join(_say_time(each.at), _ACTS[Act(each.act)].in_language(language), each.by, each.why)
        for each in story.history
    ]
    lines += ["", _TOLD.in_language(language)]
    lines += [
        _join(
            _say_time(each.created_at),
            _NOTICES[NoticeKind(each.kind)].in_language(language),
            each.channel,
            _DELIVERIES[each.state].in_language(language),
            "" if each.finding == Finding.SENT else each.finding,
        )
        for each in story.deliveries
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _join(*words: str) -> str:
    return "  ".join(filter(None, words))


def _say_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
