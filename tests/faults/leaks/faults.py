"""What can be thrown: an exception of every library in use, each stuffed with the planted secrets."""

from __future__ import annotations

import asyncio
import errno
import json
import pickle
import socket
import ssl
import struct
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn
from unittest.mock import Mock

import aiohttp
import cv2
import orjson
import pypdfium2
from aiohttp.client_reqrep import ConnectionKey
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from multidict import CIMultiDict
from onnxruntime.capi.onnxruntime_pybind11_state import Fail as OnnxFail
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError, MultipartParseError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from tests.faults.leaks.canaries import ADDRESS, ALL, DSN, HOME, KEY, PAGE_TEXT, SOCKET, TOKEN
from yarl import URL

from ironleaf.foundation.errors import Detail, IronleafError, LimitReached, ModelFailure, ProcessingFailure
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR, SERVICE_UNAVAILABLE
from ironleaf.foundation.processes import BusyReason, JobFailed, LossReason, PoolBusy, WorkerLost
from ironleaf.foundation.resilience import CircuitOpen
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.files.errors import DAMAGED_IMAGE, DECODER_FAILED

Make = Callable[[], BaseException]


class Hostile(Exception):
    """Says secrets in every way that an exception can speak, and looks like the framework's own."""

    status_code = 418
    detail = ALL
    headers = MappingProxyType({"x-leak": ALL})
    entry = ALL
    details = (ALL,)
    retry_after_s = ALL
    context = ALL

    def __init__(self) -> None:
        super().__init__(ALL, {"path": HOME}, KEY)
        self.add_note(ALL)
        self.body = ALL.encode()

    def __repr__(self) -> str:
        return f"<{ALL}>"

    def __format__(self, _spec: str) -> str:
        return ALL


class Mute(Exception):
    """Cannot even be said: whoever tries gets another error, with secrets in it."""

    def __str__(self) -> str:
        raise RuntimeError(ALL)

    def __repr__(self) -> str:
        raise ValueError(ALL)


class Endless(Exception):
    """Its words never end."""

    def __str__(self) -> str:
        return ALL * 2_000


Named = type("CanaryError_gpu_canary_7_internal", (Exception,), {})
"""The name of the class is a secret, too."""


class _Form(BaseModel):
    number: int


def _caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


def _chained(error: BaseException) -> BaseException:
    """Give an error a stack, a cause and a context of its own, as in life."""

    def deep(levels: int) -> NoReturn:
        private_address = ADDRESS  # noqa: F841 - a local variable that no log may show
        if levels:
            deep(levels - 1)
        try:
            raise ConnectionError(DSN)  # noqa: TRY301 - the stack is what is wanted
        except ConnectionError as cause:
            raise error from cause

    return _caught(lambda: deep(3))


def _recurse() -> NoReturn:
    def loop(text: str) -> str:
        return loop(text + KEY[:1])

    loop(ALL)
    raise AssertionError


def _unicode() -> BaseException:
    return UnicodeDecodeError("utf-8", f"{ALL}\xff".encode("latin-1", "replace"), len(ALL), len(ALL) + 1, ALL)


def _response_error() -> aiohttp.ClientResponseError:
    headers = CIMultiDict({"x-served-by": ALL})
    info = aiohttp.RequestInfo(URL(f"http://{ADDRESS}/v1"), "POST", CIMultiDict(), URL(f"http://{ADDRESS}/v1"))  # type: ignore[arg-type]
    return aiohttp.ClientResponseError(info, (), status=502, message=ALL, headers=headers)


def _connector_error() -> aiohttp.ClientConnectorError:
    key = ConnectionKey("gpu-canary-7.internal", 47613, False, True, None, None, None)
    return aiohttp.ClientConnectorError(key, OSError(errno.ECONNREFUSED, ALL))


def _chained_cycle() -> BaseException:
    first, second = _chained(ValueError(ALL)), KeyError(ALL)
    first.__cause__, second.__cause__ = second, first
    return first


def _detail_attack() -> BaseException:
    # The shape check of `Detail` speaks itself; what it says must not go out either.
    return _caught(lambda: Detail(reason="bad-option", field=ALL))


