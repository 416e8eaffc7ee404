"""Each form that `regcred export` writes is read by the programs it is for, where nothing of regcred is set up."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from clients import CLIENTS, marks_of
from machine import Machine, assert_failed, assert_unauthorized, assert_worked
from project import Project
from registries import ROBOT, TEAM_A, TEAM_B, Registry

PODMAN = pytest.param("podman", marks=marks_of("podman"))


@pytest.fixture
def reader(tmp_path: Path) -> Machine:
    """A machine with a home of its own, where each client looks where it looks by itself."""
    home = tmp_path / "reader"
    home.mkdir()
    return Machine(home, {"REGISTRY_AUTH_FILE": "", "XDG_RUNTIME_DIR": str(home / "run")})


@pytest.fixture
def kept(project: Project, registry: Registry) -> None:
    """An account of the registry, and of Docker Hub, so that a client finds one among several."""
    project.keep(registry.host, ROBOT.name, ROBOT.password)
    project.keep(None, TEAM_B.name, TEAM_B.password)


def exported(machine: Machine, form: str) -> str:
    """The text of this form."""
    ran = machine.regcred("export", "--format", form, "--yes")
    assert_worked(ran)
    assert ran.err == "", "there is nothing to warn of"
    return ran.out


def auth_json(reader: Machine) -> Path:
    """Where the programs of containers look first."""
    file = reader.home / "run" / "containers" / "auth.json"
    file.parent.mkdir(parents=True)
    return file


def assert_reads(reader: Machine, client: str, registry: Registry) -> None:
    """The client pulls, and it is the file that lets it."""
    assert_worked(CLIENTS[client](reader, registry.image()))
    reader.config.unlink(missing_ok=True)
    (reader.home / "run" / "containers" / "auth.json").unlink(missing_ok=True)
    assert_unauthorized(CLIENTS[client](reader, registry.image()))


def assert_knows_the_account_of_docker_hub(reader: Machine) -> None:
    """The Hub itself is out of reach; skopeo tells whom it would log in as."""
    assert_worked(reader.run("skopeo", "login", "--get-login", "docker.io"), TEAM_B.name)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("client", ["docker", "skopeo", "syft", PODMAN])
def test_config_json(machine: Machine, reader: Machine, registry: Registry, client: str) -> None:
    reader.config.parent.mkdir()
    reader.config.write_text(exported(machine, "config-json"))
    assert_knows_the_account_of_docker_hub(reader)
    assert_reads(reader, client, registry)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("client", ["skopeo", PODMAN])
def test_auth_json(machine: Machine, reader: Machine, registry: Registry, client: str) -> None:
    auth_json(reader).write_text(exported(machine, "auth-json"))
    assert_knows_the_account_of_docker_hub(reader)
    assert_reads(reader, client, registry)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("client", ["docker", "skopeo", "syft", PODMAN])
def test_the_secret_of_kubernetes(machine: Machine, reader: Machine, registry: Registry, client: str) -> None:
    """What is in it is a config.json, as it would be mounted into a pod."""
    manifest = exported(machine, "kubernetes")
    assert "\ntype: kubernetes.io/dockerconfigjson\n" in manifest
    (encoded,) = re.findall(r"^  \.dockerconfigjson: '?\"?([\w+/=]+)'?\"?$", manifest, re.MULTILINE)
    reader.config.parent.mkdir()
    reader.config.write_bytes(base64.b64decode(encoded, validate=True))
    assert_knows_the_account_of_docker_hub(reader)
    assert_reads(reader, client, registry)


@pytest.mark.usefixtures("kept")
def test_docker_auth_config(machine: Machine, reader: Machine, registry: Registry) -> None:
    """Docker logs in with what it says since 28.3, and drops all of it where it holds one field that it does not know.

    Older ones, 28.2 too, do not log in with it: with one of these the form that docker documents is all that is proved.
    """
    text = exported(machine, "docker-auth-config")
    assert "\n" not in text.removesuffix("\n")
    auths = json.loads(text)["auths"]
    assert json.loads(text).keys() == {"auths"}
    assert {key: base64.b64decode(one["auth"]).decode() for key, one in auths.items()} == {
        registry.host: f"{ROBOT.name}:{ROBOT.password}",
        "https://index.docker.io/v1/": f"{TEAM_B.name}:{TEAM_B.password}",
    }
    assert all(one.keys() == {"auth"} for one in auths.values())

    assert_unauthorized(reader.manifest(registry.image()))
    if knows_the_variable():
        # The shell takes off the break of the line, as in `export DOCKER_AUTH_CONFIG=$(regcred export ...)`.
        told = Machine(reader.home, {**reader.variables, "DOCKER_AUTH_CONFIG": text.rstrip("\n")})
        assert_worked(told.manifest(registry.image()))


def test_each_account_of_a_path_goes_to_its_own_images(
    machine: Machine, reader: Machine, project: Project, asks_for_token: Registry
) -> None:
    for folder, account in (("team-a", TEAM_A), ("team-b", TEAM_B)):
        project.keep(f"{asks_for_token.host}/{folder}", account.name, account.password)
    auth_json(reader).write_text(exported(machine, "auth-json"))
    for folder, account in (("team-a", TEAM_A), ("team-b", TEAM_B)):
        before = len(asks_for_token.logins)
        assert_worked(reader.inspect(asks_for_token.image(f"{folder}/app")))
        assert set(asks_for_token.logins[before:]) == {account.name}
    assert_unauthorized(reader.inspect(asks_for_token.image("team/app")))


def test_where_clients_take_a_path_for_all_of_its_host_it_is_refused(
    machine: Machine, reader: Machine, project: Project, asks_for_token: Registry
) -> None:
    """docker takes the account of any path for all of its host, so that such an account goes to the wrong images."""
    project.keep(f"{asks_for_token.host}/team-a", TEAM_A.name, TEAM_A.password)
    ran = machine.regcred("export", "--format", "config-json", "--yes")
    assert_failed(ran, f"{asks_for_token.host}/team-a", "--hosts-only", "auth-json")
    assert ran.out == ""
    # What would come of it.
    reader.config.parent.mkdir()
    reader.config.write_text(exported(machine, "auth-json"))
    for client in ("docker", "syft"):
        before = len(asks_for_token.logins)
        assert_unauthorized(CLIENTS[client](reader, asks_for_token.image("teamwork/app")))
        assert set(asks_for_token.logins[before:]) == {TEAM_A.name}
    assert_worked(reader.inspect(asks_for_token.image("team-a/app")))


def knows_the_variable() -> bool:
    """Whether this docker logs in with `DOCKER_AUTH_CONFIG`."""
    told = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = re.search(r"(\d+)\.(\d+)", told).groups()
    return (int(major), int(minor)) >= (28, 3)
