"""Three hands on one project: the Rust SDK, the command line and the platform's Python client, unmodified.

Each sees what the others did, exactly, and none undoes it. The SDK is driven through the example `docker_credentials`
of its crate, whose path is in REGCRED_SDK_EXAMPLE.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from saagieapi import SaagieApi

from person import Person
from regcred_service import ADMIN, ADMIN_PASSWORD, TIMEOUT, Server, unique


@dataclass(frozen=True)
class Credentials:
    """Credentials as a client tells them. The moment is in milliseconds: reads are no finer."""

    id: str
    registry: str | None
    username: str
    moment: str

    @classmethod
    def told(cls, told: dict[str, Any]) -> Credentials:
        moment = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z(?:\[UTC\])?", told["lastUpdate"])
        assert moment, told
        return cls(told["id"], told["registry"], told["username"], f"{moment[1]}.{(moment[2] or '').ljust(3, '0')[:3]}")


class Refused(Exception):
    """The client did not do it, and says so."""


class Python:
    """`saagieapi`, which prints errors and returns `None`."""

    def __init__(self, server: Server, project: str, _home: Path) -> None:
        self._project = project
        self._credentials = server.connect().docker_credentials

    def list(self) -> list[Credentials]:
        return [Credentials.told(one) for one in self._credentials.list_for_project(self._project)["allDockerCredentials"]]

    def create(self, username: str, registry: str | None) -> Credentials:
        created = self._credentials.create(self._project, username, "python", registry)
        return Credentials.told(self._done(created)["createDockerCredentials"])

    def get(self, id: str) -> Credentials:
        return Credentials.told(self._done(self._credentials.get_info(self._project, id))["dockerCredentials"])

    def find(self, username: str, registry: str | None) -> Credentials:
        return Credentials.told(self._credentials.get_info_for_username(self._project, username, registry))

    def upgrade(self, username: str, registry: str | None) -> Credentials:
        done = self._credentials.upgrade_for_username(self._project, username, "python again", registry)
        return Credentials.told(self._done(done)["updateDockerCredentials"])

    def delete(self, username: str, registry: str | None) -> None:
        done = self._credentials.delete_for_username(self._project, username, registry)
        assert self._done(done) == {"deleteDockerCredentials": True}

    @staticmethod
    def _done(answer: dict[str, Any] | None) -> dict[str, Any]:
        if answer is None:
            raise Refused
        return answer


class Program:
    """What is common to the two that are programs: JSON comes out, a failure is an exit code and words."""

    def _run(self, *words: str, stdin: str | None = None) -> str:
        raise NotImplementedError

    @staticmethod
    def _checked(done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            assert done.stdout == ""
            raise Refused(done.stderr)
        return done.stdout


class Rust(Program):
    """The SDK, through its example."""

    def __init__(self, server: Server, project: str, home: Path) -> None:
        self._project, self._home = project, home
        self._environment = {
            "REGCRED_URL": server.url,
            "REGCRED_LOGIN": ADMIN,
            "REGCRED_PASSWORD": ADMIN_PASSWORD,
            "REGCRED_REALM": server.realm,
        }

    def _run(self, *words: str, stdin: str | None = None) -> str:
        operation, *others = words
        command = [os.environ["REGCRED_SDK_EXAMPLE"], operation, self._project, *others]
        return self._checked(
            subprocess.run(
                command, input=stdin or "", env=self._environment, cwd=self._home, capture_output=True, text=True,
                timeout=TIMEOUT,
            )
        )

    def _one(self, *words: str, stdin: str | None = None) -> Credentials:
        return Credentials.told(json.loads(self._run(*words, stdin=stdin)))

    def list(self) -> list[Credentials]:
        return [Credentials.told(json.loads(line)) for line in self._run("list_for_project").splitlines()]

    def create(self, username: str, registry: str | None) -> Credentials:
        return self._one("create", *couple(username, registry), stdin="rust")

    def get(self, id: str) -> Credentials:
        return self._one("get_info", id)

    def find(self, username: str, registry: str | None) -> Credentials:
        return self._one("get_info_for_username", *couple(username, registry))

    def upgrade(self, username: str, registry: str | None) -> Credentials:
        return self._one("upgrade_for_username", *couple(username, registry), stdin="rust again")

    def delete(self, username: str, registry: str | None) -> None:
        self._run("delete_for_username", *couple(username, registry))


class CommandLine(Program):
    """`regcred credentials`, for scripts."""

    def __init__(self, server: Server, project: str, home: Path) -> None:
        self._person = Person(home)
        login = f"login {server.url} --user {ADMIN} --project {project} --quiet --password-stdin"
        self._person.do(login, ADMIN_PASSWORD)

    def _run(self, *words: str, stdin: str | None = None) -> str:
        ran = self._person.run(f"credentials {shlex.join(words)} -o json", stdin)
        return self._checked(subprocess.CompletedProcess(words, ran.code, ran.out, ran.err))

    def _one(self, *words: str, stdin: str | None = None) -> Credentials:
        return Credentials.told(json.loads(self._run(*words, stdin=stdin)))

    def list(self) -> list[Credentials]:
        return [Credentials.told(one) for one in json.loads(self._run("list"))]

    def create(self, username: str, registry: str | None) -> Credentials:
        return self._one("create", *flags(username, registry), "--password-stdin", stdin="command line")

    def get(self, id: str) -> Credentials:
        return self._one("get", "--id", id)

    def find(self, username: str, registry: str | None) -> Credentials:
        return self._one("get", *flags(username, registry))

    def upgrade(self, username: str, registry: str | None) -> Credentials:
        return self._one("upgrade", *flags(username, registry), "--password-stdin", stdin="command line again")

    def delete(self, username: str, registry: str | None) -> None:
        self._run("delete", *flags(username, registry), "--yes")


def couple(username: str, registry: str | None) -> list[str]:
    return [username] if registry is None else [username, registry]


def flags(username: str, registry: str | None) -> list[str]:
    return ["--username", username, *([] if registry is None else ["--registry", registry])]


Client = Python | Rust | CommandLine
CLIENTS: dict[str, Callable[[Server, str, Path], Client]] = {"python": Python, "rust": Rust, "command line": CommandLine}
REGISTRIES = [None, "https://Quay.io:443/v2/"]


@pytest.fixture(scope="module", autouse=True)
def sdk_example() -> None:
    """Without the example there is half of the story missing, so the run ends."""
    if not os.access(os.environ.get("REGCRED_SDK_EXAMPLE", ""), os.X_OK):
        pytest.exit("REGCRED_SDK_EXAMPLE names no program: build the example `docker_credentials`", 4)


@pytest.fixture(scope="module")
def api(server: Server) -> SaagieApi:
    return server.connect()


@pytest.fixture
def clients(server: Server, api: SaagieApi, tmp_path: Path) -> Iterator[dict[str, Client]]:
    """The three of them, in a fresh project."""
    project = api.projects.create(unique("project"))["createProject"]["id"]
    yield {name: client(server, project, tmp_path) for name, client in CLIENTS.items()}
    api.projects.delete(project)


@pytest.mark.parametrize("order", list(permutations(CLIENTS)), ids=", ".join)
@pytest.mark.parametrize("registry", REGISTRIES)
def test_each_sees_and_goes_on_with_what_the_others_did(
    clients: dict[str, Client], order: tuple[str, ...], registry: str | None
) -> None:
    """The first creates, the second upgrades, the third deletes; all look after each step."""
    first, second, third = (clients[name] for name in order)

    created = first.create("ci-bot", registry)
    assert (created.username, created.registry) == ("ci-bot", registry)
    assert_all_see(clients, [created])

    upgraded = second.upgrade("ci-bot", registry)
    assert (upgraded.id, upgraded.registry, upgraded.username) == (created.id, registry, "ci-bot")
    assert upgraded.moment >= created.moment
    assert_all_see(clients, [upgraded])

    third.delete("ci-bot", registry)
    assert_all_see(clients, [])


@pytest.mark.parametrize("order", list(permutations(CLIENTS, 2)), ids=", ".join)
def test_what_one_has_created_the_other_cannot_create(clients: dict[str, Client], order: tuple[str, ...]) -> None:
    first, second = (clients[name] for name in order)
    created = first.create("ci-bot", "ghcr.io")
    with pytest.raises(Refused):
        second.create("ci-bot", "ghcr.io")
    # The same registry, spelled otherwise.
    with pytest.raises(Refused):
        second.create("ci-bot", "https://GHCR.io/")
    assert_all_see(clients, [created])


def test_at_the_same_time_all_changes_are_kept(clients: dict[str, Client]) -> None:
    def work(name: str) -> list[Credentials]:
        mine = clients[name]
        for number in range(6):
            mine.create(f"{name}-{number}", "ghcr.io")
        mine.delete(f"{name}-0", "ghcr.io")
        upgraded = [mine.upgrade(f"{name}-{number}", "ghcr.io") for number in range(1, 4)]
        return upgraded + [mine.find(f"{name}-{number}", "ghcr.io") for number in range(4, 6)]

    with ThreadPoolExecutor(len(clients)) as pool:
        done = [one for each in pool.map(work, clients) for one in each]
    assert_all_see(clients, done)


def test_of_those_who_create_the_same_at_the_same_time_one_does(clients: dict[str, Client]) -> None:
    def attempt(name: str) -> Credentials | None:
        try:
            return clients[name].create("ci-bot", None)
        except Refused:
            return None

    for _ in range(5):
        with ThreadPoolExecutor(len(clients)) as pool:
            created = [one for one in pool.map(attempt, clients) if one]
        assert len(created) == 1
        assert_all_see(clients, created)
        clients["python"].delete("ci-bot", None)


def assert_all_see(clients: dict[str, Client], expected: list[Credentials]) -> None:
    """All clients tell exactly these credentials, in the list and one by one."""
    for name, client in clients.items():
        assert sorted(client.list(), key=key) == sorted(expected, key=key), name
        for one in expected[:2]:
            assert client.get(one.id) == client.find(one.username, one.registry) == one, name


def key(one: Credentials) -> str:
    return one.id
