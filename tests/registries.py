"""Real registries on the loopback, Debian's `docker-registry`: with a password file, and with a token server.

Both hold the same private images, each in a few repositories.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bcrypt

from certificates import Pair
from regcred_service import TIMEOUT
from token_server import ISSUER, SERVICE, Account, token_server

PUSHER = Account("pusher", "the password of who fills the registries")
# Where a token server decides, each may pull what is in the folder of its name, and nothing else.
ROBOT = Account("robot$team", 'p:ss "wörd" \\ of the team', ("team",))
TEAM_A = Account("robot-a", "the password of team a", ("team-a",))
TEAM_B = Account("robot-b", "the password of team b", ("team-b",))
TEAMWORK = Account("robot-w", "the password of teamwork", ("teamwork",))
ACCOUNTS = [PUSHER, ROBOT, TEAM_A, TEAM_B, TEAMWORK]
# The fixtures of these names.
KINDS = ["asks_for_password", "asks_for_token"]
REPOSITORIES = ["team/app", "team-a/app", "team-b/app", "teamwork/app"]


@dataclass(frozen=True)
class Registry:
    """A running registry with private images."""

    # As it stands in front of an image: address and port.
    host: str
    log: Path
    # Who got a token, each time, where there is a token server: there an account sees its own repositories only.
    logins: list[str]
    # Of the image, which is the same in each repository.
    digest: str
    # Of its token server, where it has one.
    realm: str | None = None

    def image(self, repository: str = "team/app") -> str:
        """The reference of a private image that is there."""
        return reference(self.host, repository)


@contextlib.contextmanager
def open_registry(folder: Path) -> Iterator[Registry]:
    """A registry that asks nobody for anything."""
    with registry(folder, {}, []) as running:
        yield running


@contextlib.contextmanager
def password_registry(folder: Path, tls: Pair | None = None) -> Iterator[Registry]:
    """A registry that asks for a username and a password (Basic), and lets each account do everything."""
    lines = (f"{one.name}:{bcrypt.hashpw(one.password.encode(), bcrypt.gensalt(5)).decode()}\n" for one in ACCOUNTS)
    passwords = folder / "htpasswd"
    passwords.write_text("".join(lines))
    with registry(folder, {"htpasswd": {"realm": "registry of the tests", "path": str(passwords)}}, [], tls) as running:
        yield running


@contextlib.contextmanager
def token_registry(folder: Path) -> Iterator[Registry]:
    """A registry that asks for a token (Bearer) of a token server, which knows what each account may do."""
    with token_server(folder, ACCOUNTS) as tokens:
        auth = {
            "realm": tokens.realm,
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(tokens.certificate),
        }
        with registry(folder, {"token": auth}, tokens.logins) as running:
            yield replace(running, realm=tokens.realm)


@contextlib.contextmanager
def registry(folder: Path, auth: dict[str, Any], logins: list[str], tls: Pair | None = None) -> Iterator[Registry]:
    """The program with this way to log in, filled with the images, and ended by its process id."""
    settings = folder / "registry.yml"
    pair = {"tls": {"certificate": str(tls.certificate), "key": str(tls.key)}} if tls else {}
    # JSON is YAML.
    settings.write_text(
        json.dumps(
            {
                "version": "0.1",
                "log": {"level": "info"},
                "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
                "http": {"addr": "127.0.0.1:0", "secret": "shared by nobody", **pair},
                "auth": auth,
            }
        )
    )
    log = folder / "registry.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["docker-registry", "serve", str(settings)],
            env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            host = announced_host(process, log)
            yield Registry(host, log, logins, push(folder / "image", host))
        finally:
            process.kill()


def announced_host(process: subprocess.Popen[bytes], log: Path) -> str:
    """Address and port, as the registry logs them once it listens."""
    give_up = time.monotonic() + TIMEOUT
    while time.monotonic() < give_up and process.poll() is None:
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(f"the registry did not start:\n{log.read_text()}")


def push(folder: Path, host: str) -> str:
    """Puts the image into every repository; its digest there."""
    write_image(folder)
    pushed = folder / "digest"
    digests = set()
    for repository in REPOSITORIES:
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--format", "v2s2"]
        command += ["--dest-creds", f"{PUSHER.name}:{PUSHER.password}", "--digestfile", str(pushed)]
        command += [f"oci:{folder}:1.0", f"docker://{reference(host, repository)}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 0, done
        digests.add(pushed.read_text().strip())
    (digest,) = digests
    return digest


def reference(host: str, repository: str) -> str:
    """Of the image in a repository."""
    return f"{host}/{repository}:1.0"


def write_image(folder: Path) -> None:
    """An image of one layer with one file, as a folder in the layout of the OCI."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def described(value: dict[str, Any], media_type: str) -> dict[str, Any]:
        return blob(json.dumps(value).encode(), media_type)

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        content = b"private\n"
        entry = tarfile.TarInfo("private.txt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    layer = blob(gzip.compress(buffer.getvalue(), mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    config = described(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"what": "private image of the tests"}},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(buffer.getvalue()).hexdigest()}"]},
        },
        "application/vnd.oci.image.config.v1+json",
    )
    manifest = described(
        {"schemaVersion": 2, "config": config, "layers": [layer]}, "application/vnd.oci.image.manifest.v1+json"
    )
    named = {**manifest, "annotations": {"org.opencontainers.image.ref.name": "1.0"}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
