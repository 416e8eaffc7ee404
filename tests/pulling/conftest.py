"""Credentials on their way from regcred to the programs that pull images: all of them real, on the loopback.

Run with `REGCRED_BIN=<regcred, beside its helpers> SYFT_BIN=<syft> python -m pytest tests/pulling`. On the path must be
`docker-registry`, `skopeo` and `docker`; `podman` may be.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from machine import Machine
from project import Project, Token
from registries import KINDS, Registry
from regcred_service import USAGE_ERROR, Server, binary


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Without them there is nothing to test, so the run ends."""
    beside = Path(binary()).parent
    needed = {beside / name for name in ("docker-credential-regcred", "regcred-kubelet-provider")}
    needed.add(Path(os.environ.get("SYFT_BIN", "SYFT_BIN")))
    if missing := [str(program) for program in needed if not os.access(program, os.X_OK)]:
        pytest.exit(f"not there: {', '.join(missing)}", USAGE_ERROR)


@pytest.fixture(params=KINDS)
def registry(request: pytest.FixtureRequest) -> Registry:
    """Either of them."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def puller(project: Project) -> Token:
    """A token that may pull in it."""
    return project.token("PULL")


@pytest.fixture
def machine(tmp_path: Path, server: Server, puller: Token) -> Machine:
    """A machine that holds that token."""
    return Machine.of(tmp_path, server, puller)
