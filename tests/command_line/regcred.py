"""A real service with somebody logged in to it, for tests of what is regcred's own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from person import Person
from regcred_service import ADMIN_PASSWORD, Server, binary, running


@dataclass(frozen=True)
class Regcred:
    """The service, and its admin at a command line."""

    server: Server
    admin: Person

    def project(self, name: str) -> None:
        self.admin.do(f"project create {name} --quiet")

    def credentials(self, project: str, username: str, registry: str | None, password: str, flags: str = "") -> None:
        at = f"--registry {registry}" if registry else ""
        self.admin.do(
            f"credentials create --project {project} --username {username} {at} {flags} --password-stdin --quiet", password
        )

    def listed(self, project: str) -> set[tuple[str | None, str]]:
        listed = json.loads(self.admin.do(f"credentials list --project {project} -o json"))
        return {(one["registry"], one["username"]) for one in listed}

    def token(self, project: str, *rights: str) -> str:
        flags = " ".join(f"--right {right}" for right in rights)
        return self.admin.do(f"token create --project {project} {flags} --quiet").strip()

    def puller(self, home: Path, token: str, **variables: str) -> Person:
        """Somebody who has this token and nothing else."""
        home.mkdir(exist_ok=True)
        return Person(home, {"REGCRED_URL": self.server.url, "REGCRED_TOKEN": token, **variables})


@contextlib.contextmanager
def regcred_service(home: Path, data: Path | None = None) -> Iterator[Regcred]:
    """A service of its own, whose database lies in `data` where somebody wants to look at it afterwards."""
    home.mkdir(exist_ok=True)
    with running(data=data) as server:
        admin = Person(home)
        admin.do(f"login {server.url} --user admin --context admin --quiet --password-stdin", ADMIN_PASSWORD)
        yield Regcred(server, admin)


def path_with_helpers(folder: Path) -> str:
    """A PATH that has the helper, as it was built beside the program."""
    folder.mkdir(exist_ok=True)
    helper = Path(binary()).parent / "docker-credential-regcred"
    assert helper.exists(), f"{helper} is not there: cargo build -p regcred-helpers"
    link = folder / helper.name
    if not link.exists():
        link.symlink_to(helper)
    return f"{folder}:{os.environ['PATH']}"
