"""Events out of the bytes of a stream: for programs whose HTTP library knows no event streams.

Lines are split at LF alone, which is all that Fanfare writes: str.splitlines() also splits at U+2028 and
U+0085, which may stand in data.
"""


class EventStream:
    def __init__(self):
        self.last_event_id = ""  # to present when the stream is opened again
        self.retry = 3.0  # seconds
        self._begin()

    def _begin(self):
        self._rest = b""
        self._event, self._data = "message", []

    def ended(self):
        """What has not arrived whole is dropped: it comes again."""
        self._begin()

    def feed(self, chunk):
        """Yields (event, data) for each event that `chunk` completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.decode("utf-8").partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                self._data.append(value)
            elif name == "event":
                self._event = value
            elif name == "id":
                self.last_event_id = value
            elif name == "retry":
                self.retry = int(value) / 1000
            elif not line:
                event, data = self._event, self._data
                self._event, self._data = "message", []
                if data:
                    yield event, "\n".join(data)
