"""Every command that asks a server, where the server is away, slow, or something else.

Each fails in time with the exit code of its kind, a line that says what is wrong and one that says what to do, and says
nothing of passwords and tokens, even where the answer repeats them.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands import LOCAL, every_command
from person import Person, Ran, assert_failed, assert_no_secret
from stand_in import ACCOUNTS, Asked, Hook, Instead, StandIn, platform_stand_in

ID = "0cb2662f-84eb-4a7d-93cb-2340f7773bce"
PASSWORD = "the password that nobody may see"
MANIFEST = "project: demo\ncredentials:\n  - {username: ci-bot, password: stdin}\n"
LOGINS = '{"auths": {"ghcr.io": {"username": "ci-bot", "password": "another password that nobody may see"}}}'

# Every command that asks a server, in a form in which it asks nobody else.
COMMANDS = {
    "login": "{url} --user admin --realm saagie --platform 6 --password-stdin",
    "logout": "",
    "project list": "",
    "project show": "demo",
    "project create": "Payments",
    "project delete": "demo --yes",
    "project settings": "demo",
    "project member list": "",
    "project member set": "mia --role editor",
    "project member remove": "mia",
    "credentials list": "",
    "credentials create": "--username ci-bot --password-stdin",
    "credentials get": f"--id {ID}",
    "credentials upgrade": f"--id {ID} --password-stdin",
    "credentials stage": f"--id {ID} --password-stdin",
    "credentials promote": f"--id {ID}",
    "credentials rollback": f"--id {ID}",
    "credentials versions": f"--id {ID}",
    "credentials destroy-version": f"--id {ID} --version 1 --yes",
    "credentials delete": "--username ci-bot --yes",
    "credentials apply": "-f team.yaml",
    "credentials usage": "",
    "job list": "",
    "job create": "nightly --image ghcr.io/team/app",
    "job upgrade": "nightly --image ghcr.io/team/app",
    "job delete": "nightly --yes",
    "app list": "",
    "app create": "web --image ghcr.io/team/app",
    "app upgrade": "web --image ghcr.io/team/app",
    "app delete": "web --yes",
    "pull": "ghcr.io/team/app",
    "verify": "",
    "export": "--format auth-json --file auth.json --yes",
    "import": "logins.json --yes",
    "token create": "--right view",
    "token list": "",
    "token revoke": f"{ID} --yes",
    "user create": "mia --server --password-stdin",
    "user list": "",
    "user update": "mia --admin true",
    "user delete": "mia --yes",
    "user password": "--password-stdin",
    "user reset-password": "mia --password-stdin",
}


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong on the way, and what is to be told of it."""

    code: int
    # In this time, besides what it takes to start and end a process.
    seconds: float
    hook: Hook | None = None
    # A server that is gone has closed its port.
    gone: bool = False


UNREACHABLE, REFUSED = 7, 8
# Seconds after which the commands are told to give up, and those that a process may take besides, on a busy machine.
PATIENCE, SLACK = 2, 2


def page(asked: Asked) -> bytes:
    """What a proxy says, which is unwise enough to show what it was sent."""
    return f"<html><body>Sign in first. You sent {asked.token} and {asked.variables}.</body></html>".encode()


def instead(status: int = 200, body: bytes = b"", length: int | None = None, **headers: str) -> Hook:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: Instead(status, body, named, length)


TROUBLES = {
    "nobody listens": Trouble(UNREACHABLE, PATIENCE, gone=True),
    "no answer": Trouble(UNREACHABLE, PATIENCE),
    "a page of a proxy": Trouble(
        REFUSED, PATIENCE, lambda asked: Instead(200, page(asked), {"content-type": "text/html"})
    ),
    "JSON that ends too early": Trouble(
        REFUSED, PATIENCE, instead(200, b'{"data":{"projects":[{"id":"', content_type="application/json")
    ),
    "JSON of something else": Trouble(
        REFUSED, PATIENCE, instead(200, b'{"data":{"weather":"fine"}}', content_type="application/json")
    ),
    "a gateway without a server": Trouble(
        UNREACHABLE, PATIENCE, lambda asked: Instead(502, page(asked), {"content-type": "text/html"})
    ),
    "a redirect": Trouble(REFUSED, PATIENCE, instead(302, location="http://127.0.0.1:1/elsewhere")),
    "nothing at all": Trouble(REFUSED, PATIENCE, instead()),
    "a failure of the server": Trouble(REFUSED, PATIENCE, instead(500, b"oh dear", content_type="text/plain")),
    "a connection that is cut": Trouble(UNREACHABLE, PATIENCE, lambda asked: Instead(cut=True)),
    "an answer that is cut": Trouble(
        UNREACHABLE, PATIENCE, instead(200, b'{"data":', 4096, content_type="application/json")
    ),
}


@dataclass(frozen=True)
class Outcomes:
    """What all commands came to in one trouble."""

    ran: dict[str, Ran]
    seconds: dict[str, float]
    secrets: dict[str, str]


