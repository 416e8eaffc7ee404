"""One request of the load, and what its answer means for whoever asked."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any

from history import Kind, Operation, Outcome


@dataclass(frozen=True)
class Register:
    """Credentials that are written and pulled: the only ones of a registry in their project."""

    registry: str
    project: str
    # Of service tokens: one that edits, and one that pulls.
    editor: str
    puller: str
    # Of the credentials, once they are there.
    id: str | None = None


def create(port: int, register: Register, password: str) -> tuple[Operation, str | None]:
    """Creates the credentials; their id comes with it."""
    operation = Operation(Kind.CREATE, register.registry, password, time.monotonic())
    given = {"registry": register.registry, "username": "robot", "password": password, "projectId": register.project}
    done = change(port, operation, register.editor, CREATE, {"it": given})
    return operation, done["id"] if done else None


def upgrade(port: int, register: Register, password: str) -> Operation:
    """Replaces the password."""
    operation = Operation(Kind.UPGRADE, register.registry, password, time.monotonic())
    given = {"id": register.id, "registry": register.registry, "password": password, "projectId": register.project}
    change(port, operation, register.editor, UPGRADE, {"it": given})
    return operation


def pull(port: int, register: Register) -> Operation:
    """Reads the password."""
    operation = Operation(Kind.PULL, register.registry, None, time.monotonic())
    body = {"project": register.project, "server": register.registry}
    answer = post(port, operation, "/api/v1/pull", register.puller, body)
    if answer is not None and operation.status == 200:
        operation.outcome, operation.value = Outcome.OK, answer["password"]
    elif answer is not None and answer.get("code") == "NO_MATCH":
        # It reads what nobody ever writes.
        operation.outcome, operation.value = Outcome.OK, "nothing"
    elif answer is not None:
        refused(operation, answer.get("code"), answer.get("detail", ""))
    return operation


def change(port: int, operation: Operation, token: str, query: str, variables: dict[str, Any]) -> dict[str, Any] | None:
    """Asks for a change over GraphQL; what it names `done`."""
    answer = post(port, operation, GRAPHQL, token, {"query": query, "variables": variables})
    if answer is None:
        return None
    if errors := answer.get("errors"):
        refused(operation, errors[0]["extensions"]["code"], errors[0]["message"])
        return None
    if operation.status != 200:
        refused(operation, answer.get("code"), answer.get("detail", ""))
        return None
    done = answer["data"]["done"]
    operation.outcome, operation.version = Outcome.OK, done["version"]
    return done


def post(port: int, operation: Operation, path: str, token: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What regcred answers; where the answer is none of its own, the outcome is noted."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.connect()
    except OSError:
        # Nothing was sent.
        operation.outcome, operation.said = Outcome.FAILED, "nobody takes connections"
        operation.ended = time.monotonic()
        return None
    try:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        operation.said = f"the connection broke: {type(error).__name__}"
        return None
    finally:
        operation.ended = time.monotonic()
        connection.close()
    operation.status = response.status
    operation.request = response.headers.get("x-request-id")
    operation.again = "retry-after" in response.headers
    if operation.request is not None:
        return json.loads(text)
    # HAProxy answers 503 where it could send a request to no replica, and other codes where one was sent.
    operation.outcome = Outcome.FAILED if response.status == 503 else Outcome.UNKNOWN
    operation.said = f"HAProxy: {response.status}"
    return None


def refused(operation: Operation, code: str | None, message: str) -> None:
    """Notes what a refusal means."""
    operation.said = f"{code}: {message}"
    if code == "UNAVAILABLE" and any(words in message for words in NOT_DONE):
        operation.outcome = Outcome.FAILED
    elif code == "UNAVAILABLE" and "may have been made" in message:
        operation.outcome = Outcome.UNKNOWN
    elif code == "UNAVAILABLE" and not operation.writes:
        operation.outcome = Outcome.FAILED
    else:
        operation.outcome = Outcome.FAULT


NOT_DONE = ["nothing was changed", "no password is handed out"]
GRAPHQL = "/projects/api/platform/1/graphql"
CREATE = (
    "mutation($it: DockerCredentialsInput) { done: createDockerCredentials(dockerCredentials: $it) { id version } }"
)
UPGRADE = (
    "mutation($it: DockerCredentialsUpdate) "
    "{ done: updateDockerCredentials(dockerCredentialsUpdate: $it) { id version } }"
)
# Seconds. More than anything may take: who waits so long has found a hang.
PATIENCE = 40
