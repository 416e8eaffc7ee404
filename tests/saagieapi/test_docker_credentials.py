"""The eight methods of `saagieapi.docker_credentials`: what they return, and what another client then sees."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from saagieapi import SaagieApi
from saagieapi.docker_credentials.gql_queries import (
    GQL_CREATE_DOCKER_CREDENTIALS,
    GQL_GET_DOCKER_CREDENTIALS,
    GQL_UPGRADE_DOCKER_CREDENTIALS,
)

from documented_shapes import as_read, assert_written, moment_of
from regcred_service import Refused, Wire, assert_refused, unique

# Each comes back letter by letter: the client finds credentials "for a username" by comparing both strings itself.
SPELLINGS = [
    "ghcr.io",
    "https://GHCR.io:443/",
    "docker.io",
    "https://index.docker.io/v1/",
    "http://localhost:5000",
    "registry.example:5000/team/a",
    "https://registry.example/v2/",
    "Registry.Example.",
    "[2001:db8::1]:5000",
    "bücher.example",
]


@pytest.mark.parametrize("registry", [None, *SPELLINGS])
def test_create(api: SaagieApi, second: SaagieApi, project: str, registry: str | None) -> None:
    answer = api.docker_credentials.create(project_id=project, username="myuser", password="pw", registry=registry)

    assert answer.keys() == {"createDockerCredentials"}
    created = answer["createDockerCredentials"]
    assert_written(created, registry, "myuser")
    assert_sees(second, project, [created])
    assert second.docker_credentials.get_info_for_username(project, "myuser", registry) == as_read(created)


def test_create_without_naming_a_registry_is_docker_hub(api: SaagieApi, second: SaagieApi, project: str) -> None:
    created = api.docker_credentials.create(project_id=project, username="myuser", password="pw")

    assert_written(created["createDockerCredentials"], None, "myuser")
    assert second.docker_credentials.get_info_for_username(project, "myuser")["registry"] is None


def test_an_empty_registry_is_echoed_too(second: SaagieApi, project: str, wire: Wire) -> None:
    """The client itself leaves an empty registry out; other programs send it."""
    answer = wire(GQL_CREATE_DOCKER_CREDENTIALS, new(project, registry=""))

    assert answer.data, answer
    created = answer.data["createDockerCredentials"]
    assert_written(created, "", "myuser")
    assert_sees(second, project, [created])
    assert second.docker_credentials.get_info_for_username(project, "myuser", "") == as_read(created)


def test_list_has_all_in_the_order_in_which_they_were_made(api: SaagieApi, second: SaagieApi, project: str) -> None:
    assert api.docker_credentials.list_for_project(project) == {"allDockerCredentials": []}

    couples = [("z", "b.example"), ("a", None), ("m", "a.example")]
    made = [create(api, project, username, registry) for username, registry in couples]

    assert_sees(second, project, made)
    assert_sees(api, project, made)


def test_moments_are_now_and_move_forward(api: SaagieApi, second: SaagieApi, project: str) -> None:
    before = datetime.now(timezone.utc)
    created = create(api, project)
    upgraded = api.docker_credentials.upgrade(project, created["id"], "new")["updateDockerCredentials"]
    after = datetime.now(timezone.utc)

    tick = timedelta(milliseconds=1)
    assert before - tick <= moment_of(created) < moment_of(upgraded) <= after + tick
    assert_sees(second, project, [upgraded])


@pytest.mark.parametrize(
    ("asked", "registry", "username"),
    [
        pytest.param({}, None, "myuser", id="without a registry: Docker Hub, whatever it was"),
        pytest.param({"registry": "ghcr.io"}, "ghcr.io", "myuser", id="the same registry"),
        pytest.param({"registry": "https://quay.io/"}, "https://quay.io/", "myuser", id="another registry"),
        pytest.param({"username": "other"}, None, "other", id="another username, and Docker Hub"),
        pytest.param({"registry": "ghcr.io", "username": "other"}, "ghcr.io", "other", id="another username"),
        pytest.param({"registry": "ghcr.io", "username": ""}, "ghcr.io", "myuser", id="the default username"),
        pytest.param({"registry": "", "username": None}, None, "myuser", id="nothing in other words"),
    ],
)
def test_upgrade(
    api: SaagieApi, second: SaagieApi, project: str, asked: dict[str, Any], registry: str | None, username: str
) -> None:
    created, bystander = create(api, project, registry="ghcr.io"), create(api, project, "bystander", "ghcr.io")

    answer = api.docker_credentials.upgrade(project, created["id"], password="new", **asked)

    assert answer.keys() == {"updateDockerCredentials"}
    upgraded = answer["updateDockerCredentials"]
    assert_written(upgraded, registry, username)
    assert upgraded["id"] == created["id"]
    assert_sees(second, project, [upgraded, bystander])


def test_an_unchanged_username_is_not_sent(api: SaagieApi, project: str, caplog: pytest.LogCaptureFixture) -> None:
    """So the service need not guess what an empty one means: absent keeps, and null does too."""
    created = create(api, project)
    with caplog.at_level(logging.INFO, "gql.transport.requests"):
        api.docker_credentials.upgrade(project, created["id"], "new")

    sent = next(record.getMessage() for record in caplog.records if record.getMessage().startswith(">>> "))
    variables = json.loads(sent.removeprefix(">>> "))["variables"]
    assert variables == {"id": created["id"], "password": "new", "projectId": project}


def test_a_null_username_keeps_the_one_there_is(api: SaagieApi, second: SaagieApi, project: str, wire: Wire) -> None:
    created = create(api, project, registry="ghcr.io")

    answer = wire(GQL_UPGRADE_DOCKER_CREDENTIALS, new(project, id=created["id"], username=None, registry=None))

    assert answer.data, answer
    assert_written(answer.data["updateDockerCredentials"], None, "myuser")
    assert_sees(second, project, [answer.data["updateDockerCredentials"]])


@pytest.mark.parametrize("registry", [None, "https://GHCR.io:443/", "docker.io"])
def test_upgrade_for_username(api: SaagieApi, second: SaagieApi, project: str, registry: str | None) -> None:
    created, bystander = create(api, project, registry=registry), create(api, project, registry="bystander.example")

    answer = api.docker_credentials.upgrade_for_username(project, "myuser", "new", registry)

    assert answer.keys() == {"updateDockerCredentials"}
    upgraded = answer["updateDockerCredentials"]
    assert_written(upgraded, registry, "myuser")
    assert upgraded["id"] == created["id"]
    assert moment_of(upgraded) > moment_of(created)
    assert_sees(second, project, [upgraded, bystander])


def test_delete(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    doomed, bystander = create(api, project), create(api, project, "bystander")

    assert api.docker_credentials.delete(project, doomed["id"]) == {"deleteDockerCredentials": True}

    assert_sees(second, project, [bystander])
    refused("NOT_FOUND", second.docker_credentials.get_info, project, doomed["id"])
    refused("NOT_FOUND", second.docker_credentials.delete, project, doomed["id"])


@pytest.mark.parametrize("registry", [None, "https://GHCR.io:443/", "docker.io"])
def test_delete_for_username(api: SaagieApi, second: SaagieApi, project: str, registry: str | None) -> None:
    create(api, project, registry=registry)
    bystanders = [create(api, project, "bystander", registry), create(api, project, registry="bystander.example")]

    answer = api.docker_credentials.delete_for_username(project, "myuser", registry)

    assert answer == {"deleteDockerCredentials": True}
    assert_sees(second, project, bystanders)


@pytest.mark.parametrize("method", ["get_info_for_username", "upgrade_for_username", "delete_for_username"])
def test_what_is_not_there_is_the_clients_own_error(
    api: SaagieApi, second: SaagieApi, project: str, method: str
) -> None:
    def attempt(username: str, registry: str | None = None) -> None:
        password = ["new"] if method == "upgrade_for_username" else []
        getattr(api.docker_credentials, method)(project, username, *password, registry=registry)

    with pytest.raises(RuntimeError, match=f"no docker credentials in the project: '{project}'$"):
        attempt("myuser")

    made = [create(api, project), create(api, project, "other", "ghcr.io")]
    for username, registry in [("absent", None), ("MYUSER", None), ("myuser", "ghcr.io"), ("other", None)]:
        with pytest.raises(RuntimeError, match=f"username: '{username}' and registry '{registry}'"):
            attempt(username, registry)
    assert_sees(second, project, made)


@pytest.mark.parametrize("again", [None, "docker.io", "https://index.docker.io/v1/"])
def test_what_the_client_shows_of_a_conflict(
    api: SaagieApi, second: SaagieApi, project: str, refused: Refused, again: str | None
) -> None:
    made = [create(api, project), create(api, project, "other")]

    printed = refused("CONFLICT", api.docker_credentials.create, project, "myuser", "pw", again)
    assert "the username `myuser`" in printed
    refused("CONFLICT", api.docker_credentials.upgrade, project, made[1]["id"], "pw", again, "myuser")
    assert_sees(second, project, made)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (None, None),
        (None, "docker.io"),
        (None, "https://index.docker.io/v1/"),
        ("docker.io", None),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "registry-1.docker.io"),
        ("ghcr.io", "ghcr.io"),
        ("ghcr.io", "https://GHCR.io/"),
        ("ghcr.io", "http://ghcr.io./v2/"),
        ("registry.example:5000/team", "https://registry.example:5000/v1/team/"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_second_of_two_equal_couples_is_refused(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, first: str | None, again: str | None
) -> None:
    made = [create(api, project, registry=first), create(api, project, "other", first)]

    for answer in [
        wire(GQL_CREATE_DOCKER_CREDENTIALS, new(project, registry=again)),
        wire(GQL_UPGRADE_DOCKER_CREDENTIALS, new(project, registry=again, id=made[1]["id"])),
    ]:
        assert_refused(answer, "CONFLICT", "`myuser`", made[0]["id"])
    assert_sees(second, project, made)


def test_couples_that_only_look_alike_are_kept_apart(api: SaagieApi, second: SaagieApi, project: str) -> None:
    """Docker and the kubelet tell a registry from the same one with a port; a scope is part of the registry."""
    couples = [
        ("myuser", "ghcr.io"),
        ("MyUser", "ghcr.io"),
        ("myuser", "ghcr.io:443"),
        ("myuser", "ghcr.io/team"),
        ("myuser", None),
    ]
    made = [create(api, project, username, registry) for username, registry in couples]
    elsewhere = api.projects.create(unique("project"))["createProject"]["id"]
    twin = create(api, elsewhere, "myuser", "ghcr.io")

    assert_sees(second, project, made)
    assert_sees(second, elsewhere, [twin])


def test_credentials_are_found_in_their_own_project_only(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, refused: Refused
) -> None:
    created = create(api, project)
    elsewhere = api.projects.create(unique("project"))["createProject"]["id"]

    refused("NOT_FOUND", api.docker_credentials.get_info, elsewhere, created["id"])
    refused("NOT_FOUND", api.docker_credentials.upgrade, elsewhere, created["id"], "new")
    refused("NOT_FOUND", api.docker_credentials.delete, elsewhere, created["id"])

    answer = wire(GQL_GET_DOCKER_CREDENTIALS, {"id": created["id"], "projectId": elsewhere})
    assert_refused(answer, "NOT_FOUND", created["id"])
    assert_sees(second, project, [created])


def create(api: SaagieApi, project: str, username: str = "myuser", registry: str | None = None) -> dict[str, Any]:
    return api.docker_credentials.create(project, username, "pw", registry)["createDockerCredentials"]


def new(project: str, **others: Any) -> dict[str, Any]:
    """The variables of the client's own documents."""
    return {"projectId": project, "username": "myuser", "password": "pw", **others}


