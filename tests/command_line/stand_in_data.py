"""What the stand-in keeps, and what it does with it: projects and Docker credentials, by the platform's rules.

The rules are those of the published definition: the couple of registry and username is unique in a project; an update
without a registry sets Docker Hub, one without a username keeps it; a project's name is unique whatever its case.
Registries are texts, compared as they stand.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


class Refusal(Exception):
    """What the platform refuses, with the code by which programs tell refusals apart."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Kept:
    """Docker credentials as the stand-in has them; unlike any server it tells the password, to the tests."""

    registry: str | None
    username: str
    password: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    moment: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    jobs: list[dict[str, str]] = field(default_factory=list)
    apps: list[dict[str, str]] = field(default_factory=list)

    @property
    def couple(self) -> tuple[str | None, str]:
        return self.registry, self.username

    def read(self) -> dict[str, Any]:
        """As queries answer: milliseconds."""
        milliseconds = self.moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        return self._shown(f"{milliseconds}Z")

    def written(self) -> dict[str, Any]:
        """As create and update answer: microseconds, with a zone."""
        return self._shown(self.moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ[UTC]"))

    def _shown(self, last_update: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "registry": self.registry,
            "username": self.username,
            "lastUpdate": last_update,
            "jobs": self.jobs,
            "apps": self.apps,
        }


@dataclass
class Workload:
    """A job or an app, with what it runs: version by version, the last one is the current one."""

    name: str
    versions: list[dict[str, Any]]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def shown(self) -> dict[str, Any]:
        numbered = [{"ports": [], **version, "number": number} for number, version in enumerate(self.versions, 1)]
        return {"id": self.id, "name": self.name, "versions": numbered[-1:], "currentVersion": numbered[-1]}

    def uses(self, credentials: str) -> bool:
        return (self.versions[-1].get("dockerInfo") or {}).get("dockerCredentialsId") == credentials


@dataclass
class Project:
    """A project with its credentials, jobs and apps."""

    name: str
    creator: str
    description: str | None
    jobs_technologies: list[dict[str, Any]] = field(default_factory=list)
    app_technologies: list[dict[str, Any]] = field(default_factory=list)
    rights: list[dict[str, Any]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    credentials: dict[str, Kept] = field(default_factory=dict)
    jobs: dict[str, Workload] = field(default_factory=dict)
    apps: dict[str, Workload] = field(default_factory=dict)

    def read(self, kept: Kept) -> dict[str, Any]:
        """Credentials as queries answer, with what uses them."""
        users = {
            kind: [*getattr(kept, kind), *(one.shown() for one in getattr(self, kind).values() if one.uses(kept.id))]
            for kind in ("jobs", "apps")
        }
        return {**kept.read(), **users}

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "creator": self.creator,
            "description": self.description,
            "jobsCount": len(self.jobs),
            "jobs": [job.shown() for job in self.jobs.values()],
            "status": "READY",
            "apps": [app.shown() for app in self.apps.values()],
            "technologiesByCategory": self.jobs_technologies,
            "appTechnologies": self.app_technologies,
        }


class Root:
    """The resolvers of every field at the root, by their names: graphql-core calls them with the arguments."""

    def __init__(self, projects: dict[str, Project], login: str) -> None:
        self._projects = projects
        self._login = login

    def projects(self, _info: Any, **_without_effect: Any) -> list[dict[str, Any]]:
        return [project.shown() for project in self._projects.values()]

    def project(self, _info: Any, id: str) -> dict[str, Any] | None:
        found = self._projects.get(id)
        return found.shown() if found else None

    def projectByName(self, _info: Any, name: str) -> dict[str, Any] | None:
        found = self._named(name)
        return found.shown() if found else None

    def rights(self, _info: Any, projectId: str) -> list[dict[str, Any]]:
        return self._project(projectId).rights

    def createProject(self, _info: Any, project: dict[str, Any]) -> dict[str, Any]:
        name = project["name"]
        if not name or len(name) >= 255:
            raise Refusal("INVALID", "Name must be shorter than 255 characters and cannot be empty")
        if self._named(name):
            raise Refusal("CONFLICT", f"Project with name {name} already exists")
        rights = [{**group, "isAllProjects": False} for group in project.get("authorizedGroups") or ()]
        new = Project(
            name,
            self._login,
            project.get("description"),
            project.get("technologiesByCategory") or [],
            project.get("appTechnologies") or [],
            rights,
        )
        self._projects[new.id] = new
        return new.shown()

    def deleteProject(self, _info: Any, projectId: str) -> bool:
        del self._projects[self._project(projectId).id]
        return True

    archiveProject = deleteProject

    def allDockerCredentials(self, _info: Any, projectId: str) -> list[dict[str, Any]]:
        project = self._project(projectId)
        return [project.read(kept) for kept in project.credentials.values()]

    def dockerCredentials(self, _info: Any, id: str, projectId: str) -> dict[str, Any] | None:
        project = self._project(projectId)
        kept = project.credentials.get(id)
        return project.read(kept) if kept else None

    def createDockerCredentials(self, _info: Any, dockerCredentials: dict[str, Any]) -> dict[str, Any]:
        given = dockerCredentials
        project = self._project(given["projectId"])
        new = Kept(given.get("registry"), given["username"], given["password"])
        self._assert_alone(project, new.couple)
        project.credentials[new.id] = new
        return new.written()

    def updateDockerCredentials(self, _info: Any, dockerCredentialsUpdate: dict[str, Any]) -> dict[str, Any]:
        given = dockerCredentialsUpdate
        project = self._project(given["projectId"])
        old = self._kept(project, given["id"])
        username = given.get("username")
        new = Kept(
            given.get("registry"),
            old.username if username is None else username,
            given["password"],
            old.id,
            jobs=old.jobs,
            apps=old.apps,
        )
        self._assert_alone(project, new.couple, but=old.id)
        project.credentials[old.id] = new
        return new.written()

    def deleteDockerCredentials(self, _info: Any, id: str, projectId: str) -> bool:
        project = self._project(projectId)
        kept = self._kept(project, id)
        shown = project.read(kept)
        if shown["jobs"] or shown["apps"]:
            raise Refusal("IN_USE", "Docker credentials are used by a job or an app")
        del project.credentials[id]
        return True

    def jobs(self, _info: Any, projectId: str, **_filters: Any) -> list[dict[str, Any]]:
        return self._project(projectId).shown()["jobs"]

    def job(self, _info: Any, id: str) -> dict[str, Any] | None:
        return self._one("jobs", id)

    def app(self, _info: Any, id: str) -> dict[str, Any] | None:
        return self._one("apps", id)

    def createJob(self, _info: Any, job: dict[str, Any], jobVersion: dict[str, Any], **_file: Any) -> dict[str, Any]:
        return self._create("jobs", job, jobVersion)

    def createApp(self, _info: Any, app: dict[str, Any]) -> dict[str, Any]:
        return self._create("apps", app, app["version"])

    def addJobVersion(self, _info: Any, jobId: str, jobVersion: dict[str, Any], **_file: Any) -> dict[str, Any]:
        return self._add("jobs", jobId, jobVersion)

    def addAppVersion(self, _info: Any, appId: str, version: dict[str, Any]) -> dict[str, Any]:
        return self._add("apps", appId, version)

    def deleteJob(self, _info: Any, jobId: str) -> bool:
        self._delete("jobs", jobId)
        return True

    def deleteApp(self, _info: Any, appId: str) -> dict[str, Any]:
        return self._delete("apps", appId)

    def _create(self, kind: str, given: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
        project = self._project(given["projectId"])
        there = getattr(project, kind)
        if any(one.name.lower() == given["name"].lower() for one in there.values()):
            raise Refusal("CONFLICT", f"The name {given['name']} is already used")
        self._assert_own(project, version)
        new = Workload(given["name"], [version])
        there[new.id] = new
        return new.shown()

    def _add(self, kind: str, id: str, version: dict[str, Any]) -> dict[str, Any]:
        project, found = self._workload(kind, id)
        self._assert_own(project, version)
        found.versions.append(version)
        return found.shown()["currentVersion"]

    def _delete(self, kind: str, id: str) -> dict[str, Any]:
        project, found = self._workload(kind, id)
        del getattr(project, kind)[id]
        return found.shown()

    def _one(self, kind: str, id: str) -> dict[str, Any]:
        project, found = self._workload(kind, id)
        return found.shown() | {"project": project.shown()}

    def _workload(self, kind: str, id: str) -> tuple[Project, Workload]:
        for project in self._projects.values():
            if id in getattr(project, kind):
                return project, getattr(project, kind)[id]
        raise Refusal("NOT_FOUND", f"Unknown workload {id}")

    def _assert_own(self, project: Project, version: dict[str, Any]) -> None:
        named = (version.get("dockerInfo") or {}).get("dockerCredentialsId")
        if named and named not in project.credentials:
            raise Refusal("INVALID", f"Unknown docker credentials {named}")

    def repositories(self, _info: Any) -> list[dict[str, Any]]:
        return [{"id": CATALOGUE, "name": "Saagie", "technologies": TECHNOLOGIES}]

    def _named(self, name: str) -> Project | None:
        return next((one for one in self._projects.values() if one.name.lower() == name.lower()), None)

    def _project(self, id: str) -> Project:
        if id not in self._projects:
            raise Refusal("NOT_FOUND", f"Unknown project {id}")
        return self._projects[id]

    @staticmethod
    def _kept(project: Project, id: str) -> Kept:
        if id not in project.credentials:
            raise Refusal("NOT_FOUND", f"Unknown docker credentials {id}")
        return project.credentials[id]

    @staticmethod
    def _assert_alone(project: Project, couple: tuple[str | None, str], but: str | None = None) -> None:
        if any(kept.couple == couple and kept.id != but for kept in project.credentials.values()):
            raise Refusal("CONFLICT", "Docker credentials with this registry and username already exist")


CATALOGUE = str(uuid.uuid4())
TECHNOLOGIES = [
    {"__typename": kind, "id": str(uuid.uuid4()), "label": label, "available": available}
    for kind, label, available in [
        ("JobTechnology", "Python", True),
        ("JobTechnology", "Generic", True),
        ("JobTechnology", "Fortran", False),
        ("AppTechnology", "Jupyter Notebook", True),
        ("AppTechnology", "Docker image", True),
    ]
]