@pytest.fixture(scope="module", params=TROUBLES)
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """All commands in a trouble, several at a time, each in a home where somebody has logged in before it began."""
    folder = tmp_path_factory.mktemp("homes")
    trouble = TROUBLES[request.param]
    with platform_stand_in() as platform:
        somebody = Person(folder / "somebody")
        somebody.home.mkdir()
        (somebody.home / "team.yaml").write_text(MANIFEST)
        (somebody.home / "logins.json").write_text(LOGINS)
        somebody.log_in(platform)
        [token] = platform.tokens()
        if not trouble.gone:
            with in_trouble(platform, trouble):
                return all_of_them(platform.url, somebody, folder, token)
    return all_of_them(platform.url, somebody, folder, token)


def test_these_are_all_commands_that_ask_a_server() -> None:
    assert COMMANDS.keys() | LOCAL == every_command()


@pytest.mark.parametrize("command", COMMANDS)
def test_it_fails_in_time_and_says_why(request: pytest.FixtureRequest, outcomes: Outcomes, command: str) -> None:
    trouble = TROUBLES[request.node.callspec.params["outcomes"]]
    ran = outcomes.ran[command]
    assert_failed(ran, trouble.code)
    assert "panicked" not in ran.err
    assert_no_secret(ran.err, outcomes.secrets)
    assert outcomes.seconds[command] < trouble.seconds + SLACK


class in_trouble:
    """While this lasts, the stand-in is in trouble; those whom it leaves waiting are let go at the end."""

    def __init__(self, platform: StandIn, trouble: Trouble) -> None:
        self._over = threading.Event()
        self._before = platform.before(trouble.hook or self._never)

    def _never(self, _asked: Asked) -> Instead:
        self._over.wait()
        return Instead(cut=True)

    def __enter__(self) -> None:
        self._before.__enter__()

    def __exit__(self, *error: object) -> None:
        self._before.__exit__(None, None, None)
        self._over.set()


def all_of_them(url: str, somebody: Person, folder: Path, token: str) -> Outcomes:
    def run(command: str) -> tuple[Ran, float]:
        twin = somebody.twin(folder / command.replace(" ", "-"))
        line = f"{command} {COMMANDS[command]} --timeout {PATIENCE}".format(url=url)
        # The command that changes one's own password takes two lines, and all others this as one password.
        stdin = f"{PASSWORD}\n{PASSWORD}" if command == "user password" else PASSWORD
        start = time.monotonic()
        return twin.run(line, stdin), time.monotonic() - start

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        done = dict(zip(COMMANDS, pool.map(run, COMMANDS)))
    secrets = {"the token": token, "the password": PASSWORD, "the password of the login": ACCOUNTS["admin"]}
    return Outcomes(
        {command: ran for command, (ran, _) in done.items()},
        {command: seconds for command, (_, seconds) in done.items()},
        secrets,
    )


CHANGES = {
    "createDockerCredentials": ("credentials create --username new --password-stdin", PASSWORD),
    "updateDockerCredentials": ("credentials upgrade --username ci-bot --password-stdin", PASSWORD),
    "deleteDockerCredentials": ("credentials delete --username ci-bot --yes", None),
    "createProject": ("project create Payments", None),
    "deleteProject": ("project delete demo --yes", None),
}


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("status", [502, None], ids=["a gateway without a server", "a connection that is cut"])
def test_a_change_without_an_answer_is_sent_once_and_told_as_uncertain(
    platform: StandIn, somebody: Person, operation: str, status: int | None
) -> None:
    platform.add_credentials(platform.project("demo"), "ci-bot")
    command, stdin = CHANGES[operation]

    def lose_the_answer(asked: Asked) -> Instead | None:
        lost = Instead(status, b"<html>") if status else Instead(cut=True)
        return lost if asked.operation == operation else None

    with platform.before(lose_the_answer):
        ran = somebody.run(command, stdin)

    assert_failed(ran, UNREACHABLE, "may have been made all the same", "hint: look with ")
    assert platform.count(operation) == 1


def test_what_only_reads_is_tried_again(platform: StandIn, somebody: Person) -> None:
    once = iter([Instead(502, b"<html>")])

    with platform.before(lambda asked: next(once, None)):
        assert somebody.do("project list -o name") == "demo\n"
    assert platform.count("projects") == 2


def test_a_token_that_ran_out_says_how_to_go_on(platform: StandIn, somebody: Person) -> None:
    platform.expire_all_tokens()

    ran = somebody.run("credentials list")

    assert_failed(ran, 5, "ran out or was revoked", "hint: log in again with `regcred login --context work`")
    somebody.do("login --context work --quiet --password-stdin", ACCOUNTS["admin"])
    assert somebody.do("project list -o name") == "demo\n"


def test_a_platform_with_another_number_is_not_found(somebody: Person) -> None:
    ran = somebody.run("project list --platform 7")
    assert ran.code in (3, 8)
    assert_failed(ran, ran.code, "platform")


def test_what_does_not_speak_http_is_told(somebody: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def greet() -> None:
            # Each attempt is greeted, until the port is closed.
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1 << 16)
                        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        greeting = threading.Thread(target=greet, daemon=True)
        greeting.start()
        elsewhere = somebody.with_variables(
            REGCRED_URL=f"http://127.0.0.1:{listening.getsockname()[1]}", REGCRED_TOKEN="some-token"
        )
        ran = elsewhere.run("project create Payments --timeout 5")
    assert ran.code in (UNREACHABLE, REFUSED)
    assert_failed(ran, ran.code)


# Processes at once: more than that only wait for one another.
AT_A_TIME = 12
