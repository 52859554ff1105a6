"""The seed of it all: an upload handler as it is usually written. Every line of it looks harmless.

uvicorn examples.fastapi_app.before:app --port 8001
"""

from __future__ import annotations

import json
import logging
import urllib.request
from pathlib import Path

from fastapi import FastAPI, HTTPException, UploadFile

MODEL_URL = "http://10.20.30.40:9997/v1/models/invoice-7f3a/extract"
INBOX = Path("/srv/invoices/inbox")

app = FastAPI(title="Invoices, before")
log = logging.getLogger("invoices")


@app.post("/invoices")
async def read_invoice(file: UploadFile) -> dict[str, object]:
    try:
        data = await file.read()  # the whole file in memory, however large
        (INBOX / (file.filename or "unnamed")).write_bytes(data)  # a name from outside becomes a path
        request = urllib.request.Request(MODEL_URL, data=data)
        with urllib.request.urlopen(request) as answer:  # noqa: ASYNC210, S310 - blocks the loop, waits forever
            return json.load(answer)
    except Exception as error:
        log.error("failed: %s", error)
        # Address, path, model and process, to whoever asks; and always "your fault".
        raise HTTPException(400, detail=str(error)) from error
