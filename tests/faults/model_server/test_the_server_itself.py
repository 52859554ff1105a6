from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import httpx
import pytest

from ironleaf.faults import CANARIES, FAULTS, FaultyModelServer, ManualClock

pytestmark = pytest.mark.anyio

PROMISED = [
    "refused",
    "reset",
    "silent-before-headers",
    "silent-after-headers",
    "slow-drip",
    "cut-body",
    "cut-stream",
    "dns",
    "tls",
    "wrong-content-type",
    "huge-body",
    "endless-headers",
    "redirect-loop",
    "400-model-gone",
    "404-model-gone",
    "400-bad-key",
    "400-unpaid",
    "401",
    "402",
    "403-region",
    "404-no-images",
    "408",
    "413-rate-tier",
    "422-echo",
    "429-rate",
    "429-quota",
    "429-overload",
    "429-retry-after-7",
    "500-bad-image",
    "500-stack",
    "500-stopping",
    "502-html",
    "503",
    "504",
    "529",
    "200-html",
    "200-error-object",
    "200-empty",
    "200-no-choices",
    "200-null",
    "200-truncated-json",
    "200-length",
    "200-loop",
    "200-refusal",
    "200-echo",
    "200-error-text",
    "200-image-ignored",
    "stream-error-event",
    "stream-done-without-finish",
    "flapping",
    "slow-100x",
    "one-in-n",
]


async def post(server: FaultyModelServer, **body: object) -> httpx.Response:
    messages = [{"role": "user", "content": [{"type": "text", "text": "Read this"}]}]
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return await client.post(
            f"{server.base_url}/chat/completions", json={"model": "m", "messages": messages, **body}
        )


def test_every_promised_fault_is_in_the_registry_with_a_description() -> None:
    assert sorted(FAULTS) == sorted([*PROMISED, "ok"])
    assert all(name == fault.name and fault.description for name, fault in FAULTS.items())


async def test_faults_are_played_in_turn_and_the_last_one_stays() -> None:
    async with FaultyModelServer("503", "ok", "401") as server:
        statuses = [(await post(server)).status_code for _ in range(4)]
        assert statuses == [503, 200, 401, 401]
        assert server.hits == 4
        await server.use("402")
        assert (await post(server)).status_code == 402


async def test_flapping_is_bad_three_times_and_good_three_times() -> None:
    async with FaultyModelServer("flapping") as server:
        assert [(await post(server)).status_code for _ in range(7)] == [503] * 3 + [200] * 3 + [503]


async def test_refusing_and_coming_back_keep_the_address() -> None:
    async with FaultyModelServer() as server:
        address = server.base_url
        await server.use("refused")
        with pytest.raises(httpx.ConnectError):
            await post(server)
        await server.use("ok")
        assert server.base_url == address
        assert (await post(server)).status_code == 200


async def test_slow_is_a_hundred_times_the_usual_time() -> None:
    clock = ManualClock()
    async with FaultyModelServer("slow-100x", latency_s=0.5, clock=clock) as server:
        task = asyncio.create_task(post(server))
        await server.wait_for_call()
        await clock.run_for(49.9)
        assert not task.done()
        await clock.run_for(0.2)
        assert (await task).status_code == 200


async def test_a_good_answer_says_the_text_in_both_forms() -> None:
    async with FaultyModelServer(text="Zwölf Kisten") as server:
        assert (await post(server)).json()["choices"][0]["message"]["content"] == "Zwölf Kisten"
        streamed = await post(server, stream=True, stream_options={"include_usage": True})
        assert streamed.headers["content-type"] == "text/event-stream"
        assert streamed.text.endswith("data: [DONE]\n\n")
        assert '"prompt_tokens"' in streamed.text


async def test_images_are_counted_and_hashed_but_not_kept() -> None:
    async with FaultyModelServer() as server:
        part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}
        await post(server, messages=[{"role": "user", "content": [part]}])
        call = server.calls[0]
        assert call.image_bytes == 3
        assert "YWJj" not in str(call)


async def test_models_and_health_are_answered_whatever_the_fault() -> None:
    async with FaultyModelServer("500-stack", models=("a", "b")) as server:
        async with httpx.AsyncClient(trust_env=False) as client:
            listing = await client.get(f"{server.base_url}/models")
            health = await client.get(server.base_url.removesuffix("/v1") + "/health")
        assert [model["id"] for model in listing.json()["data"]] == ["a", "b"]
        assert health.status_code == 200
        assert server.hits == 0


async def test_refusals_carry_canaries() -> None:
    async with FaultyModelServer() as server:
        clean = []
        for name in FAULTS:
            if name[:3].isdigit() and not name.startswith("200"):
                await server.use(name)
                text = (await post(server)).text
                clean += [] if any(canary in text for canary in CANARIES) else [name]
        assert clean == ["500-bad-image"]


def test_an_unknown_fault_is_refused_at_once() -> None:
    with pytest.raises(KeyError):
        FaultyModelServer("no-such-fault")


def test_it_runs_by_hand() -> None:
    command = [sys.executable, "-W", "error", "-m", "ironleaf.faults.model_server", "--fault", "503"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        status = httpx.post(f"{address}/chat/completions", json={}, trust_env=False).status_code
        process.terminate()
    assert status == 503


@pytest.mark.parametrize(("port", "code"), [("taken", 69), ("70000", 2), ("http", 2)])
def test_a_port_that_cannot_be_had_is_said_in_a_line(port: str, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        asked = str(holder.getsockname()[1]) if port == "taken" else port
        command = [sys.executable, "-W", "error", "-m", "ironleaf.faults.model_server", "--port", asked]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert "Traceback" not in ended.stderr
    assert "port" in ended.stderr.splitlines()[-1]
