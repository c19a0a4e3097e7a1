"""Runs a command behind a seccomp profile in Docker's form, as a container's runtime would install it:

    with_seccomp.py PROFILE [--without SYSCALL]... -- COMMAND...
"""

import json
import os
import sys

import seccomp

ACTIONS = {"SCMP_ACT_ALLOW": lambda rule: seccomp.ALLOW, "SCMP_ACT_ERRNO": lambda rule: seccomp.ERRNO(rule.get("errnoRet", 1))}


def arguments_of(rule: dict) -> list:
    # Docker's value is the mask and valueTwo what has to be left of it.
    for argument in rule.get("args", []):
        if argument["op"] != "SCMP_CMP_MASKED_EQ":
            raise SystemExit(f"with_seccomp: {argument['op']} is not known here")
    return [seccomp.Arg(argument["index"], seccomp.MASKED_EQ, argument["value"], argument["valueTwo"])
            for argument in rule.get("args", [])]


def main() -> None:
    split = sys.argv.index("--")
    profile = json.load(open(sys.argv[1], encoding="utf-8"))
    without = set(sys.argv[3:split:2])
    if profile["defaultAction"] != "SCMP_ACT_ERRNO":
        raise SystemExit("with_seccomp: the profile allows what it does not name")
    seccomp_filter = seccomp.SyscallFilter(seccomp.ERRNO(profile["defaultErrnoRet"]))
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            if name not in without:
                seccomp_filter.add_rule(ACTIONS[rule["action"]](rule), name, *arguments_of(rule))
    seccomp_filter.load()
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])


main()
