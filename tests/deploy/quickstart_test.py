"""deploy/quickstart with a built broker: it feeds a stream, survives a pulled plug, and leaves nothing behind."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

QUICKSTART = pathlib.Path(__file__).parents[2] / "deploy" / "quickstart"
PATIENCE = 60  # seconds; compilers may run at the same time


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.http, self.admin = free_port(), free_port()
        self.environment = os.environ | {
            "FANFARE_HTTP_PORT": str(self.http), "FANFARE_ADMIN_PORT": str(self.admin),
            "FANFARE_INGEST": f"{folder.name}/ingest.sock"}
        self.lines: list[str] = []
        self.news = threading.Condition()

    def start(self, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen([QUICKSTART, "--no-open", "--no-install", *arguments], env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process):
        for line in process.stdout:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    def line(self, pattern: str) -> re.Match:
        """The first line that matches, once it is there."""
        def found():
            return next((match for match in map(re.compile(pattern).search, self.lines) if match), None)
        with self.news:
            self.assertTrue(self.news.wait_for(found, PATIENCE), f"no /{pattern}/ in:\n{''.join(self.lines)}")
            return found()

    def event(self) -> tuple[str, str]:
        """One event of the stream: its data and its id."""
        url = f"http://127.0.0.1:{self.http}/events?channel=metrics/cpu"
        with urllib.request.urlopen(url, timeout=PATIENCE) as stream:
            data = ""
            while True:
                line = stream.readline().decode()
                if line.startswith("data: "):
                    data = line[6:]
                if line.startswith("id: ") and data:
                    return data, line[4:].strip()

    def wait_until_gone(self, pid: int):
        deadline = time.monotonic() + PATIENCE
        while pathlib.Path(f"/proc/{pid}").exists():
            self.assertLess(time.monotonic(), deadline, f"process {pid} is still there")
            time.sleep(0.05)

    def test_feeds_a_stream_and_survives_a_pulled_plug(self):
        quickstart = self.start()
        self.assertEqual(self.line(r"the data screen +(\S+)")[1], f"http://127.0.0.1:{self.http}/screens/machine.html")
        broker = int(self.line(r"kill -9 (\d+)")[1])
        data, before = self.event()
        self.assertIn('"cores":[', data)

        os.kill(broker, signal.SIGKILL)
        self.line(r"the broker ended \(exit code 137\); starting it again")
        broker = int(self.line(r"the broker is back, as process (\d+)")[1])
        _, after = self.event()
        self.assertNotEqual(before.split("-")[0], after.split("-")[0])  # another epoch: it says what it lost

        quickstart.send_signal(signal.SIGINT)
        self.assertEqual(quickstart.wait(PATIENCE), 0)
        self.wait_until_gone(broker)

    def test_explains_why_a_broker_cannot_start(self):
        with socket.create_server(("127.0.0.1", self.http)):
            quickstart = self.start()
            self.assertEqual(quickstart.wait(PATIENCE), 1)
        self.line(rf"127\.0\.0\.1:{self.http}")  # in the broker's own sentence
        self.line(r"the broker did not start")

    def test_explains_wrong_arguments(self):
        self.assertEqual(self.start("--fast").wait(PATIENCE), 2)
        self.line(r'unknown argument "--fast"')

    def test_names_the_screens_there_are(self):
        self.assertEqual(self.start("--screen", "weather").wait(PATIENCE), 2)
        self.line(r'no screen is called "weather": machine, shop-floor or orders')


if __name__ == "__main__":
    unittest.main()
