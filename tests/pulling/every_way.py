"""All that is done with credentials on a machine, good and bad, so that it can be looked at what is left of them."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from machine import Machine, Ran, assert_failed, assert_worked
from registries import ROBOT, Registry
from regcred_service import TIMEOUT


def import_in_every_way(machine: Machine, folder: Path, *registries: Registry) -> list[str]:
    """From a file, from standard input, and from docker's own file, with what changes nothing; what was printed."""
    auth = base64.b64encode(f"{ROBOT.name}:{ROBOT.password}".encode()).decode()
    files = [json.dumps({"auths": {registry.host: {"auth": auth}}}) for registry in registries]
    # They hold passwords as they must, so they lie where nothing is searched.
    theirs = folder / "theirs"
    theirs.mkdir()
    (theirs / "config.json").write_text(files[0])
    (theirs / "broken.json").write_text(files[0][:-1])
    docker = replace(machine, variables={**machine.variables, "DOCKER_CONFIG": str(theirs)})
    ran = [
        machine.regcred("import", str(theirs / "config.json"), "--dry-run"),
        machine.regcred("import", str(theirs / "config.json"), "--yes"),
        machine.regcred("import", "-", "--yes", stdin=files[1]),
        docker.regcred("import", "--docker-config", "--overwrite", "--yes"),
        machine.regcred("import", "-", "--overwrite", "--yes", "-o", "json", stdin=files[1]),
    ]
    for one in ran:
        assert_worked(one, ROBOT.name)
    for broken in ("broken.json", "absent.json"):
        ran.append(machine.regcred("import", str(theirs / broken), "--yes"))
        assert_failed(ran[-1], broken)
    return texts(ran)


def install(machine: Machine, token: str, *registries: Registry) -> list[str]:
    """Enters the helper, with a token for it, and goes down the way of a pull; what was printed."""
    with_token = ["helper", "install", "--all", "--token-stdin"]
    ran = [machine.regcred(*with_token, "--dry-run", stdin=token), machine.regcred(*with_token, stdin=token)]
    again = machine.regcred(*with_token, stdin=token)
    for one in ran:
        assert_worked(one, "written: ")
    assert_failed(again, "--force")
    doctors = [machine.regcred("helper", "doctor", registry.image(), "-o", "json") for registry in registries]
    # Without the variables, the token of the configuration is the one.
    configured = replace(machine, variables={})
    doctors += [configured.regcred("helper", "doctor", registry.image()) for registry in registries]
    for doctor in doctors:
        assert_worked(doctor, ROBOT.name)
    return texts([*ran, again, *doctors])


def export_in_every_way(machine: Machine, exported: Path, registry: Registry) -> list[str]:
    """To files and to standard output, which holds the passwords then; what was printed besides."""
    printed = []
    exported.mkdir()
    for form in ("config-json", "auth-json", "kubernetes"):
        # docker takes the account of a path for all of its host, and the others heed it.
        export = ["export", "--format", form, "--yes", *(["--hosts-only"] if form == "config-json" else [])]
        told = machine.regcred(*export, "-o", "json", "--file", str(exported / form))
        assert_worked(told, registry.host)
        shown = machine.regcred(*export)
        assert_worked(shown)
        assert (exported / form).read_text() == shown.out
        refused = machine.regcred(*export, "--file", str(exported / form))
        assert_failed(refused, "--force")
        printed += [*texts([told, refused]), shown.err]
    return printed


def texts(ran: list[Ran]) -> list[str]:
    """All that was printed."""
    return [text for one in ran for text in (one.out, one.err)]


def pull_in_every_way(machine: Machine, *registries: Registry) -> None:
    """Each client and each of our programs, with what succeeds and with what does not."""
    for registry in registries:
        assert_worked(machine.manifest(registry.image()))
        assert_worked(machine.syft(registry.image()))
        provided = machine.provide(registry.image())
        assert_worked(provided, json.dumps(ROBOT.password, ensure_ascii=False)[1:-1])
        pulled = machine.run("regcred", "pull", registry.image(), "--password-stdout")
        assert_worked(pulled, ROBOT.password)
        got = machine.helper("get", registry.host)
        assert json.loads(got.out)["Secret"] == ROBOT.password
        assert_failed(machine.helper("get", f"{ROBOT.password}\n"))
        assert_failed(machine.helper("store", json.dumps({"ServerURL": registry.host, "Secret": ROBOT.password})))


def dump_the_helper(machine: Machine, folder: Path, registry: Registry) -> None:
    """Kills the helper while it holds an answer that nobody reads, with a core file asked for."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PAGE)
    os.write(write, b" " * PAGE)
    words = ["prlimit", "--core=unlimited", "docker-credential-regcred", "get"]
    with machine.start(*words, cwd=folder, stdout=write) as helper:
        helper.stdin.write(registry.host)
        helper.stdin.close()
        give_up = time.monotonic() + TIMEOUT
        while not any("pipe" in task.read_text() for task in Path(f"/proc/{helper.pid}/task").glob("*/wchan")):
            assert time.monotonic() < give_up and helper.poll() is None, "the helper does not wait to be read"
            time.sleep(0.01)
        os.kill(helper.pid, signal.SIGABRT)
        assert helper.wait(TIMEOUT) == -signal.SIGABRT
    os.close(read)
    os.close(write)


# The least that a pipe holds.
PAGE = 4096
