"""The README's first session, as it stands: every command in it succeeds, and prints what the README shows.

Run in an empty directory that has nothing but the program where `cargo build --release` puts it, and the Python
environment of the tests where the README makes one. Ids, moments and days are not compared. Where the port is taken,
another stands in for it. What is in Rust is left to the compiler.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from regcred_service import TIMEOUT, announced_url, binary

README = Path(__file__).parents[2] / "README.md"
SECTION = "## A first session\n"
PORT = "8490"


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    language: str
    text: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """What is typed after each `$`, and what is shown below it."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command.partition("      #")[0], shown


def test_the_first_session_runs_as_it_stands(tmp_path: Path) -> None:
    session = Session(tmp_path)
    blocks = first_session(session.port)
    assert {block.language for block in blocks} >= {"console", "bash", "python"}
    with session:
        for block in blocks:
            session.take(block)
    assert session.served, "the session starts no server"
    assert session.compared, "the session shows nothing that could be compared"


def first_session(port: str) -> list[Block]:
    """The blocks of the section."""
    _, _, after = README.read_text().partition(SECTION)
    section, _, _ = after.partition("\n## ")
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", section.replace(PORT, port), re.MULTILINE | re.DOTALL)
    return [Block(language, text) for language, text in fences]


class Session(contextlib.ExitStack):
    """Somebody who follows the README; ends the server that they started."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.port = free_port()
        self.served = False
        self.compared = 0
        self._home = home
        self._python: str | None = None
        program = home / "target" / "release" / "regcred"
        program.parent.mkdir(parents=True)
        program.symlink_to(binary())
        (home / ".venv").symlink_to(sys.prefix)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            # The Python client honours proxies; none leads to the loopback.
            "NO_PROXY": "127.0.0.1",
        }

    def take(self, block: Block) -> None:
        """Does what a block says."""
        match block.language:
            case "console":
                for command, shown in block.commands():
                    self._type(command, shown)
            case "bash":
                # One shell for the block, whose variables the next does not see, but the path.
                out = self._run(["bash", "-euo", "pipefail", "-c", f"{block.text}\necho; echo $PATH"], None)
                out, _, path = out.rstrip("\n").rpartition("\n")
                self._environment["PATH"] = path
                assert '"errors"' not in out, out
            case "python":
                assert self._python, "no interpreter was started"
                out = self._run(shlex.split(self._python), block.text)
                assert "Unexpected error" not in out and "ci-bot" in out, out
            case "rust":
                pass
            case other:
                pytest.fail(f"nobody knows how to run `{other}`")

    def _type(self, command: str, shown: str) -> None:
        command = command.replace("cargo run --release --", "target/release/regcred")
        if " serve " in command:
            self._serve(command)
        elif "-m venv" in command:
            installed = f"saagieapi=={importlib.metadata.version('saagieapi')}"
            assert installed in command, f"the tests run {installed}"
        elif command == ".venv/bin/python":
            self._python = command
        else:
            out = self._run(["bash", "-euo", "pipefail", "-c", command], None)
            if shown:
                assert plain(out) == plain(shown), command
                self.compared += 1

    def _serve(self, command: str) -> None:
        listen = [] if self.port == PORT else ["--listen", f"127.0.0.1:{self.port}"]
        process = subprocess.Popen(
            [*shlex.split(command), *listen], cwd=self._home, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.enter_context(process)
        self.callback(process.terminate)
        assert announced_url(process) == f"http://127.0.0.1:{self.port}"
        self.served = True

    def _run(self, command: list[str], stdin: str | None) -> str:
        done = subprocess.run(
            command, input=stdin or "", cwd=self._home, env=self._environment, capture_output=True, text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, (command, done)
        return done.stdout


def plain(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "MOMENT", text)
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", text)


def free_port() -> str:
    """The README's port, or one that is free."""
    for port in (int(PORT), 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as free:
            return str(free.getsockname()[1])
    raise AssertionError("no port is free")
