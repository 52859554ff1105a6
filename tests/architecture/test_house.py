"""The house rules, as tests: who may import whom, and how large a piece may grow."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ironleaf"
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_MEDIAN_MAX = 12
SHELL_MODULES = {"clock.py"}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring, as the budget does."""
    first, last = function.body[0], function.end_lineno or function.lineno
    total = last - function.lineno + 1
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def functions() -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", body_lines(node))]
    return found


def test_import_contracts_hold() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]


def test_no_import_contract_has_an_exception() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert contracts
    for contract in contracts:
        assert "ignore_imports" not in contract, contract["name"]


def test_files_stay_small() -> None:
    large = {str(p.relative_to(SOURCE)): len(p.read_text(encoding="utf-8").splitlines()) for p in modules()}
    assert {name: lines for name, lines in large.items() if lines > FILE_LINES_MAX} == {}


def test_functions_stay_small() -> None:
    found = functions()
    assert [entry for entry in found if entry[1] > FUNCTION_LINES_MAX] == []
    assert statistics.median(lines for _, lines in found) <= FUNCTION_LINES_MEDIAN_MAX


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert [p for p in modules() if p.stem in drawers or p.parent.name in drawers] == []


def test_time_is_only_read_in_the_clock() -> None:
    pattern = re.compile(r"(?<![\w.])(time\.(time|monotonic|perf_counter|sleep)|asyncio\.sleep|datetime\.now)\(")
    guilty = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in modules()
        if path.name not in SHELL_MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line) and "why:" not in line
    ]
    assert guilty == []


def test_concrete_engines_are_named_by_the_wiring_only() -> None:
    bootstrap = SOURCE / "application" / "bootstrap"
    wiring = {*bootstrap.glob("*.py"), SOURCE / "application" / "worker_entry.py"}
    rooms = "embedded|vision_language|text_layer|ladder|guarded"
    concrete = re.compile(rf"ironleaf\.services\.engines\.({rooms})\b(?!\.(answer|settings))")
    guilty = [
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "application").rglob("*.py")
        if path not in wiring and path.name != "settings.py" and concrete.search(path.read_text(encoding="utf-8"))
    ]
    assert guilty == []


def test_nobody_turns_an_exception_into_public_text() -> None:
    """The founding failure: ``return str(e)``. At the doors an exception's words may not even be asked for."""
    pattern = re.compile(
        r"\b(str|repr|format)\(\s*(e|ex|exc|err|error|exception)\s*\)|\{(e|ex|exc|err|error|exception)(!r|!s)?\}"
    )
    doors = [*(SOURCE / "application").rglob("*.py"), *(SOURCE / "web").rglob("*.py")]
    guilty = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in doors
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line) and "not shown" not in line
    ]
    assert guilty == []


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "uv.txt"])
def test_locks_are_hash_pinned_and_name_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text
