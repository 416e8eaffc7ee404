"""`saagieapi.projects`: what the methods return, and what another client then sees."""

from __future__ import annotations

from typing import Any

import pytest
from saagieapi import SaagieApi
from saagieapi.docker_credentials.gql_queries import GQL_GET_ALL_DOCKER_CREDENTIALS
from saagieapi.projects.gql_queries import GQL_CREATE_PROJECT

from documented_shapes import UUID, as_read, right
from regcred_service import Refused, ServiceToken, Wire, assert_refused, unique


def test_create_and_every_way_to_read_it(api: SaagieApi, second: SaagieApi) -> None:
    name = unique("Project A")

    answer = api.projects.create(name, description="My project A")

    assert answer.keys() == {"createProject"}
    created = answer["createProject"]
    assert created == {"id": created["id"], "name": name, "creator": "admin"}
    assert UUID.fullmatch(created["id"])

    info = {"name": name, "creator": "admin", "description": "My project A", "jobsCount": 0, "status": "READY"}
    assert second.projects.get_id(name) == created["id"]
    assert second.projects.get_info(created["id"]) == {"project": info}
    assert second.projects.get_info_by_name(name) == {"projectByName": {"id": created["id"], **info}}
    assert [one for one in listed(second) if one["id"] == created["id"]] == [{"id": created["id"], **info}]
    assert second.projects.get_status_with_callback(created["id"]) == "READY"


def test_a_description_is_optional(second: SaagieApi, project: str) -> None:
    assert not second.projects.get_info(project)["project"]["description"]


def test_an_unknown_name_is_the_clients_own_error(api: SaagieApi) -> None:
    with pytest.raises(NameError, match="Project no-such-project does not exist"):
        api.projects.get_id("no-such-project")


def test_all_technologies_are_allowed_unless_some_are_named(second: SaagieApi, project: str) -> None:
    jobs, apps = catalogue(second, "JobTechnology", "SparkTechnology"), catalogue(second, "AppTechnology")

    assert jobs
    assert apps
    assert_allows(second, project, list(jobs.values()), list(apps.values()))


def test_the_technologies_named_are_allowed(api: SaagieApi, second: SaagieApi) -> None:
    created = api.projects.create(
        unique("project"),
        jobs_technologies_allowed={"saagie": ["python", "spark"]},
        apps_technologies_allowed={"saagie": ["Jupyter Notebook"]},
    )

    jobs, apps = catalogue(second, "JobTechnology", "SparkTechnology"), catalogue(second, "AppTechnology")
    project = created["createProject"]["id"]
    assert_allows(second, project, [jobs["Python"], jobs["Spark"]], [apps["Jupyter Notebook"]])


def test_an_unknown_technology_is_the_clients_own_error(api: SaagieApi, second: SaagieApi) -> None:
    name = unique("project")
    with pytest.raises(RuntimeError, match="do not exist in the catalog"):
        api.projects.create(name, jobs_technologies_allowed={"saagie": ["no such technology"]})
    with pytest.raises(RuntimeError, match="Catalog nowhere does not exist"):
        api.projects.create(name, jobs_technologies_allowed={"nowhere": ["python"]})
    assert name not in names(second)


@pytest.mark.parametrize("name", ["", "x" * 255], ids=["empty", "255 characters"])
def test_names_are_1_to_254_characters(api: SaagieApi, wire: Wire, refused: Refused, name: str) -> None:
    refused("INVALID", api.projects.create, name)
    assert_refused(wire(GQL_CREATE_PROJECT, {"name": name}), "INVALID", "project name")


def test_names_may_be_long_and_hold_anything(api: SaagieApi, second: SaagieApi) -> None:
    name = unique("Projekt „Ünï“ 🐳 \"'\\").ljust(254, "é")

    created = api.projects.create(name)["createProject"]

    assert created["name"] == name
    assert second.projects.get_id(name) == created["id"]
    assert second.projects.get_info_by_name(name)["projectByName"]["id"] == created["id"]


def test_a_name_is_unique_whatever_its_case(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, refused: Refused
) -> None:
    taken = second.projects.get_info(project)["project"]["name"]
    other = api.projects.create(unique("other"))["createProject"]

    refused("CONFLICT", api.projects.create, taken)
    refused("CONFLICT", api.projects.create, taken.upper())
    refused("CONFLICT", api.projects.edit, other["id"], name=taken.title())

    assert_refused(wire(GQL_CREATE_PROJECT, {"name": taken.upper()}), "CONFLICT", taken.upper())
    assert second.projects.get_id(taken) == project
    assert second.projects.get_id(other["name"]) == other["id"]


