"""Logging in, and what the client does when its session has ended.

A session that expired and one that was revoked answer alike, so ending one stands for both: nobody waits here for a
session to fall idle.

`SaagieApi.easy_connect` is left out: it takes only `https://<realm>-<host>/projects/platform/<number>` without a port,
so it needs TLS on port 443 under such a name. All it does is take the address apart and call the constructor with the
realm and the number as text, which is what `test_a_realm_and_another_platform` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from gql.transport.exceptions import TransportServerError
from saagieapi import SaagieApi

from regcred_service import ADMIN, ADMIN_PASSWORD, Server, Wire, running, unique

LIST_PROJECTS = "{ projects { id } }"
METHODS: dict[str, Callable[[SaagieApi], Any]] = {
    "the platform": lambda client: client.projects.list(),
    "the gateway": lambda client: client.get_repositories_info(),
}


@pytest.fixture(scope="module")
def installation() -> Iterator[Server]:
    """A service that has a realm, and another number than the default."""
    with running(platform="6", realm="saagie") as server:
        yield server


@pytest.fixture
def client(server: Server) -> SaagieApi:
    """A client whose session a test may end."""
    return server.connect()


def test_the_token_is_the_whole_body(server: Server) -> None:
    response = server.log_in(ADMIN, ADMIN_PASSWORD)

    assert response.status_code == 200
    assert server.wire(response.text, LIST_PROJECTS).status == 200


def test_each_login_has_a_token_of_its_own(api: SaagieApi, client: SaagieApi, wire: Wire) -> None:
    assert api.auth.token != client.auth.token
    log_out(wire, client)
    assert wire(LIST_PROJECTS, token=client.auth.token).status == 401
    assert wire(LIST_PROJECTS, token=api.auth.token).status == 200


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("used", [True, False], ids=["in use", "before its first request"])
def test_the_client_logs_in_again_when_its_session_has_ended(
    client: SaagieApi,
    wire: Wire,
    caplog: pytest.LogCaptureFixture,
    method: Callable[[SaagieApi], Any],
    used: bool,
) -> None:
    """Before its first request the client has no schema yet, so there it is the introspection that is refused."""
    expected = method(client) if used else None
    ended = client.auth.token
    log_out(wire, client)
    caplog.clear()

    answer = method(client)

    assert answer
    assert expected is None or answer == expected
    assert "error 401 received, trying to refresh token" in caplog.text
    assert "Token successfully refreshed" in caplog.text
    assert client.auth.token != ended
    assert wire(LIST_PROJECTS, token=ended).status == 401


def test_a_change_is_made_once_by_a_client_that_logs_in_again(
    api: SaagieApi, client: SaagieApi, project: str, wire: Wire
) -> None:
    log_out(wire, client)

    created = client.docker_credentials.create(project, "myuser", "pw")["createDockerCredentials"]

    listed = api.docker_credentials.list_for_project(project)["allDockerCredentials"]
    assert [one["id"] for one in listed] == [created["id"]]


def test_a_new_password_ends_sessions_and_the_old_one_logs_in_no_more(server: Server, wire: Wire) -> None:
    (login, old), new = user(wire), unique("new")
    client = server.connect(login, old)
    assert client.projects.list() == {"projects": []}

    reset = "mutation($login: String!, $new: String!) { resetPassword(login: $login, newPassword: $new) }"
    assert wire(reset, {"login": login, "new": new}).data == {"resetPassword": True}

    with pytest.raises(SystemExit) as ended:
        client.projects.list()
    assert ended.value.code == 1
    assert server.connect(login, new).projects.list() == {"projects": []}


def test_wrong_logins_end_the_clients_program(server: Server, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown user and a wrong password are told alike. Failures slow a user's logins down, so this one is new."""
    login, _ = user(wire)

    for unlucky in (login, unique("nobody")):
        with pytest.raises(SystemExit) as ended:
            server.connect(unlucky, "wrong password")
        assert ended.value.code == 1
        assert "401 Client Error" in caplog.text
        caplog.clear()

    wrong, unknown = (server.log_in(unlucky, "wrong password") for unlucky in (login, unique("nobody")))
    assert (wrong.status_code, wrong.json()["detail"]) == (unknown.status_code, unknown.json()["detail"])
    assert wrong.status_code == 401


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer nonsense", "Bearer rc_ses_0_0", "Basic YTpi"])
@pytest.mark.parametrize("path", ["projects/api/platform/1/graphql", "gateway/api/graphql"])
def test_without_a_token_that_counts_there_is_only_401(server: Server, path: str, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization else {}

    response = requests.post(f"{server.url}/{path}", headers=headers, json={"query": "{ __typename }"}, timeout=5)

    assert response.status_code == 401
    assert "data" not in response.json()


def test_an_unknown_platform_is_the_clients_404(server: Server) -> None:
    client = server.connect(platform="7")

    with pytest.raises(TransportServerError) as raised:
        client.projects.list()

    assert raised.value.code == 404


def test_any_realm_will_do_where_none_is_set(server: Server) -> None:
    assert server.connect(realm="whatever").projects.list()["projects"]


def test_a_realm_and_another_platform(installation: Server) -> None:
    client = installation.connect()

    project = client.projects.get_id("demo")
    created = client.docker_credentials.create(project, "myuser", "pw")["createDockerCredentials"]

    other = installation.connect()
    assert other.docker_credentials.get_info_for_username(project, "myuser")["id"] == created["id"]


def test_a_wrong_realm_ends_the_clients_program(installation: Server) -> None:
    with pytest.raises(SystemExit) as ended:
        installation.connect(realm="another")
    assert ended.value.code == 1


def user(wire: Wire) -> tuple[str, str]:
    """A new user's login and password."""
    login, password = unique("user"), unique("password")
    given = {"login": login, "password": password}
    assert wire("mutation($user: UserInput!) { createUser(user: $user) { login } }", {"user": given}).data
    return login, password


def log_out(wire: Wire, client: SaagieApi) -> None:
    """Ends the client's session behind its back."""
    assert wire("mutation { logout }", token=client.auth.token).data == {"logout": True}
