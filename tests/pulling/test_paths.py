"""Two accounts on one host, told apart by the path: each image is pulled with its own, as the registry's rights prove.

The registry's token server lets each account see the repositories of its own folder, so that a pull with another one
would fail.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest

from machine import Machine, Ran, assert_failed, assert_worked
from project import Project, Token
from registries import ROBOT, TEAM_A, TEAM_B, Registry
from token_server import Account

Pull = Callable[[Machine, Registry, str], Ran]
FOLDERS = {"team-a": TEAM_A, "team-b": TEAM_B, "team": ROBOT}


@pytest.fixture
def registry(asks_for_token: Registry) -> Registry:
    """The one where it matters which account pulls."""
    return asks_for_token


@pytest.fixture
def accounts(project: Project, registry: Registry) -> dict[str, str]:
    """An account for each folder; their ids."""
    return {
        folder: project.keep(f"{registry.host}/{folder}", account.name, account.password)
        for folder, account in FOLDERS.items()
    }


def logged_in(machine: Machine, auths: dict[str, dict[str, str]]) -> Machine:
    """The same machine with these logins in its file, and no helper."""
    encoded = {key: {"auth": base64_of(f"{one['username']}:{one['password']}")} for key, one in auths.items()}
    machine.configure({"auths": encoded})
    return machine


def through_the_command_line(machine: Machine, registry: Registry, repository: str) -> Ran:
    """`regcred pull`, and what it says into a file for skopeo."""
    image = registry.image(repository)
    pulled = machine.run("regcred", "pull", image, "-o", "json")
    if pulled.code:
        return pulled
    login = json.loads(pulled.out)
    return logged_in(machine, {f"{registry.host}/{repository}": login}).inspect(image)


def through_the_kubelet(machine: Machine, registry: Registry, repository: str) -> Ran:
    """The credential provider, and what it answers into a file for skopeo, as the kubelet would use it."""
    image = registry.image(repository)
    provided = machine.provide(image)
    assert_worked(provided)
    answer = json.loads(provided.out)
    assert set(answer) == {"apiVersion", "kind", "cacheKeyType", "cacheDuration", "auth"}
    assert answer["cacheKeyType"] == "Image"
    return logged_in(machine, answer["auth"] or {}).inspect(image)


def through_an_exported_file(machine: Machine, registry: Registry, repository: str) -> Ran:
    """`regcred export` for podman, skopeo and the like: they take the longest path by themselves."""
    export = ["regcred", "export", "--format", "auth-json", "--file", str(machine.config), "--yes", "--force"]
    assert_worked(machine.run(*export))
    return machine.inspect(registry.image(repository))


def through_a_client_that_asks_for_repositories(machine: Machine, registry: Registry, repository: str) -> Ran:
    """Syft asks the helper for the whole repository first."""
    return machine.help_for_all().syft(registry.image(repository))


@pytest.fixture(
    params=[
        through_the_command_line,
        through_the_kubelet,
        through_an_exported_file,
        through_a_client_that_asks_for_repositories,
    ],
    ids=lambda way: way.__name__,
)
def pull(request: pytest.FixtureRequest) -> Pull:
    """Every way that knows the path."""
    return request.param


@pytest.mark.usefixtures("accounts")
def test_each_image_gets_its_own_account(machine: Machine, registry: Registry, pull: Pull) -> None:
    machine.config.parent.mkdir()
    for folder, account in FOLDERS.items():
        before = len(registry.logins)
        assert_worked(pull(machine, registry, f"{folder}/app"))
        assert set(registry.logins[before:]) == {account.name}


@pytest.mark.usefixtures("accounts")
def test_an_account_is_never_used_for_a_name_that_only_begins_like_its_folder(
    machine: Machine, registry: Registry, project: Project, puller: Token, pull: Pull
) -> None:
    machine.config.parent.mkdir()
    before = len(registry.logins)
    pulled = pull(machine, registry, "teamwork/app")
    assert_failed(pulled)
    assert re.search("(?i)unauthorized|no Docker credentials of the project match", pulled.shown), pulled
    assert registry.logins[before:] == []
    refused = project.pull(puller, image=registry.image("teamwork/app"))
    assert (refused.status_code, refused.json()["code"]) == (404, "NO_MATCH")


def test_a_host_alone_gets_no_account_of_a_folder(
    machine: Machine, registry: Registry, accounts: dict[str, str]
) -> None:
    """docker and skopeo name the host alone: none of the accounts may stand for all of it."""
    machine.help_for(registry.host)
    for pulled in (machine.inspect(registry.image("team-a/app")), machine.helper("get", registry.host)):
        assert_failed(pulled, "no Docker credentials of the project match", f"{registry.host}/team-a")
    assert machine.helper("get", registry.host).out == "credentials not found in native keychain\n"


def test_two_accounts_for_all_of_a_host_are_an_error_that_names_both(
    machine: Machine, project: Project, puller: Token, registry: Registry
) -> None:
    ids = {project.keep(registry.host, account.name, account.password) for account in (TEAM_A, TEAM_B)}
    machine.help_for(registry.host)
    assert_failed(machine.inspect(registry.image("team-a/app")), TEAM_A.name, TEAM_B.name)
    answer = project.pull(puller, image=registry.image("team-a/app"))
    assert answer.status_code == 409, answer.text
    candidates = answer.json()["candidates"]
    assert {one["credentialsId"] for one in candidates} == ids
    assert {one["username"] for one in candidates} == {TEAM_A.name, TEAM_B.name}


@pytest.mark.parametrize("account", [TEAM_A, TEAM_B], ids=lambda account: account.name)
def test_a_pin_decides_between_two_accounts(
    machine: Machine, project: Project, puller: Token, registry: Registry, account: Account
) -> None:
    ids = {one.name: project.keep(registry.host, one.name, one.password) for one in (TEAM_A, TEAM_B)}
    image = registry.image(f"{account.folders[0]}/app")
    answer = project.pull(puller, image=image, dockerCredentialsId=ids[account.name])
    assert answer.status_code == 200, answer.text
    login = answer.json()
    assert (login["username"], login["password"]) == (account.name, account.password)
    assert_worked(logged_in(machine, {registry.host: login}).inspect(image))


def base64_of(text: str) -> str:
    """As it stands in the files of registries' clients."""
    return base64.b64encode(text.encode()).decode()
