"""One scripted session that runs every command, on regcred and on the stand-in of the original platform.

What it prints lies in transcript.txt, for people to read: after `$` a command line, then what it wrote to standard
output, after `2>` what it wrote to standard error, and its exit code where that is not 0. Ids, moments, ports and
tokens are replaced. On both servers each step must come to exactly that, but for two kinds of steps:

- `own`: what is regcred's own. The stand-in does not have it, which the command says, with exit code 8.
- `theirs`: an error in the server's own words. Each server has its words; exit code, hint and output are the same.

`UPDATE_TRANSCRIPT=1` writes the file anew, from regcred.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from commands import command_of, every_command
from person import Person, Ran, assert_failed
from regcred_service import running
from stand_in import ACCOUNTS, platform_stand_in

TRANSCRIPT = Path(__file__).parent / "transcript.txt"


@dataclass(frozen=True)
class Step:
    """A command line of the session. `{NAME}` in it is what an earlier step that keeps NAME printed."""

    command: str
    stdin: str | None = None
    keep: str | None = None
    own: bool = False
    theirs: bool = False
    # Of what is long, the transcript has the first lines; compared is all of it.
    lines: int | None = None
    variables: dict[str, str] = field(default_factory=dict)


def own(
    command: str,
    stdin: str | None = None,
    keep: str | None = None,
    theirs: bool = False,
    variables: dict[str, str] | None = None,
) -> Step:
    return Step(command, stdin, keep, own=True, theirs=theirs, variables=variables or {})


def theirs(command: str, stdin: str | None = None) -> Step:
    return Step(command, stdin, theirs=True)


LOGIN = "login {url} --realm saagie --platform 6"

MANIFEST = """\
project: demo
credentials:
  - username: ci-bot
    registry: ghcr.io
    password: env:GHCR_PASSWORD
    passwordChanged: 2001-01-01
  - username: mirror
    password: file:secrets/hub
  - username: deploy
    registry: registry.example:5000/team
    password: stdin
