"""The keys under which clients ask for a registry, as they send them, and that each gets the account that is meant.

Docker Hub is out of reach here: what clients ask the helper comes before, and then they fail.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from clients import CLIENTS, marks_of
from machine import Machine, assert_failed, assert_worked
from project import Project
from recorder import Recorder
from registries import ROBOT, TEAM_A, Registry

HUB = "https://index.docker.io/v1/"
# Of each client: an image of Docker Hub, what it sends until it has an answer, and what it sends where it gets none.
HUB_KEYS = {
    "docker": ("alpine", [HUB], [HUB]),
    "skopeo": ("docker.io/library/alpine", ["docker.io"], ["docker.io"]),
    "podman": ("docker.io/library/alpine", ["docker.io"], ["docker.io"]),
    "syft": ("alpine", ["index.docker.io/library/alpine"], ["index.docker.io/library/alpine", HUB]),
}
NOT_FOUND = "credentials not found in native keychain\n"


@pytest.fixture
def recorder(machine: Machine, tmp_path: Path) -> Recorder:
    """The helper for Docker Hub, and for every registry of those clients that know such a setting."""
    machine.configure({"credsStore": "regcred", "credHelpers": {"docker.io": "regcred", HUB: "regcred"}})
    return Recorder.on(machine, tmp_path / "recorder")


# However it was typed: all of these are one registry. podman tries for seconds, so once has to do.
@pytest.mark.parametrize(
    ("client", "typed"),
    [
        *((client, typed) for client in HUB_KEYS if client != "podman" for typed in (None, "docker.io", HUB)),
        pytest.param("podman", None, marks=marks_of("podman")),
    ],
)
def test_docker_hub_has_one_account_for_all_clients(
    recorder: Recorder, project: Project, client: str, typed: str | None
) -> None:
    project.keep(typed, ROBOT.name, ROBOT.password)
    image, keys, _ = HUB_KEYS[client]
    assert_failed(CLIENTS[client](recorder.machine, image), "127.0.0.1:9", "connection refused")
    calls = recorder.calls()
    # Some ask more than once.
    assert list(dict.fromkeys(call.sent for call in calls)) == keys
    assert {(call.argument, *call.account) for call in calls} == {("get", ROBOT.name, ROBOT.password)}


@pytest.mark.parametrize("client", [client for client in HUB_KEYS if client != "podman"])
def test_without_an_account_docker_hub_is_asked_for_public_images(
    recorder: Recorder, project: Project, client: str
) -> None:
    """Credentials of another registry are none of the Hub, and the client goes on without."""
    project.keep("registry.example.com", ROBOT.name, ROBOT.password)
    image, _, keys = HUB_KEYS[client]
    assert_failed(CLIENTS[client](recorder.machine, image), "127.0.0.1:9", "connection refused")
    calls = recorder.calls()
    assert list(dict.fromkeys(call.sent for call in calls)) == keys
    assert {(call.argument, call.answered) for call in calls} == {("get", NOT_FOUND)}


@pytest.mark.parametrize("client", ["docker", "skopeo", pytest.param("podman", marks=marks_of("podman"))])
def test_host_and_port_are_asked_for(
    machine: Machine, project: Project, registry: Registry, tmp_path: Path, client: str
) -> None:
    recorder = Recorder.on(machine.help_for(registry.host), tmp_path / "recorder")
    project.keep(registry.host, ROBOT.name, ROBOT.password)
    assert_worked(CLIENTS[client](recorder.machine, registry.image()))
    calls = {(call.argument, call.sent, *call.account) for call in recorder.calls()}
    assert calls == {("get", registry.host, ROBOT.name, ROBOT.password)}


def test_the_whole_repository_is_asked_for_first(
    machine: Machine, project: Project, asks_for_token: Registry, tmp_path: Path
) -> None:
    """By the tools of go-containerregistry, so that an account of a path is found, too."""
    recorder = Recorder.on(machine.help_for_all(), tmp_path / "recorder")
    host = asks_for_token.host
    for scope, account in ((host, ROBOT), (f"{host}/team-a", TEAM_A)):
        project.keep(scope, account.name, account.password)
    for repository, account in (("team/app", ROBOT), ("team-a/app", TEAM_A)):
        assert_worked(recorder.machine.syft(asks_for_token.image(repository)))
        calls = {(call.sent, *call.account) for call in recorder.calls()}
        assert calls == {(f"{host}/{repository}", account.name, account.password)}
