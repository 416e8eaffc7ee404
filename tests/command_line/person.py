"""Somebody at the command line: runs whole processes, with a home and an environment of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regcred_service import TIMEOUT, binary
from stand_in import ACCOUNTS, StandIn


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Person:
    """A home directory, and variables besides those that every process needs."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def contexts(self) -> Path:
        """The file in which the program keeps where one is logged in."""
        return self.home / "config" / "regcred" / "contexts.toml"

    def environment(self) -> dict[str, str]:
        """None of the variables of whoever runs the tests, but for the path to programs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "LANG": "C.UTF-8",
            **self.variables,
        }

    def start(self, command: str, **options: Any) -> subprocess.Popen[str]:
        """Starts `regcred COMMAND`, whose words are split as a shell does."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        words = [binary(), *shlex.split(command)]
        return subprocess.Popen(words, cwd=self.home, env=self.environment(), text=True, **options)

    def run(self, command: str, stdin: str | None = None) -> Ran:
        """Runs `regcred COMMAND` to its end, without a terminal."""
        source = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with self.start(command, stdin=source) as process:
            try:
                out, err = process.communicate(stdin, timeout=TIMEOUT)
            except BaseException:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    def do(self, command: str, stdin: str | None = None) -> str:
        """Runs a command that must succeed without a word on standard error; what it prints."""
        ran = self.run(command, stdin)
        assert (ran.code, ran.err) == (0, ""), (command, ran)
        return ran.out

    def log_in(self, platform: StandIn, login: str = "admin", context: str = "work") -> None:
        """Logs in to a stand-in, to work in its project `demo`."""
        command = f"login {platform.url} --user {login} --realm {platform.realm} --platform {platform.platform}"
        self.do(f"{command} --project demo --context {context} --quiet --password-stdin", ACCOUNTS[login])

    def with_variables(self, **variables: str) -> Person:
        """The same home with more variables."""
        return Person(self.home, {**self.variables, **variables})

    def twin(self, home: Path) -> Person:
        """Somebody with a copy of this home."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return Person(home, dict(self.variables))


def assert_failed(ran: Ran, code: int, *words: str) -> None:
    """A failure is its exit code, one line that says what is wrong, one that says what to do, and nothing else."""
    assert ran.code == code, ran
    assert ran.out == "", ran
    assert re.fullmatch(r"error: \S.*\nhint: \S.*\n", ran.err), ran
    for word in words:
        assert word in ran.err, ran


def assert_no_secret(text: str, secrets: Mapping[str, str]) -> None:
    """None of the secrets is in there, which are named for the report."""
    for name, secret in secrets.items():
        assert secret not in text, f"{name} is told: {text}"
