"""A subscriber with httpx: python3 httpx_reader.py URL. Prints EVENT:DATA a line.

httpx gives up on five silent seconds; a longer timeout, or heartbeat=4 in the URL.
"""

import sys
import time

import httpx
from event_stream import EventStream

stream = EventStream()
with httpx.Client(timeout=httpx.Timeout(5, read=30)) as client:
    while True:
        headers = {"Accept": "text/event-stream"}
        if stream.last_event_id:
            headers["Last-Event-ID"] = stream.last_event_id
        try:
            with client.stream("GET", sys.argv[1], headers=headers) as answer:
                if answer.status_code == 204:
                    break  # the channel is finished
                if answer.is_error:
                    sys.exit(answer.read().decode())
                stream.last_event_id = stream.last_event_id or answer.headers["last-event-id"]
                for chunk in answer.iter_bytes():
                    for event, data in stream.feed(chunk):
                        print(f"{event}:{data}", flush=True)
        except httpx.TransportError:
            pass
        stream.ended()
        time.sleep(stream.retry)
