"""deploy/proxy/nginx.conf under the real nginx, before a broker that can be taken away."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

RUN_FRONT = pathlib.Path(__file__).parents[2] / "deploy" / "proxy" / "run-front"
NATIVE = ["-H", "Accept: text/event-stream", "-H", "Cache-Control: no-cache"]
FETCH = ["-H", "Accept: text/event-stream"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Upstream:
    """Stands for the broker: answers every request with a stream's head and one event, then holds it open."""

    def __init__(self, port: int) -> None:
        self.requests: list[str] = []
        self.connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.requests.append(connection.recv(65536).decode())
            # Known before it is answered: the test may look as soon as curl has the answer.
            self.connections.append(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                               b"X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"a\r\ndata: hi\n\n\r\n")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self.connections:
            connection.close()


class ProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.broker_port, cls.tls_port = free_port(), free_port()
        with open(os.path.join(cls.folder.name, "log"), "w") as log:
            cls.nginx = subprocess.Popen([RUN_FRONT, "nginx", cls.folder.name, str(cls.broker_port), str(cls.tls_port)],
                                         stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", cls.tls_port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or cls.nginx.poll() is not None:
                    raise

    @classmethod
    def tearDownClass(cls):
        cls.nginx.send_signal(signal.SIGTERM)
        cls.nginx.wait(20)
        cls.folder.cleanup()

    def curl(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["curl", "-skNi", "--http2", "--max-time", "10", *arguments,
                               f"https://127.0.0.1:{self.tls_port}/events?channel=a"], capture_output=True, text=True)

    def test_passes_an_event_on_at_once_and_the_end_as_it_was(self):
        upstream = Upstream(self.broker_port)
        self.addCleanup(upstream.close)
        curl = subprocess.Popen(["curl", "-skN", "--http2", f"https://127.0.0.1:{self.tls_port}/events?channel=a"],
                                stdout=subprocess.PIPE, text=True)
        self.addCleanup(curl.stdout.close)
        # The upstream says nothing more: had nginx waited to fill a buffer, this line would not come.
        self.assertEqual(curl.stdout.readline(), "data: hi\n")
        request = upstream.requests[0].lower()
        self.assertTrue(request.startswith("get /events?channel=a http/1.1"))
        self.assertIn("x-forwarded-for: 127.0.0.1", request)
        self.assertNotIn("connection: close", request)
        # No last chunk: unclean, "come back". curl must see an error, not an end.
        upstream.connections[0].close()
        self.assertNotEqual(curl.wait(20), 0)

    def test_tells_an_eventsource_to_come_back_while_the_broker_is_down(self):
        answer = self.curl(*NATIVE, "-H", "Origin: https://app.example")
        head, body = answer.stdout.split("\n\n", 1) if "\n\n" in answer.stdout else answer.stdout.split("\r\n\r\n", 1)
        self.assertTrue(head.startswith("HTTP/2 200"), head)
        self.assertIn("content-type: text/event-stream; charset=utf-8", head)
        self.assertIn("access-control-allow-origin: https://app.example", head)
        self.assertRegex(body, r"^retry: [2-4]\d00\n$")

    def test_tells_other_clients_the_truth(self):
        self.assertTrue(self.curl(*FETCH).stdout.startswith("HTTP/2 502"))

    def test_lets_one_connection_hold_hundreds_of_streams(self):
        conf = pathlib.Path(self.folder.name, "nginx.conf").read_text()
        self.assertIn("http2_max_concurrent_streams 512;", conf)

    def test_runs_below_its_own_folder(self):
        log = pathlib.Path(self.folder.name, "log").read_text()
        self.assertNotIn("Permission denied", log)
        self.assertTrue(pathlib.Path(self.folder.name, "nginx.pid").exists())


if __name__ == "__main__":
    unittest.main()
