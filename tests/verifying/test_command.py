"""`regcred verify` at a command line: one, a project, all projects; what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import pytest

from cases import WRONG, Places
from machine import Machine, Ran
from project import Project
from registries import ROBOT, TEAM_A
from regcred_service import TIMEOUT, Server


def verified(ran: Ran) -> dict[str, Any]:
    """Of each registry key what is said of its credentials."""
    return {one["registryKey"]: one for one in json.loads(ran.out)}


def words(ran: Ran) -> str:
    """What is printed, whatever the width of columns."""
    return " ".join(ran.out.split())


@pytest.fixture
def hosts(everywhere: Places) -> dict[str, str]:
    return everywhere.hosts


def test_a_whole_project(editor: Machine, project: Project, hosts: dict[str, str]) -> None:
    project.keep(hosts["with passwords"], ROBOT.name, ROBOT.password)
    bad = project.keep(hosts["with tokens"], WRONG.name, WRONG.password)
    project.keep(hosts["open"], ROBOT.name, ROBOT.password)
    project.keep(hosts["self-signed"], ROBOT.name, ROBOT.password)

    ran = editor.regcred("verify")
    assert ran.code == 9, ran
    assert ran.err.startswith("error: 1 of 4 credentials do not work at their registry\nhint: give the right passwords")
    said = words(ran)
    assert said.startswith("REGISTRY USERNAME VERDICT CHECKED NOTE")
    for place, verdict in {
        "with passwords": "ok",
        "with tokens": "rejected",
        "open": "unverifiable",
        "self-signed": "unreachable",
    }.items():
        assert f"{hosts[place]} {ROBOT.name} {verdict} 20" in said
    assert "give the right password with `regcred credentials upgrade`" in said

    data = verified(editor.regcred("verify", "-o", "json"))
    one = data[hosts["with tokens"]]
    assert (one["id"], one["verdict"], one["version"], one["project"]) == (bad, "REJECTED", 1, project.id)
    assert data[hosts["open"]]["verdict"] == "UNVERIFIABLE"
    assert editor.regcred("verify", "-o", "name").out == f"{bad}\n"
    assert len(editor.regcred("verify", "--strict", "-o", "name").out.splitlines()) == 3

    # It is shown where one looks for what is known of credentials.
    usage = json.loads(editor.regcred("credentials", "usage", "-o", "json").out)
    assert {one["registryKey"]: one["verification"]["verdict"] for one in usage} == {
        host: one["verdict"] for host, one in data.items()
    }
    assert "rejected 20" in words(editor.regcred("credentials", "usage"))
    explained = editor.regcred("pull", f"{hosts['with tokens']}/team/app:1", "--explain", "-o", "json")
    assert json.loads(explained.out)["candidates"][0]["verification"]["verdict"] == "REJECTED"


def test_what_is_not_proved_is_no_failure_unless_it_is_to_be(
    editor: Machine, project: Project, hosts: dict[str, str]
) -> None:
    for place in ("open", "self-signed", "429 at once", "not listed"):
        project.keep(hosts[place], ROBOT.name, ROBOT.password)
    ran = editor.regcred("verify", "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    verdicts = {host: one["verdict"] for host, one in verified(ran).items()}
    assert verdicts == {
        hosts["open"]: "UNVERIFIABLE",
        hosts["self-signed"]: "UNREACHABLE",
        hosts["429 at once"]: "RATE_LIMITED",
        hosts["not listed"]: "BLOCKED",
    }
    strict = editor.regcred("verify", "--strict", "-o", "json")
    assert strict.code == 9
    assert strict.err.startswith("error: 4 of 4 credentials are not known to work\nhint: ")


def test_one_with_an_image_to_pull(editor: Machine, project: Project, hosts: dict[str, str]) -> None:
    host = hosts["with tokens"]
    credentials = project.keep(host, TEAM_A.name, TEAM_A.password)
    project.keep(hosts["with passwords"], WRONG.name, WRONG.password)
    one = ["verify", "--id", credentials]
    works = editor.regcred(*one, "--probe", f"{host}/team-a/app:1.0")
    assert (works.code, works.err) == (0, "")
    assert hosts["with passwords"] not in works.out
    named = ["verify", "--username", TEAM_A.name, "--registry", host]
    refused = editor.regcred(*named, "--probe", f"{host}/team-b/app:1.0")
    assert refused.code == 9
    assert "no pull right" in refused.out and "may not pull that image" in words(refused)

    for given, code, said in [
        (["--probe", "ghcr.io/x"], 2, "required"),
        (["--id", credentials, "--probe", "Not An Image"], 8, "hint: mend the probe"),
        (["--id", "00000000-0000-4000-8000-000000000000"], 3, "hint: look what there is"),
        (["--username", "nobody", "--registry", host], 3, "nobody"),
        (["--all-projects", "--id", credentials], 2, "cannot be used with"),
    ]:
        ran = editor.regcred("verify", *given)
        assert (ran.code, ran.out) == (code, ""), ran
        assert said in ran.err, ran


def test_all_projects_of_the_caller(
    editor: Machine, project: Project, server: Server, hosts: dict[str, str]
) -> None:
    other, foreign = Project(server), Project(server)
    for one in (project, other, foreign):
        one.keep(hosts["with passwords"], ROBOT.name, ROBOT.password)
    editor.variables["REGCRED_TOKEN"] = project.token("EDIT", other).text
    ran = editor.regcred("verify", "--all-projects")
    assert (ran.code, ran.err) == (0, ""), ran
    assert words(ran).startswith("PROJECT REGISTRY USERNAME VERDICT CHECKED NOTE")
    assert project.name in ran.out and other.name in ran.out and foreign.name not in ran.out
    in_json = json.loads(editor.regcred("verify", "--all-projects", "-o", "json").out)
    assert {one["project"] for one in in_json} == {project.id, other.id}

    # What one may only see is told, and is no failure where nobody asked for it in particular.
    editor.variables["REGCRED_TOKEN"] = project.token("VIEW", other).text
    ran = editor.regcred("verify", "--all-projects", "-o", "json")
    assert ran.code == 0, ran
    assert {one["verdict"] for one in json.loads(ran.out)} == {None}
    ran = editor.regcred("verify")
    assert (ran.code, ran.out) == (6, ""), ran


def test_ctrl_c_ends_after_those_under_way(
    editor: Machine, project: Project, everywhere: Places, hosts: dict[str, str]
) -> None:
    silent = everywhere.odd["silent"]
    before = len(silent.seen)
    for number in range(8):
        project.keep(f"{hosts['silent']}/team-{number}", ROBOT.name, ROBOT.password)
    with editor.start("regcred", "verify", "-o", "json") as process:
        while len(silent.seen) == before:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=2 * TIMEOUT)
    assert process.returncode == 130
    assert "ending after the step under way" in err
    assert "error: interrupted: 4 of 8 were tried" in err
    verdicts = [one["verdict"] for one in json.loads(out)]
    assert verdicts == ["UNREACHABLE"] * 4 + [None] * 4


def test_the_second_ctrl_c_ends_at_once(
    editor: Machine, project: Project, everywhere: Places, hosts: dict[str, str]
) -> None:
    silent = everywhere.odd["silent"]
    before = len(silent.seen)
    project.keep(hosts["silent"], ROBOT.name, ROBOT.password)
    with editor.start("regcred", "verify", stderr=subprocess.PIPE) as process:
        while len(silent.seen) == before:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "ending after the step under way" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "interrupted: 0 of 1 were tried" in err
    assert "they may have been tried" in out


def test_an_empty_project_has_nothing_to_try(editor: Machine) -> None:
    ran = editor.regcred("verify")
    assert (ran.code, ran.out, ran.err) == (0, "", "there are none\n")

