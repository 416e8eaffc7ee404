"""Where one is logged in: the file is private and whole, its tokens go to their own server only."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from person import Person, assert_failed
from regcred_service import TIMEOUT
from stand_in import ACCOUNTS, Instead, StandIn, platform_stand_in


@pytest.fixture
def other() -> Iterator[StandIn]:
    """Another server, which must not get the tokens of the first."""
    with platform_stand_in() as stand_in:
        yield stand_in


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_private_whatever_the_umask(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path)
    login = f"login {platform.url} --user admin --realm saagie --platform 6 --context work --password-stdin"
    with person.start(login, stdin=subprocess.PIPE, umask=0) as process:
        process.communicate(ACCOUNTS["admin"], timeout=TIMEOUT)
    assert process.returncode == 0
    assert mode(person.contexts) == 0o600
    assert mode(person.contexts.parent) == 0o700
    # Nothing else that lies beside it can be read by others either.
    assert all(mode(path) & 0o077 == 0 for path in person.contexts.parent.iterdir())


def test_a_directory_that_others_can_read_is_closed(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.contexts.parent.mkdir(parents=True, mode=0o755)
    person.log_in(platform)
    assert mode(person.contexts.parent) == 0o700


def test_the_file_holds_no_password(somebody: Person) -> None:
    assert ACCOUNTS["admin"] not in somebody.contexts.read_text()


def test_without_xdg_it_lies_below_the_home(platform: StandIn, tmp_path: Path) -> None:
    class Plain(Person):
        def environment(self) -> dict[str, str]:
            variables = super().environment()
            del variables["XDG_CONFIG_HOME"]
            return variables

    person = Plain(tmp_path)
    person.log_in(platform)
    assert mode(tmp_path / ".config" / "regcred" / "contexts.toml") == 0o600


def test_logins_at_the_same_time_lose_none(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path)
    names = [f"context-{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: person.log_in(platform, context=name), names))
    assert sorted(person.do("context list -o name").split()) == sorted(names)
    for name in names:
        assert person.do(f"project list --context {name} -o name") == "demo\n"


def test_a_login_that_is_killed_leaves_the_file_whole(platform: StandIn, somebody: Person) -> None:
    """Killed at moments all over its work, among them those at which it writes."""
    for number in range(40):
        with somebody.start("login --context work --password-stdin --quiet", stdin=subprocess.PIPE) as process:
            killing = threading.Timer(number / 1000, process.send_signal, [signal.SIGKILL])
            killing.start()
            try:
                process.communicate(ACCOUNTS["admin"], timeout=TIMEOUT)
            except BrokenPipeError:
                pass
            killing.cancel()
        assert somebody.do("context list -o name") == "work\n"
    assert somebody.do("project list -o name") == "demo\n"


@pytest.mark.parametrize("way", ["variable", "flag"])
def test_the_token_of_a_context_goes_to_its_own_server_only(other: StandIn, somebody: Person, way: str) -> None:
    if way == "variable":
        ran = somebody.with_variables(REGCRED_URL=other.url).run("project list")
    else:
        ran = somebody.run(f"project list --url {other.url}")
    assert_failed(ran, 5, other.url, "REGCRED_TOKEN")
    assert other.asked == []


def test_a_token_of_the_environment_goes_where_the_environment_says(
    platform: StandIn, other: StandIn, somebody: Person
) -> None:
    stranger = Person(somebody.home / "stranger")
    stranger.home.mkdir()
    stranger.log_in(other)
    [token] = other.tokens()
    asked = len(platform.asked)

    elsewhere = somebody.with_variables(REGCRED_URL=other.url, REGCRED_TOKEN=token, REGCRED_PLATFORM="6")
    assert elsewhere.do("project list -o name") == "demo\n"

    assert len(platform.asked) == asked
    assert {one.token for one in other.asked[1:]} == {token}

    (somebody.home / "token").write_text(f"{token}\n")
    from_file = somebody.with_variables(
        REGCRED_URL=other.url, REGCRED_TOKEN_FILE=str(somebody.home / "token"), REGCRED_PLATFORM="6"
    )
    assert from_file.do("credentials list --project demo -o json") == "[]\n"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"REGCRED_TOKEN": ""}, "REGCRED_TOKEN"),
        ({"REGCRED_URL": ""}, "REGCRED_URL"),
        ({"REGCRED_TOKEN_FILE": "/no/such/file"}, "REGCRED_TOKEN_FILE"),
        ({"REGCRED_TOKEN": "a", "REGCRED_TOKEN_FILE": "/dev/null"}, "REGCRED_TOKEN_FILE"),
        ({"REGCRED_PLATFORM": "six"}, "REGCRED_PLATFORM"),
        ({"REGCRED_PLATFORM": ""}, "REGCRED_PLATFORM is set, but empty"),
        ({"REGCRED_PROJECT": ""}, "REGCRED_PROJECT is set, but empty"),
        ({"REGCRED_CA_FILE": "/no/such/file"}, "/no/such/file"),
    ],
    ids=str,
)
def test_variables_that_do_not_fit_are_told(
    platform: StandIn, somebody: Person, variables: dict[str, str], told: str
) -> None:
    asked = len(platform.asked)
    ran = somebody.with_variables(**variables).run("project list")
    assert (ran.code, ran.out) == (2, ""), ran
    assert told in ran.err
    assert len(platform.asked) == asked


def test_a_redirect_to_another_server_gets_no_token(platform: StandIn, other: StandIn, somebody: Person) -> None:
    with platform.before(lambda asked: Instead(307, headers={"location": other.url})):
        assert somebody.run("project list").code == 8
    assert other.asked == []


def test_a_password_does_not_cross_a_network_in_the_clear(tmp_path: Path) -> None:
    ran = Person(tmp_path).run("login http://regcred.example --user admin --password-stdin", "secret password")
    assert ran.code in (2, 8)
    assert_failed(ran, ran.code, "--allow-http")
    assert "secret" not in ran.err


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text + "\n[[",
        lambda text: text.replace("platform = 6", 'platform = "six"'),
        lambda text: text.replace("[contexts", "tokn = 'x'\n[contexts", 1),
        lambda text: text.replace('token = "', 'token = 5 # "'),
        lambda _: "\x00\x01\x02",
    ],
    ids=["half of it", "more than it", "another type", "an unknown key", "no token", "rubbish"],
)
@pytest.mark.parametrize("command", ["project list", "context list", "login --context work --password-stdin", "logout"])
def test_a_damaged_file_is_told_and_left_as_it_is(platform: StandIn, somebody: Person, damage: object, command: str) -> None:
    [token] = platform.tokens()
    damaged = damage(somebody.contexts.read_text())  # type: ignore[operator]
    somebody.contexts.write_text(damaged)

    ran = somebody.run(command, ACCOUNTS["admin"])

    assert_failed(ran, 1, str(somebody.contexts))
    assert token not in ran.err
    assert token.split(".")[0] not in ran.err
    assert somebody.contexts.read_text() == damaged


def test_a_home_that_cannot_be_written_is_told(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path)
    (tmp_path / "config").write_text("a file where the directory should be")
    ran = person.run(
        f"login {platform.url} --user admin --realm saagie --platform 6 --password-stdin", ACCOUNTS["admin"]
    )
    assert_failed(ran, 1, "config")


def test_logging_out_forgets_the_token(platform: StandIn, somebody: Person) -> None:
    [token] = platform.tokens()
    somebody.do("logout --quiet")
    assert token not in somebody.contexts.read_text()
    assert os.listdir(somebody.contexts.parent).count("contexts.toml") == 1
    assert platform.count("logout") == 1


def test_who_gives_url_and_token_needs_no_home(platform: StandIn, somebody: Person) -> None:
    somebody.log_in(platform)
    token = re.search(r'token = "(.+)"', somebody.contexts.read_text())[1]
    somebody.contexts.write_text("not TOML at all")
    outside = somebody.with_variables(REGCRED_URL=platform.url, REGCRED_TOKEN=token, REGCRED_PLATFORM="6")
    assert "demo" in outside.do("project list")
    assert "demo" in outside.with_variables(HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent").do("project list")


def test_a_file_that_others_can_read_is_warned_of(somebody: Person) -> None:
    somebody.contexts.chmod(0o640)
    warned = somebody.run("project list")
    assert warned.code == 0
    assert "can be read by others" in warned.err and f"chmod 600 {somebody.contexts}" in warned.err
    somebody.contexts.chmod(0o600)
    assert somebody.run("project list").err == ""


def test_a_token_of_the_environment_goes_to_the_url_beside_it_only(
    platform: StandIn, other: StandIn, tmp_path: Path
) -> None:
    somebody = Person(tmp_path, {"REGCRED_URL": platform.url, "REGCRED_TOKEN": "secret", "REGCRED_PLATFORM": "6"})
    ran = somebody.run(f"project list --url {other.url}")
    assert_failed(ran, 5, other.url)
    assert (platform.asked, other.asked) == ([], [])
    # The same server, however its URL ends.
    assert_failed(somebody.run(f"project list --url {platform.url}/"), 5, "REGCRED_TOKEN")
    assert {one.token for one in platform.asked} == {"secret"}
    # Without a URL beside it, it goes where the flag says.
    alone = Person(tmp_path, {"REGCRED_TOKEN": "secret", "REGCRED_PLATFORM": "6"})
    assert_failed(alone.run(f"project list --url {other.url}"), 5, "REGCRED_TOKEN")
    assert {one.token for one in other.asked} == {"secret"}


def test_a_context_that_is_named_is_meant_as_it_is(platform: StandIn, other: StandIn, somebody: Person) -> None:
    platform.add_project("payments")
    somebody.log_in(other, context="elsewhere")
    exported = somebody.with_variables(
        REGCRED_URL=other.url,
        REGCRED_TOKEN="secret",
        REGCRED_PLATFORM="7",
        REGCRED_CA_FILE="/no/such/file",
        REGCRED_PROJECT="demo",
    )
    asked = len(other.asked)
    exported.do("context use work --project payments")
    exported.do("credentials create --username a --password-stdin --context work", "a password")
    assert [kept.username for kept in platform.project("payments").credentials.values()] == ["a"]
    assert list(platform.project("demo").credentials.values()) == []
    exported.do("logout --context work")
    assert len(other.asked) == asked


def test_flags_beat_variables_at_login(platform: StandIn, tmp_path: Path) -> None:
    person = Person(tmp_path, {"REGCRED_PLATFORM": "7", "REGCRED_REALM": "other"})
    person.do(f"login {platform.url} --user admin --realm saagie --platform 6 --password-stdin", ACCOUNTS["admin"])
    assert "platform = 6" in person.contexts.read_text()
    assert 'realm = "saagie"' in person.contexts.read_text()


def test_logout_forgets_the_token_whatever_is_in_the_way(somebody: Person) -> None:
    text = somebody.contexts.read_text()
    somebody.contexts.write_text(text.replace("platform = 6", 'platform = 6\nca-file = "/no/such/file"'))
    assert "token = " in somebody.contexts.read_text()
    assert_failed(somebody.run("logout"), 2, "the token is forgotten", "/no/such/file")
    assert "token = " not in somebody.contexts.read_text()


def test_a_login_as_somebody_else_does_not_keep_the_project(platform: StandIn, somebody: Person) -> None:
    login = f"login {platform.url} --context work --password-stdin --user"
    somebody.do(f"{login} admin", ACCOUNTS["admin"])
    assert 'project = "demo"' in somebody.contexts.read_text()
    other = next(login for login in ACCOUNTS if login != "admin")
    somebody.do(f"{login} {other}", ACCOUNTS[other])
    assert "project" not in somebody.contexts.read_text()
