"""Publishes with Python's own library, over one connection: python3 publish.py SOCKET CHANNEL < lines"""

import http.client
import json
import socket
import sys


class Broker(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("fanfare")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def publish(self, channel, data):
        self.request("POST", f"/publish/{channel}", body=data.encode("utf-8"))
        answer = self.getresponse()
        text = answer.read().decode("utf-8")
        if answer.status != 200:
            raise ValueError(text)
        return json.loads(text)["id"]


if __name__ == "__main__":
    broker = Broker(sys.argv[1])
    for line in sys.stdin:
        print(broker.publish(sys.argv[2], line.rstrip("\n")))
