"""A token that is revoked at one replica counts at none a few seconds later, whatever state the others are in."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from installation import Installation
from project import Project, Token
from replica import Replica
from scale import REVOKED_WITHIN


def pulls(replica: Replica, token: Token, project: Project) -> int:
    """The status of a pull at a replica."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=20)
    body = json.dumps({"project": project.id, "server": "registry.example.com"})
    headers = {"authorization": f"Bearer {token.text}", "content-type": "application/json"}
    connection.request("POST", "/api/v1/pull", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def lists(replica: Replica, token: Token, project: Project) -> int:
    """The status of a list of what can be pulled, which writes nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=20)
    connection.request("GET", f"/api/v1/pull?project={project.id}", headers={"authorization": f"Bearer {token.text}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_acts_everywhere(everything: Installation, figure: Callable[[str], None]) -> None:
    well, deaf, frozen = everything.replicas
    project = everything.project(well)
    project.keep("registry.example.com", "robot", "a password")
    token = project.token("PULL")
    # It is remembered everywhere.
    assert [lists(replica, token, project) for replica in everything.replicas] == [200, 200, 200]
    ways, revoked, last = everything.ways_from(deaf), 0.0, {}

    def ask(replica: Replica) -> None:
        """Asks in turns: a list goes by what is remembered, a pull looks again in its transaction."""
        while time.monotonic() - revoked < REVOKED_WITHIN + 1:
            for what in (lists, pulls):
                if what(replica, token, project) == 200:
                    last[replica.name] = time.monotonic() - revoked
            time.sleep(0.02)

    # What it is told arrives late, and its own look-ups, too.
    everything.passages.set(ways, delay=0.5)
    frozen.freeze()
    try:
        project.revoke(token)
        revoked = time.monotonic()
        with ThreadPoolExecutor() as at_once:
            asking = [at_once.submit(ask, replica) for replica in everything.replicas]
            time.sleep(1)
            frozen.thaw()
            for asked in asking:
                asked.result()
    finally:
        frozen.thaw()
        everything.passages.set(ways)
    acts = max(last.values(), default=0.0)
    figure(f"a revocation, with a replica that hears late and one that hung: acts everywhere after {acts:.2f} s")
    assert acts <= REVOKED_WITHIN, last
    assert [lists(replica, token, project) for replica in everything.replicas] == [401, 401, 401]
