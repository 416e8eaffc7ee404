"""`helper doctor` on a real service and the real helper: each thing that can be wrong on the way is found and named."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from person import Person, assert_failed
from regcred import Regcred, path_with_helpers, regcred_service
from regcred_service import unique

PASSWORD = "the password that nobody may see"


@pytest.fixture(scope="module")
def regcred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regcred]:
    with regcred_service(tmp_path_factory.mktemp("admin")) as service:
        yield service


@dataclass
class Patient:
    """Somebody whose helper is installed, and what the doctor says of it."""

    person: Person
    project: str

    @property
    def config(self) -> Path:
        return self.person.home / ".docker" / "config.json"

    @property
    def helper(self) -> Path:
        return self.person.home / "config" / "regcred" / "helper.toml"

    def states(self, arguments: str = "ghcr.io/acme/app:1") -> dict[str, str]:
        ran = self.person.run(f"helper doctor {arguments} -o json")
        assert PASSWORD not in ran.out + ran.err
        checks = json.loads(ran.out)
        wrong = [check for check in checks if check["state"] == "wrong"]
        assert (ran.code == 0) == (not wrong), ran
        assert all(check["hint"] for check in wrong)
        return {check["step"]: check["state"] for check in checks}

    def told(self, arguments: str = "ghcr.io/acme/app:1") -> str:
        return self.person.run(f"helper doctor {arguments}").out


@pytest.fixture
def patient(regcred: Regcred, tmp_path: Path) -> Patient:
    project = unique("doctor")
    regcred.project(project)
    regcred.credentials(project, "bot", "ghcr.io", PASSWORD)
    token = regcred.token(project, "pull")
    path = path_with_helpers(tmp_path / "bin")
    installing = Person(tmp_path, {"PATH": path, "REGCRED_URL": regcred.server.url})
    installing.do("helper install --registry ghcr.io --token-stdin --quiet", token)
    return Patient(Person(tmp_path, {"PATH": path}), project)


def test_all_is_well(patient: Patient) -> None:
    for arguments in ("ghcr.io/acme/app:1", "ghcr.io", ""):
        states = patient.states(arguments)
        assert set(states.values()) == {"ok"}, states
        assert set(states) == {
            "client file", "helper entry", "program", "configuration", "server", "token", "credentials", "run",
        }


def wrong(states: dict[str, str]) -> set[str]:
    return {step for step, state in states.items() if state == "wrong"}


def test_a_client_file_that_is_broken_or_absent(patient: Patient) -> None:
    for _ in range(2):
        # What comes after the file is looked at all the same.
        states = patient.states()
        assert wrong(states) <= {"client file"} and states["credentials"] == states["run"] == "ok"
        patient.config.write_text("{")
        assert wrong(patient.states()) == {"client file"}
    assert patient.states("")["credentials"] == "skipped"
    patient.config.unlink()
    states = patient.states()
    assert wrong(states) == {"client file"} and states["credentials"] == states["run"] == "ok"


def test_a_client_file_that_is_no_file(patient: Patient) -> None:
    patient.config.unlink()
    os.mkfifo(patient.config)
    assert wrong(patient.states()) == {"client file"}
    assert "it is no plain file" in patient.told()
    assert_failed(patient.person.run("helper install --registry ghcr.io"), 1, "it is no plain file")
    assert_failed(patient.person.run("helper uninstall"), 1, "it is no plain file")
    assert_failed(patient.person.run("import --docker-config --project demo --yes"), 2, "it is no plain file")
    patient.config.unlink()
    patient.config.symlink_to("/dev/zero")
    assert "it is no plain file" in patient.told()


def auths(entry: object) -> str:
    return json.dumps({"auths": {"good.example": {"auth": b64(b"ada:pw")}, "odd.example": entry}})


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


# What docker warns of; what it takes; each with what the doctor names.
AS_DOCKER_READS = {
    "\ufeff{}": "byte order mark",
    "auths: {}": "no JSON",
    "{": "no JSON",
    "[]": "a list, and no object",
    '"text"': "a text, and no object",
    auths({"auth": "!!"}): '"odd.example" of `auths` has an `auth` that is no base64',
    auths({"auth": "dTpwYQ"}): '"odd.example" of `auths` has an `auth` that is no base64',
    auths({"auth": b64(b"ada")}): '"odd.example" of `auths` has an `auth` without a colon',
    auths({"AUTH": b64(b":pw")}): '"odd.example" of `auths` has an `auth` without a username',
    auths("text"): '"odd.example" of `auths` is a text, and no object',
    auths(7): '"odd.example" of `auths` is a number',
    auths({"email": 7}): "`email` of",
    auths({"identitytoken": []}): "`identitytoken` of",
    '{"auths": []}': "`auths` is a list",
    '{"HttpHeaders": 7}': "`HttpHeaders` is a number, and no object",
    '{"HttpHeaders": {"a": 7}}': 'the entry "a" of `HttpHeaders` is a number',
    '{"credsStore": 7}': "`credsStore` is a number, and no text",
    '{"credHelpers": {"a.io": 7}}': 'the entry "a.io" of `credHelpers` is a number',
    '{"CREDHELPERS": []}': "`credHelpers` is a list",
    '{"auths": 7, "auths": {}}': "`auths` is a number",
    '{"psFormat": 7}': "`psFormat`",
    '{"proxies": {"default": {"httpProxy": 7}}}': "`httpProxy` of the entry",
    '{"plugins": {"a": {"b": 7}}}': '"b" of the entry "a" of `plugins`',
    '{"cliPluginsExtraDirs": [7]}': "an item of `cliPluginsExtraDirs`",
    '{"experimental": true}': "`experimental` is true or false",
}
AS_DOCKER_TAKES = [
    auths({"auth": b64(b"ada:")}),
    auths({"auth": b64(b"ada:\xff\xfe")}),
    auths({"auth": "dTpwYR=="}),
    auths({"auth": "dT\npw"}),
    auths({"auth": "", "username": "ada"}),
    auths({"auth": None}),
    auths(None),
    auths({"unknown": 7}),
    '{"auths": null, "credsStore": null, "credHelpers": {"a.io": null}, "unknown": [], "stackOrchestrator": 7}',
]


@pytest.mark.parametrize("text", [*AS_DOCKER_READS, *AS_DOCKER_TAKES])
def test_a_file_is_read_as_docker_reads_it(tmp_path: Path, text: str) -> None:
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(text)
    checks = json.loads(Person(tmp_path).run("helper doctor ghcr.io -o json").out)
    problems = [check["message"] for check in checks if (check["step"], check["state"]) == ("client file", "wrong")]
    assert bool(problems) == (text in AS_DOCKER_READS), problems
    for problem in problems:
        assert AS_DOCKER_READS[text] in problem and str(config) in problem
    if docker := shutil.which("docker"):
        looked = [docker, "--config", str(config.parent), "context", "ls"]
        ran = subprocess.run(looked, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)})
        assert ("Error parsing config file" in ran.stderr) == bool(problems), ran


def test_what_docker_does_not_read_is_warned_of_when_the_helper_is_entered(patient: Patient) -> None:
    patient.config.write_text(auths({"auth": "!!"}))
    ran = patient.person.run("helper install --registry ghcr.io --quiet -o json")
    (warning,) = json.loads(ran.out)["warnings"]
    assert '"odd.example" of `auths`' in warning and "Error parsing config file" in warning
    assert json.loads(patient.config.read_text())["credHelpers"] == {"ghcr.io": "regcred"}


@pytest.mark.parametrize(
    ("helpers", "told"),
    [
        ({"https://ghcr.io": "regcred"}, 'spells the registry "https://ghcr.io", but docker sends "ghcr.io"'),
        ({"ghcr.io": "gcloud"}, '"gcloud"'),
        ({}, 'no helper for "ghcr.io"'),
    ],
)
def test_a_key_that_docker_does_not_send(patient: Patient, helpers: dict[str, str], told: str) -> None:
    patient.config.write_text(json.dumps({"credHelpers": helpers}))
    assert wrong(patient.states()) == {"helper entry"}
    assert told in patient.told()


def test_the_hub_is_spelled_as_docker_sends_it(patient: Patient) -> None:
    patient.config.write_text(json.dumps({"credHelpers": {"docker.io": "regcred"}}))
    assert 'docker sends "https://index.docker.io/v1/"' in patient.told("alpine")


def test_a_path_is_not_served_to_who_sends_the_host_alone(regcred: Regcred, patient: Patient) -> None:
    regcred.credentials(patient.project, "scoped", "quay.io/team", PASSWORD)
    patient.config.write_text(json.dumps({"credHelpers": {"ghcr.io": "regcred", "quay.io": "regcred"}}))
    states = patient.states("quay.io/team/app:1")
    assert wrong(states) == {"credentials", "run"}
    told = patient.told("quay.io/team/app:1")
    assert "quay.io/team/app:1: scoped at quay.io/team" in told
    assert 'docker and podman send the host alone, "quay.io", for which there are none' in told
    for way in ("credentials create --registry quay.io`", "export --format auth-json", "the kubelet's provider"):
        assert way in told
    # Another account of the whole registry is what docker gets then.
    regcred.credentials(patient.project, "whole", "quay.io", PASSWORD)
    assert patient.states("quay.io/team/app:1")["credentials"] == "warning"
    assert "get whole at quay.io instead of scoped at quay.io/team" in patient.told("quay.io/team/app:1")
    assert set(patient.states("quay.io/other/app").values()) == {"ok"}


def test_podmans_files_are_searched_as_podman_searches_them(patient: Patient) -> None:
    person = patient.person.with_variables(XDG_RUNTIME_DIR=str(patient.person.home / "run"))
    podman = Patient(person, patient.project)
    assert "podman" not in podman.states()
    ours, login = {"credHelpers": {"ghcr.io": "regcred"}}, {"auths": {"ghcr.io": {"auth": b64(b"ada:pw")}}}
    runtime, lasting = person.home / "run" / "containers", person.home / "config" / "containers"
    for session, kept, state, entry, shown in (
        ({}, ours, "ok", "ok", lasting),
        (None, ours, "ok", "ok", lasting),
        (ours, login, "ok", "ok", runtime),
        (login, ours, "warning", "wrong", runtime),
        ({}, login, "warning", "wrong", lasting),
        # It goes no further than to a file that is broken.
        ({"auths": {"odd.example": "text"}}, ours, "warning", "wrong", runtime),
        # docker's, where the others have nothing.
        ({}, {}, "ok", "ok", patient.config.parent),
    ):
        for directory, content in ((runtime, session), (lasting, kept)):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "auth.json").unlink(missing_ok=True)
            if content is not None:
                (directory / "auth.json").write_text(json.dumps(content))
        assert podman.states()["podman"] == state
        assert podman.states("ghcr.io/acme/app:1 --containers")["helper entry"] == entry
        for told in (podman.told(), podman.told("ghcr.io/acme/app:1 --containers")):
            assert f"{shown}/" in told, told


def test_the_program_that_is_named_is_the_one_that_is_run(patient: Patient) -> None:
    home = patient.person.home
    for name, text in (("not-executable", "no program"), ("empty", None)):
        (home / name).mkdir()
        if text:
            (home / name / "docker-credential-regcred").write_text(text)
    path = patient.person.variables["PATH"]
    named = patient.person.with_variables(PATH=f"{home}/not-executable:{home}/empty:{path}")
    assert Patient(named, patient.project).states()["run"] == "ok"
    program = home / "empty" / "docker-credential-regcred"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    told = Patient(named, patient.project).told()
    assert f"{program} is there" in told
    assert "its interpreter or loader is missing" in told
    # As docker's own search does: what lies in a relative directory is found, and not run.
    relative = Patient(patient.person.with_variables(PATH=f"bin:{path}"), patient.project)
    assert wrong(relative.states()) == {"program"}
    assert "relative directory of the PATH" in relative.told()


def test_no_program(patient: Patient) -> None:
    person = patient.person
    program = person.home / "bin" / "docker-credential-regcred"
    program.unlink()
    assert "program" in wrong(patient.states())
    program.write_text("no program")
    assert f"chmod +x {program}" in patient.told()


def test_a_configuration_that_is_absent_broken_or_open(patient: Patient) -> None:
    good = patient.helper.read_text()
    patient.helper.chmod(0o644)
    assert patient.states()["configuration"] in ("warning", "ok")
    assert f"chmod 600 {patient.helper}" in patient.told()
    patient.helper.chmod(0o600)
    for text in ("url = ", f"{good}tokn = 1\n", good.replace("url", "# url")):
        patient.helper.write_text(text)
        assert {"configuration", "run"} <= wrong(patient.states()), text
    patient.helper.unlink()
    assert {"configuration", "run"} <= wrong(patient.states())


def test_a_server_that_is_away(patient: Patient) -> None:
    text = patient.helper.read_text()
    url = next(line for line in text.splitlines() if line.startswith("url"))
    patient.helper.write_text(text.replace(url, 'url = "http://127.0.0.1:1"'))
    assert wrong(patient.states()) == {"server", "run"}


def test_a_token_that_does_not_count_or_may_not_pull(regcred: Regcred, patient: Patient) -> None:
    text = patient.helper.read_text()
    line = next(line for line in text.splitlines() if line.startswith("token"))
    for token in ("rc_" + "x" * 43, regcred.token(patient.project, "view")):
        patient.helper.write_text(text.replace(line, f'token = "{token}"'))
        assert wrong(patient.states()) == {"token", "run"}
        assert "token create --right pull" in patient.told()


def test_credentials_that_are_absent_or_ambiguous(regcred: Regcred, patient: Patient) -> None:
    regcred.credentials(patient.project, "second", "ghcr.io", PASSWORD)
    assert wrong(patient.states()) == {"credentials", "run"}
    # The hint is a command that works as it stands, for an image and for the key of a server.
    assert "`regcred pull ghcr.io/acme/app:1 --explain`" in patient.told()
    assert "`regcred pull --server ghcr.io --explain`" in patient.told("")
    # Once the configuration names one of them, all is well.
    explained = regcred.admin.run(f"pull ghcr.io/acme/app:1 --project {patient.project} --explain -o json").out
    ids = {one["username"]: one["credentialsId"] for one in json.loads(explained)["candidates"]}
    text = patient.helper.read_text()
    patient.helper.write_text(f'{text}credentials-id = ["{ids["second"]}"]\n')
    assert not wrong(patient.states())
    assert "second at ghcr.io" in patient.told()
    patient.helper.write_text(text)
    for username in ("bot", "second"):
        regcred.admin.do(f"credentials delete --project {patient.project} --username {username} --registry ghcr.io --yes")
    assert wrong(patient.states()) == {"credentials", "run"}


def test_a_password_that_runs_out(regcred: Regcred, patient: Patient) -> None:
    regcred.admin.do(
        f"credentials upgrade --project {patient.project} --username bot --registry ghcr.io --expires 3d "
        "--password-stdin --quiet",
        PASSWORD,
    )
    states = patient.states()
    assert states["credentials"] == "warning" and not wrong(states)


ID = "0cb2662f-84eb-4a7d-93cb-2340f7773bce"
# A server that is away: where the configuration counts, the helper says so.
GOOD = 'url = "http://127.0.0.1:1"\ntoken = "rc_of_the_file"\n'
AWAY = {"REGCRED_URL": "http://127.0.0.1:1", "REGCRED_TOKEN": "rc_of_the_variable"}
# The file, the variables, and whether that is a configuration.
CONFIGURATIONS: list[tuple[str | None, dict[str, str], bool]] = [
    (GOOD, {}, True),
    (None, {}, False),
    (None, AWAY, True),
    ("", AWAY, True),
    (GOOD, {"REGCRED_URL": "http://127.0.0.1:1/"}, True),
    (GOOD, {"REGCRED_URL": "http://127.0.0.1:2"}, False),
    (GOOD, {"REGCRED_URL": ""}, False),
    (GOOD, {"REGCRED_TOKEN": "rc_of_the_variable"}, False),
    (GOOD, {**AWAY, "REGCRED_TOKEN_FILE": "token"}, False),
    (None, {"REGCRED_URL": AWAY["REGCRED_URL"], "REGCRED_TOKEN_FILE": "/nowhere"}, False),
    (None, {**AWAY, "REGCRED_URL": "http://regcred.example"}, False),
    (None, {**AWAY, "REGCRED_URL": "no url"}, False),
    (GOOD + "tokn = 1\n", {}, False),
    (GOOD + "platform = 6\n", {}, True),
    (GOOD + 'platform = "6"\n', {}, False),
    (GOOD, {"REGCRED_PLATFORM": "six"}, False),
    (GOOD + 'project = ""\n', {}, False),
    (GOOD + 'ca-file = "/nowhere"\n', {}, False),
    (GOOD + 'token-file = "token"\n', {}, False),
    *((GOOD + f'cache = "{cache}"\n', {}, True) for cache in ("off", "1s", "5m", "1m30s", "300s")),
    *((GOOD + f'cache = "{cache}"\n', {}, False) for cache in ("", "on", "0s", "301s", "1h", "-1s")),
    (GOOD + "cache = 60\n", {}, False),
    (GOOD, {"REGCRED_HELPER_CACHE": "1h"}, False),
    (GOOD + 'cache = "1h"\n', {"REGCRED_HELPER_CACHE": "off"}, True),
    ('cache = "1h"\n', AWAY, False),
    (GOOD + f'credentials-id = "{ID}, {ID}"\n', {}, True),
    (GOOD + f'credentials-id = ["{ID}"]\n', {}, True),
    *((GOOD + f"credentials-id = {ids}\n", {}, False) for ids in ('"x"', '""', "[]", "7", "[7]", '["x"]')),
    (GOOD, {"REGCRED_CREDENTIALS_ID": f"{ID},"}, False),
    (GOOD, {"REGCRED_CREDENTIALS_ID": ID}, True),
    (GOOD, {"REGCRED_HELPER_CONFIG": "/nowhere/helper.toml"}, False),
    (None, {**AWAY, "REGCRED_HELPER_CONFIG": "/nowhere/helper.toml"}, False),
]


@pytest.mark.parametrize(("text", "variables", "is_one"), CONFIGURATIONS)
def test_the_doctor_and_the_helper_agree_on_configurations(
    tmp_path: Path, text: str | None, variables: dict[str, str], is_one: bool
) -> None:
    path = path_with_helpers(tmp_path / "bin")
    person = Person(tmp_path, {"PATH": path, **variables})
    file = tmp_path / "config" / "regcred" / "helper.toml"
    if text is not None:
        file.parent.mkdir(parents=True)
        file.write_text(text)
        file.chmod(0o600)
    command = [tmp_path / "bin" / "docker-credential-regcred", "get"]
    ran = subprocess.run(
        command, input="ghcr.io", capture_output=True, text=True, check=False, env=person.environment(), cwd=tmp_path
    )
    assert ("regcred is out of reach" in ran.stdout) == is_one, ran
    checks = json.loads(person.run("helper doctor ghcr.io -o json").out)
    (found,) = [check for check in checks if check["step"] == "configuration"]
    assert (found["state"] == "ok") == is_one, found
    # The helper has no flags to name.
    assert not any("--ca-file" in (check["hint"] or "") or "--allow-http" in (check["hint"] or "") for check in checks)


def test_a_wrong_platform_matters_to_logins_only(regcred: Regcred, patient: Patient) -> None:
    good = patient.helper.read_text()
    line = next(line for line in good.splitlines() if line.startswith("token"))
    for token, found in (("rc_" + "x" * 43, {"token", "run"}), (regcred.token(patient.project, "view"), {"token", "run"})):
        patient.helper.write_text(good.replace(line, f'token = "{token}"') + "platform = 7\n")
        assert wrong(patient.states()) == found
    patient.helper.write_text(good + "platform = 7\n")
    states = patient.states()
    assert states["server"] == "warning" and not wrong(states)
    assert "not for its platform of the number 7" in patient.told()
