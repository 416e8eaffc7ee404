"""What was asked of the service and what came of it; and whether it can be explained by one thing after the other.

Credentials are a register: creating and upgrading write a password, a pull reads it. Every password is used once. Then
a history is linearizable exactly where the operations on each value, taken together, do not stand in each other's way
(P. Gibbons and E. Korach, "Testing shared memories", 1997): a value that was seen, or written, at one moment and seen
again at a later one was there all the time between, and no other one was.
"""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Outcome(enum.Enum):
    """What came of an operation."""

    OK = "acknowledged"
    # The service says that nothing was changed, or was never asked.
    FAILED = "not done"
    # The connection broke, or the service does not know.
    UNKNOWN = "unknown"
    # An answer that nobody should get.
    FAULT = "fault"


class Kind(enum.Enum):
    """What an operation does."""

    CREATE = "create"
    UPGRADE = "upgrade"
    PULL = "pull"


@dataclass(slots=True)
class Operation:
    """One operation, by the clock of whoever asked."""

    kind: Kind
    register: str
    # What it wrote or was to write; what it read.
    value: str | None
    started: float
    ended: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    # The number of the password, where the answer has it.
    version: int | None = None
    # The id that the service gave to the request, where an answer came.
    request: str | None = None
    # What else the answer said, and whether a 503 said when to come again.
    said: str = ""
    status: int | None = None
    again: bool = False

    @property
    def writes(self) -> bool:
        return self.kind is not Kind.PULL

    @property
    def seconds(self) -> float:
        return self.ended - self.started


class Zone(NamedTuple):
    """The time that the operations on one value leave for it."""

    value: str
    # From the first end to the last start, where it was there all the time; the other way around, somewhere between.
    first_end: float
    last_start: float

    @property
    def forward(self) -> bool:
        return self.first_end < self.last_start


def contradictions(operations: Iterable[Operation]) -> list[str]:
    """What cannot be explained, by register; nothing where the history is linearizable.

    What failed was not done, so nobody may ever see it. What is unknown may be done at any later time, once or never.
    """
    registers: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        registers[operation.register].append(operation)
    return [f"{name}: {wrong}" for name, all_of_it in registers.items() for wrong in of_register(all_of_it)]


def of_register(operations: list[Operation]) -> list[str]:
    """What cannot be explained of one register."""
    wrong: list[str] = []
    writes: dict[str, Operation] = {}
    reads: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        assert operation.value is not None or not operation.writes
        if operation.writes and operation.outcome is not Outcome.FAILED:
            assert operation.value not in writes, "values are written once"
            writes[operation.value] = operation
        elif not operation.writes and operation.outcome is Outcome.OK:
            reads[operation.value].append(operation)
    for value in reads.keys() - writes.keys():
        wrong.append(f"{value} was read, and never written")
    zones = []
    for value, write in writes.items():
        acknowledged = write.outcome is Outcome.OK
        if not acknowledged and value not in reads:
            continue
        of_value = [write, *reads[value]]
        if any(read.ended < write.started for read in reads[value]):
            wrong.append(f"{value} was read before it was written")
        # An unknown write has no end.
        ends = (operation.ended for operation in of_value if operation is not write or acknowledged)
        zones.append(Zone(value, min(ends), max(operation.started for operation in of_value)))
    return wrong + in_each_others_way(zones)


def in_each_others_way(zones: list[Zone]) -> list[str]:
    """Values that must be there at the same time, and values that must come in the midst of another one."""
    wrong = []
    forward = sorted((zone for zone in zones if zone.forward), key=lambda zone: zone.first_end)
    for one, other in zip(forward, forward[1:]):
        if other.first_end < one.last_start:
            wrong.append(f"{one.value} and {other.value} were there at the same time: a stale read, or a lost write")
    if wrong:
        return wrong
    # The forward ones stand apart now, so that each has at most one in which it could lie.
    at = 0
    for zone in sorted((zone for zone in zones if not zone.forward), key=lambda zone: zone.last_start):
        while at < len(forward) and forward[at].last_start < zone.last_start:
            at += 1
        if at < len(forward):
            around = forward[at]
            if around.first_end < zone.last_start and zone.first_end < around.last_start:
                wrong.append(f"{zone.value} came while {around.value} was there: a stale read, or a lost write")
    return wrong