"""
# A login of Docker Hub, one of another registry, and one that is none.
LOGINS = """\
{
  "auths": {
    "https://index.docker.io/v1/": {"auth": "bWlycm9yOnRoZSBodWIncyBwYXNzd29yZA=="},
    "quay.io": {"username": "robot", "password": "a robot's password"},
    "broken.example": {"auth": "bm8gY29sb24="}
  }
}
"""
FILES = {
    "team.yaml": MANIFEST,
    "secrets/hub": "the hub's password\n",
    "logins.json": LOGINS,
    "token": "rc_a-token-of-the-tests\n",
}
GHCR = {"GHCR_PASSWORD": "a password from the environment"}
# Where no other program is.
ALONE = {"PATH": "{home}"}
PULLER = {"REGCRED_URL": "{url}", "REGCRED_TOKEN": "{puller}"}
# Which credentials are rotated.
BOT = "--username bot --registry ghcr.io"

SESSION = {
    "Not logged in yet": [
        Step("project list"),
        Step("context show"),
        Step("logout"),
        Step("login {url}"),
        Step("login {url} --user admin --realm saagie --platform 6 --password-stdin", "wrong"),
        Step("login {url} --user admin --realm saagie --platform 6"),
    ],
    "Logging in": [
        Step(f"{LOGIN} --user admin --context work --project demo --password-stdin", ACCOUNTS["admin"] + "\n"),
        Step("context list"),
        Step("context show"),
        Step("context show work -o json"),
        Step("context list -o name"),
    ],
    "Projects": [
        Step("project list"),
        Step("project create Payments --description 'Card payments'"),
        Step("project create Archive -o json"),
        theirs("project create payments"),
        Step("project show Payments"),
        Step("project show Payments -o json"),
        Step("project list"),
        Step("project list -o yaml"),
        Step("project list -o name"),
        theirs("project show payroll"),
        Step("project delete Archive"),
        Step("project delete Archive --yes"),
        theirs("project delete Archive --yes"),
    ],
    "Credentials": [
        Step("credentials list"),
        Step("credentials list -o json"),
        Step("credentials create --username ci-bot --registry ghcr.io --password-stdin", "first password"),
        Step("credentials create --username ci-bot --password-stdin", "another password"),
        theirs("credentials create --username ci-bot --password-stdin", "another password"),
        Step("credentials create --username mirror --registry Quay.io --password-stdin -o json", "a third"),
        Step("credentials create --username quiet --registry quay.io --password-stdin --quiet", "a fourth"),
        Step("credentials create --username nobody"),
        Step("credentials create --username nobody --password-stdin", ""),
        Step("credentials list"),
        Step("credentials list -o json"),
        Step("credentials list -o yaml"),
        Step("credentials list --username ci-bot"),
        Step("credentials list --registry ghcr.io"),
        Step("credentials list --docker-hub"),
        Step("credentials list --sort username"),
        Step("credentials list --sort registry"),
        Step("credentials list --sort updated --username ci-bot"),
        Step("credentials list --username nobody"),
        theirs("credentials list --project payroll"),
        Step("credentials list --registry ghcr.io -o name", keep="ghcr"),
        Step("credentials get --id {ghcr}"),
        Step("credentials get --username ci-bot --registry ghcr.io -o json"),
        Step("credentials get --username mirror --registry quay.io"),
        Step("credentials get --username nobody"),
        Step("credentials get"),
        theirs("credentials get --id 00000000-0000-4000-8000-000000000000"),
        Step("credentials get --id no-id"),
        Step("credentials upgrade --id {ghcr} --password-stdin", "second password"),
        Step("credentials upgrade --username ci-bot --registry ghcr.io --set-username ci --password-stdin", "third"),
        Step("credentials upgrade --username ci --registry ghcr.io --set-registry cr.example --password-stdin", "4"),
        Step("credentials upgrade --username ci --registry cr.example --set-username hub --set-docker-hub "
             "--password-stdin -o json", "fifth"),
        theirs("credentials upgrade --username hub --set-username ci-bot --password-stdin", "sixth"),
        Step("credentials upgrade --username ci-bot --registry ghcr.io --password-stdin", "seventh"),
        Step("credentials list"),
        Step("credentials delete --username hub"),
        Step("credentials delete --username hub --yes"),
        Step("credentials delete --username hub --yes"),
        Step("credentials delete --username ci-bot --yes -o json"),
        Step("credentials delete --username quiet --registry quay.io --yes --quiet"),
        Step("credentials list -o name", keep="mirror"),
        Step("credentials delete --id {mirror} --yes -o name"),
    ],
    "Many at once": [
        Step("credentials create --username ci-bot --registry ghcr.io --password-stdin --quiet", "first password"),
        Step("credentials create --username mirror --password-stdin --quiet", "first password"),
        Step("credentials create --username old --password-stdin --quiet", "first password"),
        Step("credentials apply -f team.yaml"),
        Step("credentials apply -f team.yaml --dry-run", "deploy's password", variables=GHCR),
        Step("credentials apply -f team.yaml", "deploy's password", variables=GHCR),
        Step("credentials apply -f team.yaml --prune", "deploy's password", variables=GHCR),
        Step("credentials apply -f team.yaml --prune --yes", "deploy's password", variables=GHCR),
        Step("credentials apply -f team.yaml --quiet", "deploy's password", variables=GHCR),
        Step("credentials apply -f team.yaml -o json", "deploy's password", variables=GHCR),
        Step("credentials list --sort username"),
    ],
    "Jobs and apps, which use credentials": [
        Step("project create Running"),
        Step("credentials create --project Running --username bot --registry ghcr.io --password-stdin --quiet", "pw"),
        Step("credentials create --project Running --username new --registry ghcr.io --password-stdin --quiet", "pw"),
        Step("credentials list --project Running -o name", keep="accounts"),
        Step("job list --project Running"),
        Step("job create nightly --project Running --image ghcr.io/team/app:1 --credentials {accounts:0}"),
        theirs("job create NIGHTLY --project Running --image ghcr.io/team/app:1"),
        Step("job create plain --project Running --image ubuntu -o json"),
        Step("job create nightly --project Running"),
        Step("app create web --project Running --image ghcr.io/team/web:1 --credentials {accounts:0}"),
        Step("job list --project Running"),
        Step("job list --project Running -o json"),
        Step("app list --project Running"),
        Step("app list --project Running -o name"),
        Step("credentials list --project Running"),
        Step("credentials delete --project Running --username bot --registry ghcr.io"),
        theirs("credentials delete --project Running --username bot --registry ghcr.io --yes"),
        Step("job upgrade nightly --project Running --image ghcr.io/team/app:2"),
        Step("job upgrade nightly --project Running --image ghcr.io/team/app:2 --credentials {accounts:1} -o json"),
        Step("app upgrade web --project Running --image ghcr.io/team/web:2 --no-credentials"),
        Step("job list --project Running"),
        Step("job list --project Running -o name", keep="jobs"),
        Step("job upgrade {jobs:0} --project Running --image ghcr.io/team/app:3"),
        theirs("job upgrade {jobs:0} --project demo --image ghcr.io/team/app:4"),
        own("credentials usage --project Running"),
        Step("credentials delete --project Running --username bot --registry ghcr.io --yes"),
        own("credentials delete --project Running --username new --registry ghcr.io --yes --force"),
        Step("job delete {jobs:1} --project Running --yes"),
        Step("job delete nightly --project Running"),
        Step("job delete nightly --project Running --yes"),
        Step("job delete nightly --project Running --yes"),
        Step("app delete web --project Running --yes -o json"),
        Step("project delete Running --yes"),
    ],
    "Rotation, which is regcred's own": [
        Step("project create Rotating"),
        Step("credentials create --project Rotating --username bot --registry ghcr.io --password-stdin --quiet", "first"),
        own(f"credentials stage --project Rotating {BOT} --password-stdin", "second"),
        own(f"credentials versions --project Rotating {BOT}"),
        own(f"credentials promote --project Rotating {BOT} --version 7"),
        own(f"credentials promote --project Rotating {BOT} --version 2 --expected-version 1"),
        own(f"credentials promote --project Rotating {BOT}"),
        own(f"credentials versions --project Rotating {BOT}"),
        own(f"credentials versions --project Rotating {BOT} -o json"),
        own(f"credentials rollback --project Rotating {BOT}"),
        own(f"credentials rollback --project Rotating {BOT} -o name"),
        own(f"credentials upgrade --project Rotating {BOT} --expected-version 1 --password-stdin", "third"),
        own(f"credentials upgrade --project Rotating {BOT} --expected-version 2 --password-stdin", "third"),
        own(f"credentials stage --project Rotating {BOT} --set-username other --password-stdin -o json", "fourth"),
        own(f"credentials versions --project Rotating {BOT} -o name"),
        own(f"credentials destroy-version --project Rotating {BOT} --version 4"),
        own(f"credentials destroy-version --project Rotating {BOT} --version 4 --yes"),
        own(f"credentials destroy-version --project Rotating {BOT} --version 4 --yes"),
        own(f"credentials destroy-version --project Rotating {BOT} --version 3 --yes"),
        own(f"verify --project Rotating {BOT} --version 9"),
        own("project settings Rotating"),
        own("project settings Rotating --grace-period-days 30 --verify-before-saving not-refused -o json"),
        own("project settings Rotating --grace-period-days 91"),
        own("project settings Rotating --delete-credentials-in-use true -o name"),
        Step("project delete Rotating --yes"),
    ],
    "Members, service tokens and users, which are regcred's own": [
        own("user create mia --group ops --server --password-stdin", ACCOUNTS["mia"]),
        own("user create ben --admin --server --password-stdin -o json", "ben's first password"),
        own("user create ben --server --password-stdin", "ben's first password", theirs=True),
        own("user list"),
        own("user update ben --admin false --group dev --group ops"),
        own("user update ben --no-groups -o json"),
        Step("user update ben"),
        own("user reset-password ben --password-stdin", "ben's second password"),
        own("project member set mia --role editor"),
        own("project member set ben --role viewer"),
        own("project member list"),
        own("project member list -o json"),
        own("project member remove ben"),
        own("project member list -o name"),
        own("token create --right view --right pull --name ci --expires 30d"),
        own("token create --right edit -o json"),
        own("token list"),
        own("token list -o json"),
        own("token list -o name", keep="tokens"),
        own("token revoke {tokens:0} --yes"),
        own("token revoke {tokens:1} --yes -o json"),
        own("token list"),
        Step("token revoke 00000000-0000-4000-8000-000000000000"),
        own("token revoke 00000000-0000-4000-8000-000000000000 --yes", theirs=True),
        own("user delete ben --yes"),
        Step("user delete ben"),
        own("user list -o name"),
    ],
    "The pull, which is regcred's own": [
        Step("project create Pulling"),
        Step("credentials create --project Pulling --username ada --password-stdin --quiet", "ada's password"),
        Step("credentials create --project Pulling --username bot --registry quay.io/team --password-stdin --quiet",
             "bot's password"),
        own("credentials create --project Pulling --username temp --registry ghcr.io --expires 2999-01-01 "
            "--password-stdin", "temp's password"),
        own("credentials upgrade --project Pulling --username ada --expires 90d --password-stdin --quiet",
            "ada's password"),
        own("token create --project Pulling --right pull --name puller --quiet", keep="puller"),
        own("pull quay.io/team/app:1", variables=PULLER),
        own("pull quay.io/team/app:1 -o json", variables=PULLER),
        own("pull quay.io/team/app:1 -o name", variables=PULLER),
        own("pull --server https://index.docker.io/v1/ --password-stdout", variables=PULLER),
        own("pull quay.io/teamwork/app", variables=PULLER),
        own("pull quay.io/team/app:1 --project Pulling"),
        Step("pull"),
        own("pull quay.io/team/app:1 --project Pulling --explain"),
        own("pull quay.io/teamwork/app --project Pulling --explain"),
        own("pull alpine --explain -o json", variables=PULLER),
        own("credentials usage --project Pulling"),
        own("credentials usage --project Pulling -o json"),
        own("credentials usage --project Pulling -o name"),
        own("credentials usage --project Pulling --username bot --registry quay.io/team"),
        own("credentials versions --project Pulling --username bot --registry quay.io/team"),
        # No registry is asked: addresses of documentation are for nobody.
        Step("project create Verifying"),
        own("verify --project Verifying"),
        Step("credentials create --project Verifying --username ada --registry 192.0.2.1:5000 --password-stdin --quiet",
             "ada's password"),
        own("verify --project Verifying"),
        own("verify --project Verifying -o json"),
        own("verify --project Verifying --strict --username ada --registry 192.0.2.1:5000 "
            "--probe 192.0.2.1:5000/team/app"),
        Step("verify --project Verifying --probe ghcr.io/team/app"),
        own("credentials usage --project Verifying"),
        own("credentials create --project Verifying --username bob --registry 192.0.2.1:5000 --verify --password-stdin",
            "bob's password"),
        own("credentials create --project Verifying --username eve --registry 192.0.2.1:5000 --verify=proved "
            "--password-stdin", "eve's password"),
        own("credentials create --project Verifying --username eve --registry 192.0.2.1:5000/team "
            "--probe 192.0.2.1:5000/other --password-stdin", "eve's password"),
        own("export --format auth-json --file auth.json --yes", variables=PULLER),
        own("export --format auth-json --file other.json --yes -o json", variables=PULLER),
        Step("export --format auth-json --file team.yaml --yes"),
        Step("export --format docker-auth-config"),
        own("export --format docker-auth-config --yes", variables=PULLER),
        own("export --format kubernetes --name pull --namespace apps --yes", variables=PULLER),
    ],
    "Files of other clients": [
        Step("import logins.json --dry-run"),
        Step("import logins.json"),
        Step("project create Imported"),
        Step("import team.yaml --yes"),
        Step("import logins.json --project Imported --yes"),
        Step("import logins.json --project Imported --yes --overwrite -o json"),
        Step("import - --project Imported --yes --quiet", LOGINS),
        Step("import auth.json --docker-config"),
    ],
    "The helper and the kubelet": [
        Step("helper install", variables=ALONE),
        Step("helper install --registry ghcr.io --registry docker.io --token-file token", variables=ALONE),
        Step("helper install --registry ghcr.io --registry GHCR.io/team", variables=ALONE),
        Step("helper install --all --dry-run -o json", variables=ALONE),
        Step("helper install --registry ghcr.io --token-file token", variables=ALONE),
        Step("helper uninstall --registry ghcr.io", variables=ALONE),
        Step("helper uninstall -o json", variables=ALONE),
        Step("helper uninstall", variables=ALONE),
        Step("helper doctor ghcr.io", variables=ALONE),
        Step("kubelet config --match-image ghcr.io --match-image registry.example:5000/team"),
        Step("kubelet config --match-image 'ghcr.io/*'"),
        own("kubelet config --project Pulling -o name"),
        Step("kubelet config --check logins.json"),
    ],
    "Somebody else": [
        Step(f"{LOGIN} --user mia --context mia --password-stdin", ACCOUNTS["mia"]),
        Step("context list"),
        Step("credentials list"),
        Step("credentials list --project demo -o name", keep="credentials"),
        own("user list", theirs=True),
        own("user password --password-stdin", ACCOUNTS["mia"] + "\nmia's second password"),
        Step("context use work"),
        Step("context use nowhere"),
        Step("context delete mia"),
        Step("context delete mia"),
        Step("project delete Payments --yes"),
    ],
    "Logging out": [
        Step("logout"),
        Step("logout"),
        Step("credentials list"),
        Step("context show -o json"),
        Step("context delete work -o json"),
        Step("context list"),
    ],
    "What asks no server": [
        Step("help exit-codes"),
        Step("completion bash", lines=1),
        Step("completion zsh", lines=1),
        Step("completion fish", lines=1),
        Step("man", lines=5),
        Step("man --dir pages"),
        Step("credentials list --sort size"),
        Step("credentials lst"),
    ],
}


@pytest.fixture(scope="module")
def on_regcred(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The session on regcred, as sections of the transcript."""
    with running(platform="6", realm="saagie") as server:
        return list(session(server.url, tmp_path_factory.mktemp("regcred"), None))


