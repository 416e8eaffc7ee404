"""A project of regcred with its credentials and tokens, seen through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from regcred_service import ADMIN, ADMIN_PASSWORD, TIMEOUT, Server, unique


@dataclass(frozen=True)
class Token:
    """A service token: its id, and the text to present."""

    id: str
    text: str


class Project:
    """A fresh project, in the hands of the admin."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._admin = server.log_in(ADMIN, ADMIN_PASSWORD).text
        self.name = unique("project")
        self.id = self.ask(
            "mutation($name: String!) { done: createProject(project: {name: $name}) { id } }", name=self.name
        )["id"]

    def ask(self, query: str, **variables: Any) -> Any:
        """What the query, which must succeed, names `done`."""
        answer = self.server.wire(self._admin, query, variables)
        assert answer.errors == [] and answer.data, answer
        return answer.data["done"]

    def keep(self, registry: str | None, username: str, password: str) -> str:
        """Creates credentials; their id."""
        return self.ask(
            "mutation($it: DockerCredentialsInput) { done: createDockerCredentials(dockerCredentials: $it) { id } }",
            it={"registry": registry, "username": username, "password": password, "projectId": self.id},
        )["id"]

    def verify(self, credentials: str, probe: str | None = None) -> str:
        """Has the service try credentials at their registry; the verdict."""
        return self.ask(
            "mutation($id: UUID!, $project: UUID!, $probe: String) "
            "{ done: verifyDockerCredentials(id: $id, projectId: $project, probe: $probe) { verdict } }",
            id=credentials,
            project=self.id,
            probe=probe,
        )["verdict"]

    def delete(self, credentials: str) -> None:
        """Deletes credentials."""
        assert self.ask(
            "mutation($id: UUID!, $project: UUID!) { done: deleteDockerCredentials(id: $id, projectId: $project) }",
            id=credentials,
            project=self.id,
        )

    def kept(self) -> list[tuple[str | None, str]]:
        """Registry and username of all credentials that are there."""
        listed = self.ask(
            "query($project: UUID!) { done: allDockerCredentials(projectId: $project) { registry username } }",
            project=self.id,
        )
        return [(one["registry"], one["username"]) for one in listed]

    def token(self, right: str, *others: Project) -> Token:
        """Creates a service token with one right, here and in other projects."""
        created = self.ask(
            "mutation($it: ServiceTokenInput!) "
            "{ done: createServiceToken(serviceToken: $it) { token serviceToken { id } } }",
            it={"name": "tests", "projectIds": [self.id, *(other.id for other in others)], "rights": [right]},
        )
        return Token(created["serviceToken"]["id"], created["token"])

    def revoke(self, token: Token) -> None:
        """Revokes a service token."""
        assert self.ask(
            "mutation($id: UUID!, $project: UUID!) { done: revokeServiceToken(id: $id, projectId: $project) }",
            id=token.id,
            project=self.id,
        )

    def pull(self, token: Token, session: requests.Session | None = None, **body: str) -> requests.Response:
        """Asks for a password over the wire: for an `image`, or a `server`."""
        return (session or requests).post(
            f"{self.server.url}/api/v1/pull",
            headers={"authorization": f"Bearer {token.text}"},
            json=body,
            timeout=TIMEOUT,
        )
