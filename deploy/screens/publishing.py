"""What the programs that feed the screens have in common: events over the broker's ingest socket, as JSON lines.

One line an event, one reply line each. When the broker goes away they keep trying; what happens meanwhile is not published
later, for then it would no longer be live.
"""

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable


def default_socket() -> str:
    """Where the broker puts its ingest socket by default: the same rule."""
    if os.geteuid() == 0:
        return "/run/fanfare/ingest.sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime}/fanfare/ingest.sock" if runtime.startswith("/") else f"/tmp/fanfare-{os.geteuid()}/ingest.sock"


class Broker:
    """The ingest socket, while there is one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._replies = None

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self) -> None:
        """Raises OSError."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.connect(self._path)
        except OSError:
            made.close()
            raise
        self._socket, self._replies = made, made.makefile("rb")

    def publish(self, events: list[dict]) -> list[str]:
        """Sends all, waits for all replies; the errors among them. Raises OSError when the broker is gone."""
        lines = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events)
        try:
            self._socket.sendall(lines.encode())
            replies = [self._replies.readline() for _ in events]
            if not all(replies):
                raise ConnectionResetError("the broker closed the connection")
        except OSError:
            self._socket.close()
            self._socket = None
            raise
        return [reply["error"] for reply in map(json.loads, replies) if "error" in reply]


def say(line: str) -> None:
    print(f"{os.path.basename(sys.argv[0])}: {line}", file=sys.stderr, flush=True)


def arguments(description: str, interval: float) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", default=default_socket(), help="the broker's ingest socket (%(default)s)")
    parser.add_argument("--interval", type=float, default=interval, metavar="SECONDS", help=f"between turns ({interval:g})")
    return parser


def run(options: argparse.Namespace, turn: Callable[[int, float, bool], list[dict]], past: float = 0.0) -> None:
    """Publishes what turn(milliseconds since 1970, seconds since the last, whether the broker is new) returns, each interval,
    until a signal ends the program; at first, two seconds at a time, so many seconds of an invented past. A broker that is
    new knows nothing: it is to be told everything."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    broker = Broker(options.socket)
    told_away = told_error = False
    steps = list(range(round(-past * 1000), -1000, 2000))
    due = time.monotonic()
    while True:
        due = max(due + options.interval, time.monotonic())  # a late one is not made up for by two at once
        time.sleep(max(0.0, due - time.monotonic()))
        now = round(time.time() * 1000)
        try:
            new = not broker.connected
            if new:
                broker.connect()
                say(f"publishing to {options.socket}")
                told_away = False
            while steps:
                broker.publish(turn(now + steps.pop(0), 2.0, False))
            errors = broker.publish(turn(now, options.interval, new))
            if errors and not told_error:
                say(f"refused: {errors[0]}")
            told_error = bool(errors)
        except OSError as error:
            if not told_away:
                say(f"no broker at {options.socket} ({error.strerror or error}); trying every {options.interval:g} s")
            told_away = True