def test_the_session_is_that_of_the_transcript(on_regcred: list[str]) -> None:
    transcript = "\n".join(on_regcred)
    if os.environ.get("UPDATE_TRANSCRIPT"):
        TRANSCRIPT.write_text(transcript)
    assert transcript == TRANSCRIPT.read_text()


def test_on_the_original_platform_it_is_the_same(on_regcred: list[str], tmp_path: Path) -> None:
    with platform_stand_in() as platform:
        there = session(platform.url, tmp_path, on_regcred)
        assert "\n".join(there) == "\n".join(on_regcred)


def test_the_session_runs_every_command() -> None:
    run = {command_of(step.command) for steps in SESSION.values() for step in steps}
    assert run - {None} == every_command()


def session(url: str, home: Path, expected: list[str] | None) -> Iterator[str]:
    """Runs the session; its sections. Where `expected` is those of regcred, the server is another's."""
    for name, text in FILES.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    plain = Plain(url, home)
    kept = {"url": url, "home": str(home)}
    yield f"$ cat team.yaml\n{MANIFEST}"
    for number, (title, steps) in enumerate(SESSION.items(), 1):
        blocks = Blocks(expected[number]) if expected else None
        section = [f"# {title}\n"]
        for step in steps:
            section.append(
                taken(step, home, kept, plain, blocks.of_next_step() if blocks else None)
            )
        yield "".join(section)


