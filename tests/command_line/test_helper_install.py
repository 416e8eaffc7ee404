"""`helper install` and `uninstall`: exactly the entries, nothing else, and no token where others can read it."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest

from person import Person, assert_failed
from regcred_service import TIMEOUT

TOKEN = "rc_a-token-of-the-tests"
BEFORE = """{
\t"auths": {
\t\t"ghcr.io": {"auth": "YWRhOnB3"}
\t},
\t"HttpHeaders": { "User-Agent" : "x" },
\t"credHelpers": {
\t\t"gcr.io": "gcloud"
\t}
}"""
AFTER = BEFORE.replace('"gcloud"\n', '"gcloud",\n\t\t"ghcr.io": "regcred",\n\t\t"https://index.docker.io/v1/": "regcred"\n')


@pytest.fixture
def somebody(tmp_path: Path) -> Person:
    return Person(tmp_path, {"PATH": str(tmp_path), "REGCRED_URL": "https://regcred.example"})


@pytest.fixture
def config(somebody: Person) -> Path:
    file = somebody.home / ".docker" / "config.json"
    file.parent.mkdir()
    file.write_text(BEFORE)
    file.chmod(0o644)
    return file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_else_is_touched(somebody: Person, config: Path) -> None:
    ran = somebody.run("helper install --registry GHCR.io --registry docker.io")
    assert ran.code == 0
    assert 'the login of "ghcr.io" in `auths` is not looked at any more' in ran.err
    assert config.read_text() == AFTER
    assert mode(config) == 0o600
    assert [file.name for file in config.parent.iterdir()] == ["config.json"]
    again = somebody.run("helper install --registry ghcr.io")
    assert again.out == f"unchanged: ghcr.io in {config}\n"
    assert config.read_text() == AFTER
    somebody.do("helper uninstall --quiet")
    assert config.read_text() == BEFORE


def test_a_dry_run_changes_nothing(somebody: Person, config: Path) -> None:
    ran = somebody.run("helper install --registry ghcr.io --token-stdin --dry-run", TOKEN)
    assert ran.code == 0
    assert "would be entered for ghcr.io" in ran.out and "would be written" in ran.out
    assert config.read_text() == BEFORE
    assert not (somebody.home / "config").exists()


def test_a_link_stays_one(somebody: Person, config: Path) -> None:
    target = somebody.home / "dotfiles" / "docker.json"
    target.parent.mkdir()
    config.rename(target)
    config.symlink_to("../dotfiles/docker.json")
    assert somebody.run("helper install --registry ghcr.io --registry docker.io --quiet").code == 0
    assert config.is_symlink()
    assert target.read_text() == AFTER


def test_another_helper_is_left_unless_forced(somebody: Person, config: Path) -> None:
    assert_failed(somebody.run("helper install --registry ghcr.io --registry gcr.io"), 4, "gcloud", "--force")
    assert config.read_text() == BEFORE
    done = json.loads(somebody.do("helper install --registry gcr.io --force -o json --quiet"))
    assert done["entries"] == [{"key": "gcr.io", "changed": True, "replaced": "gcloud"}]
    assert json.loads(config.read_text())["credHelpers"] == {"gcr.io": "regcred"}


@pytest.mark.parametrize("text", ["{", '{"a": 1,}', "// note\n{}", "[]", '{"credHelpers": []}', "\ufeff{}"])
def test_a_broken_file_is_refused_and_left(somebody: Person, config: Path, text: str) -> None:
    config.write_text(text)
    assert_failed(somebody.run("helper install --registry ghcr.io --token-stdin", TOKEN), 1, "config.json")
    assert config.read_text() == text
    assert not (somebody.home / "config").exists()


def test_where_there_is_no_file_it_is_begun(somebody: Person) -> None:
    assert somebody.run("helper install --all --quiet").code == 0
    config = somebody.home / ".docker" / "config.json"
    assert json.loads(config.read_text()) == {"credsStore": "regcred"}
    assert mode(config) == 0o600 and mode(config.parent) == 0o700


def test_podmans_file_has_keys_of_its_own_and_lasts(somebody: Person) -> None:
    # What lies in the directory of the session is gone after it.
    person = somebody.with_variables(XDG_RUNTIME_DIR=str(somebody.home / "run"))
    assert person.run("helper install --containers --registry docker.io --registry localhost:5000 --quiet").code == 0
    file = somebody.home / "config" / "containers" / "auth.json"
    assert json.loads(file.read_text()) == {"credHelpers": {"docker.io": "regcred", "localhost:5000": "regcred"}}
    assert not (somebody.home / "run").exists()
    for number, arguments in enumerate(("--auth-file other-0", "--containers")):
        named = somebody.home / f"other-{number}"
        person = somebody.with_variables(REGISTRY_AUTH_FILE=str(named)) if number else somebody
        assert person.run(f"helper install {arguments} --registry docker.io --quiet").code == 0
        assert json.loads(named.read_text()) == {"credHelpers": {"docker.io": "regcred"}}


def test_the_token_lies_where_only_its_owner_reads(somebody: Person) -> None:
    file = somebody.home / "config" / "regcred" / "helper.toml"
    assert somebody.run("helper install --token-stdin --project demo --quiet", f"{TOKEN}\n").code == 0
    assert tomllib.loads(file.read_text()) == {"url": "https://regcred.example", "token": TOKEN, "project": "demo"}
    assert mode(file) == 0o600 and mode(file.parent) == 0o700

    assert_failed(somebody.run("helper install --token-stdin", "rc_another"), 4, "--force")
    assert TOKEN in file.read_text()
    person = somebody.with_variables(REGCRED_CA_FILE="ca.pem", REGCRED_PLATFORM="6")
    assert person.run("helper install --token-file token --force --quiet").code == 0
    assert tomllib.loads(file.read_text()) == {
        "url": "https://regcred.example",
        "token-file": str(somebody.home / "token"),
        "platform": 6,
        "ca-file": str(somebody.home / "ca.pem"),
    }


def test_entries_made_at_the_same_time_are_all_there(somebody: Person, config: Path) -> None:
    hosts = [f"r{number}.example" for number in range(12)]
    started = [somebody.start(f"helper install --registry {host} --quiet") for host in hosts]
    for process in started:
        with process:
            process.communicate(timeout=TIMEOUT)
            assert process.returncode == 0
    helpers = json.loads(config.read_text())["credHelpers"]
    assert helpers == {"gcr.io": "gcloud", **dict.fromkeys(hosts, "regcred")}
    started = [somebody.start(f"helper uninstall --registry {host} --quiet") for host in hosts]
    for process in started:
        with process:
            process.communicate(timeout=TIMEOUT)
    assert config.read_text() == BEFORE
    assert [file.name for file in config.parent.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("before", "flags", "after"),
    [
        ('{"credHelpers": null}', "--registry a.io", {"credHelpers": {"a.io": "regcred"}}),
        ('{"credHelpers": {"a.io": null}}', "--registry a.io", {"credHelpers": {"a.io": "regcred"}}),
        ('{"credHelpers": null, "credsStore": null}', "--all", {"credHelpers": None, "credsStore": "regcred"}),
        ('{"credsStore": ""}', "--all", {"credsStore": "regcred"}),
    ],
)
def test_null_is_no_helper(somebody: Person, config: Path, before: str, flags: str, after: object) -> None:
    config.write_text(before)
    uninstalled = somebody.run("helper uninstall")
    assert uninstalled.code == 0 and "the helper is not entered" in uninstalled.out
    assert config.read_text() == before
    assert somebody.run(f"helper install {flags} --quiet").code == 0
    assert json.loads(config.read_text()) == after
    assert somebody.run("helper uninstall --quiet").code == 0
    assert "regcred" not in config.read_text() and json.loads(config.read_text()) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        "helper install --registry https://user:hunter2@a.io",
        "helper install --registry user:hunter2@a.io",
        "helper uninstall --registry https://user:hunter2@a.io/v2/",
        "helper doctor https://user:hunter2@a.io",
        "helper doctor user:hunter2@a.io/team/app",
        "helper doctor a.io https://user:hunter2@a.io",
    ],
)
def test_a_login_in_a_registry_is_not_repeated(somebody: Person, arguments: str) -> None:
    ran = somebody.run(arguments)
    assert ran.code == 2 and "a.io" in ran.err
    assert "hunter2" not in ran.out + ran.err
