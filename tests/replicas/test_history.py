"""The checker of histories can fail: histories made by hand, and many small ones against a search of every order."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from history import Kind, Operation, Outcome, contradictions


def write(value: str, started: float, ended: float = math.inf, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation(Kind.UPGRADE, "r", value, started, ended, outcome)


def read(value: str, started: float, ended: float) -> Operation:
    return Operation(Kind.PULL, "r", value, started, ended, Outcome.OK)


def unknown(value: str, started: float, ended: float = math.inf) -> Operation:
    return write(value, started, ended, Outcome.UNKNOWN)


def failed(value: str, started: float, ended: float) -> Operation:
    return write(value, started, ended, Outcome.FAILED)


GOOD = {
    "one after the other": [write("a", 0, 1), read("a", 2, 3), write("b", 4, 5), read("b", 6, 7)],
    "a read beside a write sees the old one": [write("a", 0, 1), write("b", 2, 5), read("a", 3, 4), read("b", 6, 7)],
    "or the new one": [write("a", 0, 1), write("b", 2, 5), read("b", 3, 4), read("b", 6, 7)],
    "writes beside each other in either order": [write("a", 0, 5), write("b", 0, 5), read("a", 6, 7)],
    "an unknown write that is seen late": [write("a", 0, 1), unknown("b", 2, 3), read("a", 4, 5), read("b", 9, 10)],
    "and one that is never seen": [write("a", 0, 1), unknown("b", 2, 3), read("a", 4, 5), write("c", 6, 7)],
    "an unknown write after a later one": [write("a", 0, 1), unknown("b", 2, 3), write("c", 4, 5), read("b", 6, 7)],
    "what was not done": [write("a", 0, 1), failed("b", 2, 3), read("a", 4, 5)],
    "a write that nobody sees": [write("a", 0, 1), write("b", 2, 3), write("c", 4, 5), read("c", 6, 7)],
    "a read that began first": [read("a", 0, 9), write("a", 1, 2), write("b", 3, 4)],
}
BAD = {
    "a stale read": [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)],
    "a lost write": [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5), read("a", 6, 7)],
    "a lost write between reads": [write("a", 0, 1), read("a", 2, 3), write("b", 4, 5), read("a", 6, 7)],
    "a read that goes back": [write("a", 0, 1), write("b", 2, 9), read("b", 3, 4), read("a", 5, 6)],
    "what was not done is seen": [write("a", 0, 1), failed("b", 2, 3), read("b", 4, 5)],
    "what nobody wrote is seen": [write("a", 0, 1), read("b", 4, 5)],
    "what is not written yet is seen": [write("a", 0, 1), read("b", 2, 3), write("b", 4, 5)],
    "an unknown write that comes and goes twice": [
        write("a", 0, 1),
        unknown("b", 2, 3),
        read("b", 4, 5),
        write("c", 6, 7),
        read("c", 8, 9),
        read("b", 10, 11),
    ],
    "an unknown write before it was asked for": [write("a", 0, 1), read("b", 2, 3), unknown("b", 4, 5)],
    "two that are seen in turns": [
        write("a", 0, 9),
        write("b", 0, 9),
        read("a", 10, 11),
        read("b", 12, 13),
        read("a", 14, 15),
    ],
}


@pytest.mark.parametrize("what", GOOD)
def test_what_can_be_explained(what: str) -> None:
    assert contradictions(GOOD[what]) == []


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_explained(what: str) -> None:
    assert contradictions(BAD[what])


def test_registers_have_nothing_to_do_with_each_other() -> None:
    created = Operation(Kind.CREATE, "other", "b", 2, 3, Outcome.OK)
    pulled = Operation(Kind.PULL, "other", "b", 4, 5, Outcome.OK)
    assert contradictions([write("a", 0, 1), created, pulled, read("a", 6, 7)]) == []


def test_it_says_what_a_search_of_every_order_says() -> None:
    chance = random.Random(19)
    verdicts = {True: 0, False: 0}
    for _ in range(4000):
        history = some_history(chance)
        explained = contradictions(history) == []
        assert explained == can_be_ordered(history), history
        verdicts[explained] += 1
    assert min(verdicts.values()) > 500, verdicts


def some_history(chance: random.Random) -> list[Operation]:
    """Up to three writes and three reads at times of their own, of which many overlap."""
    times = iter(chance.sample(range(1000), 12))
    history = []
    written = ["a", "b", "c"][: chance.randint(1, 3)]
    for value in written:
        started, ended = sorted((next(times), next(times)))
        outcome = chance.choice([Outcome.OK, Outcome.OK, Outcome.UNKNOWN, Outcome.FAILED])
        history.append(write(value, started, ended, outcome))
    for _ in range(chance.randint(1, 3)):
        started, ended = sorted((next(times), next(times)))
        history.append(read(chance.choice(written), started, ended))
    return history


def can_be_ordered(history: list[Operation]) -> bool:
    """Whether some order of some of the unknown and all of the others is that of a register, by trying all."""
    possible = [operation for operation in history if operation.outcome is not Outcome.FAILED]
    doubtful = [operation for operation in possible if operation.outcome is Outcome.UNKNOWN]
    for count in range(len(doubtful) + 1):
        for left_out in itertools.combinations(doubtful, count):
            done = [operation for operation in possible if not any(operation is one for one in left_out)]
            if any(fits(order) for order in itertools.permutations(done)):
                return True
    return False


def fits(order: tuple[Operation, ...]) -> bool:
    there: str | None = None
    latest = -math.inf
    for operation in order:
        ended = math.inf if operation.outcome is Outcome.UNKNOWN else operation.ended
        if ended < latest:
            return False
        latest = max(latest, operation.started)
        if operation.writes:
            there = operation.value
        elif operation.value != there:
            return False
    return True
