"""One replica does what is done by itself, and another one takes over, whatever became of it."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator

import pytest

from installation import Installation
from project import Project
from replica import Replica
from scale import TAKEN_OVER_WITHIN
from waiting import until

Loss = Callable[[Installation, Replica], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def killed(_: Installation, leader: Replica) -> Iterator[None]:
    leader.kill()
    try:
        yield
    finally:
        leader.start()


@contextlib.contextmanager
def frozen(_: Installation, leader: Replica) -> Iterator[None]:
    leader.freeze()
    try:
        yield
    finally:
        leader.thaw()


@contextlib.contextmanager
def cut_off(everything: Installation, leader: Replica) -> Iterator[None]:
    ways = everything.ways_from(leader)
    everything.passages.set(ways, open=False)
    try:
        yield
    finally:
        everything.passages.set(ways)


@pytest.mark.parametrize("loss", [killed, frozen, cut_off])
def test_it_is_taken_over(everything: Installation, figure: Callable[[str], None], loss: Loss) -> None:
    leader = everything.leader()
    assert leader is not None
    others = [replica for replica in everything.replicas if replica is not leader]
    # The leader looks for these once a minute, and whoever takes over at once.
    credentials = expiring(everything.project(others[0]))
    time.sleep(0.5)
    lost = time.monotonic()
    with loss(everything, leader):
        until(lambda: everything.leader() in others, TAKEN_OVER_WITHIN, f"another one leads when it is {loss.__name__}")
        taken_over = time.monotonic() - lost
        until(lambda: everything.hook.about(credentials) != [], TAKEN_OVER_WITHIN, "it is told what runs out")
        told = time.monotonic() - lost
    until(lambda: leader.get("/readyz") == 200, 15, "the one before serves again")
    # It would do again what the other one has done, if it took itself for the leader still.
    time.sleep(3)
    arrived = everything.hook.about(credentials)
    figure(f"leader {loss.__name__}: another one after {taken_over:.1f} s, what was due is told after {told:.1f} s")
    assert taken_over <= TAKEN_OVER_WITHIN
    assert len(arrived) == 1, arrived
    assert everything.leader() in others


def expiring(project: Project) -> str:
    """Creates credentials of which it is due to tell in a moment: seven days before they run out."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=7, milliseconds=300)
    given = {"username": "robot", "password": "a password", "projectId": project.id, "expiresAt": at.isoformat()}
    create = "mutation($it: DockerCredentialsInput) { done: createDockerCredentials(dockerCredentials: $it) { id } }"
    return project.ask(create, it=given)["id"]
