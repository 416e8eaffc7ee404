"""`saagieapi.apps`, as far as images and credentials go: register, upgrade, list, edit, roll back, delete."""

from __future__ import annotations

from typing import Any

import pytest
from saagieapi import SaagieApi

from documented_shapes import UUID
from regcred_service import Refused, unique

PORT = {"basePathVariableName": "BASE", "isRewriteUrl": False, "scope": "PROJECT", "number": 8080, "name": "web"}


@pytest.fixture
def credentials(api: SaagieApi, project: str) -> str:
    """The id of credentials for `ghcr.io`."""
    created = api.docker_credentials.create(project, "ci-bot", "pw", registry="ghcr.io")
    return created["createDockerCredentials"]["id"]


def create(api: SaagieApi, project: str, name: str, image: str, **more: Any) -> str:
    arguments = {"exposed_ports": [PORT], **more}
    answer = api.apps.create_from_scratch(project_id=project, app_name=name, image=image, **arguments)
    assert answer.keys() == {"createApp"}
    assert answer["createApp"].keys() == {"id"}
    return answer["createApp"]["id"]


def test_create_and_every_way_to_read_it(api: SaagieApi, second: SaagieApi) -> None:
    name = unique("project")
    project = api.projects.create(name)["createProject"]["id"]
    made = api.docker_credentials.create(project, "ci-bot", "pw", registry="ghcr.io")
    credentials = made["createDockerCredentials"]["id"]
    app = create(
        api,
        project,
        "web",
        "ghcr.io/team/web:1",
        description="the web",
        release_note="first",
        docker_credentials_id=credentials,
        resources={"memory": {"limit": 2.0}},
    )

    assert UUID.fullmatch(app)
    assert second.apps.get_id("web", name) == app
    assert second.apps.list_for_project_minimal(project) == {"project": {"apps": [{"id": app, "name": "web"}]}}
    info = second.apps.get_info(app, versions_only_current=False)["app"]
    version = {
        "number": 1,
        "creator": "admin",
        "creationDate": info["creationDate"],
        "releaseNote": "first",
        "dockerInfo": {"image": "ghcr.io/team/web:1", "dockerCredentialsId": credentials},
        "runtimeContextId": None,
        "ports": [{**PORT, "internalUrl": ""}],
        "volumesWithPath": [],
        "isMajor": False,
    }
    [technology] = [one for one in second.get_available_technologies("Saagie") if one["label"] == "Docker image"]
    assert info == {
        "id": app,
        "name": "web",
        "creationDate": info["creationDate"],
        "technology": {"id": technology["id"]},
        "project": {"id": project, "name": name},
        "description": "the web",
        "versions": [version],
        "currentVersion": version,
        "history": None,
        "isGenericApp": True,
        "alerting": None,
        "resources": {"cpu": None, "memory": {"request": None, "limit": 2.0}},
        "linkedVolumes": [],
    }
    for only_current in (True, False):
        [listed] = second.apps.list_for_project(project, versions_only_current=only_current)["project"]["apps"]
        shown = {key: value for key, value in info.items() if key not in ("project", "versions")}
        shown["creator"] = "admin"
        if not only_current:
            shown["versions"] = [version]
        assert listed == shown


def test_upgrade(api: SaagieApi, second: SaagieApi, project: str, credentials: str) -> None:
    app = create(api, project, "web", "ghcr.io/team/web:1", docker_credentials_id=credentials)

    upgraded = api.apps.upgrade(
        app, "second", image="ghcr.io/team/web:2", docker_credentials_id=credentials
    )["addAppVersion"]
    docker = {"image": "ghcr.io/team/web:2", "dockerCredentialsId": credentials}
    assert upgraded == {
        "number": 2,
        "releaseNote": "second",
        "dockerInfo": docker,
        "ports": [PORT],
        "volumesWithPath": [],
    }
    assert current(second, app)["dockerInfo"] == docker

    # The client sends the image that there is, and no credentials.
    api.apps.upgrade(app)
    assert current(second, app)["dockerInfo"] == {"image": "ghcr.io/team/web:2", "dockerCredentialsId": None}


def test_rollback(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    app = create(api, project, "web", "web:1")
    api.apps.upgrade(app, image="web:2")

    assert api.apps.rollback(app, 1) == {
        "rollbackAppVersion": {
            "id": app,
            "versions": [{"number": 2}, {"number": 1}],
            "currentVersion": {"number": 1},
        }
    }
    assert current(second, app)["dockerInfo"]["image"] == "web:1"
    refused("NOT_FOUND", api.apps.rollback, app, 3)


def test_edit(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    app = create(api, project, "web", "web:1")
    create(api, project, "other", "web:1")

    assert api.apps.edit(app, app_name="site", description="the site") == {"editApp": {"id": app}}
    info = second.apps.get_info(app)["app"]
    assert (info["name"], info["description"]) == ("site", "the site")
    refused("CONFLICT", api.apps.edit, app, app_name="OTHER")
    printed = refused("INVALID", api.apps.edit, app, emails=["a@b.example"], status_list=["FAILED"])
    assert "alerting" in printed
    assert second.apps.get_info(app)["app"] == info


def test_credentials_in_use_are_not_deleted(
    api: SaagieApi, second: SaagieApi, project: str, credentials: str, refused: Refused
) -> None:
    app = create(api, project, "web", "ghcr.io/team/web", docker_credentials_id=credentials)

    printed = refused("IN_USE", api.docker_credentials.delete, project, credentials)
    assert "app `web`" in printed
    assert len(second.docker_credentials.list_for_project(project)["allDockerCredentials"]) == 1

    assert api.apps.delete(app) == {"deleteApp": {"id": app}}
    assert second.apps.list_for_project_minimal(project) == {"project": {"apps": []}}
    refused("NOT_FOUND", api.apps.delete, app)
    assert api.docker_credentials.delete(project, credentials) == {"deleteDockerCredentials": True}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"image": ""}, "image"),
        ({"image": "https://ghcr.io/team/web"}, "image"),
        ({"image": "web", "storage_paths": [{"path": "/data", "volumeId": "3a1c5d2e-0000-4000-8000-000000000000"}]},
         "volumesWithPath"),
        ({"image": "web", "docker_credentials_id": "3a1c5d2e-0000-4000-8000-000000000000"}, "dockerCredentialsId"),
        ({"image": "web", "exposed_ports": [{**PORT, "number": 0}]}, "ports"),
        ({"image": "web", "emails": ["a@b.example"], "status_list": ["FAILED"]}, "alerting"),
    ],
    ids=["no image", "no reference", "a disk", "absent credentials", "no port", "alerts"],
)
def test_what_cannot_be_kept_is_refused(
    api: SaagieApi, second: SaagieApi, project: str, refused: Refused, arguments: dict[str, Any], field: str
) -> None:
    printed = refused("INVALID", api.apps.create_from_scratch, project, "web", **{"exposed_ports": [PORT], **arguments})
    assert f"'field': '{field}'" in printed
    assert second.apps.list_for_project_minimal(project) == {"project": {"apps": []}}


def current(client: SaagieApi, app: str) -> dict[str, Any]:
    """The current version."""
    return client.apps.get_info(app)["app"]["currentVersion"]
