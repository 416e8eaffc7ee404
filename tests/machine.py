"""A machine on which images are pulled: a home, the helper on the path, and the real programs as whole processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from project import Token
from regcred_service import TIMEOUT, Server, binary


@dataclass(frozen=True)
class Ran:
    """What a program came to."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """What a person sees, whatever the breaks of lines."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass
class Machine:
    """Where it asks regcred stands in `variables`, as in its users' environments."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Path, server: Server, token: Token) -> Machine:
        """A machine that holds a token."""
        return cls(home, {"REGCRED_URL": server.url, "REGCRED_TOKEN": token.text})

    @property
    def config(self) -> Path:
        """docker's file; the others are told to read it too."""
        return self.home / ".docker" / "config.json"

    def configure(self, settings: dict[str, Any]) -> None:
        """Writes docker's file."""
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(json.dumps(settings))

    def help_for(self, host: str) -> Machine:
        """The helper is asked for this registry; what `helper install` writes is the matter of `test_installed.py`."""
        self.configure({"credHelpers": {host: "regcred"}})
        return self

    def help_for_all(self) -> Machine:
        """The helper is asked for every registry."""
        self.configure({"credsStore": "regcred"})
        return self

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Starts a program."""
        environment = {
            "PATH": search_path(),
            "HOME": str(self.home),
            "TMPDIR": str(self.scratch),
            "REGISTRY_AUTH_FILE": str(self.config),
            "LANG": "C.UTF-8",
            # A daemon of whoever runs the tests is none of ours.
            "DOCKER_HOST": f"unix://{self.home}/no-daemon.sock",
            # What lies beyond the loopback is not there, and is known not to be at once.
            "HTTPS_PROXY": NOBODY,
            "HTTP_PROXY": NOBODY,
            "NO_PROXY": "127.0.0.1",
            "SYFT_CHECK_FOR_APP_UPDATE": "false",
            "SYFT_REGISTRY_INSECURE_USE_HTTP": "true",
            **self.variables,
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, env=environment, text=True, **{"cwd": self.home, **pipes, **options})

    def run(self, *words: str, stdin: str = "") -> Ran:
        """Runs a program to its end."""
        with self.start(*words) as process:
            try:
                out, err = process.communicate(stdin, timeout=TIMEOUT)
            except BaseException:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    @property
    def scratch(self) -> Path:
        """The folder of its temporary files."""
        folder = self.home / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    def regcred(self, *words: str, stdin: str = "") -> Ran:
        """Runs regcred's command line."""
        return self.run("regcred", *words, stdin=stdin)

    def helper(self, argument: str, stdin: str = "") -> Ran:
        """Runs the helper as docker does."""
        return self.run("docker-credential-regcred", argument, stdin=stdin)

    def provide(self, image: str) -> Ran:
        """Runs the credential provider as the kubelet does."""
        request = {"apiVersion": KUBELET, "kind": "CredentialProviderRequest", "image": image}
        return self.run("regcred-kubelet-provider", stdin=json.dumps(request))

    def inspect(self, image: str) -> Ran:
        """`skopeo inspect`."""
        return self.run("skopeo", "inspect", "--tls-verify=false", f"docker://{image}")

    def copy(self, image: str, to: Path) -> Ran:
        """`skopeo copy` to a folder."""
        command = ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", f"docker://{image}", f"dir:{to}"]
        return self.run(*command)

    def docker(self, *words: str, stdin: str = "") -> Ran:
        """docker's command line, without a daemon."""
        return self.run("docker", *words, stdin=stdin)

    def manifest(self, image: str) -> Ran:
        """`docker manifest inspect`: the one command that goes to a registry without a daemon."""
        return self.docker("manifest", "inspect", "--insecure", image)

    def podman(self, image: str) -> Ran:
        """`podman pull`, each time into an empty storage."""
        # Its places may have few letters, fewer than the machine's own folders have.
        with tempfile.TemporaryDirectory() as storage:
            places = ["--root", f"{storage}/root", "--runroot", f"{storage}/run", "--tmpdir", f"{storage}/tmp"]
            places += ["--storage-driver", "vfs", "--network-config-dir", f"{storage}/networks"]
            return self.run("podman", *places, "pull", "--quiet", "--tls-verify=false", image)

    def syft(self, image: str) -> Ran:
        """Syft, which pulls as the tools of go-containerregistry do."""
        return self.run(os.environ["SYFT_BIN"], "scan", "-o", "syft-json", f"registry:{image}")

    def oras(self, image: str) -> Ran:
        """The `oras` of Python."""
        return self.run(sys.executable, "-c", ORAS, image)


def search_path(*first: Path) -> str:
    """Where programs are looked for: in these folders, and then among regcred's own."""
    return ":".join([*map(str, first), str(Path(binary()).parent), os.environ["PATH"]])


def assert_worked(ran: Ran, *words: str) -> None:
    """It succeeded, and what it printed holds these."""
    assert ran.code == 0, ran
    for word in words:
        assert word in ran.out, ran


def assert_failed(ran: Ran, *words: str) -> None:
    """It failed, and a person sees these words."""
    assert ran.code != 0, ran
    for word in words:
        assert word in ran.shown, ran


def assert_unauthorized(ran: Ran) -> None:
    """The registry refused it, as each client says it."""
    assert_failed(ran)
    assert re.search(UNAUTHORIZED, ran.shown), ran


UNAUTHORIZED = "(?i)unauthorized|authentication required|no basic auth credentials|respond to request for auth"
# A proxy that nobody listens at.
NOBODY = "http://127.0.0.1:9"
KUBELET = "credentialprovider.kubelet.k8s.io/v1"
ORAS = """
import sys, time, oras.client
time.sleep = lambda _: None  # It tries again whatever the reason, for minutes.
client = oras.client.OrasClient(insecure=True)
image = client.get_container(sys.argv[1])
print(client.get_manifest(image, ["application/vnd.docker.distribution.manifest.v2+json"]))
"""
