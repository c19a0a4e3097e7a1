#!/usr/bin/env python3
"""clang-tidy over our own sources (not the tests), reading a file again only when it has changed.

A source is known to be clean by a stamp in the cache, named by everything its verdict depends on: the linter's
version and rules, the command line, and the bytes of the source and of each of our headers it includes (Ninja's
dependency log knows them, so the build must have run).
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

TIDY = "clang-tidy-19"
FOLDERS = ("broker/", "common/")
NOT_CLANGS = " -Wno-restrict"  # a warning that GCC alone has


def ninja_deps(build: pathlib.Path) -> dict[str, list[str]]:
    """Object file -> the files it was made from, as the last build recorded them."""
    text = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True).stdout
    deps: dict[str, list[str]] = {}
    target = ""
    for line in text.splitlines():
        if line.startswith("ninja:"):
            continue
        if line and not line[0].isspace():
            target = line.split(":", 1)[0]
            deps[target] = []
        elif line.strip():
            deps[target].append(line.strip())
    return deps


class Digests:
    """The digest of a file's bytes, each file read once."""

    def __init__(self) -> None:
        self._known: dict[pathlib.Path, bytes] = {}

    def of(self, path: pathlib.Path) -> bytes:
        if path not in self._known:
            self._known[path] = hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"absent"
        return self._known[path]


def stamp_name(entry: dict, deps: list[str], rules: bytes, root: pathlib.Path, digests: Digests) -> str:
    digest = hashlib.sha256(rules)
    digest.update(entry["command"].encode())
    build = pathlib.Path(entry["directory"])
    for path in sorted({pathlib.Path(entry["file"])} | {(build / name).resolve() for name in deps}):
        if path.is_relative_to(root):
            digest.update(str(path.relative_to(root)).encode())
            digest.update(digests.of(path))
    return digest.hexdigest()


def commands_of(build: pathlib.Path, root: pathlib.Path) -> dict[str, dict]:
    """Our sources and how each is compiled: once, whatever else of the build it is part of."""
    commands: dict[str, dict] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = os.path.relpath(entry["file"], root)
        if source.startswith(FOLDERS) and " -o bench/" not in entry["command"]:
            commands[source] = {**entry, "command": entry["command"].replace(NOT_CLANGS, "")}
    return commands


def check(source: str, build: pathlib.Path) -> tuple[str, int, str]:
    done = subprocess.run([TIDY, "--quiet", "-p", str(build), source], capture_output=True, text=True)
    said = done.stdout + "".join(l for l in done.stderr.splitlines(True) if "warnings generated" not in l
                                 and "warning generated" not in l)
    return source, done.returncode, said


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--build", type=pathlib.Path, required=True, help="a build folder that is up to date, of each source by itself")
    arguments.add_argument("--cache", type=pathlib.Path, required=True, help="where the stamps of clean files lie")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("sources", nargs="*", help="only sources whose path contains one of these")
    options = arguments.parse_args()

    root = pathlib.Path.cwd().resolve()
    options.cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    rules = version + (root / ".clang-tidy").read_bytes()
    deps = ninja_deps(options.build)
    digests = Digests()

    todo: dict[str, str] = {}
    clean = 0
    commands = commands_of(options.build, root)
    (options.cache / "compile_commands.json").write_text(json.dumps(list(commands.values())))
    for source, entry in commands.items():
        if options.sources and not any(s in source for s in options.sources):
            continue
        target = re.search(r" -o (\S+)", entry["command"])
        stamp = stamp_name(entry, deps.get(target[1], []) if target else [], rules, root, digests)
        if (options.cache / stamp).exists():
            clean += 1
        else:
            todo[source] = stamp

    print(f"clang-tidy: {clean} sources unchanged since they were last clean, {len(todo)} to read", flush=True)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        work = [pool.submit(check, source, options.cache) for source in todo]
        for count, finished in enumerate(concurrent.futures.as_completed(work), 1):
            source, status, said = finished.result()
            if status == 0:
                (options.cache / todo[source]).touch()
            else:
                failures += 1
                print(said, end="", flush=True)
            if count % 20 == 0:
                print(f"clang-tidy: {count} of {len(todo)} read", flush=True)
    print(f"clang-tidy: {failures} sources with findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
