"""Every family of clients gets a private image through the helper; where there are no credentials it says why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients import CLIENTS, marks_of
from machine import Machine, Ran, assert_failed, assert_worked
from project import Project, Token
from registries import KINDS, ROBOT, Registry

LABEL = "private image of the tests"


# All but one: `oras` takes what a registry calls itself for the address of a token server.
WAYS = [
    pytest.param((client, kind), marks=marks_of(client), id=f"{client} {kind}")
    for client in CLIENTS
    for kind in KINDS
    if (client, kind) != ("oras", "asks_for_password")
]


@dataclass(frozen=True)
class Way:
    """A client at a registry."""

    pull: Callable[[Machine, str], Ran]
    registry: Registry


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """A client of each family at each kind of registry."""
    client, kind = request.param
    return Way(CLIENTS[client], request.getfixturevalue(kind))


def test_a_private_image_is_pulled_until_the_credentials_are_deleted(
    machine: Machine, project: Project, way: Way
) -> None:
    machine.help_for(way.registry.host)
    credentials = project.keep(way.registry.host, ROBOT.name, ROBOT.password)
    assert_worked(way.pull(machine, way.registry.image()))

    project.delete(credentials)
    refused = way.pull(machine, way.registry.image())
    assert_failed(refused, "no Docker credentials of the project match", way.registry.host)


def test_a_private_image_is_pulled_until_the_token_is_revoked(
    machine: Machine, project: Project, puller: Token, way: Way
) -> None:
    machine.help_for(way.registry.host)
    project.keep(way.registry.host, ROBOT.name, ROBOT.password)
    assert_worked(way.pull(machine, way.registry.image()))

    project.revoke(puller)
    refused = way.pull(machine, way.registry.image())
    assert_failed(refused, "the token in REGCRED_TOKEN is not accepted", "revoked")


def test_an_image_is_copied_whole(machine: Machine, project: Project, registry: Registry, tmp_path: Path) -> None:
    machine.help_for(registry.host)
    project.keep(registry.host, ROBOT.name, ROBOT.password)
    copy = tmp_path / "copy"
    assert_worked(machine.copy(registry.image(), copy))
    manifest = (copy / "manifest.json").read_bytes()
    assert digest(manifest) == registry.digest
    blobs = [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]
    assert len(blobs) == 2
    for blob in blobs:
        content = (copy / blob["digest"].removeprefix("sha256:")).read_bytes()
        assert (digest(content), len(content)) == (blob["digest"], blob["size"])
    inspected = json.loads(machine.inspect(registry.image()).out)
    assert (inspected["Digest"], inspected["Labels"]) == (registry.digest, {"what": LABEL})


def test_one_helper_for_every_registry(
    machine: Machine, project: Project, asks_for_password: Registry, asks_for_token: Registry
) -> None:
    """With `credsStore`, and a public image would still be pulled: what regcred does not know is not an error."""
    machine.help_for_all()
    for registry in (asks_for_password, asks_for_token):
        project.keep(registry.host, ROBOT.name, ROBOT.password)
    for registry in (asks_for_password, asks_for_token):
        assert_worked(machine.manifest(registry.image()))
        assert_worked(machine.syft(registry.image()))
    listed = machine.helper("list")
    assert_worked(listed)
    assert json.loads(listed.out) == {asks_for_password.host: ROBOT.name, asks_for_token.host: ROBOT.name}


def digest(content: bytes) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
