"""What is kept whatever it looks like, and what is refused with a reason."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from saagieapi import SaagieApi
from saagieapi.docker_credentials.gql_queries import (
    GQL_CREATE_DOCKER_CREDENTIALS,
    GQL_GET_ALL_DOCKER_CREDENTIALS,
    GQL_UPGRADE_DOCKER_CREDENTIALS,
)

from documented_shapes import as_read, assert_written
from regcred_service import Answer, Refused, Wire, assert_refused

KIB = 1024

PASSWORDS = {
    "Unicode": "pässwörd-密码-пароль",
    "emoji": "🔐🐳👩‍👩‍👧",
    "quotes": "\"double\" 'single' `back`",
    "backslashes": "\\n \\\\ \\u0041 C:\\",
    "newlines": "-----BEGIN KEY-----\nabc\r\n-----END KEY-----\n",
    "control characters": "\t\x00\x07\x1b[31m\x7f",
    "blanks around": "  pw  ",
    "a JSON key file": '{"type": "service_account", "private_key": "-----BEGIN\\n"}',
    "GraphQL": '"}){id}} mutation{logout} #${x}',
    "a colon": "user:pw@host",
    "16 KiB": "x" * (16 * KIB),
    "16 KiB of two-byte letters": "é" * (8 * KIB),
    "16 KiB of emoji": "🔐" * (4 * KIB),
    "16 KiB of line breaks": "\n" * (16 * KIB),
}

TOO_LONG = {
    "16 KiB + 1": "x" * (16 * KIB + 1),
    "16 KiB + 1, in fewer characters": "é" * (8 * KIB) + "x",
}

USERNAMES = {
    "Chinese": "用户",
    "accents": "Ünï-çødé",
    "emoji": "🐳",
    "an accent of its own": "e\u0301",
    "a robot": "robot$project+name",
    "an identity token": "<token>",
    "a word": "AWS",
    "a blank": "first last",
    "an address": "name@example.org",
    "SQL": "'; DROP TABLE docker_credentials; --",
    "quotes and backslashes": '"quoted" \\back\\slashed',
    "formats and paths": "%s %00 ../.. ${x}",
    "255 characters": "é" * 255,
}

BAD_USERNAMES = {
    "empty": "",
    "a colon, which no login can carry": "user:name",
    "a line break": "user\nname",
    "a NUL": "user\x00",
    "256 characters": "x" * 256,
}

BAD_REGISTRIES = {
    "a login": "https://user:hunter2@ghcr.io",
    "a login that looks like a host": "ghcr.io@evil.example",
    "a query": "ghcr.io?host=evil.example",
    "a fragment": "ghcr.io#evil.example",
    "another scheme": "ftp://ghcr.io",
    "a file": "file:///etc/passwd",
    "a script": "javascript:alert(1)",
    "a look-up": "${jndi:ldap://evil.example/x}",
    "a header": "ghcr.io\r\nAuthorization: Basic eDp5",
    "a NUL": "ghcr.io\x00.evil.example",
    "blanks": " ",
    "a blank inside": "ghcr.io /team",
    "SQL": "'; DROP TABLE docker_credentials; --",
    "a shell": "$(id)",
    "a tag": "<script>",
    "a template": "{{7*7}}",
    "a way up": "ghcr.io/../admin",
    "an encoded way up": "ghcr.io/%2e%2e/admin",
    "no host": "https://",
    "a host that is another's": "//evil.example",
    "a backslash": "ghcr.io\\@evil.example",
    "a hidden direction": "ghcr.io\u202egro.live",
    "a zone": "http://[fe80::1%eth0]/",
    "no such port": "ghcr.io:99999",
    "two": "ghcr.io,evil.example",
    "endless": "a" * 300,
}


def named(cases: dict[str, str]) -> list[Any]:
    return [pytest.param(value, id=name) for name, value in cases.items()]


@pytest.mark.parametrize("password", named(PASSWORDS))
def test_passwords_may_hold_anything(api: SaagieApi, second: SaagieApi, project: str, password: str) -> None:
    """They come out of no answer, so all that a client sees is that they were taken."""
    created = api.docker_credentials.create(project, "myuser", password)["createDockerCredentials"]
    assert_written(created, None, "myuser")
    upgraded = api.docker_credentials.upgrade(project, created["id"], password)["updateDockerCredentials"]

    assert_written(upgraded, None, "myuser")
    assert second.docker_credentials.list_for_project(project) == {"allDockerCredentials": [as_read(upgraded)]}


@pytest.mark.parametrize("password", named(TOO_LONG))
def test_longer_passwords_are_refused(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, refused: Refused, password: str
) -> None:
    kept = create(api, project)

    printed = refused("INVALID", api.docker_credentials.create, project, "other", password)
    assert "16 KiB" in printed
    for answer in both(wire, project, kept["id"], username="other", password=password):
        assert_refused(answer, "INVALID", "password", str(len(password.encode())), "16 KiB")
        assert password[:40] not in answer.message
    assert_unchanged(second, project, kept)


@pytest.mark.parametrize("password", ["", None])
def test_a_password_is_mandatory(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, refused: Refused, password: str | None
) -> None:
    kept = create(api, project)

    refused("INVALID", api.docker_credentials.upgrade, project, kept["id"], password)

    for answer in both(wire, project, kept["id"], username="other", password=password):
        assert_refused(answer, "INVALID", "password")
    left_out = wire(GQL_UPGRADE_DOCKER_CREDENTIALS, {"projectId": project, "id": kept["id"]})
    assert_refused(left_out, "INVALID", "password")
    assert_unchanged(second, project, kept)


@pytest.mark.parametrize("username", named(USERNAMES))
def test_usernames_are_kept_as_given(api: SaagieApi, second: SaagieApi, project: str, username: str) -> None:
    created = api.docker_credentials.create(project, username, "pw", "ghcr.io")["createDockerCredentials"]

    assert_written(created, "ghcr.io", username)
    assert second.docker_credentials.get_info_for_username(project, username, "ghcr.io") == as_read(created)
    upgraded = second.docker_credentials.upgrade_for_username(project, username, "new", "ghcr.io")
    assert_written(upgraded["updateDockerCredentials"], "ghcr.io", username)
    assert second.docker_credentials.delete_for_username(project, username, "ghcr.io") == {
        "deleteDockerCredentials": True
    }
    assert api.docker_credentials.list_for_project(project) == {"allDockerCredentials": []}


@pytest.mark.parametrize("username", named(BAD_USERNAMES))
def test_usernames_that_no_registry_takes_are_refused(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, username: str
) -> None:
    kept = create(api, project)

    for answer in both(wire, project, kept["id"], username=username, password="pw"):
        assert_refused(answer, "INVALID", "username")
    assert_unchanged(second, project, kept)


@pytest.mark.parametrize("registry", named(BAD_REGISTRIES))
def test_what_is_no_registry_is_refused(
    api: SaagieApi, second: SaagieApi, project: str, wire: Wire, registry: str
) -> None:
    kept = create(api, project)

    for answer in both(wire, project, kept["id"], username="other", password="pw", registry=registry):
        assert_refused(answer, "INVALID", "registry")
        assert "hunter2" not in answer.message
        assert not any(character < " " for character in answer.message), "a message is one line"
    assert_unchanged(second, project, kept)


def test_what_the_client_shows_of_bad_input(api: SaagieApi, second: SaagieApi, project: str, refused: Refused) -> None:
    kept = create(api, project)

    for username, registry in [("user:name", "ghcr.io"), ("other", BAD_REGISTRIES["a login"]), ("other", "ghcr.io?x")]:
        printed = refused("INVALID", api.docker_credentials.create, project, username, "pw", registry)
        assert "hunter2" not in printed
    assert_unchanged(second, project, kept)


def test_what_is_no_id_is_refused(api: SaagieApi, project: str, wire: Wire, refused: Refused) -> None:
    refused("INVALID", api.docker_credentials.list_for_project, "123456789")
    refused("INVALID", api.docker_credentials.get_info, project, "' OR 1=1 --")
    refused("INVALID", api.projects.get_info, "")

    assert_refused(wire(GQL_GET_ALL_DOCKER_CREDENTIALS, {"projectId": "123456789"}), "INVALID", "UUID")


def test_a_project_that_does_not_exist(api: SaagieApi, wire: Wire, refused: Refused) -> None:
    nowhere = str(uuid.uuid4())

    refused("NOT_FOUND", api.docker_credentials.list_for_project, nowhere)
    refused("NOT_FOUND", api.docker_credentials.create, nowhere, "myuser", "pw")
    refused("NOT_FOUND", api.projects.get_info, nowhere)
    refused("NOT_FOUND", api.projects.delete, nowhere)

    assert_refused(wire(GQL_GET_ALL_DOCKER_CREDENTIALS, {"projectId": nowhere}), "NOT_FOUND", nowhere)


def create(api: SaagieApi, project: str) -> dict[str, Any]:
    return api.docker_credentials.create(project, "myuser", "pw", "kept.example")["createDockerCredentials"]


def both(wire: Wire, project: str, kept: str, **given: Any) -> list[Answer]:
    """The answers to creating such credentials, and to upgrading the kept ones so."""
    return [
        wire(GQL_CREATE_DOCKER_CREDENTIALS, {"projectId": project, **given}),
        wire(GQL_UPGRADE_DOCKER_CREDENTIALS, {"projectId": project, "id": kept, **given}),
    ]


def assert_unchanged(client: SaagieApi, project: str, kept: dict[str, Any]) -> None:
    assert client.docker_credentials.list_for_project(project) == {"allDockerCredentials": [as_read(kept)]}
