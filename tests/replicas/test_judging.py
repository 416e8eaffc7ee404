"""What holds a load against the database can fail, too: answers and trails made by hand."""

from __future__ import annotations

import json

import pytest

from history import Kind, Operation, Outcome
from judging import Books, judge

PROJECT = "0193f3a2-7c1e-7d52-9c55-2b1d4e0f6a77"


def asked(
    kind: Kind, number: int, outcome: Outcome, version: int | None = None, request: str | None = None
) -> Operation:
    """The operation of that number: each begins when the one before is over. A pull reads what the create wrote."""
    value = "1" if kind is Kind.PULL else str(number)
    return Operation(kind, "r", value, number, number + 0.5, outcome, version, request, status=200)


def event(kind: str, version: int, request: str) -> str:
    """As it is in the trail."""
    action = {"type": f"credentials_{kind}", "project": PROJECT, "registry_key": "r", "version": version}
    return json.dumps({"request": request, "action": action})


CREATED = asked(Kind.CREATE, 1, Outcome.OK, 1, "one")
IN_TRAIL = event("created", 1, "one")
WELL: dict[str, tuple[list[Operation], list[str], int]] = {
    "all acknowledged": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.OK, 2, "two")],
        [IN_TRAIL, event("upgraded", 2, "two")],
        2,
    ),
    "unknown and made": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.UNKNOWN)],
        [IN_TRAIL, event("upgraded", 2, "two")],
        2,
    ),
    "unknown and not made": ([CREATED, asked(Kind.UPGRADE, 2, Outcome.UNKNOWN)], [IN_TRAIL], 1),
    "not done": ([CREATED, asked(Kind.UPGRADE, 2, Outcome.FAILED, None, "two")], [IN_TRAIL], 1),
    "pulled": ([CREATED, asked(Kind.PULL, 2, Outcome.OK, None, "two")], [IN_TRAIL, event("pulled", 1, "two")], 1),
}
ILL: dict[str, tuple[list[Operation], list[str], int, str]] = {
    "lost": ([CREATED, asked(Kind.UPGRADE, 2, Outcome.OK, 2, "two")], [IN_TRAIL], 1, "lost"),
    "a pull without an event": ([CREATED, asked(Kind.PULL, 2, Outcome.OK, None, "two")], [IN_TRAIL], 1, "lost"),
    "made twice": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.OK, 3, "two")],
        [IN_TRAIL, event("upgraded", 2, "two"), event("upgraded", 3, "two")],
        3,
        "doubled",
    ),
    "an unknown one made twice": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.UNKNOWN)],
        [IN_TRAIL, event("upgraded", 2, "two"), event("upgraded", 3, "three")],
        3,
        "doubled",
    ),
    "a change without an event": ([CREATED], [IN_TRAIL], 2, "doubled"),
    "done and said not to be": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.FAILED, None, "two")],
        [IN_TRAIL, event("upgraded", 2, "two")],
        2,
        "untrue",
    ),
    "another version than it was told": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.OK, 7, "two")],
        [IN_TRAIL, event("upgraded", 2, "two")],
        2,
        "untrue",
    ),
    "a stale pull": (
        [CREATED, asked(Kind.UPGRADE, 2, Outcome.OK, 2, "two"), asked(Kind.PULL, 3, Outcome.OK, None, "three")],
        [IN_TRAIL, event("upgraded", 2, "two"), event("pulled", 1, "three")],
        2,
        "unexplained",
    ),
}


@pytest.mark.parametrize("what", WELL)
def test_what_is_well(what: str) -> None:
    operations, events, version = WELL[what]
    assert judge(operations, Books(events, {"r": version}), PROJECT).wrong == {}


@pytest.mark.parametrize("what", ILL)
def test_what_is_not(what: str) -> None:
    operations, events, version, wrong = ILL[what]
    assert wrong in judge(operations, Books(events, {"r": version}), PROJECT).wrong
