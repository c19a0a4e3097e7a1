"""What feeds the invented screens, and what serves them: the programs of deploy/screens without a broker."""

import http.client
import importlib.machinery
import importlib.util
import json
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SCREENS = pathlib.Path(__file__).parents[2] / "deploy" / "screens"
sys.path.insert(0, str(SCREENS))


def program(name: str):
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCREENS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (SCREENS / f"{name}.html").read_text()


def words(name: str) -> dict[str, dict[str, str]]:
    return json.loads(re.search(r'id="words">(.*?)</script>', page(name), re.S)[1])


class GeneratorTest(unittest.TestCase):
    def events(self, source, turns: int = 3000) -> list[dict]:
        return [event for turn in range(turns) for event in source.turn(turn * 500, 0.5, turn == 0)]

    def check(self, name: str, source, prefix: str, spoken: dict[str, list[str]]):
        events = self.events(source)
        fields: dict[str, set[str]] = {}
        said: set[str] = set()
        for event in events:
            self.assertTrue(event["channel"].startswith(prefix))
            keyed = event["channel"] in re.search(r'keyed="([^"]+)"', page(name))[1].split()
            self.assertEqual("key" in event, keyed, event)
            if "data" not in event:
                continue  # its key is removed
            if keyed:
                self.assertEqual(event["key"], event["data"]["id"])
            fields.setdefault(event["channel"], set()).update(event["data"])
            said.update(str(event["data"][field]) for field in spoken.get(event["channel"], []) if event["data"][field] != "")
        for language in ("en", "zh"):
            missing = said - set(words(name)[language]) - (set(source.cities) | {"SF", "YTO", "ZTO", "JD"} if language == "en" and name == "orders" else set())
            self.assertEqual(missing, set(), f"{name}: no {language} word for what is published")
        # Each element asks for what is there.
        for tag in re.findall(r"<ff-(?:value|trend|gauge|table|map)\b[^>]*>(?:\s*<ff-(?:also|line|column)[^>]*></ff-\w+>)*", page(name)):
            channel = re.search(r'channel="([^"]+)"', tag)[1]
            for field in re.findall(r'(?:field|by|tone)="([^"$]+)"', tag):
                self.assertIn(field, fields[channel], f"{name}: {channel} has no {field}")

    def test_the_shop_floor_publishes_what_its_screen_shows(self):
        self.check("shop-floor", program("shop-floor").Plant(random.Random(1)), "floor/",
                   {"floor/machines": ["state"], "floor/alarms": ["cause"], "floor/lines": ["product"]})

    def test_the_orders_publish_what_their_screen_shows(self):
        self.check("orders", program("orders").Shop(random.Random(1)), "orders/",
                   {"orders/new": ["state", "city"], "orders/stages": ["id", "state"], "orders/docks": ["state", "carrier"]})

    def test_a_new_broker_is_told_everything(self):
        floor, shop = program("shop-floor").Plant(random.Random(1)), program("orders").Shop(random.Random(1))
        self.events(floor, 100)
        for source, channel, count in ((floor, "floor/machines", 24), (floor, "floor/lines", 4), (shop, "orders/cities", 10), (shop, "orders/docks", 18)):
            again = source.turn(60_000, 0.5, True)
            self.assertEqual(len({event["key"] for event in again if event["channel"] == channel}), count)
        alarms = {event["key"] for event in floor.turn(61_000, 0.5, True) if event["channel"] == "floor/alarms"}
        self.assertEqual(alarms, {alarm["id"] for alarm in floor.alarms})

    def test_every_label_has_its_chinese(self):
        for name in ("machine", "shop-floor", "orders"):
            for tag in re.findall(r"<ff-[^>]+>", page(name)):
                for attribute in ("label", "about"):
                    self.assertEqual(f' {attribute}="' in tag, f' {attribute}-zh="' in tag, f"{name}: {tag}")

    def test_a_seed_makes_the_same_again(self):
        first, second = (self.events(program("shop-floor").Plant(random.Random(3)), 20) for _ in range(2))
        self.assertEqual(first, second)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.sock.close()
            raise


class ServeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/screens.sock"
        server = subprocess.Popen([sys.executable, SCREENS / "serve", path])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        deadline = time.monotonic() + 20
        self.connection = UnixConnection(path)
        self.addCleanup(self.connection.close)
        while True:
            try:
                return self.connection.connect()
            except OSError:
                self.assertLess(time.monotonic(), deadline, "it does not listen")
                time.sleep(0.02)

    def get(self, path: str, method: str = "GET"):
        self.connection.request(method, path)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def test_serves_the_screens_over_one_connection(self):
        for path, kind in {"/screens/orders.html": "text/html", "/screens/machine.html?lang=zh": "text/html", "/screens/kit/screen.js": "text/javascript",
                           "/screens/kit/screen.css": "text/css", "/screens/kit/logo.svg": "image/svg+xml"}.items():
            answer, body = self.get(path)
            self.assertEqual((answer.status, answer.headers.get_content_type()), (200, kind), path)
            self.assertTrue(body)
            self.assertNotIn("unsafe", answer.headers["Content-Security-Policy"])
        answer, body = self.get("/screens/orders.html", "HEAD")
        self.assertEqual((answer.status, body), (200, b""))
        self.assertTrue(answer.headers["Date"])

    def test_serves_nothing_else(self):
        for path in ("/screens/serve", "/screens/publishing.py", "/screens/../quickstart", "/screens/%2e%2e/quickstart", "/screens/kit/../serve", "/", "/screens/none.html"):
            self.assertEqual(self.get(path)[0].status, 404, path)


if __name__ == "__main__":
    unittest.main()
