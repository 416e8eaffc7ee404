"""`credentials apply`: a plan, then its steps; nothing that is missing is found half-way, no password is shown."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from person import Person, Ran, assert_failed
from regcred_service import TIMEOUT
from stand_in import Asked, Instead, StandIn
from stand_in_data import Kept

SECRET = "hunter2-hunter2"
Couple = tuple[str | None, str]


@pytest.fixture
def somebody(platform: StandIn, tmp_path: Path) -> Person:
    person = Person(tmp_path, {"NEW": "the new password", "OTHER": "the other password"})
    person.log_in(platform)
    return person


def write(somebody: Person, text: str, name: str = "team.yaml") -> None:
    (somebody.home / name).write_text(text)


def passwords(platform: StandIn) -> dict[Couple, str]:
    """All passwords of the project, by registry and username."""
    return {kept.couple: kept.password for kept in all_kept(platform)}


def all_kept(platform: StandIn) -> list[Kept]:
    return list(platform.project("demo").credentials.values())


def changes(platform: StandIn) -> list[str]:
    """The operations that changed something, or were to."""
    return [asked.operation for asked in platform.asked if asked.document.startswith("mutation")]


MIXED = """\
project: demo
credentials:
  - username: new
    registry: ghcr.io
    password: env:NEW
  - username: old
    password: env:OTHER
  - username: fresh
    password: env:NEW
    passwordChanged: 2001-02-03
  - username: stale
    password: env:NEW
    passwordChanged: 2999-01-01T00:00:00Z
