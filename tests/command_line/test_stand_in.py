"""The stand-in is one: the platform's own client, unmodified, works against it as it does against the platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import saagieapi.docker_credentials.gql_queries as credentials_queries
from graphql import parse, validate
from saagieapi import SaagieApi

from stand_in import ACCOUNTS, PLATFORM, StandIn, platform_stand_in


@pytest.fixture(scope="module")
def platform() -> Iterator[StandIn]:
    with platform_stand_in() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def api(platform: StandIn) -> SaagieApi:
    return connect(platform)


def test_projects(api: SaagieApi) -> None:
    created = api.projects.create("Payments", description="Card payments")["createProject"]

    assert api.projects.get_id("Payments") == created["id"]
    info = api.projects.get_info(created["id"])["project"]
    assert (info["creator"], info["description"], info["status"]) == ("admin", "Card payments", "READY")
    assert [one["name"] for one in api.projects.list()["projects"]] == ["demo", "Payments"]
    technologies = api.projects.get_jobs_technologies(created["id"])["technologiesByCategory"]
    assert [len(category["technologies"]) for category in technologies] == [2, 2]
    assert api.projects.delete(created["id"]) == {"deleteProject": True}


def test_docker_credentials(platform: StandIn, api: SaagieApi) -> None:
    project, credentials = api.projects.get_id("demo"), api.docker_credentials

    created = credentials.create(project, "ci-bot", "first", "ghcr.io")["createDockerCredentials"]
    assert created["lastUpdate"].endswith("Z[UTC]")
    kept = platform.projects[project].credentials[created["id"]]
    assert (kept.registry, kept.username, kept.password) == ("ghcr.io", "ci-bot", "first")
    assert credentials.create(project, "ci-bot", "again", "ghcr.io") is None

    # Without a registry they move to Docker Hub; without a username that stays.
    assert credentials.upgrade(project, created["id"], "second")["updateDockerCredentials"]["registry"] is None
    read = credentials.get_info_for_username(project, "ci-bot")
    assert read.keys() == {"id", "registry", "username", "lastUpdate", "jobs"}
    assert (read["id"], read["username"], len(read["lastUpdate"])) == (created["id"], "ci-bot", 24)
    assert platform.projects[project].credentials[created["id"]].password == "second"
    assert credentials.delete_for_username(project, "ci-bot") == {"deleteDockerCredentials": True}
    assert credentials.list_for_project(project) == {"allDockerCredentials": []}


def test_a_token_that_ran_out_is_replaced_by_the_client(platform: StandIn, api: SaagieApi) -> None:
    api.projects.list()
    logins = platform.count("login")
    platform.expire_all_tokens()
    assert api.projects.list()["projects"]
    assert platform.count("login") == logins + 1


def test_what_is_regcreds_own_is_not_there(platform: StandIn, api: SaagieApi) -> None:
    answer = requests.post(
        f"{platform.url}/projects/api/platform/6/graphql",
        headers={"authorization": f"Bearer {api.auth.token}"},
        json={"query": "{ me { name } }"},
        timeout=5,
    )
    assert answer.status_code == 200
    [error] = answer.json()["errors"]
    assert error["message"].startswith("Validation error")
    assert error["extensions"] == {"classification": "ValidationError"}


def test_refusals_of_http(platform: StandIn, api: SaagieApi) -> None:
    def status(path: str, token: str) -> int:
        sent = {"query": "{ projects { id } }"}
        return requests.post(
            platform.url + path, headers={"authorization": f"Bearer {token}"}, json=sent, timeout=5
        ).status_code

    assert status("//projects//api/platform/6/graphql", api.auth.token) == 200
    assert status("/projects/api/platform/7/graphql", api.auth.token) == 404
    assert status("/projects/api/platform/6/graphql", "nonsense") == 401
    for realm, password in (("another", ACCOUNTS["admin"]), ("saagie", "wrong")):
        with pytest.raises(SystemExit):
            SaagieApi(platform.url, "6", "admin", password, realm)


def test_the_clients_documents_are_valid() -> None:
    documents = [text for name, text in vars(credentials_queries).items() if name.startswith("GQL_")]
    assert len(documents) == 5
    assert [validate(PLATFORM, parse(document)) for document in documents] == [[]] * 5


def connect(platform: StandIn) -> SaagieApi:
    return SaagieApi(platform.url, platform.platform, "admin", ACCOUNTS["admin"], platform.realm)
