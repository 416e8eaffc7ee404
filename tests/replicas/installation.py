"""One installation of several replicas: a cluster, ways from each replica to each server of it, HAProxy before them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from balancer import Balancer, balancer
from judging import POSTGRES, Books
from passage import Passage, Passages
from postgres import DATABASE, Cluster, Node, cluster
from project import Project
from regcred_service import Server
from replica import Replica
from waiting import until
from webhook import Receiver, receiver


class Installation:
    """What runs. It is served by three replicas, each with ways of its own to the servers of the database."""

    def __init__(self, folder: Path, database: Cluster, passages: Passages, hook: Receiver) -> None:
        self.database = database
        self.passages = passages
        self.hook = hook
        self.balancer: Balancer
        kek = private(folder / "kek", KEK)
        settings = folder / "regcred.toml"
        # Strings of JSON are strings of TOML.
        webhook = {"url": hook.url, "secret-file": str(private(folder / "secret", f"whsec_{KEK}")), "allow-http": True}
        lines = (f"{key} = {json.dumps(value)}" for key, value in webhook.items())
        settings.write_text("\n".join(["[[webhooks]]", *lines]))
        self.replicas: list[Replica] = []
        # By the port of the server that they lead to.
        self._ways: list[dict[int, Passage]] = []
        for number in range(1, 4):
            ways = {node.port: passages.make(node.port) for node in database.nodes}
            hosts = ",".join(f"127.0.0.1:{way.port}" for way in ways.values())
            name = f"replica-{number}"
            url = f"postgres://{database.account}@{hosts}/{DATABASE}?application_name={name}"
            store = ["--config", str(settings), "--database-url", url, "--kek-file", str(kek)]
            self.replicas.append(Replica(name, folder, store))
            self._ways.append(ways)

    def start(self) -> None:
        """Makes the installation and starts all replicas."""
        self.replicas[0].make_admin()
        for replica in self.replicas:
            replica.start()
        for replica in self.replicas:
            replica.wait_until_ready()

    def wait_until_whole(self) -> None:
        """Waits until every replica serves, HAProxy knows that one does, and somebody leads."""
        for replica in self.replicas:
            replica.wait_until_ready()
        until(lambda: self.replicas[0].get("/readyz", self.balancer.port) == 200, 10, "HAProxy serves")
        until(lambda: self.leader() is not None, 15, "somebody leads")

    def ways_to(self, node: Node) -> list[Passage]:
        """The ways to a server of the database, from every replica."""
        return [ways[node.port] for ways in self._ways]

    def ways_from(self, replica: Replica) -> list[Passage]:
        """The ways from a replica, to every server of the database."""
        return list(self._ways[self.replicas.index(replica)].values())

    def leader(self) -> Replica | None:
        """The replica that does what is done by itself."""
        name = self.database.leader()
        return next((replica for replica in self.replicas if replica.name == name), None)

    def project(self, at: Replica | None = None) -> Project:
        """A fresh project, seen through the balancer, or at a replica."""
        url = at.url if at else self.balancer.url
        first = self.replicas[0]
        return Project(Server(url, "1", "any", first.pid, first.log))

    def books(self, project: str) -> Books:
        """What the database has of a project."""
        return Books.read(self.database.query, project, POSTGRES)

    def end(self) -> None:
        """Kills all replicas."""
        for replica in self.replicas:
            replica.end()


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """An installation that is gone afterwards."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(cluster())
        passages = Passages()
        stack.callback(passages.end)
        running = Installation(folder, database, passages, stack.enter_context(receiver()))
        stack.callback(running.end)
        running.start()
        running.balancer = stack.enter_context(balancer(folder, running.replicas))
        yield running


def private(file: Path, text: str) -> Path:
    """A file that only its owner can read."""
    file.touch(0o600)
    file.write_text(text)
    return file


# Of one run.
KEK = base64.b64encode(os.urandom(32)).decode()
