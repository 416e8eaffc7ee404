"""No event in the audit trail, no password: where the trail cannot be written nothing is handed out, and once it can be
written again pulls go on by themselves.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest
import requests

from project import Project, Token
from regcred_service import Server, binary, running

PASSWORD = "handed out only with an event"
IMAGE = "registry.example.com/team/app:1.0"


class Trouble(Protocol):
    """Makes the trail of the service unwritable, for as long as it lasts."""

    def __call__(self, server: Server, data: Path) -> AbstractContextManager[None]: ...


@contextlib.contextmanager
def full_disk(server: Server, data: Path) -> Iterator[None]:
    """No file can grow."""

    def limit(size: str) -> None:
        subprocess.run(["prlimit", "--pid", str(server.pid), f"--fsize={size}:unlimited"], check=True)

    # A limit that can be lifted from outside stands for the end of the disk.
    limit("1")
    try:
        yield
    finally:
        limit("unlimited")


@contextlib.contextmanager
def read_only_disk(server: Server, data: Path) -> Iterator[None]:
    """The open database cannot be written. The file system, being in use, would refuse to become read-only itself."""
    # The third, which ends in `-shm`, is memory that processes share.
    files = [str(data / name) for name in ("regcred.db", "regcred.db-wal")]
    if os.geteuid() != 0:
        pytest.skip("only root can take writing away from a service that has its files open already")
    # What the file system does not know, or root in a container may not do, is to be seen to, and not to be left out.
    made = subprocess.run(["chattr", "+i", *files], capture_output=True, text=True)
    try:
        assert made.returncode == 0, (
            f"files below {data} cannot be made immutable: {made.stderr.strip()}; give `--basetemp` a folder on ext4, "
            "xfs or btrfs, and a container the capability LINUX_IMMUTABLE"
        )
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], capture_output=True, check=made.returncode == 0)


@pytest.mark.parametrize("trouble", [full_disk, read_only_disk])
def test_no_password_without_an_event(trouble: Trouble, tmp_path: Path) -> None:
    data = tmp_path / "data"
    # What the limit on files takes from a program by a signal, the service is to get as an error.
    ignoring = ["bash", "-c", "trap '' XFSZ; exec \"$@\"", "bash"]
    with running(data=data, before=ignoring) as server:
        project = Project(server)
        project.keep("registry.example.com", "robot", PASSWORD)
        token = project.token("PULL")
        before = pulls(project, token, 200)
        assert before == Counter({200: 200})

        with trouble(server, data):
            during = pulls(project, token, 1_000)
            assert during == Counter({503: 1_000})
            refused = project.pull(token, image=IMAGE)
            assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
            assert "no password is handed out" in refused.json()["detail"]
            # It lives, and what needs no event is still told.
            assert requests.get(f"{server.url}/livez", timeout=5).status_code == 200
            assert project.kept() == [("registry.example.com", "robot")]

        passed = time.monotonic()
        while (answer := project.pull(token, image=IMAGE)).status_code != 200:
            assert time.monotonic() - passed < 5, answer.text
        assert answer.json()["password"] == PASSWORD
        assert pulls(project, token, 200) == Counter({200: 200})

    handed_out = 200 + 1 + 200
    verified = subprocess.run(
        [binary(), "audit", "verify", "--data-dir", str(data)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified
    with contextlib.closing(sqlite3.connect(data / "regcred.db")) as database:
        query = "SELECT count(*) FROM audit_event WHERE event LIKE '%\"type\":\"credentials_pulled\"%'"
        assert database.execute(query).fetchone() == (handed_out,)


def pulls(project: Project, token: Token, count: int) -> Counter[int]:
    """Pulls so often, many at a time. The statuses; a password came with 200 and with nothing else."""

    def pull_some(number: int) -> list[int]:
        statuses = []
        with requests.Session() as session:
            for _ in range(number):
                answer = project.pull(token, session, image=IMAGE)
                assert (PASSWORD in answer.text) == (answer.status_code == 200), answer.text
                statuses.append(answer.status_code)
        return statuses

    with ThreadPoolExecutor(AT_A_TIME) as workers:
        return Counter(status for some in workers.map(pull_some, [count // AT_A_TIME] * AT_A_TIME) for status in some)


AT_A_TIME = 8
