"""``ironleaf doctor``: a table of everything the service stands on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from ironleaf.application.cli.exits import say
from ironleaf.application.cli.tables import print_rows
from ironleaf.application.doctor import examine
from ironleaf.application.doctor_alerts import examine_channels
from ironleaf.application.doctor_checks import Check, Verdict
from ironleaf.application.doctor_words import advise, name_finding, name_step
from ironleaf.application.settings import Settings, list_secrets
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.errors import Language
from ironleaf.foundation.observability import Redactor, configure_logs

EXIT_WELL = 0
EXIT_ILL = 1

_MARKS = {
    Verdict.OK: ("green", {"en": "ok", "zh": "正常"}),
    Verdict.WARNING: ("yellow", {"en": "warning", "zh": "注意"}),
    Verdict.FAILED: ("red", {"en": "failed", "zh": "失败"}),
    Verdict.SKIPPED: ("dim", {"en": "not tried", "zh": "未检查"}),
}
_HEADS = {"en": ("", "what", "check", "found", "how to mend it"), "zh": ("", "对象", "检查", "结果", "如何修复")}


async def run_doctor(settings: Settings, *, language: Language, as_json: bool, only_alerts: bool = False) -> int:
    """Try everything, show it, and return 1 if anything failed, else 0. No key and no address is ever shown.

    ``only_alerts`` sends a test through each channel of alerts instead.
    """
    quiet = replace(settings.logs, console=False, file=False)  # the log directory is one of the patients
    configure_logs(quiet, Redactor(secrets=list_secrets(settings)))
    checks = [Check(subject="settings", step="read", verdict=Verdict.OK)]
    with Console(stderr=True).status("…"):
        look = examine_channels if only_alerts else examine
        checks += [check async for check in look(settings, clock=SystemClock())]
    show(checks, language=language, as_json=as_json)
    return EXIT_ILL if any(check.verdict is Verdict.FAILED for check in checks) else EXIT_WELL


def show_refused(lines: Sequence[str], *, language: Language, as_json: bool) -> int:
    """Show that the settings are refused, and which; return the exit code."""
    for line in lines:
        say(line)
    show([Check(subject="settings", step="read", verdict=Verdict.FAILED)], language=language, as_json=as_json)
    return EXIT_ILL


def show(checks: Sequence[Check], *, language: Language, as_json: bool) -> None:
    """Write the checks to standard output."""
    if as_json:
        said = [_describe(check, language) for check in checks]
        sys.stdout.write(f"{json.dumps(said, ensure_ascii=False, indent=2)}\n")
        return
    rows: list[tuple[str, ...]] = []
    for check in checks:
        row = _describe(check, language)
        verdict, finding = _MARKS[check.verdict][1][language], name_finding(check.step, check.finding, language)
        rows.append((verdict, check.subject, row["check"] or "", finding, row["mend"] or ""))
    marks = [_MARKS[check.verdict][0] for check in checks]
    print_rows(_HEADS[language], rows, language=language, folds=(1, 2, 3, 4), marks=marks)


def _describe(check: Check, language: Language) -> dict[str, str | None]:
    well = check.verdict in {Verdict.OK, Verdict.SKIPPED}
    return {
        "subject": check.subject,
        "step": check.step,
        "check": name_step(check.step, language),
        "verdict": check.verdict.value,
        "finding": check.finding,
        "mend": None if well else advise(check.subject, check.step, language),
    }
