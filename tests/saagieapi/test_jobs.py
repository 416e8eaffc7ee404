"""`saagieapi.jobs`, as far as images and credentials go: register, upgrade, list, edit, roll back, delete."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from saagieapi import SaagieApi

from documented_shapes import UUID
from regcred_service import Refused, ServiceToken, Wire, assert_refused, unique


@pytest.fixture
def named(api: SaagieApi) -> tuple[str, str]:
    """Id and name of a fresh project."""
    name = unique("project")
    return api.projects.create(name)["createProject"]["id"], name


@pytest.fixture
def credentials(api: SaagieApi, project: str) -> str:
    """The id of credentials for `ghcr.io`."""
    return add_credentials(api, project, "ci-bot")


def add_credentials(api: SaagieApi, project: str, username: str) -> str:
    created = api.docker_credentials.create(project, username, "pw", registry="ghcr.io")
    return created["createDockerCredentials"]["id"]


def create(api: SaagieApi, project: str, name: str, image: str, credentials: str | None = None, **more: Any) -> str:
    """A job that runs an image, as scripts create it."""
    docker = {"image": image, "dockerCredentialsId": credentials} if credentials else {"image": image}
    answer = api.jobs.create(
        job_name=name,
        project_id=project,
        technology="Generic",
        runtime_version="docker",
        command_line="python main.py",
        docker_info=docker,
        **more,
    )
    assert answer.keys() == {"data"}
    created = answer["data"]["createJob"]
    assert created == {"id": created["id"], "versions": [{"number": 1, "__typename": "JobVersion"}], "__typename": "Job"}
    return created["id"]


def test_create_and_every_way_to_read_it(api: SaagieApi, second: SaagieApi, named: tuple[str, str]) -> None:
    project, name = named
    credentials = add_credentials(api, project, "ci-bot")
    job = create(
        api,
        project,
        "nightly",
        "ghcr.io/team/app:1",
        credentials,
        description="every night",
        category="Extraction",
        release_note="first",
        source_url="https://git.example/commit/1",
        resources={"cpu": {"request": 0.5, "limit": 2.6}, "memory": {"request": 1.0}},
        extra_technology="Python",
        extra_technology_version="3.9",
    )

    assert UUID.fullmatch(job)
    assert second.jobs.get_id("nightly", name) == job
    assert second.jobs.list_for_project_minimal(project) == {"jobs": [{"id": job, "name": "nightly", "alias": None}]}
    info = second.jobs.get_info(job)["job"]
    assert info["creationDate"] == info["versions"][0]["creationDate"]
    version = {
        "number": 1,
        "creationDate": info["creationDate"],
        "releaseNote": "first",
        "runtimeVersion": "docker",
        "commandLine": "python main.py",
        "packageInfo": None,
        "dockerInfo": {"image": "ghcr.io/team/app:1", "dockerCredentialsId": credentials},
        "extraTechnology": {"language": "Python", "version": "3.9"},
        "isCurrent": True,
        "isMajor": False,
        "deletableState": None,
        "sourceUrl": "https://git.example/commit/1",
    }
    [technology] = [one for one in second.get_available_technologies("Saagie") if one["label"] == "Generic"]
    assert info == {
        "id": job,
        "name": "nightly",
        "alias": None,
        "description": "every night",
        "alerting": None,
        "instances": [],
        "countJobInstance": 0,
        "versions": [version],
        "category": "Extraction",
        "technology": {"id": technology["id"]},
        "isScheduled": False,
        "cronScheduling": None,
        "scheduleStatus": None,
        "scheduleTimezone": None,
        "isStreaming": False,
        "creationDate": info["creationDate"],
        "migrationStatus": None,
        "migrationProjectId": None,
        "isDeletable": True,
        "graphPipelines": [],
        "doesUseGPU": False,
        "resources": {"cpu": {"request": 0.5, "limit": 2.6}, "memory": {"request": 1.0, "limit": None}},
        "originalJobId": None,
    }
    assert second.jobs.list_for_project(project) == {"jobs": [{**info, "pipelines": []}]}
    assert second.projects.get_info(project)["project"]["jobsCount"] == 1


def test_a_project_for_which_nothing_was_said_takes_any_technology(
    api: SaagieApi, second: SaagieApi, wire: Wire
) -> None:
    """As one is that the command line made, or `serve --dev`."""
    bare = wire("mutation($n: String!) { createProject(project: {name: $n}) { id } }", {"n": unique("project")})
    assert bare.data
    job = create(api, bare.data["createProject"]["id"], "nightly", "ubuntu")
    assert used(second, job) == ("ubuntu", None)


def test_upgrade_keeps_what_is_not_given(
    api: SaagieApi, second: SaagieApi, project: str, credentials: str
) -> None:
    job = create(api, project, "nightly", "ghcr.io/team/app:1", credentials)

    upgraded = api.jobs.upgrade(job, docker_info={"image": "ghcr.io/team/app:2"}, release_note="plain")
    assert upgraded == {"data": {"addJobVersion": {"number": 2, "__typename": "JobVersion"}}}
    assert used(second, job) == ("ghcr.io/team/app:2", None)

    # Without `docker_info` the client sends that of the current version.
    api.jobs.rollback(job, 1)
    assert api.jobs.upgrade(job)["data"]["addJobVersion"]["number"] == 3
    assert used(second, job) == ("ghcr.io/team/app:1", credentials)
    versions = second.jobs.get_info(job)["job"]["versions"]
    assert [(one["number"], one["isCurrent"], one["commandLine"]) for one in versions] == [
        (3, True, "python main.py"),
        (2, False, "python main.py"),
        (1, False, "python main.py"),
    ]
    limited = second.jobs.get_info(job, versions_limit=2)["job"]["versions"]
    assert [one["number"] for one in limited] == [3, 2]


def test_rollback(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    job = create(api, project, "nightly", "ghcr.io/team/app:1")
    api.jobs.upgrade(job, docker_info={"image": "ghcr.io/team/app:2"})

    assert api.jobs.rollback(job, 1) == {
        "rollbackJobVersion": {
            "id": job,
            "versions": [{"number": 2, "isCurrent": False}, {"number": 1, "isCurrent": True}],
        }
    }
    assert used(second, job) == ("ghcr.io/team/app:1", None)
    refused("NOT_FOUND", api.jobs.rollback, job, 3)
    assert used(second, job) == ("ghcr.io/team/app:1", None)


def test_edit(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    job = create(api, project, "nightly", "ubuntu", resources={"cpu": {"limit": 1.0}})
    create(api, project, "other", "ubuntu")

    edited = api.jobs.edit(job, job_name="weekly", description="every week")["editJob"]
    assert (edited["id"], edited["name"], edited["description"]) == (job, "weekly", "every week")
    info = second.jobs.get_info(job)["job"]
    assert (info["name"], info["description"]) == ("weekly", "every week")
    assert info["resources"] == {"cpu": {"request": None, "limit": 1.0}, "memory": None}
    assert len(info["versions"]) == 1

    refused("CONFLICT", api.jobs.edit, job, job_name="OTHER")
    printed = refused("INVALID", api.jobs.edit, job, is_scheduled=True, cron_scheduling="0 0 * * *")
    assert "isScheduled" in printed
    assert second.jobs.get_info(job)["job"] == info


def test_create_or_upgrade(api: SaagieApi, second: SaagieApi, project: str) -> None:
    arguments = {"job_name": "nightly", "project_id": project, "technology": "Generic", "runtime_version": "docker"}
    created = api.jobs.create_or_upgrade(**arguments, docker_info={"image": "ubuntu:1"})
    job = created["data"]["createJob"]["id"]

    again = api.jobs.create_or_upgrade(**arguments, docker_info={"image": "ubuntu:2"})
    assert again["addJobVersion"]["number"] == 2
    assert used(second, job) == ("ubuntu:2", None)


def test_delete(api: SaagieApi, second: SaagieApi, project: str, credentials: str, refused: Refused) -> None:
    job = create(api, project, "nightly", "ghcr.io/team/app", credentials)

    assert api.jobs.delete(job) == {"deleteJob": True}
    assert second.jobs.list_for_project_minimal(project) == {"jobs": []}
    refused("NOT_FOUND", api.jobs.delete, job)
    assert api.docker_credentials.delete(project, credentials) == {"deleteDockerCredentials": True}


def test_credentials_show_the_jobs_that_use_them(
    api: SaagieApi, second: SaagieApi, project: str, credentials: str
) -> None:
    job = create(api, project, "nightly", "ghcr.io/team/app", credentials)
    create(api, project, "plain", "ubuntu")

    [listed] = second.docker_credentials.list_for_project(project)["allDockerCredentials"]
    assert [one["id"] for one in listed["jobs"]] == [job]
    read = second.docker_credentials.get_info(project, credentials)["dockerCredentials"]
    assert [one["id"] for one in read["jobs"]] == [job]


def test_credentials_in_use_are_not_deleted(
    api: SaagieApi, second: SaagieApi, project: str, credentials: str, refused: Refused
) -> None:
    job = create(api, project, "nightly", "ghcr.io/team/app", credentials)

    printed = refused("IN_USE", api.docker_credentials.delete, project, credentials)
    assert "job `nightly`" in printed
    printed = refused("IN_USE", api.docker_credentials.delete_for_username, project, "ci-bot", "ghcr.io")
    assert "job `nightly`" in printed
    assert len(second.docker_credentials.list_for_project(project)["allDockerCredentials"]) == 1

    other = add_credentials(api, project, "other")
    api.jobs.upgrade(job, docker_info={"image": "ghcr.io/team/app", "dockerCredentialsId": other})
    assert api.docker_credentials.delete(project, credentials) == {"deleteDockerCredentials": True}


def test_the_platforms_old_behaviour_is_a_setting(
    api: SaagieApi, second: SaagieApi, project: str, credentials: str, wire: Wire
) -> None:
    create(api, project, "nightly", "ghcr.io/team/app", credentials)
    edit = "mutation($p: ProjectEditionInput!) { editProject(project: $p) { deletesCredentialsInUse } }"
    edited = wire(edit, {"p": {"id": project, "deletesCredentialsInUse": True}})
    assert edited.data == {"editProject": {"deletesCredentialsInUse": True}}

    # The client's own edit of a project leaves the setting as it is.
    second.projects.edit(project, description="another")
    assert api.docker_credentials.delete(project, credentials) == {"deleteDockerCredentials": True}


def test_credentials_of_another_project_are_refused(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire
) -> None:
    other = api.projects.create(unique("project"))["createProject"]["id"]
    foreign = add_credentials(api, other, "ci-bot")
    job = create(api, project, "nightly", "ghcr.io/team/app")

    add = "mutation($j: UUID!, $v: JobVersionInput!) { addJobVersion(jobId: $j, jobVersion: $v) { number } }"
    version = {"dockerInfo": {"image": "ghcr.io/team/app", "dockerCredentialsId": foreign}}
    answer = wire(add, {"j": job, "v": version})
    assert_refused(answer, "INVALID", "no Docker credentials")
    assert answer.errors[0]["extensions"]["field"] == "dockerCredentialsId"
    assert used(second, job) == ("ghcr.io/team/app", None)


def test_names_are_unique_among_the_jobs_of_a_project(api: SaagieApi, second: SaagieApi, project: str) -> None:
    create(api, project, "Nightly", "ubuntu")
    answer = api.jobs.create(
        "NIGHTLY", project, technology="Generic", runtime_version="docker", docker_info={"image": "ubuntu"}
    )
    assert answer == {"data": None}
    other = api.projects.create(unique("project"))["createProject"]["id"]
    create(api, other, "nightly", "ubuntu")
    assert [one["name"] for one in second.jobs.list_for_project_minimal(project)["jobs"]] == ["Nightly"]


def test_other_technologies_have_no_runtime(api: SaagieApi, second: SaagieApi, project: str) -> None:
    """regcred runs nothing; what it has to know of is a job that is an image."""
    with pytest.raises(RuntimeError, match="Runtime 3.10 for technology python does not exist"):
        api.jobs.create("nightly", project, docker_info={"image": "ubuntu"})
    assert second.jobs.list_for_project_minimal(project) == {"jobs": []}


def test_a_file_is_refused(
    api: SaagieApi, second: SaagieApi, project: str, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / "main.py"
    package.write_text("print()")
    with pytest.raises(Exception, match="415"), caplog.at_level(logging.CRITICAL):
        api.jobs.create("nightly", project, str(package), technology="Generic", runtime_version="docker")
    assert second.jobs.list_for_project_minimal(project) == {"jobs": []}


def test_a_viewer_sees_jobs_and_changes_none(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, service_token: ServiceToken
) -> None:
    job = create(api, project, "nightly", "ubuntu")
    token = service_token(project)
    read = wire("query($j: UUID!) { job(id: $j) { name } }", {"j": job}, token)
    assert read.data == {"job": {"name": "nightly"}}
    assert_refused(wire("mutation($j: UUID!) { deleteJob(jobId: $j) }", {"j": job}, token), "FORBIDDEN", "editor")
    assert second.jobs.get_info(job)["job"]["name"] == "nightly"


def used(client: SaagieApi, job: str) -> tuple[str, str | None]:
    """Image and credentials of the current version."""
    [version] = client.jobs.get_info(job, versions_only_current=True)["job"]["versions"]
    return version["dockerInfo"]["image"], version["dockerInfo"]["dockerCredentialsId"]
