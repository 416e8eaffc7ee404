"""What every suite here shares: the service under test.

Run a suite with `REGCRED_BIN=<path of the regcred program> python -m pytest tests/NAME`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from project import Project
from registries import Registry, password_registry, token_registry
from regcred_service import Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The service under test, with an empty database; all tests of the run share it."""
    with pytest.MonkeyPatch.context() as environment:
        # The Python client honours proxies; none leads to the loopback.
        environment.setenv("NO_PROXY", "127.0.0.1")
        with running() as server:
            yield server


@pytest.fixture
def project(server: Server) -> Project:
    """A fresh project."""
    return Project(server)


@pytest.fixture(scope="session")
def asks_for_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a password file."""
    with password_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def asks_for_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a token server, at which each account sees its own repositories."""
    with token_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running
