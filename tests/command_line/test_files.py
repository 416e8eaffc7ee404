"""`export`, `import` and `pull` on a real service: what one writes the other reads, and nothing is told to nobody."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from person import Person, Ran, assert_failed
from regcred import Regcred, regcred_service
from regcred_service import TIMEOUT, unique

HUB = "https://index.docker.io/v1/"
# Passwords that files could break: quotes, colons, control characters, other scripts.
PASSWORDS = {
    (None, "ada"): 'a "quoted": password\\',
    ("ghcr.io", "bot"): "with\ttabs and \u001b[31m and ünï©ödé 🗝",
    ("localhost:5000/team", "robot$name"): "a:b:c",
}


@pytest.fixture(scope="module")
def regcred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regcred]:
    with regcred_service(tmp_path_factory.mktemp("admin")) as service:
        yield service


@pytest.fixture
def filled(regcred: Regcred) -> str:
    """A project with credentials."""
    project = unique("filled")
    regcred.project(project)
    for (registry, username), password in PASSWORDS.items():
        regcred.credentials(project, f"'{username}'", registry, password)
    return project


@pytest.fixture
def puller(regcred: Regcred, filled: str, tmp_path: Path) -> Person:
    return regcred.puller(tmp_path / "puller", regcred.token(filled, "pull"))


def test_a_password_comes_out_as_it_went_in(regcred: Regcred, puller: Person) -> None:
    for image, place in (
        ("alpine", (None, "ada")),
        ("ghcr.io/acme/app:1", ("ghcr.io", "bot")),
        ("localhost:5000/team/app@sha256:" + "0" * 64, ("localhost:5000/team", "robot$name")),
    ):
        pulled = json.loads(puller.do(f"pull {image} -o json"))
        assert (pulled["username"], pulled["password"]) == (place[1], PASSWORDS[place])
        assert puller.do(f"pull {image} --password-stdout") == PASSWORDS[place] + "\n"
        shown = puller.run(f"pull {image}")
        assert shown.code == 0 and PASSWORDS[place] not in shown.out + shown.err


def test_two_accounts_are_ambiguous_until_one_is_named(regcred: Regcred, filled: str, puller: Person) -> None:
    regcred.credentials(filled, "second", "ghcr.io", "second's")
    assert_failed(puller.run("pull ghcr.io/acme/app"), 4, "bot", "second")
    explained = puller.run("pull ghcr.io/acme/app --explain -o json")
    assert explained.code == 4
    told = json.loads(explained.out)
    assert told["outcome"] == "AMBIGUOUS" and told["chosen"] is None
    second = next(one["credentialsId"] for one in told["candidates"] if one["username"] == "second")
    assert puller.do(f"pull ghcr.io/acme/app --credentials-id {second} --password-stdout") == "second's\n"

    assert_failed(puller.run("export --format auth-json --file a.json --yes"), 4, "bot, second", "--username")
    assert not (puller.home / "a.json").exists()
    puller.do("export --format auth-json --file a.json --yes --username second --quiet")
    auth = json.loads((puller.home / "a.json").read_text())["auths"]["ghcr.io"]["auth"]
    assert base64.b64decode(auth) == b"second:second's"


@pytest.mark.parametrize("form", ["config-json", "auth-json", "kubernetes"])
def test_what_is_exported_is_imported_again(
    regcred: Regcred, puller: Person, tmp_path: Path, form: str
) -> None:
    # docker takes the account of a path for all of its host.
    left_out = {("localhost:5000/team", "robot$name")} if form == "config-json" else set()
    export = f"export --format {form} --file out --yes"
    if left_out:
        assert_failed(puller.run(export), 8, "localhost:5000/team", "--hosts-only")
        export += " --hosts-only"
    ran = puller.run(export)
    assert ran.code == 0 and ran.out == f"wrote {3 - len(left_out)} credentials to out\n"
    # What is left out, or what the kubelet takes for more than it is.
    assert ("localhost:5000/team" in ran.err) == (form != "auth-json")
    file = puller.home / "out"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = unique("again")
    regcred.project(again)
    regcred.admin.do(f"import {file} --project {again} --yes --quiet")
    assert regcred.listed(again) == set(PASSWORDS) - left_out
    second = regcred.puller(tmp_path / "second", regcred.token(again, "pull"))
    second.run(export)
    assert (second.home / "out").read_bytes() == file.read_bytes()


def test_the_variable_goes_the_same_way(regcred: Regcred, tmp_path: Path) -> None:
    project, again = unique("hosts"), unique("again")
    regcred.project(project)
    regcred.project(again)
    regcred.credentials(project, "ada", None, "ada's")
    person = regcred.puller(tmp_path / "puller", regcred.token(project, "pull"))
    text = person.do("export --format docker-auth-config --yes")
    assert json.loads(text) == {"auths": {HUB: {"auth": base64.b64encode(b"ada:ada's").decode()}}}
    assert regcred.admin.run(f"import - --project {again} --yes --quiet", text) == Ran(0, "", "")
    assert regcred.listed(again) == {(None, "ada")}


def test_an_export_asks_and_overwrites_nothing(puller: Person) -> None:
    assert_failed(puller.run("export --format auth-json --file out"), 2, "--yes")
    assert_failed(puller.run("export --format auth-json"), 2, "--yes")
    (puller.home / "out").write_text("mine")
    assert_failed(puller.run("export --format auth-json --file out --yes"), 4, "--force")
    assert (puller.home / "out").read_text() == "mine"
    puller.do("export --format auth-json --file out --yes --force --quiet")
    assert "auths" in (puller.home / "out").read_text()
    assert stat.S_IMODE((puller.home / "out").stat().st_mode) == 0o600


def test_an_export_that_cannot_be_written_pulls_nothing(regcred: Regcred, filled: str, puller: Person) -> None:
    ran = puller.run("export --format auth-json --file absent/out --yes --quiet")
    assert_failed(ran, 1, "absent/out cannot be written", "nothing was pulled")
    os.mkfifo(puller.home / "pipe")
    ran = puller.run("export --format auth-json --file pipe --yes --force --quiet")
    assert_failed(ran, 1, "no plain file", "nothing was pulled")
    usage = json.loads(regcred.admin.do(f"credentials usage --project {filled} -o json"))
    assert [one["pulls"] for one in usage] == [0, 0, 0]
    assert [file.name for file in puller.home.iterdir() if file.is_file()] == []


def test_what_an_export_is_asked_for_in_vain_is_told(puller: Person) -> None:
    ran = puller.run("export --format auth-json --file out --yes --username bot --username nosuch")
    assert_failed(ran, 3, '"nosuch"')
    for flag in ("--name pull", "--namespace apps"):
        assert_failed(puller.run(f"export --format auth-json --file out --yes {flag}"), 2, "--format kubernetes")
    assert not (puller.home / "out").exists()


def test_only_a_token_that_may_pull_exports(regcred: Regcred, filled: str, tmp_path: Path) -> None:
    admin = regcred.admin.run(f"export --project {filled} --format auth-json --file out --yes")
    assert_failed(admin, 6, "token create --right pull")
    viewer = regcred.puller(tmp_path / "viewer", regcred.token(filled, "view"))
    assert_failed(viewer.run("export --format auth-json --file out --yes"), 6)
    assert not (viewer.home / "out").exists()


def test_a_registry_where_an_image_is_expected_is_pointed_out(puller: Person) -> None:
    for arguments, pointed_out in (("ghcr.io", True), ("ghcr.io/team/app", False), ("--server ghcr.io", False)):
        explained = puller.run(f"pull {arguments} --explain")
        assert ("give --server ghcr.io" in explained.err) is pointed_out, explained


def test_each_export_is_counted_as_pulls(regcred: Regcred, filled: str, puller: Person) -> None:
    puller.do("export --format auth-json --file out --yes --quiet")
    usage = json.loads(regcred.admin.do(f"credentials usage --project {filled} -o json"))
    assert [one["pulls"] for one in usage] == [1, 1, 1]
    assert {one["lastUsedBy"]["name"] for one in usage} == {"pull"}


def test_each_exported_password_is_in_the_audit_trail(tmp_path: Path) -> None:
    data, passwords = tmp_path / "data", {**PASSWORDS, ("ghcr.io", "second"): "left out"}
    with regcred_service(tmp_path / "admin", data) as regcred:
        regcred.project("audited")
        for (registry, username), password in passwords.items():
            regcred.credentials("audited", f"'{username}'", registry, password)
        puller = regcred.puller(tmp_path / "puller", regcred.token("audited", "pull"))
        (token,) = json.loads(regcred.admin.do("token list --project audited -o json"))
        puller.do("export --format auth-json --file out --yes --quiet --username bot -o json")
        assert_failed(puller.run("export --format auth-json --file out --yes"), 4)
    with contextlib.closing(sqlite3.connect(data / "regcred.db")) as database:
        trail = [json.loads(event) for (event,) in database.execute("SELECT event FROM audit_event ORDER BY sequence")]
    pulled = [event for event in trail if event["action"]["type"] == "credentials_pulled"]
    # One for each password that was written, and none for those of the run that came to nothing.
    places = [(event["action"]["registry_key"], event["action"]["username"]) for event in pulled]
    assert sorted(places) == sorted((registry or "docker.io", username) for registry, username in PASSWORDS)
    assert {(event["actor"]["kind"], event["actor"]["id"]) for event in pulled} == {("token", token["id"])}


def test_an_import_tells_what_is_odd(regcred: Regcred, tmp_path: Path) -> None:
    project = unique("odd")
    regcred.project(project)
    regcred.credentials(project, "bot", "GHCR.io", "bot's")
    login = {"username": "bot", "password": "another"}
    auths = {
        "https://ghcr.io/v2/": login,
        "https://quay.io/": {"username": "ada", "password": "pw"},
        "quay.io": {"username": "ada", "password": "pw"},
        "user@host": login,
        "empty.example": {},
    }
    file = tmp_path / "odd.json"
    file.write_text(json.dumps({"auths": auths, "credsStore": "pass"}))

    plan = regcred.admin.do(f"import {file} --project {project} --dry-run")
    lines = plan.splitlines()
    assert lines[0].startswith("exists     bot at GHCR.io: ")
    assert lines[1].startswith('skip       ada at https://quay.io/: the same registry and username as "quay.io"')
    assert lines[2] == "create     ada at quay.io"
    assert lines[3].startswith("skip       bot at user@host: ")
    assert lines[4].startswith("skip       empty.example: is empty")
    assert any("--docker-config" in line for line in lines[5:])
    assert any('"https://ghcr.io/v2/" is taken as "ghcr.io"' in line for line in lines[5:])
    assert lines[-1] == "plan: 1 to create, 0 to overwrite, 1 there already, 3 skipped"
    assert regcred.listed(project) == {("GHCR.io", "bot")}

    regcred.admin.do(f"import {file} --project {project} --yes --quiet")
    person = regcred.puller(tmp_path / "puller", regcred.token(project, "pull"))
    assert person.do("pull ghcr.io/app --password-stdout") == "bot's\n"
    regcred.admin.do(f"import {file} --project {project} --yes --overwrite --quiet")
    assert person.do("pull ghcr.io/app --password-stdout") == "another\n"
    assert regcred.listed(project) == {("GHCR.io", "bot"), ("quay.io", "ada")}


def auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def test_what_the_service_would_refuse_is_skipped_before_anything_is_done(regcred: Regcred, tmp_path: Path) -> None:
    project = unique("limits")
    regcred.project(project)
    skipped = {
        "long.example": ({"username": "u" * 256, "password": "pw"}, "more than 255 characters"),
        "control.example": (auth("a\tb", "pw"), "control characters"),
        "colon.example": ({"username": "a:b", "password": "pw"}, "a colon"),
        "large.example": (auth("ada", "p" * 16385), "more than 16 KiB"),
        "empty.example": (auth("ada", ""), "an empty password"),
        "nul.example": (auth("ada", "\0\0"), "an empty password"),
        "token.example": (auth("<token>", "t"), "an identity token"),
        "named-token.example": ({"username": "<token>", "password": "t"}, "an identity token"),
    }
    taken = {"good.example": auth("ada", "pw\0\0"), "most.example": auth("u" * 255, "p" * 16384)}
    file = tmp_path / "logins.json"
    file.write_text(json.dumps({"auths": {**{key: entry for key, (entry, _) in skipped.items()}, **taken}}))
    done = json.loads(regcred.admin.do(f"import {file} --project {project} --yes -o json"))
    steps = {step["key"]: step for step in done["steps"]}
    for key, (_, told) in skipped.items():
        assert steps[key]["action"] == "skip" and told in steps[key]["reason"], steps[key]
    assert {key for key, step in steps.items() if step["outcome"] == "done"} == set(taken)
    assert any(remark.startswith("good.example: NULs around the password") for remark in done["remarks"])
    person = regcred.puller(tmp_path / "puller", regcred.token(project, "pull"))
    assert person.do("pull --server good.example --password-stdout") == "pw\n"


def test_several_logins_of_one_registry_are_told_once(regcred: Regcred, tmp_path: Path) -> None:
    project = unique("several")
    regcred.project(project)
    file = tmp_path / "logins.json"
    # A registry twice by its letters, and three times by its meaning.
    file.write_text(
        '{"auths": {"a.io": %s, "a.io": %s, "https://a.io": %s, "https://a.io/v2/": %s, "A.io": %s}}'
        % tuple(json.dumps(auth(*login)) for login in (("x", "1"), ("x", "2"), ("x", "2"), ("x", "3"), ("y", "4")))
    )
    plan = json.loads(regcred.admin.do(f"import {file} --project {project} --dry-run -o json"))
    reasons = [step.get("reason") for step in plan["steps"]]
    assert reasons[0] == "stands twice in the file, with another login; the last one counts, as it does for clients"
    assert reasons[2] == 'the same registry and username as "a.io", which counts'
    assert reasons[3] == 'the same registry and username as "a.io", which counts, with another password'
    ambiguous = [remark for remark in plan["remarks"] if "ambiguous" in remark]
    assert ambiguous == ['a.io has "x" and "y": a pull that names none of them is refused as ambiguous']


def test_a_file_without_logins_is_told(regcred: Regcred, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    project = unique("nothing")
    regcred.project(project)
    for text in ('{"foo": 1}', "{}", '{"psFormat": "table"}'):
        file.write_text(text)
        assert_failed(regcred.admin.run(f"import {file} --project {project} --yes"), 2, "it holds no logins")
    file.write_text('{"auths": {}}')
    assert "note       `auths` is empty\n" in regcred.admin.do(f"import {file} --project {project} --yes")


def test_a_file_of_many_logins_is_read_in_no_time(somebody: Person) -> None:
    many = {f"r{number}.example": {"username": "ada", "password": "pw"} for number in range(100_000)}
    file = somebody.home / "logins.json"
    file.write_text(json.dumps({"auths": many}))
    # Were each compared with all others, this would take minutes, and a run is given seconds.
    plan = somebody.do("import logins.json --dry-run")
    assert plan.endswith("plan: 100000 to create, 0 to overwrite, 0 there already, 0 skipped\n")


HELPER = """\
#!/bin/sh
case $1 in
  list) echo '{"https://index.docker.io/v1/":"ada","token.example":"<token>"}' ;;
  get) read -r key || :
    case $key in
      https://index.docker.io/v1/) echo '{"ServerURL":"x","Username":"ada","Secret":"ada'"'"'s"}' ;;
      token.example) echo '{"ServerURL":"x","Username":"<token>","Secret":"t"}' ;;
      quay.io) echo '{"ServerURL":"x","Username":"bot","Secret":"bot'"'"'s"}' ;;
      gone.example) echo 'credentials not found in native keychain'; exit 1 ;;
      *) echo 'the keychain is locked'; exit 1 ;;
    esac ;;
