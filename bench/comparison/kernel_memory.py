"""What an idle subscriber costs the kernel at the server's end, above a socket that was accepted and
that nobody waits for: counted in objects, cache by cache (/proc/slabinfo), which is exact, where the
machine's Slab figure drifts by several percent.

Every connection has an address of its own choosing, so that each server's clients cost the same.
"""
import pathlib
import socket
import struct
import time

CONNECTIONS = 10_000
FIRST_PORT = 20_000
# Objects that somebody makes who looks at /proc/PID/fd meanwhile, one a descriptor.
OF_PROC = {"proc_inode_cache", "dentry", "lsm_inode_cache"}
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() leaves no TIME_WAIT behind


def objects():
    """Objects in use and bytes each, by cache."""
    lines = (line.split() for line in pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:])
    return {words[0]: (int(words[1]), int(words[3])) for words in lines}


def settled():
    """objects(), once two looks at it agree: what was freed is handed back a little later."""
    before = objects()
    for _ in range(20):
        time.sleep(0.5)
        now = objects()
        if all(abs(now[cache][0] - count) < CONNECTIONS // 50 for cache, (count, _) in before.items()):
            return now
        before = now
    return before


def per_connection(port, path):
    """Objects of each cache for a connection, both ends, as whole numbers."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode()
    before = settled()
    held = []
    for number in range(CONNECTIONS):
        client = socket.socket()
        client.settimeout(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # over TIME_WAIT of other rows
        client.bind(("127.0.0.1", FIRST_PORT + number))
        client.connect(("127.0.0.1", port))
        client.sendall(request)
        held.append(client)
    for client in held:
        if not client.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"port {port} did not answer {path} with 200")
    after = settled()
    for client in held:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
    return {cache: (round((count - before.get(cache, (0, 0))[0]) / CONNECTIONS), size)
            for cache, (count, size) in after.items()}


def above_bare(server, bare):
    """Bytes a connection of `server` takes more than one of `bare`; each a (port, path)."""
    of_bare, of_server = per_connection(*bare), per_connection(*server)
    return sum(max(count - of_bare.get(cache, (0, 0))[0], 0) * size
               for cache, (count, size) in of_server.items() if cache not in OF_PROC)
