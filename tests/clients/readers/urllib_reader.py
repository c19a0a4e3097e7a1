"""A subscriber with Python's own library: python3 urllib_reader.py URL. Prints EVENT:DATA a line."""

import http.client
import sys
import time
import urllib.error
import urllib.request

from event_stream import EventStream

stream = EventStream()
while True:
    request = urllib.request.Request(sys.argv[1], headers={"Accept": "text/event-stream"})
    if stream.last_event_id:
        request.add_header("Last-Event-ID", stream.last_event_id)
    try:
        # Twice the heartbeat without a byte: the connection is dead.
        with urllib.request.urlopen(request, timeout=30) as answer:
            if answer.status == 204:
                break  # the channel is finished
            # Until an event brings an id of its own.
            stream.last_event_id = stream.last_event_id or answer.headers["Last-Event-ID"]
            while chunk := answer.read1(65536):
                for event, data in stream.feed(chunk):
                    print(f"{event}:{data}", flush=True)
    except urllib.error.HTTPError as refusal:
        sys.exit(refusal.read().decode())
    except (OSError, http.client.HTTPException):
        pass
    stream.ended()
    time.sleep(stream.retry)
