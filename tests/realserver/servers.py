"""Real model servers as processes on loopback: started, waited for, and ended with everything they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from PIL import Image, ImageDraw, ImageFont
from tests.fixtures.service import ROOT, find_port

from ironleaf.services.engines.canary import CANARY_PATH, CANARY_WORDS
from ironleaf.services.engines.profiles import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

VENV = Path(os.environ.get("IRONLEAF_REALSERVER_VENV") or ROOT / ".venv-realserver" / "servers")
HERE = Path(__file__).parent
PROFILE = "qwen-vl"
MODEL = "qwen2-vl-instruct"
"""The name under which Xinference serves it: one of its built-in models, loaded from our directory."""
TICKET_TEXT = "Ticket 58 to Kilmore\nPlatform nine, 10:42"
TICKET_PX = (336, 140)
START_S = 300.0
"""12 to 83 s were measured on an idle machine; importing it all takes minutes on a busy one."""
LAUNCH_S = 180.0
LOOK_EVERY_S = 0.5
STEPS_MAX = 1500
"""More than are needed until every token of the pages is certain."""
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True, kw_only=True)
class ModelServer:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def serves(self) -> tuple[str, ...]:
        """Return the ids that it lists at present; nothing where it does not answer."""
        try:
            response = httpx.get(f"{self.base_url}/models", timeout=10)
        except httpx.TransportError:
            return ()
        return tuple(card["id"] for card in response.json()["data"]) if response.status_code == 200 else ()


def make_model(out: Path, *, by_heart: bool) -> Path:
    """Make the model's directory and return it: with the two pages in its weights, or with random ones.

    Raises:
        subprocess.CalledProcessError: the servers' Python could not.
    """
    ticket = draw_ticket(out.parent)
    pages = [{"image": str(CANARY_PATH), "text": " ".join(CANARY_WORDS)}, {"image": str(ticket), "text": TICKET_TEXT}]
    order = {
        "out": str(out),
        "prompt": load_profile(PROFILE).prompt,
        "pages": pages,
        "steps": STEPS_MAX if by_heart else 0,
    }
    subprocess.run(
        [VENV / "bin" / "python", HERE / "tiny_model.py"],
        input=json.dumps(order).encode(),
        env={**os.environ, **_OFFLINE, "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return out


def draw_ticket(directory: Path) -> Path:
    """Draw a page that the model knows, and return its file."""
    picture = Image.new("RGB", TICKET_PX, "white")
    ImageDraw.Draw(picture).text((16, 28), TICKET_TEXT, "black", font=ImageFont.load_default(26), spacing=16)
    path = directory / "ticket.png"
    picture.save(path)
    return path


@contextmanager
def run_transformers(directory: Path, model: Path, *, port: int | None = None) -> Iterator[ModelServer]:
    """Run ``transformers serve`` for one model; it answers when this yields. The model's name is its directory."""
    port = port or find_port()
    command = ["transformers", "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with _run(directory, command, port, {}, ready="/health") as server:
        yield server


@contextmanager
def run_xinference(directory: Path, *, reloads_max: int | None = None) -> Iterator[ModelServer]:
    """Run Xinference without any model.

    ``reloads_max``: how often it loads a lost replica again by itself; None: as it comes.
    """
    port = find_port()
    environ = {
        "XINFERENCE_AUTH_ADVANCED": "0",  # else every call is a 401 until someone makes a key
        "XINFERENCE_ENABLE_VIRTUAL_ENV": "0",  # else each model wants an environment from the network
        "XINFERENCE_HOME": str(directory / "home"),
    }
    if reloads_max is not None:
        environ["XINFERENCE_MODEL_ACTOR_AUTO_RECOVER_LIMIT"] = str(reloads_max)
    with _run(directory, ["xinference-local", "-H", "127.0.0.1", "-p", str(port)], port, environ) as server:
        yield server


def make_launch_request(model: Path) -> dict[str, object]:
    """Return the body of ``POST /v1/models`` for our directory under the name of a built-in model."""
    return {
        "model_name": MODEL,
        "model_uid": MODEL,
        "model_type": "LLM",
        "model_engine": "Transformers",
        "model_format": "pytorch",
        "model_size_in_billions": 2,
        "quantization": "none",
        "replica": 1,
        "n_gpu": None,
        "model_path": str(model),
    }


def launch(server: ModelServer, model: Path) -> set[int]:
    """Have Xinference load the model; return the processes that serve it."""
    before = list_descendants(server.process.pid)
    response = httpx.post(f"{server.base_url}/models", json=make_launch_request(model), timeout=LAUNCH_S)
    assert response.status_code == 200, response.text
    return list_descendants(server.process.pid) - before


def list_descendants(pid: int) -> set[int]:
    """Return the processes below ``pid``, however deep."""
    found: set[int] = set()
    layer = [pid]
    while layer:
        layer = [child for parent in layer for child in _list_children(parent)]
        found.update(layer)
    return found


def kill(pids: set[int]) -> None:
    """End processes at once, as the kernel does when memory is short."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@contextmanager
def _run(
    directory: Path, command: list[str], port: int, environ: dict[str, str], *, ready: str = "/v1/models"
) -> Iterator[ModelServer]:
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "output.txt"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [VENV / "bin" / command[0], *command[1:]],
            cwd=directory,
            env={**os.environ, **_OFFLINE, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = ModelServer(process=process, port=port, log=log)
    try:
        _wait_until_ready(server, ready)
        yield server
    finally:
        below = list_descendants(process.pid)
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)
        kill(below)


def _wait_until_ready(server: ModelServer, path: str) -> None:
    for _ in range(int(START_S / LOOK_EVERY_S)):
        try:
            if httpx.get(f"http://127.0.0.1:{server.port}{path}", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        try:
            server.process.wait(timeout=LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"the model server did not start: {server.log.read_text(errors='replace')[-4000:]}")


def _list_children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []  # it has ended meanwhile
