"""`docker login` and `docker logout`, which keep an account in regcred and take it out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from machine import Machine, assert_failed, assert_unauthorized, assert_worked
from project import Project
from recorder import Recorder
from registries import PUSHER, ROBOT, Registry

WAYS = {"one registry": Machine.help_for, "all registries": lambda machine, _: machine.help_for_all()}


@pytest.fixture
def editor(
    machine: Machine, project: Project, registry: Registry, tmp_path: Path, request: pytest.FixtureRequest
) -> Recorder:
    """A machine whose token may edit, and no more."""
    variables = {**machine.variables, "REGCRED_TOKEN": project.token("EDIT").text}
    return Recorder.on(WAYS[request.param](Machine(tmp_path, variables), registry.host), tmp_path / "recorder")


@pytest.mark.parametrize("editor", WAYS, indirect=True)
def test_docker_logs_in_and_out(editor: Recorder, machine: Machine, project: Project, registry: Registry) -> None:
    """The helper may be that of one registry, or of all."""
    docker = editor.machine.docker
    login = ["login", registry.host, "--username", ROBOT.name, "--password-stdin"]
    assert_worked(docker(*login, stdin=ROBOT.password), "Login Succeeded")
    assert project.kept() == [(registry.host, ROBOT.name)]
    stored = [json.loads(call.sent) for call in editor.calls() if call.argument == "store"]
    assert stored == [{"ServerURL": registry.host, "Username": ROBOT.name, "Secret": ROBOT.password}]
    assert ROBOT.password not in editor.machine.config.read_text()
    # What was kept is what pulls; the editor's token itself gets no password out.
    assert_worked(machine.manifest(registry.image()))
    assert_failed(editor.machine.manifest(registry.image()), "pull")

    editor.calls()
    assert_worked(docker("logout", registry.host), "Removing login credentials")
    assert project.kept() == []
    erased = [call for call in editor.calls() if call.argument == "erase"]
    # docker takes away all spellings that it ever used; they are one registry.
    assert registry.host in {call.sent for call in erased}
    assert {call.sent.removeprefix("http://").removeprefix("https://") for call in erased} == {registry.host}
    assert {call.answered for call in erased} == {""}
    assert_failed(machine.manifest(registry.image()), "no Docker credentials of the project match")


@pytest.mark.parametrize("editor", WAYS, indirect=True)
def test_a_wrong_password_is_not_kept(editor: Recorder, project: Project, registry: Registry) -> None:
    login = ["login", registry.host, "--username", ROBOT.name, "--password-stdin"]
    assert_unauthorized(editor.machine.docker(*login, stdin="wrong"))
    assert project.kept() == []
    assert "store" not in {call.argument for call in editor.calls()}
    # Nor does it push out the right one.
    assert_worked(editor.machine.docker(*login, stdin=ROBOT.password), "Login Succeeded")
    assert_unauthorized(editor.machine.docker(*login, stdin="wrong"))
    assert project.kept() == [(registry.host, ROBOT.name)]
    assert project.pull(project.token("PULL"), server=registry.host).json()["password"] == ROBOT.password


@pytest.mark.parametrize("editor", WAYS, indirect=True)
def test_a_second_account_is_not_kept(editor: Recorder, project: Project, registry: Registry) -> None:
    """It would make pulls ambiguous."""
    project.keep(registry.host, ROBOT.name, ROBOT.password)
    other = ["login", registry.host, "--username", PUSHER.name, "--password-stdin"]
    assert_failed(editor.machine.docker(*other, stdin=PUSHER.password), "another account", ROBOT.name)
    assert project.kept() == [(registry.host, ROBOT.name)]


def test_a_token_that_pulls_neither_logs_in_nor_out(machine: Machine, project: Project, registry: Registry) -> None:
    machine.help_for(registry.host)
    project.keep(registry.host, ROBOT.name, ROBOT.password)
    login = ["login", registry.host, "--username", ROBOT.name, "--password-stdin"]
    assert_failed(machine.docker(*login, stdin=ROBOT.password), "may not", "edit")
    machine.docker("logout", registry.host)
    assert project.kept() == [(registry.host, ROBOT.name)]
