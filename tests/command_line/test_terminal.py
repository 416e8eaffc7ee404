"""At a terminal: passwords are asked for and not shown, deleting is confirmed, Ctrl-C ends in good order."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from person import Person
from regcred import Regcred, regcred_service
from regcred_service import TIMEOUT, unique
from stand_in import ACCOUNTS, Asked, Instead, StandIn
from terminal import CTRL_C, at_terminal

INTERRUPTED = 130


class Holding:
    """A hook that holds one operation until it is released, and tells when it has come."""

    def __init__(self, operation: str, number: int = 1) -> None:
        self._operation = operation
        self._left = number
        self.arrived, self.release = threading.Event(), threading.Event()

    def __call__(self, asked: Asked) -> Instead | None:
        if asked.operation == self._operation:
            self._left -= 1
            if self._left == 0:
                self.arrived.set()
                assert self.release.wait(TIMEOUT)
        return None


def test_a_password_is_asked_for_and_not_shown(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path)
    login = f"login {platform.url} --user admin --realm saagie --platform 6 --context work"
    with at_terminal(person, login) as terminal:
        terminal.wait_for("Password of admin: ")
        terminal.type(ACCOUNTS["admin"] + "\n")
        assert terminal.end() == 0
    assert terminal.seen == f"Password of admin: \nlogged in to {platform.url} as admin; the context is work\n"


def test_the_password_of_new_credentials_is_asked_for(platform: StandIn, somebody: Person) -> None:
    with at_terminal(somebody, "credentials create --username ci-bot --registry ghcr.io") as terminal:
        terminal.wait_for("Password of ci-bot at ghcr.io: ")
        terminal.type("typed by hand\n")
        assert terminal.end() == 0
    assert "typed" not in terminal.seen
    assert [kept.password for kept in platform.project("demo").credentials.values()] == ["typed by hand"]


def test_two_passwords_that_differ_change_nothing(platform: StandIn, somebody: Person) -> None:
    with at_terminal(somebody, "user reset-password mia") as terminal:
        terminal.wait_for("Password of mia: ")
        terminal.type("one\n")
        terminal.wait_for("Again: ")
        terminal.type("another\n")
        assert terminal.end() == 2
    assert "error: the two passwords differ" in terminal.text
    assert platform.count("resetPassword") == 0


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 130, 1), ("\n", 130, 1), ("\x04", 130, 1)])
def test_deleting_is_confirmed(platform: StandIn, somebody: Person, answer: str, code: int, left: int) -> None:
    platform.add_credentials(platform.project("demo"), "ci-bot")
    with at_terminal(somebody, "credentials delete --username ci-bot") as terminal:
        terminal.wait_for("[y/N] ")
        assert "ci-bot at Docker Hub" in terminal.seen
        terminal.type(answer)
        assert terminal.end() == code
    assert len(platform.project("demo").credentials) == left


@pytest.mark.parametrize(
    ("command", "prompt"),
    [
        ("login --context work", "Password of admin: "),
        ("credentials create --username ci-bot", "Password of ci-bot at Docker Hub: "),
        ("user reset-password mia", "Password of mia: "),
        ("user password", "now: "),
        ("credentials delete --username old", "[y/N] "),
        ("project delete demo", "[y/N] "),
    ],
)
def test_ctrl_c_at_a_question_ends_it(platform: StandIn, somebody: Person, command: str, prompt: str) -> None:
    """What is typed shows again afterwards, and nothing was done; `Terminal.end` looks at the terminal."""
    platform.add_credentials(platform.project("demo"), "old")
    contexts, asked = somebody.contexts.read_bytes(), len(platform.asked)
    with at_terminal(somebody, command) as terminal:
        terminal.wait_for(prompt)
        terminal.type("half a passw")
        terminal.type(CTRL_C)
        assert terminal.end() == INTERRUPTED
    assert "error: interrupted" in terminal.text
    assert "may have been made" not in terminal.text
    assert somebody.contexts.read_bytes() == contexts
    changes = [one.operation for one in platform.asked[asked:] if one.document.startswith("mutation")]
    assert changes == []
    assert len(platform.project("demo").credentials) == 1


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        ("login", "login --context work --password-stdin"),
        ("allDockerCredentials", "credentials list"),
        ("createDockerCredentials", "credentials create --username ci-bot --password-stdin"),
        ("logout", "logout"),
    ],
)
def test_ctrl_c_during_a_slow_request_ends_it(
    platform: StandIn, somebody: Person, operation: str, command: str
) -> None:
    contexts = somebody.contexts.read_bytes()
    hold = Holding(operation)
    with platform.before(hold), somebody.start(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(ACCOUNTS["admin"])
        process.stdin.close()
        assert hold.arrived.wait(TIMEOUT)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == INTERRUPTED
        hold.release.set()
        assert process.stdout and process.stderr
        assert process.stdout.read() == ""
        assert process.stderr.read().startswith("error: interrupted")
    assert somebody.contexts.read_bytes() == contexts


def test_ctrl_c_during_apply_ends_after_the_step_under_way(platform: StandIn, somebody: Person) -> None:
    names = ["a", "b", "c", "d", "e"]
    entries = "".join(f"  - {{username: {name}, password: 'env:PW'}}\n" for name in names)
    (somebody.home / "team.yaml").write_text(f"credentials:\n{entries}")
    hold = Holding("createDockerCredentials", 2)
    with (
        platform.before(hold),
        somebody.with_variables(PW="a password").start("credentials apply -f team.yaml") as process,
    ):
        assert hold.arrived.wait(TIMEOUT)
        process.send_signal(signal.SIGINT)
        # It waits for the answer to what it has sent, so it is still there when this comes.
        hold.release.set()
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == INTERRUPTED
    steps = [re.split("  +", line) for line in out.splitlines()[-len(names) :]]
    done = [words[-1] for words in steps if words[0] == "done"]
    # Ctrl-C and the answer come at the same time, so one more step may be under way.
    assert 2 <= len(done) < len(names)
    assert [words[0] for words in steps] == ["done"] * len(done) + ["not attempted"] * (len(names) - len(done)), out
    assert f"{len(done)} changes are done, {len(names) - len(done)} were not attempted" in err
    kept = [f"{kept.username} at Docker Hub" for kept in platform.project("demo").credentials.values()]
    assert kept == done == [f"{name} at Docker Hub" for name in names[: len(done)]]


@pytest.mark.parametrize("flags", ["--quiet", "-o json"])
def test_nobody_is_asked_to_prune_without_seeing_what(platform: StandIn, somebody: Person, flags: str) -> None:
    platform.add_credentials(platform.project("demo"), "old")
    (somebody.home / "team.yaml").write_text("credentials: []\n")
    with at_terminal(somebody, f"credentials apply -f team.yaml --prune {flags}") as terminal:
        terminal.wait_for("Delete 1 credentials? [y/N] ")
        assert "prune      old at Docker Hub\nplan: " in terminal.text
        terminal.type("n\n")
        assert terminal.end() == INTERRUPTED
    assert len(platform.project("demo").credentials) == 1


def test_a_second_ctrl_c_ends_apply_at_once(platform: StandIn, somebody: Person) -> None:
    (somebody.home / "team.yaml").write_text("credentials:\n  - {username: a, password: 'env:PW'}\n")
    hold = Holding("createDockerCredentials")
    person = somebody.with_variables(PW="a password")
    with platform.before(hold), at_terminal(person, "credentials apply -f team.yaml") as terminal:
        assert hold.arrived.wait(TIMEOUT)
        assert terminal.type_until_end(CTRL_C) == INTERRUPTED
        hold.release.set()
    assert "may have been made all the same" in terminal.text
    assert "may be done    create     a at Docker Hub" in terminal.text


@pytest.fixture(scope="module")
def regcred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regcred]:
    with regcred_service(tmp_path_factory.mktemp("admin")) as service:
        yield service


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", INTERRUPTED), (CTRL_C, INTERRUPTED)])
def test_an_export_is_asked_for_below_what_is_written(
    regcred: Regcred, tmp_path: Path, typed: str, code: int
) -> None:
    project = unique("exported")
    regcred.project(project)
    entries = "".join(f"  - {{username: bot, registry: r{n:02}.example, password: 'env:PW'}}\n" for n in range(23))
    (tmp_path / "team.yaml").write_text(f"credentials:\n{entries}")
    admin = regcred.admin.with_variables(PW="an exported password")
    admin.do(f"credentials apply -f {tmp_path}/team.yaml --project {project} --quiet")
    puller = regcred.puller(tmp_path / "puller", regcred.token(project, "pull"))
    with at_terminal(puller, "export --format auth-json --file out") as terminal:
        terminal.wait_for("[y/N] ")
        shown = terminal.text.splitlines()
        terminal.type(typed)
        assert terminal.end() == code
    assert shown == [
        *(f"bot at r{n:02}.example" for n in range(20)),
        "and 3 more",
        "Write 23 passwords in the clear to out? Each is pulled, which the audit trail records. [y/N] ",
    ]
    assert "\\u{" not in terminal.text and "an exported password" not in terminal.text
    assert (puller.home / "out").exists() == (code == 0)
    usage = json.loads(regcred.admin.do(f"credentials usage --project {project} -o json"))
    assert sum(one["pulls"] for one in usage) == (23 if code == 0 else 0)


LOGINS = {"auths": {f"r{n}.example": {"username": "ada", "password": "an imported password"} for n in range(5)}}


@pytest.mark.parametrize("flags", ["", "--quiet", "-o json"])
@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", INTERRUPTED), (CTRL_C, INTERRUPTED)])
def test_an_import_is_asked_for_below_its_plan(
    platform: StandIn, somebody: Person, typed: str, code: int, flags: str
) -> None:
    (somebody.home / "logins.json").write_text(json.dumps(LOGINS))
    with at_terminal(somebody, f"import logins.json {flags}") as terminal:
        terminal.wait_for("[y/N] ")
        shown = terminal.text.splitlines()
        terminal.type(typed)
        assert terminal.end() == code
    assert shown == [
        *(f"create     ada at r{n}.example" for n in range(5)),
        "plan: 5 to create, 0 to overwrite, 0 there already, 0 skipped",
        "Import 5 credentials? [y/N] ",
    ]
    assert "\\u{" not in terminal.text and "an imported password" not in terminal.text
    assert len(platform.project("demo").credentials) == (5 if code == 0 else 0)


def test_the_progress_of_an_import_is_seen(platform: StandIn, somebody: Person) -> None:
    (somebody.home / "logins.json").write_text(json.dumps(LOGINS))
    hold = Holding("createDockerCredentials", 3)
    with platform.before(hold), at_terminal(somebody, "import logins.json --yes") as terminal:
        assert hold.arrived.wait(TIMEOUT)
        terminal.wait_for("2/5 ada at r2.example")
        hold.release.set()
        assert terminal.end() == 0
    assert terminal.text.rstrip().endswith("imported: 5 created, 0 overwritten, 0 left as they are, 0 skipped")


def test_an_import_that_fails_says_how_far_it_came(platform: StandIn, somebody: Person) -> None:
    (somebody.home / "logins.json").write_text(json.dumps(LOGINS))
    left = [2]

    def refuse(asked: Asked) -> Instead | None:
        if asked.operation != "createDockerCredentials":
            return None
        left[0] -= 1
        return None if left[0] >= 0 else Instead(403, b"")

    with platform.before(refuse), at_terminal(somebody, "import logins.json") as terminal:
        terminal.wait_for("[y/N] ")
        terminal.type("y\n")
        assert terminal.end() == 6
    # The bar, which is taken away again, stood on the line of the first.
    assert re.findall(r"(done|failed|not attempted) +create +ada at (r\d)\.example\n", terminal.text) == [
        ("done", "r0"),
        ("done", "r1"),
        ("failed", "r2"),
        ("not attempted", "r3"),
        ("not attempted", "r4"),
    ]
    assert "2 changes are done, 2 were not attempted" in terminal.text
    assert len(platform.project("demo").credentials) == 2


def test_a_table_fits_the_terminal(platform: StandIn, somebody: Person) -> None:
    long = "registry.example:5000/" + "/".join(["a-rather-long-path"] * 6)
    platform.add_credentials(platform.project("demo"), "somebody-with-quite-a-long-name@example.org", long)
    for columns in (40, 80, 120):
        with at_terminal(somebody, "credentials list", columns) as terminal:
            assert terminal.end() == 0
        assert max(map(len, terminal.text.splitlines())) <= columns, terminal.text
        assert "somebody" in terminal.text


@pytest.mark.parametrize("command", ["credentials list", "credentials list -o json", "help exit-codes", "man"])
def test_a_closed_pipe_is_quiet(platform: StandIn, somebody: Person, command: str) -> None:
    for number in range(300):
        platform.add_credentials(platform.project("demo"), f"robot-{number}")
    with somebody.start(command) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        err = process.stderr.read()
        code = process.wait(TIMEOUT)
    assert err == ""
    assert code == 0


def test_a_pipe_that_closes_after_the_first_line_is_quiet(platform: StandIn, somebody: Person) -> None:
    for number in range(3_000):
        platform.add_credentials(platform.project("demo"), f"robot-{number}")
    with somebody.start("credentials list") as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline().startswith("USERNAME")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(TIMEOUT) == 0