def taken(step: Step, home: Path, kept: dict[str, str], plain: Plain, expected: str | None) -> str:
    """Runs a step; its block of the transcript."""
    if expected is not None and step.own:
        # As whoever is logged in: a token that was made on regcred counts nowhere else.
        return not_theirs(step, Person(home), expected)
    holes = re.compile(r"\{(\w+)(?::(\d+))?\}")
    variables = {name: holes.sub(lambda found: filled(found, kept), text) for name, text in step.variables.items()}
    person = Person(home, variables)
    command = holes.sub(lambda found: filled(found, kept), step.command)
    ran = person.run(command, step.stdin)
    if step.keep:
        kept[step.keep] = ran.out.strip()
    block = shown(replace(step, variables=variables), command, ran, plain)
    if expected is not None and step.theirs:
        return in_their_words(block, expected)
    return block


def filled(found: re.Match[str], kept: dict[str, str]) -> str:
    value = kept[found[1]]
    return value.splitlines()[int(found[2])] if found[2] else value


def not_theirs(step: Step, person: Person, expected: str) -> str:
    """What is regcred's own is refused elsewhere, in the client's words. Returned is what was expected of regcred."""
    ran = person.run(re.sub(r"\{.*?\}", "00000000-0000-4000-8000-000000000000", step.command), step.stdin)
    assert_failed(ran, 8, "error: this server has no ", "regcred's own\n")
    return expected