"""
PLAN = """\
create     new at ghcr.io
upgrade    old at Docker Hub
unchanged  fresh at Docker Hub
upgrade    stale at Docker Hub
"""


@pytest.fixture
def mixed(platform: StandIn, somebody: Person) -> None:
    for username in ("old", "fresh", "stale", "left"):
        platform.add_credentials(platform.project("demo"), username)
    write(somebody, MIXED)


@pytest.mark.usefixtures("mixed")
def test_the_plan_is_shown_and_done(platform: StandIn, somebody: Person) -> None:
    out = somebody.do("credentials apply -f team.yaml")

    assert out == (
        f"{PLAN}plan: 1 to create, 2 to upgrade, 1 unchanged, 0 to prune; 1 not in the file are left alone\n"
        "applied: 1 created, 2 upgraded, 1 unchanged, 0 pruned\n"
    )
    before = "a password from before"
    assert passwords(platform) == {
        ("ghcr.io", "new"): "the new password",
        (None, "old"): "the other password",
        (None, "fresh"): before,
        (None, "stale"): "the new password",
        (None, "left"): before,
    }


@pytest.mark.usefixtures("mixed")
def test_a_dry_run_changes_nothing(platform: StandIn, somebody: Person) -> None:
    before = passwords(platform)
    out = somebody.do("credentials apply -f team.yaml --dry-run --prune")
    assert out.startswith(f"{PLAN}prune      left at Docker Hub\n")
    assert changes(platform) == []
    assert passwords(platform) == before


@pytest.mark.usefixtures("mixed")
def test_prune_deletes_what_is_not_in_the_file(platform: StandIn, somebody: Person) -> None:
    assert_usage(somebody.run("credentials apply -f team.yaml --prune"), "--yes")
    assert changes(platform) == []

    somebody.do("credentials apply -f team.yaml --prune --yes")

    assert sorted(kept.username for kept in all_kept(platform)) == ["fresh", "new", "old", "stale"]
    assert changes(platform)[-1] == "deleteDockerCredentials"


@pytest.mark.usefixtures("mixed")
def test_the_report_for_scripts(platform: StandIn, somebody: Person) -> None:
    dry = json.loads(somebody.do("credentials apply -f team.yaml --dry-run -o json"))
    done = json.loads(somebody.do("credentials apply -f team.yaml -o json"))

    actions = ["create", "upgrade", "unchanged", "upgrade"]
    assert (dry["dryRun"], dry["leftAlone"], done["dryRun"], done["leftAlone"]) == (True, 1, False, 1)
    assert [step["action"] for step in dry["steps"]] == [step["action"] for step in done["steps"]] == actions
    assert dry["steps"][0] == {
        "action": "create",
        "username": "new",
        "registry": "ghcr.io",
        "id": None,
        "outcome": "not attempted",
    }
    ids = {kept.couple: kept.id for kept in all_kept(platform)}
    for step in done["steps"]:
        assert step["outcome"] == "done"
        assert step["id"] == ids[step["registry"], step["username"]]
    assert somebody.do("credentials apply -f team.yaml -o name").split() == [step["id"] for step in done["steps"]]
    assert somebody.do("credentials apply -f team.yaml --quiet") == ""


def test_every_kind_of_reference(platform: StandIn, somebody: Person) -> None:
    folder = somebody.home / "elsewhere"
    folder.mkdir()
    # A relative path begins at the file's directory; the line break at the end is no part of the password.
    write(somebody, "from a file\n", "elsewhere/hub")
    write(somebody, "from another\n", "absolute")
    write(
        somebody,
        "credentials:\n"
        "  - {username: a, password: 'env:NEW'}\n"
        "  - {username: b, password: 'file:hub'}\n"
        f"  - {{username: c, password: 'file:{somebody.home}/absolute'}}\n"
        "  - {username: d, password: stdin}\n",
        "elsewhere/team.yaml",
    )
    ran = somebody.run("credentials apply -f elsewhere/team.yaml --quiet", "from a pipe\n")
    assert ran == Ran(0, "", "")
    assert [kept.password for kept in all_kept(platform)] == [
        "the new password",
        "from a file",
        "from another",
        "from a pipe",
    ]


def test_json_is_as_good_as_yaml(platform: StandIn, somebody: Person) -> None:
    entries = [{"username": "ci-bot", "registry": "ghcr.io", "password": "env:NEW"}]
    write(somebody, json.dumps({"project": "demo", "credentials": entries}), "team.json")
    somebody.do("credentials apply -f team.json")
    assert passwords(platform) == {("ghcr.io", "ci-bot"): "the new password"}


def test_the_file_may_come_from_standard_input(platform: StandIn, somebody: Person) -> None:
    somebody.do("credentials apply -f -", "credentials: [{username: ci-bot, password: 'env:NEW'}]")
    assert passwords(platform) == {(None, "ci-bot"): "the new password"}
    ran = somebody.run("credentials apply -f -", "credentials: [{username: ci-bot, password: stdin}]")
    assert_usage(ran, "standard input")


def test_a_file_goes_to_its_own_project_only(platform: StandIn, somebody: Person) -> None:
    platform.add_project("payments")
    write(somebody, "project: payments\ncredentials: [{username: a, password: 'env:NEW'}]")
    somebody.do("credentials apply -f team.yaml")
    assert [kept.username for kept in platform.project("payments").credentials.values()] == ["a"]
    somebody.do("credentials apply -f team.yaml --project payments")
    for elsewhere in (
        somebody.run("credentials apply -f team.yaml --project demo"),
        somebody.with_variables(REGCRED_PROJECT="demo").run("credentials apply -f team.yaml --prune --yes"),
    ):
        assert_usage(elsewhere, "payments", "demo")
    assert all_kept(platform) == []


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:ABSENT", "ABSENT"),
        ("env:EMPTY", "EMPTY"),
        ("file:absent", "absent"),
        ("file:empty", "empty"),
        ("stdin", "empty"),
    ],
)
def test_a_password_that_is_missing_stops_it_before_anything_is_sent(
    platform: StandIn, somebody: Person, reference: str, told: str
) -> None:
    write(somebody, "\n", "empty")
    write(
        somebody,
        f"credentials:\n  - {{username: a, password: 'env:NEW'}}\n  - {{username: b, password: '{reference}'}}\n",
    )
    asked = len(platform.asked)
    ran = somebody.with_variables(EMPTY="").run("credentials apply -f team.yaml", "")
    assert_usage(ran, told)
    assert len(platform.asked) == asked


REFUSED = {
    "a password in the file": (f"credentials: [{{username: a, password: {SECRET}}}]", "env:NAME"),
    "a password that looks like a reference": (f"credentials: [{{username: a, password: 'pass:{SECRET}'}}]", "env:NAME"),
    "a number": ("credentials: [{username: a, password: 12345678}]", "env:NAME"),
    "a list": (f"credentials: [{{username: a, password: [{SECRET}]}}]", ""),
    "the same twice": (
        "credentials: [{username: a, password: 'env:NEW'}, {username: a, registry: null, password: 'env:OTHER'}]",
        "a at Docker Hub",
    ),
    "standard input twice": (
        "credentials: [{username: a, password: stdin}, {username: b, password: stdin}]",
        "standard input",
    ),
    "an unknown key": ("credentials: []\nprojct: demo", "projct"),
    "an unknown key of an entry": (f"credentials: [{{username: a, passwd: {SECRET}}}]", "passwd"),
    "no password": ("credentials: [{username: a}]", "password"),
    "no username": ("credentials: [{password: 'env:NEW'}]", "username"),
    "no credentials": ("project: demo", "credentials"),
    "a date that is none": (
        "credentials: [{username: a, password: 'env:NEW', passwordChanged: yesterday}]",
        "passwordChanged",
    ),
    "broken YAML": (f"credentials:\n  - username: a\n   password: {SECRET}\n", ""),
    "a quote that is not closed": (f'credentials:\n  - username: a\n    password: "{SECRET}\n', ""),
    "broken JSON": (f'{{"credentials": [{{"username": "a", "password": "{SECRET}"', ""),
    "a tag": (f"credentials: [{{username: a, password: !{SECRET} x}}]", ""),
    "an alias": (f"x: &{SECRET.replace('-', '')} 1\ncredentials: [{{username: a, password: *nothing}}]", ""),
    "a key twice": (f"credentials: [{{username: a, password: 'env:NEW', password: {SECRET}}}]", ""),
    "another document": ("credentials: []\n---\ncredentials: []\n", ""),
    "a text": (SECRET, ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_does_not_fit_is_refused_without_showing_it(
    platform: StandIn, somebody: Person, case: str
) -> None:
    text, told = REFUSED[case]
    write(somebody, text)
    asked = len(platform.asked)

    ran = somebody.run("credentials apply -f team.yaml", "a password")

    assert_usage(ran, told)
    # Words of the library that reads it, which are for programmers.
    assert not re.search(r"from_str|Policy|serde|struct ", ran.err), ran
    assert SECRET not in ran.err
    assert SECRET.replace("-", "") not in ran.err
    assert len(platform.asked) == asked


def test_a_file_that_is_not_there_or_no_text_is_told(somebody: Person) -> None:
    assert_usage(somebody.run("credentials apply -f absent.yaml"), "absent.yaml")
    assert_usage(somebody.run("credentials apply -f ."), "cannot be read")
    (somebody.home / "binary").write_bytes(b"\xff\xfe\x00")
    assert_usage(somebody.run("credentials apply -f binary"), "binary")


@pytest.mark.parametrize(
    ("instead", "code"),
    [
        (Instead(cut=True), 7),
        (Instead(502, b"<html>"), 7),
        (Instead(401), 5),
        (Instead(200, b"<html>", {"content-type": "text/html"}), 8),
    ],
    ids=["cut", "502", "401", "html"],
)
def test_a_server_that_fails_half_way(platform: StandIn, somebody: Person, instead: Instead, code: int) -> None:
    entries = "".join(f"  - {{username: {name}, password: 'env:NEW'}}\n" for name in "abcde")
    write(somebody, f"credentials:\n{entries}")

    def third_fails(asked: Asked) -> Instead | None:
        return instead if asked.variables.get("input", {}).get("username") == "c" else None

    with platform.before(third_fails):
        ran = somebody.run("credentials apply -f team.yaml")

    assert ran.code == code
    # Only a token that is refused is known to have changed nothing.
    third = "failed" if code == 5 else "may be done"
    outcomes = ["done", "done", third, "not attempted", "not attempted"]
    steps = zip(outcomes, "abcde", strict=True)
    assert ran.lines()[-5:] == [f"{outcome:<13}  create     {name} at Docker Hub" for outcome, name in steps]
    assert "create c at Docker Hub: " in ran.err
    assert "2 changes are done, 2 were not attempted" in ran.err
    assert "\nhint: " in ran.err
    assert changes(platform).count("createDockerCredentials") == 3
    assert [kept.username for kept in all_kept(platform)] == ["a", "b"]

    # Run again it goes on.
    somebody.do("credentials apply -f team.yaml")
    assert [kept.username for kept in all_kept(platform)] == list("abcde")


def test_a_failure_in_the_report_for_scripts(platform: StandIn, somebody: Person) -> None:
    write(somebody, "credentials: [{username: a, password: 'env:NEW'}, {username: b, password: 'env:NEW'}]")

    def first_fails(asked: Asked) -> Instead | None:
        return Instead(502) if asked.operation == "createDockerCredentials" else None

    with platform.before(first_fails):
        ran = somebody.run("credentials apply -f team.yaml -o json")
    assert ran.code == 7
    assert [step["outcome"] for step in json.loads(ran.out)["steps"]] == ["may be done", "not attempted"]


def test_a_file_can_hold_as_much_as_a_project(somebody: Person) -> None:
    entries = [{"username": f"user{number}", "registry": "ghcr.io", "password": "env:ABSENT"} for number in range(50_000)]
    write(somebody, json.dumps({"credentials": entries}))
    assert_usage(somebody.run("credentials apply -f team.yaml"), "ABSENT is not set")


def test_what_reads_standard_input_ends_at_ctrl_c(platform: StandIn, somebody: Person) -> None:
    for command in (
        "credentials create --username a --password-stdin",
        "credentials apply -f -",
        f"login {platform.url} --user admin --password-stdin",
    ):
        with somebody.start(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            # It listens from its first moment on; before that the signal itself ends it.
            deadline = time.monotonic() + TIMEOUT
            while process.poll() is None:
                assert time.monotonic() < deadline, f"it does not end: {command}"
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            assert process.returncode in (130, -signal.SIGINT), command


def test_credentials_in_use_are_not_pruned(platform: StandIn, somebody: Person) -> None:
    kept = platform.add_credentials(platform.project("demo"), "used", "ghcr.io")
    kept.jobs.append({"id": "0cb2662f-84eb-4a7d-93cb-2340f7773bce", "name": "nightly"})
    write(somebody, "credentials: []")
    ran = somebody.run("credentials apply -f team.yaml --prune --yes")
    assert ran.code == 4
    assert "used at ghcr.io, which 1" in ran.out
    assert all_kept(platform) == [kept]


def test_three_hundred_entries(platform: StandIn, somebody: Person) -> None:
    entries = "".join(
        f"  - {{username: robot-{number}, registry: 'registry-{number % 7}.example', password: 'env:NEW'}}\n"
        for number in range(300)
    )
    write(somebody, f"credentials:\n{entries}")
    assert "applied: 300 created, 0 upgraded" in somebody.do("credentials apply -f team.yaml")
    assert len(all_kept(platform)) == 300
    # One list, and a change for each.
    assert platform.count("allDockerCredentials") == 1
    assert platform.count("createDockerCredentials") == 300
    assert "applied: 0 created, 300 upgraded" in somebody.do("credentials apply -f team.yaml")


def assert_usage(ran: Ran, *words: str) -> None:
    """Refused as used wrongly; a plan that was shown before is no harm."""
    assert_failed(Ran(ran.code, "", ran.err), 2, *words)
