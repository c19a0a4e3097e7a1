"""A service manager with socket activation, as far as a test needs one: makes the sockets, passes them to the command, and
starts it again when it has ended.

    socket_manager.py [--once] SOCKET... -- COMMAND...

SOCKET is NAME=tcp, NAME=tcp:PORT, NAME=unix:PATH, NAME=udp or NAME=connected; an empty NAME is systemd's default, its
unit's. "@0@", "@1@", … in the command stand for the sockets' ports. Prints the ports, a line each, then the process id of
each start. With --once it ends with the command's exit code, else on SIGTERM, which it hands on.
"""

import os
import signal
import socket
import sys


def make(kind: str) -> socket.socket:
    if kind.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(kind[5:])
        listener.listen(1024)
    elif kind == "udp":
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
    elif kind == "connected":
        listener, make.peer = socket.socketpair()
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(kind[4:] or 0)))
        listener.listen(1024)
    listener.setblocking(False)  # as systemd's are
    return listener


def start(command: list[str], names: list[str], numbers: list[int]) -> int:
    child = os.fork()
    if child:
        return child
    for place, number in enumerate(numbers):
        os.dup2(number, 3 + place)  # the copies are inheritable; the numbers are far above
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers)),
                   "LISTEN_FDNAMES": ":".join(name or "fanfare.socket" for name in names)}
    os.execvpe(command[0], command, environment)


def main() -> int:
    arguments = sys.argv[1:]
    once = arguments[0] == "--once"
    split = arguments.index("--")
    wanted = [argument.partition("=") for argument in arguments[once:split]]
    listeners = [make(kind) for _, _, kind in wanted]
    ports = [listener.getsockname()[1] if listener.family == socket.AF_INET else 0 for listener in listeners]
    # Out of the way of the numbers that the child gets.
    numbers = [os.dup2(listener.fileno(), 100 + place) for place, listener in enumerate(listeners)]
    command = arguments[split + 1:]
    for place, port in enumerate(ports):
        command = [word.replace(f"@{place}@", str(port)) for word in command]
        print(port, flush=True)
    stopping = []
    child = 0

    def stop(number, _):
        stopping.append(number)
        os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while True:
        child = start(command, [name for name, _, _ in wanted], numbers)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        if once or stopping:
            return os.waitstatus_to_exitcode(status)


sys.exit(main())
