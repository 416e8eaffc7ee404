"""The primary is gone, again and again, under load, and its standby takes its place."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from history import Outcome
from installation import Installation
from judging import judge
from load import Load
from scale import LONGEST_REQUEST, SCALE, UNAVAILABLE_AT_MOST


def killed(everything: Installation) -> None:
    """The primary is killed."""
    everything.database.primary.kill()


def killed_behind(everything: Installation) -> None:
    """The primary is killed while commits wait for its standby, which hangs: what waits has been sent, and is made."""
    standby = everything.database.standby
    standby.freeze()
    time.sleep(1)
    everything.database.primary.kill()
    standby.thaw()


def killed_alone(everything: Installation) -> None:
    """The primary is killed while commits wait for its standby, which is down: what waits is on the primary alone."""
    standby = everything.database.standby
    standby.kill()
    time.sleep(1)
    everything.database.primary.kill()
    standby.start()


WAYS: list[Callable[[Installation], None]] = [killed, killed_behind, killed_alone]


def test_nothing_is_lost_and_nothing_made_twice(
    everything: Installation, through_balancer: Load, figure: Callable[[str], None]
) -> None:
    database, times = everything.database, []
    with through_balancer as load:
        load.settle()
        for number in range(SCALE.failovers):
            gone = time.monotonic()
            WAYS[number % len(WAYS)](everything)
            database.promote()
            load.settle(30)
            times.append(unavailable(load, gone))
            database.replace_standby()
            load.settle()
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(
        f"{len(times)} failovers: unavailable for {max(times):.1f} s at most,"
        f" {statistics.median(times):.1f} s in the middle; {verdict}"
    )
    assert verdict.wrong == {}
    assert max(times) <= UNAVAILABLE_AT_MOST, times


def test_a_primary_whose_machine_does_not_answer_any_more(
    everything: Installation, through_balancer: Load, figure: Callable[[str], None]
) -> None:
    database, ways = everything.database, everything.ways_to(everything.database.primary)
    with through_balancer as load:
        load.settle()
        gone = time.monotonic()
        # Nobody is told that it is gone: neither who is connected, nor who connects.
        everything.passages.set(ways, open=False)
        database.primary.kill()
        database.promote()
        load.settle(30)
        time_taken = unavailable(load, gone)
        everything.passages.set(ways)
        database.replace_standby()
        load.settle()
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(f"a primary that vanishes: unavailable for {time_taken:.1f} s; {verdict}")
    assert verdict.wrong == {}
    # Whoever was being served waits for each of its steps in vain before it finds the other one.
    assert time_taken <= LONGEST_REQUEST


def test_without_a_synchronous_standby_it_loses_writes_and_this_is_found(
    everything: Installation, through_balancer: Load
) -> None:
    database = everything.database
    with through_balancer as load:
        database.primary.demand_nothing()
        database.standby.kill()
        load.settle()
        database.primary.kill()
        database.standby.start()
        database.promote()
        load.settle(30)
        database.replace_standby()
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    assert verdict.lost and verdict.unexplained, "or the other tests would prove nothing"


def unavailable(load: Load, gone: float) -> float:
    """From the moment that the primary is gone to the end of the last request that was refused, or took a second."""
    fared_ill = (one for one in load.operations if one.outcome is not Outcome.OK or one.seconds > 1)
    return max((one.ended for one in fared_ill if one.ended > gone), default=gone) - gone