FOREIGN: dict[str, Make] = {
    "RuntimeError": lambda: RuntimeError(ALL),
    "ValueError": lambda: ValueError(ALL),
    "TypeError": lambda: TypeError(ALL),
    "KeyError": lambda: KeyError(DSN),
    "IndexError": lambda: IndexError(ALL),
    "AttributeError": lambda: AttributeError(ALL, name=KEY, obj=ALL),
    "NameError": lambda: NameError(ALL, name=KEY),
    "AssertionError": lambda: AssertionError(ALL),
    "NotImplementedError": lambda: NotImplementedError(ALL),
    "ImportError": lambda: ImportError(ALL, name=KEY, path=HOME),
    "SyntaxError": lambda: SyntaxError(ALL, (HOME, 1, 1, ALL)),
    "StopIteration": lambda: StopIteration(ALL),
    "StopAsyncIteration": lambda: StopAsyncIteration(ALL),
    "MemoryError": lambda: MemoryError(ALL),
    "RecursionError": lambda: _caught(_recurse),
    "CancelledError": lambda: asyncio.CancelledError(ALL),
    "TimeoutError": lambda: TimeoutError(ALL),
    "InvalidStateError": lambda: asyncio.InvalidStateError(ALL),
    "IncompleteReadError": lambda: asyncio.IncompleteReadError(ALL.encode(), 9_999),
    "UnicodeDecodeError": _unicode,
    "UnicodeEncodeError": lambda: UnicodeEncodeError("ascii", ALL + "\u00e9", len(ALL), len(ALL) + 1, ALL),
    "OSError-ENOSPC": lambda: OSError(errno.ENOSPC, ALL, HOME),
    "OSError-EDQUOT": lambda: OSError(errno.EDQUOT, ALL, HOME, None, SOCKET),
    "OSError-EMFILE": lambda: OSError(errno.EMFILE, ALL),
    "FileNotFoundError": lambda: FileNotFoundError(errno.ENOENT, ALL, HOME),
    "PermissionError": lambda: PermissionError(errno.EACCES, ALL, HOME),
    "ConnectionRefusedError": lambda: ConnectionRefusedError(errno.ECONNREFUSED, ALL),
    "BrokenPipeError": lambda: BrokenPipeError(errno.EPIPE, ALL),
    "gaierror": lambda: socket.gaierror(socket.EAI_NONAME, ALL),
    "SSLError": lambda: ssl.SSLCertVerificationError(1, ALL),
    "struct.error": lambda: struct.error(ALL),
    "JSONDecodeError": lambda: json.JSONDecodeError(ALL, ALL, 3),
    "orjson.JSONDecodeError": lambda: orjson.JSONDecodeError(ALL, ALL, 3),
    "TOMLDecodeError": lambda: tomllib.TOMLDecodeError(ALL),
    "UnpicklingError": lambda: pickle.UnpicklingError(ALL),
    "BadZipFile": lambda: zipfile.BadZipFile(ALL),
    "CalledProcessError": lambda: subprocess.CalledProcessError(1, ["soffice", KEY, HOME], ALL, ALL),
    "TimeoutExpired": lambda: subprocess.TimeoutExpired([KEY, DSN], 3, ALL.encode(), ALL.encode()),
    "UserWarning": lambda: UserWarning(ALL),
    "ExceptionGroup": lambda: ExceptionGroup(ALL, [ValueError(ALL), ExceptionGroup(DSN, [OSError(2, ALL, HOME)])]),
    "ExceptionGroup-of-ours": lambda: ExceptionGroup(
        ALL, [ValueError(ALL), ModelFailure(ENGINE_FAILED, context={"address": ADDRESS})]
    ),
    "BaseExceptionGroup": lambda: BaseExceptionGroup(ALL, [asyncio.CancelledError(ALL), ValueError(ALL)]),
    "cycle": _chained_cycle,
    "detail-of-a-caller": _detail_attack,
    "hostile": Hostile,
    "mute": Mute,
    "endless": Endless,
    "named": lambda: Named(ALL),
    "PIL": lambda: UnidentifiedImageError(f"cannot identify image file '{HOME}' {ALL}"),
    "PIL-bomb": lambda: Image.DecompressionBombError(ALL),
    "pypdfium2": lambda: pypdfium2.PdfiumError(ALL),
    "cv2": lambda: cv2.error(ALL),
    "onnxruntime": lambda: OnnxFail(ALL),
    "aiohttp-response": _response_error,
    "aiohttp-connector": _connector_error,
    "aiohttp-payload": lambda: aiohttp.ClientPayloadError(ALL),
    "aiohttp-url": lambda: aiohttp.InvalidURL(f"http://{ADDRESS}", ALL),
    "multipart": lambda: MultipartParseError(ALL),
    "form": lambda: FormParserError(ALL),
    "pydantic": lambda: _caught(lambda: _Form(number=ALL)),  # type: ignore[arg-type]
    "RequestValidationError": lambda: RequestValidationError(
        [
            {"type": "int_parsing", "loc": ("body", KEY, ALL), "msg": ALL, "input": ALL, "ctx": {"error": ALL}},
            {
                "type": "enum",
                "loc": ("query", DSN),
                "msg": ALL,
                "input": ALL,
                "ctx": {"expected": f"'{KEY}' or '{PAGE_TEXT}'"},
            },
        ],
        body={KEY: ALL},
    ),
    "ResponseValidationError": lambda: ResponseValidationError([{"type": ALL, "input": ALL}], body=ALL),
    "HTTPException-400": lambda: HTTPException(400, ALL, {"x-leak": TOKEN, "retry-after": ALL}),
    "HTTPException-404": lambda: HTTPException(404, ALL),
    "HTTPException-418": lambda: HTTPException(418, ALL, {"set-cookie": TOKEN, "location": f"http://{ADDRESS}"}),
    "HTTPException-503": lambda: HTTPException(503, ALL, {"server": ALL, "via": ALL, "x-request-id": KEY}),
    "HTTPException-599": lambda: HTTPException(599, ALL),
    "ClientDisconnect": lambda: ClientDisconnect(ALL),
    "CircuitOpen": lambda: CircuitOpen(ALL, reason=Mock(value=ALL), retry_after_s=3.0),
}
"""Whatever libraries and the language itself may raise; none is translated anywhere on purpose."""

