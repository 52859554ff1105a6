from __future__ import annotations

import hashlib
import re
from importlib.resources import files


def test_the_files_of_others_are_unchanged() -> None:
    assets = files("ironleaf.application.console").joinpath("assets")
    rows = re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", assets.joinpath("README.md").read_text(encoding="utf-8"))
    assert len(rows) == 2
    for name, digest in rows:
        assert hashlib.sha256(assets.joinpath(name).read_bytes()).hexdigest() == digest


def test_nothing_is_loaded_from_elsewhere() -> None:
    console = files("ironleaf.application.console")
    ours = [each for part in ("assets", "templates") for each in console.joinpath(part).iterdir()]
    ours = [each for each in ours if each.name.endswith((".js", ".css", ".html", ".svg")) and "uplot" not in each.name]
    assert len(ours) >= 9
    for each in ours:
        outside = re.findall(r"(?:https?:)?//[a-z0-9][\w.-]*\.[a-z]{2,}[^\s\"']*", each.read_text(encoding="utf-8"))
        assert set(outside) <= {"http://www.w3.org/2000/svg"}