def in_their_words(block: str, expected: str) -> str:
    """The block with the words in which regcred says what is wrong, where the server has said something, too."""
    words = re.compile(r"^2> error: (\S.*)$", re.MULTILINE)
    assert len(words.findall(block)) == len(words.findall(expected)) == 1, block
    return words.sub(lambda _: words.search(expected)[0], block)  # type: ignore[index]


def shown(step: Step, command: str, ran: Ran, plain: Plain) -> str:
    """A step as the transcript has it."""
    line = " ".join([*(f"{name}={shlex.quote(text)}" for name, text in step.variables.items()), "regcred", command])
    if step.stdin is not None:
        line = f"printf {shlex.quote(step.stdin.replace(chr(10), chr(92) + 'n'))} | {line}"
    out = ran.out
    if step.lines is not None:
        whole = out.splitlines(keepends=True)
        out = "".join(whole[: step.lines]) + f"... and {len(whole) - step.lines} lines more\n"
    text = f"$ {line}\n{ended(out)}" + "".join(f"2> {line}\n" for line in ran.err.splitlines())
    return plain.of(text + (f"exit code {ran.code}\n" if ran.code else ""), step.own)


def ended(text: str) -> str:
    """With the line break that the text lacks at its end, which would otherwise not be seen."""
    return text if not text or text.endswith("\n") else f"{text}(no line break)\n"


