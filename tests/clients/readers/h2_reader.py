"""Subscribers with h2, all on one connection: python3 h2_reader.py [--ca FILE] URL...

Prints what happens to them, a line each: "N EVENT:DATA" for the Nth URL, counted from 0, and "N open", "N reset", "N finished",
"connected", "goaway". Takes lines, too: "hold N" acknowledges nothing more of what that stream brings, "release N" all of it,
"reset N" ends it.

h2 knows frames, not sockets: the program brings the socket, with TLS and ALPN for https, by prior knowledge for http. h2 itself
decides when to send WINDOW_UPDATE: when half of a window has been acknowledged, or when there is nothing left of it.
"""

import argparse
import selectors
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

from event_stream import EventStream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError


def say(*words):
    print(*words, flush=True)


class Subscription:
    def __init__(self, number, url):
        self.number, self.url = number, url
        self.stream = EventStream()
        self.id = None  # of the request that is open
        self.due = 0.0  # when to ask
        self.held = None  # bytes that are not acknowledged, while on hold
        self.over = False

    def come_back(self):
        self.stream.ended()
        self.id, self.due = None, time.monotonic() + self.stream.retry


class Connection:
    def __init__(self, url, ca, subscriptions):
        self.url, self.subscriptions = url, subscriptions
        self.gone = False
        self.socket = socket.create_connection((url.hostname, url.port))
        if url.scheme == "https":
            tls = ssl.create_default_context(cafile=ca)
            tls.set_alpn_protocols(["h2"])
            self.socket = tls.wrap_socket(self.socket, server_hostname=url.hostname)
            if self.socket.selected_alpn_protocol() != "h2":
                sys.exit("the server does not speak HTTP/2")
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        say("connected")

    def ask(self, one):
        one.id = self.h2.get_next_available_stream_id()
        fields = [(":method", "GET"), (":scheme", self.url.scheme), (":authority", self.url.netloc),
                  (":path", f"{one.url.path}?{one.url.query}"), ("accept", "text/event-stream")]
        if one.stream.last_event_id:
            fields.append(("last-event-id", one.stream.last_event_id))
        self.h2.send_headers(one.id, fields, end_stream=True)

    def send(self):
        self.socket.sendall(self.h2.data_to_send())

    # Asks for what is due; the seconds until more is.
    def ask_what_is_due(self):
        waiting = [one for one in self.subscriptions if not one.over and one.id is None]
        for one in waiting:
            if one.due <= time.monotonic():
                self.ask(one)
        return min((max(0.0, one.due - time.monotonic()) for one in waiting if one.id is None), default=None)

    def read(self):
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the connection has ended")
        for event in self.h2.receive_data(chunk):
            self.take(event)

    def take(self, event):
        if isinstance(event, ConnectionTerminated):
            say("goaway")
            self.gone = True  # h2 takes nothing of such a connection any more: what is lost with it comes again
        one = next((one for one in self.subscriptions if one.id is not None and one.id == getattr(event, "stream_id", None)), None)
        if one is None:
            if isinstance(event, DataReceived):  # of a stream that was reset
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, ResponseReceived):
            self.answered(one, dict(event.headers))
        elif isinstance(event, DataReceived):
            self.data(one, event)
        elif isinstance(event, (StreamEnded, StreamReset)):
            if isinstance(event, StreamReset):
                say(one.number, "reset")
            if one.held:  # the connection's window is everybody's
                self.h2.acknowledge_received_data(one.held, one.id)
                one.held = 0
            one.come_back()

    def answered(self, one, fields):
        if fields[":status"] == "204":
            one.over = True
            say(one.number, "finished")
        elif fields[":status"] == "200":
            one.stream.last_event_id = one.stream.last_event_id or fields["last-event-id"]
            say(one.number, "open")
        else:
            sys.exit(f"{one.url.geturl()} was answered {fields[':status']}")

    def data(self, one, event):
        for name, data in one.stream.feed(event.data):
            say(one.number, f"{name}:{data}")
        size = event.flow_controlled_length
        if one.held is not None:
            one.held += size
            size = 0
        # Even of nothing: h2 looks at its windows only here. If what is held was the rest of the connection's window,
        # nothing would come any more with which the others could open it.
        self.h2.acknowledge_received_data(size, one.id)

    def obey(self, line):
        word, number = line.split()
        one = self.subscriptions[int(number)]
        if word == "hold":
            one.held = one.held or 0
        elif word == "release":
            self.h2.acknowledge_received_data(one.held, one.id)
            one.held = None
        elif word == "reset":
            self.h2.reset_stream(one.id, ErrorCodes.CANCEL)
            one.id, one.over = None, True

    def serve(self):
        with selectors.DefaultSelector() as ready, self.socket:
            ready.register(self.socket, selectors.EVENT_READ, self.read)
            if not sys.stdin.closed:
                ready.register(sys.stdin, selectors.EVENT_READ, lambda: self.obey(sys.stdin.readline()))
            while not self.gone and not all(one.over for one in self.subscriptions):
                until_more = self.ask_what_is_due()
                self.send()
                # What TLS has taken from the socket does not make it readable again.
                if getattr(self.socket, "pending", lambda: 0)():
                    self.read()
                    continue
                for key, _ in ready.select(until_more):
                    key.data()


arguments = argparse.ArgumentParser()
arguments.add_argument("--ca", help="the certificate to trust, besides those of the system")
arguments.add_argument("url", nargs="+")
arguments = arguments.parse_args()
subscriptions = [Subscription(number, urlsplit(url)) for number, url in enumerate(arguments.url)]
while not all(one.over for one in subscriptions):
    try:
        Connection(subscriptions[0].url, arguments.ca, subscriptions).serve()
    except (OSError, ProtocolError):
        pass
    for one in subscriptions:
        one.come_back()
    time.sleep(min(one.stream.retry for one in subscriptions))
