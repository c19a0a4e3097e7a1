"""A FastAPI application that publishes what changes: FANFARE_SOCKET=... uvicorn fastapi_app:app"""

import json
import os

import httpx
from fastapi import FastAPI, HTTPException

app = FastAPI()
broker = httpx.AsyncClient(
    transport=httpx.AsyncHTTPTransport(uds=os.environ["FANFARE_SOCKET"], retries=1),
    base_url="http://fanfare",
)


@app.put("/orders/{number}")
async def change(number: str, order: dict):
    # The key makes it safe to publish again: the same version is published once.
    key = f"order-{number}-{order['version']}"
    answer = await broker.post(
        f"/publish/orders/{number}",
        params={"event": "changed", "id": key},
        content=json.dumps({"number": number, **order}),
    )
    if answer.is_error:
        raise HTTPException(503, answer.text)
    return {"id": answer.json()["id"]}
