"""deploy/packages.txt and its installer: every package with a reason, every section known, nothing installed here."""

import pathlib
import re
import subprocess
import unittest

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"


def install(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([DEPLOY / "install-packages", *arguments], capture_output=True, text=True)


class PackagesTest(unittest.TestCase):
    def test_every_package_has_its_reason(self):
        for line in (DEPLOY / "packages.txt").read_text().splitlines():
            if line and not line.startswith(("#", "[")):
                self.assertRegex(line, r"^[a-z0-9.+-]+(\|[a-z0-9]+)?\s+\S+")

    def test_has_the_sections_the_scripts_ask_for(self):
        sections = re.findall(r"^\[(\w+)\]$", (DEPLOY / "packages.txt").read_text(), re.MULTILINE)
        self.assertEqual(sections, ["build", "run", "test", "package"])

    def test_sees_what_is_installed(self):
        listed = install("--list", "build", "run")
        self.assertEqual(listed.returncode, 0)
        for present in ["cmake", "ninja-build", "python3"]:  # or this would not run
            self.assertNotRegex(listed.stdout, rf"\b{present}\b")

    def test_explains_wrong_arguments(self):
        self.assertEqual(install().returncode, 2)
        unknown = install("--list", "kitchen")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn('no section "kitchen"', unknown.stderr)


if __name__ == "__main__":
    unittest.main()
