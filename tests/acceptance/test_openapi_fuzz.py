"""Promise: whatever is sent, the answer is one that the service's own OpenAPI description knows.

A few examples for each operation in `make test`; ``IRONLEAF_FUZZ=N`` (`make fuzz`) sends N.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.faults.leaks.canaries import OPS_KEY
from tests.faults.leaks.closed_lists import CATALOGUE, ULID
from tests.faults.leaks.private_logs import write_logs
from tests.faults.leaks.seams import build, make_picture

from ironleaf.foundation.database.errors import DATABASE_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.leaks.seams import WallHouse

EXAMPLES = int(os.environ.get("IRONLEAF_FUZZ", "8"))
"""Requests for each operation and mode; the short number keeps `make test` quick."""
LONG = 100
CHECKS: list[Any] = [
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
"""Not among them: whether data of the right shape is accepted. A file is right or wrong by its content."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CONDITIONAL = ("page_range", "prompt", "timeout_s")
"""Options of the right shape that may not fit the file, the engine or a busy machine."""
FILES = ("/v1/convert", "/v1/inspect")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600 if EXAMPLES > LONG else 180)]


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WallHouse]:
    """The service in this process, over doubles for its worker pools."""
    directory = tmp_path_factory.mktemp("fuzz")
    with write_logs(directory / "logs"), build(directory, every_format=True) as built:
        yield built


@pytest.fixture(scope="module")
def operations(wall: WallHouse) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", wall.app)
    return [found.ok() for found in schema.get_all_operations()]


def send(case: Any, seen: Counter[int]) -> None:
    """Send one request, every other time with a key, and hold the answer against the description and the catalogue."""
    keyed = sum(seen.values()) % 2 == 0
    response = case.call(headers={"x-api-key": OPS_KEY} if keyed else None)
    seen[response.status_code] += 1
    away = response.status_code == 503 and response.json()["error"]["reason"] == DATABASE_UNAVAILABLE.reason
    case.validate_response(response, checks=[check for check in CHECKS if not (away and check is not_a_server_error)])
    assert ULID.fullmatch(response.headers["x-request-id"][0])
    if response.status_code >= 400:
        said = response.json()
        entry = CATALOGUE.find_code(said["code"])
        assert entry is not None, said
        assert (entry.http_status, entry.reason) == (response.status_code, said["error"]["reason"])


def attack(operation: Any, mode: GenerationMode, seen: Counter[int], *, file: bytes | None = None) -> None:
    """Send many requests of one mode to one operation; with ``file`` it replaces the random one."""

    @seed(4729)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        if file is not None and isinstance(case.body, dict):
            case.body = {name: case.body[name] for name in case.body if name not in CONDITIONAL} | {"file": file}
        send(case, seen)

    try:
        run()
    except (Unsatisfiable, SkipTest):
        return  # an operation without parameters has no wrong ones


def test_every_answer_is_one_that_the_description_knows(operations: list[Any]) -> None:
    seen: Counter[int] = Counter()
    for operation in operations:
        for mode in MODES:
            attack(operation, mode, seen)
    assert sum(seen.values()) >= EXAMPLES, seen
    print(seen)  # noqa: T201 - the figures of `make fuzz`


def test_every_answer_about_a_good_file_is_one_that_the_description_knows(operations: list[Any]) -> None:
    """Random options around a file that can be read: so that documents are held against their schema, too."""
    seen: Counter[int] = Counter()
    for operation in operations:
        if operation.path in FILES:
            attack(operation, GenerationMode.POSITIVE, seen, file=make_picture())
    assert seen[200] > 0, seen
    print(seen)  # noqa: T201


def test_every_operation_documents_its_refusals(wall: WallHouse) -> None:
    described = wall.app.openapi()
    for path, item in described["paths"].items():
        for operation in item.values():
            default = operation["responses"]["default"]["content"]
            assert set(default) == {"application/json", "application/problem+json"}, path
    refusals = {400, 408, 413, 415, 422, 429, 500, 502, 503, 504}
    for path in FILES:
        documented = {int(status) for status in described["paths"][path]["post"]["responses"] if status.isdigit()}
        assert refusals <= documented, (path, refusals - documented)