esac
"""


def test_dockers_own_helpers_are_asked(regcred: Regcred, tmp_path: Path) -> None:
    project = unique("helpers")
    regcred.project(project)
    bin = tmp_path / "bin"
    bin.mkdir()
    (bin / "docker-credential-fake").write_text(HELPER)
    (bin / "docker-credential-fake").chmod(0o755)
    marker = tmp_path / "asked"
    (bin / "docker-credential-regcred").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (bin / "docker-credential-regcred").chmod(0o755)
    names = {"quay.io": "fake", "gone.example": "fake", "locked.example": "fake", "own.example": "regcred",
             "absent.example": "absent", "path.example": "../evil"}
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {HUB: {}, "quay.io": {}}, "credHelpers": names, "credsStore": "fake"})
    )
    admin = regcred.admin.with_variables(DOCKER_CONFIG=str(tmp_path), PATH=f"{bin}:/usr/bin:/bin")
    done = json.loads(admin.do(f"import --docker-config --project {project} --yes -o json"))

    steps = {step["key"]: step for step in done["steps"]}
    assert {key for key, step in steps.items() if step["action"] == "create"} == {HUB, "quay.io"}
    for key, told in {
        "gone.example": "is not in docker-credential-fake",
        "locked.example": "the keychain is locked",
        "own.example": "regcred's own helper",
        "absent.example": "not on the PATH",
        "path.example": "no name of a helper",
        "token.example": "identity token",
    }.items():
        assert steps[key]["action"] == "skip" and told in steps[key]["reason"], steps[key]
    assert not marker.exists()
    assert regcred.listed(project) == {(None, "ada"), ("quay.io", "bot")}
    person = regcred.puller(tmp_path / "puller", regcred.token(project, "pull"))
    assert person.do("pull alpine --password-stdout") == "ada's\n"


def test_a_pipe_is_a_file_to_import_from(regcred: Regcred, tmp_path: Path) -> None:
    project = unique("piped")
    regcred.project(project)
    logins = '{"auths": {"ghcr.io": {"username": "ada", "password": "pw"}}}'
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(logins)
    # What `<(...)` of a shell comes to.
    command = f"import /dev/fd/{reading} --project {project} --yes --quiet"
    with regcred.admin.start(command, pass_fds=(reading,)) as process:
        assert process.communicate(timeout=TIMEOUT) == ("", "")
    os.close(reading)
    assert regcred.listed(project) == {("ghcr.io", "ada")}
    assert_failed(regcred.admin.run(f"import /dev/zero --project {project} --yes"), 2, "larger than 64 MiB")


def test_what_is_no_file_of_logins_is_refused_without_showing_it(regcred: Regcred, tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    for number, text in enumerate([f'{{"auths": {{"a": {{"auth": "{secret}"', secret, "", f"a: [{secret}"]):
        file = tmp_path / str(number)
        file.write_text(text)
        ran = regcred.admin.run(f"import {file} --project demo --yes")
        assert_failed(ran, 2)
        assert secret not in ran.err
    assert_failed(regcred.admin.run("import absent.json --project demo --yes"), 2, "absent.json")