def test_rights_are_those_given(api: SaagieApi, second: SaagieApi) -> None:
    alone = api.projects.create(unique("project"), group="ops", role="Manager")["createProject"]["id"]
    groups_and_roles = [{"dev": "Editor", "ops": "Manager"}, {"all": "viewer"}]
    several = api.projects.create(unique("project"), groups_and_roles=groups_and_roles)["createProject"]["id"]

    assert second.projects.get_rights(alone) == {"rights": [right("ops", "MANAGER")]}
    rights = second.projects.get_rights(several)["rights"]
    assert sorted(rights, key=lambda one: one["name"]) == [
        right("all", "VIEWER"),
        right("dev", "EDITOR"),
        right("ops", "MANAGER"),
    ]


def test_edit_changes_what_is_given(api: SaagieApi, second: SaagieApi, project: str) -> None:
    name = unique("PROJECT B")

    answer = api.projects.edit(
        project_id=project,
        name=name,
        groups_and_roles=[{"my_group": "Viewer"}],
        description="new desc",
        jobs_technologies_allowed={"saagie": ["r"]},
        apps_technologies_allowed={"saagie": ["Dash"]},
    )

    assert answer == {"editProject": {"id": project, "name": name, "creator": "admin"}}
    info = second.projects.get_info(project)["project"]
    assert (info["name"], info["description"]) == (name, "new desc")
    assert second.projects.get_rights(project) == {"rights": [right("my_group", "VIEWER")]}
    jobs, apps = catalogue(second, "JobTechnology"), catalogue(second, "AppTechnology")
    assert_allows(second, project, [jobs["R"]], [apps["Dash"]])


def test_edit_keeps_what_is_not_given(api: SaagieApi, second: SaagieApi) -> None:
    created = api.projects.create(
        unique("project"),
        description="kept",
        groups_and_roles=[{"a": "Viewer"}, {"b": "Manager"}],
        jobs_technologies_allowed={"saagie": ["python"]},
        apps_technologies_allowed={"saagie": ["Dash"]},
    )["createProject"]
    before = everything(second, created["id"])
    assert before[0]["project"]["description"] == "kept"

    assert api.projects.edit(created["id"]) == {"editProject": created}

    assert everything(second, created["id"]) == before


def test_the_project_that_comes_with_the_service_can_be_edited(api: SaagieApi, second: SaagieApi) -> None:
    """It was made without naming technologies; the client looks into the first category all the same."""
    demo = second.projects.get_id("demo")

    api.projects.edit(demo, description="tried out")

    assert second.projects.get_info(demo)["project"]["description"] == "tried out"


def test_delete_takes_credentials_and_tokens_along(
    api: SaagieApi,
    second: SaagieApi,
    project: str,
    wire: Wire,
    refused: Refused,
    service_token: ServiceToken,
) -> None:
    name = second.projects.get_info(project)["project"]["name"]
    credentials = api.docker_credentials.create(project, "myuser", "pw")["createDockerCredentials"]
    token = service_token(project)
    list_credentials = (GQL_GET_ALL_DOCKER_CREDENTIALS, {"projectId": project}, token)
    assert wire(*list_credentials).data == {"allDockerCredentials": [as_read(credentials)]}

    assert api.projects.delete(project) == {"deleteProject": True}

    assert wire(*list_credentials).status == 401
    refused("NOT_FOUND", second.docker_credentials.get_info, project, credentials["id"])
    refused("NOT_FOUND", second.projects.get_info, project)
    refused("NOT_FOUND", second.projects.delete, project)
    with pytest.raises(NameError):
        second.projects.get_id(name)
    again = api.projects.create(name)["createProject"]["id"]
    assert again != project
    assert second.docker_credentials.list_for_project(again) == {"allDockerCredentials": []}


def listed(client: SaagieApi) -> list[dict[str, Any]]:
    return client.projects.list()["projects"]


def names(client: SaagieApi) -> list[str]:
    return [one["name"] for one in listed(client)]


def everything(client: SaagieApi, project: str) -> list[dict[str, Any]]:
    """All that the client can tell of a project."""
    projects = client.projects
    reads = [projects.get_info, projects.get_rights, projects.get_jobs_technologies, projects.get_apps_technologies]
    return [read(project) for read in reads]


def catalogue(client: SaagieApi, *kinds: str) -> dict[str, str]:
    """The ids of the catalogue's technologies of these kinds, by their label."""
    technologies = client.get_available_technologies("Saagie")
    return {one["label"]: one["id"] for one in technologies if one["__typename"] in kinds}


def assert_allows(client: SaagieApi, project: str, jobs: list[str], apps: list[str]) -> None:
    """The project allows exactly these technologies, in both categories of jobs that the client fills."""
    technologies = [{"id": id, "__typename": "Technology"} for id in jobs]
    assert client.projects.get_jobs_technologies(project) == {
        "technologiesByCategory": [
            {"jobCategory": category, "technologies": technologies} for category in ("Extraction", "Processing")
        ]
    }
    assert client.projects.get_apps_technologies(project) == {"appTechnologies": [{"id": id} for id in apps]}
