"""The database hangs, stops, is slow, or out of reach: requests end in time, memory stays, all is well soon after."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from history import Operation, Outcome
from installation import Installation
from judging import judge
from load import Load
from project import Project
from replica import Replica
from scale import GROWN_AT_MOST, LONGEST_REQUEST, LONGEST_SLOW_REQUEST, RECOVERED_WITHIN, SCALE
from waiting import until

# An outage lasts as long as its context.
Outage = Callable[[Installation], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def frozen(everything: Installation) -> Iterator[None]:
    """The database takes connections, and says nothing."""
    nodes = everything.database.nodes
    for node in nodes:
        node.freeze()
    try:
        yield
    finally:
        for node in nodes:
            node.thaw()


@contextlib.contextmanager
def stopped(everything: Installation) -> Iterator[None]:
    """The database is down, as after a crash."""
    primary = everything.database.primary
    primary.stop_at_once()
    try:
        yield
    finally:
        primary.start()


@contextlib.contextmanager
def blackholed(everything: Installation) -> Iterator[None]:
    """Nothing passes between replicas and database."""
    with everything.passages.closed():
        yield


@pytest.mark.parametrize(
    ("outage", "seconds"), [(frozen, SCALE.frozen), (stopped, SCALE.stopped), (blackholed, SCALE.blackholed)]
)
def test_the_database_is_away(
    everything: Installation, on_replicas: Load, figure: Callable[[str], None], outage: Outage, seconds: float
) -> None:
    with on_replicas as load:
        load.settle()
        before = memory(everything)
        begun = time.monotonic()
        with outage(everything):
            with ThreadPoolExecutor() as at_once:
                told = max(at_once.map(says_so, everything.replicas))
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
        over = time.monotonic()
        for replica in everything.replicas:
            replica.wait_until_ready(RECOVERED_WITHIN)
        load.settle(15)
        recovered = until_well(load.operations, over)
        grown = max(after - before for before, after in zip(before, memory(everything)))
    longest = max(one.seconds for one in load.since(begun - 1))
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(
        f"database {outage.__name__} for {seconds:.0f} s: all not ready after {told:.1f} s, no request took more than"
        f" {longest:.1f} s, well again after {recovered:.1f} s, {grown:+.1f} MiB; {verdict}"
    )
    assert verdict.wrong == {}
    assert longest <= LONGEST_REQUEST
    assert recovered <= RECOVERED_WITHIN
    assert grown <= GROWN_AT_MOST


@pytest.mark.parametrize("delay", SCALE.slowed)
def test_the_database_is_slow(
    everything: Installation, on_replicas: Load, figure: Callable[[str], None], delay: float
) -> None:
    with on_replicas as load:
        load.settle()
        before = memory(everything)
        begun = time.monotonic()
        with everything.passages.slow(delay):
            time.sleep(SCALE.slow_for)
        over = time.monotonic()
        load.settle(15)
        recovered = until_well(load.operations, over)
        grown = max(after - before for before, after in zip(before, memory(everything)))
    slow = [one for one in load.since(begun) if one.started < over]
    longest, done = max(one.seconds for one in slow), sum(one.outcome is Outcome.OK for one in slow)
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(
        f"answers of the database {delay} s late: {done} of {len(slow)} requests done, none took more than"
        f" {longest:.1f} s, well again after {recovered:.1f} s, {grown:+.1f} MiB; {verdict}"
    )
    assert verdict.wrong == {}
    assert longest <= LONGEST_SLOW_REQUEST
    assert recovered <= RECOVERED_WITHIN
    assert grown <= GROWN_AT_MOST
    # What takes a second in all is no outage.
    assert done > 0 or delay > 1


def test_what_finds_no_connection_in_two_seconds_is_told_so(everything: Installation, project: Project) -> None:
    replica = everything.replicas[0]
    # A token may have 32 pulls under way.
    tokens = [project.token("PULL") for _ in range(4)]

    def pull(number: int) -> tuple[float, int, str | None]:
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=LONGEST_REQUEST)
        headers = {"authorization": f"Bearer {tokens[number % 4].text}", "content-type": "application/json"}
        body = json.dumps({"project": project.id, "server": "r.example.com"})
        connection.request("POST", "/api/v1/pull", body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return time.monotonic() - begun, answer.status, answer.headers["retry-after"]

    with ThreadPoolExecutor(64) as at_once:
        # The tokens are remembered.
        assert {status for _, status, _ in at_once.map(pull, range(4))} == {404}
        with frozen(everything):
            answers = list(at_once.map(pull, range(64)))
    assert {(status, again) for _, status, again in answers} == {(503, "1")}, answers
    in_time = sum(2 <= seconds < 3 for seconds, _, _ in answers)
    assert in_time >= 64 - CONNECTIONS, sorted(answers)


def says_so(replica: Replica) -> float:
    """It lives, is not ready, and tells who asks when to come again. How long it took to be not ready."""
    took = until(lambda: replica.get("/readyz") == 503, LONGEST_REQUEST, f"{replica.name} is not ready")
    assert replica.get("/livez", timeout=2) == 200
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=LONGEST_REQUEST)
    login = json.dumps({"login": "nobody", "password": "a password"})
    connection.request("POST", "/authentication/api/open/authenticate", login, {"content-type": "application/json"})
    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()
    assert (answer.status, problem["code"]) == (503, "UNAVAILABLE"), problem
    assert int(answer.headers["retry-after"]) >= 1
    return took


def memory(everything: Installation) -> list[float]:
    """MiB of each replica."""
    return [replica.memory() for replica in everything.replicas]


def until_well(operations: list[Operation], over: float) -> float:
    """From the end of an outage to the last time that something was asked that did not succeed."""
    refused = (one.started for one in operations if one.outcome is not Outcome.OK and one.started > over)
    return max(refused, default=over) - over


# That a replica reads with.
CONNECTIONS = 16