_PRIVATE = {"address": ADDRESS, "dsn": DSN, "body": ALL, "stack": ALL, "noise": ALL, KEY: KEY}


def _caused(error: IronleafError) -> IronleafError:
    error.__cause__ = RuntimeError(ALL)
    error.add_note(ALL)
    return error


OURS: dict[str, Make] = {
    "ours-internal": lambda: _caused(ProcessingFailure(INTERNAL_ERROR, context=_PRIVATE)),
    "ours-decoder": lambda: _caused(
        ProcessingFailure(DECODER_FAILED, details=(Detail(reason=DECODER_FAILED.reason, page=2),), context=_PRIVATE)
    ),
    "ours-damage": lambda: _caused(LimitReached(DAMAGED_IMAGE, context=_PRIVATE)),
    "ours-engine": lambda: _caused(ModelFailure(ENGINE_FAILED, retry_after_s=7.2, context=_PRIVATE)),
    "ours-unavailable": lambda: _caused(LimitReached(SERVICE_UNAVAILABLE, retry_after_s=0.001, context=_PRIVATE)),
}
"""Errors of the catalogue: their private face is full."""

WORKERS: dict[str, Make] = {
    **{
        f"worker-lost-{reason.value}": lambda reason=reason: WorkerLost(
            reason, exit_code=-9, private_text=ALL, private_stack=ALL, private_noise=ALL
        )
        for reason in LossReason
    },
    "job-failed": lambda: JobFailed("ValueError", private_text=ALL, private_stack=ALL, private_noise=ALL),
    "job-failed-secretly": lambda: JobFailed(ALL, private_text=ALL, private_stack=ALL, private_noise=ALL),
    **{f"pool-busy-{reason.value}": lambda reason=reason: PoolBusy(reason) for reason in BusyReason},
}
"""What a pool of worker processes ends a call with; whatever the process wrote is in it."""


@dataclass(frozen=True, kw_only=True)
class Thrown:
    """One thing to throw, made anew each time: exceptions keep state."""

    name: str
    make: Make

    def __call__(self) -> BaseException:
        error = self.make()
        return error if error.__traceback__ is not None or isinstance(error, ValidationError) else _chained(error)


THROWN: tuple[Thrown, ...] = tuple(Thrown(name=name, make=make) for name, make in {**FOREIGN, **OURS}.items())
THROWN_BY_POOLS: tuple[Thrown, ...] = (*THROWN, *(Thrown(name=name, make=make) for name, make in WORKERS.items()))
EXIT = Thrown(name="SystemExit", make=lambda: SystemExit(ALL))
