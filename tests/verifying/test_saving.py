"""Passwords are tried at real registries before they are saved, and rotated while skopeo pulls with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cases import WRONG, Places
from machine import Machine, assert_unauthorized, assert_worked
from project import Project
from registries import ROBOT, TEAM_A, reference
from regcred_service import Server
from token_server import Account


@pytest.fixture
def hosts(everywhere: Places) -> dict[str, str]:
    return everywhere.hosts


def create(editor: Machine, host: str, account: Account, *more: str) -> tuple[int, str]:
    """Exit code and standard error of `credentials create`."""
    named = ["--username", account.name, "--registry", host]
    ran = editor.regcred("credentials", "create", *named, *more, "--password-stdin", stdin=account.password)
    return ran.code, ran.err


def kept(editor: Machine) -> dict[str, str]:
    """Of each registry what is known of the credentials for it."""
    usage = json.loads(editor.regcred("credentials", "usage", "-o", "json").out)
    return {one["registryKey"]: (one["verification"] or {}).get("verdict") for one in usage}


@pytest.mark.parametrize("place", ["with passwords", "with tokens", "of a private authority"])
def test_a_wrong_password_is_not_saved_and_a_right_one_is(editor: Machine, hosts: dict[str, str], place: str) -> None:
    code, said = create(editor, hosts[place], WRONG, "--verify")
    assert code == 9 and "nothing was saved (rejected)" in said, said
    assert WRONG.password not in said and kept(editor) == {}
    assert create(editor, hosts[place], ROBOT, "--verify=proved") == (0, "tried before: ok: they work\n")
    assert kept(editor) == {hosts[place]: "OK"}

    named = ["--username", ROBOT.name, "--registry", hosts[place]]
    ran = editor.regcred("credentials", "upgrade", *named, "--verify", "--password-stdin", stdin=WRONG.password)
    assert ran.code == 9 and "nothing was saved (rejected)" in ran.err, ran
    assert kept(editor) == {hosts[place]: "OK"}, "the old password is what it was"


@pytest.mark.parametrize(
    ("place", "verdict"),
    [("open", "unverifiable"), ("self-signed", "unreachable"), ("429 at once", "rate limited"), ("not listed", "blocked")],
)
def test_what_cannot_be_proved_is_a_choice(editor: Machine, hosts: dict[str, str], place: str, verdict: str) -> None:
    code, said = create(editor, hosts[place], ROBOT, "--verify=proved")
    assert code == 9 and f"({verdict.replace(' ', '_')})" in said, said
    assert kept(editor) == {}
    code, said = create(editor, hosts[place], ROBOT, "--verify")
    assert code == 0 and said.startswith(f"tried before: {verdict}: "), said
    assert kept(editor) == {hosts[place]: verdict.upper().replace(" ", "_")}


def test_an_image_that_is_kept_is_tried_with_every_verification(editor: Machine, hosts: dict[str, str]) -> None:
    host = hosts["with tokens"]
    code, said = create(editor, host, TEAM_A, "--verify", "--probe", f"{host}/team-b/app:1.0")
    assert code == 9 and "nothing was saved (no_pull_right)" in said, said
    assert create(editor, host, TEAM_A, "--verify", "--probe", f"{host}/team-a/app:1.0")[0] == 0
    assert editor.regcred("verify").code == 0
    named = ["--username", TEAM_A.name, "--registry", host]
    other = ["--probe", f"{host}/team-b/app:1.0", "--password-stdin"]
    assert editor.regcred("credentials", "upgrade", *named, *other, stdin=TEAM_A.password).code == 0
    ran = editor.regcred("verify")
    assert ran.code == 9 and "no pull right" in ran.out, ran


def test_what_the_project_demands_goes_for_the_platforms_own_requests(
    editor: Machine, project: Project, hosts: dict[str, str]
) -> None:
    project.ask(
        "mutation($id: UUID!) { done: editProject(project: {id: $id, verifyBeforeSaving: PROVED}) { id } }", id=project.id
    )
    assert "proved" in editor.regcred("project", "settings", project.name).out
    assert editor.regcred("project", "settings", project.name, "--grace-period-days", "1").code == 6
    code, said = create(editor, hosts["with passwords"], WRONG)
    assert code == 9 and "(rejected)" in said, said
    assert create(editor, hosts["with passwords"], ROBOT) == (0, "")
    assert kept(editor) == {hosts["with passwords"]: "OK"}


def test_a_rotation_as_skopeo_sees_it(
    editor: Machine, project: Project, server: Server, hosts: dict[str, str], tmp_path: Path
) -> None:
    host = hosts["with passwords"]
    image = reference(host, "team/app")
    project.keep(host, WRONG.name, WRONG.password)
    home = tmp_path / "node"
    home.mkdir()
    node = Machine.of(home, server, project.token("PULL")).help_for(host)
    assert_unauthorized(node.inspect(image))

    named = ["--username", ROBOT.name, "--registry", host]
    staged = editor.regcred("credentials", "stage", *named, "--password-stdin", stdin=ROBOT.password)
    assert staged.code == 0 and "staged version 2" in staged.out, staged
    assert_unauthorized(node.inspect(image))
    assert editor.regcred("verify", *named, "--version", "1").code == 9
    assert editor.regcred("verify", *named, "--version", "2").code == 0
    assert editor.regcred("credentials", "promote", *named).code == 0
    assert_worked(node.inspect(image))

    refused = editor.regcred("credentials", "rollback", *named)
    assert refused.code == 4 and "rejected" in refused.err, refused
    assert editor.regcred("credentials", "rollback", *named, "--force").code == 0
    assert_unauthorized(node.inspect(image))
    assert editor.regcred("credentials", "rollback", *named).code == 0
    assert_worked(node.inspect(image))
    versions = editor.regcred("credentials", "versions", *named)
    assert [line.split()[:2] for line in versions.out.splitlines()[1:]] == [["2", "current"], ["1", "previous"]]
