"""Known passwords and tokens, and every place where a pull could leave one behind."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from canaries import Canaries
from every_way import dump_the_helper, export_in_every_way, import_in_every_way, install, pull_in_every_way
from machine import Machine, assert_failed, assert_worked
from project import Project
from registries import ROBOT, TEAM_A, TEAM_B, Registry
from regcred_service import TIMEOUT, running


@dataclass(frozen=True)
class Left:
    """What pulls left behind."""

    canaries: Canaries
    # The service's folder, its log at its most talkative, and the working directory with whatever was dumped there.
    data: Path
    log: bytes
    dumped: Path
    machine: Machine
    in_processes: list[str]
    # What our programs printed where they are to print no secret.
    printed: bytes
    # The service's own limits, the soft and the hard one.
    core_limit: list[tuple[str, str]]


@pytest.fixture(scope="module")
def left(
    tmp_path_factory: pytest.TempPathFactory, asks_for_password: Registry, asks_for_token: Registry
) -> Left:
    """Pulls in every way, good and bad, until everything has been killed with a core file asked for."""
    folder = tmp_path_factory.mktemp("canaries")
    data, dumped, home = folder / "data", folder / "dumped", folder / "home"
    dumped.mkdir()
    home.mkdir()
    allow_core = ["bash", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"', str(dumped)]
    with running(data=data, settings={"REGCRED_LOG": "trace"}, before=allow_core) as server:
        project = Project(server)
        project.keep(f"{asks_for_token.host}/team-a", TEAM_A.name, TEAM_A.password)
        puller, editor = project.token("PULL"), project.token("EDIT")
        canaries = Canaries(
            {
                "the password of the robot": ROBOT.password,
                "the password of team a": TEAM_A.password,
                "the password of team b": TEAM_B.password,
                "the token that pulls": puller.text,
                "the token that edits": editor.text,
            }
        )
        # In a file, as a secret is given to a container, and with the cache on.
        secret = folder / "token"
        secret.write_text(editor.text)
        machine = Machine(
            home,
            {
                "REGCRED_URL": server.url,
                "REGCRED_PROJECT": project.name,
                "REGCRED_TOKEN_FILE": str(secret),
                "REGCRED_HELPER_CACHE": "5m",
            },
        )
        with canaries.in_processes() as in_processes:
            printed = import_in_every_way(machine, folder, asks_for_password, asks_for_token)
            # The robot at both registries, and the account of team a that was there.
            assert len(project.kept()) == 3
            secret.write_text(puller.text)
            printed += install(machine, puller.text, asks_for_password, asks_for_token)
            pull_in_every_way(machine, asks_for_password, asks_for_token)
            printed += export_in_every_way(machine, folder / "exported", asks_for_password)
            secret.write_text(editor.text)
            login = ["login", asks_for_token.host, "--username", ROBOT.name, "--password-stdin"]
            assert_worked(machine.docker(*login, stdin=ROBOT.password))
            assert_failed(machine.docker(*login, stdin=TEAM_B.password))
            assert_failed(machine.inspect(asks_for_token.image()))
            secret.write_text(puller.text)
        dump_the_helper(machine, dumped, asks_for_password)
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        core_limit = re.findall(r"Max core file size +(\d+) +(\d+)", limits)
        os.kill(server.pid, signal.SIGABRT)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        log = server.log.read_bytes()
    return Left(canaries, data, log, dumped, machine, in_processes, "".join(printed).encode(), core_limit)


def test_no_process_shows_a_secret(left: Left) -> None:
    assert left.in_processes == []


def test_no_secret_is_printed_where_none_was_asked_for(left: Left) -> None:
    """By import, export to a file, installing, and looking for what is wrong."""
    assert len(left.printed) > 1000
    assert left.canaries.within(left.printed, "what was printed") == []


def test_no_secret_in_the_log(left: Left) -> None:
    assert left.log.count(b'"route":"/api/v1/pull","status":200') > 10, "pulls are logged"
    assert left.canaries.within(left.log, "the log") == []


def test_no_secret_in_the_database(left: Left) -> None:
    """And in its log of writes, and in the audit trail, which lies in it."""
    assert (left.data / "regcred.db-wal").stat().st_size > 0
    assert left.canaries.in_folder(left.data, but=[left.data / "kek"]) == []


def test_no_secret_where_images_are_pulled(left: Left) -> None:
    """In no temporary file, no client's file, and not in the helper's cache, which is there."""
    kept = [file for file in (left.machine.home / ".cache" / "regcred").rglob("*") if file.is_file()]
    assert kept, "the helper keeps answers"
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept), kept
    # The helper's configuration holds its token, as it was told to; nobody else reads it, and passwords are not in it.
    configuration = left.machine.home / ".config" / "regcred" / "helper.toml"
    assert configuration.stat().st_mode & 0o077 == 0
    found = left.canaries.within(configuration.read_bytes(), "it")
    assert names(found) == {"the token that pulls"}
    assert left.canaries.in_folder(left.machine.home, but=[configuration]) == []


def test_no_core_file_is_written(left: Left) -> None:
    """Service and helper were killed in the midst of it, where a core file was allowed."""
    assert left.core_limit == [("0", "0")]
    assert list(left.dumped.iterdir()) == []


@pytest.mark.parametrize("secret", [ROBOT.password, "rc_token-0123456789"])
def test_the_search_finds_what_is_there(secret: str, tmp_path: Path) -> None:
    canaries = Canaries({"it": secret})
    login = base64.b64encode(f"robot$team:{secret}".encode()).decode()
    planted = [
        f"password={secret};",
        json.dumps({"auths": {"host": {"auth": login}}}),
        json.dumps({"Secret": secret}),
        json.dumps({"Secret": secret}, ensure_ascii=False),
        urlencode({"password": secret}),
        f"https://robot:{quote(secret, safe='')}@host/",
        secret.encode().hex(),
    ]
    for number, text in enumerate(planted):
        file = tmp_path / "folder" / f"{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        assert canaries.in_folder(tmp_path), text
        file.write_text("nothing")
        assert canaries.in_folder(tmp_path) == []


def test_the_search_finds_what_a_process_shows() -> None:
    canaries = Canaries({"an argument": "a planted argument", "a variable": "a planted variable"})
    with canaries.in_processes() as found:
        words = ["sh", "-c", "read line", "a planted argument"]
        variables = {"PATH": os.environ["PATH"], "IT": "a planted variable"}
        with subprocess.Popen(words, env=variables, stdin=subprocess.PIPE) as process:
            give_up = time.monotonic() + TIMEOUT
            while len(names(found)) < 2 and time.monotonic() < give_up:
                time.sleep(0.01)
            process.kill()
    assert names(found) == {"an argument", "a variable"}


def names(found: list[str]) -> set[str]:
    """Which secrets were found."""
    return {hit.split(" is in ")[0] for hit in found}