def assert_sees(client: SaagieApi, project: str, written: list[dict[str, Any]]) -> None:
    """The client sees exactly these credentials, in the list and one by one."""
    expected = [as_read(one) for one in written]
    assert client.docker_credentials.list_for_project(project) == {"allDockerCredentials": expected}
    for one in expected:
        assert client.docker_credentials.get_info(project, one["id"]) == {"dockerCredentials": one}


def test_what_a_project_demands_goes_for_this_client_too(
    api: SaagieApi, project: str, wire: Wire, refused: Refused
) -> None:
    """Nobody listens there: a project that only refuses what is refused keeps it, one that wants a proof does not."""
    demand = (
        "mutation($p: UUID!, $v: VerifyBeforeSaving) "
        "{ editProject(project: {id: $p, verifyBeforeSaving: $v}) { verifyBeforeSaving } }"
    )
    assert wire(demand, {"p": project, "v": "NOT_REFUSED"}).data
    create = api.docker_credentials.create
    created = create(project_id=project, username="myuser", password="pw", registry="localhost:1")
    created = created["createDockerCredentials"]
    assert_written(created, "localhost:1", "myuser")

    assert wire(demand, {"p": project, "v": "PROVED"}).data
    other = {"project_id": project, "username": "other", "password": "pw", "registry": "localhost:1"}
    new = {"project_id": project, "credential_id": created["id"], "password": "pw", "registry": "localhost:1"}
    for method, given in [(create, other), (api.docker_credentials.upgrade, new)]:
        printed = refused("UNAVAILABLE", method, **given)
        assert "nothing was saved" in printed and "'verdict': 'UNREACHABLE'" in printed
    assert_sees(api, project, [created])
