"""The Debian package, as this build makes it: what is in it, who owns it, what it depends on; and its program runs from
where it was unpacked, with the configuration it was shipped with. `deploy/package --prove` installs it on a clean Debian."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.request

BUILD = pathlib.Path(os.environ["FANFARE_BUILD"])
ROOT = pathlib.Path(__file__).parents[2]

EXPECTED = {  # mode, path
    "-rwxr-xr-x ./usr/bin/fanfare",
    "-rw-r--r-- ./etc/fanfare/broker.toml",
    "-rw-r--r-- ./usr/lib/systemd/system/fanfare.service",
    "-rw-r--r-- ./usr/lib/systemd/system/fanfare.socket",
    "-rw-r--r-- ./usr/lib/sysusers.d/fanfare.conf",
    "-rw-r--r-- ./usr/lib/tmpfiles.d/fanfare.conf",
    "-rw-r--r-- ./usr/share/man/man1/fanfare.1.gz",
    "-rw-r--r-- ./usr/share/man/man5/broker.toml.5.gz",
    "-rw-r--r-- ./usr/share/bash-completion/completions/fanfare",
    "-rw-r--r-- ./usr/share/zsh/vendor-completions/_fanfare",
    "-rw-r--r-- ./usr/share/fish/vendor_completions.d/fanfare.fish",
    "-rw-r--r-- ./usr/share/doc/fanfare/copyright",
    "-rw-r--r-- ./usr/share/doc/fanfare/changelog.gz",
    "-rw-r--r-- ./usr/share/doc/fanfare/changelog.Debian.gz",
    "-rw-r--r-- ./usr/share/doc/fanfare/PROTOCOL.md",
    "-rw-r--r-- ./usr/share/doc/fanfare/OPERATING.md",
    "-rw-r--r-- ./usr/share/doc/fanfare/SCREENS.md",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/proxy/nginx.conf",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/screens/kit/screen.js",
    "-rwxr-xr-x ./usr/share/doc/fanfare/examples/screens/serve",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/docker/seccomp.json",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/kubernetes/deployment.yaml",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/sysctl.d/60-fanfare.conf",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/prometheus/fanfare.rules.yml",
    "-rw-r--r-- ./usr/share/doc/fanfare/examples/grafana/fanfare.json",
}


def run(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory(prefix="fanfare-package-")
        cls.addClassCleanup(kept.cleanup)
        folder = pathlib.Path(kept.name)
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, cwd=folder)
        [cls.package] = folder.glob("*.deb")
        cls.root = folder / "root"
        run("dpkg-deb", "-x", cls.package, cls.root)
        run("dpkg-deb", "-e", cls.package, folder / "control")
        cls.control = folder / "control"
        cls.binary = cls.root / "usr/bin/fanfare"

    def field(self, name: str) -> str:
        return run("dpkg-deb", "-f", self.package, name).strip()

    def test_holds_what_an_operator_looks_for_and_nothing_from_the_build(self):
        seen = set()
        for line in run("dpkg-deb", "-c", self.package).splitlines():
            mode, owner, _, _, _, path = line.split(maxsplit=5)
            self.assertEqual(owner, "root/root", line)
            self.assertRegex(mode, r"^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--)$", line)
            self.assertNotRegex(path, r"node_modules|__pycache__|\.log$|/build/", line)
            seen.add(f"{mode} {path}")
        self.assertEqual(EXPECTED - seen, set())
        self.assertNotIn("not stripped", run("file", "-b", self.binary))

    def test_its_fields_are_debians(self):
        self.assertEqual(self.field("Package"), "fanfare")
        self.assertEqual(self.field("Section"), "net")
        self.assertRegex(self.field("Version"), r"^\d+\.\d+\.\d+(~\d{8}T\d{4}\.[0-9a-z.]+)?-1$")
        for library in ["libc6", "libssl3", "libnghttp2-14", "liburing2"]:
            self.assertRegex(self.field("Depends"), rf"(^|, ){library}\b")
        self.assertIn("systemd-standalone-sysusers", self.field("Depends"))
        self.assertEqual((self.control / "conffiles").read_text(), "/etc/fanfare/broker.toml\n")

    def test_its_scripts_are_ones_that_a_shell_reads(self):
        for script in ["postinst", "prerm", "postrm"]:
            self.assertTrue(os.access(self.control / script, os.X_OK))
            run("sh", "-n", self.control / script)

    def test_its_manual_pages_have_no_mistakes(self):
        for page in self.root.glob("usr/share/man/man?/*.gz"):
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True,
                                  text=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.assertEqual((said.returncode, said.stderr), (0, ""), page)

    def test_says_its_version_and_commit(self):
        version = run(self.binary, "--version")
        self.assertRegex(version, r"^fanfare \d+\.\d+\.\d+ \([0-9a-f]{12}( with changes)?\)\n$|commit unknown")
        upstream = re.match(r"fanfare (\S+)", version)[1]
        self.assertTrue(self.field("Version").startswith(upstream))

    def test_an_archive_of_the_sources_knows_its_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            parts = ["deploy/commit.txt", "deploy/cmake/commit.cmake"]
            archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD", *parts], capture_output=True, timeout=60, check=True)
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, timeout=60, check=True)
            run("cmake", "-D", f"SOURCE={folder}", "-D", f"INTO={folder}/build.cc", "-P", f"{folder}/{parts[1]}")
            head = run("git", "-C", ROOT, "rev-parse", "HEAD")
            self.assertIn(f'return "{head[:12]}";', pathlib.Path(folder, "build.cc").read_text())

    def test_accepts_the_configuration_it_ships(self):
        run(self.binary, "check", "--config", self.root / "etc/fanfare/broker.toml")

    def test_runs_from_where_it_was_unpacked(self):
        with tempfile.TemporaryDirectory(prefix="fanfare-") as runtime:
            broker = subprocess.Popen(
                [self.binary, "serve", "--config", self.root / "etc/fanfare/broker.toml", "--set", "listen.http=127.0.0.1:0",
                 "--set", "listen.admin=127.0.0.1:0", "--set", f"listen.ingest={runtime}/ingest.sock"],
                stderr=subprocess.PIPE, text=True)
            try:
                said = ""
                while "admin: http" not in said:
                    line = broker.stderr.readline()
                    self.assertNotEqual(line, "", said)
                    said += line
                self.assertIn(run(self.binary, "--version").strip(), said)
                admin = re.search(r"admin: (http://\S+)", said)[1]
                self.assertEqual(urllib.request.urlopen(f"{admin}readyz", timeout=30).status, 200)
                published = run(self.binary, "publish", "--socket", f"{runtime}/ingest.sock", "news", "hello")
                self.assertRegex(published, r"^[0-9a-z]{7}-1\n$")
            finally:
                broker.terminate()
                broker.stderr.close()
                self.assertEqual(broker.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
