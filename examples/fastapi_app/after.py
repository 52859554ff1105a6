"""The same service with the kit and a catalogue of its own. It shows the errors; the model is a stand-in.

uvicorn examples.fastapi_app.after:app --port 8002
"""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import FastAPI, Request, UploadFile

from ironleaf.foundation.errors import (
    AlertRule,
    BusinessError,
    Catalogue,
    Detail,
    Entry,
    Family,
    Kind,
    Level,
    ModelFailure,
    Text,
    Unit,
)
from ironleaf.web import Envelope, document_errors, install

INVOICE_BYTES_MAX: Final = 5_000_000
CHUNK_BYTES: Final = 64 * 1024
MODEL_HOST: Final = "127.0.0.1"
MODEL_PORT: Final = 9
"""Where nobody listens: this model is always down."""
MODEL_S: Final = 2.0

INVOICE_TOO_LARGE: Final = Entry(
    code=41301,
    reason="invoice-too-large",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.TOO_LARGE,
    message=Text("The invoice is larger than the limit.", "发票文件超过了大小上限。"),
    user_advice=Text("Scan it in grey at 200 dpi.", "请以 200 dpi 灰度扫描后重新上传。"),
    operator_advice=Text(
        "Raise INVOICE_BYTES_MAX if many callers meet this.", "如果经常出现，请调高 INVOICE_BYTES_MAX。"
    ),
    alert=AlertRule.SURGE,
)
READER_DOWN: Final = Entry(
    code=50301,
    reason="invoice-reader-down",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text("Invoices cannot be read at the moment.", "暂时无法识别发票。"),
    user_advice=Text("Try again in a few minutes; nothing was lost.", "请几分钟后重试，数据没有丢失。"),
    operator_advice=Text("See whether the model server answers.", "请检查模型服务是否正常响应。"),
    retryable=True,
    alert=AlertRule.RATE,
)

app = FastAPI(title="Invoices, after", telemetry={"auto_configure": False})


@app.post("/invoices", responses=document_errors(INVOICE_TOO_LARGE, READER_DOWN))
async def read_invoice(request: Request, file: UploadFile) -> Envelope[int]:
    size = await count(file)
    await reach_model()
    return Envelope(data=size, request_id=request.state.request_id)


async def count(file: UploadFile) -> int:
    size = 0
    while chunk := await file.read(CHUNK_BYTES):
        size += len(chunk)
        if size > INVOICE_BYTES_MAX:
            detail = Detail(reason=INVOICE_TOO_LARGE.reason, limit=INVOICE_BYTES_MAX, unit=Unit.BYTES)
            raise BusinessError(INVOICE_TOO_LARGE, details=(detail,))
    return size


async def reach_model() -> None:
    try:
        async with asyncio.timeout(MODEL_S):
            _, writer = await asyncio.open_connection(MODEL_HOST, MODEL_PORT)
    except OSError as error:
        # The address stays in the private face: logs see it, callers do not.
        raise ModelFailure(READER_DOWN, retry_after_s=60, context={"host": MODEL_HOST}) from error
    writer.close()


install(app, catalogue=Catalogue((INVOICE_TOO_LARGE, READER_DOWN)))
