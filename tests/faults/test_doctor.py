"""The doctor names what is wrong with each backend, says how to mend it, and shows neither keys nor addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.bootstrap import build_readers
from ironleaf.application.cli.doctor import show
from ironleaf.application.doctor import (
    Check,
    Verdict,
    check_room,
    check_sandbox,
    check_writable,
    examine,
    examine_backend,
)
from ironleaf.application.doctor_words import MENDS, STEPS, advise
from ironleaf.application.settings import VlSettings, load_settings
from ironleaf.faults import CANARIES, FaultyModelServer
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.processes import PoolStatus
from ironleaf.foundation.processes.sandbox.report import SandboxReport
from ironleaf.services.engines.canary import CANARY_WORDS
from ironleaf.services.engines.vision_language.settings import BackendSettings

if TYPE_CHECKING:
    from pathlib import Path

READS = " ".join(CANARY_WORDS)
KEY = "sk-doctor-must-not-say-4711"
CHAIN = ["reachable", "key", "served", "sees", "canary", "speed"]


async def look(server: FaultyModelServer, *, model: str = "reader-model") -> list[Check]:
    backend = BackendSettings(
        alias="reader", base_url=server.base_url, model=model, api_key=KEY, connect_timeout_s=0.5, total_timeout_s=1.0
    )
    (reader,) = build_readers(VlSettings(backends=(backend,)))
    try:
        return [check async for check in examine_backend(reader, SystemClock())]
    finally:
        await reader.aclose()


@pytest.mark.anyio
async def test_a_backend_that_is_well_passes_every_step() -> None:
    async with FaultyModelServer("ok", text=READS, models=("reader-model",)) as server:
        checks = await look(server)
    assert [check.step for check in checks] == CHAIN
    assert {check.verdict for check in checks} == {Verdict.OK}
    assert checks[-1].finding.endswith("s/page")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("refused", "reachable"),
        ("dns", "reachable"),
        ("tls", "reachable"),
        ("401", "key"),
        ("400-bad-key", "key"),
        ("402", "paid"),
        ("429-quota", "paid"),
        ("400-model-gone", "served"),
        ("404-model-gone", "served"),
        ("404-no-images", "sees"),
        ("200-image-ignored", "sees"),
        ("200-refusal", "canary"),
        ("200-echo", "canary"),
        ("200-html", "sound"),
        ("500-stack", "sound"),
        ("502-html", "sound"),
        ("503", "free"),
        ("429-rate", "free"),
        ("silent-before-headers", "quick"),
    ],
)
async def test_the_failing_step_is_the_one_that_fails(fault: str, failing: str) -> None:
    async with FaultyModelServer(fault, text=READS, models=("reader-model",)) as server:
        checks = await look(server)
    assert [check.step for check in checks if check.verdict is Verdict.FAILED] == [failing]
    assert checks[-1].step == failing, "what depends on it is not tried"
    public = repr(checks)
    assert not [secret for secret in (*CANARIES, KEY, "127.0.0.1") if secret in public]


@pytest.mark.anyio
async def test_a_model_that_answers_and_is_not_listed_is_said_to_be_so() -> None:
    async with FaultyModelServer("ok", text=READS, models=("another",)) as server:
        checks = await look(server)
    assert [check.finding for check in checks if check.step == "served"] == ["not in the listing"]


def test_a_directory_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert check_writable("spool", tmp_path / "new").verdict is Verdict.OK
    assert check_writable("spool", tmp_path / "file").verdict is Verdict.FAILED
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.anyio
@pytest.mark.parametrize("broken", ["spool", "profile", "authority"])
async def test_a_house_that_cannot_be_built_is_a_finding(broken: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    backend = {
        "alias": "reader",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "m",
        "profile": "no-such-profile" if broken == "profile" else "generic",
        "tls_ca_file": str(tmp_path / "missing.pem") if broken == "authority" else None,
    }
    overrides = {
        "files.spool_directory": str(tmp_path / ("file" if broken == "spool" else "spool")),
        "logs.directory": str(tmp_path / "logs"),
        "engines.vl.backends": [backend],
        "engines.vl.healing.ledger_directory": str(tmp_path),
    }
    settings = load_settings(environ={}, overrides=overrides)
    checks = [check async for check in examine(settings, clock=SystemClock())]
    failed = [(check.subject, check.step) for check in checks if check.verdict is Verdict.FAILED]
    assert failed[-1] == ("house", "built")
    assert (("spool", "writable") in failed) is (broken == "spool")


def test_a_full_disk_is_found(tmp_path: Path) -> None:
    assert check_room(tmp_path, 0).verdict is Verdict.OK
    assert check_room(tmp_path, 1 << 60).verdict is Verdict.FAILED


@pytest.mark.parametrize(("active", "verdict"), [(True, Verdict.OK), (False, Verdict.WARNING)])
def test_missing_locks_are_a_warning(active: bool, verdict: Verdict) -> None:
    report = SandboxReport(seccomp=active, landlock=True, rlimits=True, audit=False)
    status = PoolStatus(name="decode", size=1, alive=1, busy=0, queued=0, replaced={}, sandbox=report, ready=True)
    assert check_sandbox(status).verdict is verdict


def test_every_step_that_may_fail_has_advice_in_both_languages() -> None:
    subjects = (
        "settings",
        "spool",
        "logs",
        "ledger",
        "database",
        "house",
        "workers",
        "decode workers",
        "embedded",
        "reader",
    )
    for subject in subjects:
        for step in STEPS:
            if step == "writable" and subject not in {"spool", "logs", "ledger", "database"}:
                continue
            english, chinese = advise(subject, step, "en"), advise(subject, step, "zh")
            assert english.isascii()
            assert any("一" <= character <= "鿿" for character in chinese)
    assert len({said.en for said in MENDS.values()}) == len(MENDS)


def test_the_table_shows_advice_where_something_failed(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        Check(subject="spool", step="writable", verdict=Verdict.OK),
        Check(subject="reader", step="key", verdict=Verdict.FAILED),
    ]
    show(checks, language="en", as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "api_key_env" in said
    assert "spool_directory" not in said


def test_what_was_found_is_said_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        Check(subject="database", step="reachable", verdict=Verdict.SKIPPED, finding="not made yet"),
        Check(subject="database", step="writable", verdict=Verdict.FAILED, finding="read_only"),
        Check(subject="database", step="room", verdict=Verdict.OK, finding="512 MiB"),
    ]
    show(checks, language="zh", as_json=False)
    said = capsys.readouterr().out
    assert all(word in said for word in ("尚未创建", "只读", "512 MiB"))


@pytest.mark.parametrize("finding", Finding)
def test_what_came_of_a_test_message_is_said_in_chinese_and_by_its_word(
    finding: Finding, capsys: pytest.CaptureFixture[str]
) -> None:
    show(
        [Check(subject="hook", step="sent", verdict=Verdict.FAILED, finding=finding.value)],
        language="zh",
        as_json=False,
    )
    said = capsys.readouterr().out
    assert f"({finding.value})" in said
    assert "拒绝访问" not in said


def run_doctor(directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("IRONLEAF_")},
        "XDG_STATE_HOME": str(directory / "state"),
        "IRONLEAF_FILES__SPOOL_DIRECTORY": str(directory / "spool"),
        "IRONLEAF_WORKERS__RECOGNISERS": "1",
        "IRONLEAF_WORKERS__DECODERS": "1",
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "ironleaf", "doctor", "--json"],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_the_command_tells_programs_and_exits_with_one_when_something_failed(tmp_path: Path) -> None:
    address = "http://127.0.0.1:9/v1"
    backend = {"alias": "reader", "base_url": address, "model": "m", "api_key_env": "READER_KEY"}
    run = run_doctor(tmp_path, IRONLEAF_ENGINES__VL__BACKENDS=json.dumps([backend]), READER_KEY=KEY)
    rows = json.loads(run.stdout)
    failed = [(row["subject"], row["step"]) for row in rows if row["verdict"] == "failed"]
    assert failed == [("reader", "reachable")]
    assert run.returncode == 1
    assert [row["verdict"] for row in rows if row["subject"] == "embedded"] == ["ok"]
    assert not [secret for secret in (KEY, address, "127.0.0.1") if secret in run.stdout + run.stderr]


def test_refused_settings_are_the_first_finding(tmp_path: Path) -> None:
    run = run_doctor(tmp_path, IRONLEAF_SERVER__PORT="many")
    assert run.returncode == 1
    assert json.loads(run.stdout)[0]["verdict"] == "failed"
    assert "IRONLEAF_SERVER__PORT" in run.stderr
    assert "many" not in run.stdout + run.stderr
