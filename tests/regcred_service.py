"""The service under test, run for real: start it, connect the unmodified client to it, look at its wire.

Nothing here is a stand-in. The client swallows most errors, so what a refusal says is read from the wire with a plain
request beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from saagieapi import SaagieApi

ADMIN = "admin"
ADMIN_PASSWORD = "the admin's password of the tests"


@dataclass(frozen=True)
class Answer:
    """What came back over the wire; `data` and `errors` as GraphQL has them, empty for any other body."""

    status: int
    data: dict[str, Any] | None
    errors: list[dict[str, Any]]

    @property
    def code(self) -> str | None:
        """The code of the first error, by which programs tell errors apart."""
        return self.errors[0]["extensions"]["code"] if self.errors else None

    @property
    def message(self) -> str:
        """The message of the first error, which people read."""
        return self.errors[0]["message"] if self.errors else ""


@dataclass(frozen=True)
class Server:
    """A running service."""

    url: str
    platform: str
    realm: str
    pid: int
    log: Path

    def connect(
        self,
        login: str = ADMIN,
        password: str = ADMIN_PASSWORD,
        *,
        platform: str | None = None,
        realm: str | None = None,
    ) -> SaagieApi:
        """A client of its own, with a login of its own; it ends the interpreter where the login is refused."""
        return SaagieApi(self.url, platform or self.platform, login, password, realm or self.realm)

    def wire(self, token: str, query: str, variables: dict[str, Any] | None = None) -> Answer:
        """A GraphQL request without the client."""
        response = requests.post(
            f"{self.url}/projects/api/platform/{self.platform}/graphql",
            headers={"authorization": f"Bearer {token}"},
            json={"query": query, "variables": variables or {}},
            timeout=TIMEOUT,
        )
        body = response.json()
        return Answer(response.status_code, body.get("data"), body.get("errors", []))

    def log_in(self, login: str, password: str) -> requests.Response:
        """The login request without the client."""
        return requests.post(
            f"{self.url}/authentication/api/open/authenticate",
            headers={"Saagie-Realm": self.realm},
            json={"login": login, "password": password},
            timeout=TIMEOUT,
        )


def assert_refused(answer: Answer, code: str, *words: str) -> None:
    """A refusal is HTTP 200 without data, with one code for programs and a message that says why."""
    assert (answer.status, answer.data, answer.code) == (200, None, code), answer
    for word in words:
        assert word in answer.message, answer


# What the fixtures of these names take and give is told where they are made.
Join = Callable[..., SaagieApi]
Refused = Callable[..., str]
ServiceToken = Callable[..., str]
Wire = Callable[..., Answer]


def unique(prefix: str) -> str:
    """A name that no other test uses: they all share one service."""
    return f"{prefix}-{uuid.uuid4().hex}"


@contextlib.contextmanager
def running(
    *,
    platform: str = "1",
    realm: str | None = None,
    data: Path | None = None,
    settings: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> Iterator[Server]:
    """A service on a free port of the loopback, ended by its process id.

    Its database is empty and thrown away, or lies in `data`. `settings` are variables of its environment; `before` are
    the words of a command that goes over into the service.
    """
    command = [*before, binary(), "serve", "--dev", "--listen", "127.0.0.1:0", "--dev-admin-password", ADMIN_PASSWORD]
    command += ["--platform", platform]
    command += ["--realm", realm] if realm else []
    command += ["--data-dir", str(data)] if data else []
    # Settings of whoever runs the tests are no settings of the tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGCRED_")}
    environment.update(settings or {})
    with (
        tempfile.NamedTemporaryFile("w+") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            url = announced_url(process)
            if url is None:
                log.seek(0)
                pytest.fail(f"the service did not start: exit code {process.wait()}\n{log.read()}", pytrace=False)
            yield Server(url, platform, realm or "any", process.pid, Path(log.name))
        finally:
            process.terminate()
            try:
                process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def announced_url(process: subprocess.Popen[str]) -> str | None:
    """The URL that the service prints once it answers; `None` where it ends before, or takes too long."""
    too_long = threading.Timer(TIMEOUT, process.kill)
    too_long.start()
    try:
        found = (re.search(r"ready at (http://\S+)", line) for line in process.stdout or ())
        return next((match[1] for match in found if match), None)
    finally:
        too_long.cancel()


def binary() -> str:
    """The service's program; without it there is nothing to test, so the run ends."""
    path = os.environ.get("REGCRED_BIN")
    if not path:
        pytest.exit("REGCRED_BIN is not set: give the path of the `regcred` program to test", USAGE_ERROR)
    if not os.access(path, os.X_OK) or not os.path.isfile(path):
        pytest.exit(f"REGCRED_BIN is `{path}`, which is no program that can be run", USAGE_ERROR)
    return os.path.abspath(path)


USAGE_ERROR = int(pytest.ExitCode.USAGE_ERROR)
# Seconds. Far more than anything here needs, far less than anybody waits.
TIMEOUT = 20
