"""What `regcred helper install` writes is what clients read: nobody edits a file by hand, and no variable helps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from clients import CLIENTS, marks_of
from machine import Machine, Ran, assert_unauthorized, assert_worked
from project import Project, Token
from registries import ROBOT, Registry
from regcred_service import Server


@dataclass(frozen=True)
class Way:
    """A client, and how the helper is entered for it."""

    client: str
    # Among the words `HOST` and `HOME` stand for the registry and the machine's home.
    words: str
    # Further variables of both.
    variables: dict[str, str]

    def pull(self, machine: Machine, image: str) -> Ran:
        """Pulls an image as this client."""
        return CLIENTS[self.client](machine, image)


# Not even the name of a file is given, so that each client looks where it looks by itself.
NOTHING = {"REGISTRY_AUTH_FILE": ""}
RUNTIME = {**NOTHING, "XDG_RUNTIME_DIR": "HOME/run"}
WAYS = [
    Way("docker", "--registry HOST", NOTHING),
    Way("docker", "--all", NOTHING),
    Way("docker", "--all", {**NOTHING, "DOCKER_CONFIG": "HOME/elsewhere"}),
    Way("syft", "--registry HOST", NOTHING),
    Way("syft", "--all", NOTHING),
    Way("oras", "--registry HOST", NOTHING),
    Way("skopeo", "--registry HOST", NOTHING),
    Way("skopeo", "--registry HOST --containers", RUNTIME),
    Way("skopeo", "--registry HOST --containers", {"REGISTRY_AUTH_FILE": "HOME/named.json"}),
    Way("skopeo", "--registry HOST --auth-file HOME/.config/containers/auth.json", NOTHING),
    Way("podman", "--registry HOST --containers", RUNTIME),
    Way("podman", "--registry HOST --auth-file HOME/.config/containers/auth.json", NOTHING),
]


@pytest.fixture(params=[pytest.param(way, marks=marks_of(way.client), id=f"{way.client} {way.words}") for way in WAYS])
def way(request: pytest.FixtureRequest) -> Way:
    """Each of them."""
    return request.param


def test_an_image_is_pulled_until_the_helper_is_taken_out(
    machine: Machine, server: Server, project: Project, puller: Token, asks_for_token: Registry, way: Way
) -> None:
    registry = asks_for_token
    project.keep(registry.host, ROBOT.name, ROBOT.password)

    def filled(text: str) -> str:
        return text.replace("HOST", registry.host).replace("HOME", str(machine.home))

    # The server is told when the helper is installed, and the token too; afterwards all is in files.
    client = Machine(machine.home, {name: filled(value) for name, value in way.variables.items()})
    installing = replace(client, variables={**client.variables, "REGCRED_URL": server.url})
    words = filled(way.words).split()
    assert_unauthorized(way.pull(client, registry.image()))

    installed = installing.regcred("helper", "install", *words, "--token-stdin", stdin=puller.text)
    assert_worked(installed, f"written: {machine.home}/.config/regcred/helper.toml", "entered for")
    assert installed.err == "", "there is nothing to warn of"
    assert_worked(way.pull(client, registry.image()))
    diagnosed = client.regcred("helper", "doctor", registry.image(), *only_file(words))
    assert_worked(diagnosed)

    assert_worked(client.regcred("helper", "uninstall", *only_file(words)), "taken out for")
    assert_unauthorized(way.pull(client, registry.image()))


def only_file(words: list[str]) -> list[str]:
    """What of the words names the client's file."""
    if "--auth-file" in words:
        return words[words.index("--auth-file") :]
    return [word for word in words if word == "--containers"]
