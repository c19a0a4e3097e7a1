"""deploy/feeder against a broker made of twenty lines: what it publishes, and what it does when nobody listens."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

FEEDER = pathlib.Path(__file__).parents[2] / "deploy" / "feeder"


def feeder_module():
    loader = importlib.machinery.SourceFileLoader("feeder", str(FEEDER))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("feeder", loader))
    loader.exec_module(module)
    return module


class FeederTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "ingest.sock")

    def listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        listener.listen()
        listener.settimeout(20)
        return listener

    def start(self) -> subprocess.Popen:
        feeder = subprocess.Popen([sys.executable, FEEDER, "--socket", self.path, "--interval", "0.05"],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(feeder.stderr.close)
        self.addCleanup(feeder.wait)
        self.addCleanup(feeder.kill)
        return feeder

    def serve(self, listener: socket.socket, turns: int, reply: bytes = b'{"ok":true,"id":"e-1"}\n') -> list[dict]:
        """Accepts one connection and answers this many turns of five events."""
        connection, _ = listener.accept()
        connection.settimeout(20)
        events = []
        with connection, connection.makefile("rwb") as stream:
            for _ in range(turns * 5):
                events.append(json.loads(stream.readline()))
                stream.write(reply)
                stream.flush()
        return events

    def test_publishes_five_channels_a_turn(self):
        listener = self.listen()
        self.start()
        events = self.serve(listener, turns=2)
        self.assertEqual([event["channel"] for event in events[:5]],
                         ["metrics/cpu", "metrics/memory", "metrics/network", "metrics/disk", "metrics/load"])
        for event in events:
            self.assertEqual(event["event"], event["channel"].removeprefix("metrics/"))
        by_name = {event["event"]: event["data"] for event in events}
        self.assertEqual(set(by_name["cpu"]), {"t", "total", "cores"})
        self.assertEqual(len(by_name["cpu"]["cores"]), os.cpu_count())
        self.assertEqual(set(by_name["memory"]), {"t", "used", "cached", "total"})
        self.assertEqual(set(by_name["network"]), {"t", "rx_bps", "tx_bps"})
        self.assertEqual(set(by_name["disk"]), {"t", "read_bps", "write_bps"})
        self.assertEqual(set(by_name["load"]), {"t", "load1", "load5", "load15", "processes"})

    def test_measures_what_can_be(self):
        listener = self.listen()
        self.start()
        events = self.serve(listener, turns=3)
        for data in (event["data"] for event in events if event["event"] == "cpu"):
            for busy in [data["total"], *data["cores"]]:
                self.assertTrue(0 <= busy <= 100, busy)
        for data in (event["data"] for event in events if event["event"] == "memory"):
            self.assertTrue(0 < data["used"] + data["cached"] <= data["total"], data)
        times = [event["data"]["t"] for event in events if event["event"] == "load"]
        self.assertEqual(times, sorted(times))

    def test_comes_back_when_the_broker_does(self):
        feeder = self.start()
        self.assertIn("no broker at", feeder.stderr.readline())
        first = self.listen()
        self.serve(first, turns=1)
        first.close()
        os.unlink(self.path)
        self.assertIn("publishing to", feeder.stderr.readline())
        self.assertIn("no broker at", feeder.stderr.readline())
        self.assertEqual(len(self.serve(self.listen(), turns=1)), 5)
        self.assertIsNone(feeder.poll())

    def test_says_why_the_broker_refuses(self):
        listener = self.listen()
        feeder = self.start()
        self.serve(listener, turns=2, reply=b'{"ok":false,"error":"no such thing"}\n')
        self.assertIn("publishing to", feeder.stderr.readline())
        self.assertIn("refused: no such thing", feeder.stderr.readline())

    def test_ends_quietly_when_told_to(self):
        listener = self.listen()
        feeder = self.start()
        self.serve(listener, turns=1)
        feeder.terminate()
        self.assertEqual(feeder.wait(20), 0)

    def test_rates_are_growth_a_second_and_never_negative(self):
        rates = feeder_module().Rates()
        self.assertEqual(rates.of("eth0", 1000), 0)
        self.assertGreater(rates.of("eth0", 2000), 0)
        self.assertEqual(rates.of("eth0", 10), 0)


if __name__ == "__main__":
    unittest.main()
