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

from comparison import kernel_memory, permission, spoken

NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
PORTS = {"fanfare": 18080, "fanfare 2": 18081, "fanfare 100k": 18082, "fanfare long": 18083,
         "reference": 18084, "bare": 18085, "fanfare token": 18086, "fanfare asked": 18087,
         "fanfare tls": 18088, "nghttpd": 18094, "s_server tls": 18095}
HTTPS = 18089  # of fanfare tls
NCHAN = {"SUBSCRIBERS": 18090, "PUBLISHERS": 18091, "H2C": 18092, "TLS": 18093}
BODY = 2046  # bytes, as long as the broker's answer to GET /fanfare.js
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


def threads(pid):
    """Of the process and its children."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield int(task.name)
        for child in (task / "children").read_text().split():
            yield from threads(int(child))


class World:
    """A folder for sockets, and the servers that run in it. Names: fanfare (one shard), fanfare 2
    (two), fanfare 100k (as many as 100,000 connections need), fanfare long (a history that holds
    what a publisher without a window is ahead of its readers), fanfare token (lets in who has one),
    fanfare asked (lets in whom an application does), fanfare tls (with a TLS listener as well),
    reference, bare (the reference, but waiting for nothing more from its subscribers), nchan,
    nghttpd (files over HTTP/2), s_server tls (openssl's), redis. What is spoken to them, if it is not
    HTTP/1.1 in clear, is said behind the name: "nchan h2 tls"."""

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
        process = spoken.process(server)
        if process not in self.running:
            self.start(process)
        try:
            if row.redis_benchmark:
                return self.redis_benchmark(server, seconds)
            if row.kernel_memory:
                return self.kernel_memory(server)
            return self.load(row, server, seconds)
        finally:
            if row.alone and last:
                self.stop(process)

    def stop(self, server):
        self.warm.discard(server)
        self.running[server].terminate()
        self.running.pop(server).wait(30)
        if server == "fanfare asked":
            self.stop("application")

    def load(self, row, server, seconds):
        pid = self.running[spoken.process(server)].pid
        command = [str(self.build / "fanfare-load"), row.mode, "--json", "--server-pid",
                   str(pid), "--seconds", str(seconds), *self.speak(server, row.mode), *row.transport(server),
                   *row.arguments]
        if row.apart:
            for thread in threads(pid):
                os.sched_setaffinity(thread, {0})
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
                (PORTS[server], path), (PORTS["bare"], "/load"))}
        finally:
            self.stop("bare")

    def speak(self, server, mode=""):
        """Where the server is, and how to publish there; in what protocol, Row.transport() says."""
        process = spoken.process(server)
        if process == "nchan":
            listener = {"nchan": "SUBSCRIBERS", "nchan h2": "H2C"}.get(server, "TLS")
            if mode == "fetch":
                return ["--port", str(NCHAN[listener])]
            return ["--port", str(NCHAN[listener]), "--path", "/sub/{channel}", "--dialect", "http",
                    "--publish-path", "/pub/{channel}", "--publish-port", str(NCHAN["PUBLISHERS"])]
        port = HTTPS if "tls" in server.split() and process != "s_server tls" else PORTS[process]
        path = ["--socket", str(self.folder / f"{process}.sock"), "--port", str(port)]
        if server == "reference":
            return [*path, "--path", "/{channel}", "--dialect", "line"]
        if server == "fanfare token":
            return [*path, "--header", f"Authorization: Bearer {self.token}"]
        if server == "fanfare asked":
            return [*path, "--path", "/asked?of={channel}"]
        return path

    def start(self, server):
        sock = self.folder / f"{server}.sock"
        if server == "nchan":
            command = self.nchan()
        elif server == "redis":
            command = ["redis-server", "--port", "0", "--unixsocket", str(sock), "--save", ""]
        elif server == "nghttpd":
            command = ["nghttpd", "--no-tls", "--htdocs", str(self.www()), str(PORTS[server])]
        elif server == "s_server tls":
            certificate, key = self.certificate()
            command = ["openssl", "s_server", "-accept", f"127.0.0.1:{PORTS[server]}", "-www", "-quiet",
                       "-cert", str(certificate), "-key", str(key), "-groups", "X25519:P-256:P-384"]
        elif server in ("reference", "bare"):
            command = [str(self.build / "reference-server"), str(PORTS[server]), str(sock)]
            command += ["--bare"] if server == "bare" else []
        else:
            command = [str(self.build / "fanfare"), "serve"]
            settings = {"listen.http": f"0.0.0.0:{PORTS[server]}", "listen.ingest": sock,
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
            if server == "fanfare tls":
                certificate, key = self.certificate()
                settings |= {"listen.https": f"0.0.0.0:{HTTPS}", "tls.certificate": certificate, "tls.key": key}
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

    def certificate(self):
        """Of a key of ECDSA, for all alike: (certificate, key)."""
        folder = self.folder / "tls"
        if not folder.exists():
            subprocess.run([str(self.build / "fanfare"), "cert", "--self-signed", str(folder), "--name",
                            "localhost"], check=True, capture_output=True)
        return folder / "certificate.pem", folder / "key.pem"

    def www(self):
        """A folder with a file of the name and size that the broker answers with."""
        folder = self.folder / "www"
        folder.mkdir(exist_ok=True)
        (folder / "fanfare.js").write_text("x" * BODY)
        return folder

    def nchan(self):
        text = (pathlib.Path(__file__).resolve().parents[1] / "nchan.conf").read_text()
        certificate, key = self.certificate()
        values = NCHAN | {"MODULE": NCHAN_MODULE, "FOLDER": self.folder, "CERTIFICATE": certificate,
                          "KEY": key, "WWW": self.www()}
        text = re.sub(r"\b(" + "|".join(values) + r")\b", lambda word: str(values[word[0]]), text)
        path = self.folder / "nginx.conf"
        path.write_text(text)
        return ["nginx", "-p", str(self.folder), "-c", str(path)]

    def await_answer(self, server):
        """Until a shard answers, when all of them are there: a socket can be connected to before."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection(("127.0.0.1", PORTS[server]), timeout=5) as probe:
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
        ports = {"nchan": NCHAN["PUBLISHERS"]} | {name: PORTS[name] for name in ("nghttpd", "s_server tls")}
        family, address = ((socket.AF_INET, ("127.0.0.1", ports[server])) if server in ports
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
