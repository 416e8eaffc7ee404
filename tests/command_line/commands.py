"""Every command of the program, found by walking its own help, so that no test can forget one."""

from __future__ import annotations

import functools
import re
import subprocess

from regcred_service import binary

# The service itself and what works on its database: the tests beside the program's code run them.
OPERATORS = {"serve", "key status", "audit verify", "migrate"}
# What asks no server.
LOCAL = {
    "context list",
    "context show",
    "context use",
    "context delete",
    "completion",
    "man",
    "help exit-codes",
    "helper install",
    "helper uninstall",
    # It goes on where the server is away, and says so.
    "helper doctor",
    "kubelet config",
}


@functools.cache
def every_command() -> frozenset[str]:
    """All commands that have no commands below them, but for the operators'. `help` names those that are hidden."""
    return frozenset({*leaves(()), "help exit-codes"} - OPERATORS)


def leaves(path: tuple[str, ...]) -> set[str]:
    """The commands at and below a path."""
    below = [name for name in children(path) if name != "help"]
    if not below:
        return {" ".join(path)}
    return set().union(*(leaves((*path, name)) for name in below))


def children(path: tuple[str, ...]) -> list[str]:
    """The names under `Commands:` in the help of a command."""
    shown = subprocess.run([binary(), *path, "--help"], check=True, capture_output=True, text=True).stdout
    section = re.search(r"^Commands:\n((?:  .*\n)+)", shown, re.MULTILINE)
    return re.findall(r"^  ([a-z][a-z-]*)(?:  |$)", section[1], re.MULTILINE) if section else []


def command_of(line: str) -> str | None:
    """Which of the commands a command line runs; none where it is mistyped."""
    words = line.split()
    return next((command for command in every_command() if words[: len(command.split())] == command.split()), None)
