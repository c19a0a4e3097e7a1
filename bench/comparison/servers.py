"""The servers under test, each started once a round, and how fanfare-load speaks to each."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from comparison import kernel_memory, permission

NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
DESCRIPTORS = 20000  # RLIMIT_NOFILE of every server: what these machines allow


def cpu_model():
    names = re.findall(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return names[0] if names else "unknown CPU"


def memory_gib():
    kilobytes = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return round(int(kilobytes.group(1)) / 2**20)


def cpu_seconds(pid):
    """Of all threads; the same clock as fanfare-load's."""
    files = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


class World:
    """A folder for sockets, and the servers that run in it. Names: fanfare (one shard), fanfare 2
    (two), fanfare 100k (as many as 100,000 connections need), fanfare long (a history that holds
    what a publisher without a window is ahead of its readers), fanfare token (lets in who has one),
    fanfare asked (lets in whom an application does), reference, bare (the reference, but
    waiting for nothing more from its subscribers), nchan, redis."""

    def __init__(self, build, settings=None):
        self.build = build
        self.settings = settings or {}  # more of fanfare's keys
        self.running = {}
        self.warm = set()  # whose histories redis_benchmark() has filled

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfare-compare-"))
        return self

    def __exit__(self, *_):
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder)

    def run(self, row, server, seconds, last=True):
        """The figures of one turn of a server in a row; `last`: of this round."""
        if server not in self.running:
            self.start(server)
        try:
            if row.redis_benchmark:
                return self.redis_benchmark(server, seconds)
            if row.kernel_memory:
                return self.kernel_memory(server)
            return self.load(row, server, seconds)
        finally:
            if row.alone and last:
                self.stop(server)

    def stop(self, server):
        self.warm.discard(server)
        self.running[server].terminate()
        self.running.pop(server).wait(30)
        if server == "fanfare asked":
            self.stop("application")

    def load(self, row, server, seconds):
        pid = self.running[server].pid
        command = [str(self.build / "fanfare-load"), row.mode, "--json", "--server-pid",
                   str(pid), "--seconds", str(seconds), *self.speak(server), *row.arguments]
        if row.apart:
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {0})
            command = ["taskset", "-c", "1", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if not done.stdout:
            raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)
        return json.loads(done.stdout)

    # The same line for both: pipelined PUBLISH of 200 bytes to 1,000 channels, no subscribers. First
    # as many as fill a history of 256 MiB: from then on each event has another leave.
    def redis_benchmark(self, server, seconds):
        def publish(events):
            return subprocess.run(
                ["redis-benchmark", "-s", str(self.folder / f"{server}.sock"), "-n", str(events),
                 "-r", "1000", "-P", "64", "-c", "4", "--csv", "PUBLISH", "load/__rand_int__", "x" * 200],
                capture_output=True, text=True, check=True, timeout=600)

        if server not in self.warm:
            publish(1_200_000)
            self.warm.add(server)
        before = cpu_seconds(self.running[server].pid)
        events = int(400_000 * seconds)
        done = publish(events)
        cpu = cpu_seconds(self.running[server].pid) - before
        rate = float(done.stdout.strip().splitlines()[-1].split('","')[1])
        return {"events": events, "events_per_second": rate, "events_per_cpu_second": events / cpu}

    def kernel_memory(self, server):
        self.start("bare")  # it never learns that a client has gone: one for each time
        path = "/load" if server == "reference" else "/events?channel=load"
        try:
            return {"kernel_bytes_above_bare": kernel_memory.above_bare(
                (self.port(server), path), (self.port("bare"), "/load"))}
        finally:
            self.stop("bare")

    def speak(self, server):
        if server == "nchan":
            return ["--port", "18090", "--path", "/sub/{channel}", "--dialect", "http",
                    "--publish-path", "/pub/{channel}", "--publish-port", "18091"]
        path = ["--socket", str(self.folder / f"{server}.sock"), "--port", str(self.port(server))]
        if server == "reference":
            return [*path, "--path", "/{channel}", "--dialect", "line"]
        if server == "fanfare token":
            return [*path, "--header", f"Authorization: Bearer {self.token}"]
        if server == "fanfare asked":
            return [*path, "--path", "/asked?of={channel}"]
        return path

    def port(self, server):
        return 18080 + ["fanfare", "fanfare 2", "fanfare 100k", "fanfare long", "reference",
                        "bare", "fanfare token", "fanfare asked"].index(server)

    def start(self, server):
        sock = self.folder / f"{server}.sock"
        if server == "nchan":
            command = self.nchan()
        elif server == "redis":
            command = ["redis-server", "--port", "0", "--unixsocket", str(sock), "--save", ""]
        elif server in ("reference", "bare"):
            command = [str(self.build / "reference-server"), str(self.port(server)), str(sock)]
            command += ["--bare"] if server == "bare" else []
        else:
            command = [str(self.build / "fanfare"), "serve"]
            settings = {"listen.http": f"0.0.0.0:{self.port(server)}", "listen.ingest": sock,
                        "listen.admin": "", "delivery.slow": "skip",
                        "server.shards": {"fanfare 2": "2", "fanfare 100k": "auto"}.get(server, "1")}
            if server == "fanfare 100k":
                settings["limits.connections"] = "100000"
            if server == "fanfare long":
                settings |= {"history.events": "1000000", "history.bytes": "256MiB",
                             "history.total_bytes": "512MiB"}
            if server == "fanfare token":
                self.token = permission.make_token(self.folder)
                settings["token.keys"] = str(self.folder / permission.PUBLIC_KEY)
            if server == "fanfare asked":
                self.start_application()
                command += ["--config", str(self.folder / "asked.toml")]
            for key, value in (settings | self.settings).items():
                command += ["--set", f"{key}={value}"]
        log = open(self.folder / f"{server}.log", "w")
        self.running[server] = subprocess.Popen(
            ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", *command], stdout=log, stderr=log)
        self.await_up(server, sock)
        if server.startswith("fanfare"):
            self.await_answer(server)

    def start_application(self):
        sock = self.folder / "application.sock"
        (self.folder / "asked.toml").write_text(
            f'[[route]]\npath = "/asked"\nupstream = "unix:{sock}"\n')
        log = open(self.folder / "application.log", "w")
        self.running["application"] = permission.start_application(sock, log)
        self.await_up("application", sock)

    def nchan(self):
        text = (pathlib.Path(__file__).resolve().parents[1] / "nchan.conf").read_text()
        for word, value in {"MODULE": NCHAN_MODULE, "FOLDER": self.folder, "SUBSCRIBERS": "18090",
                            "PUBLISHERS": "18091"}.items():
            text = text.replace(word, str(value))
        path = self.folder / "nginx.conf"
        path.write_text(text)
        return ["nginx", "-p", str(self.folder), "-c", str(path)]

    def await_answer(self, server):
        """Until a shard answers, when all of them are there: a socket can be connected to before."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port(server)), timeout=5) as probe:
                    probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    if probe.recv(16):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{server} does not answer")
            time.sleep(0.02)

    def await_up(self, server, sock):
        """Until it accepts; the deadline is generous, the machine may be busy."""
        family, address = ((socket.AF_INET, ("127.0.0.1", 18091)) if server == "nchan"
                           else (socket.AF_UNIX, str(sock)))
        deadline = time.monotonic() + 30
        while True:
            with socket.socket(family) as probe:
                if probe.connect_ex(address) == 0:
                    return
            if time.monotonic() > deadline or self.running[server].poll() is not None:
                said = (self.folder / f"{server}.log").read_text()
                raise RuntimeError(f"{server} does not start: {said}")
            time.sleep(0.02)
