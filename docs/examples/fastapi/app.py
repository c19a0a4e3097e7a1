"""Orders, with FastAPI. It publishes what changes over the broker's local socket, and is asked who may listen.

uvicorn --port 3000 app:app
"""

import json
import os
from typing import Optional

import httpx
from fastapi import Cookie, FastAPI, HTTPException, Response

SOCKET = os.environ.get("FANFARE_SOCKET", "/run/fanfare/ingest.sock")
broker = httpx.AsyncClient(
    transport=httpx.AsyncHTTPTransport(uds=SOCKET, retries=1), base_url="http://fanfare"
)
orders = {}  # a database
app = FastAPI()


async def ask(method, path, **more):
    for last in (False, True):
        try:
            answer = await broker.request(method, path, **more)
            break
        except httpx.TransportError as error:  # a kept connection may turn out to be closed
            if last:
                raise HTTPException(503, f"the broker is away: {error}")
    if answer.is_error:
        raise HTTPException(503, answer.text)
    return answer


@app.put("/orders/{number}")
async def change(number: str, order: dict):
    order["number"] = number
    orders[number] = order  # first the database, then the event
    # The key makes it safe to publish again: the same version is published once.
    answer = await ask(
        "POST",
        f"/publish/orders/{number}",
        params={"event": "changed", "id": f"order-{number}-{order['version']}"},
        content=json.dumps(order),
    )
    return {"id": answer.json()["id"]}


# What a page shows first. The position is read before the state, so that no change falls between the two.
@app.get("/orders")
async def state():
    position = (await ask("GET", "/position")).json()["position"]
    return {"position": position, "orders": list(orders.values())}


# The broker asks: who is it, and what may they listen to?
@app.get("/orders/stream")
async def stream(response: Response, session: Optional[str] = Cookie(None)):
    if session != "ann":
        raise HTTPException(401, "sign in first")
    response.headers["Fanfare-Channels"] = "orders/*"
