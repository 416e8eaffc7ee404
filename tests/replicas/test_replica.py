"""A replica is killed and comes back, under load behind the proxy: nobody notices but who was being served."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from history import Operation, Outcome
from installation import Installation
from judging import judge
from load import Load
from project import Project
from scale import SCALE


def test_only_what_was_under_way_with_it_is_refused(
    everything: Installation, through_balancer: Load, figure: Callable[[str], None]
) -> None:
    spared: list[Operation] = []
    with through_balancer as load:
        load.settle()
        for number in range(SCALE.replica_kills):
            replica = everything.replicas[number % len(everything.replicas)]
            before = time.monotonic()
            replica.kill()
            dead = time.monotonic()
            # HAProxy sends to it until it has looked twice.
            time.sleep(1.5)
            replica.start()
            replica.wait_until_ready()
            load.settle()
            refused = [one for one in load.since(before - 40) if one.outcome is not Outcome.OK and one.ended > before]
            assert len(refused) <= load.width, refused
            assert all(one.started < dead for one in refused), refused
            spared += refused
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(f"{SCALE.replica_kills} replicas killed: {len(spared)} requests cut, all of them under way; {verdict}")
    assert verdict.wrong == {}


def test_one_that_is_told_to_end_finishes_what_is_under_way(
    everything: Installation, through_balancer: Load, figure: Callable[[str], None]
) -> None:
    refused: list[Operation] = []
    with through_balancer as load:
        load.settle()
        for replica in everything.replicas:
            before = time.monotonic()
            replica.terminate()
            ended = time.monotonic()
            replica.start()
            replica.wait_until_ready()
            # HAProxy has to notice before the next one goes.
            load.settle()
            cut = [one for one in load.since(before - 40) if one.outcome is not Outcome.OK and one.ended > before]
            # What is taken on is finished. What HAProxy sends in the moment in which it closes may meet a closed door.
            assert len(cut) <= 2 and all(one.started < ended for one in cut), cut
            refused += cut
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(f"{len(everything.replicas)} replicas told to end: {len(refused)} requests met a closed door; {verdict}")
    assert verdict.wrong == {}


@pytest.mark.parametrize("seconds", SCALE.hung)
def test_one_that_hangs_does_not_hold_up_the_others(
    everything: Installation, project: Project, seconds: float, figure: Callable[[str], None]
) -> None:
    hangs, *others = everything.replicas
    with Load(project, [replica.port for replica in others]) as load:
        load.settle()
        frozen = time.monotonic()
        hangs.freeze()
        try:
            time.sleep(seconds)
        finally:
            hangs.thaw()
        load.settle()
    slowest = max(one.seconds for one in load.since(frozen))
    verdict = judge(load.operations, everything.books(load.project.id), load.project.id)
    figure(f"a replica that hangs for {seconds} s: the slowest request at another one took {slowest:.1f} s; {verdict}")
    assert verdict.wrong == {}