class Blocks:
    """The blocks of a section, step by step."""

    def __init__(self, section: str) -> None:
        self._blocks = iter(re.split(r"^(?=\$ )", section, flags=re.MULTILINE)[1:])

    def of_next_step(self) -> str:
        return next(self._blocks)


class Plain:
    """Replaces what differs from run to run by what does not, of the same width where tables have it."""

    def __init__(self, url: str, home: Path) -> None:
        self._port = url.rpartition(":")[2]
        self._home = str(home)
        self._ids: dict[str, str] = {}

    def of(self, text: str, own: bool) -> str:
        text = text.replace(f"127.0.0.1:{self._port}", "127.0.0.1:" + "PORT".ljust(len(self._port), "_"))
        text = text.replace(self._home, "~")
        text = re.sub(r"\brc_[A-Za-z0-9_-]+", "rc_TOKEN", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "YYYY-MM-DDThh:mm:ssZ", text)
        text = re.sub(r"\b202\d-\d\d-\d\d\b", "YYYY-MM-DD", text)
        # What is regcred's own has numbers of its own: elsewhere there is nothing to count.
        end = "00000regcred" if own else "000000000000"
        return re.sub(UUID, lambda found: self._id(found[0], end), text)

    def _id(self, id: str, end: str) -> str:
        number = sum(known.endswith(end) for known in self._ids.values()) + 1
        return self._ids.setdefault(id, f"{number:08}-0000-0000-0000-{end}")


UUID = re.compile(r"\b(?!0{8})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
