"""What came of a load, held against what the database has: values, numbers, and the audit trail.

The trail has the id of each request, so it says of every answer that arrived whether it is true, and of every change
whether it was made once.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from history import Kind, Operation, Outcome, contradictions


@dataclass(frozen=True)
class Books:
    """What the database has of a project's credentials: the trail's events, and the version of each by its registry."""

    events: list[str]
    versions: dict[str, int]

    @classmethod
    def read(cls, query: Callable[[str], list[str]], project: str, hexadecimal: str) -> Books:
        """By statements that give one column. `hexadecimal` is how the database writes bytes as text."""
        events = query("SELECT event FROM audit_event ORDER BY stream, sequence")
        of_project = f"{hexadecimal.format('project_id')} = '{project.replace('-', '')}'"
        rows = query(f"SELECT registry_key || '|' || version FROM docker_credentials WHERE {of_project}")
        return cls(events, {name: int(version) for name, version in (row.split("|") for row in rows)})


@dataclass
class Verdict:
    """What is wrong, by what it is. Whatever is not empty is a fault of the service."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> dict[str, list[str]]:
        """All that is wrong."""
        kinds = ("lost", "doubled", "untrue", "unexplained", "faults")
        return {kind: found for kind in kinds if (found := getattr(self, kind))}

    def __str__(self) -> str:
        counted = ", ".join(f"{count} {what}" for what, count in sorted(self.counted.items()))
        found = ", ".join(f"{len(getattr(self, kind))} {kind}" for kind in ("lost", "doubled", "untrue", "unexplained"))
        return f"{found} ({counted})"


@dataclass(frozen=True)
class Event:
    """A change, or a pull, in the trail."""

    kind: Kind
    request: str
    register: str
    version: int


def judge(operations: list[Operation], books: Books, project: str) -> Verdict:
    """Holds all operations on the credentials of a project against its database."""
    verdict = Verdict()
    for operation in operations:
        verdict.counted[f"{'writes' if operation.writes else 'pulls'} {operation.outcome.value}"] += 1
        if operation.outcome is Outcome.FAULT:
            verdict.faults.append(f"{operation}")
        if operation.status == 503 and operation.request and not operation.again:
            verdict.faults.append(f"no word of when to come again: {operation}")
    verdict.unexplained += contradictions(operations)

    events = [event for text in books.events if (event := read(json.loads(text), project))]
    by_request: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_request[event.request].append(event)
    verdict.doubled += [f"{of_one}" for of_one in by_request.values() if len(of_one) > 1]

    answered = {operation.request: operation for operation in operations if operation.request}
    for request, operation in answered.items():
        there = by_request.get(request, [])
        if operation.outcome is Outcome.OK and not there:
            verdict.lost.append(f"not in the trail: {operation}")
        if operation.outcome is Outcome.FAILED and operation.writes and there:
            verdict.untrue.append(f"it is said not to be done, and is in the trail: {operation}")
        if operation.version is not None and there and there[0].version != operation.version:
            verdict.untrue.append(f"its version is {there[0].version}: {operation}")
    # What nobody was told of is what nobody knows the outcome of.
    others = (event for event in events if event.kind is not Kind.PULL and event.request not in answered)
    untold = Counter((event.register, event.kind) for event in others)
    silent = (one for one in operations if one.writes and one.request is None and one.outcome is Outcome.UNKNOWN)
    unknown = Counter((one.register, one.kind) for one in silent)
    verdict.doubled += [f"more than anybody asked for: {of}, {n}" for of, n in untold.items() if n > unknown[of]]

    versions: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.kind is not Kind.PULL:
            versions[event.register].append(event.version)
    for register, numbers in versions.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)) or books.versions.get(register) != len(numbers):
            at = books.versions.get(register)
            verdict.doubled.append(f"{register} is at {at}, and the trail has {sorted(numbers)}")
    verdict.lost += [f"{name} is not there, or never was made" for name in books.versions.keys() ^ versions.keys()]
    verdict.unexplained += goes_back(answered, by_request)
    return verdict


def goes_back(answered: dict[str, Operation], by_request: dict[str, list[Event]]) -> Iterable[str]:
    """Where a version is behind one that was there before it was asked for: beside the values, a second proof."""
    registers: dict[str, list[tuple[Operation, int]]] = defaultdict(list)
    for request, operation in answered.items():
        if operation.outcome is Outcome.OK and (there := by_request.get(request)):
            registers[operation.register].append((operation, there[0].version))
    for of_one in registers.values():
        ended = sorted(of_one, key=lambda one: one[0].ended)
        at, latest = 0, (None, -math.inf)
        for operation, version in sorted(of_one, key=lambda one: one[0].started):
            while at < len(ended) and ended[at][0].ended < operation.started:
                latest = max(latest, ended[at], key=lambda one: one[1])
                at += 1
            if version < latest[1] or (operation.writes and version == latest[1]):
                yield f"version {version} of {operation} after {latest}"


def read(event: dict[str, Any], project: str) -> Event | None:
    """The change or the pull of credentials of the project, where the event is one."""
    action = event["action"]
    kind = KINDS.get(action["type"])
    if kind is None or action["project"] != project:
        return None
    return Event(kind, event["request"], action["registry_key"], action["version"])


KINDS = {
    "credentials_created": Kind.CREATE,
    "credentials_upgraded": Kind.UPGRADE,
    "credentials_pulled": Kind.PULL,
}
POSTGRES = "encode({}, 'hex')"
SQLITE = "lower(hex({}))"
