"""The example of the Rust client without async; the other one is in the hands of `test_interleaved.py`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from regcred_service import ADMIN, ADMIN_PASSWORD, TIMEOUT, Server, unique


def test_the_blocking_example_prints_the_credentials_of_a_project(server: Server) -> None:
    api, name = server.connect(), unique("blocking")
    project = api.projects.create(name)["createProject"]["id"]
    api.docker_credentials.create(project, "bot", "a password", registry="ghcr.io")
    api.docker_credentials.create(project, "bot", "a password")

    ran = subprocess.run(
        [Path(os.environ["REGCRED_SDK_EXAMPLE"]).with_name("blocking"), name],
        env={"REGCRED_URL": server.url, "REGCRED_LOGIN": ADMIN, "REGCRED_PASSWORD": ADMIN_PASSWORD},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "bot at ghcr.io\nbot at Docker Hub\n", "")
