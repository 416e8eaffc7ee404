"""Whether credentials work: regcred tries them at real registries, and at servers that are none, all on the loopback.

Run with `REGCRED_BIN=<regcred> python -m pytest tests/verifying`. On the path must be `docker-registry` and `skopeo`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cases import Places, places
from machine import Machine
from project import Project
from registries import Registry
from regcred_service import Server, running


@pytest.fixture(scope="session")
def everywhere(
    tmp_path_factory: pytest.TempPathFactory, asks_for_password: Registry, asks_for_token: Registry
) -> Iterator[Places]:
    """Every server at which credentials are tried."""
    with contextlib.ExitStack() as stack:
        yield places(stack, tmp_path_factory.mktemp("places"), asks_for_password, asks_for_token)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, everywhere: Places) -> Iterator[Server]:
    """The service, whose operator has listed these servers."""
    settings = tmp_path_factory.mktemp("settings") / "regcred.toml"
    # Strings of JSON are strings of TOML.
    tables = (
        "\n".join(["[[registries]]", *(f"{key} = {json.dumps(value)}" for key, value in rule.items())])
        for rule in everywhere.rules
    )
    settings.write_text("\n".join(tables))
    # The service listens on the loopback, where `--dev` allows whatever runs on this machine; what the file says of a
    # server goes before that.
    with running(settings={"REGCRED_CONFIG": str(settings), "REGCRED_LOG": "debug"}) as server:
        yield server


@pytest.fixture
def editor(tmp_path: Path, server: Server, project: Project) -> Machine:
    """Somebody at a command line, whose token may edit."""
    machine = Machine.of(tmp_path, server, project.token("EDIT"))
    machine.variables["REGCRED_PROJECT"] = project.name
    return machine
