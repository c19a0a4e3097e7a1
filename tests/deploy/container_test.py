"""What stands in deploy/ for containers, held against the real broker: the seccomp profile as a filter in the kernel, the
manifests' configuration, ports, probes and times, the image's health check, and the kernel's settings."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BINARY = os.environ["FANFARE_BINARY"]
PROFILE = DEPLOY / "docker" / "seccomp.json"
FAREWELL_SECONDS = 8  # beyond [limits] drain; kFarewellTime of broker/cli/serve.cc


def behind_profile(*without: str) -> list[str]:
    left_out = [word for name in without for word in ("--without", name)]
    return [sys.executable, "-B", str(pathlib.Path(__file__).with_name("with_seccomp.py")), str(PROFILE), *left_out, "--"]


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|min)", duration).groups()
    return int(number) * {"ms": 0.001, "s": 1, "min": 60}[unit]


class Broker:
    """The real one, on ports of the kernel's choice; `log` is what it said until it served."""

    def __init__(self, *arguments: str, wrapper: list[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fanfare-")
        self.socket = f"{self._folder.name}/ingest.sock"
        own = ["listen.http=127.0.0.1:0", "listen.admin=127.0.0.1:0", f"listen.ingest={self.socket}"]
        settings = [word for one in own for word in ("--set", one)]
        self._process = subprocess.Popen([*wrapper, BINARY, "serve", *arguments, *settings], stderr=subprocess.PIPE, text=True)
        self.log = ""
        while "admin: http" not in self.log:
            line = self._process.stderr.readline()
            if line == "":
                raise AssertionError(f"the broker ended with {self._process.wait()}:\n{self.log}")
            self.log += line
        self.admin = re.search(r"admin: http://(\S+?)/", self.log)[1]
        self.http = re.search(r"subscribers: http://(\S+?)/", self.log)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate(timeout=60)
        self._folder.cleanup()

    def passes_an_event_on(self) -> str:
        subprocess.run([BINARY, "publish", "--socket", self.socket, "news", "hello"], check=True, capture_output=True, timeout=30)
        with urllib.request.urlopen(f"http://{self.http}/events?channel=news&poll=1&replay=1", timeout=30) as answer:
            return answer.read().decode()


class SeccompTest(unittest.TestCase):
    def test_the_profile_lets_the_broker_run_on_io_uring(self):
        with Broker(wrapper=behind_profile()) as broker:
            self.assertRegex(broker.log, r"info io_uring \(kernel")
            self.assertIn("data: hello", broker.passes_an_event_on())

    def test_without_its_three_calls_the_broker_runs_on_epoll_and_says_what_to_do(self):
        with Broker(wrapper=behind_profile("io_uring_setup", "io_uring_enter", "io_uring_register")) as broker:
            self.assertRegex(broker.log, r"warning epoll \(io_uring cannot be used: a seccomp filter forbids it, .*"
                                         r"docker run --security-opt seccomp=deploy/docker/seccomp\.json")
            self.assertIn("data: hello", broker.passes_an_event_on())

    def test_the_profile_forbids_what_no_broker_needs(self):
        for command in (["unshare", "--mount", "true"], ["mount", "-t", "tmpfs", "none", "/mnt"]):
            done = subprocess.run([*behind_profile(), *command], capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertRegex(done.stderr, "Operation not permitted|permission denied|not permitted", command)


class KubernetesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = DEPLOY / "kubernetes"
        cls.kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        cls.of_kind = {}
        for name in cls.kustomization["resources"]:
            [resource] = yaml.safe_load_all((folder / name).read_text())
            cls.of_kind[resource["kind"]] = resource
        cls.files = {path.name for path in folder.glob("*.yaml")}
        cls.pod = cls.of_kind["Deployment"]["spec"]["template"]
        [cls.container] = cls.pod["spec"]["containers"]
        cls.toml = cls.of_kind["ConfigMap"]["data"]["broker.toml"]
        cls.configuration = tomllib.loads(cls.toml)
        cls.ports = {port["name"]: port["containerPort"] for port in cls.container["ports"]}

    def test_everything_is_applied(self):
        self.assertEqual(self.files - {"kustomization.yaml"}, set(self.kustomization["resources"]))
        self.assertEqual(set(self.of_kind), {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"})

    def test_the_ports_are_those_of_the_configuration(self):
        listen = self.configuration["listen"]
        port = lambda address: int(address.rpartition(":")[2])  # noqa: E731
        self.assertEqual(self.ports, {"http": port(listen["http"][0]), "admin": port(listen["admin"]),
                                      "publish": port(self.configuration["publish"]["listen"][0])})
        for served in self.of_kind["Service"]["spec"]["ports"]:
            self.assertEqual(served["port"], self.ports[served["targetPort"]])
        for rule in self.of_kind["NetworkPolicy"]["spec"]["ingress"]:
            for allowed in rule["ports"]:
                self.assertIn(allowed["port"], self.ports)
        self.assertNotIn("admin", [served["targetPort"] for served in self.of_kind["Service"]["spec"]["ports"]])

    def test_the_selectors_find_the_pod(self):
        labels = self.pod["metadata"]["labels"]
        for kind, path in {"Deployment": ["selector", "matchLabels"], "Service": ["selector"],
                           "PodDisruptionBudget": ["selector", "matchLabels"], "NetworkPolicy": ["podSelector", "matchLabels"]}.items():
            selector = self.of_kind[kind]["spec"]
            for step in path:
                selector = selector[step]
            self.assertEqual(selector, labels, kind)

    def test_a_pod_is_given_the_time_that_draining_takes(self):
        drain = seconds(self.configuration["limits"]["drain"])
        self.assertGreaterEqual(self.pod["spec"]["terminationGracePeriodSeconds"], drain + FAREWELL_SECONDS)

    def test_the_real_broker_takes_the_configuration_and_answers_the_probes(self):
        with tempfile.TemporaryDirectory() as folder:
            [key] = self.configuration["publish"]["keys"]
            file = pathlib.Path(folder) / "broker.toml"
            file.write_text(self.toml.replace(key, f"{folder}/key"))
            (pathlib.Path(folder) / "key").write_text("0123456789abcdef" * 4)
            with Broker("--config", str(file), "--set", "publish.listen=127.0.0.1:0") as broker:
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    asked = self.container[probe]["httpGet"]
                    self.assertEqual(asked["port"], "admin")
                    self.assertEqual(urllib.request.urlopen(f"http://{broker.admin}{asked['path']}", timeout=30).status, 200)

    def test_what_the_configuration_names_is_mounted(self):
        mounts = {mount["mountPath"]: mount["name"] for mount in self.container["volumeMounts"]}
        volumes = {volume["name"] for volume in self.pod["spec"]["volumes"]}
        self.assertEqual(set(mounts.values()), volumes)
        for path in [self.container["args"][-1], *self.configuration["publish"]["keys"], self.configuration["listen"]["ingest"]]:
            self.assertIn(os.path.dirname(path), mounts)


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (DEPLOY / "docker" / "Dockerfile").read_text()
        lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
        cls.instructions = [line.split(maxsplit=1) for line in lines if line.strip()]

    def every(self, name: str) -> list[str]:
        return [rest for word, rest in self.instructions if word == name]

    def test_it_runs_as_the_user_of_the_manifests_and_stops_with_sigterm(self):
        self.assertEqual(self.every("USER"), ["fanfare"])
        self.assertEqual(self.every("STOPSIGNAL"), ["SIGTERM"])
        self.assertIn("8080", self.every("EXPOSE")[0].split())
        security = yaml.safe_load((DEPLOY / "kubernetes" / "deployment.yaml").read_text())["spec"]["template"]["spec"]["securityContext"]
        users = next(rest for rest in self.every("RUN") if "useradd" in rest)
        self.assertIn(f"--uid {security['runAsUser']} ", users)
        self.assertIn(f"--gid {security['runAsGroup']} ", users)

    def test_what_it_copies_is_there(self):
        for copied in self.every("COPY"):
            if "--from=" not in copied:
                for source in copied.split()[:-1]:
                    self.assertTrue((ROOT / source).exists(), source)

    def test_its_command_is_one_that_the_broker_takes(self):
        [command] = [yaml.safe_load(rest) for rest in self.every("CMD")]
        self.assertEqual(command[:3], ["serve", "--config", "/etc/fanfare/broker.toml"])
        done = subprocess.run([BINARY, "check", "--config", ROOT / "broker.toml", *command[3:]], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_its_health_check_tells_a_broker_from_none(self):
        [check] = [yaml.safe_load(rest.partition("CMD ")[2]) for rest in self.every("HEALTHCHECK")]
        self.assertEqual(check[0], "fanfare")
        with Broker() as broker:
            command = [BINARY, *check[1:], "--admin", broker.admin, "--interval", "100ms"]
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=30).returncode, 0)
        self.assertEqual(subprocess.run(command, capture_output=True, timeout=30).returncode, 1)


class SysctlTest(unittest.TestCase):
    def test_every_key_is_one_of_the_kernels(self):
        keys = re.findall(r"(?m)^#?([a-z0-9_.]+) = ", (DEPLOY / "sysctl.d" / "60-fanfare.conf").read_text())
        self.assertGreater(len(keys), 5)
        for key in keys:
            if not key.startswith("net.netfilter."):  # there once conntrack is loaded
                self.assertTrue(pathlib.Path("/proc/sys", *key.split(".")).exists(), key)


if __name__ == "__main__":
    unittest.main()
