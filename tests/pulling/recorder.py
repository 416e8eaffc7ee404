"""What clients say to the helper and what it answers: a helper on the path that notes both, and lets ours answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import Machine, search_path
from regcred_service import binary

SCRIPT = """#!/bin/sh
call="{calls}/$(date +%s%N)-$$"
mkdir "$call"
printf %s "$1" > "$call/argument"
tee "$call/sent" | "{helper}" "$@" > "$call/answered"
code=$?
cat "$call/answered"
exit $code
"""


@dataclass(frozen=True)
class Call:
    """A run of the helper: its argument, its standard input and output."""

    argument: str
    sent: str
    answered: str

    @property
    def account(self) -> tuple[str, str]:
        """Username and password of the answer to a `get`."""
        answer: dict[str, Any] = json.loads(self.answered)
        assert answer["ServerURL"] == self.sent, self
        return answer["Username"], answer["Secret"]


@dataclass(frozen=True)
class Recorder:
    """The machine on whose path it is, and the folder of its notes."""

    machine: Machine
    folder: Path

    @classmethod
    def on(cls, machine: Machine, folder: Path) -> Recorder:
        """The same machine with the recording helper."""
        programs, calls = folder / "programs", folder / "calls"
        programs.mkdir(parents=True)
        calls.mkdir()
        helper = Path(binary()).parent / "docker-credential-regcred"
        script = programs / helper.name
        script.write_text(SCRIPT.format(calls=calls, helper=helper))
        script.chmod(0o755)
        return cls(Machine(machine.home, {**machine.variables, "PATH": search_path(programs)}), calls)

    def calls(self) -> list[Call]:
        """The runs of the helper since this was asked for the last time, in their order."""
        found = []
        for call in sorted(self.folder.iterdir()):
            read = [(call / part).read_text() for part in ("argument", "sent", "answered")]
            found.append(Call(read[0], read[1].strip(), read[2]))
            call.rename(self.folder.with_name(f"told-{call.name}"))
        return found
