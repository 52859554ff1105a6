"""The systems under test as processes on loopback: Ironleaf and the LiteLLM proxy."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from benchmarks.peers.load import BAD, Request

from ironleaf.faults import FaultyModelServer
from ironleaf.services.engines.canary import CANARY_PATH, CANARY_WORDS, is_read

MODEL = "qwen2-vl-instruct"
WORDS = " ".join(CANARY_WORDS)
TEXTS = {"A": f"{WORDS}\n\nread by server A", "B": f"{WORDS}\n\nread by server B"}
TIMEOUT_S = 3.0
"""What a silent server costs: the same number in both systems, short so that the benchmark ends."""
MISLABELLED = "mislabelled"
"""The source of a text that another than the one named has read, or whose step down is not told."""
READY_S = 180
STOP_S = 10
MASTER_KEY = "sk-" + "peer-benchmark-" * 3
PICTURE = CANARY_PATH.read_bytes()


@dataclass(slots=True, kw_only=True)
class Pair:
    """The model servers of one system: A falls ill, B (if there is one) stays well."""

    a: FaultyModelServer
    b: FaultyModelServer

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(server.base_url.split("/")[2] for server in (self.a, self.b))


@asynccontextmanager
async def serve_pair() -> AsyncIterator[Pair]:
    async with FaultyModelServer("ok", text=TEXTS["A"]) as a, FaultyModelServer("ok", text=TEXTS["B"]) as b:
        yield Pair(a=a, b=b)


@contextmanager
def run_process(command: list[str], environ: dict[str, str], home: Path):
    """Run a program in ``home``; end it by its own id, in the end with force."""
    with (home / "output.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **environ}, cwd=home, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    began_s = time.monotonic()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        while time.monotonic() - began_s < READY_S and process.poll() is None:
            try:
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.2)
    sys.exit(f"{process.args[0]}: not ready")  # pyright: ignore


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- Ironleaf -------------------------------------------------------------------------------------------------------

PROGRAM = (sys.executable, "-m", "ironleaf")


def make_environ(home: str, backends: list[dict[str, object]], **settings: str) -> dict[str, str]:
    """Return what tells a service to ask these backends, and to keep all that it writes in ``home``."""
    return {
        "XDG_STATE_HOME": home,
        "IRONLEAF_FILES__SPOOL_DIRECTORY": f"{home}/spool",
        "IRONLEAF_ENGINES__VL__BACKENDS": json.dumps(backends),
        **settings,
    }


def make_key(environ: dict[str, str], *options: str) -> str:
    """Return a new key that lets an operator in."""
    command = [*PROGRAM, "keys", "create", "bench", "--scope", "ops", *options]
    home = environ["XDG_STATE_HOME"]
    made = subprocess.run(command, env={**os.environ, **environ}, cwd=home, capture_output=True, text=True, check=True)
    return made.stdout.strip()


@asynccontextmanager
async def run_service(environ: dict[str, str], port: int) -> AsyncIterator[None]:
    """Run the service until the end of the block, which begins when it takes work."""
    with run_process([*PROGRAM, "serve", "--port", str(port)], environ, Path(environ["XDG_STATE_HOME"])) as process:
        await wait_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield


@asynccontextmanager
async def serve_ironleaf(pair: Pair, *, backends: str) -> AsyncIterator[int]:
    """Start the service with ``backends`` ("AB": both; "A": one, and the embedded engine below it); yield its port."""
    servers = {"A": pair.a, "B": pair.b}
    described = [
        {
            "alias": f"reader-{name}",
            "base_url": servers[name].base_url,
            "model": MODEL,
            "connect_timeout_s": TIMEOUT_S,
            "first_token_timeout_s": TIMEOUT_S,
            "between_tokens_timeout_s": TIMEOUT_S,
            "total_timeout_s": 2 * TIMEOUT_S,
        }
        for name in backends
    ]
    port = find_port()
    with tempfile.TemporaryDirectory() as home:
        async with run_service(make_environ(home, described), port):
            yield port


def make_ironleaf_request(port: int, addresses: tuple[str, ...], **options: str) -> Request:
    def make() -> dict[str, object]:
        form = aiohttp.FormData({"timeout_s": "30", **options})
        form.add_field("file", PICTURE, filename="page.png", content_type="image/png")
        return {"data": form}

    return Request(url=f"http://127.0.0.1:{port}/v1/convert", make=make, judge=judge_document, addresses=addresses)


def judge_document(status: int, body: bytes) -> str:
    """Return who read the page, having checked the label against the text."""
    try:
        answer = json.loads(body)
        if status != 200:
            return f"{status} {answer['error']['reason']}"
        page = answer["data"]["pages"][0]
        text, engine, model, degraded = page["text"], page["engine"], page["model"], page["degraded"]
    except (ValueError, LookupError, TypeError):
        return BAD
    if not is_read(text):
        return BAD
    reader = next((name for name, words in TEXTS.items() if words == text), "embedded")
    label = model.removeprefix("reader-") if engine == "vl" else engine
    return reader if reader == label and degraded is (reader != "A") else MISLABELLED


# --- LiteLLM --------------------------------------------------------------------------------------------------------


def describe_deployment(name: str, server: FaultyModelServer, *, timeout_s: float | None) -> dict[str, object]:
    parameters: dict[str, object] = {"model": f"openai/{MODEL}", "api_base": server.base_url, "api_key": "x"}
    if timeout_s:
        parameters["timeout"] = timeout_s
    return {"model_name": name, "litellm_params": parameters}


def make_default_config(pair: Pair) -> dict[str, object]:
    """Return two deployments of one model and nothing else."""
    return {
        "model_list": [describe_deployment(MODEL, server, timeout_s=None) for server in (pair.a, pair.b)],
        "litellm_settings": {"telemetry": False},
    }


def make_tuned_config(pair: Pair) -> dict[str, object]:
    """Return what a careful operator adds: retries, cooldown, timeout, a fallback group."""
    deployments = [describe_deployment(MODEL, server, timeout_s=TIMEOUT_S) for server in (pair.a, pair.b)]
    return {
        "model_list": [*deployments, describe_deployment("vl-backup", pair.b, timeout_s=TIMEOUT_S)],
        "router_settings": {
            "num_retries": 2,
            "allowed_fails": 1,
            "cooldown_time": 10,
            "timeout": TIMEOUT_S,
            "fallbacks": [{MODEL: ["vl-backup"]}],
        },
        "litellm_settings": {"telemetry": False, "request_timeout": TIMEOUT_S},
    }


@asynccontextmanager
async def serve_litellm(
    executable: Path, pair: Pair, make_config: Callable[[Pair], dict[str, object]]
) -> AsyncIterator[Request]:
    port = find_port()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "config.yaml")
        config.write_text(json.dumps(make_config(pair)))  # noqa: ASYNC240  (JSON is YAML)
        environ = {
            "LITELLM_MASTER_KEY": MASTER_KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "CRITICAL",
            "LITELLM_TELEMETRY": "False",
            "NO_PROXY": "127.0.0.1",
        }
        command = [str(executable), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with run_process([*command, "--num_workers", "1"], environ, Path(home)) as process:
            await wait_ready(f"http://127.0.0.1:{port}/health/liveliness", process)
            yield make_chat_request(port, pair.addresses)


def make_chat_request(port: int, addresses: tuple[str, ...]) -> Request:
    url = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    content = [{"type": "text", "text": "Read the text."}, {"type": "image_url", "image_url": {"url": url}}]
    body = {"model": MODEL, "max_tokens": 256, "messages": [{"role": "user", "content": content}]}
    arguments: dict[str, object] = {"json": body, "headers": {"authorization": f"Bearer {MASTER_KEY}"}}
    return Request(
        url=f"http://127.0.0.1:{port}/v1/chat/completions",
        make=lambda: arguments,
        judge=judge_chat,
        addresses=addresses,
    )


def judge_chat(status: int, body: bytes) -> str:
    """Return who gave the text."""
    if status != 200:
        return str(status)
    try:
        text = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        return BAD
    return next((name for name, words in TEXTS.items() if words == text), BAD)
