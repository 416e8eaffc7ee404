"""HAProxy before the replicas, configured as an operator would: a replica gets requests while `/readyz` says yes.

A request that could not be sent goes to another replica; one that was sent is never sent again, for it may have been
done.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from replica import Replica
from waiting import free_port, until


class Balancer:
    """A running HAProxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def balancer(folder: Path, replicas: list[Replica]) -> Iterator[Balancer]:
    """HAProxy as a child of this process."""
    port = free_port()
    servers = "\n".join(f"    server {replica.name} 127.0.0.1:{replica.port}" for replica in replicas)
    settings = folder / "haproxy.cfg"
    settings.write_text(SETTINGS.format(port=port, servers=servers))
    command = ["setpriv", "--pdeathsig", "KILL", HAPROXY, "-db", "-f", str(settings)]
    with (
        (folder / "haproxy.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            running = Balancer(port)
            until(lambda: replicas[0].get("/readyz", port=port) == 200, 10, "HAProxy answers")
            yield running
        finally:
            process.kill()


# Debian keeps it off the path of whoever is not root.
HAPROXY = "/usr/sbin/haproxy"
SETTINGS = """
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout queue 5s
    timeout check 2s
    option redispatch 1
    retries 3
    retry-on conn-failure
    http-reuse never
frontend clients
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    default-server check inter 500ms fall 2 rise 1
{servers}
"""
