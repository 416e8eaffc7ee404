"""The unmodified `saagieapi` against the service: one service for the run, a fresh project for each test, two clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from saagieapi import SaagieApi

from regcred_service import Answer, Join, Refused, Server, ServiceToken, Wire, unique


@pytest.fixture(scope="session")
def api(server: Server) -> SaagieApi:
    """The client that acts, logged in as the admin. No test ends its session, nor that of `second`."""
    return server.connect()


@pytest.fixture(scope="module")
def second(server: Server) -> SaagieApi:
    """An independent client with a login of its own: it sees what the service kept, not what the first one was told."""
    return server.connect()


@pytest.fixture
def project(api: SaagieApi) -> str:
    """The id of a fresh project."""
    return api.projects.create(unique("project"))["createProject"]["id"]


@pytest.fixture
def join(server: Server, wire: Wire) -> Join:
    """Makes a user of the given groups; returns the user's client."""

    def join(*groups: str) -> SaagieApi:
        login, password = unique("user"), unique("password")
        user = {"login": login, "password": password, "groups": list(groups)}
        created = wire("mutation($user: UserInput!) { createUser(user: $user) { login } }", {"user": user})
        assert created.data == {"createUser": {"login": login}}, created
        return server.connect(login, password)

    return join


@pytest.fixture
def wire(server: Server, api: SaagieApi) -> Wire:
    """`wire(query, variables, token)`: a request without the client, as the admin unless another token is given."""

    def wire(query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Answer:
        return server.wire(token or api.auth.token, query, variables)

    return wire


@pytest.fixture
def service_token(wire: Wire) -> ServiceToken:
    """`service_token(project, maker)`: a token that may view the project, made with the maker's token."""

    def service_token(project: str, maker: str | None = None) -> str:
        created = wire(
            "mutation($token: ServiceTokenInput!) { createServiceToken(serviceToken: $token) { token } }",
            {"token": {"name": "ci", "projectIds": [project], "rights": ["VIEW"]}},
            maker,
        )
        assert created.data, created
        return created.data["createServiceToken"]["token"]

    return service_token


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Refused:
    """`refused(code, method, ...)`: calls a method of the client that the service is to refuse with `code`.

    The client swallows the error: it warns, prints the exception, and returns the answer's data, which is None.
    Returns what it printed, without the line breaks of its table. Drawing that table takes the client a tenth of a
    second, so tests of many cases read most refusals from the wire.
    """

    def refused(code: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        capsys.readouterr()
        caplog.clear()
        assert method(*args, **kwargs) is None
        assert "Unexpected error, printing result anyway" in caplog.text
        printed = " ".join(capsys.readouterr().out.split())
        assert "TransportQueryError" in printed
        assert f"'code': '{code}'" in printed, printed
        return printed

    return refused
