"""What lets a client in: a token (EdDSA), and an application that is asked about each request."""
import asyncio
import base64
import json
import subprocess
import sys
import time

PUBLIC_KEY = "token.pem"


def make_token(folder):
    """One for every channel, good for an hour; its public key is in folder / PUBLIC_KEY."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def part(content):
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    openssl("genpkey", "-algorithm", "ed25519", "-out", "issuer.pem")
    openssl("pkey", "-in", "issuer.pem", "-pubout", "-out", PUBLIC_KEY)
    claims = {"sub": "ann", "exp": int(time.time()) + 3600, "channels": ["**"]}
    text = ".".join(part(json.dumps(one).encode()) for one in ({"alg": "EdDSA", "typ": "JWT"}, claims))
    (folder / "signed").write_text(text)
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", "issuer.pem", "-in", "signed", "-out", "signature")
    return f"{text}.{part((folder / 'signature').read_bytes())}"


def start_application(socket, log):
    """Lets everybody in, to one channel."""
    return subprocess.Popen([sys.executable, __file__, str(socket)], stdout=log, stderr=log)


class Application(asyncio.Protocol):
    ANSWER = b"HTTP/1.1 200 OK\r\nFanfare-Channels: load/0\r\nContent-Length: 0\r\n\r\n"

    def __init__(self):
        self.asked = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        *requests, self.asked = (self.asked + data).split(b"\r\n\r\n")
        self.transport.write(self.ANSWER * len(requests))


async def serve(socket):
    # A Unix socket refuses at once what its backlog has no room for, as long as this process waits for
    # a CPU; asyncio's own 100 are fewer than a broker connects at a time.
    server = await asyncio.get_running_loop().create_unix_server(Application, socket, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
