"""Who may do what in a project whose `group=` and `role=` were given by the client."""

from __future__ import annotations

from typing import Any

import pytest
from saagieapi import SaagieApi
from saagieapi.docker_credentials.gql_queries import GQL_CREATE_DOCKER_CREDENTIALS
from saagieapi.projects.gql_queries import GQL_DELETE_PROJECT, GQL_GET_PROJECT_INFO

from documented_shapes import as_read, right
from regcred_service import Join, Refused, ServiceToken, Wire, assert_refused, unique


def test_a_viewer_sees_and_changes_nothing(api: SaagieApi, join: Join, wire: Wire, refused: Refused) -> None:
    group, project, kept = shared_project(api, "Viewer")
    viewer = join(group)

    assert names(viewer) == [api.projects.get_info(project)["project"]["name"]]
    assert viewer.projects.get_info(project) == api.projects.get_info(project)
    assert viewer.docker_credentials.list_for_project(project) == {"allDockerCredentials": [kept]}
    assert viewer.docker_credentials.get_info(project, kept["id"]) == {"dockerCredentials": kept}

    refused("FORBIDDEN", viewer.docker_credentials.create, project, "other", "pw")
    refused("FORBIDDEN", viewer.docker_credentials.upgrade, project, kept["id"], "pw")
    refused("FORBIDDEN", viewer.docker_credentials.delete, project, kept["id"])
    assert_may_not_manage(viewer, project, group, refused)

    new = {"projectId": project, "username": "other", "password": "pw"}
    answer = wire(GQL_CREATE_DOCKER_CREDENTIALS, new, viewer.auth.token)
    assert_refused(answer, "FORBIDDEN", "editor", "viewer")
    assert api.docker_credentials.list_for_project(project) == {"allDockerCredentials": [kept]}


def test_an_editor_changes_credentials_but_not_the_project(
    api: SaagieApi, join: Join, wire: Wire, refused: Refused
) -> None:
    group, project, kept = shared_project(api, "Editor")
    editor = join(group)

    created = editor.docker_credentials.create(project, "other", "pw")["createDockerCredentials"]
    upgraded = editor.docker_credentials.upgrade(project, created["id"], "new")["updateDockerCredentials"]
    assert editor.docker_credentials.delete(project, kept["id"]) == {"deleteDockerCredentials": True}
    assert_may_not_manage(editor, project, group, refused)

    answer = wire(GQL_DELETE_PROJECT, {"projectId": project}, editor.auth.token)
    assert_refused(answer, "FORBIDDEN", "manager", "editor")
    assert api.docker_credentials.list_for_project(project) == {"allDockerCredentials": [as_read(upgraded)]}


def test_a_manager_changes_all(api: SaagieApi, join: Join, service_token: ServiceToken) -> None:
    group, project, kept = shared_project(api, "Manager")
    manager = join(group)

    assert manager.projects.get_rights(project) == {"rights": [right(group, "MANAGER")]}
    assert manager.docker_credentials.delete(project, kept["id"]) == {"deleteDockerCredentials": True}
    manager.projects.edit(project, description="managed")
    assert api.projects.get_info(project)["project"]["description"] == "managed"
    assert service_token(project, manager.auth.token)
    assert manager.projects.delete(project) == {"deleteProject": True}
    assert project not in [one["id"] for one in listed(api)]


def test_a_stranger_cannot_tell_a_foreign_project_from_none(
    api: SaagieApi, join: Join, wire: Wire, refused: Refused
) -> None:
    _, project, kept = shared_project(api, "Manager")
    name = api.projects.get_info(project)["project"]["name"]
    stranger = join(unique("another-group"))

    assert listed(stranger) == []
    with pytest.raises(NameError):
        stranger.projects.get_id(name)
    refused("NOT_FOUND", stranger.projects.get_info, project)
    refused("NOT_FOUND", stranger.projects.get_info_by_name, name)
    refused("NOT_FOUND", stranger.docker_credentials.list_for_project, project)
    refused("NOT_FOUND", stranger.docker_credentials.create, project, "other", "pw")
    refused("NOT_FOUND", stranger.docker_credentials.delete, project, kept["id"])

    nowhere = "00000000-0000-4000-8000-000000000000"
    foreign, absent = (wire(GQL_GET_PROJECT_INFO, {"id": id}, stranger.auth.token) for id in (project, nowhere))
    assert_refused(foreign, "NOT_FOUND")
    assert foreign.message == absent.message.replace(nowhere, project)
    assert api.docker_credentials.list_for_project(project) == {"allDockerCredentials": [kept]}


def test_rights_that_are_taken_away_count_at_once(api: SaagieApi, join: Join, refused: Refused) -> None:
    group, project, kept = shared_project(api, "Manager")
    member = join(group)
    assert member.projects.get_rights(project)

    api.projects.edit(project, group=group, role="Viewer")
    assert member.docker_credentials.get_info(project, kept["id"]) == {"dockerCredentials": kept}
    refused("FORBIDDEN", member.docker_credentials.delete, project, kept["id"])

    api.projects.edit(project, group=unique("another-group"), role="Viewer")
    assert listed(member) == []
    refused("NOT_FOUND", member.docker_credentials.get_info, project, kept["id"])


def test_any_user_may_create_a_project_and_manages_it(join: Join) -> None:
    name, group = unique("project"), unique("colleagues")
    maker, colleague = join(), join(group)

    created = maker.projects.create(name, group=group, role="Viewer")["createProject"]

    assert maker.projects.get_rights(created["id"]) == {"rights": [right(group, "VIEWER")]}
    assert created["creator"] == maker.projects.get_info(created["id"])["project"]["creator"] != "admin"
    assert colleague.projects.get_id(name) == created["id"]
    assert maker.projects.delete(created["id"]) == {"deleteProject": True}


def shared_project(api: SaagieApi, role: str) -> tuple[str, str, dict[str, Any]]:
    """A new group, a project in which it has the role, and credentials in there as reads show them."""
    group = unique("group")
    project = api.projects.create(unique("project"), group=group, role=role)["createProject"]["id"]
    created = api.docker_credentials.create(project, "myuser", "pw", "ghcr.io")["createDockerCredentials"]
    return group, project, as_read(created)


def assert_may_not_manage(member: SaagieApi, project: str, group: str, refused: Refused) -> None:
    refused("FORBIDDEN", member.projects.get_rights, project)
    # Without a group the client would first ask for the rights, and trip over the refusal.
    refused("FORBIDDEN", member.projects.edit, project, name=unique("mine"), group=group, role="Manager")
    refused("FORBIDDEN", member.projects.delete, project)


def listed(client: SaagieApi) -> list[dict[str, Any]]:
    return client.projects.list()["projects"]


def names(client: SaagieApi) -> list[str]:
    return [one["name"] for one in listed(client)]
