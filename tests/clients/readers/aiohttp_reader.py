"""A subscriber with aiohttp: python3 aiohttp_reader.py URL. Prints EVENT:DATA a line.

aiohttp ends every request after five minutes, event streams too: total=None.
"""

import asyncio
import sys

import aiohttp
from event_stream import EventStream


async def read(url):
    stream = EventStream()
    timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            headers = {"Accept": "text/event-stream"}
            if stream.last_event_id:
                headers["Last-Event-ID"] = stream.last_event_id
            try:
                async with session.get(url, headers=headers) as answer:
                    if answer.status == 204:
                        return  # the channel is finished
                    if answer.status >= 400:
                        sys.exit(await answer.text())
                    stream.last_event_id = stream.last_event_id or answer.headers["Last-Event-ID"]
                    async for chunk in answer.content.iter_any():
                        for event, data in stream.feed(chunk):
                            print(f"{event}:{data}", flush=True)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                pass
            stream.ended()
            await asyncio.sleep(stream.retry)


asyncio.run(read(sys.argv[1]))
